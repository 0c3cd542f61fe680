"""Maps of a panel: every place coloured by one number."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.colors import Normalize, TwoSlopeNorm

from climate.report import words
from climate.report.figures.base import INK, Drawing, colour_bar, new_figure, style
from climate.report.figures.places import draw_polygon, map_axes

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

EDGE_SHARE = 0.02
"""Share of places beyond each end of the colour scale, so that a few extremes do not compress it."""


def colours_of(values: np.ndarray, middle: float | None) -> tuple[mpl.colors.Colormap, Normalize]:
    """A scale from the 2% to the 98% quantile, symmetric around `middle` where there is one."""
    low, high = (float(np.nanquantile(values, share)) for share in (EDGE_SHARE, 1 - EDGE_SHARE))
    if middle is not None:
        reach = max(abs(low - middle), abs(high - middle), 0.02)
        return mpl.colormaps["PuOr_r"], TwoSlopeNorm(middle, middle - reach, middle + reach)
    return mpl.colormaps["viridis"], Normalize(low, max(high, low + 1e-6))


def map_figure(
    inputs: PanelInputs,
    name: str,
    values: xr.DataArray,
    label: str,
    caption: str,
    middle: float | None = None,
    sure: Collection[str] = (),
) -> Drawing:
    """A map of `values` (series): polygons, or discs where a place has coordinates alone; dots on those of `sure`."""
    known = {str(place): float(value) for place, value in zip(values["series"].values, values.values, strict=True)}
    folded = {place.casefold(): place for place in known}
    colours, norm = colours_of(values.values, middle)
    drawn: set[str] = set()
    with style():
        figure = new_figure(5.0)
        axes = map_axes(figure)
        for title, geometry in zip(inputs.shapes["name"], inputs.shapes.geometry, strict=True):
            place = folded.get(str(title).casefold()) or OTHER_NAMES.get(str(title).casefold(), "")
            colour: Any = "#D3D3CE"
            if place in known:
                colour = colours(norm(known[place]))
                drawn.add(place)
            draw_polygon(axes, geometry, colour, "#FFFFFF" if not inputs.cut_out else INK, 0.4, 1)
        spots = [inputs.scores[name].values for name in ("series", "latitude", "longitude")]
        for place, lat, lon in zip(*spots, strict=True):
            if str(place) not in drawn and np.isfinite(lat) and np.isfinite(lon):
                axes.plot(lon, lat, "o", ms=7, mfc=colours(norm(known[str(place)])), mec=INK, mew=0.7, zorder=4)
                drawn.add(str(place))
            if str(place) in sure and np.isfinite(lat) and np.isfinite(lon):
                axes.plot(lon, lat, "o", ms=3.5, mfc=INK, mec="white", mew=0.6, zorder=5)
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
