"""Predictors and targets of the planet's forecasters: a place's standardised history and its possible trends.

Every predictor is in units of the spread of the forecast month, so that one coefficient serves a coast and a continent;
the memory of a place enters by its own persistence. Predictors differ between leads, since the windows' expectations
do.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.trailing import NORMAL, WINDOWS, Trailing
from climate.schema import MONTHS_PER_YEAR

MEANS = ((1, 0), (1, 1), (1, 2), (3, 3), (6, 6), (12, 12), (12, 24))
"""Length and lag of the means of departures: together the last three years, finer towards the origin (months)."""

DECAYING = len(MEANS)
"""Position of the last departure times its persistence to the power of the lead."""

OTHERS = tuple(position for position in range(len(WINDOWS)) if position != NORMAL)
"""Positions of the windows that are compared with the normal one."""

TREND_LIKE = len(MEANS) + 5
"""Position of the first predictor that is the same in months to come: differences between windows, and slopes."""

COUNT = TREND_LIKE + len(OTHERS) + 2
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
        normal = past.windows[NORMAL]
        relative = [normal.slope, normal.slope - global_slope[:, None]]
        self._slopes = np.stack([*(past.windows[k].slope for k in OTHERS), *relative]).astype(np.float32)
        difference = [past.windows[k].climatology - normal.climatology for k in OTHERS]
        self._climatology = np.stack(difference).transpose(2, 0, 1, 3).astype(np.float32)
        self._inverse_spread = np.ascontiguousarray((1 / past.spread).transpose(1, 0, 2), dtype=np.float32)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.past)

    def at(self, lead: int) -> npt.NDArray[np.float32]:
        """Predictors (row, place, predictor) of the departure `lead` months ahead."""
        table = np.empty((*self._persistence.shape, COUNT), dtype=np.float32)
        table[..., :TREND_LIKE] = np.moveaxis(self._columns, 0, -1)
        table[..., DECAYING] *= self._persistence**lead
        month, reach = (lead - 1) % MONTHS_PER_YEAR, self._reach(lead)
        for position in range(len(OTHERS)):
            trend = self._slopes[position] * reach[OTHERS[position]] - self._slopes[-2] * reach[NORMAL]
            table[..., TREND_LIKE + position] = (self._climatology[month, position] + trend) * self._inverse_spread[
                month
            ]
        for position in (-2, -1):
            table[..., position] = self._slopes[position] * reach[NORMAL] * self._inverse_spread[month]
        return table

    def forecast(self, coefficients: FloatArray, rows: slice = slice(None)) -> npt.NDArray[np.float32]:
        """Sums (lead, row, place) of the predictors of some rows, times their coefficients (lead, predictor)."""
        weights = np.asarray(coefficients, dtype=np.float32)
        constant = weights[:, :TREND_LIKE].copy()
        constant[:, DECAYING] = 0.0
        columns = self._columns[:, rows]
        total = (constant @ columns.reshape(len(columns), -1)).reshape(len(weights), *columns.shape[1:])
        decayed, persistence, slopes = columns[DECAYING].copy(), self._persistence[rows], self._slopes[:, rows]
        for index, weight in enumerate(weights):
            month, reach = index % MONTHS_PER_YEAR, self._reach(index + 1)[:, rows]
            decayed *= persistence
            total[index] += weight[DECAYING] * decayed
            windows, both = weight[TREND_LIKE:-2], slopes[-2] * (weight[-2] * reach[NORMAL])
            both += slopes[-1] * (weight[-1] * reach[NORMAL]) - slopes[-2] * (windows.sum() * reach[NORMAL])
            for position, other in enumerate(OTHERS):
                both += slopes[position] * (windows[position] * reach[other])
                both += windows[position] * self._climatology[month, position, rows]
            total[index] += both * self._inverse_spread[month, rows]
        return total

    def _reach(self, lead: int) -> npt.NDArray[np.float32]:
        return np.stack([window.reach(lead) for window in self.past.windows]).astype(np.float32)


def targets(values: FloatArray, past: Trailing, leads: int, rows: slice = slice(None)) -> npt.NDArray[np.float32]:
    """Departures (lead, row, place) of the values ahead of some rows from the normal window's expectation.

    They are in units of the spread, and NaN beyond the end of values (time, place), and where these are NaN.
    """
    position, normal = past.rows[rows], past.windows[NORMAL].part(rows)
    result = np.full((leads, position.size, values.shape[1]), np.nan, dtype=np.float32)
    for lead in range(1, leads + 1):
        known = slice(0, int(np.searchsorted(position, values.shape[0] - lead)))
        expected, spread = normal.part(known).expected(lead), past.spread[rows, (lead - 1) % MONTHS_PER_YEAR][known]
        result[lead - 1, known] = (values[position[known] + lead] - expected) / spread
    return result
