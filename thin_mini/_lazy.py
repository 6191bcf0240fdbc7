"""A package whose rooms are imported when they are first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy(
    package: str,
    module: dict[str, Any],
    names: dict[str, str],
    rooms: dict[str, str] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: Its name.
        module: Its ``globals()``, where what has been looked up is kept.
        names: By room, what the package takes from it, separated by blanks.
        rooms: Rooms that are public as such, and where they are.
    """
    room_of = {name: room for room, own in names.items() for name in own.split()}
    rooms = rooms or {}
    public = sorted([*room_of, *rooms])

    def find(name: str) -> Any:
        if name in room_of:
            value = getattr(import_module(f"{package}.{room_of[name]}"), name)
        elif name in rooms:
            value = import_module(f"{package}.{rooms[name]}")
        elif name.startswith("_"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        else:
            try:
                value = import_module(f"{package}.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise  # something that the room needs
                raise AttributeError(
                    f"module {package!r} has no attribute {name!r}"
                ) from None
        module[name] = value
        return value

    return find, lambda: sorted({*module, *public}), public
