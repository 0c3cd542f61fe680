"""Area means of a gridded field: which cells a region covers, with which weight.

Weights are exact areas on the sphere, in steradian: in the plane of longitude and sine of latitude equal areas are
equal (Lambert's cylindrical projection), so a cell's weight is the area of its intersection with the region there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.harmonize.series import months_of
from climate.params.regions import Box, HarmonizeParams, Point
from climate.sources.readers.grid.coordinates import TOUCHING
from climate.sources.readers.grid.opening import CHUNK_MONTHS

Floats = NDArray[np.float64]

EDGE_DEGREES = 0.25
"""A polygon's edges are straight in longitude and latitude; they are cut this fine before projection, which bends
them. Halving it changes a country's area by less than one part in a million."""

FULL_CIRCLE = 2 * np.pi

TURNS = (-2 * FULL_CIRCLE, -FULL_CIRCLE, 0.0, FULL_CIRCLE, 2 * FULL_CIRCLE)
"""Regions and grids may give longitudes of any turn from -180 to 540."""

ROUNDING = 1e-9
"""Of a share of an area."""


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
        """Share of the region's area that the grid covers, 0..1 up to `ROUNDING`."""
        share = float(self.weights.sum() / self.area)
        assert share <= 1 + ROUNDING, f"cells cover {share} of a region: they overlap"
        return share

    def only(self, chosen: NDArray[np.bool_]) -> Footprint:
        """The same region with those of its cells that are `chosen`."""
        return Footprint(self.cells[chosen], self.weights[chosen], self.area)


def _edges(field: xr.DataArray) -> tuple[Floats, Floats]:
    """Edges (cell, 2) of the cells of `field`: longitude in radians, and sine of latitude."""
    return np.deg2rad(_edge_degrees(field, "lon")), np.sin(np.deg2rad(_edge_degrees(field, "lat")))


def _edge_degrees(field: xr.DataArray, axis: str) -> Floats:
    return np.column_stack((field[f"{axis}_lower"].values, field[f"{axis}_upper"].values))


def _footprint(weights: Floats, area: float) -> Footprint:
    flat = weights.ravel()
    cells = np.flatnonzero(flat)
    return Footprint(cells, flat[cells], area)


def box_footprint(field: xr.DataArray, box: Box) -> Footprint:
    """Cells of `field` (lat, lon, with their bounds) in a box, each clipped to it."""
    lon, sine = _edges(field)
    west, east = np.deg2rad(box.lon[0]), np.deg2rad(box.lon[1])
    while east <= west:  # twice for a box such as 350..-180
        east += FULL_CIRCLE
    south, north = np.sin(np.deg2rad(box.lat))
    height = np.clip(np.minimum(sine[:, 1], north) - np.maximum(sine[:, 0], south), 0, None)
    width = np.zeros(len(lon))
    for turn in TURNS:
        width += np.clip(np.minimum(lon[:, 1], east + turn) - np.maximum(lon[:, 0], west + turn), 0, None)
    return _footprint(np.outer(height, width), float((east - west) * (north - south)))


def polygon_footprint(field: xr.DataArray, geometry: Any) -> Footprint:
    """Cells of `field` (lat, lon, with their bounds) in a shapely polygon (degrees, any turn of longitude)."""
    lon, sine = _edges(field)
    fine = shapely.segmentize(geometry, EDGE_DEGREES)
    projected = shapely.make_valid(shapely.transform(fine, equal_area))
    west, east = (np.tile(lon[:, side], len(sine)) for side in (0, 1))
    south, north = (np.repeat(sine[:, side], len(lon)) for side in (0, 1))
    shapely.prepare(projected)
    left, bottom, right, top = projected.bounds
    weights = np.zeros(west.size)
    for turn in TURNS:
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


def equal_area(degrees: Floats) -> Floats:
    """Longitude and latitude (point, 2) in degrees as longitude in radians and sine of latitude."""
    return np.column_stack((np.deg2rad(degrees[:, 0]), np.sin(np.deg2rad(degrees[:, 1]))))


