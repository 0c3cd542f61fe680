"""Area means on any grid: known in closed form, or held against a brute-force sampling of the sphere."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.harmonize.grid import (
    ROUNDING,
    Baseline,
    Footprint,
    box_footprint,
    point_footprint,
    polygon_footprint,
    weighted_means,
)
from climate.harmonize.regions import grid_series
from climate.hindcast.panels import cut_panel
from climate.params.regions import Box, Point
from climate.params.sections import PanelDefinition
from tests.records import PARAMS, grid, months, region
from tests.sources.test_grid import MONTHS, file, read

GLOBE = Box(lat=(-90.0, 90.0), lon=(-180.0, 180.0))
SAMPLES = 40_000
"""Points on the sphere; a share of an area from them is good to about a hundredth."""

many = settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])


@st.composite
def grids(draw: st.DrawFn) -> xr.DataArray:
    """A field (2 months) of zeros: any extent and offset, even or uneven cells, and perhaps a hole in longitude."""
    axes = {}
    for axis, circle, first in (("lat", 180.0, -90.0), ("lon", 360.0, draw(st.floats(-180, 180)))):
        count = draw(st.integers(4, 24))
        widths = np.array(draw(st.lists(st.integers(1, 3), min_size=count, max_size=count)), dtype=float)
        if draw(st.booleans()):
            widths[:] = 1.0
        extent = circle * draw(st.sampled_from([1.0, 0.7, 0.25]))
        edges = (
            first
            + draw(st.floats(0, 1)) * (circle - extent)
            + np.append(0, np.cumsum(widths)) * (extent / widths.sum())
        )
        axes[axis] = edges
    lat, lon = (np.column_stack((edges[:-1], edges[1:])) for edges in axes.values())
    if draw(st.booleans()):
        hole = draw(st.integers(1, len(lon) - 2))
        lon = np.delete(lon, hole, axis=0)
    return with_edges(np.clip(lat, -90, 90), lon)


def with_edges(lat: np.ndarray, lon: np.ndarray) -> xr.DataArray:
    """A field (2 months) of zeros with cells between the edges (cell, 2)."""
    sides = {f"{a}_{side}": (a, e[:, i]) for a, e in (("lat", lat), ("lon", lon)) for i, side in enumerate(SIDES)}
    return xr.DataArray(
        np.zeros((2, len(lat), len(lon))),
        dims=("time", "lat", "lon"),
        coords={"time": months("1961-01", 2), "lat": lat.mean(axis=1), "lon": lon.mean(axis=1)} | sides,
    )


SIDES = ("lower", "upper")


def sphere() -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of `SAMPLES` points, evenly by area (a Fibonacci lattice)."""
    index = np.arange(SAMPLES) + 0.5
    golden = (1 + 5**0.5) / 2
    return np.rad2deg(np.arcsin(1 - 2 * index / SAMPLES)), (360 * index / golden) % 360


