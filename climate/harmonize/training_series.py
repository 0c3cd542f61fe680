"""The series that a pooled forecaster learns from: polygons of a gridded field, and single cells on a lattice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from climate.harmonize.regions import grid_series, in_celsius
from climate.params.regions import HarmonizeParams, RegionDefinition

if TYPE_CHECKING:
    import geopandas

OUTERMOST = 75
"""Latitude of the outermost lattice points; nearer to the poles neighbouring cells are the same air."""


def training_series(
    grid: xr.Dataset, source: str, shapes: geopandas.GeoDataFrame, lattice_degrees: int | None, params: HarmonizeParams
) -> xr.DataArray:
    """Values (time, series) of `grid`: the mean over each polygon, and the cells nearest to a lattice.

    Args:
        grid: `value` (time, lat, lon); NaN stays.
        source: its catalogue key.
        shapes: polygons with `key` and `name`.
        lattice_degrees: degrees between the points of the lattice; None for none.
        params: least coverage of a polygon, and the baseline of cell anomalies.
    """
    grid = in_celsius(grid, f"source '{source}'")
    regions = {
        str(key): RegionDefinition(title=str(name), source=source, ar6=str(key))
        for key, name in zip(shapes["key"], shapes["name"], strict=True)
    }
    means = grid_series(grid, source, regions, {"ar6-regions": shapes}, params)
    columns = {name: series["value"].values for name, series in means.items()}
    if lattice_degrees is not None:
        field = grid["value"].transpose("time", "lat", "lon")
        for lat in np.arange(-OUTERMOST, OUTERMOST + 1, lattice_degrees):
            for lon in np.arange(-180, 180, lattice_degrees):
                cell = field.sel(lat=float(lat), lon=float(lon), method="nearest")
                columns[f"{lat} N {lon} E"] = cell.values
    return xr.DataArray(
        np.column_stack(list(columns.values())).astype(np.float64),
        dims=("time", "series"),
        coords={"time": grid["time"].values, "series": list(columns)},
    )
