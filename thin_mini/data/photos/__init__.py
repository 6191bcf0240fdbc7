"""Photographs of faces from disk: layouts, published sets, pictures, detection."""
