"""Stage `planet`: every cell of the reference grid, forecast and scored; the estimations serve regions and panels too.

Writes `build/planet/scores.nc` and `build/planet/estimations/<month>.npz`. Without the sources, both hold the reason
alone (`skipped`).

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
- `issued` (forecaster, quantile, lead, cell): the forecast from the record's last month.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_arrays, write_skipped
from climate.forecasters.planet.estimation import Estimation, estimate, followed
from climate.forecasters.planet.field import planet
from climate.forecasters.planet.settings import PlanetSettings
from climate.harmonize.checks import examine
from climate.hindcast.rolling import estimation_months, known_at
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import Params, load_params
from climate.sources.pulled import read_sources
from climate.sources.readers.grid.opening import is_grid

log = logging.getLogger("climate")


def run() -> None:
    """Estimate at every date, and write one file for each; without the source, write the reason alone."""
    params = load_params()
    source = params.planet.source
    pulled = read_sources([source], examine)
    shutil.rmtree(paths.ESTIMATIONS, ignore_errors=True)
    if pulled.unavailable:
        reason = f"source {source} is unavailable ({pulled.unavailable[source]})"
        log.warning("planet: skipped, %s", reason)
        write_skipped(paths.ESTIMATIONS, f"there is no estimation of the planet: {reason}")
        return
    grid = pulled.records.get(source)
    if grid is None or not is_grid(grid):
        raise ClimateError(f"params.yaml: planet.source: found '{source}', expected a grid; choose one")
    for estimation in estimations(grid["value"].load(), params):
        write_arrays(estimation.to_arrays(), paths.ESTIMATIONS / f"{np.datetime64(estimation.month, 'M')}.npz")


def estimations(field: xr.DataArray, params: Params) -> list[Estimation]:
    """The estimations of all dates on field (time, lat, lon), with the state of the planet in all its months."""
    chosen = params.planet
    world = planet(field, chosen.train_stride, chosen.field_stride)
    months = estimation_months(params.backtest.first_origin, chosen.refit_every, world)
    log.info("planet: %d cells, %d estimations from %s", world.sizes["cell"], len(months), str(months[0])[:7])
    tasks = [Training(known_at(world, month), chosen.settings(PlanetSettings)) for month in months]
    return [followed(each, world) for each in run_tasks(train, tasks, settled(params.compute), "planet")]


@dataclass(frozen=True)
class Training:
    """One estimation: what was known, and how to learn from it."""

    history: xr.Dataset
    settings: PlanetSettings


def train(task: Training) -> Estimation:
    """`estimate` as a function that a worker process can be sent."""
    return estimate(task.history, task.settings)
