"""Publishers' text files: strict decoding, and numbers that know the row they came from.

Everything here either returns what the file says or raises ClimateError with file, row, found and expected. A cell is
a number only if it is written as one in ASCII digits; "nan", "inf" and the like count as numbers only where a reader
declares them as its missing marker.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.sources.archive import open_file
from climate.sources.channels.verify import WEB_PAGE

Floats = NDArray[np.float64]

ADVICE = "correct your own copy, or choose another vintage of the source"
"""For a file that is whole, which would be the same another time."""
GET_AGAIN = "get the file again"
"""For a file that was cut short or damaged on its way, and for a web page in its place."""

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBERS = re.compile(rf"(?:{_NUMBER}\n)*+")  # possessive: a cell can be read in one way only, so never try again
NUMBER = re.compile(_NUMBER)
"""What a cell must be to count as a number."""
_INTEGER = re.compile(r"[+-]?[0-9]+")
_BYTE_ORDER_MARKS = (  # longest first: the UTF-32 mark begins like the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def problem(name: str, row: int | None, found: object, expected: str, advice: str = ADVICE) -> ClimateError:
    """The error for one place of a file; `row` is the line number, counted from 1."""
    where = name if row is None else f"{name}, row {row}"
    return ClimateError(f"{where}: found {_short(found)}, expected {expected}; {advice}")


def _short(found: object, limit: int = 80) -> str:
    text = found if isinstance(found, str) else str(found)
    text = " ".join(text.split())
    return repr(text if len(text) <= limit else text[: limit - 3] + "...")


def decode(data: bytes, name: str, fallback: str | None = None) -> str:
    """Text of `data`: by its byte order mark, else UTF-8, else `fallback` for publishers who use another encoding."""
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)), None)
    encoding = marked or "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if marked or fallback is None:
            row = data.count(b"\n", 0, error.start) + 1
            byte = f"byte {data[error.start]:#04x}" if error.start < len(data) else "a cut-off character"
            raise problem(
                name, row, byte, f"{encoding.removesuffix('-sig').upper()} text", "save it as UTF-8"
            ) from None
        try:
            text = data.decode(fallback)
        except UnicodeDecodeError as error2:
            row = data.count(b"\n", 0, error2.start) + 1
            raise problem(
                name, row, f"byte {data[error2.start]:#04x}", f"UTF-8 or {fallback} text", "save it as UTF-8"
            ) from None
    control = re.search("[\x00-\x08\x0e-\x1f\x7f]", text)
    if control:
        row = text.count("\n", 0, control.start()) + 1
        raise problem(name, row, f"control character {control.group()!r}", "plain text (not UTF-16, not a binary file)")
    return text


@dataclass(frozen=True)
class TextFile:
    """The lines of a file, without their ends."""

    name: str
    lines: list[str]
    ended: bool
    """Whether the last line has a line end; without one it may be cut short."""
    advice: str = ADVICE
    """What to do about a fault of the file."""

    def line(self, row: int) -> str:
        """Line `row`, counted from 1; "" past the end."""
        return self.lines[row - 1] if row <= len(self.lines) else ""

    def first_row(self, comment: str) -> int:
        """The first row, counted from 1, that does not begin with `comment`; one past the end if all do."""
        rows = enumerate(self.lines, 1)
        return next((row for row, line in rows if not line.startswith(comment)), len(self.lines) + 1)

    def search(self, pattern: str) -> str:
        """The group of a regular expression in the first line that it matches, "" if none does."""
        return next((match[1] for line in self.lines if (match := re.search(pattern, line))), "")

    def date(self, pattern: str, form: str) -> str:
        """The date (YYYY-MM-DD) that `search` finds, written as `form` says; "" if there is none that can be read."""
        try:
            return datetime.strptime(" ".join(self.search(pattern).split()), form).date().isoformat()
        except ValueError:
            return ""

    def error(self, row: int | None, found: object, expected: str, advice: str = "") -> ClimateError:
        """The error for a row of this file."""
        return problem(self.name, row, found, expected, advice or self.advice)

    def expect(self, row: int, header: str) -> None:
        """ClimateError unless line `row` is `header`, trailing blanks apart."""
        if self.line(row).rstrip() != header.rstrip():
            raise self.error(row, self.line(row), f"the header {_short(header, 120)}")


def read_text(folder: Path, name: str, fallback: str | None = None) -> TextFile:
    """The file `name` of `folder`, decoded and split at LF, CRLF or CR."""
    with open_file(folder, name) as stream:
        data = stream.read()
    text = decode(data, name, fallback).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise problem(name, None, "an empty file", "a table", GET_AGAIN)
    if WEB_PAGE.match(text):
        raise problem(name, 1, text.strip()[:60], "a table and not a web page", GET_AGAIN)
    lines = text.split("\n")
    ended = lines[-1] == ""
    return TextFile(name, lines[:-1] if ended else lines, ended)


@dataclass
class Cells:
    """Rows of a table, still as text, all with as many cells as there are columns."""

    file: TextFile
    columns: tuple[str, ...]
    rows: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """The cells of one column."""
        index = self.columns.index(name)
        return [row[index] for row in self.cells]

    def numbers(self, name: str, missing: Collection[str] = ()) -> Floats:
        """One column as float64; cells that equal one of `missing` become NaN, every other cell must be a number."""
        cells = self.column(name)
        absent = [cell in missing for cell in cells] if missing else [False] * len(cells)
        plain = ["0" if gone else cell for cell, gone in zip(cells, absent, strict=True)]
        if not _NUMBERS.fullmatch("".join(f"{cell}\n" for cell in plain)):
            bad = next(i for i, cell in enumerate(plain) if not NUMBER.fullmatch(cell))
            raise self.file.error(self.rows[bad], plain[bad], f"a number in column '{name}'")
        values = np.array(plain, dtype=np.float64) if plain else np.empty(0)
        self.check(np.isfinite(values), plain, f"a finite number in column '{name}'")
        values[np.array(absent, dtype=bool)] = np.nan
        return values

    def integers(self, name: str, low: int, high: int) -> NDArray[np.int64]:
        """One column as integers within low..high."""
        cells = self.column(name)
        good = np.array([bool(_INTEGER.fullmatch(cell)) and low <= int(cell) <= high for cell in cells])
        self.check(good, cells, f"a whole number from {low} to {high} in column '{name}'")
        return np.array([int(cell) for cell in cells], dtype=np.int64)

    def mole_fractions(self, name: str, missing: Collection[str] = ()) -> Floats:
        """One column of mole fractions in ppm, all above 0; cells that equal one of `missing` become NaN."""
        values = self.numbers(name, missing)
        other = f", or {' or '.join(repr(cell) for cell in missing)}," if missing else ""
        self.check(~(values <= 0), values, f"a mole fraction in ppm{other} in column '{name}'")
        return values

    def check_decimals(self) -> None:
        """ClimateError unless the numbers of each column have the same number of decimals, in files of that kind."""
        for index, column in enumerate(self.columns):
            decimals = [_decimals(row[index]) for row in self.cells]
            usual = max(set(decimals), key=decimals.count)
            expected = "no decimals" if usual is None else f"{usual} decimals"
            good = np.array([number == usual for number in decimals])
            self.check(good, [row[index] for row in self.cells], f"a number with {expected} in column '{column}'")

    def check(self, good: NDArray[np.bool_], found: Sequence[object] | Floats, expected: str) -> None:
        """ClimateError at the first row where `good` is false."""
        if not good.all():
            bad = int(np.flatnonzero(~good)[0])
            raise self.file.error(self.rows[bad], found[bad], expected)


def split(
    file: TextFile, first: int, columns: Sequence[str], delimiter: str | None = None, last: int | None = None
) -> Cells:
    """Rows `first` to `last` as cells; blank lines only at the end. `delimiter` None means runs of blanks.

    Every row must have one cell per column. Where the file's last line has no end, its last cell must be as precise
    as the cells above it, all of one precision: otherwise nobody can tell whether digits were lost.
    """
    table = Cells(file, tuple(columns))
    stop = len(file.lines) if last is None else last
    while stop >= first and not file.line(stop).strip():
        stop -= 1
    for row in range(first, stop + 1):
        line = file.lines[row - 1]
        cells = line.split() if delimiter is None else [cell.strip(" ") for cell in line.split(delimiter)]
        if len(cells) != len(columns):
            advice = GET_AGAIN if row == len(file.lines) and not file.ended else ""
            raise file.error(row, line, f"{len(columns)} columns ({', '.join(columns)}) and not {len(cells)}", advice)
        table.rows.append(row)
        table.cells.append(cells)
    if not table.rows:
        raise file.error(first, file.line(first), f"a first row of {len(columns)} columns")
    if not file.ended and stop == len(file.lines):
        _check_last_cell(table)
    return table


def _check_last_cell(table: Cells) -> None:
    *above, last = [row[-1] for row in table.cells]
    decimals = {_decimals(cell) for cell in above} - {None}
    same_as_above = not NUMBER.fullmatch(last) and last in above
    if not same_as_above and (len(decimals) != 1 or _decimals(last) not in decimals):
        raise table.file.error(
            table.rows[-1], last, "a whole last row with a line end (the file is cut short)", GET_AGAIN
        )


def _decimals(cell: str) -> int | None:
    if not NUMBER.fullmatch(cell) or "." not in cell:
        return None
    return len(cell.partition(".")[2])
