"""Stage `score`: every region's combined forecast table on the common sample."""

from __future__ import annotations

import logging

import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_json, write_netcdf, write_text
from climate.hindcast.known_covariates import ceiling_scores
from climate.params.params import load_params
from climate.verify.across_regions import score_regions
from climate.verify.summary import crps_by_lead, metrics

log = logging.getLogger("climate")


def run() -> None:
    """Score all regions that have forecasts; write the scores, those by stratum and with known covariates, and metrics.

    Without the covariate nino34 the ENSO state is left out of build/strata.nc.
    """
    params = load_params()
    plan, tables = params.score, {}
    for region in params.regions:
        table = read_netcdf(paths.forecast_file("combined", region))
        if "skipped" in table.attrs:
            log.warning("%s: not scored, %s", region, table.attrs["skipped"])
        else:
            tables[region] = table
    series = {region: read_netcdf(paths.series_file(region)) for region in tables}
    networks = {region: read_netcdf(paths.forecast_file("lstm", region)) for region in tables}
    covariates = read_netcdf(paths.COVARIATES)
    scores, strata = score_regions(tables, series, networks, covariates, plan.blocks, plan.reference, plan.significance)
    ceiling = []
    for region in [region for region in tables if region in params.ceiling.regions]:
        known = read_netcdf(paths.forecast_file("ceiling", region))
        if "skipped" not in known.attrs:
            judged = tables[region].assign(best_classical=scores["best_classical"].sel(region=region, drop=True))
            ceiling.append(ceiling_scores(known, judged, plan.blocks).expand_dims(region=[region]))
    write_netcdf(scores, paths.SCORES)
    write_netcdf(xr.concat(ceiling, "region") if ceiling else xr.Dataset(), paths.CEILING_SCORES)
    write_netcdf(strata, paths.STRATA)
    write_json(metrics(scores), paths.METRICS)
    write_text(crps_by_lead(scores), paths.CRPS_BY_LEAD)
