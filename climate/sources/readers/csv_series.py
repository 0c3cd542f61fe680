"""Tables of one's own: dates in the first column, a series in each other column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.schema import TIME_DTYPE
from climate.sources.catalogue import Source
from climate.sources.readers.calendar import Times
from climate.sources.readers.records import Record, dataset
from climate.sources.readers.textfile import Cells, read_text, split

COMMENT = "#"
DELIMITERS = (",", ";", "\t")
MISSING = ("", "NA", "NaN", "nan")
UNCERTAINTY = "uncertainty"
"""Name of the column with one standard error, after the name of the series if there are several."""

ADVICE = "correct the file"

_DATE = re.compile(r"([0-9]{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")
_UNIT_OF_CADENCE = {"monthly": "M", "annual": "Y"}
_DAYS = {1: "daily", 7: "weekly"}


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in the unit of the source; empty cells, NA and NaN are missing.

    The first line without a # names the columns. Dates are written YYYY, YYYY-MM or YYYY-MM-DD and ascend; those of a
    monthly or annual record count for their whole month or year, whatever the day. `uncertainty`, or NAME_uncertainty
    beside the series NAME, is one standard error. ClimateError names the row where the file is anything else.
    """
    records: list[Record] = []
    for file in source.files:
        table = open_table(folder, file.name)
        records += _records(table, source.cadence)
    return dataset(source, records)


def open_table(folder: Path, name: str) -> Cells:
    """The cells of a table, under the names of its header. ClimateError for a header without two columns."""
    file = replace(read_text(folder, name), advice=ADVICE)
    first = file.first_row(COMMENT)
    header = file.line(first)
    delimiter = max(DELIMITERS, key=header.count)
    names = [name.strip().strip('"') for name in header.split(delimiter)]
    if len(names) < 2 or not all(names[1:]):
        raise file.error(first, header, "a header such as date,temperature")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise file.error(first, twice[0], "each name of a column once")
    return split(file, first + 1, names, delimiter)


def cadence(table: Cells) -> str:
    """How often there are values, by how dates are written and how far apart they are."""
    longest = max(len(cell) for cell in table.column(table.columns[0]))
    if longest <= len("YYYY-MM"):
        return "annual" if longest == len("YYYY") else "monthly"
    step = np.diff(_dates(table).astype(np.int64))
    usual = float(np.median(step)) if step.size else 0.0
    if 28 <= usual <= 31:
        return "monthly"
    return _DAYS.get(round(usual), "annual" if 365 <= usual <= 366 else "irregular")


def _records(table: Cells, cadence: str) -> list[Record]:
    file, time = table.file, _times(table, cadence)
    names: Sequence[str] = table.columns[1:]
    errors = {name for name in names if name == UNCERTAINTY or name.endswith(f"_{UNCERTAINTY}")}
    series = [name for name in names if name not in errors]
    of = {name: f"{name}_{UNCERTAINTY}" for name in series}
    if len(series) == 1 and UNCERTAINTY in errors:
        of = {series[0]: UNCERTAINTY}
    if lost := errors - set(of.values()):
        raise file.error(file.first_row(COMMENT), min(lost), f"the series that it belongs to, as in NAME_{UNCERTAINTY}")
    return [
        Record(
            name,
            time,
            table.numbers(name, MISSING),
            table.numbers(of[name], MISSING) if of[name] in errors else None,
        )
        for name in series
    ]


def _times(table: Cells, cadence: str) -> Times:
    dates = _dates(table)
    unit = _UNIT_OF_CADENCE.get(cadence, "D")
    time = dates.astype(f"datetime64[{unit}]")
    good = np.diff(time.astype(np.int64), prepend=time[:1].astype(np.int64) - 1) > 0
    each = {"M": "a later month", "Y": "a later year"}.get(unit, "a later day")
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        cells = table.column(table.columns[0])
        raise table.file.error(table.rows[bad], f"{cells[bad]} after {cells[bad - 1]}", f"{each} than in the row above")
    return np.asarray(time.astype(TIME_DTYPE))


def _dates(table: Cells) -> NDArray[np.datetime64]:
    """The first column as days; ClimateError at the first row that holds no date."""
    cells = table.column(table.columns[0])
    dates = []
    for row, cell in zip(table.rows, cells, strict=True):
        plain = cell.strip('"').partition("T")[0].partition(" ")[0]
        try:
            dates.append(np.datetime64(plain, "D") if _DATE.fullmatch(plain) else np.datetime64("NaT"))
        except ValueError:  # such as 30 February
            dates.append(np.datetime64("NaT"))
        if np.isnat(dates[-1]):
            raise table.file.error(row, cell, "a date written YYYY-MM-DD, YYYY-MM or YYYY")
    return np.array(dates, dtype="datetime64[D]")
