"""Scores by lead, and reliability of the stated probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from climate.forecasters.registry import MODELS, Kind, is_kind, ordered
from climate.report import words
from climate.report.figures.base import (
    INK,
    SOFT,
    Drawing,
    label_rows,
    new_figure,
    number_of,
    outer_labels,
    panel_grid,
    panel_row,
    shared_legend,
    style,
)
from climate.report.figures.forecast import shown_models
from climate.report.inputs import ReportInputs
from climate.report.numbers import best_model
from climate.report.palette import style_of
from climate.report.text import SPREAD_BLOCKS, TOLERANCE

ROOM = 2.0
"""An axis ends at this multiple of the median over models of the largest error; worse models are off scale."""
SKILL_FLOOR = -0.5
"""Lowest skill on the axis."""
COMPANIONS = tuple(next(name for name in MODELS if is_kind(name, kind)) for kind in (Kind.LINEAR, Kind.COMBINATION))
"""Models drawn in colour beside the LSTM and the opponent; all of them would be hard to read."""
OTHERS: dict[str, Any] = {"color": "#C4C4C4", "ls": "-", "lw": 0.8, "zorder": 2}
"""How the models that have no colour of their own in a figure are drawn."""
NOMINAL = 0.9
"""Probability of the interval between the outer quantiles."""


def lead_table(inputs: ReportInputs, region: str) -> pd.DataFrame:
    """CRPS, skill and coverage by model and lead."""
    scores = inputs.scores.sel(region=region, model=inputs.models)
    crps = scores["crps_by_lead"]
    skill = 1 - crps / crps.sel(model=inputs.reference, drop=True)
    table = xr.Dataset({"crps": crps, "skill": skill, "coverage90": scores["coverage_by_lead"]})
    frame = table.to_dataframe(dim_order=["model", "lead"]).reset_index()
    return frame[["region", "model", "lead", "crps", "skill", "coverage90"]]


@dataclass(frozen=True)
class Lines:
    """How each model of a place is drawn: the LSTM and its opponent stand out, most others are grey."""

    shown: list[str]
    coloured: list[str]

    @classmethod
    def of(cls, inputs: ReportInputs, region: str) -> Lines:
        """In colour: the LSTM and its opponent, the model with the lowest error, the reference and COMPANIONS."""
        shown = shown_models(inputs, region)
        wanted = {*shown, best_model(inputs, region, inputs.headline_blocks[-1]), inputs.reference, *COMPANIONS}
        return cls(shown, ordered(wanted & set(inputs.models)))

    def look(self, model: str) -> dict[str, Any]:
        """Arguments of the line of a model."""
        look = style_of(model)
        if model not in self.coloured:
            return {**OTHERS, "label": look.label}
        weight = {"lw": 2.6, "zorder": 4} if model in self.shown else {"lw": 1.5, "zorder": 3}
        return {"color": look.colour, "ls": look.dash, "label": look.label, **weight}

    def legend(self, figure: Figure) -> None:
        """One entry for each model in colour, and one for all others."""
        entries = [Line2D([], [], **self.look(model)) for model in self.coloured]
        entries.append(Line2D([], [], label="Other models", **OTHERS))
        figure.legend(handles=entries, loc="outside lower center", ncols=4, fontsize=9.5, columnspacing=1.4)


def leads_figure(inputs: ReportInputs, region: str) -> Drawing:
    """CRPS of every model by lead, and its skill against the reference."""
    data, lines = lead_table(inputs, region), Lines.of(inputs, region)
    shown = lines.shown
    unit = inputs.unit(region)
    largest = data.groupby("model")["crps"].max()
    top = min(float(largest.max()) * 1.05, ROOM * float(largest.median()))
    outside = [style_of(model).label for model in ordered(largest.index) if largest[model] > top]
    with style():
        figure = new_figure(4.9)
        left, right = figure.subplots(1, 2)
        for model in inputs.models:
            rows = data[data["model"] == model]
            left.plot(rows["lead"], rows["crps"], **lines.look(model))
            right.plot(rows["lead"], 100 * rows["skill"], **lines.look(model))
        left.set_ylim(0, top)
        left.set_title("Error (CRPS): lower is better")
        left.set_ylabel(f"CRPS ({unit})")
        lowest = float(data["skill"].min())
        right.set_ylim(100 * max(SKILL_FLOOR, min(-0.05, lowest * 1.05)), None)
        right.axhline(0, color=INK, lw=0.9)
        right.set_title("Skill: higher is better")
        right.set_ylabel(f"Skill against {style_of(inputs.reference).label.lower()} (%)")
        for axes in (left, right):
            axes.set_xlabel("Lead (months ahead)")
            axes.set_xlim(0, float(data["lead"].max()) + 0.5)
            axes.set_xticks(range(0, int(data["lead"].max()) + 1, 12))
        lines.legend(figure)
    title = inputs.title_of(region)
    final = int(data["lead"].max())
    near = {lead: data[data["lead"] == lead].set_index("model")["crps"] for lead in (1, min(12, final), final)}
    scored = data.dropna(subset="crps")["model"].nunique()
    alt = f"Error of {words.count(scored, 'model')} by lead for {title}. " + " ".join(
        f"{words.capital(words.ahead(lead, lead))}: "
        + ", ".join(f"{style_of(model).label} {words.significant(float(crps[model]))}" for model in shown)
        + f"; lowest {style_of(str(crps.idxmin())).label} {words.significant(float(crps.min()))} {unit}."
        for lead, crps in near.items()
    )
    caption = f"{title}: error (CRPS) and skill by lead over all origins where every model and the observation exist."
    if outside:
        caption += f" Off scale at long leads: {words.joined(outside)}."
    return Drawing(f"{region}-scores", figure, data, alt, caption)


def reliability(table: xr.Dataset, models: list[str]) -> pd.DataFrame:
    """Share of verified months below each quantile, which should equal the quantile's level."""
    observed, forecast = table["observed"], table["forecast"].sel(model=models)
    valid = observed.notnull() & forecast.notnull().all("quantile")
    below = (observed <= forecast).where(valid).mean(["origin", "lead"]).rename("share_below", quantile="level")
    return below.to_dataframe(dim_order=["model", "level"]).reset_index()[["model", "level", "share_below"]]


