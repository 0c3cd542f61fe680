"""Time axes of publishers' tables, checked as they are built."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from climate.schema import TIME_DTYPE
from climate.sources.readers.textfile import Cells, Floats

Times = NDArray[np.datetime64]

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DECIMAL_DATE_TOLERANCE = 0.03
"""Years. Publishers put a month's decimal date at its 15th or at its arithmetic middle; both lie within 0.01 of it."""


def month_starts(years: NDArray[np.int64], months: NDArray[np.int64]) -> Times:
    """The first day of each month."""
    return ((years - 1970) * 12 + months - 1).astype("datetime64[M]").astype(TIME_DTYPE)


def month_axis(table: Cells, year: str, month: str, decimal: str = "", *, first_year: int = 1) -> Times:
    """Month starts from a year and a month column, without holes; `decimal` names a column with the same date."""
    years = table.integers(year, first_year, 9999)
    months = table.integers(month, 1, 12)
    check_steps(table, years * 12 + months - 1)
    time = month_starts(years, months)
    if decimal:
        check_decimal_date(table, decimal, time)
    return time


def months_of_years(table: Cells, year: str, missing: Collection[str] = ()) -> tuple[Times, Floats]:
    """Month starts and values of a table with a row a year and a column a month; cells equal to `missing` are NaN."""
    years = table.integers(year, 1, 9999)
    check_years(table, years)
    values = np.stack([table.numbers(month, missing) for month in MONTH_NAMES], axis=1)
    return month_starts(np.repeat(years, 12), np.tile(np.arange(1, 13), years.size)), values.ravel()


def check_steps(table: Cells, months: NDArray[np.int64]) -> None:
    """ClimateError unless `months` (counted from any origin) go up by one."""
    step = np.diff(months)
    good = np.concatenate([[True], step == 1])
    if good.all():
        return
    bad = int(np.flatnonzero(~good)[0])
    found, previous = _month_name(months[bad]), _month_name(months[bad - 1])
    if step[bad - 1] == 0:
        expected = "each month once"
    elif step[bad - 1] < 0:
        expected = f"a month after {previous}, rows in the order of time"
    else:
        expected = f"{_month_name(months[bad - 1] + 1)} after {previous}, no month left out"
    raise table.file.error(table.rows[bad], found, expected)


def check_years(table: Cells, years: NDArray[np.int64]) -> None:
    """ClimateError unless `years` go up by one from row to row."""
    table.check(np.diff(years, prepend=years[0] - 1) == 1, years.tolist(), "the year after that of the row above")


def _month_name(months: np.int64) -> str:
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def check_decimal_date(table: Cells, column: str, time: Times) -> None:
    """ClimateError where a redundant decimal year disagrees with the row's month: then columns have moved."""
    months = time.astype("datetime64[M]").astype(np.int64)
    middle = 1970 + (months + 0.5) / 12
    decimal = table.numbers(column)
    good = np.abs(decimal - middle) < DECIMAL_DATE_TOLERANCE
    table.check(good, decimal, f"a decimal year in the middle of the row's month in column '{column}'")


def decimal_year_dates(years: Floats) -> Times:
    """The day (UTC) that a decimal year CE falls on; 1958.0 is 1958-01-01."""
    whole = np.floor(years)
    first = (whole.astype(np.int64) - 1970).astype("datetime64[Y]")
    day = first.astype("datetime64[D]")
    length = ((first + 1).astype("datetime64[D]") - day).astype(np.int64)
    # A hair is added so that 0.1 of a 10-unit step, stored as 0.0999..., does not fall on the day before.
    offset = np.floor((years - whole) * length + 1e-6).astype(np.int64)
    dates: Times = (day + offset).astype(TIME_DTYPE)
    return dates
