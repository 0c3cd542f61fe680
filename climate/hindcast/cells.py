"""Every cell of a grid, forecast by the planet's forecasters and their opponents, and scored in bounded memory.

A chunk of cells keeps no forecast but the issued one: scores are added up by block of leads and calendar month of the
origin. The parameters of all forecasters are estimated at the months of the planet's estimations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.forecasters.base import MEDIAN_INDEX, Fitted, FloatArray, IntArray, hindcasts
from climate.forecasters.classical.trend import ClimatologyTrend
from climate.forecasters.planet.estimation import Estimation, network_quantiles
from climate.forecasters.planet.places import Own, own_estimates, ridge_quantiles
from climate.forecasters.planet.predictors import Predictors
from climate.forecasters.planet.regression import FieldMap, field_maps
from climate.forecasters.planet.trailing import FIRST_ROW, trailing
from climate.schema import MONTHS_PER_YEAR, QUANTILES, TIME_DTYPE
from climate.verify.losses import quantile_crps

Single = npt.NDArray[np.float32]

CELLS_AT_ONCE = 146
"""Cells forecast together, which bounds memory."""

TROPICS = 23.5
"""Largest latitude of the tropics (degrees)."""

ZONES = ("planet", "tropics", "north", "south")

BAND_DEGREES = 5
"""Height of the latitude bands of `zonal_loss`."""

BANDS = np.arange(-90, 90, BAND_DEGREES) + BAND_DEGREES / 2
"""Their middle latitudes (degrees)."""

LEAD_BANDS = ((1, 1), (2, 2), (3, 3), (4, 6), (7, 9), (10, 12), (13, 24), (25, 36), (37, 48), (49, 60))
"""First and last lead of the bands of `zonal_loss`."""

OPPONENTS = {
    "climatology-trend": ClimatologyTrend(),
    "trend-ar1": ClimatologyTrend(residual=True),
}
"""Simple forecasters by name; the first is the reference from which errors are measured."""

LEARNT = {"ridge-planet": ridge_quantiles, "lstm-planet": network_quantiles}
"""The planet's forecasters by name."""

STATISTICS = ("crps", "covered90", "forecast_mean", "forecast_square", "product")
"""Means that each forecaster has, see stage `planet`."""


_MAPS: dict[bytes, list[FieldMap]] = {}
"""By a digest of what they are made of, see `_field_maps`."""


@dataclass(frozen=True)
class CellPlan:
    """Origins (months since 1970-01) of the scores, and the leads that they are forecast to."""

    origins: IntArray
    leads: int
    short_leads: int
    long_every: int
    blocks: Mapping[str, tuple[int, int]]

    def reach(self) -> IntArray:
        """Longest lead (origin)."""
        long = np.arange(self.origins.size) % self.long_every == 0
        return np.where(long, self.leads, min(self.short_leads, self.leads))

    @cached_property
    def inside(self) -> npt.NDArray[np.bool_]:
        """True (block, lead) for the leads of a block."""
        return np.asarray([_between(self.leads, *block) for block in self.blocks.values()])

    @cached_property
    def reached(self) -> npt.NDArray[np.bool_]:
        """True (origin, block) where an origin is forecast to all leads of a block."""
        return np.asarray(self.reach()[:, None] >= np.array([last for _, last in self.blocks.values()]))


def _between(leads: int, first: int, last: int) -> npt.NDArray[np.bool_]:
    lead = np.arange(1, leads + 1)
    return np.asarray((lead >= first) & (lead <= last))


@dataclass(frozen=True)
class CellTask:
    """A chunk of cells: values (time, cell) without NaN, from month `start` on, and the estimations to apply."""

    values: Single | FloatArray
    start: int
    latitude: FloatArray
    estimations: Sequence[Estimation]
    plan: CellPlan
    forecasters: Sequence[str]


@dataclass
class Scores:
    """Sums over origins of one chunk, see stage `planet`; `zones` are area-weighted sums over its cells."""

    sums: Single
    """(statistic, forecaster, cell, block, start)"""
    observed: Single
    """(2, cell, block, start): of the observation and its square"""
    by_origin: Single
    """(forecaster, block, origin, cell)"""
    zones: FloatArray
    """(forecaster, zone and then band, start, lead)"""
    issued: Single
    """(forecaster, quantile, lead, cell)"""


