"""A package whose rooms are imported when they are first used (PEP 562)."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy(
    package: str, module: dict[str, Any]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Its public names are those that it imports under ``if TYPE_CHECKING``. They are
    read from its source, so that editors, mypy and users have one list.

    Args:
        package: Its name.
        module: Its ``globals()``, where what has been looked up is kept.
    """
    tree = ast.parse(module["__spec__"].loader.get_source(package))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    room_of = {own.name: str(node.module) for node in imports for own in node.names}

    def find(name: str) -> Any:
        room = import_module(room_of.get(name, package))
        if name not in vars(room):  # a room itself, listed or not
            path = f"{room.__name__}.{name}"
            try:
                import_module(path)
            except ModuleNotFoundError as error:
                if error.name != path:
                    raise  # something that the room needs
                raise AttributeError(
                    f"module {room.__name__!r} has no attribute {name!r}"
                ) from None
        module[name] = vars(room)[name]
        return module[name]

    return find, lambda: sorted({*module, *room_of}), sorted(room_of)
