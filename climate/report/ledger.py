"""What was forecast when it was issued, and what happened: sentences, a table and a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from climate.report import text, words
from climate.report.figures.ledger import ledger_figure
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table, make_table, numeric
from climate.verify.ledger import AT_ISSUE, LATER, normal_means, normal_period, numbers, scored

THIRDS = {"below": "lowest", "near": "middle", "above": "highest"}

MADE = {AT_ISSUE: "At issue", LATER: "Later"}


def part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """What the page of forecasts shows of the ledger; None where it has no forecast of any place of the report."""
    if inputs.ledger.empty:
        return None
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
        "chosen": choice(inputs, chosen),
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


def choice(inputs: ReportInputs, chosen: Mapping[str, str]) -> str:
    """Whose forecasts the sentences and the figure give, and why; `chosen`: place -> model."""
    by_quantity = {str(inputs.series[name].attrs["quantity"]): model for name, model in chosen.items()}
    names = {name: name if name == "temperature" else name.upper() for name in by_quantity}
    named = [f"{style_of(model).phrase} for {names[quantity]}" for quantity, model in by_quantity.items()]
    return (
        f"Forecasts of {words.joined(named)}. Of the models in the ledger, these had the lowest CRPS "
        f"{inputs.when(inputs.headline_blocks[0])} in the hindcasts (ratio to the opponent, mean over places)."
    )


def sentence(inputs: ReportInputs, lines: pd.DataFrame, place: str, model: str) -> str:
    """What is expected of the months after the newest issue, in words that can be printed as they are.

    Anomalies are given from the mean of the same months in the standard normal, of the record as it is now.
    """
    newest = _newest(lines, place)
    row = newest[(newest["model"] == model) & newest["target"].str.contains("-to-")].iloc[-1]
    first, last = (np.datetime64(month, "M") for month in row["target"].split("-to-"))
    issued, months = np.datetime64(row["issued"], "M"), np.arange(first, last + 1)
    unit, record = inputs.unit(place), inputs.record(place)
    normal = float(normal_means(record, issued, months).mean()) if record.attrs.get("kind") == "anomaly" else np.nan
    zero = normal if np.isfinite(normal) else 0.0
    low, middle, high = (float(row[name]) - zero for name in ("q0.05", "q0.5", "q0.95"))
    said = f"{inputs.title_of(place)}: {span(first, last)} is expected to average "
    if np.isfinite(normal):
        years = words.EN_DASH.join(str(year) for year in normal_period(issued))
        said += f"{_from_normal(unit, middle)} {years}, with a 9 in 10 chance of {_from_normal(unit, low, high)}."
        said += _likely_third(row)
    else:
        since = row["unit"].removeprefix(str(record.attrs["units"]))
        said += f"{words.number(middle, 1)} {unit}{since}, with a 9 in 10 chance of {words.number(low, 1)} to "
        said += f"{words.number(high, 1)} {unit}."
    return f"{said} This record is in doubt; its page says why." if text.caveat(inputs, place) else said


def _from_normal(unit: str, *values: float) -> str:
    """'0.3 °C below', '0.3 to 0.7 °C above', '0.3 °C below to 0.7 °C above'."""
    shown = [(words.number(abs(value), 1), "below" if round(value, 1) < 0 else "above") for value in values]
    if len({side for _, side in shown}) == 1:
        return f"{' to '.join(number for number, _ in shown)} {unit} {shown[0][1]}"
    return " to ".join(f"{number} {unit} {side}" for number, side in shown)


def _likely_third(row: pd.Series[Any]) -> str:
    """The likeliest third of the years of the normal, with its probability; "" without terciles."""
    if not np.isfinite(row["below"]):
        return ""
    chances = {"below": row["below"], "near": 1 - row["below"] - row["above"], "above": row["above"]}
    likely = max(chances, key=chances.__getitem__)
    return f" The chance of a value in the {THIRDS[likely]} third of those years is {chance(chances[likely])}."


def chance(probability: float) -> str:
    """A probability in per cent, of which the ledger gives whole ones: 100 is written as over 99."""
    return "over 99%" if probability > 0.99 else words.percent(probability)


def span(first: np.datetime64, last: np.datetime64) -> str:
    """'March to May 2026', or 'December 2026 to February 2027'."""
    end = words.month(last)
    start = words.month(first)
    return f"{start.rpartition(' ')[0] if start[-4:] == end[-4:] else start} to {end}"


def summary(lines: pd.DataFrame, scores: pd.DataFrame) -> str:
    """How many forecasts there are since when, how many were made later, and how many months have come."""
    issues = lines.groupby("issued")["made"].first()
    later = [words.month(np.datetime64(str(month))) for month, made in issues.items() if made == LATER]
    told = (
        f"{words.capital(words.count(len(issues), 'issue'))} since {words.month(np.datetime64(issues.index[0]))}, "
        "named by the last observed month of the record. "
    )
    if later:
        told += (
            f"Those of {words.joined(later)} were made later, from the releases of the data that ended then. Their "
            "models and settings were chosen by people who had seen the months that followed. "
        )
    months = scores[~scores["leads"].str.contains("-")]
    if months.empty:
        return f"{told}No month that was forecast has been observed yet."
    inside = words.percent(float(months["inside90"].mean()))
    return (
        f"{told}Of {len(lines):,} lines, {len(scores):,} can be scored, with the record as it is today. The 90% "
        f"intervals of single months, over all models, contained the observation in {inside} of cases."
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
        "geometric mean over places. Later: made from an older release when a newer one was known. Tercile right: the "
        "tercile with the highest probability was observed; by chance, without a trend, in a third of cases. Errors of "
        "neighbouring months and places are correlated, so this is no test.",
        [*columns, *numeric("In 90% interval", "Tercile right")],
        rows,
    )


def _newest(lines: pd.DataFrame, place: str) -> pd.DataFrame:
    """Lines of the newest issue of a place."""
    own = lines[lines["place"] == place]
    newest: pd.DataFrame = own[own["issued"] == own["issued"].max()]
    return newest
