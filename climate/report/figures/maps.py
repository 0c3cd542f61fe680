"""Maps of the globe in an equal-area projection, with coasts from polygons that are given; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import matplotlib as mpl
import numpy as np
import shapely
import xarray as xr
from cartopy import crs
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import BoundaryNorm, Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from climate.forecasters.base import FloatArray
from climate.report import words
from climate.report.figures.base import INK, colour_bar
from climate.report.palette import DIFFERENCE

PROJECTION = crs.EqualEarth()
"""Savric, B., Patterson, T. and Jenny, B. (2019), doi:10.1080/13658816.2018.1504949: areas on the map are to scale."""
DEGREES = crs.PlateCarree()
"""Longitude and latitude, in which everything is given."""
SEA, LAND, OUTLINE = "#EEF2F5", "#D3D3CE", "#8A8A8A"
GRATICULE = 30
"""Degrees between the lines of latitude and longitude."""

DIFFERENCE_STEPS = 8
"""Colours on either side of no difference."""

EDGE_SHARE = 0.02
"""Share of values beyond each end of the colour scale, so that a few extremes do not compress it."""


def map_axes(figure: Figure, spec: SubplotSpec | None = None) -> GeoAxes:
    """Axes of the whole globe, the sea painted; `spec` says where in the figure, by default all of it."""
    position = (1, 1, 1) if spec is None else (spec,)
    axes = cast(GeoAxes, figure.add_subplot(*position, projection=PROJECTION))
    axes.set_global()
    axes.set_facecolor(SEA)
    axes.spines["geo"].set(edgecolor=OUTLINE, linewidth=0.6)
    axes.gridlines(
        xlocs=range(-180, 181, 2 * GRATICULE), ylocs=range(-90, 91, GRATICULE), color="#FFFFFF", lw=0.5, zorder=0.5
    )
    return axes


def difference_colours(reach: float) -> tuple[Colormap, Normalize]:
    """Colours of the error saved (%), white on both sides of no difference and in steps from there to `reach`."""
    colours = mpl.colormaps[DIFFERENCE]
    return colours, BoundaryNorm(np.linspace(-reach, reach, 2 * DIFFERENCE_STEPS + 1), colours.N, extend="both")


def round_reach(values: FloatArray) -> float:
    """Where the colours of differences (%) end: beyond all but EDGE_SHARE of `values`, at a multiple of 4."""
    low, high = (float(np.nanquantile(values, share)) for share in (EDGE_SHARE, 1 - EDGE_SHARE))
    return max(4.0, float(4 * np.ceil(max(abs(low), abs(high)) / 4)))


def difference_bar(figure: Figure, panels: Sequence[Axes], norm: Normalize, colours: Colormap, label: str) -> None:
    """The scale of `difference_colours` below panels, labelled at every fourth step."""
    bar = colour_bar(figure, panels, norm, colours, label)
    ticks = cast(BoundaryNorm, norm).boundaries[::4].tolist()
    bar.set_ticks(ticks, labels=[words.number(value, 0, True) for value in ticks])


def draw_polygon(axes: GeoAxes, geometry: Any, colour: Any, edge: str, width: float, order: float) -> None:
    """Fill a polygon or several, in degrees."""
    axes.add_geometries([geometry], DEGREES, facecolor=colour, edgecolor=edge, linewidth=width, zorder=order)


def draw_land(axes: GeoAxes, shapes: Any) -> None:
    """Land in grey under what is drawn later; nothing without `shapes` (a GeoDataFrame of countries)."""
    if shapes is not None:
        axes.add_geometries(shapes.geometry, DEGREES, facecolor=LAND, edgecolor="#FFFFFF", linewidth=0.4, zorder=1)


def draw_coast(axes: GeoAxes, shapes: Any, width: float = 0.6) -> None:
    """Coasts over what is drawn: the outline of all countries of `shapes` together; nothing without them."""
    if shapes is not None:
        coast = shapely.union_all(shapes.geometry.values)
        axes.add_geometries([coast], DEGREES, facecolor="none", edgecolor=INK, linewidth=width, zorder=3)


def draw_cells(axes: GeoAxes, values: xr.DataArray, colours: Colormap, norm: Normalize) -> QuadMesh:
    """Colour the cells of a regular grid.

    Args:
        axes: of `map_axes`.
        values: (cell) with the coordinates lat and lon of the centres (degrees); a cell that is absent stays unpainted.
        colours: of values.
        norm: of values.
    """
    lat, row = np.unique(values["lat"].values, return_inverse=True)
    lon, column = np.unique(values["lon"].values, return_inverse=True)
    grid = np.full((lat.size, lon.size), np.nan)
    grid[row, column] = values.values
    around = np.concatenate([lon[-1:] - 360, lon, lon[:1] + 360])
    west_east = np.clip(_middles(around), -180, 180)
    order = np.concatenate([np.arange(lon.size), [0]])
    edges = np.concatenate([west_east, [180.0]])
    if edges[0] > -180:  # the last column reaches over the date line
        order, edges = np.concatenate([[lon.size - 1], order]), np.concatenate([[-180.0], edges])
    wide = np.flatnonzero(np.diff(edges) > 0)
    step = np.median(np.diff(lat)) if lat.size > 1 else 180.0
    south_north = np.clip(np.concatenate([[lat[0] - step / 2], _middles(lat), [lat[-1] + step / 2]]), -90, 90)
    return cast(
        QuadMesh,
        axes.pcolormesh(
            np.concatenate([edges[wide], edges[-1:]]),
            south_north,
            np.ma.masked_invalid(grid[:, order[wide]]),
            transform=DEGREES,
            cmap=colours,
            norm=norm,
            shading="flat",
            zorder=2,
            rasterized=True,
        ),
    )


def _middles(centres: FloatArray) -> FloatArray:
    return np.asarray((centres[1:] + centres[:-1]) / 2)


def stipple(axes: GeoAxes, chosen: xr.DataArray, spacing: float = 5.0) -> None:
    """A dot on the cells that are True in `chosen` (cell), thinned to one in about `spacing` degrees both ways."""
    lat, lon = chosen["lat"].values, chosen["lon"].values
    keep = chosen.values & evenly(lat, lon, spacing)
    axes.plot(lon[keep], lat[keep], "o", ms=2.4, mfc=INK, mec="white", mew=0.4, transform=DEGREES, zorder=4)


def evenly(lat: FloatArray, lon: FloatArray, spacing: float) -> Any:
    """True for cells of a regular grid that are about `spacing` degrees of a great circle apart along both axes."""
    kept = np.zeros(lat.size, dtype=bool)
    rows = np.unique(lat)
    step = np.median(np.diff(rows)) if rows.size > 1 else spacing
    for latitude in rows[:: max(1, round(spacing / step))]:
        here = np.flatnonzero(lat == latitude)
        here = here[np.argsort(lon[here], kind="stable")]
        apart = 360 / max(1, here.size) * max(np.cos(np.deg2rad(latitude)), 0.0)
        every = here.size if apart < 1e-6 else max(1, round(spacing / apart))
        kept[here[::every]] = True
    return kept
