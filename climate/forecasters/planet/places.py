"""What one estimation says about places: their own regression on the field, their spread, and their forecasts.

No shared value changes. The same functions serve the cells that the estimation learnt from, all cells of the grid, and
any region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from climate.forecasters.base import FloatArray, IntArray
from climate.forecasters.linear import ridge
from climate.forecasters.planet.predictors import Predictors, target
from climate.forecasters.planet.regression import FieldMap, field_forecast, field_maps
from climate.forecasters.planet.trailing import Single
from climate.schema import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from climate.forecasters.planet.estimation import Estimation

LOADING_PENALTY = 30.0
"""Ridge penalty of a place's departures on the leading components of the same month."""

PRIOR_ROWS = 30.0
"""Weight (rows) of the mean over all places in a place's ratio of variances."""


def bell(months: IntArray) -> Single:
    """Weights (calendar month, row) of rows in `months` for origins in each calendar month, largest in the same one."""
    distance = 2 * np.pi * (np.arange(MONTHS_PER_YEAR)[:, None] - months % MONTHS_PER_YEAR) / MONTHS_PER_YEAR
    return np.asarray(((1 + np.cos(distance)) / 2) ** 2, dtype=np.float32)


def relative_spread(residual: Single, target: Single, months: IntArray, power: FloatArray) -> Single:
    """Root of the ratio (origin month, place) of the variance of residuals (row, place) to that of their targets.

    NaN are left out. `power`: mean squares of residual and target over all places, to which the ratio is shrunk.
    """
    weights, known = bell(months), np.isfinite(residual)
    of_residual = weights @ np.where(known, residual, np.float32(0)) ** 2 + np.float32(PRIOR_ROWS * power[0])
    of_target = weights @ np.where(known, target, np.float32(0)) ** 2 + np.float32(PRIOR_ROWS * power[1])
    return np.asarray(np.sqrt(of_residual / of_target), dtype=np.float32)


@dataclass(frozen=True)
class Own:
    """A place's own estimates.

    basis, field: see `FieldMap` and `field_forecast`, of the leads with a forecast from the field (lead, row, place).
    scale (lead, origin month, place): `relative_spread`.
    """

    basis: Single
    field: Single
    scale: Single
    loadings: Single
    """(place, component): regression of departures on the leading components."""


def loadings_on(leading: Single, departures: FloatArray) -> Single:
    """Ridge coefficients (place, component) of departures (row, place) on leading components (row, component)."""
    return np.asarray(ridge(leading.astype(np.float64), departures, LOADING_PENALTY).T, dtype=np.float32)


def own_estimates(
    values: FloatArray,
    predictors: Predictors,
    months: IntArray,
    estimation: Estimation,
    maps: Sequence[FieldMap] = (),
) -> Own:
    """Own estimates of values (time, place) with predictors in `months`, of which no later one than the estimation's.

    Values may hold NaN, in the same months for all places; `maps` spares their calculation.
    """
    rows = slice(0, int(np.searchsorted(months, estimation.month, side="right")))
    inside, leads = months[rows], estimation.leads
    components, common = estimation.state(inside)
    known = values[: predictors.past.rows[rows][-1] + 1]
    forecast = predictors.forecast(estimation.coefficients, rows) + common.T[..., None].astype(np.float32)
    maps = maps or field_maps(estimation.features(inside), np.asarray(components.any(axis=1)), leads)
    field, scale = [], []
    for index, power in enumerate(estimation.power):
        actual = target(known, predictors.past, index + 1, rows)
        residual = actual - forecast[index]
        if index < len(maps):
            weights, crossed = field_forecast(residual, maps[index])
            residual -= np.float32(estimation.share[index]) * crossed
            field.append(weights)
        scale.append(relative_spread(residual, actual, inside, power))
    loadings = loadings_on(estimation.leading(inside), predictors.past.departures[rows, -1])
    return Own(maps[0].basis, np.stack(field), np.stack(scale), loadings)


def linear_forecast(
    predictors: Predictors, rows: IntArray, months: IntArray, estimation: Estimation, own: Own
) -> tuple[Single, Single]:
    """Departures (lead, row, place) at some rows in units of the spread, and their `relative_spread`."""
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    common = estimation.state(months[rows])[1]
    forecast = predictors.forecast(estimation.coefficients, part)[:, rows - rows[0]]
    forecast += common.T[..., None].astype(np.float32)
    kernel = estimation.features(months[rows]).astype(np.float32) @ own.basis.T
    for index, weights in enumerate(own.field):
        forecast[index] += np.float32(estimation.share[index]) * (kernel @ weights)
    return forecast, own.scale[:, months[rows] % MONTHS_PER_YEAR]


def in_units(departures: Single, predictors: Predictors, rows: IntArray) -> FloatArray:
    """Values (lead, row, place, quantile) of departures of that shape in units of the spread."""
    part, normal = slice(int(rows[0]), int(rows[-1]) + 1), predictors.past.normal
    normal, spread, chosen = normal.part(part), predictors.past.spread[part], rows - rows[0]
    result = np.empty(departures.shape)
    for index, lead_departures in enumerate(departures):
        month = index % MONTHS_PER_YEAR
        expected = normal.expected(index + 1)[chosen][..., None]
        result[index] = expected + spread[chosen, month][..., None] * lead_departures
    return result


def ridge_quantiles(
    predictors: Predictors, rows: IntArray, months: IntArray, estimation: Estimation, own: Own, leads: int
) -> FloatArray:
    """Quantiles (row, place, lead, quantile) of the linear forecast at some rows, in the unit of the values."""
    forecast, scale = linear_forecast(predictors, rows, months, estimation, own)
    residual = estimation.residual[:leads, None, None].astype(np.float32)
    departures = forecast[:leads, ..., None] + scale[:leads, ..., None] * residual
    return np.asarray(in_units(departures, predictors, rows).transpose(1, 2, 0, 3))
