"""Indicators of Global Climate Change: yearly csv files of temperature and of concentrations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import month_starts
from climate.sources.readers.records import Record, dataset
from climate.sources.readers.textfile import Cells, read_text, split

BOUNDS = ("timebound_lower", "timebound_upper")


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in the source's unit, each year at its first day.

    options.columns: column of the file -> name of the series; columns that a file lacks are left out, since editions
    differ in them. ClimateError on means over more than a year, and on a year left out: only the first row of
    concentrations (1750) stands apart.
    """
    wanted: dict[str, str] = source.options["columns"]
    text = read_text(folder, source.files[0].name)
    header = tuple(cell.strip() for cell in text.line(1).split(","))
    named = header[:-1] if header[-1] == "" else header  # some editions end every line with a comma
    if named[0] != "time" or len(set(named)) < len(named) or not set(wanted) & set(named) or "" in named:
        raise text.error(1, text.line(1), f"a header that begins with 'time' and has {' or '.join(wanted)}")
    table = split(text, 2, header, ",")
    if header != named:
        ends = table.column("")
        table.check(np.array([cell == "" for cell in ends]), ends, "nothing after the last comma")
    years = _years(table, apart=source.quantity == "co2")
    time = month_starts(years, np.ones_like(years))
    return dataset(source, [Record(name, time, table.numbers(c)) for c, name in wanted.items() if c in named])


def _years(table: Cells, *, apart: bool) -> NDArray[np.int64]:
    if set(BOUNDS) <= set(table.columns):
        years, ends = (table.integers(column, 1, 9999) for column in BOUNDS)
        table.check(ends == years + 1, ends.tolist(), "the end of one year in 'timebound_upper'")
        middle = table.numbers("time")
        table.check(middle == years + 0.5, middle, "the middle of the row's year in column 'time'")
    else:
        years = table.integers("time", 1, 9999)
    follows = np.diff(years, prepend=years[0] - 1) == 1
    if apart and years.size > 1:
        follows[1] = years[1] > years[0]
    table.check(follows, years.tolist(), "the year after that of the row above")
    return years
