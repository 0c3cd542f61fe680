"""Warming stripes: one bar per year, one row per region."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, for_phones_too, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import annual_means
from climate.report.text import is_anomaly, is_temperature

RECENT_YEARS = 10
"""Of the mean at the end of a row."""


@for_phones_too
def stripes_figure(inputs: ReportInputs) -> Drawing | None:
    """Annual temperature anomalies as colours, each row on its own scale; None if no region has any."""
    rows, recents = [], {}
    for region in inputs.regions:
        attrs = inputs.series[region].attrs
        if not (is_temperature(attrs) and is_anomaly(attrs)):
            continue
        annual = annual_means(inputs.series[region])
        if annual.size >= 2:
            recents[region] = float(annual.tail(RECENT_YEARS).mean())
            scaled = annual / annual.abs().max()
            rows.append(
                pd.DataFrame(
                    {"region": region, "year": annual.index, "anomaly": annual.values, "scaled": scaled.values}
                )
            )
    if not rows:
        return None
    data = pd.concat(rows, ignore_index=True)
    regions = list(dict.fromkeys(data["region"]))
    unit = inputs.unit(regions[0])
    colours = mpl.colormaps["RdBu_r"]
    first, last = int(data["year"].min()), int(data["year"].max())
    with style():
        figure = new_figure(0.55 + 0.42 * len(regions))
        axes = figure.subplots()
        axes.grid(False)
        for row, region in enumerate(regions):
            part = data[data["region"] == region]
            axes.bar(
                part["year"],
                height=0.84,
                bottom=row - 0.42,
                width=1.0,
                color=colours(0.5 + 0.5 * part["scaled"].to_numpy()),
                lw=0,
            )
            axes.text(
                last + 1.2,
                row,
                f"{words.number(recents[region], 1, True)} {unit}",
                va="center",
                ha="left",
                color=INK,
                fontsize=10.5,
            )
        axes.set_xlim(first - 0.5, last + 0.5)
        axes.set_ylim(len(regions) - 0.5, -0.5)
        axes.set_yticks(range(len(regions)), [inputs.title_of(region) for region in regions], color=INK)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xlabel("Year", color=SOFT)
    baseline = str(inputs.series[regions[0]].attrs.get("baseline", ""))
    versus = f" from the {baseline.replace('-', words.EN_DASH)} mean" if baseline else ""
    alt = f"Warming stripes from {first} to {last}. Mean departure{versus} over the last {RECENT_YEARS} years: " + (
        "; ".join(f"{inputs.title_of(region)} {words.number(recents[region], 1, True)} {unit}" for region in regions)
        + "."
    )
    caption = (
        f"Annual mean temperature from {first} to {last}: blue below and red above the {baseline or 'baseline'} mean; "
        "each row has its own scale, because years differ several times as much in some places as in others, with the "
        f"mean of the last {RECENT_YEARS} years at its end. Incomplete years are left out."
    )
    return Drawing("stripes", figure, data, alt, caption, "colour")
