"""Stage `seasonal`: scores that forecast centres read, of seasons and years, for the regions."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.hindcast.early import calibrated_early
from climate.params.params import Params, load_params
from climate.verify.seasonal import join_regions, seasonal_scores

log = logging.getLogger("climate")


def run() -> None:
    """Score the reference, the opponents and the models of the declared hypotheses at every region."""
    params = load_params()
    opponents = read_netcdf(paths.OPPONENTS)["opponent"]
    scores, terciles, quantities = {}, {}, {}
    for region in params.regions:
        table = read_netcdf(paths.forecast_file("combined", region))
        if "skipped" in table.attrs:
            log.warning("%s: not scored, %s", region, table.attrs["skipped"])
            continue
        series = read_netcdf(paths.series_file(region))
        quantities[region] = str(series.attrs["quantity"])
        models = compared(params, opponents.sel(quantity=quantities[region]), quantities[region])
        table = table.isel(model=np.flatnonzero(np.isin(table["model"].values.astype(str), models)))
        early = calibrated_early(read_netcdf(paths.forecast_file("early", region)), params)
        scores[region], terciles[region] = seasonal_scores(
            table, early, series, params.score.reference, params.combine.min_verified
        )
    write_netcdf(join_regions(scores, terciles, quantities), paths.SEASONAL)


def compared(params: Params, opponents: xr.DataArray, quantity: str) -> list[str]:
    """Models to score: the reference, the opponents of a quantity, and the models of its declared hypotheses."""
    declared = [one for one in params.score.hypotheses.values() if one.quantity == quantity]
    named = {name for one in declared for name in (one.better, one.against)}
    return [params.score.reference, *opponents.values.astype(str), *named]
