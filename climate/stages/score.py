"""Stage `score`: every region's combined forecast table on the common sample."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_json, write_netcdf, write_text
from climate.hindcast.early import calibrated_early
from climate.hindcast.known_covariates import ceiling_scores
from climate.params.params import Params, load_params
from climate.verify.across_regions import score_regions
from climate.verify.contest import assess, choose_opponents, deciding_regions, over_places
from climate.verify.losses import block_losses, cell_scores
from climate.verify.summary import crps_by_lead, metrics

log = logging.getLogger("climate")


def run() -> None:
    """Choose the opponents, score all regions that have forecasts, and test the declared hypotheses.

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
    quantities = {region: str(own.attrs["quantity"]) for region, own in series.items()}
    opponents = choose_opponents(
        early_losses(params, deciding_regions(plan.opponent.regions, quantities)),
        quantities,
        plan.opponent.candidates,
        plan.blocks,
    )
    scores, strata, losses = score_regions(
        tables, series, networks, read_netcdf(paths.COVARIATES), plan.blocks, plan.reference, opponents
    )
    declared = {name: one.model_dump() for name, one in plan.hypotheses.items()}
    hypotheses = assess(declared, losses | panel_losses(params), opponents, plan.blocks, plan.significance)
    ceiling = []
    for region in [region for region in tables if region in params.ceiling.regions]:
        known = read_netcdf(paths.forecast_file("ceiling", region))
        if "skipped" not in known.attrs:
            judged = tables[region].assign(opponent=scores["opponent"].sel(region=region, drop=True))
            ceiling.append(ceiling_scores(known, judged, plan.blocks).expand_dims(region=[region]))
    write_netcdf(scores, paths.SCORES)
    write_netcdf(opponents, paths.OPPONENTS)
    write_netcdf(hypotheses, paths.HYPOTHESES)
    write_netcdf(xr.concat(ceiling, "region") if ceiling else xr.Dataset(), paths.CEILING_SCORES)
    write_netcdf(strata, paths.STRATA)
    write_json(metrics(scores), paths.METRICS)
    write_text(crps_by_lead(scores), paths.CRPS_BY_LEAD)


def early_losses(params: Params, regions: Iterable[str]) -> dict[str, xr.DataArray]:
    """Losses that the opponents are chosen on, without regions of too short a record."""
    tables = {region: calibrated_early(read_netcdf(paths.forecast_file("early", region)), params) for region in regions}
    return {
        region: block_losses(cell_scores(table), params.score.blocks)
        for region, table in tables.items()
        if table is not None
    }


def panel_losses(params: Params) -> dict[str, xr.DataArray]:
    """Mean losses over the area of each panel that a hypothesis is about, without duplicates and groups of places."""
    wanted = {one.places for one in params.score.hypotheses.values()} & set(params.panels)
    panels = {name: read_netcdf(paths.panel_file(name)) for name in sorted(wanted)}
    return {
        name: over_places(own["loss"], own["area"].where(own["mark"].astype(str) == ""))
        for name, own in panels.items()
        if "skipped" not in own.attrs
    }
