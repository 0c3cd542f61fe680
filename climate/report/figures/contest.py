"""Who wins: the error of every model beside that of the best simple one."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, new_figure, number_of, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest
from climate.report.palette import is_network, style_of
from climate.report.text import SHORT

RATIO_LIMITS = (0.35, 2.0)
"""Widest axis of the CRPS ratio; what lies beyond is drawn as an arrow at the edge, with its number."""


def ratio_table(inputs: ReportInputs, found: Sequence[Contest]) -> pd.DataFrame:
    """CRPS ratio to the best classical model for all regions, headline blocks and models; best rows first."""
    lead_block = inputs.headline_blocks[0]
    outcome = {(contest.region, contest.block): contest for contest in found}
    rows = []
    for block in inputs.headline_blocks:
        for region in inputs.regions:
            for model in inputs.models:
                contest = outcome.get((region, block))
                own = contest is not None and contest.model == model
                ratio = float(inputs.scores["crps_ratio_best"].sel(region=region, block=block, model=model))
                rows.append(
                    {
                        "region": region,
                        "title": inputs.title_of(region),
                        "block": block,
                        "model": model,
                        "crps_ratio_best": ratio,
                        "ratio_low": bound(inputs, "low", region, block, model),
                        "ratio_high": bound(inputs, "high", region, block, model),
                        "best_classical": inputs.best_classical(region, block),
                        "p_holm": contest.p_holm if contest and own else np.nan,
                        "outcome": contest.outcome if contest and own else "",
                    }
                )
    table = pd.DataFrame(rows)
    # without a network the order of the parameters stays
    own_rows = table[(table["block"] == lead_block) & (table["model"] == inputs.primary)]
    rank = dict(zip(own_rows["region"], own_rows["crps_ratio_best"].rank(method="first"), strict=True))
    table["place"] = table["region"].map(rank).fillna(0).astype(int)
    return table.sort_values(["block", "place", "model"], kind="stable").reset_index(drop=True)


def bound(inputs: ReportInputs, side: str, region: str, block: str, model: str) -> float:
    """Bootstrap bound of a CRPS ratio; NaN where none was computed."""
    name = f"crps_ratio_best_{side}"
    return float(inputs.scores[name].sel(region=region, block=block, model=model)) if name in inputs.scores else np.nan


def contest_figure(inputs: ReportInputs, found: Sequence[Contest]) -> Drawing:
    """The lead figure: one row per region, one panel per headline block, the LSTM large and the rest small."""
    data = ratio_table(inputs, found)
    blocks, regions = inputs.headline_blocks, list(dict.fromkeys(data["region"]))
    # the tutorial's network may be far off, and must not squeeze what is to be compared into a corner
    finite = data.loc[~data["model"].map(is_network) | (data["model"] == inputs.primary), "crps_ratio_best"].dropna()
    reach = data.loc[data["model"] == inputs.primary, "ratio_low"].min()
    low = max(RATIO_LIMITS[0], float(np.nanmin([0.85, finite.min() * 0.95, reach * 0.98])))
    high = min(RATIO_LIMITS[1], max(1.2, float(finite.max()) * 1.05))
    with style():
        figure = new_figure(1.55 + 0.36 * len(regions))
        panels = figure.subplots(1, len(blocks), sharey=True, squeeze=False)[0]
        for axes, block in zip(panels, blocks, strict=True):
            rows = data[data["block"] == block]
            _contest_panel(axes, rows, regions, inputs.primary, low, high)
            axes.set_title(words.capital(words.ahead(*inputs.leads_of(block))), pad=24)
        panels[0].set_yticks(range(len(regions)), [inputs.title_of(region) for region in regions], color=INK)
        handles = [
            mpl.lines.Line2D([], [], marker=mark, color=colour, linestyle="", markersize=size, mfc=face, mew=1.6)
            for mark, colour, size, face in _legend_marks(inputs)
        ]
        figure.legend(
            handles,
            _legend_labels(inputs),
            loc="outside lower center",
            ncols=4,
            columnspacing=1.4,
            handletextpad=0.3,
            fontsize=9.5,
        )
    alt = f"Dot plot of forecast error (CRPS) as a multiple of the best simple model's, for {len(regions)} places. " + (
        " ".join(
            f"{inputs.title_of(c.region)}, {words.ahead(*inputs.leads_of(c.block))}: "
            f"{words.number(c.ratio)}, {SHORT[c.outcome].replace('Not', 'not')}."
            for c in found
        )
        or " ".join(f"{row.title} {row.model} {row.crps_ratio_best:.2f}." for row in data.itertuples())
    )
    caption = (
        "Forecast error (CRPS) as a multiple of the best simple model's, log scale; left of 1 is better. "
        "A full dot is a difference that survives the test after correction for all comparisons; a ring is one "
        "that chance could bring about. The line through it is the 90% "
        "bootstrap interval of the ratio. Small dots: the other models. Arrows lead to values beyond the axis."
    )
    return Drawing("contest", figure, data.drop(columns="place"), alt, caption)


def _contest_panel(
    axes: Axes, rows: pd.DataFrame, regions: Sequence[str], primary: str | None, low: float, high: float
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.axvspan(low, 1, color="#F2F6F9", lw=0, zorder=0)
    axes.axvline(1, color=INK, lw=1.0, zorder=1)
    axes.set_ylim(len(regions) - 0.4, -0.6)
    for row in rows.itertuples():
        y, value, look = regions.index(str(row.region)), number_of(row.crps_ratio_best), style_of(str(row.model))
        if not np.isfinite(value):
            continue
        if row.model == primary:
            span = [number_of(row.ratio_low), number_of(row.ratio_high)]
            axes.plot(span, [y, y], color=look.colour, lw=2.0, alpha=0.55, zorder=3.5)
            face = look.colour if row.outcome in ("better", "worse") else "white"
            axes.plot(np.clip(value, low, high), y, "o", ms=10, mew=2.2, mfc=face, mec=look.colour, zorder=4)
        elif value > high or value < low:
            _edge_arrow(axes, value, y, look.colour, low, high, named=is_network(str(row.model)))
        else:
            axes.plot(value, y, "o", ms=4.5, color=look.colour, alpha=0.85, mew=0, zorder=3)
    ticks = [tick for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0) if low <= tick <= high]
    if len(ticks) > 7:
        ticks = [tick for tick in ticks if tick not in (0.7, 0.9, 1.1, 1.2, 1.6, 1.8)]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("CRPS ÷ CRPS of the best simple model")
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


def _legend_marks(inputs: ReportInputs) -> list[tuple[str, str, float, str]]:
    marks: list[tuple[str, str, float, str]] = []
    for model in inputs.models:
        colour = style_of(model).colour
        if model == inputs.primary:
            marks += [("o", colour, 9, colour), ("o", colour, 9, "white")]
        else:
            marks.append(("o", colour, 5, colour))
    return marks


def _legend_labels(inputs: ReportInputs) -> list[str]:
    labels = []
    for model in inputs.models:
        label = style_of(model).label
        labels += [f"{label}, significant", f"{label}, not significant"] if model == inputs.primary else [label]
    return labels
