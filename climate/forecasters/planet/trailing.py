"""Climatology, trend and spread of the trailing windows that end with each month, for many series at once.

Every row depends on its own month and earlier ones alone, so a longer record has the same rows as a shorter one, and
more. Windows are whole years that end with the row's month; the trend is the least-squares slope of all months after
the mean of each calendar month is removed. Sums are cumulative along calendar months, so that a thousand series cost
little more than one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray, IntArray, harmonic_part, lag_one_autocorrelation, smoothed_by_month
from climate.schema import MONTHS_PER_YEAR

Single = npt.NDArray[np.float32]

NORMAL_YEARS = 30
"""Length of the reference window: a climatological normal, WMO-No. 1203 (2017); shorter where the record is."""

OTHER_YEARS = (10, 20, 40)
"""Lengths of the windows that are compared with it."""

MIN_YEARS = 15
"""Whole years up to and including the first row."""

FIRST_ROW = MONTHS_PER_YEAR * MIN_YEARS - 1
"""Position in time of the first row."""

MEMORY = 36
"""Departures that a row holds (months)."""

SERIES_AT_ONCE = 57
"""Series whose sums are held together, which bounds memory."""

MAX_PERSISTENCE = 0.98
"""Upper limit of the monthly autocorrelation."""


def reach(years: IntArray, lead: int) -> FloatArray:
    """Years from the middle of windows of `years` to the month `lead` months ahead."""
    return np.asarray((years + 1) / 2 + (lead - 1) // MONTHS_PER_YEAR)


def sums_by_month(values: FloatArray) -> FloatArray:
    """Cumulative sums (12 + time, series) over months of the same calendar month; the first 12 rows are zero."""
    years = -(-values.shape[0] // MONTHS_PER_YEAR)
    padded = np.zeros((years * MONTHS_PER_YEAR, values.shape[1]))
    padded[: values.shape[0]] = values
    total = np.cumsum(padded.reshape(years, MONTHS_PER_YEAR, -1), axis=0).reshape(padded.shape)
    return np.concatenate([np.zeros((MONTHS_PER_YEAR, values.shape[1])), total[: values.shape[0]]])


@dataclass(frozen=True)
class Window:
    """One trailing window at each row: length, climatology of the 12 months that follow, and slope.

    years (row); climatology (row, 12, series), the first column being the month after the row's; slope (row, series)
    per year.
    """

    years: IntArray
    climatology: FloatArray
    slope: FloatArray

    def part(self, rows: slice) -> Window:
        """Some of the rows."""
        return Window(self.years[rows], self.climatology[rows], self.slope[rows])

    def reach(self, lead: int) -> FloatArray:
        """Years (row, 1) from the middle of the window to the month `lead` months ahead."""
        return reach(self.years, lead)[:, None]

    def expected(self, lead: int) -> FloatArray:
        """Climatology and trend (row, series) continued to the month `lead` months ahead."""
        return np.asarray(self.climatology[:, (lead - 1) % MONTHS_PER_YEAR] + self.slope * self.reach(lead))


@dataclass(frozen=True)
class Sums:
    """Cumulative sums of values (time, series), by calendar month, of which every window is a difference."""

    of_values: FloatArray
    of_squares: FloatArray
    of_moments: FloatArray
    """Sums of value times year."""

    @classmethod
    def of(cls, values: FloatArray) -> Sums:
        """Sums of values (time, series) without NaN."""
        year = np.arange(values.shape[0])[:, None] // MONTHS_PER_YEAR
        return cls(*(sums_by_month(terms) for terms in (values, values**2, values * year)))

    def window(self, length: int, rows: IntArray) -> Window:
        """The window of `length` years that ends with each of `rows` (positions in time)."""
        years = np.minimum(length, (rows + 1) // MONTHS_PER_YEAR)
        total, cross = self._moments(rows, years)
        slope = cross.sum(axis=1) / (MONTHS_PER_YEAR * _squares_of_years(years))
        return Window(years, harmonic_part(total / years[:, None, None], 1, mean=True), slope)

    def spread(self, window: Window, rows: IntArray) -> FloatArray:
        """Standard deviation (row, 12, series) around a window by calendar month.

        Smoothed over neighbouring months and shrunk to their mean.
        """
        years, count, slope = window.years, window.years[:, None, None], window.slope[:, None]
        total, cross = self._moments(rows, years)
        climatology = total / count
        residual = _inside(self.of_squares, rows, years) - count * climatology**2 - 2 * slope * cross
        residual += slope**2 * _squares_of_years(years)[:, None] + count * (climatology - window.climatology) ** 2
        mixed = smoothed_by_month(np.maximum(residual, 0.0) / (count - 1.0), count, axis=1)
        return np.asarray(np.sqrt(np.maximum(mixed, np.finfo(float).tiny)))

    def _moments(self, rows: IntArray, years: IntArray) -> tuple[FloatArray, FloatArray]:
        """Sums (row, 12, series) of the values, and of the values times the year from the window's middle."""
        total = _inside(self.of_values, rows, years)
        last = rows[:, None] + np.arange(1 - MONTHS_PER_YEAR, 1)
        centre = (last // MONTHS_PER_YEAR - (years[:, None] - 1) / 2)[..., None]
        return total, _inside(self.of_moments, rows, years) - centre * total


def _inside(sums: FloatArray, rows: IntArray, years: IntArray) -> FloatArray:
    last = rows[:, None] + np.arange(1, MONTHS_PER_YEAR + 1)
    return np.asarray(sums[last] - sums[last - MONTHS_PER_YEAR * years[:, None]])


def _squares_of_years(years: IntArray) -> FloatArray:
    """Sum (row, 1) of squares of the years' distances from their middle."""
    return np.asarray((years * (years**2 - 1) / 12)[:, None])


@dataclass(frozen=True)
class Trailing:
    """The trailing windows of several series at rows of time.

    rows: positions in time. normal: the window of NORMAL_YEARS. years (window, row), slope (window, row, series) and
    difference (row, 12, window, series) of climatologies from the normal's: of the windows of OTHER_YEARS. spread (row,
    12, series) around the normal, in the unit of the values. departures (row, MEMORY, series) of the last months from
    the normal's expectation, in units of their calendar month's spread. persistence (row, series): autocorrelation at
    one month of all departures up to the row.
    """

    rows: IntArray
    normal: Window
    years: IntArray
    slope: Single
    difference: Single
    spread: FloatArray
    departures: Single
    persistence: FloatArray

    def __len__(self) -> int:
        """Number of rows."""
        return int(self.rows.size)

    def by_series(self) -> tuple[npt.NDArray[Any], ...]:
        """The arrays (..., series)."""
        normal = self.normal.climatology, self.normal.slope
        return *normal, self.slope, self.difference, self.spread, self.departures, self.persistence

    def widened(self, series: int) -> Trailing:
        """The same rows for a number of series, without their values."""
        wide = (np.empty((*array.shape[:-1], series), array.dtype) for array in self.by_series())
        normal = Window(self.normal.years, next(wide), next(wide))
        return Trailing(self.rows, normal, self.years, *wide)


def trailing(values: FloatArray) -> Trailing:
    """Windows of values (time, series; without NaN) at every row from FIRST_ROW on."""
    whole: Trailing | None = None
    for first in range(0, values.shape[1], SERIES_AT_ONCE):
        chunk = slice(first, first + SERIES_AT_ONCE)
        part = _trailing(values[:, chunk])
        # filled as it goes: chunks that are joined at the end would need twice the memory
        whole = whole or part.widened(values.shape[1])
        for target, source in zip(whole.by_series(), part.by_series(), strict=True):
            target[..., chunk] = source
    if whole is None:
        raise ValueError("trailing windows need at least one series")
    return whole


def _trailing(values: FloatArray) -> Trailing:
    rows, sums = np.arange(FIRST_ROW, values.shape[0]), Sums.of(values)
    normal = sums.window(NORMAL_YEARS, rows)
    spread = sums.spread(normal, rows)
    persistence = _persistence(values, rows, normal, spread)
    others = [sums.window(length, rows) for length in OTHER_YEARS]
    return Trailing(
        rows,
        normal,
        np.stack([other.years for other in others]),
        np.stack([other.slope for other in others]).astype(np.float32),
        np.stack([other.climatology - normal.climatology for other in others], axis=2).astype(np.float32),
        spread,
        departures(values, rows, normal, spread, MEMORY).astype(np.float32),
        persistence,
    )


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
