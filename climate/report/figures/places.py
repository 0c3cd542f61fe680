"""Maps: where the places are, coloured by warming and by how the LSTM does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from climate.errors import ClimateError
from climate.harmonize.polygons import region_polygon
from climate.params.regions import RegionDefinition
from climate.report import words
from climate.report.figures.base import INK, Drawing, colour_bar, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, annual_means, trend
from climate.report.palette import style_of
from climate.report.text import is_temperature

LAND = "natural-earth"
"""Source of the land under the map."""
GLOBE_DEGREES = 360
BAR, GAP, FIRST_BAR = 7.0, 16.0, 192.0
"""Width and spacing of the bars beside the map that stand for belts around the globe, and where they begin, degrees."""


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


def skill_map(inputs: ReportInputs, compared: Sequence[Contest]) -> Drawing | None:
    """CRPS ratio of the LSTM to the opponent in the first headline block; None without a network or places."""
    block = inputs.headline_blocks[0]
    known = {place.region for place in locate(inputs)}
    rated = [contest for contest in compared if contest.block == block and np.isfinite(contest.ratio)]
    shown = [contest for contest in rated if contest.region in known]
    if not shown:
        return None
    values = {contest.region: contest.ratio for contest in shown}
    reach = max(0.1, *(abs(np.log2(value)) for value in values.values()))
    low, high = float(2**-reach), float(2**reach)
    norm = TwoSlopeNorm(1.0, low, high)
    when = inputs.when(block)
    model = style_of(shown[0].model).label
    figure, data = _map(
        inputs,
        values,
        mpl.colormaps["PuOr_r"],
        norm,
        f"CRPS of the {model} ÷ CRPS of the opponent",
        "ratio",
        ticks=sorted({low, 1.0, high}),
    )
    ratios = [f"{inputs.title_of(c.region)} {words.number(c.ratio)}" for c in shown]
    alt = f"Map of the CRPS ratio of the {model} to the opponent {when}: {'; '.join(ratios)}."
    caption = (
        f"Error (CRPS) of the {model} as a multiple of the opponent's, {when}: violet where it is lower, "
        "orange where it is higher. Intervals are in the table of places."
    )
    return Drawing("map-skill", figure, data, alt, caption, "colour")


def _map(
    inputs: ReportInputs,
    values: Mapping[str, float],
    colours: Colormap,
    norm: Normalize,
    label: str,
    column: str,
    ticks: list[float] | None = None,
) -> tuple[Figure, pd.DataFrame]:
    places = [place for place in locate(inputs) if place.region in values]
    belts = sorted((p for p in places if p.is_belt), key=lambda p: p.lat[0] - p.lat[1])
    spots = sorted((p for p in places if not p.is_belt), key=_extent, reverse=True)
    with style():
        figure = new_figure(4.6)
        axes = map_axes(figure)
        land = inputs.shapes.get(LAND)
        if land is not None:
            for geometry in land.geometry:
                draw_polygon(axes, geometry, "#D3D3CE", "#FFFFFF", 0.4, 1)
        for place in spots:
            colour = colours(norm(values[place.region]))
            if place.polygon is not None:
                draw_polygon(axes, place.polygon, colour, INK, 0.8, 2)
            elif place.is_point:
                axes.plot(place.lon[0], place.lat[0], "o", ms=9, mfc=colour, mec=INK, mew=1.0, zorder=4)
            else:
                for west, east in place.spans:
                    size = (east - west, place.lat[1] - place.lat[0])
                    axes.add_patch(Rectangle((west, place.lat[0]), *size, fc=colour, ec=INK, lw=0.8, zorder=2))
            _name(axes, inputs.title_of(place.region), place)
        for number, place in enumerate(belts):
            left = FIRST_BAR + number * GAP
            height = place.lat[1] - place.lat[0]
            colour = colours(norm(values[place.region]))
            axes.add_patch(Rectangle((left, place.lat[0]), BAR, height, fc=colour, ec=INK, lw=0.8, zorder=2))
            title = inputs.title_of(place.region)
            axes.text(left + BAR + 1, place.lat[1], title, rotation=90, ha="left", va="top", fontsize=9.5)
        axes.set_xlim(-180, max(180.0, FIRST_BAR + len(belts) * GAP))
        bar = colour_bar(figure, axes, norm, colours, label)
        if ticks is not None:
            bar.set_ticks(ticks, labels=[words.number(tick) for tick in ticks])
            bar.ax.minorticks_off()
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


def map_axes(figure: Figure) -> Axes:
    """Axes for longitude and latitude over the whole globe, the sea painted."""
    axes = figure.subplots()
    axes.grid(False)
    axes.add_patch(Rectangle((-180, -90), 360, 180, fc="#EEF2F5", ec="none", zorder=0))
    axes.set_xlim(-180, 180)
    axes.set_ylim(-90, 90)
    axes.set_aspect("equal")
    axes.set_xticks(range(-180, 181, 60), [_degrees(x, "E", "W") for x in range(-180, 181, 60)], fontsize=9)
    axes.set_yticks(range(-60, 61, 30), [_degrees(y, "N", "S") for y in range(-60, 61, 30)], fontsize=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_facecolor("none")
    return axes


def _extent(place: Place) -> float:
    return (place.lat[1] - place.lat[0]) * (place.lon[1] - place.lon[0])


def draw_polygon(axes: Axes, geometry: Any, colour: Any, edge: str, width: float, order: float) -> None:
    """Fill the outlines of a polygon or of several."""
    for part in getattr(geometry, "geoms", [geometry]):
        x, y = part.exterior.xy
        axes.fill(x, y, fc=colour, ec=edge, lw=width, zorder=order)


def _name(axes: Axes, title: str, place: Place) -> None:
    west, east = max(place.spans, key=lambda span: span[1] - span[0])
    x, y = (west + east) / 2, sum(place.lat) / 2
    if place.polygon is not None:
        spot = place.polygon.representative_point()
        x, y = spot.x, spot.y
    axes.annotate(
        title,
        (x, y),
        xytext=(-8 if place.is_point else 8, 4),
        textcoords="offset points",
        ha="right" if place.is_point else "left",
        fontsize=9.5,
        color=INK,
        zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
    )


def _degrees(value: int, positive: str, negative: str) -> str:
    return "0°" if value == 0 else f"{abs(value)}°{positive if value > 0 else negative}"
