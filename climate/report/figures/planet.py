"""Where on the planet, how far ahead and from which months forecasters differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.report import words
from climate.report.figures.base import NARROW, Drawing, new_figure, outer_labels, panel_grid, start_panel, style
from climate.report.figures.maps import (
    difference_bar,
    difference_colours,
    draw_cells,
    draw_coast,
    map_axes,
    round_reach,
    stipple,
)
from climate.report.palette import LESS_ERROR, MORE_ERROR, style_of
from climate.verify.significance import FALSE_DISCOVERY

MAP_BLOCKS = ("1", "1-12", "13-60")
"""Lead blocks of the maps, as far as they were scored."""
LARGE_BLOCK = "1-12"
"""The one that is drawn large."""

START_LEADS = 12
"""Months ahead of the figure by start month; forecasts further ahead do not start in every calendar month."""

ZONES = {
    "planet": "The planet",
    "tropics": "Tropics",
    "north": "Northern extratropics",
    "south": "Southern extratropics",
}
"""Zones of stage `planet`."""

SMALLEST_SHARE = 0.001
"""Share of the area that is still given as a number."""

LEAST_BAND = 0.01
"""Share of the area that a band of latitude needs to be named in a caption."""

PARALLELS = (-60, -30, 0, 30, 60)
"""Latitudes that are labelled (degrees)."""


def saved(compared: xr.Dataset, pair: tuple[str, str], block: str) -> xr.Dataset:
    """Error saved (%) in every cell by the first of a pair, and whether the difference survives."""
    one = row_of(compared, pair).sel(block=block)
    return xr.Dataset({"saved": 100 * (1 - one["ratio"]), "different": one["p_fdr"] < FALSE_DISCOVERY})


def row_of(compared: xr.Dataset, pair: tuple[str, str]) -> xr.Dataset:
    """The comparison (block, cell) of a pair."""
    names = zip(compared["model"].values.astype(str), compared["against"].values.astype(str), strict=True)
    return compared.isel(pair=list(names).index(pair))


def pairs_in(compared: xr.Dataset) -> list[tuple[str, str]]:
    """Who was compared with whom."""
    names = (compared[name].values.astype(str).tolist() for name in ("model", "against"))
    return list(zip(*names, strict=True))


def blocks_in(compared: xr.Dataset) -> list[str]:
    """Lead blocks of the maps that were scored."""
    known = compared["block"].values.astype(str).tolist()
    return [block for block in MAP_BLOCKS if block in known] or known[:1]


def common_reach(compared: xr.Dataset) -> float:
    """Error saved (%) at which the colours of all maps end: one scale, so that a colour has one meaning."""
    values = 100 * (1 - compared["ratio"].sel(block=blocks_in(compared)).values)
    return round_reach(values)


def map_drawing(compared: xr.Dataset, pair: tuple[str, str], months: dict[str, str], name: str, shapes: Any) -> Drawing:
    """Maps of the error that one forecaster saves against another, with dots where the difference survives.

    Args:
        compared: of `verify.fields.compare_cells`.
        pair: of its forecasters.
        months: lead block -> how far ahead in words.
        name: of the file.
        shapes: GeoDataFrame of countries, whose outlines are the coasts; None draws none.
    """
    blocks, reach = blocks_in(compared), common_reach(compared)
    drawn = sorted(blocks, key=lambda block: block != LARGE_BLOCK)
    colours, norm = difference_colours(reach)
    one, other = (style_of(model) for model in pair)
    table, notes = {name: compared[name].values for name in ("lat", "lon")}, {}
    with style():
        small = len(blocks) - 1
        figure = new_figure(5.7 if small else 3.9, NARROW)
        grid = figure.add_gridspec(2 if small else 1, max(1, small), height_ratios=[2, 1.05] if small else [1])
        panels = []
        for number, block in enumerate(drawn):
            values = saved(compared, pair, block)
            axes = map_axes(figure, grid[0, :] if number == 0 else grid[1, number - 1])
            axes.set_title(words.capital(months[block]), fontsize=11, loc="left")
            draw_cells(axes, values["saved"], colours, norm)
            draw_coast(axes, shapes, 0.7 if number == 0 else 0.5)
            stipple(axes, values["different"], 5.0 if number == 0 else 8.0)
            panels.append(axes)
            table |= {
                f"percent_saved_{block}": np.round(values["saved"].values, 1),
                f"different_{block}": values["different"].values.astype(int),
            }
            notes[block] = f"{months[block]} {_found(row_of(compared, pair).sel(block=block))}"
        difference_bar(figure, panels, norm, colours, f"CRPS saved against {other.label} (%)")
    listing = "; ".join(notes[block] for block in blocks)
    alt = f"Map of the CRPS that {one.phrase} saves against {other.phrase}: {listing}."
    caption = (
        f"Error (CRPS) that {one.phrase} saves against {other.phrase}: {LESS_ERROR} where it has less, {MORE_ERROR} "
        f"where it has more. Dots: different at a false discovery rate of {words.percent(FALSE_DISCOVERY)}. Shares of "
        f"the area: {listing}."
    )
    return Drawing(name, figure, pd.DataFrame(table), alt, caption, "colour")


def _found(row: xr.Dataset) -> str:
    """'lower on 89%, significantly on 24%, significantly higher on 0.3%'."""
    lower, better, worse = (share_of_area(float(row[name])) for name in ("lower_area", "better_area", "worse_area"))
    return f"lower on {lower}, significantly on {better}, significantly higher on {worse}"


def share_of_area(share: float) -> str:
    """A percentage, with one digit where it is small."""
    if 0 < share < SMALLEST_SHARE:
        return f"less than {words.percent(SMALLEST_SHARE, 1)}"
    return words.percent(share, 1 if 0 < share < 0.0995 else 0)


def latitude_drawing(compared: xr.Dataset, pair: tuple[str, str]) -> Drawing | None:
    """Error saved by latitude and lead; None where it was not scored."""
    if "zonal_loss" not in compared:
        return None
    first, second = (compared["zonal_loss"].sel(forecaster=name).mean("start") for name in pair)
    gain = (100 * (1 - first / second)).rename("percent_saved").transpose("band", "lead_band")
    gain = gain.dropna("lead_band", how="all")
    one, other = (style_of(model) for model in pair)
    leads = [str(lead).replace("-", words.EN_DASH) for lead in gain["lead_band"].values]
    reach = round_reach(gain.values)
    colours, norm = difference_colours(reach)
    edges = np.sin(np.deg2rad(edges_of(gain["band"].values)))
    with style():
        figure = new_figure(3.9, NARROW)
        axes = figure.subplots()
        axes.pcolormesh(np.arange(len(leads) + 1), edges, np.ma.masked_invalid(gain.values), cmap=colours, norm=norm)
        axes.grid(False)
        axes.set_xticks(np.arange(len(leads)) + 0.5, leads)
        axes.set_yticks(np.sin(np.deg2rad(PARALLELS)), [latitude_name(lat) for lat in PARALLELS])
        axes.set_xlabel("Months ahead")
        difference_bar(figure, [axes], norm, colours, f"CRPS saved against {other.label} (%)")
    area = np.diff(edges) / 2
    above = words.percent(float((gain.mean("lead_band").values > 0) @ area))
    wide = gain.isel(band=area >= LEAST_BAND)
    row, column = np.unravel_index(np.nanargmax(wide.values), wide.shape)
    when = f"{leads[column]} {'month' if leads[column] == '1' else 'months'} ahead"
    most = f"{words.percent(float(wide[row, column]) / 100)} at {latitude_name(float(wide['band'][row]))}, {when}"
    alt = f"Error that {one.phrase} saves by latitude and lead: above zero on {above} of the area; most {most}."
    caption = (
        f"Error (CRPS) that {one.phrase} saves against {other.phrase}, by latitude (to scale of area) and lead. The "
        f"mean over leads is above zero on {above} of the area. Most among bands with at least "
        f"{words.percent(LEAST_BAND)} of the area: {most}."
    )
    return Drawing("planet-latitude", figure, gain.to_dataframe().reset_index(), alt, caption, "colour")


def start_drawing(compared: xr.Dataset, pair: tuple[str, str]) -> Drawing:
    """Error saved by month of the origin and lead, for the planet and its zones."""
    near = compared["lead"] <= START_LEADS
    first, second = (compared["zone_crps"].sel(forecaster=name).isel(lead=near.values) for name in pair)
    gain = (100 * (1 - first / second)).rename("percent_saved").transpose("zone", "start", "lead")
    zones = [zone for zone in ZONES if zone in gain["zone"].values]
    one, other = (style_of(model) for model in pair)
    colours, norm = difference_colours(round_reach(gain.values))
    with style():
        figure, panels = panel_grid([ZONES[zone] for zone in zones], 1.2, 1.9, 2, NARROW, sharex=True, sharey=True)
        for axes, zone in zip(panels, zones, strict=True):
            start_panel(axes, gain.sel(zone=zone).values, norm, colours)
            axes.tick_params(labelsize=10.5)
        outer_labels(figure, y="Month of the origin")
        for axes in panels[-2:]:
            axes.set_xlabel("Lead (months)")
        difference_bar(figure, panels, norm, colours, f"CRPS saved against {other.label} (%)")
    listing = "; ".join(
        f"{words.inner(ZONES[zone])} {words.percent(float(np.nanmean(gain.sel(zone=zone).values)) / 100, 1, True)}"
        for zone in zones
    )
    alt = f"CRPS that {one.phrase} saves against {other.phrase} by month of the origin and lead; means: {listing}."
    caption = (
        f"Error (CRPS) that {one.phrase} saves against {other.phrase}, by calendar month of the origin and lead: means "
        f"over the area of each zone. Over all origins and leads shown: {listing}. Tropics: up to 23.5°."
    )
    data = gain.sel(zone=zones).to_dataframe().reset_index()[["zone", "start", "lead", "percent_saved"]]
    return Drawing("planet-start", figure, data, alt, caption, "colour")


def edges_of(middles: FloatArray) -> FloatArray:
    """Edges of bands of equal height."""
    half = (middles[1] - middles[0]) / 2 if middles.size > 1 else 1.0
    return np.concatenate([middles - half, middles[-1:] + half])


def latitude_name(latitude: float) -> str:
    """'30°N'."""
    side = "" if latitude == 0 else "N" if latitude > 0 else "S"
    return f"{abs(latitude):g}°{side}"
