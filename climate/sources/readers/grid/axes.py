"""Which coordinates of a file are latitude, longitude and time, by their CF attributes; other grids by their kind."""

from __future__ import annotations

import re
from typing import Literal

import cf_xarray  # noqa: F401  registers the accessor .cf
import xarray as xr

from climate.errors import ClimateError

Axis = Literal["latitude", "longitude", "time"]

ROTATED = ("rlat", "rlon")
"""Names of the axes of rotated grids; their numbers are degrees, but no latitudes and longitudes."""

CELL_DIMENSIONS = (
    *("cell", "cells", "ncell", "ncells", "ncol", "gridsize", "values", "point", "points"),
    *("nod2", "node", "nodes", "nface", "nfaces", "mesh2d_nfaces"),
)
"""Dimensions, in lower case, along which models and tools list the cells of an unstructured grid."""

HORIZONTAL: dict[Axis, str] = {"latitude": "lat", "longitude": "lon"}
"""Axis -> its name in a grid that is read."""

LENGTH = r"(\d* ?)(k|kilo)?m(et(er|re)s?)?"
"""Units of the axes of projected grids."""

ANGLE = r"(|deg.*|°.*|rad.*)"
"""Units of latitude and longitude, which many files leave out."""


def candidates(opened: xr.Dataset, axis: Axis) -> list[str]:
    """Variables that may be `axis`: by standard name, units or axis attribute, otherwise by name; no bounds.

    Axes of rotated and projected grids are no latitudes and longitudes, whatever their axis attribute says.
    """
    bounds = {str(name) for names in opened.cf.bounds.values() for name in names}
    letter = {"latitude": "Y", "longitude": "X", "time": "T"}[axis]
    for by_name in (False, True):
        dataset = opened.cf.guess_coord_axis() if by_name else opened
        named = dataset.cf.coordinates.get(axis) or dataset.cf.axes.get(letter, [])
        found = [str(name) for name in named if str(name) not in bounds]
        if axis != "time":
            found = [name for name in found if _is_geographic(opened[name])]
        if found or (axis != "time" and _projections(opened)):
            return found
    return []


def _projections(opened: xr.Dataset) -> list[str]:
    """Grid mappings by which the axes are no latitudes and longitudes."""
    return sorted({str(mapping) for mapping in opened.cf.grid_mapping_names} - {"latitude_longitude"})


def _is_geographic(coordinate: xr.DataArray) -> bool:
    standard_name, units = (str(coordinate.attrs.get(key, "")).strip() for key in ("standard_name", "units"))
    of_plane = standard_name.startswith(("grid_", "projection_")) or coordinate.name in ROTATED
    return not of_plane and re.fullmatch(ANGLE, units, re.IGNORECASE) is not None


def with_plain_axes(opened: xr.Dataset, name: str) -> xr.Dataset:
    """`opened` with the 1-D dimension coordinates `lat` and `lon` in degrees, whatever the file calls them.

    Raises:
        ClimateError: there are none or several, they are in radians, or the grid is rotated, projected or unstructured.
    """
    if all(any(opened[c].ndim == 2 for c in candidates(opened, axis)) for axis in HORIZONTAL):
        opened = _flattened(opened, name)
    used = {dim for field in opened.data_vars.values() if field.ndim >= 2 for dim in field.dims}
    on_grid = {
        axis: [c for c in candidates(opened, axis) if opened[c].ndim == 1 and opened[c].dims[0] in used]
        for axis in HORIZONTAL
    }
    listed = any(opened[lat].dims == opened[lon].dims for lat in on_grid["latitude"] for lon in on_grid["longitude"])
    if listed or not all(on_grid.values()):
        kind = "an unstructured grid (a list of cells)" if listed else _kind_of_grid(opened)
        if kind is not None:
            raise _to_regrid(kind, name)
    for axis, found in on_grid.items():
        if len(found) != 1:
            known = ", ".join(map(str, opened.coords)) or "none"
            what = f"several: {', '.join(found)}" if found else f"none among the coordinates {known}"
            raise ClimateError(
                f"{name}: expected one coordinate with the standard_name {axis}, found {what}; give a file on a "
                "regular grid of latitude and longitude"
            )
        if str(opened[found[0]].attrs.get("units", "")).strip().casefold().startswith("rad"):
            raise ClimateError(f"{name}: found {found[0]} in radians, expected degrees; convert it and its bounds")
        opened = _renamed(opened, found[0], HORIZONTAL[axis])
    return opened


def _renamed(opened: xr.Dataset, coordinate: str, short: str) -> xr.Dataset:
    dim = opened[coordinate].dims[0]
    if dim != coordinate:
        opened = opened.swap_dims({dim: coordinate})
    if coordinate == short:
        return opened
    return opened.drop_vars(short, errors="ignore").rename({coordinate: short})


def _flattened(opened: xr.Dataset, name: str) -> xr.Dataset:
    """A regular grid whose axes were written as 2-D fields; ClimateError for any other 2-D grid."""
    lat, lon = (next(opened[c] for c in candidates(opened, axis) if opened[c].ndim == 2) for axis in HORIZONTAL)
    if lat.dims == lon.dims:
        for rows, columns in (lat.dims, lat.dims[::-1]):
            by_row, by_column = lat.transpose(rows, columns).values, lon.transpose(rows, columns).values
            if (by_row == by_row[:, :1]).all() and (by_column == by_column[:1]).all():
                plain = opened.drop_vars([lat.name, lon.name]).assign_coords(
                    lat=(rows, by_row[:, 0], {"standard_name": "latitude"}),
                    lon=(columns, by_column[0], {"standard_name": "longitude"}),
                )
                return plain.swap_dims({rows: "lat", columns: "lon"})
    raise _to_regrid(_kind_of_grid(opened) or "a curvilinear grid (2-D latitudes and longitudes)", name)


def _kind_of_grid(opened: xr.Dataset) -> str | None:
    """What kind of grid a file without 1-D latitudes and longitudes has, in words; None where nothing tells."""
    projections, flat = _projections(opened), [c for c in opened.coords.values() if c.ndim == 1]
    standard_names = {str(coordinate.attrs.get("standard_name", "")) for coordinate in flat}
    if "rotated_latitude_longitude" in projections or {*opened.dims} & {*ROTATED} or "grid_latitude" in standard_names:
        return "a rotated grid (its pole is moved)"
    in_length = [c for c in flat if re.fullmatch(LENGTH, str(c.attrs.get("units", "")).strip(), re.IGNORECASE)]
    on_plane = [c.name for c in in_length if "X" in opened.cf.axes and c.name in opened.cf.axes["X"]]
    if projections or on_plane or "projection_x_coordinate" in standard_names:
        return f"a projected grid ({', '.join(projections) or 'x and y are lengths'})"
    if {str(dim).casefold() for dim in opened.dims} & {*CELL_DIMENSIONS}:
        return "an unstructured grid (a list of cells)"
    return None


def _to_regrid(kind: str, name: str) -> ClimateError:
    return ClimateError(
        f"{name}: found {kind}, expected a regular grid of latitudes and longitudes; regrid the file first, such as by "
        f"`cdo remapcon,r360x180 {name} regular.nc` or with xESMF"
    )
