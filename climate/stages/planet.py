"""Stage `planet`: every cell of the reference grid, forecast and scored; the estimations serve regions and panels too.

Writes `build/planet/scores.nc`, `build/planet/reduced.nc` and `build/planet/estimations/<month>.npz`. Without the
sources, all hold the reason alone (`skipped`).

`scores.nc` has the dimensions `forecaster`; `cell` (coordinates `lat`, `lon` of its centre in degrees, and `area`, the
cosine of its latitude); `block` of leads, named as in `score.blocks`; `start`, the calendar month of the origin (1-12);
`origin` (datetime64[s]); `lead` (months); `zone`; `quantile`. All scores are means over pairs of origin and lead whose
month is observed, in K (squares in K2) unless said otherwise, float32:

- `crps`, `covered90` (forecaster, cell, block, start): CRPS by quantiles, and the share inside the 90% interval (1).
- `pairs` (block, start): number of such pairs, the same for all cells and forecasters.
- `forecast_mean`, `forecast_square`, `product` (forecaster, cell, block, start), `observed_mean`, `observed_square`
  (cell, block, start): means of f, f2, f o, o and o2, where f is the forecast's median and o the observation, both less
  the median of `climatology-trend`. The mean squared error is f2 - 2 f o + o2, that of the reference is o2;
  correlation, amplitude and bias of Murphy (1988) follow from these means.
- `crps_by_origin` (forecaster, block, origin, cell): mean over the block's leads; NaN at origins from which the block
  is not forecast (leads beyond `planet.short_leads` at every `planet.long_every`-th origin only) or not all observed.
- `zone_crps` (forecaster, zone, start, lead): area-weighted mean of `planet`, `tropics` (up to 23.5 degrees),
  `north` and `south` of them; NaN where no pair is observed.
- `zonal_loss` (forecaster, lead_band, start, band): mean CRPS of the cells in bands of 5 degrees of latitude
  (coordinate `band`: the middle), weighted by area, over pairs in bands of leads such as `4-6`; NaN where none is.
- `issued` (forecaster, quantile, lead, cell): the forecast from the record's last month.

`reduced.nc` has `crps_by_origin` (forecaster, block, origin, cell) alone, as in `scores.nc`, of `ridge-planet` with
less information: `ridge-normal` without any predictor, so that it is the line and spread of the trailing normal with
learnt quantiles; `ridge-windows` from trailing windows and trends; `ridge-place` from these and the place's own months,
without the field. The cells are those of `scores.nc` that were also learnt from (every `planet.train_stride`-th along
both axes); without `ridge-planet` among `planet.models` it is empty.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_arrays, write_netcdf, write_netcdf_parts, write_skipped
from climate.forecasters.base import FloatArray, IntArray
from climate.forecasters.planet.estimation import REDUCED, Estimation, Learnt, Sample, estimate, followed, with_network
from climate.forecasters.planet.field import in_slabs, planet, thinned
from climate.forecasters.planet.settings import PlanetSettings
from climate.harmonize.checks import examine
from climate.hindcast.cells import OPPONENTS, CellPlan, CellTask, cell_dataset, score_cells, zone_dataset
from climate.hindcast.rolling import estimation_months, known_at, origins
from climate.parallel.tasks import release_memory, run_tasks, settled, task_results
from climate.params.params import Params, load_params
from climate.schema import TIME_DTYPE
from climate.sources.pulled import read_sources
from climate.sources.readers.grid.opening import is_grid

log = logging.getLogger("climate")

TASK_CELLS = 876
"""Cells of a task: enough to share the regressions on the field, few enough to share out the work."""

LINEAR = "ridge-planet"
"""The forecaster that is also estimated with less information."""

NETWORK = "lstm-planet"
"""The forecaster that has networks, which are trained only for it."""


def run() -> None:
    """Estimate at every date, forecast and score every cell; without the source, write the reason alone."""
    params = load_params()
    source = params.planet.source
    pulled = read_sources([source], examine)
    shutil.rmtree(paths.ESTIMATIONS, ignore_errors=True)
    if pulled.unavailable:
        reason = f"source {source} is unavailable ({pulled.unavailable[source]})"
        log.warning("planet: skipped, %s", reason)
        write_skipped(paths.ESTIMATIONS, f"there is no estimation of the planet: {reason}")
        for file in (paths.PLANET_SCORES, paths.PLANET_REDUCED):
            write_netcdf(xr.Dataset(attrs={"skipped": reason}), file)
        return
    grid = pulled.records.get(source)
    if grid is None or not is_grid(grid):
        raise ClimateError(f"params.yaml: planet.source: found '{source}', expected a grid; choose one")
    field = grid["value"]
    learnt, reduced = estimations(field, params)
    for estimation in learnt:
        write_arrays(estimation.to_arrays(), paths.ESTIMATIONS / f"{np.datetime64(estimation.month, 'M')}.npz")
    write_netcdf_parts(cell_scores(field, learnt, params), "cell", paths.PLANET_SCORES)
    write_netcdf(reduced_scores(field, reduced, params), paths.PLANET_REDUCED)


def estimations(field: xr.DataArray, params: Params) -> tuple[list[Estimation], dict[str, list[Estimation]]]:
    """The estimations of all dates on field (time, lat, lon), with the state of the planet in all its months.

    The second are those with less information, by name.
    """
    chosen = params.planet
    world = planet(field, chosen.train_stride, chosen.field_stride)
    months = estimation_months(params.backtest.first_origin, params.backtest.refit_every, world)
    log.info("planet: %d cells, %d estimations from %s", world.sizes["cell"], len(months), str(months[0])[:7])
    settings, compute = chosen.settings(PlanetSettings), settled(params.compute)
    learnt = run_tasks(train_linear, [LinearTask(world, month, settings) for month in months], compute, "planet")
    reduced = {name: [followed(each.reduced[name], world) for each in learnt] for name in REDUCED}
    taught = [each.estimation for each in learnt]
    if NETWORK in chosen.models:
        # TensorFlow and its compiler need more memory than everything else
        tasks = [NetworkTask(each.estimation, each.sample, settings) for each in learnt]
        taught = run_tasks(train_network, tasks, compute, "networks", apart=True)
    return [followed(estimation, world) for estimation in taught], reduced


def cell_scores(field: xr.DataArray, learnt: list[Estimation], params: Params) -> Iterator[xr.Dataset]:
    """Scores of the cells of field (time, lat, lon) without a missing month: TASK_CELLS at once, at last the zones."""
    paths.PLANET_SCORES.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=paths.PLANET_SCORES.parent) as folder:
        cells = stored_cells(field, params.planet.stride, Path(folder) / "values")
        plan, (start, last) = plan_of(params), ends(field)
        names, complete = [*OPPONENTS, *params.planet.models], cells.position.size
        log.info("planet: %d cells (%d with gaps left out), %d origins", complete, cells.gaps, plan.origins.size)
        tasks = CellTasks(cells, start, learnt, plan, names)
        zones: FloatArray | float = 0.0
        for number, scores in enumerate(task_results(score_cells, tasks, settled(params.compute), "cells")):
            part = tasks.part(number)
            zones = zones + scores.zones
            yield cell_dataset(scores, plan, last, cells.latitude[part], cells.longitude[part], names)
        yield zone_dataset(np.asarray(zones), plan, last, cells.latitude, names)


def reduced_scores(field: xr.DataArray, reduced: dict[str, list[Estimation]], params: Params) -> xr.Dataset:
    """Losses of `ridge-planet` with less information: the estimations by name; see the module."""
    if LINEAR not in params.planet.models:
        return xr.Dataset()
    cells = thinned(field, math.lcm(params.planet.stride, params.planet.train_stride))
    cells = cells.isel(cell=np.isfinite(cells.values).all(axis=0))
    plan, (start, _) = plan_of(params), ends(field)
    latitude = np.asarray(cells["lat"].values, dtype=np.float64)
    tasks = [CellTask(cells.values, start, latitude, learnt, plan, [LINEAR]) for learnt in reduced.values()]
    scores = run_tasks(score_cells, tasks, settled(params.compute), "information")
    losses = np.concatenate([each.by_origin for each in scores])
    return xr.Dataset(
        {"crps_by_origin": (("forecaster", "block", "origin", "cell"), losses)},
        coords={
            "forecaster": np.array(list(reduced), dtype=object),
            "block": np.array([*plan.blocks], dtype=object),
            "origin": plan.origins.astype("datetime64[M]").astype(TIME_DTYPE),
            **{name: ("cell", np.asarray(cells[name].values, dtype=np.float64)) for name in ("lat", "lon", "area")},
        },
    )


def ends(field: xr.DataArray) -> tuple[int, int]:
    """First and last month of a field (since 1970-01)."""
    start, last = (int(month.astype("datetime64[M]").astype(np.int64)) for month in field["time"].values[[0, -1]])
    return start, last


def plan_of(params: Params) -> CellPlan:
    """From which months, and how far ahead, cells are forecast."""
    when = origins(params.backtest.first_origin, params.backtest.every, params.backtest.origins)
    return CellPlan(
        np.array(when).astype("datetime64[M]").astype(np.int64),
        params.backtest.leads,
        params.planet.short_leads,
        params.planet.long_every,
        params.score.blocks,
    )


@dataclass(frozen=True)
class StoredCells:
    """Cells without a missing month, whose values are in a file from which some can be read."""

    path: Path
    """Values (time, cell) of these and others, of `dtype` and `shape`."""
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    position: IntArray
    """Where in the file each cell without a missing month is."""
    latitude: FloatArray
    longitude: FloatArray

    @property
    def gaps(self) -> int:
        """Number of cells with missing months."""
        return self.shape[1] - self.position.size

    def values(self, part: slice) -> FloatArray:
        """Values (time, cell) of some cells."""
        # mapped for this moment alone, since pages that were read count as memory of the process
        return np.asarray(np.memmap(self.path, self.dtype, "r", shape=self.shape)[:, self.position[part]])


def stored_cells(field: xr.DataArray, stride: int, path: Path) -> StoredCells:
    """Write every `stride`-th cell of field (time, lat, lon) to `path`, reading the field once and never as a whole."""
    complete = np.array(True)
    with path.open("wb") as file:
        for slab in in_slabs(field):
            cells = thinned(slab, stride)
            complete = complete & np.isfinite(cells.values).all(axis=0)
            np.ascontiguousarray(cells.values).tofile(file)
    latitude, longitude = (np.asarray(cells[name].values[complete], dtype=np.float64) for name in ("lat", "lon"))
    shape = field.sizes["time"], complete.size
    return StoredCells(path, field.dtype, shape, np.flatnonzero(complete), latitude, longitude)


@dataclass(frozen=True)
class CellTasks:
    """Tasks of TASK_CELLS cells each, whose values are read when a task is asked for."""

    cells: StoredCells
    start: int
    learnt: list[Estimation]
    plan: CellPlan
    names: list[str]

    def part(self, number: int) -> slice:
        """The cells of a task."""
        return slice(number * TASK_CELLS, (number + 1) * TASK_CELLS)

    def __len__(self) -> int:
        return -(-self.cells.position.size // TASK_CELLS)

    def __getitem__(self, number: int) -> CellTask:
        part = self.part(number)
        latitude = self.cells.latitude[part]
        return CellTask(self.cells.values(part), self.start, latitude, self.learnt, self.plan, self.names)


@dataclass(frozen=True)
class LinearTask:
    """One estimation: the last month that it uses of what all places share, and how to learn from it."""

    world: xr.Dataset
    month: np.datetime64
    settings: PlanetSettings


def train_linear(task: LinearTask) -> Learnt:
    """`estimate` as a function that a worker process can be sent."""
    return estimate(known_at(task.world, task.month), task.settings)


@dataclass(frozen=True)
class NetworkTask:
    """The networks of one estimation."""

    estimation: Estimation
    sample: Sample
    settings: PlanetSettings


def train_network(task: NetworkTask) -> Estimation:
    """`with_network` as a function that a worker process can be sent."""
    taught = with_network(task.estimation, task.sample, task.settings)
    release_memory()  # TensorFlow's cycles hold the arrays of the training, which would pile up from task to task
    return taught