def zone_weights(latitude: FloatArray) -> FloatArray:
    """Area (zone, cell) of cells at `latitude` (degrees) in each of ZONES, and then in each band of BANDS."""
    area = np.clip(np.cos(np.deg2rad(latitude)), 0.0, None)
    zones = [np.ones(latitude.size), np.abs(latitude) <= TROPICS, latitude > TROPICS, latitude < -TROPICS]
    band = np.clip((latitude + 90) // BAND_DEGREES, 0, BANDS.size - 1)
    return np.asarray(np.concatenate([zones, band == np.arange(BANDS.size)[:, None]]) * area)


def verified(plan: CellPlan, last: int) -> npt.NDArray[np.bool_]:
    """True (origin, lead) where an origin is forecast to a lead whose month is not after `last`."""
    lead = np.arange(1, plan.leads + 1)
    return np.asarray((lead <= plan.reach()[:, None]) & (plan.origins[:, None] + lead <= last))


def score_cells(task: CellTask) -> Scores:
    """Forecast and score the cells of a task, a few at once."""
    maps = _field_maps(task)
    parts = []
    for first in range(0, task.values.shape[1], CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        values = task.values[:, part].astype(np.float64)
        parts.append(_score_part(task, values, task.latitude[part], maps))
    return joined(parts)


def joined(parts: Sequence[Scores]) -> Scores:
    """Scores of several chunks as one."""
    return Scores(
        np.concatenate([part.sums for part in parts], axis=2),
        np.concatenate([part.observed for part in parts], axis=1),
        np.concatenate([part.by_origin for part in parts], axis=3),
        np.sum([part.zones for part in parts], axis=0),
        np.concatenate([part.issued for part in parts], axis=3),
    )


def _months(task: CellTask) -> IntArray:
    return np.arange(task.start + FIRST_ROW, task.start + len(task.values))


def _field_maps(task: CellTask) -> list[list[FieldMap]]:
    """Maps of each estimation. Those of the last task in this process are kept: most tasks have the same."""
    kept, months = dict(_MAPS), _months(task)
    _MAPS.clear()
    keys = []
    for estimation in task.estimations:
        inside = months[months <= estimation.month]
        features, known = estimation.features(inside), np.asarray(estimation.state(inside)[0].any(axis=1))
        keys.append(hashlib.sha256(features.tobytes() + known.tobytes() + bytes(estimation.leads)).digest())
        _MAPS[keys[-1]] = kept[keys[-1]] if keys[-1] in kept else field_maps(features, known, estimation.leads)
    return [_MAPS[key] for key in keys]


def _score_part(task: CellTask, values: FloatArray, latitude: FloatArray, maps: Sequence[Sequence[FieldMap]]) -> Scores:
    plan, months = task.plan, _months(task)
    last, cells = int(months[-1]), values.shape[1]
    chunk = Chunk.of(task, values)
    count, blocks = len(task.forecasters), len(plan.blocks)
    result = Scores(
        np.zeros((len(STATISTICS), count, cells, blocks, MONTHS_PER_YEAR), np.float32),
        np.zeros((2, cells, blocks, MONTHS_PER_YEAR), np.float32),
        np.full((count, blocks, plan.origins.size, cells), np.nan, np.float32),
        np.zeros((count, len(ZONES) + BANDS.size, MONTHS_PER_YEAR, plan.leads)),
        np.zeros((count, len(QUANTILES), plan.leads, cells), np.float32),
    )
    reach, weights = plan.reach(), zone_weights(latitude)
    dates = np.array([estimation.month for estimation in task.estimations])
    newest = np.searchsorted(dates, plan.origins, side="right") - 1
    for number, estimation in enumerate(task.estimations):
        fitted = chunk.fitted(estimation, maps[number])
        for leads in np.unique(reach):
            chosen = np.flatnonzero((newest == number) & (reach == leads))
            if chosen.size == 0:
                continue
            rows, reference = plan.origins[chosen] - int(months[0]), None
            actual = _observed(values, rows + FIRST_ROW, int(leads))
            for index, quantiles in enumerate(fitted.forecasts(rows, int(leads))):
                if reference is None:
                    reference = quantiles[..., MEDIAN_INDEX].copy()
                    _add_observed(result, plan, chosen, last, actual - reference)
                _add(result, index, plan, chosen, last, quantiles, actual, reference, weights)
    for index, quantiles in enumerate(fitted.forecasts(np.array([len(months) - 1]), plan.leads)):
        result.issued[index] = quantiles[0].transpose(2, 1, 0)
    return result


@dataclass(frozen=True)
class Chunk:
    """Cells that are forecast together: values (time, cell), and what all their forecasts share.

    months (row) are those of the predictors, the first being FIRST_ROW months after the first value.
    """

    values: FloatArray
    panel: xr.Dataset
    months: IntArray
    predictors: Predictors
    forecasters: Sequence[str]

    @classmethod
    def of(cls, task: CellTask, values: FloatArray) -> Chunk:
        """Some of the cells of a task."""
        months = _months(task)
        time = (task.start + np.arange(len(values))).astype("datetime64[M]").astype(TIME_DTYPE)
        panel = xr.Dataset({"value": (("place", "time"), values.T)}, coords={"time": time})
        predictors = Predictors(trailing(values), task.estimations[0].slope_at(months))
        return cls(values, panel, months, predictors, task.forecasters)

    def fitted(self, estimation: Estimation, maps: Sequence[FieldMap]) -> FittedChunk:
        """Everything that is estimated at the date of an estimation."""
        known = self.panel.isel(time=slice(0, estimation.month - int(self.months[0]) + FIRST_ROW + 1))
        simple = {name: OPPONENTS[name].fit(known) for name in self.forecasters if name in OPPONENTS}
        own = own_estimates(self.values, self.predictors, self.months, estimation, maps)
        return FittedChunk(self, estimation, own, simple)


@dataclass(frozen=True)
class FittedChunk:
    """Estimates of all forecasters for the cells of a chunk at one date."""

    chunk: Chunk
    estimation: Estimation
    own: Own
    simple: Mapping[str, Fitted]

    def forecasts(self, rows: IntArray, leads: int) -> Iterator[Single]:
        """Quantiles (origin, cell, lead, quantile) by each forecaster from some rows of the predictors."""
        chunk = self.chunk
        for name in chunk.forecasters:
            if name in self.simple:
                ends = [int(row) + FIRST_ROW + 1 for row in rows]
                quantiles = hindcasts(self.simple[name], chunk.panel, ends, leads).swapaxes(0, 1)
            else:
                quantiles = LEARNT[name](chunk.predictors, rows, chunk.months, self.estimation, self.own, leads)
            yield quantiles.astype(np.float32)


def _observed(values: FloatArray, position: IntArray, leads: int) -> Single:
    """Values (origin, cell, lead) after each of `position`; zero beyond the last month, where nothing is scored."""
    ahead = position[:, None] + np.arange(1, leads + 1)
    inside = ahead < len(values)
    result = np.where(inside[..., None], values[np.minimum(ahead, len(values) - 1)], 0.0)
    return result.transpose(0, 2, 1).astype(np.float32)


def _block_sums(statistic: Single, known: npt.NDArray[np.bool_], plan: CellPlan) -> Single:
    """Sums (origin, cell, block) over the known leads of a statistic (origin, cell, lead)."""
    leads = statistic.shape[2]
    inside = plan.inside[:, :leads].T.astype(np.float32)
    return np.where(known[:, None, :leads], statistic, np.float32(0)) @ inside


def _add_by_start(total: Single, sums: Single, plan: CellPlan, chosen: IntArray) -> None:
    """Add sums (origin, cell, block) to the total (cell, block, start) where the origin is forecast to the block."""
    reached = plan.reached[chosen]
    for row, origin in enumerate(plan.origins[chosen]):
        total[..., origin % MONTHS_PER_YEAR] += np.where(reached[row], sums[row], np.float32(0))


def _add_observed(result: Scores, plan: CellPlan, chosen: IntArray, last: int, actual: Single) -> None:
    known = verified(plan, last)[chosen]
    for position, statistic in enumerate((actual, actual**2)):
        _add_by_start(result.observed[position], _block_sums(statistic, known, plan), plan, chosen)


def _add(
    result: Scores,
    index: int,
    plan: CellPlan,
    chosen: IntArray,
    last: int,
    quantiles: Single,
    actual: Single,
    reference: Single,
    weights: FloatArray,
) -> None:
    """Add the scores of forecaster `index` at the `chosen` origins, from arrays (origin, cell, lead, ...)."""
    known, leads = verified(plan, last)[chosen], actual.shape[2]
    crps = quantile_crps(quantiles, actual, np.array(QUANTILES))
    covered = ((actual >= quantiles[..., 0]) & (actual <= quantiles[..., -1])).astype(np.float32)
    middle, anomaly = quantiles[..., MEDIAN_INDEX] - reference, actual - reference
    for position, statistic in enumerate((crps, covered, middle, middle**2, middle * anomaly)):
        sums = _block_sums(statistic, known, plan)
        _add_by_start(result.sums[position, index], sums, plan, chosen)
        if position == 0:
            whole = plan.reached[chosen] & (known[:, None] | ~plan.inside).all(axis=2)
            means = sums / plan.inside.sum(axis=1).astype(np.float32)
            kept = np.where(whole[:, None], means, np.float32(np.nan))
            result.by_origin[index][:, chosen] = kept.transpose(2, 0, 1)
    of_zones = np.einsum("ocl,zc->ozl", np.where(known[:, None, :leads], crps, np.float32(0)), weights, optimize=True)
    for row, origin in enumerate(plan.origins[chosen]):
        result.zones[index, :, origin % MONTHS_PER_YEAR, :leads] += of_zones[row]


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def cell_dataset(
    scores: Scores, plan: CellPlan, last: int, latitude: FloatArray, longitude: FloatArray, forecasters: Sequence[str]
) -> xr.Dataset:
    """Scores of cells as stage `planet` describes them, without those of zones."""
    known, inside, reached = (each.astype(float) for each in (verified(plan, last), plan.inside, plan.reached))
    start = np.eye(MONTHS_PER_YEAR)[plan.origins % MONTHS_PER_YEAR]
    pairs = np.einsum("ol,bl,ob,os->bs", known, inside, reached, start, optimize=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        means, observed = scores.sums / pairs, scores.observed / pairs
    cells = ("cell", "block", "start")
    variables: dict[str, tuple[tuple[str, ...], FloatArray]]
    variables = {name: (("forecaster", *cells), values) for name, values in zip(STATISTICS, means, strict=True)}
    variables |= {"observed_mean": (cells, observed[0]), "observed_square": (cells, observed[1])}
    variables |= {
        "pairs": (("block", "start"), pairs),
        "crps_by_origin": (("forecaster", "block", "origin", "cell"), scores.by_origin),
        "issued": (("forecaster", "quantile", "lead", "cell"), scores.issued),
    }
    return xr.Dataset(
        {name: (dims, np.asarray(values, dtype=np.float32)) for name, (dims, values) in variables.items()},
        coords={
            "forecaster": np.array(forecasters, dtype=object),
            "block": np.array([*plan.blocks], dtype=object),
            "start": np.arange(1, MONTHS_PER_YEAR + 1),
            "origin": plan.origins.astype("datetime64[M]").astype(TIME_DTYPE),
            "lead": np.arange(1, plan.leads + 1),
            "quantile": np.array(QUANTILES),
            "lat": ("cell", latitude),
            "lon": ("cell", longitude),
            "area": ("cell", zone_weights(latitude)[0]),
        },
        attrs={"issued_from": str(np.datetime64(last, "M"))},
    )


def zone_dataset(
    sums: FloatArray, plan: CellPlan, last: int, latitude: FloatArray, forecasters: Sequence[str]
) -> xr.Dataset:
    """Scores of zones and bands as stage `planet` describes them, from `Scores.zones` of all cells."""
    known = verified(plan, last).astype(float)
    at_lead = np.einsum("ol,os->sl", known, np.eye(MONTHS_PER_YEAR)[plan.origins % MONTHS_PER_YEAR])
    total = zone_weights(latitude).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        zones = (sums / (total[:, None, None] * at_lead))[:, : len(ZONES)]
        of_band = np.stack([_between(plan.leads, *band) for band in LEAD_BANDS]).astype(float)
        zonal = np.einsum("fzsl,bl->fbsz", sums[:, len(ZONES) :], of_band, optimize=True)
        zonal /= (of_band @ at_lead.T)[..., None] * total[len(ZONES) :]
    return xr.Dataset(
        {
            "zone_crps": (("forecaster", "zone", "start", "lead"), zones.astype(np.float32)),
            "zonal_loss": (("forecaster", "lead_band", "start", "band"), zonal.astype(np.float32)),
        },
        coords={
            "forecaster": np.array(forecasters, dtype=object),
            "zone": np.array(ZONES, dtype=object),
            "start": np.arange(1, MONTHS_PER_YEAR + 1),
            "lead": np.arange(1, plan.leads + 1),
            "lead_band": np.array([_span(first, last) for first, last in LEAD_BANDS], dtype=object),
            "band": BANDS,
        },
    )
