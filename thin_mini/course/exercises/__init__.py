"""The exercises, one a file: its docstring is what the reader is told.

``draw`` makes the inputs, ``right`` says from the library's pieces what should come,
and every other function is a mistake that readers make, with what to say about it.
"""
