"""Learning from many places at once: one estimation of the pool, on months up to its date.

For each lead a ridge regression, shared by all series, forecasts the departure from the trailing normal (see
`pool_features`). What it leaves in a series is regressed on the principal components of the global field (`field`),
series by series; how much of that second forecast to believe is again estimated over all series, from forecasts of
blocks of months that it was not fitted on. A network then learns what both leave (`pool_network`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray, IntArray
from climate.forecasters.planet.field import principal_functions
from climate.forecasters.planet.network import Layers, train_members
from climate.forecasters.planet.predictors import (
    month_waves,
    persistence_of,
    predictors,
    targets,
)
from climate.forecasters.planet.settings import PoolSettings
from climate.forecasters.planet.trailing import NORMAL, YEAR, Trailing, trailing
from climate.forecasters.registry import MAX_LEADS
from climate.schema import QUANTILES

PENALTY = 50.0
"""Ridge penalty of the shared regression, on predictors in units of the spread."""

FIELD_PENALTY = 2000.0
"""Ridge penalty of a series' regression on the components of the field."""

FIELD_LEADS = 6
"""Leads at which the field still told something (months)."""

FOLDS = 6
"""Contiguous blocks of the cross-fit."""

SEED = 11
"""Draws the rows that the network is trained on."""


@dataclass(frozen=True)
class Pool:
    """What one estimation learnt.

    month: the last month that it knew (months since 1970-01). first: month of the first row of `components` (row,
    component) and `slope` (row), the state of the planet in each month: principal components of the field's departures
    and the trend of its mean temperature. Rows after `month` are projections on functions estimated before it.
    coefficients (lead, predictor); share (lead) of the field's forecast; residual: quantiles (lead, quantile) of what
    they leave. scale (trait) of the network's traits; members: the network's weights, one set per seed.
    """

    month: int
    first: int
    components: FloatArray
    slope: FloatArray
    coefficients: FloatArray
    share: FloatArray
    residual: FloatArray
    members: tuple[Layers, ...]
    functions: FloatArray | None = None
    """Functions (cell, component) that `followed` projects later months on."""

    @property
    def leads(self) -> int:
        """Leads that it forecasts."""
        return int(self.coefficients.shape[0])

    def state(self, months: IntArray) -> tuple[FloatArray, FloatArray]:
        """Components (month, component) and slope (month).

        Components are zero for months without a field; the slope there is that of the nearest month.
        """
        place = months - self.first
        inside = (place >= 0) & (place < len(self.slope))
        near = np.clip(place, 0, len(self.slope) - 1)
        return np.where(inside[:, None], self.components[near], 0.0), self.slope[near]


def solve(rows: FloatArray, wanted: FloatArray, penalty: float) -> FloatArray:
    """Ridge coefficients (predictor, ...) of `wanted` (row, ...) on `rows` (row, predictor), without an intercept."""
    return np.asarray(np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ wanted))


def on_field(components: FloatArray, left: FloatArray, lead: int, known: int) -> tuple[FloatArray, FloatArray]:
    """Regression of what is `left` (row, series; NaN where unknown) on components (row, component).

    The first `known` rows have a known target. Returns coefficients (component, series), and forecasts (row, series) of
    the known rows in which each of FOLDS blocks is forecast from the rows at least `lead` months away.
    """
    inside, wanted = components[:known], np.nan_to_num(left[:known])
    crossed = np.zeros_like(wanted)
    index = np.arange(known)
    for block in np.array_split(index, FOLDS):
        far = (index < block[0] - lead) | (index > block[-1] + lead) if block.size else np.zeros(known, dtype=bool)
        if far.any():
            crossed[block] = inside[block] @ solve(inside[far], wanted[far], FIELD_PENALTY)
    return solve(inside, wanted, FIELD_PENALTY), crossed


