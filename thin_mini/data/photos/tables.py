"""Tables and lists of text: what is odd in one is named by its row or line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from thin_mini.files import DataError, regular_file


@contextmanager
def _text(file: Path) -> Iterator[TextIO]:
    """A file of text, open.

    Raises:
        DataError: Also from the block, if it is none.
    """
    if not regular_file(file):
        raise DataError(f"{file} cannot be read: there is no such file")
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            yield text
    except (OSError, UnicodeDecodeError) as error:
        # An OSError names the file, which the message does already.
        why = getattr(error, "strerror", None) or str(error)
        raise DataError(
            f"{file} is no text that can be read ({why}): fetch it again, or save it "
            "as UTF-8"
        ) from error


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers.

    Raises:
        DataError: If it is no file of text.
    """
    with _text(file) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, line.strip()


def first_line(file: Path) -> str:
    """The first line that is not empty."""
    return next(read_lines(file), (0, ""))[1]


def read_list(file: Path, form: str, mend: str, head: str = "") -> pd.DataFrame:
    """A list of lines of one form.

    Args:
        file: Of text.
        form: A regular expression without regard to capitals, whose groups have names.
        mend: How a line must look.
        head: What the first line may be instead.

    Returns:
        The groups of each line as text, with the number of the line as index.

    Raises:
        DataError: If a line has another form, or the file cannot be read.
    """
    rows, pattern = {}, re.compile(form, re.IGNORECASE)
    for number, line in read_lines(file):
        match = pattern.fullmatch(line)
        if match is not None:
            rows[number] = match.groupdict()
        elif number > 1 or not re.fullmatch(head, line, re.IGNORECASE):
            raise DataError(f"{file}, line {number}: {line!r} is not {mend}")
    return pd.DataFrame([*rows.values()], [*rows], [*pattern.groupindex], dtype=object)


def read_table(
    file: Path,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    names: Sequence[str] = (),
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
    with _text(file) as text:
        delimiter = max(",;\t", key=text.readline().count)
        text.seek(0)
        rows = _rows(file, csv.reader(text, delimiter=delimiter, strict=True))
        header = [*names] or next(rows, (0, []))[1]
        columns, table = _columns(file, header, needed, optional), {}
        for number, cells in rows:
            if any(cells[len(header) :]):
                raise DataError(
                    f"{file}, row {number} has {len(cells)} values for {len(header)} "
                    f"columns: put a value that holds a {delimiter!r} in quotation "
                    "marks"
                )
            cells += [""] * (len(header) - len(cells))
            table[number] = [cells[column] for column in columns.values()]
    if not table:
        raise DataError(f"{file} holds no row below its header: fill it in")
    return pd.DataFrame([*table.values()], [*table], [*columns], dtype=object)


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


def _columns(
    file: Path, header: Sequence[str], needed: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Where the wanted columns are."""
    found = [name.lower() for name in header]
    wanted = [name for name in (*needed, *optional) if name.lower() in found]
    missing = [name for name in needed if name not in wanted]
    if missing:
        raise DataError(
            f"{file} has no column {', '.join(missing)}: its columns are "
            f"{', '.join(header) or 'none, since it is empty'}. Rename one, or add it"
        )
    for name in wanted:
        if found.count(name.lower()) > 1:
            raise DataError(f"{file} has two columns {name}: rename or drop one")
    return {name: found.index(name.lower()) for name in wanted}


def coded(
    file: Path, column: pd.Series, codes: Mapping[str, object], mend: str
) -> pd.Series:
    """What the values of a table's column stand for.

    Args:
        file: The table, for a message.
        column: Text; capitals count for nothing, and a spreadsheet's 3.0 is 3.
        codes: By values in lower case.
        mend: What to write, if a value is none of them.

    Raises:
        DataError: That names the first such value.
    """
    plain = column.str.lower().str.replace(r"^(\d+)\.0*$", r"\1", regex=True)
    check_column(file, column, plain.isin(codes), mend)
    return plain.map(codes)


def filled(file: Path, *columns: pd.Series) -> None:
    """An error if a value of a table's columns is empty."""
    for column in columns:
        check_column(file, column, column != "", "fill it in, or drop the row")


def check_column(file: Path, column: pd.Series, good: pd.Series, mend: str) -> None:
    """An error that names the first value of a table's column that is not good."""
    if not good.all():
        row = good.idxmin()
        raise DataError(f"{file}, row {row}: {column.name} is {column[row]!r}; {mend}")


def title(file: Path) -> str:
    """A table's name for ``.source``, without the path that leads to it."""
    return f"{file.name} of {file.resolve().parent.name}"
