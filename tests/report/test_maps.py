"""Maps: to scale of area, every cell where it belongs, and nothing downloaded."""

from __future__ import annotations

import socket

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from cartopy import io
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import BoundaryNorm

from climate.report.figures import maps
from climate.report.figures.base import Drawing, develop, new_figure
from climate.report.figures.maps import DEGREES, PROJECTION, difference_colours, draw_cells, draw_coast, map_axes
from tests.imports import MODULES
from tests.report.samples import make_shapes

STEP = 30.0


def cells(west: float) -> xr.DataArray:
    """Numbered cells of a grid of STEP degrees, its first centre at `west`."""
    lat, lon = np.meshgrid(np.arange(-75.0, 90, STEP), west + np.arange(0.0, 360, STEP), indexing="ij")
    coords = {"lat": ("cell", lat.ravel()), "lon": ("cell", lon.ravel())}
    return xr.DataArray(np.arange(lat.size, dtype=float), dims="cell", coords=coords)


@given(st.floats(-85, 80), st.floats(-170, 165))
def test_areas_are_to_scale(south: float, west: float) -> None:
    lat, lon = south + np.array([0.0, 0, 0.5, 0.5]), west + np.array([0.0, 0.5, 0.5, 0])
    x, y, _ = PROJECTION.transform_points(DEGREES, lon, lat).T
    drawn = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    on_sphere = 6371007.0**2 * np.deg2rad(0.5) * (np.sin(np.deg2rad(south + 0.5)) - np.sin(np.deg2rad(south)))
    assert drawn == pytest.approx(on_sphere, rel=0.02)


@pytest.mark.parametrize("west", [-180.0, -165.0, -177.5])
def test_every_cell_is_painted_where_it_lies(west: float) -> None:
    axes = map_axes(new_figure(3.0))
    values = cells(west)
    colours, norm = difference_colours(100.0)
    mesh = draw_cells(axes, values, colours, norm)
    edges = np.asarray(mesh.get_coordinates())
    painted = np.ma.filled(np.ma.asarray(mesh.get_array()), np.nan).reshape(edges.shape[0] - 1, edges.shape[1] - 1)
    assert painted.shape[0] == 6
    assert set(values.values) <= set(painted[np.isfinite(painted)])
    assert edges[..., 0].min() == -180
    assert edges[..., 0].max() == 180
    for value, lat, lon in zip(values.values, values["lat"].values, values["lon"].values, strict=True):
        wrapped = (lon + 180) % 360 - 180
        row = np.searchsorted(edges[:, 0, 1], lat) - 1
        column = np.searchsorted(edges[0, :, 0], wrapped, side="right") - 1
        assert painted[row, column] == value


@given(st.sampled_from([2.5, 5.0]), st.floats(4, 15))
def test_thinned_cells_are_about_as_far_apart_everywhere(step: float, spacing: float) -> None:
    lat, lon = (
        each.ravel()
        for each in np.meshgrid(np.arange(-90 + step / 2, 90, step), np.arange(-180, 180, step), indexing="ij")
    )
    kept = maps.evenly(lat, lon, spacing)
    for latitude in np.unique(lat[kept]):
        own = np.sort(lon[kept & (lat == latitude)])
        apart = np.diff(own) * np.cos(np.deg2rad(latitude))
        if own.size > 2:
            assert apart.min() > 0.6 * spacing
    assert np.diff(np.unique(lat[kept])).min() >= spacing - step / 2 - 1e-9


@given(st.lists(st.floats(-60, 60), min_size=2, max_size=40))
def test_colours_of_differences_are_even_on_both_sides_of_none(values: list[float]) -> None:
    _, norm = difference_colours(maps.round_reach(np.array(values)))
    assert isinstance(norm, BoundaryNorm)
    bounds = np.asarray(norm.boundaries)
    np.testing.assert_allclose(bounds, -bounds[::-1])
    assert 0 in bounds
    assert (bounds[::4] == np.round(bounds[::4])).all()


def test_coasts_come_from_given_polygons_and_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a map asked for a download")

    monkeypatch.setattr(io.Downloader, "path", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    figure = new_figure(3.0)
    axes = map_axes(figure)
    before = len(axes.collections) + len(axes.artists)
    draw_coast(axes, make_shapes()["natural-earth"])
    assert len(axes.collections) + len(axes.artists) > before
    assert develop(Drawing("map", figure, pd.DataFrame(), "", "")).png


def test_no_module_uses_what_cartopy_downloads() -> None:
    downloading = ("cartopy.feature", "cartopy.io", ".coastlines(", ".stock_img(")
    for name, path in MODULES.items():
        text = path.read_text("utf-8")
        assert not [word for word in downloading if word in text], name
