"""Stage `ceiling`: what forecasts of a region would have been if the covariates' future had been known."""

from __future__ import annotations

import logging

import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.forecasters.registry import make
from climate.hindcast.known_covariates import ceiling_table
from climate.hindcast.rolling import origins
from climate.parallel.tasks import settled
from climate.params.params import load_params

log = logging.getLogger("climate")


def run(region: str) -> None:
    """Hindcast `region` with the models of `ceiling.models`, covariates forecast and known."""
    params = load_params()
    params.check_region(region)
    plan, models = params.backtest, [make(name) for name in params.ceiling.models]
    series, covariates = read_netcdf(paths.series_file(region)), read_netcdf(paths.COVARIATES)
    reason = series.attrs.get("skipped") or ("" if "covariate" in covariates else "this run has no covariates")
    if reason:
        log.warning("%s: skipped, %s", region, reason)
        table = xr.Dataset(attrs={"region": region, "skipped": reason})
    else:
        when = origins(plan.first_origin, plan.every, plan.origins)
        refit_every, compute = params.baselines.refit_every, settled(params.compute)
        table = ceiling_table(
            series, covariates, models, when, plan.leads, refit_every, min_history=plan.min_history, compute=compute
        )
    write_netcdf(table, paths.forecast_file("ceiling", region))
