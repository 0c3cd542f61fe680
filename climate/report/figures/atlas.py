"""Maps of a panel: every place coloured by one number."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib import patheffects
from matplotlib.colors import Normalize

from climate.report import words
from climate.report.figures.base import INK, Drawing, colour_bar, for_phones_too, new_figure, on_phone, style
from climate.report.figures.maps import (
    DEGREES,
    EDGE_SHARE,
    LAND,
    PROJECTION,
    difference_bar,
    difference_colours,
    draw_coast,
    draw_polygon,
    map_axes,
    round_reach,
)

if TYPE_CHECKING:
    from climate.report.atlas import PanelInputs

OTHER_NAMES = {
    "bosnia and herz.": "Bosnia And Herzegovina",
    "central african rep.": "Central African Republic",
    "czechia": "Czech Republic",
    "dem. rep. congo": "Congo (Democratic Republic Of The)",
    "dominican rep.": "Dominican Republic",
    "eq. guinea": "Equatorial Guinea",
    "eswatini": "Swaziland",
    "falkland is.": "Falkland Islands (Islas Malvinas)",
    "fr. s. antarctic lands": "French Southern And Antarctic Lands",
    "guinea-bissau": "Guinea Bissau",
    "myanmar": "Burma",
    "north macedonia": "Macedonia",
    "palestine": "Palestina",
    "solomon is.": "Solomon Islands",
    "timor-leste": "Timor Leste",
    "united states of america": "United States",
    "w. sahara": "Western Sahara",
}
"""Natural Earth's name of a country -> that of Berkeley Earth in 2013, where they differ."""

WIDTH = 7.5
"""Inches: narrower than other figures, so that codes are large on their regions."""
CODE_SIZE, COAST = 7.5, 0.35
"""Points."""

LONGEST_CODE = 4
"""Characters of a key that is short enough to be written on the map."""
MOST_CODES = 80
"""Places whose keys do not hide each other."""


def colours_of(values: np.ndarray, difference: bool) -> tuple[mpl.colors.Colormap, Normalize]:
    """A scale from the 2% to the 98% quantile, symmetric around zero for a difference."""
    if difference:
        return difference_colours(round_reach(values))
    low, high = (float(np.nanquantile(values, share)) for share in (EDGE_SHARE, 1 - EDGE_SHARE))
    return mpl.colormaps["viridis"], Normalize(low, max(high, low + 1e-6))


@for_phones_too
def map_figure(
    inputs: PanelInputs,
    name: str,
    values: xr.DataArray,
    label: str,
    caption: str,
    *,
    difference: bool = False,
    sure: Collection[str] = (),
) -> Drawing:
    """A map of `values` (series): polygons, or discs where a place has coordinates alone; dots on those of `sure`.

    Polygons that are the places themselves carry their keys where these are few and short, such as the codes of AR6.
    """
    known = {str(place): float(value) for place, value in zip(values["series"].values, values.values, strict=True)}
    folded = {place.casefold(): place for place in known}
    colours, norm = colours_of(values.values, difference)
    drawn: set[str] = set()
    short = max(map(len, inputs.shapes["key"].astype(str))) <= LONGEST_CODE
    coded = inputs.cut_out and short and len(known) <= MOST_CODES
    with style():
        figure = new_figure(3.1) if on_phone() else new_figure(4.4, WIDTH)
        axes = map_axes(figure)
        columns = (inputs.shapes["name"], inputs.shapes["key"], inputs.shapes.geometry)
        for title, key, geometry in zip(*columns, strict=True):
            place = folded.get(str(title).casefold()) or OTHER_NAMES.get(str(title).casefold(), "")
            colour: Any = LAND
            if place in known:
                colour = colours(norm(known[place]))
                drawn.add(place)
            draw_polygon(axes, geometry, colour, "#FFFFFF" if not inputs.cut_out else INK, 0.4, 2)
            if coded and place in known:
                spot = geometry.representative_point()
                write_code(axes, str(key), PROJECTION.transform_point(spot.x, spot.y, DEGREES), place in sure)
        draw_coast(axes, inputs.land, COAST)
        spots = [inputs.scores[name].values for name in ("series", "latitude", "longitude")]
        for place, lat, lon in zip(*spots, strict=True):
            if str(place) not in drawn and np.isfinite(lat) and np.isfinite(lon):
                face = colours(norm(known[str(place)]))
                axes.plot(lon, lat, "o", ms=7, mfc=face, mec=INK, mew=0.7, transform=DEGREES, zorder=4)
                drawn.add(str(place))
            if not coded and str(place) in sure and np.isfinite(lat) and np.isfinite(lon):
                axes.plot(lon, lat, "o", ms=3.5, mfc=INK, mec="white", mew=0.6, transform=DEGREES, zorder=5)
        if difference:
            difference_bar(figure, [axes], norm, colours, label)
        else:
            colour_bar(figure, axes, norm, colours, label, extend="both")
    order = sorted(known, key=lambda place: known[place])
    ends = [f"{place} {words.number(known[place])}" for place in (order[0], order[-1])]
    alt = f"Map of {len(drawn)} places, {label}: from {ends[0]} to {ends[1]}."
    absent = len(known) - len(drawn)
    if absent:
        absentees = words.capital(words.count(absent, "place"))
        caption += f" {absentees} without a shape on this map: see the table."
    data = pd.DataFrame(
        {"place": list(known), name: list(known.values()), "drawn": [place in drawn for place in known]}
    )
    return Drawing(name, figure, data, alt, caption, "colour")


def write_code(axes: GeoAxes, code: str, at: tuple[float, float], marked: bool) -> None:
    """The code of a region on the map, with a dot below it where it is `marked`."""
    halo = [patheffects.withStroke(linewidth=1.8, foreground="white")]
    axes.text(*at, code, fontsize=CODE_SIZE, color=INK, ha="center", va="center", path_effects=halo, zorder=5)
    if marked:
        axes.annotate(
            "●", at, (0, -6.5), textcoords="offset points", fontsize=6, ha="center", va="center", path_effects=halo
        )
