"""Predictors and targets of the planet's forecasters: a place's standardised history and its possible trends.

Every predictor is in units of the spread of the forecast month, so that one coefficient serves a coast and a continent;
the memory of a place enters by its own persistence. Predictors differ between leads, since the windows' expectations
do.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.trailing import OTHER_YEARS, Single, Trailing, reach
from climate.schema import MONTHS_PER_YEAR

MEANS = ((1, 0), (1, 1), (1, 2), (3, 3), (6, 6), (12, 12), (12, 24))
"""Length and lag of the means of departures: together the last three years, finer towards the origin (months)."""

DECAYING = len(MEANS)
"""Position of the last departure times its persistence to the power of the lead."""

TREND_LIKE = len(MEANS) + 5
"""Position of the first predictor that is the same in months to come: differences between windows, and slopes."""

COUNT = TREND_LIKE + len(OTHER_YEARS) + 2
"""Number of predictors."""


class Predictors:
    """Predictors of many places at every row of `past`, in single precision."""

    def __init__(self, past: Trailing, global_slope: FloatArray) -> None:
        """`global_slope` (row): slope per year of the planet's mean temperature over the normal window."""
        self.past = past
        departures = past.departures
        size = departures.shape[1]
        means = [departures[:, size - lag - length : size - lag].mean(axis=1) for length, lag in MEANS]
        last, second, quarter = departures[:, -1], departures[:, -2], departures[:, -3:].mean(axis=1)
        year = departures[:, -MONTHS_PER_YEAR:].mean(axis=1)
        columns = [*means, last, *(past.persistence * each for each in (last, second, quarter, year))]
        self._columns = np.stack(columns).astype(np.float32)
        self._persistence = past.persistence.astype(np.float32)
        normal = past.normal.slope
        self._slopes = np.stack([normal, normal - global_slope[:, None]]).astype(np.float32)
        self._inverse_spread = (1 / past.spread).astype(np.float32)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.past)

    def at(self, lead: int) -> Single:
        """Predictors (row, place, predictor) of the departure `lead` months ahead."""
        table = np.empty((*self._persistence.shape, COUNT), dtype=np.float32)
        table[..., :TREND_LIKE] = np.moveaxis(self._columns, 0, -1)
        table[..., DECAYING] *= self._persistence**lead
        month, inverse = (lead - 1) % MONTHS_PER_YEAR, self._inverse_spread[:, (lead - 1) % MONTHS_PER_YEAR]
        normal, others = self._reach(lead)
        for position, other in enumerate(others):
            trend = self.past.slope[position] * other - self._slopes[0] * normal
            table[..., TREND_LIKE + position] = (self.past.difference[:, month, position] + trend) * inverse
        table[..., -2:] = np.moveaxis(self._slopes * normal * inverse, 0, -1)
        return table

    def forecast(self, coefficients: FloatArray, rows: slice = slice(None)) -> Single:
        """Sums (lead, row, place) of the predictors of some rows, times their coefficients (lead, predictor)."""
        weights = np.asarray(coefficients, dtype=np.float32)
        constant = weights[:, :TREND_LIKE].copy()
        constant[:, DECAYING] = 0.0
        columns = self._columns[:, rows]
        total = (constant @ columns.reshape(len(columns), -1)).reshape(len(weights), *columns.shape[1:])
        decayed, persistence, slopes = columns[DECAYING].copy(), self._persistence[rows], self._slopes[:, rows]
        for index, weight in enumerate(weights):
            month = index % MONTHS_PER_YEAR
            normal, others = self._reach(index + 1, rows)
            decayed *= persistence
            total[index] += weight[DECAYING] * decayed
            windows = weight[TREND_LIKE:-2]
            both = slopes[0] * ((weight[-2] - windows.sum()) * normal) + slopes[1] * (weight[-1] * normal)
            for position, other in enumerate(others):
                both += self.past.slope[position, rows] * (windows[position] * other)
                both += windows[position] * self.past.difference[rows, month, position]
            total[index] += both * self._inverse_spread[rows, month]
        return total

    def _reach(self, lead: int, rows: slice = slice(None)) -> tuple[Single, Single]:
        """See `reach`: of the normal (row, 1) and of the other windows (window, row, 1)."""
        years = self.past.normal.years[rows], self.past.years[:, rows]
        normal, others = (reach(each, lead)[..., None].astype(np.float32) for each in years)
        return normal, others


def target(values: FloatArray, past: Trailing, lead: int, rows: slice = slice(None)) -> Single:
    """Departures (row, place) of the values `lead` months after some rows from the normal window's expectation.

    They are in units of the spread, and NaN beyond the end of values (time, place), and where these are NaN.
    """
    position = past.rows[rows]
    known = slice(0, int(np.searchsorted(position, values.shape[0] - lead)))
    expected = past.normal.part(rows).part(known).expected(lead)
    result = np.full((position.size, values.shape[1]), np.nan, dtype=np.float32)
    spread = past.spread[rows, (lead - 1) % MONTHS_PER_YEAR][known]
    result[known] = (values[position[known] + lead] - expected) / spread
    return result
