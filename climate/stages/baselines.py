"""Stage `baselines`: hindcasts of one region by the classical and linear models."""

from __future__ import annotations

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.forecasters.registry import make
from climate.hindcast.rolling import early_backtest, planned_backtest
from climate.parallel.tasks import settled
from climate.params.params import load_params


def run(region: str) -> None:
    """Hindcast `region` with `baselines.models`, and earlier months with the candidates of `score.opponent`."""
    params = load_params()
    params.check_region(region)
    series, covariates = read_netcdf(paths.series_file(region)), read_netcdf(paths.COVARIATES)
    plan, compute = params.backtest, settled(params.compute)
    forecasters = [make(name) for name in params.baselines.models]
    table = planned_backtest(series, covariates, forecasters, plan, compute)
    write_netcdf(table, paths.forecast_file("baselines", region))
    choice = params.score.opponent
    candidates = [make(name) for name in choice.candidates]
    early = early_backtest(series, covariates, candidates, plan, choice, compute)
    write_netcdf(early, paths.forecast_file("early", region))
