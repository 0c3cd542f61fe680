"""Large comma-separated files, read block by block in bounded memory, every row checked."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from climate.sources.readers.textfile import GET_AGAIN, NUMBER, decode, problem

BLOCK_BYTES = 8 * 2**20
"""Bytes that are parsed at a time; memory use is a small multiple of it."""

LONGEST_ROW = 65536
"""Bytes beyond which a row without an end is no row; the longest ones known have about 100."""

_NEWLINE, _COMMA, _QUOTE = b'\n,"'


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a file: numbers as float64 (empty cells NaN), every other column as a category."""

    name: str
    first_row: int
    frame: pd.DataFrame

    def check(self, good: NDArray[np.bool_], column: str, expected: str) -> None:
        """ClimateError at the first row where `good` is false."""
        if not good.all():
            bad = int(np.flatnonzero(~good)[0])
            raise problem(self.name, self.first_row + bad, str(self.frame[column].iloc[bad]), expected)


def read_header(stream: IO[bytes], name: str) -> list[str]:
    """The names in the first line, which must end."""
    line = stream.readline(LONGEST_ROW)
    if not line.endswith(b"\n"):
        raise problem(name, 1, line[:60].decode("latin-1"), "a header that ends with a line end")
    return decode(line, name).rstrip("\r\n").split(",")


def read_blocks(
    stream: IO[bytes], name: str, columns: Sequence[str], numbers: Sequence[str], block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """The rows below the header, in blocks of about `block_bytes`.

    ClimateError on a row with another number of cells, a cell of a `numbers` column that is neither empty nor a finite
    number, text that is not UTF-8, and a last row without a line end: it may be cut short.
    """
    row, rest = 2, b""
    while True:
        data = stream.read(block_bytes)
        if not data:
            break
        cut = data.rfind(b"\n") + 1
        if not cut:
            rest += data
            if len(rest) > LONGEST_ROW:
                raise problem(name, row, rest[:40].decode("latin-1"), "a line end within the row")
            continue
        block, rest = rest + data[:cut], data[cut:]
        yield Block(name, row, _parse(block, name, row, columns, numbers))
        row += block.count(b"\n")
    if rest.strip():
        raise problem(
            name, row, rest[-40:].decode("latin-1"), "a line end after the last row (the file is cut short)", GET_AGAIN
        )
    if row == 2:
        raise problem(name, row, "no row", f"rows below the header {','.join(columns)}", GET_AGAIN)


def _parse(block: bytes, name: str, row: int, columns: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        at = row + block.count(b"\n", 0, error.start)
        raise problem(name, at, f"byte {block[error.start]:#04x}", "UTF-8 text") from None
    commas = _commas(block, name, row, len(columns))
    types = {column: np.float64 if column in numbers else "category" for column in columns}
    try:
        frame = pd.read_csv(
            io.BytesIO(block),
            header=None,
            names=list(columns),
            dtype=types,  # type: ignore[arg-type]
            na_values={column: [""] for column in numbers},
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except ValueError as error:
        raise _bad_cell(block, name, row, columns, numbers, str(error)) from None
    if len(frame) != len(commas):
        raise problem(name, row, f"{len(frame)} rows in {len(commas)} lines", "one row per line")
    for column in numbers:
        k = columns.index(column)
        start = commas[:, k - 1]
        empty = commas[:, k] - start == 1 if k < len(columns) - 1 else None
        finite = np.isfinite(frame[column].to_numpy())
        good = finite | (np.isnan(frame[column].to_numpy()) if empty is None else empty)
        if not good.all():
            raise _bad_cell(block, name, row, columns, numbers, "not finite")
    return frame


def _commas(block: bytes, name: str, row: int, width: int) -> NDArray[np.int64]:
    """Positions of the separators, a line per row; ClimateError unless every line has `width` - 1 of them."""
    data = np.frombuffer(block, dtype=np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    commas = np.flatnonzero(data == _COMMA)
    if b'"' in block:
        quotes = np.flatnonzero(data == _QUOTE)
        per_line = np.diff(np.searchsorted(quotes, ends), prepend=0)
        if (per_line % 2).any():
            bad = int(np.flatnonzero(per_line % 2)[0])
            raise problem(name, row + bad, _line(block, bad), "quotation marks in pairs")
        commas = commas[np.searchsorted(quotes, commas) % 2 == 0]
    count = np.diff(np.searchsorted(commas, ends), prepend=0)
    if (count != width - 1).any():
        bad = int(np.flatnonzero(count != width - 1)[0])
        raise problem(name, row + bad, _line(block, bad), f"{width} columns and not {count[bad] + 1}")
    return commas.reshape(-1, width - 1)


def _line(block: bytes, index: int) -> str:
    return block.split(b"\n", index + 1)[index].decode("utf-8").rstrip("\r")


def _bad_cell(
    block: bytes, name: str, row: int, columns: Sequence[str], numbers: Sequence[str], reason: str
) -> Exception:
    texts = pd.read_csv(
        io.BytesIO(block), header=None, names=list(columns), dtype=str, keep_default_na=False, skip_blank_lines=False
    )
    for index, cells in enumerate(texts.itertuples(index=False)):
        for column, cell in zip(columns, cells, strict=True):
            if column in numbers and cell and not (NUMBER.fullmatch(cell) and np.isfinite(float(cell))):
                return problem(name, row + index, cell, f"a number or nothing in column '{column}'")
    return problem(name, row, reason, "numbers that can be read")