def point_footprint(field: xr.DataArray, point: Point) -> Footprint:
    """The nearest cell (great circle), or the four cells around with bilinear weights; longitude is cyclic.

    Between the outermost centres of a grid, or of a hole in it, and the edge, the value is that of the outermost cell.
    Raises ClimateError for a point outside the grid's cells.
    """
    lat_edges, lon_edges = _edge_degrees(field, "lat"), _edge_degrees(field, "lon")
    turned = lon_edges[0, 0] + (point.lon - lon_edges[0, 0]) % 360
    row, column = _cell_of(lat_edges, point.lat), _cell_of(lon_edges, turned)
    if row is None or column is None:
        raise ClimateError(
            f"point {point.lat} N, {point.lon} E lies outside the grid or in a hole of it (lat {lat_edges[0, 0]:g}.."
            f"{lat_edges[-1, 1]:g}, lon {lon_edges[0, 0]:g}..{lon_edges[-1, 1]:g}); choose a point inside"
        )
    if point.method == "nearest":
        return Footprint(np.array([_nearest(field, point)]), np.ones(1), 1.0)
    weights = np.zeros((len(lat_edges), len(lon_edges)))
    for i, by_row in _bracket(field["lat"].values, lat_edges, row, point.lat, np.inf):
        for j, by_column in _bracket(field["lon"].values, lon_edges, column, turned, 360.0):
            weights[i, j] += by_row * by_column
    return _footprint(weights, 1.0)


def _nearest(field: xr.DataArray, point: Point) -> int:
    """Flat position in (lat, lon) of the cell whose centre is nearest on the sphere."""
    phi, away = np.deg2rad(field["lat"].values)[:, None], np.deg2rad(field["lon"].values - point.lon)[None, :]
    here = np.deg2rad(point.lat)
    haversine = np.sin((phi - here) / 2) ** 2 + np.cos(phi) * np.cos(here) * np.sin(away / 2) ** 2
    return int(np.argmin(haversine))


def _cell_of(edges: Floats, at: float) -> int | None:
    """Position of the cell (n, 2) that holds `at`; of two that share the edge the upper one."""
    holding = np.flatnonzero((edges[:, 0] <= at) & (at <= edges[:, 1]))
    return int(holding[-1]) if holding.size else None