def calibration_figure(inputs: ReportInputs, region: str) -> Drawing:
    """Reliability of the quantiles, and coverage of the 90% interval by lead."""
    table, lines = inputs.forecasts[region], Lines.of(inputs, region)
    shown = lines.shown
    models = ordered(set(table["model"].values.tolist()) & set(inputs.models))
    reliable, leads = reliability(table, models), lead_table(inputs, region)
    with style():
        figure = new_figure(4.7)
        left, right = figure.subplots(1, 2)
        left.plot([0, 100], [0, 100], color=SOFT, lw=1.0, ls=(0, (3, 2)))
        right.axhspan(100 * TOLERANCE[0], 100 * TOLERANCE[1], color="#E3EEE6", lw=0, zorder=0)
        right.axhline(100 * NOMINAL, color=SOFT, lw=1.0, ls=(0, (3, 2)))
        for model in models:
            rows, by_lead = (frame[frame["model"] == model] for frame in (reliable, leads))
            left.plot(100 * rows["level"], 100 * rows["share_below"], **lines.look(model))
            right.plot(by_lead["lead"], 100 * by_lead["coverage90"], **lines.look(model))
        left.set(xlim=(0, 100), ylim=(0, 100), xlabel="Stated probability (%)", ylabel="Months below (%)")
        left.set_title("Quantiles: right on the diagonal")
        lowest = float(np.nanmin(leads["coverage90"]))
        right.set(xlabel="Lead (months ahead)", ylabel="Inside the 90% interval (%)")
        right.set_ylim(max(0.0, 100 * lowest - 4), 101)
        right.set_xticks(range(0, int(leads["lead"].max()) + 1, 12))
        right.set_title("Coverage: right at 90%")
        lines.legend(figure)
    title = inputs.title_of(region)
    data = pd.concat(
        [
            reliable.assign(panel="reliability"),
            leads.loc[leads["model"].isin(models), ["model", "lead", "coverage90"]].assign(panel="coverage"),
        ],
        ignore_index=True,
    )[["panel", "model", "level", "share_below", "lead", "coverage90"]]
    covered = leads.groupby("model")["coverage90"].mean()
    first, *rest = [(style_of(model).phrase, words.percent(float(covered[model]))) for model in shown]
    whole = f"the 90% interval of {first[0]} contains {first[1]} of the months"
    text = words.joined([whole, *(f"that of {phrase} {share}" for phrase, share in rest)])
    alt = f"Calibration for {title}: {text}, averaged over all leads."
    caption = f"{title}: reliability of the stated probabilities. Averaged over all leads, {text}."
    return Drawing(f"{region}-calibration", figure, data, alt, caption)


