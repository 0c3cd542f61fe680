"""Predictors and targets of the pooled forecasters: a series' standardised history and its possible trends.

Every predictor is in units of the spread of the forecast month, so that one coefficient serves a coast and a continent;
the memory of a series enters by its own persistence. Predictors differ between leads, since the windows' expectations
do.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.trailing import NORMAL, Trailing
from climate.schema import MONTHS_PER_YEAR

MEANS = ((1, 0), (1, 1), (1, 2), (3, 3), (6, 6), (12, 12), (12, 24))
"""Length and lag of the means of departures: together the last three years, finer towards the origin (months)."""


def predictors(past: Trailing, global_slope: FloatArray, lead: int) -> FloatArray:
    """Predictors (row, series, predictor) of the departure `lead` months ahead.

    Args:
        past: windows of the series.
        global_slope: slope (row) per year of the planet's mean temperature over the normal window.
        lead: months ahead, from 1.
    """
    past_months = past.departures
    size = past_months.shape[1]
    means = [past_months[:, size - lag - length : size - lag].mean(axis=1) for length, lag in MEANS]
    quarter, year = past_months[:, -3:].mean(axis=1), past_months[:, -MONTHS_PER_YEAR:].mean(axis=1)
    last, second = past_months[:, -1], past_months[:, -2]
    columns = [*means, past.persistence**lead * last]
    columns += [past.persistence * departure for departure in (last, second, quarter, year)]
    spread = past.spread[:, (lead - 1) % MONTHS_PER_YEAR]
    normal = past.windows[NORMAL]
    others = [window for window in past.windows if window is not normal]
    columns += [(window.expected(lead) - normal.expected(lead)) / spread for window in others]
    reach = normal.reach(lead)
    columns += [normal.slope * reach / spread, (normal.slope - global_slope[:, None]) * reach / spread]
    return np.stack(columns, axis=-1)


def targets(values: FloatArray, past: Trailing, lead: int) -> FloatArray:
    """Departure (row, series) of the value `lead` months ahead from the normal window's expectation, over the spread.

    NaN beyond the end of values (time, series), and where they are NaN.
    """
    position = past.rows + lead
    inside = position < values.shape[0]
    ahead = np.full((len(past), values.shape[1]), np.nan)
    ahead[inside] = values[position[inside]]
    return np.asarray((ahead - past.windows[NORMAL].expected(lead)) / past.spread[:, (lead - 1) % MONTHS_PER_YEAR])
