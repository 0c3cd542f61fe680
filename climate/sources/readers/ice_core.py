"""The composite of Antarctic ice cores, 800,000 years of CO2 (Bereiter et al. 2015, doi:10.1002/2014GL061957)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import decimal_year_dates
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import Cells, Floats, read_text, split

PRESENT = 1950.0
"""Year CE that ages "before present" count from."""

LOWEST, HIGHEST, LARGEST_ERROR = 150.0, 1000.0, 50.0
"""ppm. The record runs from 174 to 368 ppm with errors up to 10; beyond these limits columns have been mixed up."""

COLUMNS = ("age_gas_calBP", "co2_ppm", "co2_1s_ppm")


def read(folder: Path, source: Source) -> xr.Dataset:
    """The samples of the common era in ppm, dims (series, time); `samples` has all of them.

    `time` is the day that the sample's decimal year falls on and `year` keeps that decimal year. Calendars of month
    axes begin with year 1, so older samples have no place on this axis.
    """
    table, age, value, error = _columns(folder, source)
    year = (PRESENT - age)[::-1]
    common = year >= 1.0
    time = decimal_year_dates(year[common])
    apart = np.diff(time) > np.timedelta64(0, "s")
    if not apart.all():
        bad = len(table) - 2 - int(common.argmax()) - int(np.flatnonzero(~apart)[0])
        raise table.file.error(table.rows[bad], table.cells[bad][0], "samples on different days")
    record = Record(
        name=series_name(source, source.files[0], "co2"),
        time=time,
        value=value[::-1][common],
        uncertainty=error[::-1][common],
        site="Antarctica",
        period="ice core",
        extra={"year": year[common]},
    )
    return dataset(source, [record])


def _columns(folder: Path, source: Source) -> tuple[Cells, Floats, Floats, Floats]:
    text = read_text(folder, source.files[0].name)
    first = text.first_row("#")
    if tuple(text.line(first).split()) != COLUMNS:
        raise text.error(first, text.line(first), f"the header {' '.join(COLUMNS)}")
    table = split(text, first + 1, COLUMNS)
    table.check_decimals()
    age, value, error = (table.numbers(column) for column in COLUMNS)
    table.check(np.diff(age, prepend=-np.inf) > 0, age, "an age above that of the row before, the newest sample first")
    table.check((value > LOWEST) & (value < HIGHEST), value, f"a mole fraction between {LOWEST} and {HIGHEST} ppm")
    table.check((error >= 0) & (error < LARGEST_ERROR), error, f"a standard error below {LARGEST_ERROR} ppm")
    return table, age, value, error
