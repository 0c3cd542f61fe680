"""Stage `ceiling`: what a perfect forecast of the covariates would be worth."""

from __future__ import annotations

import xarray as xr

from climate import layout
from climate.backtest import origins
from climate.ceiling import CEILINGS, ceiling_scores, ceiling_table
from climate.compute import settled
from climate.errors import ClimateError
from climate.files import read_netcdf, write_netcdf
from climate.params import load_params


def run() -> None:
    """Score the models of `ceiling.models` with covariates forecast and known, for `ceiling.regions`.

    Regions that are not forecast, or were skipped, are left out; without covariates the result is empty.
    """
    params = load_params()
    for name in params.ceiling.models:
        if name not in CEILINGS:
            raise ClimateError(
                f"params.yaml: ceiling.models: unknown model '{name}', expected some of {', '.join(CEILINGS)}"
            )
    covariates = read_netcdf(layout.COVARIATES)
    scores = read_netcdf(layout.SCORES)
    plan = params.backtest
    found = []
    for region in params.ceiling.regions:
        if not params.ceiling.models or region not in scores["region"].values or "covariate" not in covariates:
            continue
        table = ceiling_table(
            read_netcdf(layout.series_file(region)),
            covariates,
            params.ceiling.models,
            origins(plan.first_origin, plan.every, plan.origins),
            plan.leads,
            params.baselines.refit_every,
            min_history=plan.min_history,
            compute=settled(params.compute),
        )
        judged = read_netcdf(layout.forecast_file("combined", region))
        judged["best_classical"] = scores["best_classical"].sel(region=region, drop=True)
        found.append(ceiling_scores(table, judged, params.score.blocks).expand_dims(region=[region]))
    write_netcdf(xr.concat(found, "region") if found else xr.Dataset(), layout.CEILING)
