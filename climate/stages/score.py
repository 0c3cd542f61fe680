"""Stage `score`: every region's combined forecast table on the common sample."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_json, write_netcdf, write_text
from climate.hindcast.known_covariates import ceiling_scores
from climate.params.params import Params, load_params
from climate.verify.across_places import pool
from climate.verify.losses import cell_scores
from climate.verify.scores import join_scores, score, score_seeds
from climate.verify.strata import enso_state, join_strata, score_strata
from climate.verify.verdicts import verdicts

log = logging.getLogger("climate")

DIGITS = 6
"""Decimal places of metrics; enough to see a change, few enough to read."""

ENSO_INDEX = "nino34"
"""The covariate whose anomaly tells the state of ENSO."""


def run() -> None:
    """Score all regions that have forecasts; write the scores, DVC's metrics and the plot of CRPS by lead.

    Scores with known covariates go to build/ceiling.nc, scores by stratum to build/strata.nc; without the covariate
    nino34 the ENSO state is left out.
    """
    params = load_params()
    blocks, states = params.score.blocks, _enso_states()
    scores, strata, tables, regions = [], [], [], []
    for region in params.regions:
        table = read_netcdf(paths.forecast_file("combined", region))
        if "skipped" in table.attrs:
            log.warning("%s: not scored, %s", region, table.attrs["skipped"])
            continue
        series, cells = read_netcdf(paths.series_file(region)), cell_scores(table).assign_attrs(region=region)
        scored = score(table, series, blocks, params.score.reference, cells)
        seeds = score_seeds(table, read_netcdf(paths.forecast_file("lstm", region)), blocks)
        scores.append(scored.merge(seeds.expand_dims(region=[region]), join="left") if seeds else scored)
        strata.append(score_strata(cells, series, states, blocks))
        tables.append(table)
        regions.append(cells)
    joined = join_scores(scores)
    joined = xr.merge([joined, pool(regions, blocks), verdicts(joined, params.score.significance)], join="left")
    write_netcdf(joined, paths.SCORES)
    write_netcdf(_ceiling(tables, joined, params), paths.CEILING_SCORES)
    write_netcdf(join_strata(strata), paths.STRATA)
    write_json(metrics(joined), paths.METRICS)
    write_text(crps_by_lead(joined), paths.CRPS_BY_LEAD)


def _ceiling(tables: Sequence[xr.Dataset], scores: xr.Dataset, params: Params) -> xr.Dataset:
    """Scores of the models that know their covariates, over the regions that have them; empty without any."""
    found = []
    for table in tables:
        region = str(table.attrs["region"])
        if region not in params.ceiling.regions:
            continue
        known = read_netcdf(paths.forecast_file("ceiling", region))
        if "skipped" not in known.attrs:
            judged = table.assign(best_classical=scores["best_classical"].sel(region=region, drop=True))
            one = ceiling_scores(known, judged, params.score.blocks)
            found.append(one.expand_dims(region=[region]))
    return xr.concat(found, "region") if found else xr.Dataset()


def _enso_states() -> xr.DataArray | None:
    covariates = read_netcdf(paths.COVARIATES)
    if "covariate" not in covariates or ENSO_INDEX not in covariates["predictor"].values:
        return None
    return enso_state(covariates["covariate"].sel(predictor=ENSO_INDEX, drop=True))


def metrics(scores: xr.Dataset) -> dict[str, dict[str, float]]:
    """Ratio of CRPS to the best classical model, by block and model: geometric mean over regions."""
    ratio = xr.apply_ufunc(np.exp, xr.apply_ufunc(np.log, scores["crps_ratio_best"]).mean("region"))
    return {
        f"leads {block}": {
            str(model): round(float(ratio.sel(block=block, model=model)), DIGITS)
            for model in ratio["model"].values
            if np.isfinite(ratio.sel(block=block, model=model))
        }
        for block in ratio["block"].values
    }


def crps_by_lead(scores: xr.Dataset) -> str:
    """CSV with region, model, lead and CRPS in the unit of the region's record."""
    table = scores["crps_by_lead"].rename("crps").to_dataframe().dropna().reset_index()
    return table[["region", "model", "lead", "crps"]].to_csv(index=False, float_format="%.6g", lineterminator="\n")
