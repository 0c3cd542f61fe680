"""One estimation of the planet's forecasters, on months up to its date.

For each lead a ridge regression, shared by all places, forecasts the departure from the trailing normal (see
`predictors`); the mean over the planet is forecast apart. The residual in a place is regressed on the principal
components of the global field (`field`), place by place (`places`); the weight of that second forecast is again
estimated over all places, from forecasts of blocks of months that it was not fitted on. A network is then trained on
the residual of both (`network`).

Estimations with less information (REDUCED) show what each kind is worth. They share the products of the regressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.forecasters.base import FloatArray, IntArray, months_since_1970, season_waves
from climate.forecasters.linear import ridge, ridge_of_products
from climate.forecasters.planet.field import principal_functions, projected
from climate.forecasters.planet.network import Inputs, Layers, read_out, train_members
from climate.forecasters.planet.places import (
    Own,
    in_units,
    linear_forecast,
    loadings_on,
    relative_spread,
)
from climate.forecasters.planet.predictors import COUNT, TREND_LIKE, Predictors, target
from climate.forecasters.planet.regression import field_features, field_forecast, field_maps
from climate.forecasters.planet.settings import PlanetSettings
from climate.forecasters.planet.trailing import FIRST_ROW, MEMORY, Single, Trailing, trailing
from climate.schema import MAX_LEADS, MONTHS_PER_YEAR, QUANTILES

PENALTY = 10_000.0
"""Ridge penalty of the shared regression, on predictors in units of the spread. Like the next, it was chosen among
others on origins verified before 2005: see benchmarks/README.md."""

MEAN_PENALTY = 100.0
"""Ridge penalty of the regression of the planet's mean."""

EVERYTHING = slice(0, COUNT)
"""All predictors of a place."""

REDUCED: Mapping[str, slice] = {
    "ridge-normal": slice(0),
    "ridge-windows": slice(TREND_LIKE, COUNT),
    "ridge-place": EVERYTHING,
}
"""Estimations with less information, and their predictors: none, so that the trailing normal is forecast with its
spread; those from windows and trends; and all, but no field."""

LEADING = 20
"""Components of the field whose sequence the network reads."""

SEED = 11
"""Seed of the draw of rows that the network is trained on."""

ARRAYS = ("components", "common", "coefficients", "share", "power", "residual", "slope", "linear_start")
"""Arrays of an `Estimation` that are stored."""


