"""PIT, reliability, parts of the interval score, seeds, and size and power of the tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.registry import Kind, is_kind
from climate.report import words
from climate.report.figures.base import (
    INK,
    SOFT,
    Drawing,
    fitted,
    for_phones_too,
    label_rows,
    new_figure,
    number_of,
    outer_labels,
    panel_row,
    shared_legend,
    style,
    upright_grid,
)
from climate.report.figures.forecast import shown_models
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of

PARTS = {"below90": ("Fell below", "#0072B2"), "width90": ("Width", "#BBBBBB"), "above90": ("Rose above", "#D55E00")}
"""Parts of the interval score: label and colour."""
DASHES = ("-", (0, (4.0, 1.4)), (0, (1.5, 1.2)))
"""Of the lines of the simulation, by memory of the errors."""


def titles_of(inputs: ReportInputs, blocks: Sequence[str]) -> list[str]:
    """Titles of panels that each show a block of leads."""
    return [words.capital(inputs.when(block)) for block in blocks]


def pit_table(
    scores: xr.Dataset, regions: Sequence[str], models: Sequence[str], leads: tuple[int, int]
) -> pd.DataFrame:
    """How often the observation fell between neighbouring quantiles, over how often it should: 1 is right.

    `pit` (region, model, lead, quantile) is the share of observations not above each quantile; leads and regions are
    averaged with equal weight.
    """
    chosen = scores["pit"].sel(region=list(regions), lead=slice(*leads)).mean(["region", "lead"])
    levels = np.r_[0.0, chosen["quantile"].values, 1.0]
    rows = []
    for model in models:
        shares = np.r_[0.0, chosen.sel(model=model).values, 1.0]
        for low, high, share in zip(levels[:-1], levels[1:], np.diff(shares), strict=True):
            rows.append({"model": model, "from": low, "to": high, "share": share, "density": share / (high - low)})
    return pd.DataFrame(rows)


@for_phones_too
def pit_figure(inputs: ReportInputs, regions: Sequence[str], models: Sequence[str], name: str, title: str) -> Drawing:
    """PIT histograms of some models, for near and for all leads, over the given regions."""
    blocks = inputs.headline_blocks
    frames = []
    with style():
        figure = new_figure(0.7 + 2.1 * len(blocks))
        grid = figure.subplots(len(blocks), len(models), sharex=True, sharey=True, squeeze=False)
        for row, block in zip(grid, blocks, strict=True):
            leads = inputs.leads_of(block)
            data = pit_table(inputs.scores, regions, models, leads)
            frames.append(data.assign(block=block))
            for axes, model in zip(row, models, strict=True):
                bins, look = data[data["model"] == model], style_of(model)
                bars = {
                    "width": 100 * (bins["to"] - bins["from"]),
                    "align": "edge",
                    "edgecolor": "white",
                    "lw": 0.8,
                }
                axes.bar(100 * bins["from"], bins["density"], color=look.colour, alpha=0.75, **bars)
                axes.axhline(1, color=INK, lw=1.0, ls=(0, (3, 2)))
                axes.set_xlim(0, 100)
                axes.set_title(fitted(look.label, 12) if block == blocks[0] else "", fontsize=10)
                axes.tick_params(labelsize=9)
            row[0].set_ylabel(f"Leads {words.EN_DASH.join(str(lead) for lead in leads)}", fontsize=9.5)
        outer_labels(figure, "Percentile of the observation in the forecast", "Observed ÷ expected frequency")
    data = pd.concat(frames, ignore_index=True)[["block", "model", "from", "to", "share", "density"]]
    tails = []
    for model in models:
        selected = data[(data["model"] == model) & (data["block"] == blocks[-1])]
        tails.append(
            f"{style_of(model).phrase}: {words.percent(number_of(selected['share'].iloc[0]))} below the 5% quantile, "
            f"{words.percent(number_of(selected['share'].iloc[-1]))} above the 95% quantile"
        )
    summary = "; ".join(tails)
    when = inputs.when(blocks[-1])
    alt = f"PIT histograms for {title}. {words.capital(when)}, {summary}."
    caption = (
        f"PIT histogram for {title}: observed over expected frequency of observations between neighbouring quantiles. "
        f"Flat at 1 is right; a hump means intervals too wide, raised ends too narrow, a slope a bias. "
        f"{words.capital(when)}, {summary} (expected: 5% each)."
    )
    return Drawing(name, figure, data, alt, caption)


def overview_models(inputs: ReportInputs) -> list[str]:
    """The LSTM, the simple model that is best most often, and the last of the combinations."""
    block = inputs.headline_blocks[-1]
    best = [inputs.opponent(region, block) for region in inputs.regions]
    usual = max(sorted(set(best)), key=best.count)
    combinations = [name for name in inputs.models if is_kind(name, Kind.COMBINATION)]
    wanted = [inputs.primary, usual, *combinations[-1:]]
    return list(dict.fromkeys(name for name in wanted if name in inputs.models and name is not None))


@for_phones_too
def reliability_figure(inputs: ReportInputs, models: Sequence[str]) -> Drawing:
    """Reliability of the quantiles by lead block, over all places."""
    blocks = inputs.blocks
    frames = []
    with style():
        figure, panels = panel_row(4.2, titles_of(inputs, blocks), fontsize=10.5)
        for axes, block in zip(panels, blocks, strict=True):
            leads = inputs.leads_of(block)
            share = inputs.scores["pit"].sel(region=inputs.regions, lead=slice(*leads)).mean(["region", "lead"])
            levels = 100 * share["quantile"].values
            axes.axhline(0, color=INK, lw=1.0, ls=(0, (3, 2)))
            for model in models:
                look, selected = style_of(model), 100 * share.sel(model=model).values
                axes.plot(levels, selected - levels, color=look.colour, ls=look.dash, lw=2.2, label=look.label)
                frames.append(pd.DataFrame({"block": block, "model": model, "level": levels, "share_below": selected}))
            axes.set_xlabel("Stated probability (%)", fontsize=9.5)
            axes.tick_params(labelsize=9)
            axes.set_xticks([5, 25, 50, 75, 95])
        panels[0].set_ylabel("Share below minus stated (points)", fontsize=10)
        shared_legend(figure, panels[0], "upper", 4)
    data = pd.concat(frames, ignore_index=True)
    off = (data["share_below"] - data["level"]).abs().groupby([data["block"], data["model"]]).max()
    summary = "; ".join(
        f"{inputs.when(block)}, "
        + words.joined([f"{words.number(number_of(off[block, m]), 0)} for {style_of(m).phrase}" for m in models])
        for block in dict.fromkeys((blocks[0], blocks[-1]))
    )
    alt = f"Reliability over all places: the largest distance from the stated probability, in points, is {summary}."
    caption = (
        "Reliability over all places: the share of observations below each quantile, minus its level. On the line is "
        f"right; below it, forecasts were too low. The largest distance, in points, is {summary}."
    )
    return Drawing("reliability", figure, data, alt, caption)


@for_phones_too
def parts_figure(inputs: ReportInputs, region: str) -> Drawing:
    """Interval score of every model in its three parts, per headline block."""
    blocks, scores = inputs.headline_blocks, inputs.scores.sel(region=region)
    unit = inputs.unit(region)
    data = scores[[*PARTS, "interval_score90"]].sel(block=blocks, model=inputs.models).to_dataframe().reset_index()
    data = data[["block", "model", *PARTS, "interval_score90"]]
    data = data[data["interval_score90"].notna()]
    models = [name for name in inputs.models if (data["model"] == name).sum() == len(blocks)]
    shown, reach = shown_models(inputs, region), {}
    with style():
        figure, panels = panel_row(1.1 + 0.27 * len(models), titles_of(inputs, blocks), fontsize=10.5)
        for axes, block in zip(panels, blocks, strict=True):
            rows = data[data["block"] == block].set_index("model").loc[models]
            left = np.zeros(len(rows))
            for name, (label, colour) in PARTS.items():
                axes.barh(range(len(rows)), rows[name], left=left, color=colour, height=0.72, label=label)
                left = left + rows[name].to_numpy(dtype=float)
            # a model far worse than the rest would compress the scale of all others
            reach[block] = min(float(np.nanmax(left)) * 1.03, 2.5 * float(np.nanmedian(left)))
            axes.set_xlim(0, reach[block])
            axes.set_xlabel(f"Interval score ({unit})")
            upright_grid(axes)
            label_rows(axes, [style_of(m).label for m in models], fontsize=9.5, color=SOFT)
        shared_legend(figure, panels[0], "upper", 3)
    last = data[data["block"] == blocks[-1]].set_index("model")
    summary = "; ".join(
        f"{style_of(m).phrase} {words.significant(number_of(last.loc[m, 'interval_score90']))} {unit}, of which "
        f"{words.percent(number_of(last.loc[m, 'width90']) / number_of(last.loc[m, 'interval_score90']))} is width"
        for m in shown
    )
    title, when = inputs.title_of(region), inputs.when(blocks[-1])
    outside = [style_of(m).label for m in models if number_of(last.loc[m, "interval_score90"]) > reach[blocks[-1]]]
    alt = f"Interval score in its parts for {title}. {words.capital(when)}: {summary}."
    caption = (
        f"{title}: the score of the 90% interval is its width plus penalties for observations below and above it; "
        f"lower is better, and a well-placed interval has about equal penalties. {words.capital(when)}: {summary}."
        + (f" Off scale: {words.joined(outside)}." if outside else "")
    )
    return Drawing(f"{region}-interval-parts", figure, data, alt, caption)


@for_phones_too
def seeds_figure(inputs: ReportInputs, model: str) -> Drawing:
    """CRPS of each seed and of their mean, as a multiple of the opponent's, by place."""
    blocks = inputs.headline_blocks
    rows = []
    for region in inputs.regions:
        for block in blocks:
            selected = inputs.scores.sel(region=region, block=block)
            best = float(selected["crps"].sel(model=inputs.opponent(region, block)))
            average = float(selected["crps_seed_mean"].sel(model=model)) / best
            seeds = selected["crps_seed"].sel(model=model).values / best
            ratios = {str(number): float(value) for number, value in enumerate(seeds, start=1) if np.isfinite(value)}
            rows += [(region, block, seed, ratio) for seed, ratio in (ratios | {"mean": average}).items()]
    data = pd.DataFrame(rows, columns=["region", "block", "seed", "ratio"])
    look = style_of(model)
    with style():
        height = 1.4 + 0.34 * len(inputs.regions)
        figure, panels = panel_row(height, titles_of(inputs, blocks), sharex=True, fontsize=10.5)
        for axes, block in zip(panels, blocks, strict=True):
            for y, region in enumerate(inputs.regions):
                part = data[(data["region"] == region) & (data["block"] == block)]
                single, mean = part[part["seed"] != "mean"]["ratio"], part[part["seed"] == "mean"]["ratio"]
                axes.plot(
                    single, [y] * len(single), "o", ms=6, mfc="white", mec=look.colour, mew=1.4, ls="",
                    label="One seed" if y == 0 else None,
                )  # fmt: skip
                axes.plot(mean, [y], "D", ms=6.5, color=look.colour, ls="", label="Mean of seeds" if y == 0 else None)
            axes.axvline(1, color=INK, lw=0.9)
            axes.set_xlabel("CRPS ÷ opponent")
            upright_grid(axes)
            label_rows(axes, [inputs.title_of(region) for region in inputs.regions])
        shared_legend(figure, panels[0], "upper", 2)
    seeds_only = data[data["seed"] != "mean"].groupby(["block", "region"])["ratio"]
    spread = (seeds_only.max() - seeds_only.min()).groupby("block").max()
    summary = words.joined([f"{words.percent(number_of(spread[block]), 1)} {inputs.when(block)}" for block in blocks])
    alt = f"CRPS of each seed of {look.phrase} by place; the seeds of one place differ by at most {summary}."
    caption = (
        f"{words.capital(look.phrase)} trained from each seed, and the mean of their quantiles, before calibration: "
        f"CRPS over that of the opponent. The best and the worst seed of a place differ by at most {summary} "
        "of that model's error."
    )
    return Drawing("seed-spread", figure, data, alt, caption)


