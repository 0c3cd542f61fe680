"""Where on the planet, how far ahead and from which months forecasters differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.report import words
from climate.report.figures.base import (
    INK,
    NARROW,
    Drawing,
    label_rows,
    new_figure,
    outer_labels,
    panel_grid,
    start_panel,
    style,
    upright_grid,
)
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
from climate.verify.fields import SIMPLE
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

STEPS = {
    "climatology-trend": ("Line over 30 years", "a line over 30 years"),
    "ridge-normal": ("+ monthly, learnt spread", "monthly updates and a learnt spread"),
    "ridge-windows": ("+ other windows and trends", "other windows and trends"),
    "ridge-place": ("+ the place's last months", "the place's last months"),
    "ridge-planet": ("+ the planet's field", "the planet's field"),
}
"""Steps of `fields.decompose`: what each adds to the one before, as a label and inside a sentence."""

STEPS_WIDTH = 5.6
"""Inches: of the figure of the steps, whose labels would be small on a phone otherwise."""

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


def latitude_drawing(compared: xr.Dataset, pair: tuple[str, str]) -> Drawing:
    """Error saved by latitude and lead."""
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
    gain = gain.dropna("zone", how="all")  # a grid need not reach into every zone
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


def step_changes(compared: xr.Dataset, block: str) -> dict[str, float]:
    """Change of the CRPS (share) that each step but the first brings to the one before."""
    ratio = compared["step_ratio"].sel(block=block)
    steps = ratio["step"].values.astype(str).tolist()
    return dict(zip(steps[1:], (ratio.values[1:] / ratio.values[:-1] - 1).tolist(), strict=True))


def steps_drawing(compared: xr.Dataset, months: dict[str, str]) -> Drawing:
    """The CRPS against the simple model with more and more information, with its interval.

    Args:
        compared: of `verify.fields.compare_cells` and `decompose`.
        months: lead block -> how far ahead in words.
    """
    blocks, steps = blocks_in(compared), compared["step"].values.astype(str).tolist()
    rows = compared[["step_ratio", "step_low", "step_high"]].sel(block=blocks)
    percent = {name: 100 * (rows[f"step_{name}"] - 1) for name in ("ratio", "low", "high")}
    simple, colour = style_of(SIMPLE), style_of(steps[-1]).colour
    with style():
        figure = new_figure(1.2 + 1.7 * len(blocks), STEPS_WIDTH)
        panels = figure.subplots(len(blocks), 1, sharex=True, squeeze=False)[:, 0]
        for axes, block in zip(panels, blocks, strict=True):
            middle, low, high = (percent[name].sel(block=block).values for name in ("ratio", "low", "high"))
            axes.set_title(words.capital(months[block]), fontsize=11)
            axes.axvline(0, color=INK, lw=1.0, zorder=1)
            upright_grid(axes)
            for row, value in enumerate(middle):
                axes.plot([low[row], high[row]], [row, row], color=colour, lw=2.4, alpha=0.5, zorder=2)
                axes.plot(value, row, "o", ms=6.5, color=colour, zorder=3)
                text, edge = words.percent(value / 100, 1, True), axes.get_yaxis_transform()
                axes.text(1.03, row, text, ha="left", va="center", transform=edge, fontsize=10)
            label_rows(axes, [STEPS[step][0] for step in steps], fontsize=10)
        panels[-1].xaxis.set_major_formatter(
            lambda value, _: f"0\n{simple.label}" if value == 0 else words.number(value, 0)
        )
        panels[-1].set_xlabel(f"CRPS against {simple.phrase} (%)")
    names = {"step_ratio": "ratio", "step_low": "low", "step_high": "high"}
    data = rows.to_dataframe().rename(columns=names).reset_index()[["step", "block", *names.values()]]
    listing = "; ".join(
        f"{months[block]} "
        + ", ".join(
            f"{STEPS[step][1]} {words.percent(float(rows['step_ratio'].sel(step=step, block=block)) - 1, 1, True)}"
            for step in steps
        )
        for block in blocks
    )
    alt = f"CRPS against {simple.phrase} with more and more information: {listing}."
    caption = (
        f"CRPS against {simple.phrase} (left of 0: less error), with more and more information: each row has that of "
        f"the row above, and the last is {style_of(steps[-1]).phrase}. Learnt spread: quantiles from past errors of "
        f"all places. Geometric mean over the area of {int(compared['step_cells']):,} cells, with its 90% interval."
    )
    return Drawing("planet-steps", figure, data.assign(against=SIMPLE), alt, caption)


def edges_of(middles: FloatArray) -> FloatArray:
    """Edges of bands of equal height."""
    half = (middles[1] - middles[0]) / 2 if middles.size > 1 else 1.0
    return np.concatenate([middles - half, middles[-1:] + half])


def latitude_name(latitude: float) -> str:
    """'30°N'."""
    side = "" if latitude == 0 else "N" if latitude > 0 else "S"
    return f"{abs(latitude):g}°{side}"