def all_leads_figure(inputs: ReportInputs) -> Drawing:
    """Small multiples: skill by lead of the LSTM, the opponent and a few others, one panel per region."""
    tables, frames = {region: lead_table(inputs, region) for region in inputs.regions}, []
    with style():
        figure, panels = panel_grid([inputs.title_of(region) for region in inputs.regions], 0.7, 1.9, sharex=True)
        seen: dict[str, Line2D] = {}
        for axes, region in zip(panels, inputs.regions, strict=True):
            shown = shown_models(inputs, region)
            for model in inputs.models:
                if model not in (*COMPANIONS, *shown):
                    continue
                part, look = tables[region][tables[region]["model"] == model], style_of(model)
                (line,) = axes.plot(
                    part["lead"],
                    100 * part["skill"],
                    color=look.colour,
                    ls=look.dash,
                    lw=2.2 if model == inputs.primary else 1.5 if model in shown else 0.9,
                    zorder=4 if model in shown else 3,
                )
                seen[look.label] = line
                frames.append(part[["region", "model", "lead", "skill"]])
            axes.axhline(0, color=INK, lw=0.8)
            drawn = tables[region]["model"].isin((*COMPANIONS, *shown))
            lowest = float(tables[region].loc[drawn, "skill"].min())
            axes.set_ylim(100 * max(SKILL_FLOOR, min(-0.05, 1.05 * lowest)), None)
            axes.set_xticks(range(0, int(tables[region]["lead"].max()) + 1, 12))
        outer_labels(figure, "Lead (months ahead)", f"Skill against {style_of(inputs.reference).label.lower()} (%)")
        figure.legend(
            list(seen.values()), list(seen), loc="outside upper center", ncols=4, fontsize=9.5, columnspacing=1.4
        )
    data = pd.concat(frames, ignore_index=True)
    final = int(data["lead"].max())
    model = inputs.primary or shown_models(inputs, inputs.regions[0])[0]
    ends = data[(data["lead"] == final) & (data["model"] == model)].set_index("region")["skill"]
    by_place = [f"{inputs.title_of(str(name))} {words.percent(number_of(skill))}" for name, skill in ends.items()]
    alt = (
        f"Skill by lead in {words.count(len(inputs.regions), 'place')}. At lead {final} the skill of "
        f"{style_of(model).phrase} is {'; '.join(by_place)}."
    )
    caption = (
        f"CRPS skill against {style_of(inputs.reference).phrase} by lead: the LSTM, the opponent of each "
        f"place and two others. Values below {words.number(100 * SKILL_FLOOR, 0)}% are off scale. The figures of each "
        "place show all models."
    )
    return Drawing("skill-by-lead", figure, data, alt, caption)


def coverage_figure(inputs: ReportInputs) -> Drawing:
    """Coverage of the 90% interval in every region, near and far leads, LSTM and opponent."""
    blocks = [name for name in SPREAD_BLOCKS if name in inputs.blocks] or inputs.headline_blocks
    rows = []
    for region in inputs.regions:
        for block in blocks:
            for role, model in (("LSTM", inputs.primary), ("opponent", inputs.opponent(region, block))):
                if model is not None:
                    value = float(inputs.scores["coverage90"].sel(region=region, block=block, model=model))
                    rows.append({"region": region, "block": block, "role": role, "model": model, "coverage90": value})
    data = pd.DataFrame(rows)
    with style():
        titles = [words.capital(inputs.when(block)) for block in blocks]
        figure, panels = panel_row(1.5 + 0.34 * len(inputs.regions), titles, sharex=True)
        for axes, block in zip(panels, blocks, strict=True):
            axes.axvspan(100 * TOLERANCE[0], 100 * TOLERANCE[1], color="#E3EEE6", lw=0, zorder=0)
            axes.axvline(100 * NOMINAL, color=SOFT, lw=1.0, ls=(0, (3, 2)))
            for y, region in enumerate(inputs.regions):
                part = data[(data["region"] == region) & (data["block"] == block)].set_index("role")
                axes.plot(100 * part["coverage90"], [y] * len(part), color="#BBBBBB", lw=1.5, zorder=2)
                for role, mark in (("LSTM", "o"), ("opponent", "s")):
                    if role in part.index:
                        colour = style_of(str(part.loc[role, "model"])).colour if role == "LSTM" else "#0072B2"
                        face = colour if role == "LSTM" else "white"
                        label = words.capital(role) if y == 0 else None
                        covered = 100 * number_of(part.loc[role, "coverage90"])
                        axes.plot(covered, y, mark, ls="", zorder=4, label=label, mfc=face, mec=colour, ms=8, mew=1.8)
            axes.set_xlabel("Inside the 90% interval (%)")
        panels[0].set_xlim(min(78.0, 100 * float(data["coverage90"].min()) - 2), 100.5)
        label_rows(panels[0], [inputs.title_of(region) for region in inputs.regions])
        shared_legend(figure, panels[0], "lower", 2)
    alt = "Coverage of the 90% interval. " + " ".join(
        f"{inputs.title_of(str(row.region))}, {inputs.when(str(row.block))}, "
        f"{row.role}: {words.percent(number_of(row.coverage90))}."
        for row in data.itertuples()
    )
    caption = (
        "Share of the verified months inside the 90% interval. On the dashed line the interval is right; in the tinted "
        f"band ({words.percent(TOLERANCE[0])} to {words.percent(TOLERANCE[1])}) it is within our tolerance; left of "
        "it, too narrow."
    )
    return Drawing("coverage", figure, data, alt, caption)