def cells_at(field: xr.DataArray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Flat position of the cell that holds each point, -1 for none."""
    row = ((field.lat_lower.values <= lat[:, None]) & (lat[:, None] < field.lat_upper.values)) @ (
        np.arange(field.sizes["lat"]) + 1
    )
    away = (lon[:, None] - field.lon_lower.values) % 360
    column = (away < (field.lon_upper - field.lon_lower).values) @ (np.arange(field.sizes["lon"]) + 1)
    return np.where((row > 0) & (column > 0), (row - 1) * field.sizes["lon"] + column - 1, -1)


def mean_of(field: xr.DataArray, footprint: Footprint) -> float:
    return float(weighted_means(field, {"region": footprint}, 0.0)["region"][0])


def against_samples(field: xr.DataArray, footprint: Footprint, inside: np.ndarray, lat: Any, lon: Any) -> None:
    """Area, covered share and mean of a field that differs in each cell, from the points that are `inside`."""
    position = cells_at(field, lat[inside], lon[inside])
    assert footprint.area / (4 * np.pi) == pytest.approx(inside.mean(), abs=0.003)
    assert footprint.share <= 1 + ROUNDING
    assert footprint.share == pytest.approx((position >= 0).mean(), abs=0.03)
    if (position >= 0).sum() > 1000:
        values = np.sin(np.arange(field[0].size))
        filled = field.copy(data=np.broadcast_to(values.reshape(field.shape[1:]), field.shape).copy())
        assert mean_of(filled, footprint) == pytest.approx(values[position[position >= 0]].mean(), abs=0.05)


@given(grids(), st.floats(-90, 80), st.floats(8, 180), st.floats(-180, 360), st.floats(-180, 360))
@many
def test_a_box_agrees_with_points_all_over_the_sphere(
    field: xr.DataArray, south: float, height: float, west: float, east: float
) -> None:
    """Also where east is less than west by more than a turn, as 350..-180 is."""
    assume(15 < (east - west) % 360 < 345 and east - west <= 360)
    box = Box(lat=(south, min(90.0, south + height)), lon=(west, east))
    lat, lon = sphere()
    inside = (box.lat[0] <= lat) & (lat <= box.lat[1]) & ((lon - west) % 360 <= (east - west) % 360)
    against_samples(field, box_footprint(field, box), inside, lat, lon)


@given(grids(), st.floats(-180, 180), st.floats(-70, 70), st.floats(10, 60), st.floats(10, 60))
@many
def test_a_polygon_agrees_with_points_all_over_the_sphere(
    field: xr.DataArray, east: float, north: float, width: float, height: float
) -> None:
    """A rhombus with edges that are straight in longitude and latitude, across the date line too."""
    height = min(height, 90 - abs(north))
    ring = [(east - width, north), (east, north - height), (east + width, north), (east, north + height)]
    lat, lon = sphere()
    away = (lon - east + 180) % 360 - 180
    inside = np.abs(away) / width + np.abs(lat - north) / height <= 1
    against_samples(field, polygon_footprint(field, shapely.Polygon(ring)), inside, lat, lon)


@given(grids(), st.floats(-90, 90), st.floats(-180, 360))
@many
def test_a_point_is_in_a_cell_or_refused(field: xr.DataArray, lat: float, lon: float) -> None:
    held = cells_at(field, np.array([lat]), np.array([lon]))[0]
    edges = np.concatenate([field.lon_lower, field.lon_upper])
    assume(np.abs((edges - lon + 180) % 360 - 180).min() > 1e-6)
    assume(min(np.abs(field.lat_lower - lat).min(), np.abs(field.lat_upper - lat).min()) > 1e-6)
    if held < 0:
        with pytest.raises(ClimateError, match="outside the grid or in a hole"):
            point_footprint(field, Point(lat=lat, lon=lon))
        return
    near = point_footprint(field, Point(lat=lat, lon=lon))
    assert near.cells.size == 1
    between = point_footprint(field, Point(lat=lat, lon=lon, method="bilinear"))
    assert between.share == pytest.approx(1.0)
    assert held in between.cells
    assert between.cells.size <= 4


@given(grids(), st.floats(-60, 60), st.floats(0, 1), st.floats(0, 1))
@many
def test_bilinear_points_reproduce_a_plane_between_centres(
    field: xr.DataArray, slope: float, down: float, across: float
) -> None:
    """On cells of unequal size, within a tile: at a hole there is no cell beyond to interpolate with."""
    plane = slope * field.lat + 0.5 * field.lon
    filled = field.copy(data=np.broadcast_to(plane.transpose("lat", "lon"), field.shape).copy())
    row, column = field.sizes["lat"] // 2, field.sizes["lon"] // 2
    assume(abs(float(field.lon_upper[column - 1] - field.lon_lower[column])) < 1e-9)
    lat = float(field.lat[row - 1] + down * (field.lat[row] - field.lat[row - 1]))
    lon = float(field.lon[column - 1] + across * (field.lon[column] - field.lon[column - 1]))
    point = Point(lat=lat, lon=(lon + 180) % 360 - 180, method="bilinear")
    assert mean_of(filled, point_footprint(filled, point)) == pytest.approx(slope * lat + 0.5 * lon, abs=1e-6)


@given(st.integers(2, 30), st.integers(2, 30), st.floats(-180, 180), st.floats(-3, 3), st.data())
@many
def test_means_of_boxes_and_polygons_along_edges_of_cells_are_those_in_closed_form(
    rows: int, columns: int, first: float, slope: float, data: st.DataObject
) -> None:
    """A field linear in the sine of latitude: the mean of a box is its value at the middle sine."""
    lat, lon = np.linspace(-90, 90, rows + 1), first + np.linspace(0, 360, columns + 1)
    field = with_edges(*(np.column_stack((edges[:-1], edges[1:])) for edges in (lat, lon)))
    sine = np.sin(np.deg2rad(lat))
    by_row = 7 + slope * (sine[1:] + sine[:-1]) / 2
    filled = field.copy(data=np.broadcast_to(by_row[None, :, None], field.shape).copy())
    south, north = sorted(data.draw(st.lists(st.integers(0, rows), min_size=2, max_size=2, unique=True)))
    width = data.draw(st.floats(1, 359))
    # GEOS cuts polygons imprecisely where products of coordinates are subnormal
    west = round(data.draw(st.floats(-180, 180 - 1e-6)), 9)
    box = Box(lat=(lat[south], lat[north]), lon=(west, (west + width + 180) % 360 - 180))
    assume(abs((box.lon[1] - box.lon[0]) % 360 - width) < 1e-6)
    expected = 7 + slope * (sine[south] + sine[north]) / 2
    for footprint in (
        box_footprint(filled, box),
        polygon_footprint(filled, shapely.box(west, lat[south], west + width, lat[north])),
    ):
        assert footprint.share == pytest.approx(1.0, abs=1e-9)
        assert mean_of(filled, footprint) == pytest.approx(expected, abs=1e-9)


@given(st.data())
@settings(max_examples=25)
def test_rolled_flipped_and_cut_copies_of_a_file_give_a_region_the_same_number(data: st.DataObject) -> None:
    """Through the reader; the region lies within the columns that every copy keeps."""
    whole = file()
    start, kept = data.draw(st.integers(0, 71)), data.draw(st.integers(12, 72))
    copy = whole.roll(lon=-start, roll_coords=True).isel(lon=slice(0, kept))
    copy = copy.assign_coords(lon=(copy.lon - data.draw(st.sampled_from([0.0, 360.0]))).assign_attrs(copy.lon.attrs))
    for axis in ("lat", "lon"):
        if data.draw(st.booleans()):
            copy = copy.isel({axis: slice(None, None, -1)})
    west = (start * 5.0 + 180 + 7) % 360 - 180
    box = Box(lat=(-33.0, 41.0), lon=(west, (west + 40 + 180) % 360 - 180))
    means = []
    for made in (whole, copy):
        with TemporaryDirectory() as folder:
            field = read(Path(folder), made)["value"].load()
        footprint = box_footprint(field, box)
        assert footprint.share == pytest.approx(1.0, abs=1e-9)
        means.append(weighted_means(field, {"box": footprint}, 0.5)["box"].values)
    assert means[0].size == MONTHS.size
    np.testing.assert_allclose(means[1], means[0], rtol=1e-12)


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.4))
@settings(max_examples=25)
def test_cells_that_come_and_go_leave_no_trace_in_an_absolute_mean(seed: int, lost: float) -> None:
    """Each cell is its own climatology plus one signal for all, so any cells at all tell the signal exactly."""
    generator = np.random.default_rng(seed)
    lat, lon, count = np.arange(-75.0, 90, 30), np.arange(-150.0, 180, 60), 12 * 40
    signal = np.tile(generator.normal(size=12), 40)[:, None, None]  # one for each calendar month
    signal = signal + np.where(np.arange(count) >= 12 * 35, 2.0, 0.0)[:, None, None]
    values = signal + generator.normal(0, 30, size=(1, lat.size, lon.size))
    gaps = generator.random(values.shape) < lost
    field = grid(np.where(gaps, np.nan, values), months("1956-01", count), lat, lon)["value"]
    footprints = {"globe": box_footprint(field, GLOBE)}
    baseline = Baseline(1961, 1990, 1)
    mean = weighted_means(field, footprints, 0.3, baseline)["globe"]
    true = weighted_means(field.copy(data=values), footprints, 0.3, baseline)["globe"]
    assume(mean.attrs["share"] > 1 - ROUNDING)
    assert mean.attrs["anomalies_first"]
    known = np.isfinite(mean.values)
    np.testing.assert_allclose(mean.values[known], true.values[known], atol=1e-9)


def growing(lat: np.ndarray, lon: np.ndarray) -> xr.Dataset:
    """60 years from 1955; north of 45 N values begin in 1988, after nearly all of the baseline."""
    count = 12 * 60
    values = np.random.default_rng(3).normal(size=(count, lat.size, lon.size))
    values[: 12 * 33, lat > 45] = np.nan
    return grid(values, months("1955-01", count), lat, lon)


LAT, LON = np.arange(-87.5, 90, 5), np.arange(-177.5, 180, 5)


def test_the_covered_share_leaves_out_cells_without_a_climatology() -> None:
    whole = {"globe": region(source="g", box={"lat": [-90, 90], "lon": [-180, 180]})}
    made = grid_series(growing(LAT, LON), "g", whole, {}, PARAMS)["globe"]
    assert made.attrs["covered_share"] == pytest.approx((np.sin(np.deg2rad(45)) + 1) / 2, abs=1e-6)
    assert "of cell anomalies" in made.attrs["history"]
    north = {"north": region(source="g", box={"lat": [40, 80], "lon": [-180, 180]})}
    with pytest.raises(ClimateError, match=r"region 'north': the cells of 'g' .* 19% of the area has cells with 20"):
        grid_series(growing(LAT, LON), "g", north, {}, PARAMS)


def test_cells_without_values_in_one_calendar_month_refuse_the_region_that_holds_them() -> None:
    """Leaving them out would warm the region by several degrees all year round."""
    count = 12 * 40
    values = np.broadcast_to(15 - 40 * (np.abs(LAT[:, None]) > 65), (count, LAT.size, LON.size)).astype(float)
    values = values + np.arange(count)[:, None, None] / 1200
    dark = values.copy()
    dark[0::12, LAT > 65] = np.nan
    record, whole = (grid(made, months("1955-01", count), LAT, LON) for made in (dark, values))
    globe = {"globe": region(source="g", box={"lat": [-90, 90], "lon": [-180, 180]})}
    with pytest.raises(ClimateError, match=r"region 'globe': 4\.7% of the area has cells .* some calendar months only"):
        grid_series(record, "g", globe, {}, PARAMS)
    elsewhere = {"elsewhere": region(source="g", box={"lat": [-90, 60], "lon": [-180, 180]})}
    expected, made = (grid_series(each, "g", elsewhere, {}, PARAMS)["elsewhere"]["value"] for each in (whole, record))
    np.testing.assert_allclose(made, expected, atol=1e-9)


def test_the_covered_share_leaves_out_cells_without_any_value() -> None:
    record = growing(LAT, LON).isel(time=slice(12 * 33))
    whole = {"globe": region(source="g", box={"lat": [-90, 90], "lon": [-180, 180]})}
    made = grid_series(record, "g", whole, {}, PARAMS)["globe"]
    assert made.attrs["covered_share"] == pytest.approx((np.sin(np.deg2rad(45)) + 1) / 2, abs=1e-6)


SHAPES = geopandas.GeoDataFrame(
    {"name": ["north", "south"], "key": ["N", "S"]},
    geometry=[shapely.box(-30, 40, 150, 80), shapely.box(-30, -60, 150, -20)],
)
PANEL = PanelDefinition(title="Two", source="g", shapes="natural-earth")


@pytest.mark.parametrize(
    ("rows", "reason"), [(slice(None), "cells of 'g' with values change"), (slice(0, 27), "covers 19% of its area")]
)
def test_a_region_without_enough_cells_stops_no_other_of_a_panel(rows: slice, reason: str) -> None:
    record = growing(LAT[rows], LON)
    made = cut_panel(record, PANEL, SHAPES, PARAMS)
    assert list(made.dataset["series"].values) == ["south"]
    assert reason in made.skipped["north"]


def test_a_panel_of_which_the_grid_covers_no_region_is_refused() -> None:
    with pytest.raises(ClimateError, match="panel 'Two': no region can be forecast: region 'north'"):
        cut_panel(growing(LAT[17:19], LON), PANEL, SHAPES, PARAMS)