@for_phones_too
def power_figure(inputs: ReportInputs, simulation: xr.Dataset) -> Drawing:
    """Rejection rate of the test on simulated models, by the true gain of one of them."""
    blocks = [str(name) for name in simulation["block"].values]
    gain = 100 * (1 - simulation["ratio"].values)
    with style():
        figure, panels = panel_row(3.9, titles_of(inputs, blocks), fontsize=10.5)
        for axes, block in zip(panels, blocks, strict=True):
            for memory, dash in zip(simulation["memory"].values, DASHES, strict=False):
                values = 100 * simulation["rejected"].sel(block=block, memory=memory)
                label = f"Errors with memory {memory:g}"
                axes.plot(gain, values, color=INK, ls=dash, lw=2.0, marker="o", ms=4, label=label)
            axes.axhline(100 * inputs.params.score.significance, color=SOFT, lw=1.0, ls=(0, (3, 2)))
            axes.set_xlabel("True gain (%)", fontsize=9.5)
            axes.tick_params(labelsize=9)
            axes.set_ylim(0, 101)
        panels[0].set_ylabel("Rejected (%)")
        shared_legend(figure, panels[0], "upper", 4)
    data = simulation["rejected"].to_series().rename("rejected").reset_index()
    data = data[["block", "memory", "ratio", "rejected"]]
    known = simulation["rejected"].max("memory")
    summary = "; ".join(
        f"{inputs.when(block)} {words.percent(float(known.sel(block=block, ratio=1.0)), 1)} with no "
        f"difference and {words.percent(float(known.sel(block=block, ratio=0.9)))} with a gain of 10%"
        for block in blocks
    )
    alt = f"Share of simulated comparisons in which the test rejected equal errors, at most: {summary}."
    caption = (
        f"Size and power of the test: rejection rate on simulated models, by the true gain of one over the other, for "
        f"{words.count(int(simulation.attrs['origins']), 'origin')}. At a gain of 0 every rejection is false and the "
        f"rate should be {words.percent(inputs.params.score.significance)} (dashed). At most: {summary}."
    )
    return Drawing("test-power", figure, data, alt, caption)
