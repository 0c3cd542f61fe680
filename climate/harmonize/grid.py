"""Area means of a gridded field: which cells a region covers, with which weight.

Weights are exact areas on the sphere, in steradian: in the plane of longitude and sine of latitude equal areas are
equal (Lambert's cylindrical projection), so a cell's weight is the area of its intersection with the region there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.params.regions import Box, Point
from climate.sources.readers.netcdf_grid import CHUNK_MONTHS

Floats = NDArray[np.float64]

EDGE_DEGREES = 0.25
"""A polygon's edges are straight in longitude and latitude; they are cut this fine before projection, which bends
them. Halving it changes a country's area by less than one part in a million."""

FULL_CIRCLE = 2 * np.pi


@dataclass(frozen=True)
class Footprint:
    """The cells of a region."""

    cells: NDArray[np.intp]
    """Flat positions in (lat, lon), ascending."""
    weights: Floats
    """Area (steradian) of each cell that lies in the region; for points, the interpolation weight."""
    area: float
    """Of the whole region, including what lies outside the grid."""

    @property
    def share(self) -> float:
        """Share of the region's area that the grid covers, 0..1."""
        return float(min(1.0, self.weights.sum() / self.area))


def edges(centres: Floats) -> Floats:
    """Cell edges halfway between `centres` (ascending, n >= 2); the outer cells are symmetric about their centre."""
    inner = (centres[1:] + centres[:-1]) / 2
    return np.concatenate(([2 * centres[0] - inner[0]], inner, [2 * centres[-1] - inner[-1]]))


def _coordinate(field: xr.DataArray, name: str) -> Floats:
    values = np.asarray(field[name].values, dtype=np.float64)
    if values.size < 2 or not (np.diff(values) > 0).all():
        raise ClimateError(f"gridded field: '{name}' must have at least 2 ascending values, found {values.size} values")
    return values


def _cells(field: xr.DataArray) -> tuple[Floats, Floats]:
    """Edges of the cells: longitude in radians and sine of latitude, clipped at the poles."""
    latitude = np.clip(edges(_coordinate(field, "lat")), -90, 90)
    return np.deg2rad(edges(_coordinate(field, "lon"))), np.sin(np.deg2rad(latitude))


def _footprint(weights: Floats, area: float) -> Footprint:
    flat = weights.ravel()
    cells = np.flatnonzero(flat)
    return Footprint(cells, flat[cells], area)


def box_footprint(field: xr.DataArray, box: Box) -> Footprint:
    """Cells of `field` (dims lat, lon, ascending) in a box, each clipped to it."""
    lon, sine = _cells(field)
    west, east = np.deg2rad(box.lon[0]), np.deg2rad(box.lon[1])
    if east <= west:
        east += FULL_CIRCLE
    south, north = np.sin(np.deg2rad(box.lat))
    height = np.clip(np.minimum(sine[1:], north) - np.maximum(sine[:-1], south), 0, None)
    width = np.zeros(lon.size - 1)
    for turn in (-2 * FULL_CIRCLE, -FULL_CIRCLE, 0.0, FULL_CIRCLE, 2 * FULL_CIRCLE):
        width += np.clip(np.minimum(lon[1:], east + turn) - np.maximum(lon[:-1], west + turn), 0, None)
    return _footprint(np.outer(height, width), float((east - west) * (north - south)))


def polygon_footprint(field: xr.DataArray, geometry: Any) -> Footprint:
    """Cells of `field` (dims lat, lon, ascending) in a shapely polygon (degrees, any turn of longitude)."""
    lon, sine = _cells(field)
    fine = shapely.segmentize(geometry, EDGE_DEGREES)
    projected = shapely.make_valid(shapely.transform(fine, _equal_area))
    west = np.broadcast_to(lon[:-1], (sine.size - 1, lon.size - 1)).ravel()
    east = np.broadcast_to(lon[1:], (sine.size - 1, lon.size - 1)).ravel()
    south = np.repeat(sine[:-1], lon.size - 1)
    north = np.repeat(sine[1:], lon.size - 1)
    shapely.prepare(projected)
    left, bottom, right, top = projected.bounds
    weights = np.zeros(west.size)
    for turn in (-FULL_CIRCLE, 0.0, FULL_CIRCLE):
        near = np.flatnonzero(
            (west + turn < right) & (east + turn > left) & (south < top) & (north > bottom) & (north > south)
        )
        boxes = shapely.box(west[near] + turn, south[near], east[near] + turn, north[near])
        touched = shapely.intersects(projected, boxes)
        inside = shapely.contains_properly(projected, boxes)
        weights[near[inside]] += shapely.area(boxes[inside])
        cut = touched & ~inside
        weights[near[cut]] += shapely.area(shapely.intersection(boxes[cut], projected))
    return _footprint(weights, float(projected.area))


