"""Stage `pool`: one network, and what goes with it, learnt from many series at each estimation date."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_arrays, write_skipped
from climate.forecasters.planet.estimation import Pool, followed, train_pool
from climate.forecasters.planet.field import planet
from climate.forecasters.planet.settings import PoolSettings
from climate.harmonize.checks import examine
from climate.harmonize.training_series import training_series
from climate.hindcast.rolling import estimation_months, known_at
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import load_params
from climate.sources.pulled import read_sources
from climate.sources.readers.grid.opening import is_grid

log = logging.getLogger("climate")


def run() -> None:
    """Train at every estimation date and write one file for each; without the sources, write the reason alone."""
    params = load_params()
    settings = params.pool
    pulled = read_sources([settings.source, settings.shapes], examine)
    shutil.rmtree(paths.POOL, ignore_errors=True)
    if pulled.unavailable:
        reason = "; ".join(f"source {key} is unavailable ({why})" for key, why in pulled.unavailable.items())
        log.warning("pool: skipped, %s", reason)
        write_skipped(paths.POOL, f"there is no pool: {reason}")
        return
    grid = pulled.records.get(settings.source)
    if grid is None or not is_grid(grid) or settings.shapes not in pulled.shapes:
        raise ClimateError(
            f"pool: expected a grid as `source` and polygons as `shapes`, found '{settings.source}' and "
            f"'{settings.shapes}'; correct them in params.yaml"
        )
    polygons = pulled.shapes[settings.shapes]
    values = training_series(grid, settings.source, polygons, settings.lattice_degrees, params.harmonize)
    world = planet(grid["value"].load(), values, settings.grid_stride)
    months = estimation_months(params.backtest.first_origin, settings.refit_every, world)
    log.info("pool: %d series, %d estimations from %s", values.sizes["series"], len(months), str(months[0])[:7])
    tasks = [Training(known_at(world, month), settings.settings(PoolSettings)) for month in months]
    for pool in run_tasks(train, tasks, settled(params.compute), "pool"):
        write_arrays(followed(pool, world).to_arrays(), paths.POOL / f"{np.datetime64(pool.month, 'M')}.npz")


@dataclass(frozen=True)
class Training:
    """One estimation: what was known, and how to learn from it."""

    history: xr.Dataset
    settings: PoolSettings


def train(task: Training) -> Pool:
    """`train_pool` as a function that a worker process can be sent."""
    return train_pool(task.history, task.settings)
