"""Stage `ceiling`: what forecasts of a region would have been if the covariates' future had been known."""

from __future__ import annotations

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.forecasters.registry import make
from climate.hindcast.known_covariates import with_known_covariates
from climate.hindcast.rolling import planned_backtest
from climate.parallel.tasks import settled
from climate.params.params import load_params


def run(region: str) -> None:
    """Hindcast `region` with the models of `ceiling.models`, covariates forecast and known."""
    params = load_params()
    params.check_region(region)
    series, covariates = read_netcdf(paths.series_file(region)), read_netcdf(paths.COVARIATES)
    if "covariate" not in covariates:
        series = series.assign_attrs(skipped="this run has no covariates")
    models = with_known_covariates([make(name) for name in params.ceiling.models], covariates)
    table = planned_backtest(series, covariates, models, params.backtest, settled(params.compute))
    write_netcdf(table, paths.forecast_file("ceiling", region))
