"""Stage `pool`: one network, and what goes with it, learnt from many places at each estimation date."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_json, write_json
from climate.forecasters.planet.estimation import Pool, followed, train_pool
from climate.forecasters.planet.field import planet
from climate.forecasters.planet.settings import PoolSettings
from climate.harmonize.regions import grid_series, is_grid
from climate.hindcast.rolling import estimation_months, known_at
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import load_params
from climate.params.regions import RegionDefinition
from climate.params.sections import PoolParams
from climate.stages.harmonize import read_sources

if TYPE_CHECKING:
    import geopandas

log = logging.getLogger("climate")

SKIPPED = paths.POOL / "skipped.json"

OUTERMOST = 75
"""Latitude of the outermost points that are learnt from; nearer to the poles neighbouring cells are the same air."""


def run() -> None:
    """Train at every estimation date and write one file for each; without the sources, write the reason alone."""
    params = load_params()
    settings = params.pool
    pulled = read_sources([settings.source, settings.shapes])
    shutil.rmtree(paths.POOL, ignore_errors=True)
    paths.POOL.mkdir(parents=True)
    if pulled.unavailable:
        reason = "; ".join(f"source {key} could not be had ({why})" for key, why in pulled.unavailable.items())
        log.warning("pool: skipped, %s", reason)
        write_json({"reason": f"there is no pool: {reason}"}, SKIPPED)
        return
    grid = pulled.records.get(settings.source)
    if grid is None or not is_grid(grid) or settings.shapes not in pulled.shapes:
        raise ClimateError(
            f"pool: expected a grid as `source` and polygons as `shapes`, found '{settings.source}' and "
            f"'{settings.shapes}'; correct them in params.yaml"
        )
    field = grid["value"].load()
    values = learnt_from(grid, settings, pulled.shapes[settings.shapes], params.harmonize.min_coverage)
    world = planet(field, values, settings.grid_stride)
    months = estimation_months(params.backtest.first_origin, settings.refit_every, world)
    log.info("pool: %d series, %d estimations from %s", values.sizes["series"], len(months), str(months[0])[:7])
    tasks = [Training(known_at(world, month), settings.settings(PoolSettings)) for month in months]
    for pool in run_tasks(train, tasks, settled(params.compute), "pool"):
        write_pool(followed(pool, world))


@dataclass(frozen=True)
class Training:
    """One estimation: what was known, and how to learn from it."""

    history: xr.Dataset
    settings: PoolSettings


def train(task: Training) -> Pool:
    """`train_pool` as a function that a worker process can be sent."""
    return train_pool(task.history, task.settings)


def learnt_from(
    grid: xr.Dataset, settings: PoolParams, shapes: geopandas.GeoDataFrame, min_coverage: float
) -> xr.DataArray:
    """Series (time, series) without gaps: the mean over each polygon, and single cells on a lattice."""
    regions = {
        str(key): RegionDefinition(title=str(name), source=settings.source, ar6=str(key))
        for key, name in zip(shapes["key"], shapes["name"], strict=True)
    }
    means = grid_series(grid, settings.source, regions, {"ar6-regions": shapes}, min_coverage)
    columns = {name: one["value"].values for name, one in means.items()}
    if settings.lattice_degrees is not None:
        field = grid["value"].transpose("time", "lat", "lon")
        for lat in np.arange(-OUTERMOST, OUTERMOST + 1, settings.lattice_degrees):
            for lon in np.arange(-180, 180, settings.lattice_degrees):
                cell = field.sel(lat=float(lat), lon=float(lon), method="nearest")
                columns[f"{lat} N {lon} E"] = cell.values
    complete = {name: values for name, values in columns.items() if np.isfinite(values).all()}
    return xr.DataArray(
        np.column_stack(list(complete.values())).astype(np.float64),
        dims=("time", "series"),
        coords={"time": grid["time"].values, "series": list(complete)},
    )


def write_pool(pool: Pool) -> None:
    """One estimation as build/pool/<month>.npz."""
    arrays: dict[str, Any] = {
        "month": np.array(pool.month),
        "first": np.array(pool.first),
        "components": pool.components,
        "slope": pool.slope,
        "coefficients": pool.coefficients,
        "share": pool.share,
        "residual": pool.residual,
    }
    for place, layers in enumerate(pool.members):
        arrays |= {f"member{place}/{name}": weight for name, weight in sorted(layers.items())}
    np.savez(paths.POOL / f"{np.datetime64(pool.month, 'M')}.npz", allow_pickle=False, **arrays)


def read_pools(folder: Path = paths.POOL) -> tuple[list[Pool], str | None]:
    """All estimations in the order of their months; or none of them, and the reason why there are none."""
    skipped = folder / SKIPPED.name
    if skipped.exists():
        return [], str(read_json(skipped)["reason"])
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise ClimateError(f"{folder} has no estimation of the pool, expected at least one: run `dvc repro pool`")
    return [_read_pool(file) for file in files], None


def _read_pool(file: Path) -> Pool:
    with np.load(file, allow_pickle=False) as arrays:
        names = sorted({name.split("/")[0] for name in arrays.files if name.startswith("member")})
        members = tuple(
            {name.removeprefix(f"{one}/"): arrays[name] for name in arrays.files if name.startswith(f"{one}/")}
            for one in names
        )
        return Pool(
            month=int(arrays["month"]),
            first=int(arrays["first"]),
            components=arrays["components"],
            slope=arrays["slope"],
            coefficients=arrays["coefficients"],
            share=arrays["share"],
            residual=arrays["residual"],
            members=members,
        )
