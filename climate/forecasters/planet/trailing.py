"""Climatology, trend and spread of the trailing windows that end with each month, for many series at once.

Every row depends on its own month and earlier ones alone, so a longer record has the same rows as a shorter one, and
more. Windows are whole years that end with the row's month; the trend is the least-squares slope of all months after
the mean of each calendar month is removed. Sums are cumulative along calendar months, so that a thousand series cost
little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from climate.forecasters.base import FloatArray, IntArray, harmonic_part, lag_one_autocorrelation, smoothed_by_month
from climate.schema import MONTHS_PER_YEAR

WINDOWS = (10, 20, 30, 40)
"""Lengths of the trailing windows (years); shorter where the record is."""

NORMAL = WINDOWS.index(30)
"""Position of the reference window: a climatological normal, WMO-No. 1203 (2017)."""

MIN_YEARS = 15
"""Whole years up to and including the first row."""

FIRST_ROW = MONTHS_PER_YEAR * MIN_YEARS - 1
"""Position in time of the first row."""

MEMORY = 36
"""Departures that a row holds (months)."""

SERIES_AT_ONCE = 114
"""Series whose sums are held together, which bounds memory."""

MAX_PERSISTENCE = 0.98
"""Upper limit of the monthly autocorrelation."""


def sums_by_month(values: FloatArray) -> FloatArray:
    """Cumulative sums (12 + time, series) over months of the same calendar month; the first 12 rows are zero."""
    years = -(-values.shape[0] // MONTHS_PER_YEAR)
    padded = np.zeros((years * MONTHS_PER_YEAR, values.shape[1]))
    padded[: values.shape[0]] = values
    total = np.cumsum(padded.reshape(years, MONTHS_PER_YEAR, -1), axis=0).reshape(padded.shape)
    return np.concatenate([np.zeros((MONTHS_PER_YEAR, values.shape[1])), total[: values.shape[0]]])


@dataclass(frozen=True)
class Window:
    """One trailing window at each row: length, climatology of the 12 months that follow, slope and variance.

    years (row); climatology, variance (row, 12, series), the first column being the month after the row's; slope (row,
    series) per year.
    """

    years: IntArray
    climatology: FloatArray
    slope: FloatArray
    variance: FloatArray

    def part(self, rows: slice) -> Window:
        """Some of the rows."""
        return Window(self.years[rows], self.climatology[rows], self.slope[rows], self.variance[rows])

    def reach(self, lead: int) -> FloatArray:
        """Years (row, 1) from the middle of the window to the month `lead` months ahead."""
        return np.asarray((self.years + 1) / 2 + (lead - 1) // MONTHS_PER_YEAR)[:, None]

    def expected(self, lead: int) -> FloatArray:
        """Climatology and trend (row, series) continued to the month `lead` months ahead."""
        return np.asarray(self.climatology[:, (lead - 1) % MONTHS_PER_YEAR] + self.slope * self.reach(lead))

    def spread(self) -> FloatArray:
        """Standard deviation (row, 12, series) by calendar month, smoothed over neighbours, shrunk to the mean."""
        mixed = smoothed_by_month(self.variance, self.years[:, None, None], axis=1)
        return np.asarray(np.sqrt(np.maximum(mixed, np.finfo(float).tiny)))


def window(values: FloatArray, length: int, rows: IntArray) -> Window:
    """The window of `length` years that ends with each of `rows` (positions in time) of values (time, series)."""
    position = np.arange(values.shape[0])[:, None] // MONTHS_PER_YEAR
    cumulative = [sums_by_month(terms) for terms in (values, values**2, values * position)]
    years = np.minimum(length, (rows + 1) // MONTHS_PER_YEAR)
    last = rows[:, None] + np.arange(1 - MONTHS_PER_YEAR, 1)
    before = last - MONTHS_PER_YEAR * years[:, None]
    count = years[:, None, None]
    total, squares, moments = (sums[last + MONTHS_PER_YEAR] - sums[before + MONTHS_PER_YEAR] for sums in cumulative)
    climatology = total / count
    centre = (last // MONTHS_PER_YEAR - (years[:, None] - 1) / 2)[..., None]
    cross = moments - centre * total
    spread_of_years = (years * (years**2 - 1) / 12)[:, None]
    slope = cross.sum(axis=1) / (MONTHS_PER_YEAR * spread_of_years)
    season = harmonic_part(climatology, 1, mean=True)
    residual = squares - count * climatology**2 - 2 * slope[:, None] * cross
    residual = residual + slope[:, None] ** 2 * spread_of_years[:, None] + count * (climatology - season) ** 2
    return Window(years, season, slope, np.maximum(residual, 0.0) / (count - 1.0))


@dataclass(frozen=True)
class Trailing:
    """The trailing windows of several series at rows of time.

    rows: positions in time. windows: one for each of WINDOWS. spread (row, 12, series) of the normal window, in the
    unit of the values. departures (row, MEMORY, series) of the last months from the normal window's expectation, in
    units of their calendar month's spread. persistence (row, series): autocorrelation at one month of all departures
    up to the row.
    """

    rows: IntArray
    windows: tuple[Window, ...]
    spread: FloatArray
    departures: FloatArray
    persistence: FloatArray

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.rows.size)


def trailing(values: FloatArray, *, newest: bool = False) -> Trailing:
    """Windows of values (time, series; without NaN) at every row from FIRST_ROW on, or at the `newest` alone."""
    chunks = range(0, values.shape[1], SERIES_AT_ONCE)
    parts = [_trailing(values[:, first : first + SERIES_AT_ONCE], newest) for first in chunks]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Sequence[Trailing]) -> Trailing:
    """Several series after one another."""

    def along(name: str, objects: Sequence[object]) -> FloatArray:
        return np.concatenate([getattr(each, name) for each in objects], axis=-1)

    windows = tuple(
        Window(each[0].years, *(along(name, each) for name in ("climatology", "slope", "variance")))
        for each in zip(*(part.windows for part in parts), strict=True)
    )
    return Trailing(parts[0].rows, windows, *(along(name, parts) for name in ("spread", "departures", "persistence")))


def _trailing(values: FloatArray, newest: bool) -> Trailing:
    rows = np.arange(FIRST_ROW, values.shape[0])
    normal = window(values, WINDOWS[NORMAL], rows)
    spread = normal.spread()
    persistence = _persistence(values, rows, normal, spread)
    if newest:
        last = slice(-1, None)
        rows, normal, spread, persistence = rows[last], normal.part(last), spread[last], persistence[last]
    windows = tuple(normal if length == WINDOWS[NORMAL] else window(values, length, rows) for length in WINDOWS)
    return Trailing(rows, windows, spread, departures(values, rows, normal, spread, MEMORY), persistence)


def _persistence(values: FloatArray, rows: IntArray, normal: Window, spread: FloatArray) -> FloatArray:
    earliest = slice(0, 1)
    first = departures(values, rows[earliest], normal.part(earliest), spread[earliest], MEMORY)[0]
    pairs = departures(values, rows, normal, spread, 2)
    # the first row's newest pair is in both, so that it counts twice
    before, after = (np.concatenate(parts).T for parts in ((first[:-1], pairs[:, 0]), (first[1:], pairs[:, 1])))
    return lag_one_autocorrelation(before, after, MAX_PERSISTENCE)[:, len(first) - 1 :].T


def departures(values: FloatArray, rows: IntArray, normal: Window, spread: FloatArray, months: int) -> FloatArray:
    """Departures (row, months, series) of the last `months` values from the normal window's line, over the spread."""
    back = np.arange(1 - months, 1)
    column = (back - 1) % MONTHS_PER_YEAR
    year = (back - 1) // MONTHS_PER_YEAR + 1
    line = normal.slope[:, None] * (year + (normal.years[:, None] - 1) / 2)[..., None]
    return np.asarray((values[rows[:, None] + back] - normal.climatology[:, column] - line) / spread[:, column])