@dataclass(frozen=True)
class Estimation:
    """The result of one estimation.

    month: the last month that it used (months since 1970-01). first: month of the first row of `components` (row,
    component), `common` (row, lead) and `slope` (row), the state of the planet in each month: principal components of
    the field's departures, what the planet's mean adds to the forecast of every place, and the trend of its mean
    temperature. Rows after `month` are projections on functions estimated before it. coefficients (lead, predictor) of
    the shared regression; share (lead) of the field's forecast; power (lead, 2): mean squares of the residuals and of
    their targets; residual: quantiles (lead, quantile) of the residuals over their relative spread. members: the
    network's weights, one set per seed.
    """

    month: int
    first: int
    slope: FloatArray
    components: FloatArray
    common: FloatArray
    coefficients: FloatArray
    share: FloatArray
    power: FloatArray
    residual: FloatArray
    members: tuple[Layers, ...]
    linear_start: bool = True
    """Whether the network changes the linear forecast; otherwise it forecasts alone."""
    functions: FloatArray | None = None
    """Functions (cell, component) onto which `followed` projects later months."""
    mean_coefficients: FloatArray | None = None
    """Coefficients (lead, predictor) with which `followed` computes `common` of later months."""

    @property
    def leads(self) -> int:
        """Longest lead (months)."""
        return int(self.coefficients.shape[0])

    def _row(self, months: IntArray) -> IntArray:
        return np.asarray(np.clip(months - self.first, 0, len(self.slope) - 1))

    def state(self, months: IntArray) -> tuple[FloatArray, FloatArray]:
        """Components (month, component) and common part (month, lead).

        Components are zero for months without a field; the common part there is that of the nearest month.
        """
        row = self._row(months)
        inside = row == months - self.first
        return np.where(inside[:, None], self.components[row], np.float32(0)), self.common[row]

    def features(self, months: IntArray) -> FloatArray:
        """See `field_features`."""
        return field_features(self.components, self.first, months)

    def leading(self, months: IntArray) -> Single:
        """The LEADING components (month, component) over their deviation up to the estimation."""
        until = self.components[: self.month - self.first + 1, :LEADING]
        deviation = np.sqrt((until**2).mean(axis=0))
        return np.asarray(self.state(months)[0][:, :LEADING] / deviation, dtype=np.float32)

    def slope_at(self, months: IntArray) -> FloatArray:
        """Slope (month), see `predictors`; that of the nearest month where there is no field."""
        return np.asarray(self.slope[self._row(months)])

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that `followed` leaves, by name; the weights as `member<n>/<layer>/<weight>`."""
        arrays = {name: np.asarray(getattr(self, name)) for name in ("month", "first", *ARRAYS)}
        for number, layers in enumerate(self.members):
            arrays |= {f"member{number}/{name}": weight for name, weight in sorted(layers.items())}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Estimation:
        """The inverse of `to_arrays`."""
        numbers = sorted({name.split("/")[0] for name in arrays if name.startswith("member")})
        members = tuple(
            {name.removeprefix(f"{number}/"): arrays[name] for name in arrays if name.startswith(f"{number}/")}
            for number in numbers
        )
        estimates: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        estimates |= {"month": int(arrays["month"]), "first": int(arrays["first"])}
        estimates["linear_start"] = bool(arrays["linear_start"])
        return cls(members=members, **estimates)


def traits(past: Trailing, months: IntArray, rows: IntArray) -> FloatArray:
    """Traits (row, place, trait) of place and season that the network reads beside the departures, at some rows."""
    persistence, spread, normal = past.persistence[rows], past.spread[rows], past.normal
    waves = np.broadcast_to(season_waves(months[rows])[:, None], (*persistence.shape, 2))
    relative = np.log(spread / spread.mean(axis=1, keepdims=True))
    tilt = normal.slope[rows] * normal.reach(1)[rows] / spread.mean(axis=1)
    summer = relative[:, MONTHS_PER_YEAR // 2]
    return np.stack([waves[..., 0], waves[..., 1], persistence, relative[:, 0], summer, tilt], axis=-1)


def sequences(departures: FloatArray, months: IntArray) -> Single:
    """Input of the recurrent layer (..., month, channel): departures (..., month), season's sine and cosine.

    `months` (...): the last month of each sequence.
    """
    back = np.arange(1 - departures.shape[-1], 1)
    waves = season_waves((months[..., None] + back) % MONTHS_PER_YEAR)
    waves = np.broadcast_to(waves, (*departures.shape, 2))
    return np.concatenate([departures[..., None], waves], axis=-1, dtype=np.float32)


def field_sequences(estimation: Estimation, months: IntArray) -> Single:
    """Leading components (row, month, component) of the MEMORY months up to each of `months`."""
    distinct, position = np.unique(months, return_inverse=True)
    leading = estimation.leading((distinct[:, None] + np.arange(1 - MEMORY, 1)).ravel())
    return leading.reshape(len(distinct), MEMORY, -1)[position]


@dataclass(frozen=True)
class Sample:
    """What a network learns from: rows of places that the linear estimates come from, drawn at random.

    months (row): of the origins. departures (row, MEMORY) of the place. loadings, trait, linear, scale: see `Inputs`.
    targets (row, lead) are NaN where unknown. residual: quantiles (lead, quantile) that training starts from.
    """

    months: IntArray
    departures: Single
    loadings: Single
    trait: Single
    linear: Single
    scale: Single
    targets: Single
    residual: FloatArray


class Learnt(NamedTuple):
    """What `estimate` learns: no estimation has a network yet, see `with_network`."""

    estimation: Estimation
    sample: Sample
    """What a network can learn from."""
    reduced: dict[str, Estimation]
    """The estimations REDUCED, by name. They have no components, and their shares are zero."""


class PerLead:
    """Estimates of all leads, in the order in which they are made; see `Estimation`."""

    def __init__(self, rows: int, leads: int) -> None:
        self.coefficients, self.mean_coefficients = np.zeros((leads, COUNT)), np.zeros((leads, COUNT))
        self.common, self.share, self.power = np.zeros((rows, leads)), np.zeros(leads), np.ones((leads, 2))
        self.residual = np.tile(np.array(QUANTILES) - 0.5, (leads, 1))

    def regress(self, index: int, table: Single, means: FloatArray, fit: tuple[FloatArray, FloatArray]) -> Single:
        """Keep coefficients of places and mean; return forecasts (row, place) from their predictors."""
        self.coefficients[index], self.mean_coefficients[index] = fit
        self.common[:, index] = means @ fit[1]
        return np.asarray(table @ fit[0].astype(np.float32) + self.common[:, index, None].astype(np.float32))

    def spread(self, index: int, error: Single, actual: Single, months: IntArray, area: FloatArray) -> Single:
        """Keep power and quantiles of errors (row, place) of `actual` where known; return their `relative_spread`."""
        known = np.isfinite(actual).all(axis=1)
        if not known.any():
            return np.ones_like(error)
        error, seen = error[known], actual[known]
        self.power[index] = [np.average((each**2).mean(axis=0), weights=area) for each in (error, seen)]
        scale = relative_spread(error, seen, months[known], self.power[index])[months % MONTHS_PER_YEAR]
        self.residual[index] = weighted_quantiles(error / scale[known], area)
        return scale

    def estimation(
        self, months: IntArray, slope: FloatArray, components: FloatArray, functions: FloatArray, linear_start: bool
    ) -> Estimation:
        """The estimation of the last of `months`."""
        state = slope, components.astype(np.float32), self.common.astype(np.float32)
        estimates = self.coefficients, self.share, self.power, self.residual
        own = self.mean_coefficients
        return Estimation(int(months[-1]), int(months[0]), *state, *estimates, (), linear_start, functions, own)


def estimate(history: xr.Dataset, settings: PlanetSettings, leads: int = MAX_LEADS) -> Learnt:
    """Estimate everything linear on `history`, which ends at the estimation's date.

    Args:
        history: see `field.planet`. Cells with a missing month up to the estimation are left out.
        settings: parameters of the planet's forecasters.
        leads: months ahead.
    """
    values = np.asarray(history["value"].values, dtype=np.float64)
    used = np.isfinite(values).all(axis=0) & (history["area"].values > 0)
    values, area = values[:, used], np.asarray(history["area"].values, dtype=np.float64)[used]
    slope, field, means = (
        np.asarray(history[name].values, dtype=np.float64)[FIRST_ROW:] for name in ("slope", "departures", "means")
    )
    predictors = Predictors(trailing(values), slope)
    months = months_since_1970(history)[FIRST_ROW:]
    functions = principal_functions(field, settings.components)
    components = projected(field, functions)
    past, parts = predictors.past, list(REDUCED.values())
    whole, normal, windows, place = (PerLead(len(months), leads) for _ in range(4))
    maps = field_maps(field_features(components, int(months[0]), months), np.full(len(months), True), leads)
    # all but the newest month: its targets are still to come
    chosen = np.random.default_rng(SEED).random((len(months), len(area))) * settings.row_stride < 1
    row, position = np.nonzero(chosen[:-1])
    sample: list[tuple[Single, Single, Single]] = []
    for index in range(leads):
        table, actual = predictors.at(index + 1), target(values, past, index + 1)
        known, state = np.isfinite(actual).all(axis=1), means[:, index]
        *fits, of_all = shared_regressions(table[known], actual[known], state[known], area, parts)
        for each, fit in zip((normal, windows), fits, strict=True):
            each.spread(index, actual - each.regress(index, table, state, fit), actual, months, area)
        linear = whole.regress(index, table, state, of_all)
        if index < len(maps):
            place.spread(index, actual - linear, actual, months, area)
            forecast = field_forecast(actual - linear, maps[index])[1]
            whole.share[index] = pooled_share(np.nan_to_num(actual - linear), forecast, area)
            linear += np.float32(whole.share[index]) * forecast
        scale = whole.spread(index, actual - linear, actual, months, area)
        if index >= len(maps):
            place.power[index], place.residual[index] = whole.power[index], whole.residual[index]
        sample.append((linear[row, position], scale[row, position], actual[row, position]))
    place.coefficients, place.mean_coefficients, place.common = (
        whole.coefficients,
        whole.mean_coefficients,
        whole.common,
    )
    learnt = whole.estimation(months, slope, components, functions, settings.linear_start)
    none = slice(0)
    reduced = {
        name: each.estimation(months, slope, components[:, none], functions[:, none], settings.linear_start)
        for name, each in zip(REDUCED, (normal, windows, place), strict=True)
    }
    start, scales, actuals = (np.stack(each, axis=1) for each in zip(*sample, strict=True))
    residual = whole.residual
    if not settings.linear_start:
        start, scales, residual = np.zeros_like(start), np.ones_like(scales), normal.residual
    to_learn = Sample(
        months[row],
        past.departures[row, :, position],
        loadings_on(learnt.leading(months), past.departures[:, -1])[position],
        traits(past, months, np.arange(len(months)))[row, position].astype(np.float32),
        start,
        scales,
        actuals,
        residual,
    )
    return Learnt(learnt, to_learn, reduced)


def with_network(estimation: Estimation, sample: Sample, settings: PlanetSettings) -> Estimation:
    """The estimation with a network for each of the seeds."""
    inputs = Inputs(
        sequences(sample.departures, sample.months),
        field_sequences(estimation, sample.months),
        sample.loadings,
        sample.trait,
        sample.linear,
        sample.scale,
    )
    return replace(estimation, members=train_members(inputs, sample.targets, sample.residual, settings))


def pooled_share(error: Single, forecast: Single, area: FloatArray) -> float:
    """Weight from 0 to 1 of a `forecast` of `error` (row, place) with the least squared error over the area."""
    product, power = ((each * forecast).sum(axis=0) @ area for each in (error, forecast))
    return float(np.clip(product / power, 0.0, 1.0)) if power > 0 else 0.0


def shared_regressions(
    table: npt.NDArray[np.float32],
    target: npt.NDArray[np.float32],
    means: FloatArray,
    area: FloatArray,
    parts: Sequence[slice],
) -> list[tuple[FloatArray, FloatArray]]:
    """Coefficients (predictor) that all places share, and those of the planet's mean residual, for each of `parts`.

    Args:
        table: predictors (row, place, predictor). target: (row, place).
        means: area means (row, predictor) of the predictors.
        area: weight (place).
        parts: the predictors to use; the coefficients of all others are zero.
    """
    weight = area / area.mean()
    middle = np.average(np.asarray(target, dtype=np.float64), axis=1, weights=area)
    root = np.sqrt(weight).astype(np.float32)
    inside = ((table - means[:, None].astype(np.float32)) * root[:, None]).reshape(-1, COUNT)
    outside = ((target - middle[:, None].astype(np.float32)) * root).ravel()
    inner, outer = inside.T @ inside, inside.T @ outside
    fits: list[tuple[FloatArray, FloatArray]] = []
    for part in parts:
        of_places, of_mean = np.zeros(COUNT), np.zeros(COUNT)
        of_places[part] = ridge_of_products(inner[part, part], outer[part], PENALTY)
        of_mean[part] = ridge(means[:, part], middle - means @ of_places, MEAN_PENALTY)
        fits.append((of_places, of_mean))
    return fits


def weighted_quantiles(values: npt.NDArray[np.float32], weight: FloatArray) -> FloatArray:
    """QUANTILES of values (row, place) with a weight per place."""
    order = np.argsort(values, axis=None)
    total = np.cumsum(np.broadcast_to(weight, values.shape).ravel()[order])
    position = np.searchsorted(total, np.array(QUANTILES) * total[-1])
    return np.asarray(values.ravel()[order[np.minimum(position, order.size - 1)]], dtype=np.float64)


def followed(estimation: Estimation, planet: xr.Dataset) -> Estimation:
    """`estimation` with the state of the planet in all months of `planet`, including those after the estimation.

    `planet` has the form of the history of `estimate`, of which no row depends on a later month. The functions are
    dropped. Raises ValueError if they already were.
    """
    if estimation.functions is None or estimation.mean_coefficients is None:
        raise ValueError("the estimation has no functions to project onto")
    departures, slope, means = (
        np.asarray(planet[name].values, dtype=np.float64)[FIRST_ROW:] for name in ("departures", "slope", "means")
    )
    return replace(
        estimation,
        first=int(months_since_1970(planet)[FIRST_ROW]),
        components=projected(departures, estimation.functions).astype(np.float32),
        slope=slope,
        common=np.einsum("rlp,lp->rl", means[:, : estimation.leads], estimation.mean_coefficients).astype(np.float32),
        functions=None,
        mean_coefficients=None,
    )


def network_quantiles(
    predictors: Predictors, rows: IntArray, months: IntArray, estimation: Estimation, own: Own, leads: int
) -> FloatArray:
    """Quantiles (row, place, lead, quantile) of the network at some rows, in the unit of the values."""
    linear, scale = (
        np.moveaxis(each[:leads], 0, -1) for each in linear_forecast(predictors, rows, months, estimation, own)
    )
    if not estimation.linear_start:
        linear, scale = np.zeros_like(linear), np.ones_like(scale)
    sequence = sequences(np.swapaxes(predictors.past.departures[rows], 1, 2), months[rows, None])
    trait = traits(predictors.past, months, rows).astype(np.float32)
    inputs = Inputs(sequence, field_sequences(estimation, months[rows]), own.loadings, trait, linear, scale)
    departures = np.mean([read_out(layers, inputs) for layers in estimation.members], axis=0)
    return in_units(departures.transpose(2, 0, 1, 3), predictors, rows).transpose(1, 2, 0, 3)
