"""What lies in a folder: files without the hidden ones, tables and lists as text.

Names are compared without regard to capitals. A tool's leavings (``.DS_Store``,
``._a.png``, ``.ipynb_checkpoints``, ``__MACOSX``, ``Thumbs.db``) are not seen at all.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from fnmatch import filter as filter_names
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from thin_mini.files import DataError, regular_file

LEFT_BY_TOOLS = {
    "__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir",
    "$recycle.bin", "lost+found", "system volume information",
}  # fmt: skip


def hidden(path: str) -> bool:
    """Whether a name in this path, with forward slashes, is hidden or a tool's."""
    return any(map(_left, path.split("/")))


def _left(name: str) -> bool:
    return name[:1] == "." or name.lower() in LEFT_BY_TOOLS


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted, without the hidden ones.

    Raises:
        DataError: If it is no folder, or may not be read.
    """
    return [entry.name for entry in _entries(folder)]


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder."""
    return [folder / entry.name for entry in _entries(folder) if entry.is_dir()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            seen = [entry for entry in entries if not _left(entry.name)]
    except OSError as error:
        raise DataError(
            f"{folder} is no folder that can be read ({error.strerror}): correct its "
            "name, or ask its owner"
        ) from error
    return sorted(seen, key=lambda entry: entry.name)


def look(root: Path, *patterns: str) -> Path | None:
    """The first path below ``root`` that fits one of some patterns such as ``a/*.csv``.

    Patterns are in lower case, and an earlier one comes before a later one.
    """

    @cache  # each folder is listed once, since it may hold 100,000 pictures
    def lower(place: Path) -> dict[str, str]:
        return {n.lower(): n for n in names_in(place)} if place.is_dir() else {}

    for pattern in patterns:
        places = [root]
        for part in pattern.split("/"):
            exact = not set(part) & set("*[")
            places = [
                place / lower(place)[name]
                for place in places
                for name in ([part] if exact else filter_names(lower(place), part))
                if name in lower(place)
            ]
        if places:
            return places[0]
    return None


def walk(root: Path) -> Iterator[tuple[str, list[Path], list[Path]]]:
    """Each folder from ``root`` down, as a path from it, with its folders and files.

    Links are followed, except to a folder that they lie in. A folder called like a
    picture counts as a file, so that it is missed and not passed over.
    """

    def stop(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read ({error.strerror})")

    for place, inner, files in os.walk(root, followlinks=True, onerror=stop):
        folder = Path(place)
        odd = [n for n in inner if Path(n).suffix.lower() in (".png", ".jpg", ".jpeg")]
        inner[:] = sorted(
            name
            for name in inner
            if not (hidden(name) or name in odd or _circular(folder / name))
        )
        yield (
            folder.relative_to(root).as_posix(),
            [folder / name for name in inner],
            [folder / name for name in sorted(files + odd) if not hidden(name)],
        )


def _circular(folder: Path) -> bool:
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(
        folder.resolve()
    )


def contents(root: Path) -> str:
    """What a folder holds, in words, for a message."""
    names = names_in(root)
    more = f" and {len(names) - 6:,} more" if len(names) > 6 else ""
    return (", ".join(names[:6]) or "nothing") + more


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers.

    Raises:
        DataError: If it is no file of text.
    """
    if not regular_file(file):
        raise DataError(f"{file} cannot be read: there is no such file")
    try:
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} is no text that can be read ({_reason(error)}): fetch it again, "
            "or save it as UTF-8"
        ) from error


def read_table(
    file: Path,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """These columns of a CSV, as text without blanks around it.

    Args:
        file: With commas, semicolons or tabs between the values.
        needed: Columns; capitals and blanks around them count for nothing.
        optional: Columns that may be absent.
        names: All columns in order, for a file that does not name them.

    Returns:
        One row for each that is not empty, with the number of its line as index.

    Raises:
        DataError: If the file cannot be read, a column is missing or a row too long.
    """
    if not regular_file(file):
        raise DataError(f"{file} cannot be read as a table: there is no such file")
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            start = text.readline()
            text.seek(0)
            delimiter = max(",;\t", key=start.count)
            rows = _rows(file, csv.reader(text, delimiter=delimiter, strict=True))
            header = list(names or next(rows, (0, []))[1])
            places = _places(file, header, needed, optional)
            table, numbers = [], []
            for number, cells in rows:
                if any(cells[len(header) :]):
                    raise DataError(
                        f"{file}, row {number} has {len(cells)} values for "
                        f"{len(header)} columns: put a value that holds a "
                        f"{delimiter!r} in quotation marks"
                    )
                cells += [""] * (len(header) - len(cells))
                table.append([cells[place] for place in places.values()])
                numbers.append(number)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} cannot be read as a table ({_reason(error)}): pass a CSV in UTF-8"
        ) from error
    if not table:
        raise DataError(f"{file} holds no row below its header: fill it in")
    return pd.DataFrame(table, numbers, list(places), dtype=object)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"its byte {error.start} is no UTF-8"
    return error.strerror or str(error)


def _rows(file: Path, lines: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows of a ``csv.reader`` that are not empty, with their lines' numbers."""
    try:
        for line in lines:
            cells = [cell.strip() for cell in line]
            if any(cells):
                yield lines.line_num, cells
    except csv.Error as error:
        raise DataError(
            f"{file} cannot be read as a table (row {lines.line_num}: {error}): close "
            "its quotation marks, or fetch it again"
        ) from error


def _places(
    file: Path, header: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Where the wanted columns are."""
    if not header:
        raise DataError(
            f"{file} cannot be read as a table (it is empty): its first row must name "
            f"the columns {', '.join(needed)}"
        )
    found = [name.lower() for name in header]
    missing = [name for name in needed if name.lower() not in found]
    if missing:
        raise DataError(
            f"{file} has no column {', '.join(missing)}: its columns are "
            f"{', '.join(header)}. Rename one, or add it"
        )
    wanted = [name for name in (*needed, *optional) if name.lower() in found]
    for name in wanted:
        if found.count(name.lower()) > 1:
            raise DataError(f"{file} has two columns {name}: rename or drop one")
    return {name: found.index(name.lower()) for name in wanted}


def check_column(file: Path, column: pd.Series, good: pd.Series, mend: str) -> None:
    """An error that names the first value of a table's column that is not good."""
    if not good.all():
        row = good.idxmin()
        raise DataError(f"{file}, row {row}: {column.name} is {column[row]!r}; {mend}")


def title(file: Path) -> str:
    """A table's name for ``.source``, without the path that leads to it."""
    return f"{file.name} of {file.resolve().parent.name}"
