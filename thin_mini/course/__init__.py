"""What a reader meets of the library first: a chapter's start, checks, exercises."""

from thin_mini.course.chapter import same, setup
from thin_mini.course.checking import check, hint

__all__ = ["check", "hint", "same", "setup"]