def _bracket(centres: Floats, edges: Floats, cell: int, at: float, circle: float) -> list[tuple[int, float]]:
    """The cell and its neighbour on the side of `at`, with linear weights; the cell alone without a neighbour."""
    step = 1 if at >= centres[cell] else -1
    other = (cell + step) % len(centres)
    turn = circle if not 0 <= cell + step < len(centres) else 0.0
    if np.isinf(turn) or len(centres) == 1:
        return [(cell, 1.0)]
    centre, far = float(centres[cell]), float(centres[other]) + step * turn
    own, beside = edges[cell, (step + 1) // 2], edges[other, (1 - step) // 2] + step * turn
    if abs(own - beside) > TOUCHING * abs(edges[cell, 1] - edges[cell, 0]):
        return [(cell, 1.0)]
    weight = (at - centre) / (far - centre)
    return [(cell, 1 - weight), (other, weight)]


@dataclass(frozen=True)
class Baseline:
    """What cell anomalies are departures from."""

    first: int
    last: int
    min_years: int
    """Years with a value that each calendar month of a cell needs."""

    @classmethod
    def of(cls, grid: xr.Dataset, params: HarmonizeParams) -> Baseline | None:
        """The common baseline of the records for a grid of absolute values; None for one of anomalies."""
        absolute = grid.attrs["kind"] == "absolute"
        return cls(*params.baseline, params.baseline_min_years) if absolute else None


def weighted_means(
    field: xr.DataArray,
    footprints: Mapping[str, Footprint],
    min_coverage: float,
    baseline: Baseline | None = None,
) -> dict[str, xr.DataArray]:
    """Area means of `field` (time, lat, lon) for many regions in one pass over the field.

    Missing cells are left out of a month's mean; a month in which less than `min_coverage` of the region's area has
    values is NaN. A region's numbers do not depend, to the last bit, on which other regions are asked for; nor on
    later months, unless these change its coverage.

    Args:
        field: values on the grid.
        footprints: region -> its cells.
        min_coverage: share of a region's area that needs values in a month.
        baseline: for absolute values. Where the cells with values change in time, the mean is that of the cells'
            anomalies from their own climatology, plus the mean climatology: otherwise cold cells that join would cool
            the region. Cells without a climatology count as missing. None: values are anomalies already.

    Returns:
        Region -> DataArray (time), float64. attrs: `anomalies_first` tells which way was taken; `share` is that of the
        region's area in cells that can have a part in the mean, and where it is less than `min_coverage` all months
        are NaN; `seasonal_share` is that in cells left out because they have a climatology in some calendar months
        only: the mean is not that of the whole region, and further from it the larger this share is.
    """
    ordered = field.transpose("time", "lat", "lon")
    means = {name: np.full(ordered.sizes["time"], np.nan) for name in footprints}
    counted = {name: np.zeros(footprint.cells.size, dtype=np.int64) for name, footprint in footprints.items()}
    observed = dict.fromkeys(footprints, 0)
    for part, block in _blocks(ordered):
        for name, footprint in footprints.items():
            values = np.take(block, footprint.cells, axis=1)
            means[name][part] = _row_means(values, footprint, min_coverage)
            present = np.isfinite(values)
            observed[name] += int(present.any(axis=1).sum())
            counted[name] += present.sum(axis=0)
    partial = {
        name: footprint
        for name, footprint in footprints.items()
        if baseline is not None and ((counted[name] > 0) & (counted[name] < observed[name])).any()
    }
    used = {name: footprint.only(counted[name] > 0) for name, footprint in footprints.items()}
    seasonal = dict.fromkeys(footprints, 0.0)
    if baseline is not None and partial:
        climatology = _climatology(ordered, partial, baseline)
        for name, footprint in partial.items():
            known = np.isfinite(climatology[name]).sum(axis=0)
            used[name] = footprint.only(known == 12)
            seasonal[name] = footprint.only((known > 0) & (known < 12)).share
            climatology[name] = climatology[name][:, known == 12]
        means |= _anomalies_first(ordered, {name: used[name] for name in partial}, climatology, min_coverage)
    return {
        name: xr.DataArray(
            mean,
            dims="time",
            coords={"time": ordered["time"]},
            attrs={
                "anomalies_first": name in partial,
                "share": used[name].share,
                "seasonal_share": seasonal[name],
            },
        )
        for name, mean in means.items()
    }


def _blocks(ordered: xr.DataArray) -> Iterator[tuple[slice, Floats]]:
    """Months of `ordered` (time, lat, lon) that are read at once, and their values (time, cell)."""
    for first in range(0, ordered.sizes["time"], CHUNK_MONTHS):
        part = slice(first, min(first + CHUNK_MONTHS, ordered.sizes["time"]))
        block = np.ascontiguousarray(ordered.isel(time=part).values, dtype=np.float64)
        yield part, block.reshape(len(block), -1)


def _climatology(ordered: xr.DataArray, footprints: Mapping[str, Footprint], baseline: Baseline) -> dict[str, Floats]:
    """Region -> mean over the baseline (calendar month, cell); NaN where too few years have a value."""
    year, calendar = _years_and_months(ordered)
    within = (year >= baseline.first) & (year <= baseline.last)
    total = {name: np.zeros((12, footprint.cells.size)) for name, footprint in footprints.items()}
    count = {name: np.zeros((12, footprint.cells.size)) for name, footprint in footprints.items()}
    for part, block in _blocks(ordered):
        used, month = block[within[part]], calendar[part][within[part]]
        for name, footprint in footprints.items():
            values = np.take(used, footprint.cells, axis=1)
            np.add.at(total[name], month, np.nan_to_num(values))
            np.add.at(count[name], month, np.isfinite(values))
    return {
        name: np.where(number >= baseline.min_years, total[name] / np.maximum(number, 1), np.nan)
        for name, number in count.items()
    }


def _anomalies_first(
    ordered: xr.DataArray,
    footprints: Mapping[str, Footprint],
    climatology: Mapping[str, Floats],
    min_coverage: float,
) -> dict[str, Floats]:
    _, calendar = _years_and_months(ordered)
    means = {name: np.full(ordered.sizes["time"], np.nan) for name in footprints}
    for part, block in _blocks(ordered):
        for name, footprint in footprints.items():
            normal = climatology[name][calendar[part]]
            anomaly = _row_means(np.take(block, footprint.cells, axis=1) - normal, footprint, min_coverage)
            means[name][part] = anomaly + _row_means(normal, footprint, 0.0)
    return means


def _years_and_months(ordered: xr.DataArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year, and calendar month 0..11, of each time."""
    months = months_of(ordered["time"]).astype(np.int64)
    return months // 12 + 1970, months % 12


def _row_means(values: Floats, footprint: Footprint, min_coverage: float) -> Floats:
    # Sums along contiguous rows, not a matrix product: its bits would depend on how many rows there are.
    present = np.isfinite(values)
    weight = np.where(present, footprint.weights, 0.0).sum(axis=1)
    total = (np.where(present, values, 0.0) * footprint.weights).sum(axis=1)
    enough = (weight > 0) & (weight / footprint.area >= min_coverage * (1 - ROUNDING))
    means = np.full(len(values), np.nan)
    np.divide(total, weight, out=means, where=enough)
    return means