def traits(past: Trailing, persistence: FloatArray, months: IntArray) -> FloatArray:
    """Traits (row, series, trait) of series and season that the network reads beside the departures."""
    waves = np.broadcast_to(month_waves(months)[:, None], (*persistence.shape, 2))
    spread = np.log(past.spread / past.spread.mean(axis=1, keepdims=True))
    normal = past.windows[NORMAL]
    tilt = normal.slope * normal.reach(1)[:, -1:] / past.spread.mean(axis=1)
    return np.stack([waves[..., 0], waves[..., 1], persistence, spread[:, 0], spread[:, YEAR // 2], tilt], axis=-1)


def sequences(past: Trailing, months: IntArray) -> FloatArray:
    """What the recurrent layer reads (row, series, month, channel): departures, sine and cosine of the season."""
    back = np.arange(1 - past.departures.shape[1], 1)
    waves = month_waves((months[:, None] + back).ravel() % YEAR).reshape(len(past), 1, back.size, 2)
    departed = np.swapaxes(past.departures, 1, 2)[..., None]
    return np.concatenate([departed, np.broadcast_to(waves, (*departed.shape[:3], 2))], axis=-1)


def train_pool(history: xr.Dataset, settings: PoolSettings, leads: int = MAX_LEADS) -> Pool:
    """Estimate everything on `history`, which ends at the estimation's date.

    Args:
        history: `value` (time, series) of the series to learn from, without NaN; `departures` (time, cell) of the
            field and `slope` (time) of the planet's mean temperature, see `field.planet`.
        settings: parameters of the pool.
        leads: months ahead.
    """
    values = np.asarray(history["value"].values, dtype=np.float64)
    first = int(history["time"].values[0].astype("datetime64[M]").astype(np.int64))
    past = trailing(values)
    months = first + past.rows
    persistence = persistence_of(past)
    slope = np.asarray(history["slope"].values, dtype=np.float64)[-len(past) :]
    field = np.asarray(history["departures"].values, dtype=np.float64)[-len(past) :]
    functions = principal_functions(field, settings.components)
    components = field @ functions
    linear = np.full((len(past), values.shape[1], leads), np.nan, dtype=np.float32)
    wanted = np.full(linear.shape, np.nan, dtype=np.float32)
    coefficients, share, residual = [], np.zeros(leads), []
    for lead in range(1, leads + 1):
        known = max(len(past) - lead, 0)
        table, target = predictors(past, persistence, slope, lead), targets(values, past, lead)
        inside = table[:known].reshape(-1, table.shape[-1])
        shared = solve(inside, target[:known].ravel(), PENALTY)
        forecast = table @ shared
        if lead <= FIELD_LEADS and known > FOLDS:
            _, crossed = on_field(components, target - forecast, lead, known)
            both = np.column_stack([inside, crossed.ravel()])
            found = solve(both, target[:known].ravel(), PENALTY)
            shared, share[lead - 1] = found[:-1], found[-1]
            forecast = table @ shared
            forecast[:known] += share[lead - 1] * crossed
        left = (target - forecast)[:known]
        coefficients.append(shared)
        residual.append(np.quantile(left, QUANTILES) if left.size else np.array(QUANTILES) - 0.5)
        linear[..., lead - 1], wanted[..., lead - 1] = forecast, target
    quantiles = np.maximum.accumulate(np.stack(residual), axis=1)
    members: tuple[Layers, ...] = ()
    if settings.seeds:
        members = _network(past, persistence, months, linear, wanted, quantiles, settings)
    return Pool(
        int(months[-1]),
        int(months[0]),
        components,
        slope,
        np.stack(coefficients),
        share,
        quantiles,
        members,
        functions,
    )


def followed(pool: Pool, planet: xr.Dataset) -> Pool:
    """`pool` with the state of the planet in all months of `planet`, also those after its own.

    `planet` is of the form of `train_pool`'s history, of which `departures` and `slope` are read; each row of
    `departures` knows no later month. The functions are dropped.
    """
    if pool.functions is None:
        raise ValueError("the pool has no functions left to project on")
    rows = np.flatnonzero(np.isfinite(planet["slope"].values))
    first = int(planet["time"].values[rows[0]].astype("datetime64[M]").astype(np.int64))
    components = np.asarray(planet["departures"].values, dtype=np.float64)[rows] @ pool.functions
    slope = np.asarray(planet["slope"].values, dtype=np.float64)[rows]
    return replace(pool, first=first, components=components.astype(np.float32), slope=slope, functions=None)


def _network(
    past: Trailing,
    persistence: FloatArray,
    months: IntArray,
    linear: FloatArray,
    wanted: FloatArray,
    residual: FloatArray,
    settings: PoolSettings,
) -> tuple[Layers, ...]:
    """Train on one row in `settings.row_stride` of every series, in months drawn at random."""
    usable = np.isfinite(wanted).any(axis=2)
    row, series = np.nonzero(usable & (np.random.default_rng(SEED).random(usable.shape) * settings.row_stride < 1))
    read = sequences(past, months)
    trait = traits(past, persistence, months)
    return train_members(
        read[row, series], trait[row, series], linear[row, series], wanted[row, series], residual, settings
    )
