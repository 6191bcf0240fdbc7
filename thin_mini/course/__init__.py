"""What a reader meets of the library first: a start, checks, exercises, questions."""

from thin_mini.course.asking import ask
from thin_mini.course.chapter import same, setup, tell
from thin_mini.course.checking import check, hint

__all__ = ["ask", "check", "hint", "same", "setup", "tell"]
