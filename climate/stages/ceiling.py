"""Stage `ceiling`: what forecasts would have been if the covariates' future had been known."""

from __future__ import annotations

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.forecasters.registry import make
from climate.hindcast.known_covariates import ceiling_table
from climate.hindcast.rolling import origins
from climate.parallel.tasks import settled
from climate.params.params import load_params
from climate.stages.study import read_study


def run() -> None:
    """Hindcast the models of `ceiling.models` with covariates forecast and known, for `ceiling.regions`.

    Regions that are not forecast, or were skipped, are left out; without covariates all are.
    """
    params = load_params()
    paths.CEILING.mkdir(parents=True, exist_ok=True)
    covariates = read_netcdf(paths.COVARIATES)
    if not params.ceiling.models or "covariate" not in covariates:
        return
    plan = params.backtest
    for region, series in read_study(params, params.ceiling.regions, "ceiling.regions").items():
        table = ceiling_table(
            series,
            covariates,
            [make(name) for name in params.ceiling.models],
            origins(plan.first_origin, plan.every, plan.origins),
            plan.leads,
            params.baselines.refit_every,
            min_history=plan.min_history,
            compute=settled(params.compute),
        )
        write_netcdf(table, paths.ceiling_file(region))
