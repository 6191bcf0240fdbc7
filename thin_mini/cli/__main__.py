"""``python -m thin_mini.cli`` is ``thin-mini``."""

from thin_mini.cli import app

app()
