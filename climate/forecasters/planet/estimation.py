"""One estimation of the pool: a model of many series at once, on months up to its date.

For each lead a ridge regression, shared by all series, forecasts the departure from the trailing normal (see
`predictors`). Its residual in a series is regressed on the principal components of the global field (`field`), series
by series; the weight of that second forecast is again estimated over all series, from forecasts of blocks of months
that it was not fitted on. A network is then trained on the residual of both (`network`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.forecasters.base import FloatArray, IntArray, months_since_1970, season_waves
from climate.forecasters.linear import FOLDS, distant_rows, ridge
from climate.forecasters.planet.field import principal_functions, projected
from climate.forecasters.planet.network import Layers, train_members
from climate.forecasters.planet.predictors import predictors, targets
from climate.forecasters.planet.settings import PoolSettings
from climate.forecasters.planet.trailing import NORMAL, Trailing, trailing
from climate.schema import MAX_LEADS, MONTHS_PER_YEAR, QUANTILES

PENALTY = 50.0
"""Ridge penalty of the shared regression, on predictors in units of the spread."""

FIELD_PENALTY = 2000.0
"""Ridge penalty of a series' regression on the components of the field."""

FIELD_LEADS = 6
"""Leads (months) at which the field has skill."""

SEED = 11
"""Seed of the draw of rows that the network is trained on."""

ARRAYS = ("components", "slope", "coefficients", "share", "residual")
"""Arrays of a `Pool` that are stored."""


@dataclass(frozen=True)
class Pool:
    """The result of one estimation.

    month: the last month that it used (months since 1970-01). first: month of the first row of `components` (row,
    component) and `slope` (row), the state of the planet in each month: principal components of the field's departures
    and the trend of its mean temperature. Rows after `month` are projections on functions estimated before it.
    coefficients (lead, predictor) of the shared regression; share (lead) of the field's forecast; residual: quantiles
    (lead, quantile) of the residuals of both. members: the network's weights, one set per seed.
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
    """Functions (cell, component) onto which `followed` projects later months."""

    @property
    def leads(self) -> int:
        """Longest lead (months)."""
        return int(self.coefficients.shape[0])

    def state(self, months: IntArray) -> tuple[FloatArray, FloatArray]:
        """Components (month, component) and slope (month).

        Components are zero for months without a field; the slope there is that of the nearest month.
        """
        row = months - self.first
        inside = (row >= 0) & (row < len(self.slope))
        nearest = np.clip(row, 0, len(self.slope) - 1)
        return np.where(inside[:, None], self.components[nearest], 0.0), self.slope[nearest]

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything but the functions by name, the weights as `member<n>/<layer>/<weight>`."""
        arrays = {name: np.asarray(getattr(self, name)) for name in ("month", "first", *ARRAYS)}
        for number, layers in enumerate(self.members):
            arrays |= {f"member{number}/{name}": weight for name, weight in sorted(layers.items())}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Pool:
        """The inverse of `to_arrays`."""
        numbers = sorted({name.split("/")[0] for name in arrays if name.startswith("member")})
        members = tuple(
            {name.removeprefix(f"{number}/"): arrays[name] for name in arrays if name.startswith(f"{number}/")}
            for number in numbers
        )
        estimates = {name: arrays[name] for name in ARRAYS}
        return cls(month=int(arrays["month"]), first=int(arrays["first"]), members=members, **estimates)


def on_field(components: FloatArray, residual: FloatArray, lead: int, known: int) -> tuple[FloatArray, FloatArray]:
    """Regression of `residual` (row, series; NaN where unknown) on components (row, component).

    The first `known` rows have a known target. Returns coefficients (component, series), and forecasts (row, series) of
    the known rows, of which each block is forecast from `distant_rows`.
    """
    inside, actual = components[:known], np.nan_to_num(residual[:known])
    cross_fitted = np.zeros_like(actual)
    for block, far in distant_rows(np.arange(known), lead):
        if far.any():
            cross_fitted[block] = inside[block] @ ridge(inside[far], actual[far], FIELD_PENALTY)
    return ridge(inside, actual, FIELD_PENALTY), cross_fitted


