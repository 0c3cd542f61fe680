"""Stage `planet-score`: who is better where on the planet; apart from `score`, so that a new region leaves it alone."""

from __future__ import annotations

import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.params.params import load_params
from climate.verify.fields import compare_cells, decompose, planned_pairs


def run() -> None:
    """Compare forecasters cell by cell and step by step; the reason alone where the planet was skipped."""
    blocks, scores = load_params().score.blocks, read_netcdf(paths.PLANET_SCORES)
    if "skipped" in scores.attrs:
        write_netcdf(xr.Dataset(attrs=scores.attrs), paths.PLANET_COMPARISONS)
        return
    pairs = planned_pairs(scores["forecaster"].values.astype(str).tolist())
    steps = decompose(scores, read_netcdf(paths.PLANET_REDUCED), blocks)
    compared = xr.merge([compare_cells(scores, pairs, blocks), scores[["zone_crps", "zonal_loss"]], steps])
    write_netcdf(compared, paths.PLANET_COMPARISONS)
