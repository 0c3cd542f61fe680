"""The error of every model as a multiple of the opponent's, and the declared hypotheses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from climate.forecasters.registry import Kind, is_kind
from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, label_rows, number_of, panel_row, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, Hypothesis
from climate.report.palette import style_of
from climate.report.text import places_of

LARGEST_DIFFERENCE = 20.0
"""Per cent; intervals of long leads reach further and would hide all others."""

RATIO_LIMITS = (0.35, 2.0)
"""Widest axis of the CRPS ratio; values off scale are arrows at the edge, with their number."""


def ratio_table(inputs: ReportInputs) -> pd.DataFrame:
    """CRPS ratio to the opponent for all regions, headline blocks and models; best rows first."""
    scores = inputs.scores[["ratio", "low", "high", "p", "opponent"]]
    chosen = scores.sel(region=inputs.regions, block=inputs.headline_blocks, model=inputs.models)
    table = chosen.to_dataframe(dim_order=["block", "region", "model"]).reset_index()
    table.insert(1, "title", table["region"].map(inputs.title_of))
    table = table[["region", "title", "block", "model", "ratio", "low", "high", "p", "opponent"]]
    # without a network the order of the parameters stays
    own_rows = table[(table["block"] == inputs.headline_blocks[0]) & (table["model"] == inputs.primary)]
    rank = dict(zip(own_rows["region"], own_rows["ratio"].rank(method="first"), strict=True))
    table["rank"] = table["region"].map(rank).fillna(0).astype(int)
    return table.sort_values(["block", "rank", "model"], kind="stable").reset_index(drop=True)


def contest_figure(inputs: ReportInputs, compared: Sequence[Contest]) -> Drawing:
    """One row per region, one panel per headline block, the LSTM large and the rest small."""
    data = ratio_table(inputs)
    blocks, regions = inputs.headline_blocks, list(dict.fromkeys(data["region"]))
    # the tutorial's network may be far off and would compress the scale of all others
    networks = data["model"].map(lambda model: is_kind(model, Kind.NETWORK))
    finite = data.loc[~networks | (data["model"] == inputs.primary), "ratio"].dropna()
    reach = data.loc[data["model"] == inputs.primary, "low"].min()
    low = max(RATIO_LIMITS[0], float(np.nanmin([0.85, finite.min() * 0.95, reach * 0.98])))
    high = min(RATIO_LIMITS[1], max(1.2, float(finite.max()) * 1.05))
    with style():
        titles = [words.capital(inputs.when(block)) for block in blocks]
        figure, panels = panel_row(1.55 + 0.36 * len(regions), titles, pad=24)
        for axes, block in zip(panels, blocks, strict=True):
            rows = data[data["block"] == block]
            _contest_panel(axes, rows, regions, inputs.primary, low, high)
        label_rows(panels[0], [inputs.title_of(region) for region in regions])
        _legend(inputs, figure)
    alt = f"Dot plot of forecast error (CRPS) as a multiple of the opponent's, for {len(regions)} places. " + (
        " ".join(f"{inputs.title_of(c.region)}, {inputs.when(c.block)}: {words.number(c.ratio)}." for c in compared)
        or " ".join(f"{row.title} {row.model} {row.ratio:.2f}." for row in data.itertuples())
    )
    caption = (
        "Forecast error (CRPS) as a multiple of the opponent's, log scale; left of 1 is better. The opponent is the "
        "simple model chosen on earlier origins, the same for all places of a quantity. Large dots: the LSTM with its "
        "90% interval; small dots: other models. Descriptive: the places are nested. Arrows: off scale."
    )
    return Drawing("contest", figure, data.drop(columns="rank"), alt, caption)


def hypothesis_figure(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> Drawing | None:
    """The lead figure: the difference of CRPS of every declared hypothesis with its 90% interval; None without any."""
    tested = [one for one in declared if not one.reason]
    if not tested:
        return None
    columns = ["name", "better", "against", "block", "places", "ratio", "low", "high", "p", "outcome"]
    data = pd.DataFrame([{name: getattr(one, name) for name in columns} for one in tested])
    rows = [
        f"{style_of(one.better).label} against {style_of(one.against).label},\n{inputs.when(one.block)}, "
        f"{places_of(inputs, one)}"
        for one in tested
    ]
    reach = min(1.15 * float(max(abs(100 * (data[["low", "ratio", "high"]] - 1)).max())), LARGEST_DIFFERENCE)
    with style():
        figure, panels = panel_row(1.3 + 0.62 * len(tested), [""])
        axes = panels[0]
        axes.axvspan(-reach, 0, color="#F2F6F9", lw=0, zorder=0)
        axes.axvline(0, color=INK, lw=1.0, zorder=1)
        for y, one in enumerate(tested):
            colour = style_of(one.better).colour
            face = "white" if one.outcome == "same" else colour
            axes.plot([100 * (one.low - 1), 100 * (one.high - 1)], [y, y], color=colour, lw=2.4, alpha=0.6, zorder=2)
            axes.plot(100 * (one.ratio - 1), y, "o", ms=10, mew=2.2, mfc=face, mec=colour, zorder=3)
            if 100 * (one.high - 1) > reach:
                axes.plot(0.98 * reach, y, ">", ms=7, color=colour, zorder=3)
            if 100 * (one.low - 1) < -reach:
                axes.plot(-0.98 * reach, y, "<", ms=7, color=colour, zorder=3)
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("Difference of CRPS (%)")
        label_rows(axes, rows)
    listing = " ".join(
        f"{style_of(one.better).label} against {style_of(one.against).label}, {inputs.when(one.block)}: "
        f"{words.percent(one.ratio - 1, 1, True)}."
        for one in tested
    )
    caption = (
        "The declared hypotheses: difference of CRPS between two forecasters, with its 90% interval; left of 0 the "
        "first is better. Full dots: a "
        "difference beyond chance after Holm's correction for all of them; rings: none shown. Arrows: off scale."
    )
    return Drawing("hypotheses", figure, data, f"Differences of CRPS with intervals. {listing}", caption)


def _contest_panel(
    axes: Axes, rows: pd.DataFrame, regions: Sequence[str], primary: str | None, low: float, high: float
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.axvspan(low, 1, color="#F2F6F9", lw=0, zorder=0)
    axes.axvline(1, color=INK, lw=1.0, zorder=1)
    for row in rows.itertuples():
        y, value, look = regions.index(str(row.region)), number_of(row.ratio), style_of(str(row.model))
        if not np.isfinite(value):
            continue
        if row.model == primary:
            span = [number_of(row.low), number_of(row.high)]
            axes.plot(span, [y, y], color=look.colour, lw=2.0, alpha=0.55, zorder=3.5)
            axes.plot(np.clip(value, low, high), y, "o", ms=9, color=look.colour, mew=0, zorder=4)
        elif value > high or value < low:
            _edge_arrow(axes, value, y, look.colour, low, high, named=is_kind(str(row.model), Kind.NETWORK))
        else:
            axes.plot(value, y, "o", ms=4.5, color=look.colour, alpha=0.85, mew=0, zorder=3)
    ticks = [tick for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0) if low <= tick <= high]
    if len(ticks) > 7:
        ticks = [tick for tick in ticks if tick not in (0.7, 0.9, 1.1, 1.2, 1.6, 1.8)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("CRPS ÷ CRPS of the opponent")
    axes.text(0.0, 1.015, "← LSTM better", transform=axes.transAxes, ha="left", va="bottom", color=SOFT, fontsize=9)
    axes.text(1.0, 1.015, "simple better →", transform=axes.transAxes, ha="right", va="bottom", color=SOFT, fontsize=9)


def _edge_arrow(axes: Axes, value: float, y: float, colour: str, low: float, high: float, named: bool) -> None:
    right = value > high
    edge = high if right else low
    axes.plot(edge, y, ">" if right else "<", ms=5, color=colour, mew=0, clip_on=False, zorder=3)
    if named:
        axes.annotate(
            words.number(value, 1),
            (edge, y),
            xytext=(-7 if right else 7, 0),
            textcoords="offset points",
            ha="right" if right else "left",
            va="center",
            fontsize=8.5,
            color=SOFT,
        )


def _legend(inputs: ReportInputs, figure: Figure) -> None:
    """One entry for each model."""
    entries = []
    for look in map(style_of, inputs.models):
        size = 9 if look.name == inputs.primary else 5
        entries.append(Line2D([], [], marker="o", ls="", color=look.colour, ms=size, mew=0, label=look.label))
    figure.legend(
        handles=entries, loc="outside lower center", ncols=4, columnspacing=1.4, handletextpad=0.3, fontsize=9.5
    )
