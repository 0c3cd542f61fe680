"""Stages `baselines`, `lstm` and `combine`: hindcasts of one region."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_arrays, read_netcdf, read_parts, write_netcdf
from climate.forecasters.base import Forecaster
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import make
from climate.hindcast.rolling import backtest, origins
from climate.parallel.tasks import ALONE, settled
from climate.params.params import Params, load_params
from climate.params.sections import ComputeParams

log = logging.getLogger("climate")


def run_baselines(region: str) -> None:
    """Hindcast `region` with the classical models of params.yaml."""
    params = load_params()
    forecasters = [make(name) for name in params.baselines.models]
    table = _hindcast(region, params, forecasters, params.baselines.refit_every)
    write_netcdf(table, paths.forecast_file("baselines", region))


def run_lstm(region: str) -> None:
    """Hindcast `region` with the networks of params.yaml."""
    params = load_params()
    forecasters = [make(name, params.lstm.settings(NetworkSettings)) for name in params.lstm.models]
    write_netcdf(_hindcast(region, params, forecasters, params.lstm.refit_every), paths.forecast_file("lstm", region))


def run_combine(region: str) -> None:
    """Join the forecasts of `region` with those of the pool, add the combinations, and calibrate."""
    from climate.forecasters.combine.conformal import calibrate
    from climate.forecasters.combine.ensemble import combine, join_tables

    params = load_params()
    tables = [read_netcdf(paths.forecast_file(stage, region)) for stage in ("baselines", "lstm")]
    target = paths.forecast_file("combined", region)
    if "skipped" in tables[0].attrs:
        write_netcdf(tables[0], target)
        return
    single = join_tables([*tables, *_pooled(region, params)])
    everything = join_tables([single, combine(single, params.combine.min_verified)])
    calibrated = [name for name in everything["model"].values if name not in params.combine.uncalibrated]
    write_netcdf(calibrate(everything, calibrated, params.combine.min_verified), target)


def _pooled(region: str, params: Params) -> list[xr.Dataset]:
    """Hindcasts of the forecasters of the pool; none for a region of another kind than the pool learnt from."""
    from climate.forecasters.planet.estimation import Pool
    from climate.forecasters.planet.forecaster import refusal

    reason = refusal(_read_series(region, params))
    parts: list[dict[str, Any]] = []
    if not reason:
        parts, reason = read_parts(paths.POOL, ".npz", read_arrays)
    if reason:
        log.info("%s: not forecast by the pool, %s", region, reason)
        return []
    pools = [Pool.from_arrays(arrays) for arrays in parts]
    forecasters = [make(name, pools) for name in params.pool.models]
    return [_hindcast(region, params, forecasters, params.pool.refit_every, ALONE)]


def _hindcast(
    region: str,
    params: Params,
    forecasters: Sequence[Forecaster],
    refit_every: int,
    compute: ComputeParams | None = None,
) -> xr.Dataset:
    series = _read_series(region, params)
    if "skipped" in series.attrs:
        log.warning("%s: skipped, %s", region, series.attrs["skipped"])
        return xr.Dataset(attrs={"region": region, "skipped": series.attrs["skipped"]})
    plan = params.backtest
    covariates = read_netcdf(paths.COVARIATES)
    return backtest(
        series,
        covariates if "covariate" in covariates else None,
        forecasters,
        origins(plan.first_origin, plan.every, plan.origins),
        plan.leads,
        refit_every,
        min_history=plan.min_history,
        compute=compute or settled(params.compute),
    )


def _read_series(region: str, params: Params) -> xr.Dataset:
    if region not in params.regions:
        raise ClimateError(
            f"unknown region '{region}': expected a key of `regions` in params.yaml ({', '.join(params.regions)})"
        )
    return read_netcdf(paths.series_file(region))