def _equal_area(degrees: Floats) -> Floats:
    return np.column_stack((np.deg2rad(degrees[:, 0]), np.sin(np.deg2rad(degrees[:, 1]))))


def point_footprint(field: xr.DataArray, point: Point) -> Footprint:
    """The nearest cell (great circle), or the four cells around with bilinear weights; longitude is cyclic.

    Raises ClimateError for a point outside the grid's cells.
    """
    lat, lon = _coordinate(field, "lat"), _coordinate(field, "lon")
    lat_edges, lon_edges = edges(lat), edges(lon)
    turned = lon_edges[0] + (point.lon - lon_edges[0]) % 360
    if not (lat_edges[0] <= point.lat <= lat_edges[-1] and turned <= lon_edges[-1]):
        raise ClimateError(
            f"point {point.lat} N, {point.lon} E lies outside the grid (lat {lat_edges[0]}..{lat_edges[-1]}, "
            f"lon {lon_edges[0]}..{lon_edges[-1]}); choose a place inside"
        )
    if point.method == "nearest":
        phi, away = np.deg2rad(lat)[:, None], np.deg2rad(lon - point.lon)[None, :]
        here = np.deg2rad(point.lat)
        haversine = np.sin((phi - here) / 2) ** 2 + np.cos(phi) * np.cos(here) * np.sin(away / 2) ** 2
        return Footprint(np.array([int(np.argmin(haversine))]), np.ones(1), 1.0)
    weights = np.zeros((lat.size, lon.size))
    cyclic = bool(np.isclose(lon_edges[-1] - lon_edges[0], 360))
    for row, by_row in _bracket(lat, point.lat):
        for column, by_column in _bracket(np.append(lon, lon[0] + 360) if cyclic else lon, turned, cyclic):
            weights[row, column % lon.size] += by_row * by_column
    return _footprint(weights, 1.0)


def _bracket(centres: Floats, at: float, cyclic: bool = False) -> list[tuple[int, float]]:
    if cyclic and at < centres[0]:
        at += 360
    at = float(np.clip(at, centres[0], centres[-1]))
    left = int(np.clip(np.searchsorted(centres, at, side="right") - 1, 0, centres.size - 2))
    right_weight = (at - centres[left]) / (centres[left + 1] - centres[left])
    return [(left, 1 - right_weight), (left + 1, right_weight)]


def weighted_means(
    field: xr.DataArray, footprints: Mapping[str, Footprint], min_coverage: float
) -> dict[str, xr.DataArray]:
    """Area means of `field` (time, lat, lon) for many regions in one pass over the field.

    Returns region -> DataArray (time), float64. Missing cells are left out of a month's mean; a month in which less
    than `min_coverage` of the region's area has values is NaN. A region's numbers do not depend, to the last bit, on
    which other regions or later months are asked for.
    """
    ordered = field.transpose("time", "lat", "lon")
    months = ordered.sizes["time"]
    means = {name: np.full(months, np.nan) for name in footprints}
    for first in range(0, months, CHUNK_MONTHS):
        part = slice(first, min(first + CHUNK_MONTHS, months))
        block = np.ascontiguousarray(ordered.isel(time=part).values, dtype=np.float64).reshape(part.stop - first, -1)
        for name, footprint in footprints.items():
            means[name][part] = _row_means(np.take(block, footprint.cells, axis=1), footprint, min_coverage)
    return {name: xr.DataArray(mean, dims="time", coords={"time": ordered["time"]}) for name, mean in means.items()}


def _row_means(values: Floats, footprint: Footprint, min_coverage: float) -> Floats:
    # Sums along contiguous rows, not a matrix product: its bits would depend on how many rows there are.
    present = np.isfinite(values)
    weight = np.where(present, footprint.weights, 0.0).sum(axis=1)
    total = (np.where(present, values, 0.0) * footprint.weights).sum(axis=1)
    enough = (weight > 0) & (weight / footprint.area >= min_coverage * (1 - 1e-9))
    means = np.full(len(values), np.nan)
    np.divide(total, weight, out=means, where=enough)
    return means
