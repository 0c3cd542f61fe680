"""Where the cells of a grid are: edges by their bounds, longitudes as one circle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError

Floats = NDArray[np.float64]

CIRCLE = 360.0
"""Degrees."""

HOLE = 1.5
"""A gap between neighbouring centres is a hole in the grid if it is this many times wider than the gaps beside it."""

TOUCHING = 1e-3
"""Part of a cell, or of a degree, by which edges may differ and still be one edge; files are often rounded."""


class Cells(NamedTuple):
    """Cells along one axis, in the order that the grid is given."""

    order: NDArray[np.intp]
    """Positions in the file."""
    centres: Floats
    bounds: Floats
    """(cell, 2): lower and upper edge."""


def with_cells(field: xr.DataArray, bounds: Mapping[str, Floats | None], name: str) -> xr.DataArray:
    """`field` (..., lat, lon) in ascending order, with the edges of its cells as coordinates.

    The edges are `lat_lower`, `lat_upper`, `lon_lower` and `lon_upper`. Longitudes begin behind the widest hole of the
    circle, or at -180 on a grid without one, and rise without a break, also beyond 180. A cell reaches as far as its
    bounds; without bounds, halfway to its neighbours, and at a hole as far as on its other side. The centre of a cell
    whose coordinate is not inside its bounds is their middle.

    Args:
        field: with the 1-D coordinates `lat` and `lon` in degrees, in any order.
        bounds: "lat" and "lon" -> edges (cell, 2) in the order of the coordinate, or None.
        name: of the file, for messages.

    Raises:
        ClimateError: a coordinate beyond the sphere or given twice, cells that overlap, or a single row or column
            without bounds.
    """
    lon_bounds = bounds["lon"]
    if _repeats_first_meridian(field):
        field = field.isel(lon=slice(None, -1))
        lon_bounds = None if lon_bounds is None else lon_bounds[:-1]
    cells = {
        "lat": latitude_cells(field["lat"].values.astype(np.float64), bounds["lat"], name),
        "lon": longitude_cells(field["lon"].values.astype(np.float64), lon_bounds, name),
    }
    for axis, (order, centres, edges) in cells.items():
        field = in_order(field, axis, order)
        ends = {f"{axis}_lower": (axis, edges[:, 0]), f"{axis}_upper": (axis, edges[:, 1])}
        field = field.assign_coords({axis: (axis, centres)} | ends)
    return field


def in_order(field: xr.DataArray, dim: str, order: NDArray[np.intp]) -> xr.DataArray:
    """`field` with the positions `order` along `dim`; what is in order or reversed stays a slice of the file."""
    as_written = np.arange(order.size)
    if np.array_equal(order, as_written):
        return field
    backward = np.array_equal(order, as_written[::-1])
    return field.isel({dim: slice(None, None, -1) if backward else order})


def _repeats_first_meridian(field: xr.DataArray) -> bool:
    """Whether the last column is the first once more, with the same values, as programs that draw maps like it."""
    lon = field["lon"].values
    if lon.size < 2 or abs(abs(lon[-1] - lon[0]) - CIRCLE) > TOUCHING:
        return False
    first, last = field.isel(lon=[0, -1]).transpose("lon", ...).values
    return bool(np.array_equal(first, last, equal_nan=True))


def latitude_cells(centres: Floats, bounds: Floats | None, name: str) -> Cells:
    """Cells from south to north, cut at the poles; see `with_cells`."""
    _check_range(centres, 90 + TOUCHING, "latitudes", name)
    order = np.argsort(centres, kind="stable")
    sorted_centres = centres[order]
    if (np.diff(sorted_centres) <= 0).any():
        raise ClimateError(f"{name}: found the latitude {_repeated(sorted_centres):g} twice, expected each once")
    if bounds is None:
        edges = _halfway(sorted_centres, np.append(np.diff(sorted_centres), np.inf), "latitude", name)
    else:
        edges = np.sort(bounds[order], axis=1)
    edges = np.clip(edges, -90, 90)
    _check_apart(edges[1:, 0] - edges[:-1, 1], edges, "latitude", name)
    return Cells(order, sorted_centres if bounds is None else _inside(sorted_centres, edges), edges)


def longitude_cells(centres: Floats, bounds: Floats | None, name: str) -> Cells:
    """Cells eastward from the widest hole of the circle; see `with_cells`."""
    _check_range(centres, 2 * CIRCLE, "longitudes", name)
    wrapped = _wrap(centres)
    if bounds is None:
        order = np.argsort(wrapped, kind="stable")
        wrapped = wrapped[order]
        gaps = np.append(np.diff(wrapped), wrapped[0] + CIRCLE - wrapped[-1])
        if (gaps < TOUCHING * np.median(gaps)).any():
            raise ClimateError(
                f"{name}: found the longitude {_repeated(wrapped):g} twice, expected each meridian once; "
                "remove one column"
            )
        edges = _halfway(wrapped, gaps, "longitude", name)
    else:
        west, width = _eastward(bounds)
        middle = west + width / 2
        west = west + CIRCLE * np.round((wrapped - middle) / CIRCLE)
        edges = np.column_stack((west, west + width))
        wrapped = _inside(wrapped, edges)
        turn = _wrap(wrapped) - wrapped
        wrapped, edges = wrapped + turn, edges + turn[:, None]
        order = np.argsort(wrapped, kind="stable")
        wrapped, edges = wrapped[order], edges[order]
    holes = np.append(edges[1:, 0], edges[0, 0] + CIRCLE) - edges[:, 1]
    _check_apart(holes, edges, "longitude", name)
    width = edges[:, 1] - edges[:, 0]
    first = (int(np.argmax(holes)) + 1) % holes.size if holes.max() > TOUCHING * width.min() else 0
    turn = np.where(np.arange(wrapped.size) < first, CIRCLE, 0.0)
    order, wrapped = np.roll(order, -first), np.roll(wrapped + turn, -first)
    return Cells(order, wrapped, np.roll(edges + turn[:, None], -first, axis=0))


def _wrap(degrees: Floats) -> Floats:
    """Longitudes within -180..180; what is 180 but for rounding is -180, so that nearly equal grids have one order."""
    wrapped = (degrees + 180) % CIRCLE - 180
    return np.where(wrapped > 180 - TOUCHING, wrapped - CIRCLE, wrapped)


def _eastward(bounds: Floats) -> tuple[Floats, Floats]:
    """Western edge and width of cells whose bounds may be written in either order, also across 0 or 180."""
    width = (bounds[:, 1] - bounds[:, 0]) % CIRCLE
    width = np.where(np.isclose(np.abs(bounds[:, 1] - bounds[:, 0]), CIRCLE), CIRCLE, width)
    backward = (width > CIRCLE / 2) & (len(bounds) > 1)
    return np.where(backward, bounds[:, 1], bounds[:, 0]), np.where(backward, CIRCLE - width, width)


def _halfway(centres: Floats, gaps: Floats, axis: str, name: str) -> Floats:
    """Edges halfway between ascending `centres`; `gaps` are those to the next centre, the last around the circle."""
    if centres.size < 2:
        raise ClimateError(f"{name}: found a single {axis} without bounds, expected bounds or more than one {axis}")
    beside = np.maximum(np.roll(gaps, 1), np.roll(gaps, -1))
    east = np.where((gaps > HOLE * beside) | np.isinf(gaps), np.nan, gaps / 2)
    west = np.roll(east, 1)
    usual = np.nanmedian(east)
    east, west = np.where(np.isnan(east), west, east), np.where(np.isnan(west), east, west)
    return np.column_stack((centres - np.nan_to_num(west, nan=usual), centres + np.nan_to_num(east, nan=usual)))


def _inside(centres: Floats, edges: Floats) -> Floats:
    """Centres that lie inside their cells, and the middle of the cell where they do not."""
    margin = TOUCHING * (edges[:, 1] - edges[:, 0])
    good = (centres > edges[:, 0] + margin) & (centres < edges[:, 1] - margin)
    return np.where(good, centres, edges.mean(axis=1))


def _check_range(values: Floats, limit: float, what: str, name: str) -> None:
    if not values.size or not np.isfinite(values).all() or np.abs(values).max() > limit:
        found = f"{what} from {np.nanmin(values):g} to {np.nanmax(values):g}" if values.size else f"no {what}"
        raise ClimateError(f"{name}: found {found}, expected numbers within {limit:.0f} degrees; correct the file")


def _check_apart(gaps: Floats, edges: Floats, axis: str, name: str) -> None:
    width = edges[:, 1] - edges[:, 0]
    if (width <= 0).any() or (gaps < -TOUCHING * width.min()).any():
        raise ClimateError(
            f"{name}: found bounds of {axis} whose cells overlap or have no width, expected cells side by side; "
            "correct or remove the bounds"
        )


def _repeated(ascending: Floats) -> float:
    return float(ascending[int(np.argmin(np.diff(ascending))) + 1])
