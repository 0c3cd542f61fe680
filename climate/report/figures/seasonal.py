"""Skill by start month and lead, and reliability of tercile forecasts."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from climate.forecasters.registry import learner_pair, ordered
from climate.report import words
from climate.report.figures.base import (
    INK,
    SOFT,
    Drawing,
    colour_bar,
    fitted,
    for_phones_too,
    new_figure,
    number_of,
    outer_labels,
    panel_grid,
    shared_legend,
    start_panel,
    style,
)
from climate.report.inputs import ReportInputs
from climate.report.palette import DIFFERENCE, style_of

START_LEADS = 12
"""Months ahead of the figure by start month."""

SKILL_LIMIT = 0.6
"""Skill at which the colours end."""

FEW = 20
"""Classes with fewer forecasts are not drawn."""


def places_of(inputs: ReportInputs) -> list[str]:
    """Places that were scored."""
    return [name for name in inputs.regions if name in inputs.seasonal["region"].values]


def learners(inputs: ReportInputs, region: str) -> tuple[str, str] | None:
    """The linear model and the network of the place that know the same and the most."""
    scored = inputs.seasonal["crpss"].sel(region=region).notnull().any("period")
    return learner_pair(scored["model"].values[scored.values].tolist())


def shown(inputs: ReportInputs, region: str) -> list[str]:
    """The reference, the opponent of near leads and both learners, as far as they were scored there."""
    wanted = [inputs.reference, inputs.opponent(region, inputs.headline_blocks[0]), *(learners(inputs, region) or ())]
    scored = inputs.seasonal["crps"].sel(region=region).notnull().any("period")
    return [
        name
        for name in ordered(list(dict.fromkeys(wanted)))
        if name in scored["model"].values and scored.sel(model=name)
    ]


def seasons_of(inputs: ReportInputs) -> list[str]:
    """Periods that have tercile forecasts."""
    if "rpss" not in inputs.seasonal:
        return []
    known = inputs.seasonal["rpss"].notnull().any(("region", "model"))
    return [str(name) for name in known["period"].values[known.values]]


def category_names(inputs: ReportInputs) -> list[str]:
    """Below, near, above."""
    return [str(name) for name in inputs.seasonal["category"].values]


def named(period: str) -> str:
    """'months 4-6', 'year 1', 'years 1-5'."""
    first, _, last = period.partition("-")
    years = {"1-12": "year 1", "1-60": f"years 1{words.EN_DASH}5"}
    return years.get(period, f"months {first}{words.EN_DASH}{last}" if last else f"month {first}")


@for_phones_too
def start_figure(inputs: ReportInputs) -> Drawing | None:
    """CRPSS of the linear learner at each place, by start month and lead."""
    regions = [name for name in places_of(inputs) if learners(inputs, name)]
    if not regions or "crpss_by_start" not in inputs.seasonal:
        return None
    leads = [int(lead) for lead in inputs.seasonal["lead"].values if lead <= START_LEADS]
    models = {name: pair[0] for name in regions if (pair := learners(inputs, name))}
    frames, sentences = [], []
    with style():
        figure, panels = panel_grid([inputs.title_of(name) for name in regions], 1.2, 2.3, 4, sharex=True, sharey=True)
        colours, shade = mpl.colormaps[DIFFERENCE].with_extremes(bad="#EEEEEE"), Normalize(-SKILL_LIMIT, SKILL_LIMIT)
        for axes, region in zip(panels, regions, strict=True):
            skill = inputs.seasonal["crpss_by_start"].sel(region=region, model=models[region], lead=leads)
            grid = skill.transpose("start", "lead").values
            start_panel(axes, grid, shade, colours)
            frame = skill.rename("crpss").to_dataframe().reset_index()
            frames.append(
                frame.assign(region=region, model=models[region])[["region", "model", "start", "lead", "crpss"]]
            )
            if np.isfinite(grid).any():
                sentences.append(
                    f"{inputs.title_of(region)} {words.percent(float((grid > 0).sum() / np.isfinite(grid).sum()))}"
                )
        outer_labels(figure, "Lead (months)", "Month of the origin")
        colour_bar(figure, panels, shade, colours, "CRPS skill", extend="both")
    named_models = words.joined(list(dict.fromkeys(style_of(name).phrase for name in models.values())))
    positive = "; ".join(sentences)
    alt = f"CRPS skill of {named_models} by month of the origin and lead; share of cells above 0: {positive}."
    caption = (
        f"CRPS skill of {named_models} against {style_of(inputs.reference).phrase}, by calendar month of the origin "
        f"and lead; each cell is a mean over about {_per_cell(inputs)} origins, so that single cells are noisy. Share "
        f"of cells with skill above 0: {positive}."
    )
    return Drawing("seasonal-start", figure, pd.concat(frames, ignore_index=True), alt, caption, "colour")


def _per_cell(inputs: ReportInputs) -> int:
    """Origins of a calendar month."""
    return max(1, round(float(inputs.seasonal["n"].max()) / 12))


@for_phones_too
def reliability_figure(inputs: ReportInputs) -> Drawing | None:
    """Reliability diagrams of the temperature places together: terciles by seasons ahead, with consistency bars."""
    if "frequency" not in inputs.seasonal:
        return None
    quantity = str(inputs.seasonal["quantity"].values[0])
    own = inputs.seasonal[["stated", "frequency", "low", "high", "forecasts"]].sel(quantity=quantity)
    regions = [name for name in places_of(inputs) if inputs.series[name].attrs.get("quantity") == quantity]
    pair = next((found for name in regions if (found := learners(inputs, name))), None)
    if pair is None:
        return None
    models, seasons, categories = (inputs.reference, pair[0]), seasons_of(inputs), category_names(inputs)
    data = own.sel(model=list(models), period=seasons).to_dataframe().reset_index()
    data = data[data["forecasts"] >= FEW].rename(columns={"period": "leads", "low": "bar_low", "high": "bar_high"})
    columns = ["model", "leads", "category", "stated", "frequency", "bar_low", "bar_high", "forecasts"]
    data = data[columns].reset_index(drop=True)
    with style():
        figure = new_figure(0.8 + 2.0 * len(categories))
        grid = figure.subplots(len(categories), len(seasons), sharex=True, sharey=True, squeeze=False)
        for row, category in zip(grid, categories, strict=True):
            for axes, season in zip(row, seasons, strict=True):
                axes.plot([0, 1], [0, 1], color=INK, lw=0.9, ls=(0, (3, 2)))
                for model in models:
                    rows = data[(data["model"] == model) & (data["leads"] == season) & (data["category"] == category)]
                    look = style_of(model)
                    if model == pair[0]:
                        axes.vlines(rows["stated"], rows["bar_low"], rows["bar_high"], color=SOFT, lw=4, alpha=0.35)
                    axes.plot(
                        rows["stated"],
                        rows["frequency"],
                        color=look.colour,
                        marker="o",
                        ms=3.5,
                        lw=1.4,
                        label=look.label,
                    )
                axes.set_xlim(0, 1)
                axes.set_ylim(0, 1)
                axes.set_xticks([0, 0.5, 1])
                axes.tick_params(labelsize=9)
                title = fitted(words.capital(named(season)), 8) if category == categories[0] else ""
                axes.set_title(title, fontsize=10)
            row[0].set_ylabel(words.capital(category), fontsize=10)
        shared_legend(figure, grid[0][0], "upper", 2)
        outer_labels(figure, "Forecast probability", "Observed frequency")
    rows = data[data["model"] == pair[0]]
    inside = (rows["frequency"] >= rows["bar_low"]) & (rows["frequency"] <= rows["bar_high"])
    shares = inside.groupby(rows["leads"], sort=False).mean()
    summary = words.joined(
        [f"{words.percent(number_of(shares[name]))} for {named(name)}" for name in seasons if name in shares]
    )
    phrase = style_of(pair[0]).phrase
    alt = f"Reliability of tercile forecasts by {phrase}: share of classes inside the bars {summary}."
    caption = (
        f"Reliability of tercile forecasts at {words.count(len(regions), 'place')}: observed frequency by class of "
        f"forecast probability (of at least {FEW} forecasts), on the dashed line if reliable. Bars: where 90% of the "
        f"points of {phrase} would lie if its forecasts were reliable (Bröcker and Smith 2007), drawn by years of "
        f"origins and all places together, since neighbours share weather. Inside the bars: {summary}."
    )
    return Drawing("seasonal-reliability", figure, data, alt, caption)
