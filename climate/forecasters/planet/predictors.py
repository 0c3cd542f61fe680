"""What the pooled forecasters know of a month: the own past in units of its spread, and what the trend may be.

Every predictor is in units of the spread of the forecast month, so that one coefficient serves a coast and a continent;
how long a series remembers enters by its own persistence. Predictors differ from lead to lead, since the windows'
expectations do.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray, IntArray
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
    columns += [past.persistence * each for each in (last, second, quarter, year)]
    ahead = lead - 1
    spread = past.spread[:, ahead % MONTHS_PER_YEAR]
    normal = past.windows[NORMAL]
    expected = expected_at(past, lead)
    columns += [
        (expected_at(past, lead, other) - expected) / spread for other in range(len(past.windows)) if other != NORMAL
    ]
    reach = normal.reach(lead)[:, -1:]
    columns += [normal.slope * reach / spread, (normal.slope - global_slope[:, None]) * reach / spread]
    return np.stack(columns, axis=-1)


def expected_at(past: Trailing, lead: int, which: int = NORMAL) -> FloatArray:
    """Expectation (row, series) of one window for one lead, in the unit of the values."""
    chosen = past.windows[which]
    ahead = lead - 1
    reach = (chosen.years + 1) / 2 + ahead // MONTHS_PER_YEAR
    return np.asarray(chosen.climatology[:, ahead % MONTHS_PER_YEAR] + chosen.slope * reach[:, None])


def targets(values: FloatArray, past: Trailing, lead: int) -> FloatArray:
    """Departure (row, series) of the value `lead` months ahead from its expectation, over the spread.

    NaN beyond the end of values (time, series), and where they are NaN.
    """
    position = past.rows + lead
    inside = position < values.shape[0]
    ahead = np.full((len(past), values.shape[1]), np.nan)
    ahead[inside] = values[position[inside]]
    return np.asarray((ahead - expected_at(past, lead)) / past.spread[:, (lead - 1) % MONTHS_PER_YEAR])


def month_waves(months: IntArray) -> FloatArray:
    """Sine and cosine (row, 2) of calendar months (January = 0)."""
    angle = 2 * np.pi * months / MONTHS_PER_YEAR
    return np.column_stack([np.sin(angle), np.cos(angle)])
