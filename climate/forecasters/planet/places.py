"""What one estimation says about places: their own regression on the field, their spread, and their forecasts.

No shared value changes. The same functions serve the cells that the estimation learnt from, all cells of the grid, and
any region.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray, IntArray, season_waves
from climate.forecasters.linear import distant_rows, ridge
from climate.forecasters.planet.predictors import Predictors, target
from climate.schema import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from climate.forecasters.planet.estimation import Estimation

FIELD_PENALTY = 2000.0
"""Ridge penalty of a place's regression on the components of the field."""

FIELD_LEADS = 12
"""Leads (months) at which the field has skill."""

SEASONAL = 0.0
"""Weight of the cosine of the difference between calendar months, by which regressions on the field change."""

FIELD_MEANS: tuple[tuple[int, int, float], ...] = ()
"""Length, lag (months) and factor of the means of earlier components that the regressions read."""

LOADING_PENALTY = 30.0
"""Ridge penalty of a place's departures on the leading components of the same month."""

PRIOR_ROWS = 30.0
"""Weight (rows) of the mean over all places in a place's ratio of variances."""

Single = npt.NDArray[np.float32]


class FieldMap(NamedTuple):
    """Regression on the components of the field at one lead, as linear maps of the residuals at `rows`.

    It is the same for all places with the same months, so that ten thousand cells cost one matrix product.
    """

    rows: IntArray
    final: Single
    """(component, row): to coefficients."""
    crossed: Single
    """(row, row): to cross-fitted values."""


def field_maps(components: FloatArray, known: npt.NDArray[np.bool_], leads: int) -> Iterator[FieldMap]:
    """The maps of leads 1 to FIELD_LEADS, from components (row, component) at the rows that are `known` (row)."""
    components = np.asarray(components, dtype=np.float64)
    for lead in range(1, min(leads, FIELD_LEADS) + 1):
        rows = np.flatnonzero(known[: max(len(known) - lead, 0)])
        inside = components[rows]
        crossed = np.zeros((rows.size, rows.size), dtype=np.float32)
        for block, far in distant_rows(rows, lead):
            if far.any():
                crossed[np.ix_(block, far)] = inside[block] @ _regression(inside[far])
        yield FieldMap(rows, _regression(inside).astype(np.float32), crossed)


def _regression(features: FloatArray) -> FloatArray:
    """Ridge regression on features (row, feature) as a map (feature, row) of its targets, in the smaller dimension."""
    rows, count = features.shape
    if count < rows:
        return np.asarray(np.linalg.solve(features.T @ features + FIELD_PENALTY * np.eye(count), features.T))
    return np.asarray(np.linalg.solve(features @ features.T + FIELD_PENALTY * np.eye(rows), features).T)


def field_features(components: FloatArray, first: int, months: IntArray) -> FloatArray:
    """What places are regressed on (month, feature), from components (row, component) of months from `first` on.

    Months without a row have components zero.
    """
    longest = max([1, *(length + lag for length, lag, _ in FIELD_MEANS)])
    row = months[:, None] - first - np.arange(longest)
    known = (row >= 0) & (row < len(components))
    past = np.where(known[..., None], components[np.clip(row, 0, len(components) - 1)], 0.0)
    means = [factor * past[:, lag : lag + length].mean(axis=1) for length, lag, factor in FIELD_MEANS]
    features = np.concatenate([past[:, 0], *means], axis=1)
    if not SEASONAL:
        return features
    waves = np.sqrt(SEASONAL) * season_waves(months)
    return np.concatenate([features, features * waves[:, :1], features * waves[:, 1:]], axis=1)


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

    field (lead, component, place): coefficients on the field. scale (lead, origin month, place): `relative_spread`.
    """

    field: Single
    scale: Single
    loadings: Single
    """(place, component): regression of departures on the leading components."""


def loadings_on(leading: Single, departures: FloatArray) -> Single:
    """Ridge coefficients (place, component) of departures (row, place) on leading components (row, component)."""
    return np.asarray(ridge(leading.astype(np.float64), departures, LOADING_PENALTY).T, dtype=np.float32)


def field_forecast(residual: Single, field: FieldMap) -> tuple[Single, Single]:
    """Coefficients (component, place), and cross-fitted forecasts (row, place) of `residual` of that shape.

    NaN in `residual` counts as zero; rows that are not known have the forecast zero.
    """
    actual, crossed = np.nan_to_num(residual[field.rows]), np.zeros_like(residual)
    crossed[field.rows] = field.crossed @ actual
    return field.final @ actual, crossed


def own_estimates(
    values: FloatArray,
    predictors: Predictors,
    months: IntArray,
    estimation: Estimation,
    maps: Iterable[FieldMap] | None = None,
) -> Own:
    """Own estimates of values (time, place) with predictors in `months`, of which no later one than the estimation's.

    Values may hold NaN, in the same months for all places; `maps` spares their calculation.
    """
    rows = slice(0, int(np.searchsorted(months, estimation.month, side="right")))
    inside, leads = months[rows], estimation.leads
    components, common = estimation.state(inside)
    known = values[: predictors.past.rows[rows][-1] + 1]
    forecast = predictors.forecast(estimation.coefficients, rows) + common.T[..., None].astype(np.float32)
    maps = iter(maps or field_maps(estimation.features(inside), np.asarray(components.any(axis=1)), leads))
    field, scale = [], []
    for index, power in enumerate(estimation.power):
        actual = target(known, predictors.past, index + 1, rows)
        residual = actual - forecast[index]
        if (at_lead := next(maps, None)) is not None:
            coefficients, crossed = field_forecast(residual, at_lead)
            residual -= np.float32(estimation.share[index]) * crossed
            field.append(coefficients)
        scale.append(relative_spread(residual, actual, inside, power))
    loadings = loadings_on(estimation.leading(inside), predictors.past.departures[rows, -1])
    return Own(np.stack(field), np.stack(scale), loadings)


def linear_forecast(
    predictors: Predictors, rows: IntArray, months: IntArray, estimation: Estimation, own: Own
) -> tuple[Single, Single]:
    """Departures (lead, row, place) at some rows in units of the spread, and their `relative_spread`."""
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    common = estimation.state(months[rows])[1]
    forecast = predictors.forecast(estimation.coefficients, part)[:, rows - rows[0]]
    forecast += common.T[..., None].astype(np.float32)
    weights = estimation.share[: len(own.field), None, None] * own.field
    forecast[: len(own.field)] += estimation.features(months[rows]).astype(np.float32) @ weights.astype(np.float32)
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