def traits(past: Trailing, months: IntArray) -> FloatArray:
    """Traits (row, series, trait) of series and season that the network reads beside the departures."""
    waves = np.broadcast_to(season_waves(months)[:, None], (*past.persistence.shape, 2))
    spread = np.log(past.spread / past.spread.mean(axis=1, keepdims=True))
    normal = past.windows[NORMAL]
    tilt = normal.slope * normal.reach(1) / past.spread.mean(axis=1)
    return np.stack(
        [waves[..., 0], waves[..., 1], past.persistence, spread[:, 0], spread[:, MONTHS_PER_YEAR // 2], tilt], axis=-1
    )


def sequences(past: Trailing, months: IntArray) -> FloatArray:
    """Input of the recurrent layer (row, series, month, channel): departures, sine and cosine of the season."""
    back = np.arange(1 - past.departures.shape[1], 1)
    waves = season_waves((months[:, None] + back) % MONTHS_PER_YEAR)[:, None]
    departures = np.swapaxes(past.departures, 1, 2)[..., None]
    return np.concatenate([departures, np.broadcast_to(waves, (*departures.shape[:3], 2))], axis=-1)


def train_pool(history: xr.Dataset, settings: PoolSettings, leads: int = MAX_LEADS) -> Pool:
    """Estimate everything on `history`, which ends at the estimation's date.

    Args:
        history: `value` (time, series) of the training series; `departures` (time, cell) of the field and `slope`
            (time) of the planet's mean temperature, see `field.planet`. Series and cells with a missing month up to the
            estimation are left out.
        settings: parameters of the pool.
        leads: months ahead.
    """
    values = np.asarray(history["value"].values, dtype=np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    past = trailing(values)
    months = months_since_1970(history)[0] + past.rows
    slope = np.asarray(history["slope"].values, dtype=np.float64)[-len(past) :]
    field = np.asarray(history["departures"].values, dtype=np.float64)[-len(past) :]
    functions = principal_functions(field, settings.components)
    components = projected(field, functions)
    linear = np.full((len(past), values.shape[1], leads), np.nan, dtype=np.float32)
    actual = np.full(linear.shape, np.nan, dtype=np.float32)
    coefficients, share, residual = [], np.zeros(leads), []
    for lead in range(1, leads + 1):
        known = max(len(past) - lead, 0)
        table, target = predictors(past, slope, lead), targets(values, past, lead)
        inside = table[:known].reshape(-1, table.shape[-1])
        shared = ridge(inside, target[:known].ravel(), PENALTY)
        forecast = table @ shared
        if lead <= FIELD_LEADS and known > FOLDS:
            _, cross_fitted = on_field(components, target - forecast, lead, known)
            both = ridge(np.column_stack([inside, cross_fitted.ravel()]), target[:known].ravel(), PENALTY)
            shared, share[lead - 1] = both[:-1], both[-1]
            forecast = table @ shared
            forecast[:known] += share[lead - 1] * cross_fitted
        errors = (target - forecast)[:known]
        coefficients.append(shared)
        residual.append(np.quantile(errors, QUANTILES) if errors.size else np.array(QUANTILES) - 0.5)
        linear[..., lead - 1], actual[..., lead - 1] = forecast, target
    quantiles = np.maximum.accumulate(np.stack(residual), axis=1)
    members = _network(past, months, linear, actual, quantiles, settings) if settings.seeds else ()
    first, last = int(months[0]), int(months[-1])
    return Pool(last, first, components, slope, np.stack(coefficients), share, quantiles, members, functions)


def followed(pool: Pool, planet: xr.Dataset) -> Pool:
    """`pool` with the state of the planet in all months of `planet`, including those after the estimation.

    `planet` has the form of `train_pool`'s history, of which `departures` and `slope` are read; no row of `departures`
    depends on a later month. The functions are dropped. Raises ValueError if they already were.
    """
    if pool.functions is None:
        raise ValueError("the pool has no functions to project onto")
    rows = np.flatnonzero(np.isfinite(planet["slope"].values))
    components = projected(np.asarray(planet["departures"].values, dtype=np.float64)[rows], pool.functions)
    slope = np.asarray(planet["slope"].values, dtype=np.float64)[rows]
    first = int(months_since_1970(planet)[rows[0]])
    return replace(pool, first=first, components=components.astype(np.float32), slope=slope, functions=None)


def _network(
    past: Trailing,
    months: IntArray,
    linear: FloatArray,
    actual: FloatArray,
    residual: FloatArray,
    settings: PoolSettings,
) -> tuple[Layers, ...]:
    """Train on one row in `settings.row_stride` of every series, in months drawn at random."""
    usable = np.isfinite(actual).any(axis=2)
    row, series = np.nonzero(usable & (np.random.default_rng(SEED).random(usable.shape) * settings.row_stride < 1))
    sequence, trait, start, target = (
        array[row, series] for array in (sequences(past, months), traits(past, months), linear, actual)
    )
    return train_members(sequence, trait, start, target, residual, settings)
