"""What was forecast when it was issued, and what happened: sentences, a table and a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from climate.report import words
from climate.report.figures.ledger import ledger_figure
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table, make_table, numeric
from climate.verify.ledger import AT_ISSUE, LATER, normal_period, numbers, scored

CATEGORIES = {"below": "lower", "normal": "middle", "above": "upper"}

MADE = {
    AT_ISSUE: "At issue",
    LATER: "Later, from an older release",
}


def part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """What the page of forecasts shows of the ledger; None where it has no forecast of any place of the report."""
    lines = numbers(inputs.ledger)
    lines = lines[lines["place"].isin(inputs.regions)]
    if lines.empty:
        return None
    scores = scored(inputs.ledger, inputs.series)
    gallery.table("ledger-scores", "The lines of the ledger whose months have come, scored.", scores)
    chosen = {name: model for name in inputs.regions if (model := shown_model(inputs, lines, name))}
    sources = {str(entry["key"]): entry for name in chosen for entry in inputs.sources_of(name)}
    return {
        "sentences": [sentence(inputs, lines, name, model) for name, model in chosen.items()],
        "models": words.joined(list(dict.fromkeys(style_of(model).phrase for model in chosen.values()))),
        "text": summary(lines, scores),
        "picture": gallery.add(ledger_figure(inputs, lines, chosen), credit(list(sources.values()), titles=False)),
        "table": score_table(inputs, scores),
        "size": f"{len(lines):,}",
    }


def shown_model(inputs: ReportInputs, lines: pd.DataFrame, place: str) -> str | None:
    """The model of the newest forecasts with the lowest CRPS in the first block, over all places of the quantity.

    CRPS is taken relative to the opponent's and averaged over the places that have it. None for a place without
    forecasts.
    """
    newest = _newest(lines, place)["model"].unique()
    quantity = inputs.series[place].attrs["quantity"]
    alike = [name for name in inputs.regions if inputs.series[name].attrs["quantity"] == quantity]
    ratio = inputs.scores["ratio"].sel(region=alike, block=inputs.headline_blocks[0])
    mean = {model: float(ratio.sel(model=model).mean()) for model in newest if model in inputs.models}
    mean = {model: value for model, value in mean.items() if np.isfinite(value)}
    return min(mean, key=mean.__getitem__) if mean else None


def sentence(inputs: ReportInputs, lines: pd.DataFrame, place: str, model: str) -> str:
    """One sentence on the next three months that can be printed as it is."""
    newest = _newest(lines, place)
    row = newest[(newest["model"] == model) & newest["target"].str.contains("-to-")].iloc[-1]
    first, last = (np.datetime64(month) for month in row["target"].split("-to-"))
    unit, title = inputs.unit(place), inputs.title_of(place)
    low, middle, high = (float(row[name]) for name in ("q0.05", "q0.5", "q0.95"))
    when = f"{title}: the mean of {span(first, last)}"
    baseline = row["unit"].partition(" from ")[2].replace("-", words.EN_DASH)
    if not baseline:
        digits = 1
        ends = f"{words.number(low, digits)} to {words.number(high, digits)}"
        return f"{when} is expected to be {words.number(middle, digits)} {unit} (90% interval {ends} {unit})."
    side = "below" if middle < 0 else "above"
    ends = " to ".join(words.number(end, 1, sign=True) for end in (low, high))
    text = f"{when} is expected to be {words.number(abs(middle), 1)} {unit} {side} that of {baseline} "
    text += f"(90% interval {ends} {unit})"
    if np.isfinite(row["below"]):
        chances = {"below": row["below"], "above": row["above"], "normal": 1 - row["below"] - row["above"]}
        likely = max(chances, key=chances.__getitem__)
        years = words.EN_DASH.join(str(year) for year in normal_period(np.datetime64(row["issued"])))
        text += f"; chance of the {CATEGORIES[likely]} tercile of {years}: {chance(chances[likely])}"
    return f"{text}."


def chance(probability: float) -> str:
    """A probability in per cent, never 0 and never 100."""
    return "over 99%" if probability > 0.99 else words.percent(probability)


def span(first: np.datetime64, last: np.datetime64) -> str:
    """'March to May 2026', or 'December 2026 to February 2027'."""
    end = words.month(last)
    start = words.month(first)
    return f"{start.rpartition(' ')[0] if start[-4:] == end[-4:] else start} to {end}"


def summary(lines: pd.DataFrame, scores: pd.DataFrame) -> str:
    """How many forecasts there are since when, how many were made later, and how many months have come."""
    issues = lines.groupby("issued")["made"].first()
    later = [words.month(np.datetime64(month)) for month, made in issues.items() if made == LATER]
    text = (
        f"{words.capital(words.count(len(issues), 'issue'))} since {words.month(np.datetime64(issues.index[0]))}, "
        "named by the last observed month of the record. "
    )
    if later:
        text += (
            f"Those of {words.joined(later)} were made later, from the releases of the data that ended then. Their "
            "models and settings were chosen by people who had seen the months that followed. "
        )
    months = scores[~scores["leads"].str.contains("-")]
    if months.empty:
        return f"{text}No month that was forecast has been observed yet."
    return (
        f"{text}Of {len(lines):,} lines, {len(scores):,} can be scored, with the record as it is today. The 90% "
        f"intervals of single months held the observation in {words.percent(float(months['inside90'].mean()))}."
    )


def score_table(inputs: ReportInputs, scores: pd.DataFrame) -> Table | None:
    """Scores of single months by model, and whether the forecast was made at issue; None before any has come."""
    months = scores[~scores["leads"].str.contains("-")]
    if months.empty:
        return None
    key = ["issued", "place", "leads"]
    base = months[months["model"] == inputs.reference].set_index(key)["crps"]
    months = months.assign(base=base.reindex(pd.MultiIndex.from_frame(months[key])).to_numpy())
    rows: list[list[Cell | str]] = []
    for (made, model), own in months.groupby(["made", "model"], sort=True):
        by_place = own.dropna(subset=["base"]).groupby("place")[["crps", "base"]].mean()
        ratio = float(np.exp(np.log(by_place["crps"] / by_place["base"]).mean())) if len(by_place) else np.nan
        rows.append(
            [
                style_of(str(model)).label,
                MADE[str(made)],
                f"{len(own):,}",
                words.NONE if model == inputs.reference else words.number(ratio),
                words.percent(float(own["inside90"].mean())),
                words.percent(float(own["hit"].mean())) if own["hit"].notna().any() else words.NONE,
            ]
        )
    columns: list[Column | str] = ["Model", "Made", *numeric("Months scored", "CRPS ÷ reference")]
    return make_table(
        f"Forecasts of single months that have come. Reference: {style_of(inputs.reference).phrase}; the ratio is the "
        "geometric mean over places. Tercile: the one given the highest probability was observed; a third is chance "
        "without a trend. Neighbouring months and places resemble each other, so this is no test.",
        [*columns, *numeric("In 90% interval", "Tercile right")],
        rows,
    )


def _newest(lines: pd.DataFrame, place: str) -> pd.DataFrame:
    """Lines of the newest issue of a place."""
    own = lines[lines["place"] == place]
    return own[own["issued"] == own["issued"].max()]
