"""Map of where the places are, coloured by warming."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from shapely.geometry import MultiPolygon, box

from climate.errors import ClimateError
from climate.harmonize.polygons import region_polygon
from climate.params.regions import RegionDefinition
from climate.params.sections import LAND
from climate.report import words
from climate.report.figures.base import INK, Drawing, colour_bar, for_phones_too, new_figure, on_phone, style
from climate.report.figures.maps import DEGREES, PROJECTION, draw_land, draw_polygon, map_axes
from climate.report.inputs import ReportInputs
from climate.report.numbers import annual_means, trend
from climate.report.text import is_temperature

GLOBE_DEGREES = 360
MAP_SHARE = 8
"""Width of the map as a multiple of that of a bar beside it."""


@dataclass(frozen=True)
class Place:
    """Where one region is: a polygon, a box or a point; a box around the whole globe is a belt.

    `lon` of a box runs eastward from a western edge in [-180, 180), past 180 where it crosses the date line.
    """

    region: str
    polygon: Any = None
    lat: tuple[float, float] = (np.nan, np.nan)
    lon: tuple[float, float] = (np.nan, np.nan)

    @property
    def is_belt(self) -> bool:
        """Whether the box goes around the globe."""
        return self.lon[1] - self.lon[0] >= GLOBE_DEGREES

    @property
    def is_point(self) -> bool:
        """Whether the region is a single spot."""
        return self.polygon is None and self.lat[0] == self.lat[1] and self.lon[0] == self.lon[1]

    @property
    def outline(self) -> Any:
        """The polygon, or the box as one."""
        if self.polygon is not None:
            return self.polygon
        return MultiPolygon([box(west, self.lat[0], east, self.lat[1]) for west, east in self.spans])

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Western and eastern edges on a map from -180 to 180: two parts where the box crosses the date line."""
        west, east = self.lon
        return [(west, east)] if east <= 180 else [(west, 180.0), (-180.0, east - GLOBE_DEGREES)]


def eastward(west: float, east: float) -> tuple[float, float]:
    """Edges of a box that runs eastward from `west` to `east`, the western one in [-180, 180)."""
    start = (west + 180) % GLOBE_DEGREES - 180
    width = (east - west) % GLOBE_DEGREES or GLOBE_DEGREES
    return start, start + width


def locate(inputs: ReportInputs) -> list[Place]:
    """The places of those regions whose definition says where they are."""
    places = (_place(region, inputs.params.regions[region], inputs.shapes) for region in inputs.regions)
    return [place for place in places if place is not None]


def _place(region: str, definition: RegionDefinition, shapes: Mapping[str, Any]) -> Place | None:
    if definition.box is not None:
        return Place(region, None, definition.box.lat, eastward(*definition.box.lon))
    if definition.point is not None:
        point = definition.point
        lon = (point.lon + 180) % GLOBE_DEGREES - 180
        return Place(region, None, (point.lat, point.lat), (lon, lon))
    table = shapes.get(definition.polygons or "")
    if table is None:
        return None
    try:
        geometry = region_polygon(definition, table, f"region '{region}'")
    except ClimateError:
        return None
    west, south, east, north = geometry.bounds
    return Place(region, geometry, (south, north), (west, east))


@for_phones_too
def warming_map(inputs: ReportInputs) -> Drawing | None:
    """Trend of the last thirty years; None if no temperature has a place."""
    values = {}
    for place in locate(inputs):
        series = inputs.series[place.region]
        line = trend(annual_means(series)) if is_temperature(series.attrs) else None
        if line is not None:
            values[place.region] = (line.per_decade, f"{line.first}{words.EN_DASH}{line.last}")
    if not values:
        return None
    span = next(iter(values.values()))[1]
    unit = f"{inputs.unit(next(iter(values)))} per decade"
    plain = {region: value for region, (value, _) in values.items()}
    top = max(0.1, *plain.values())
    bottom = min(0.0, *plain.values())
    norm: Normalize = Normalize(0, top) if bottom == 0 else TwoSlopeNorm(0, -top, top)
    colours = mpl.colormaps["YlOrRd" if bottom == 0 else "RdBu_r"]
    figure, data = _map(inputs, plain, colours, norm, f"Trend {span} ({unit})", "trend_per_decade")
    listing = "; ".join(f"{inputs.title_of(region)} {words.number(value, 2, True)}" for region, value in plain.items())
    alt = f"Map of temperature trends {span} in {unit}: {listing}."
    caption = (
        f"Trend of annual mean temperature {span}. The bars beside the map are belts around the globe, from their "
        "southern to their northern edge."
    )
    return Drawing("map-warming", figure, data, alt, caption, "colour")


def _map(
    inputs: ReportInputs, values: Mapping[str, float], colours: Colormap, norm: Normalize, label: str, column: str
) -> tuple[Figure, pd.DataFrame]:
    places = [place for place in locate(inputs) if place.region in values]
    belts = sorted((p for p in places if p.is_belt), key=lambda p: p.lat[0] - p.lat[1])
    spots = sorted((p for p in places if not p.is_belt), key=_extent, reverse=True)
    with style():
        figure = new_figure(2.7 if on_phone() else 4.6)
        grid = figure.add_gridspec(1, 1 + len(belts), width_ratios=[MAP_SHARE * max(1, len(belts)), *[1] * len(belts)])
        axes = map_axes(figure, grid[0])
        draw_land(axes, inputs.shapes.get(LAND))
        for place in spots:
            colour = colours(norm(values[place.region]))
            if place.is_point:
                spot = {"ms": 9, "mfc": colour, "mec": INK, "mew": 1.0}
                axes.plot(place.lon[0], place.lat[0], "o", **spot, transform=DEGREES, zorder=4)
            else:
                draw_polygon(axes, place.outline, colour, INK, 0.8, 2)
            _name(axes, inputs.title_of(place.region), place)
        for number, place in enumerate(belts):
            beside = figure.add_subplot(grid[1 + number])
            beside.set_axis_off()
            south, north = PROJECTION.transform_points(DEGREES, np.zeros(2), np.array(place.lat))[:, 1]
            colour = colours(norm(values[place.region]))
            beside.bar(0, north - south, bottom=south, width=0.5, fc=colour, ec=INK, lw=0.8)
            beside.set(xlim=(-0.3, 0.9), ylim=axes.get_ylim())
            beside.text(0.3, north, inputs.title_of(place.region), rotation=90, ha="left", va="top", fontsize=9.5)
        colour_bar(figure, axes, norm, colours, label)
    data = pd.DataFrame(
        [
            {
                "region": place.region,
                "title": inputs.title_of(place.region),
                "south": place.lat[0],
                "north": place.lat[1],
                "west": place.lon[0],
                "east": place.lon[1],
                column: values[place.region],
            }
            for place in places
        ]
    )
    return figure, data


def _extent(place: Place) -> float:
    return (place.lat[1] - place.lat[0]) * (place.lon[1] - place.lon[0])


def _name(axes: GeoAxes, title: str, place: Place) -> None:
    west, east = max(place.spans, key=lambda span: span[1] - span[0])
    x, y = (west + east) / 2, sum(place.lat) / 2
    if place.polygon is not None:
        spot = place.polygon.representative_point()
        x, y = spot.x, spot.y
    axes.annotate(
        title,
        PROJECTION.transform_point(x, y, DEGREES),
        xytext=(-8 if place.is_point else 8, 4),
        textcoords="offset points",
        ha="right" if place.is_point else "left",
        fontsize=9.5,
        color=INK,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
    )
