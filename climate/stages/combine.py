"""Stage `combine`: hindcasts of one region by the planet's models; all its forecasts combined and calibrated."""

from __future__ import annotations

import logging

import xarray as xr

from climate import paths
from climate.files import read_arrays, read_netcdf, read_parts, write_netcdf
from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.combine.ensemble import combine, join_tables
from climate.forecasters.planet.estimation import Estimation
from climate.forecasters.planet.forecaster import refusal
from climate.forecasters.registry import calibrated, make
from climate.hindcast.rolling import planned_backtest
from climate.parallel.tasks import ALONE
from climate.params.params import Params, load_params

log = logging.getLogger("climate")


def run(region: str) -> None:
    """Join the forecasts of `region` with those of the planet's models, add the combinations, and calibrate."""
    params = load_params()
    params.check_region(region)
    tables = [read_netcdf(paths.forecast_file(stage, region)) for stage in ("baselines", "lstm")]
    target = paths.forecast_file("combined", region)
    if "skipped" in tables[0].attrs:
        write_netcdf(tables[0], target)
        return
    single = join_tables([*tables, *planet_hindcasts(region, params)])
    everything = join_tables([single, combine(single, params.combine.min_verified)])
    write_netcdf(calibrate(everything, calibrated(everything["model"].values), params.combine.min_verified), target)


def planet_hindcasts(region: str, params: Params) -> list[xr.Dataset]:
    """Forecast table of the planet's models; none, with a line in the log, where they do not serve the region."""
    series = read_netcdf(paths.series_file(region))
    parts, reason = read_parts(paths.ESTIMATIONS, ".npz", read_arrays)
    if reason := refusal(series) or reason:
        log.info("%s: not forecast by the planet's models, %s", region, reason)
        return []
    estimations = [Estimation.from_arrays(arrays) for arrays in parts]
    forecasters = [make(name, estimations) for name in params.planet.models]
    return [planned_backtest(series, read_netcdf(paths.COVARIATES), forecasters, params.backtest, ALONE)]
