"""Tables of forecasts and scores: words and numbers ready to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, Hypothesis, best_model, forecast_frame
from climate.report.palette import style_of
from climate.report.text import SHORT, interval, places_of

ISSUED_LEADS = (1, 3, 6, 12, 24, 36, 48, 60)
"""Months ahead for which the issued forecast is printed."""

ISSUED_LEVELS = (0.05, 0.2, 0.5, 0.8, 0.95)
"""Quantiles of the issued forecasts' file: median, 60% and 90% interval."""
ISSUED_DIGITS = 2
"""Decimal places of the issued forecasts' file, in degrees or ppm."""


@dataclass(frozen=True)
class Cell:
    """One field; `kind` becomes a class of the style sheet."""

    text: str
    href: str = ""
    kind: str = ""
    note: str = ""
    """A second, smaller line."""


@dataclass(frozen=True)
class Column:
    """Heading of a column; numbers are right-aligned."""

    label: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first field of a row is its heading."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def numeric(*labels: str) -> list[Column]:
    """Columns of numbers."""
    return [Column(label, numeric=True) for label in labels]


def make_table(caption: str, columns: Iterable[Column | str], rows: Iterable[Sequence[Cell | str]]) -> Table:
    """A table from columns and fields, of which plain ones may be given as text."""
    return Table(
        caption,
        [column if isinstance(column, Column) else Column(column) for column in columns],
        [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows],
    )


def hypothesis_table(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> Table | None:
    """One row per declared hypothesis: estimate, interval, p as it is, size of the test, and the verdict."""
    if not declared:
        return None
    rows: list[list[Cell | str]] = []
    for one in declared:
        what = Cell(f"{style_of(one.better).label} against {style_of(one.against).label}", note=one.question)
        row: list[Cell | str] = [what, inputs.leads(one.block), words.capital(places_of(inputs, one))]
        if one.reason:
            rows.append([*row, *[words.NONE] * 5, Cell("Not tested", note=one.reason)])
            continue
        ends = " to ".join(words.percent(end - 1, 1, True) for end in (one.low, one.high))
        size = words.NONE
        if inputs.simulation is not None:
            null = inputs.simulation["rejected"].sel(block=one.block, ratio=1.0)
            size = words.percent(float(null.max()), 1)
        spans = f"{words.count(int(one.origins), 'origin')}, {words.number(one.independent, 1)} independent"
        row += [words.percent(one.ratio - 1, 1, True), Cell(ends, kind="whole"), words.p_number(one.p), size, spans]
        rows.append([*row, Cell(SHORT[one.outcome], kind=one.outcome)])
    return make_table(
        "The hypotheses that params.yaml declares: difference of CRPS in per cent, negative where the first forecaster "
        "is better, its 90% interval, and p as it is, two-sided. The verdict is that after Holm's correction for all "
        f"{words.count(len(declared), 'hypothesis', 'hypotheses')}. Size: how often the test finds a difference "
        f"between equally good forecasters, by simulation; it should be "
        f"{words.percent(inputs.params.score.significance)}. Independent: spans of leads that do not overlap.",
        [
            "Forecasters",
            "Leads",
            "Places",
            *numeric("Difference of CRPS", "90% interval", "p", "Size"),
            "Rests on",
            "Verdict",
        ],
        rows,
    )


def contest_table(inputs: ReportInputs, compared: Sequence[Contest]) -> Table | None:
    """The LSTM against the opponent, a row per region, sorted by how well it does in the first headline block."""
    blocks = inputs.headline_blocks
    by_place = {(contest.region, contest.block): contest for contest in compared}
    if not by_place:
        return None
    rows: list[list[Cell | str]] = []
    for region in sorted(inputs.regions, key=lambda name: np.nan_to_num(by_place[name, blocks[0]].ratio, nan=np.inf)):
        row: list[Cell | str] = [Cell(inputs.title_of(region), href=f"regions/{region}.html")]
        for block in blocks:
            contest = by_place[region, block]
            note = (
                f"{interval(contest.low, contest.high)}; {words.p_value(contest.p)}; {style_of(contest.opponent).label}"
            )
            row.append(Cell(words.number(contest.ratio), note=note))
        rows.append([*row, *(style_of(best_model(inputs, region, block)).label for block in blocks)])
    when = [inputs.when(block) for block in blocks]
    return make_table(
        "The LSTM against the opponent at each place: its CRPS as a multiple of the opponent's, the 90% interval of "
        "the difference, the two-sided p value as it is, and the opponent. Descriptive: the places are nested and "
        "these comparisons carry no verdict. Places where the LSTM does best come first.",
        ["Place", *numeric(*map(words.capital, when)), *(f"Lowest CRPS {text}" for text in when)],
        rows,
    )


def score_table(inputs: ReportInputs, region: str, block: str) -> Table:
    """All scores of all models in one block of leads."""
    scores, unit = inputs.scores.sel(region=region, block=block), inputs.unit(region)
    best, winner = inputs.opponent(region, block), best_model(inputs, region, block)
    # a model that does not serve this place has no row
    served = [name for name in inputs.models if name in inputs.forecasts[region]["model"].values]
    by_model = scores[[name for name in scores.data_vars if scores[name].dims == ("model",)]].sel(model=served)
    rows: list[list[Cell | str]] = []
    for scored in by_model.to_dataframe().sort_values("crps", kind="stable").reset_index().to_dict("records"):
        model = str(scored["model"])
        skill = words.percent(scored["skill"], 0, True)
        rows.append(
            [
                Cell(style_of(model).label, kind="winner" if model == winner else ""),
                words.significant(scored["crps"]),
                words.number(scored["ratio"]),
                words.NONE if model == best else words.p_number(scored["p"]),
                words.NONE if model == inputs.reference else skill,
                words.significant(scored["mae"]),
                words.significant(scored["rmse"]),
                words.number(scored["mase"]),
                words.percent(scored["coverage90"]),
                words.number(scored["ratio_hindsight"]),
            ]
        )
    columns: list[Column | str] = [
        "Model",
        *numeric(f"CRPS ({unit})", "÷ opponent", "p, descriptive", "Skill against reference"),
    ]
    columns += [*numeric(f"MAE ({unit})", f"RMSE ({unit})", "MASE", "In 90% interval", "÷ best in hindsight")]
    return make_table(
        f"{words.capital(inputs.when(block))}, lowest CRPS first; {int(np.nanmax(scores['n'])):,} verified forecasts "
        f"per model. Opponent: {style_of(best).label}; best simple model in hindsight: "
        f"{style_of(str(scores['hindsight'].item())).label}.",
        columns,
        rows,
    )


def issued_table(inputs: ReportInputs, region: str, models: Sequence[str]) -> Table:
    """The issued forecast at a few leads."""
    table = inputs.forecasts[region].isel(origin=-1)
    columns: list[Column | str] = ["Month", *numeric("Lead (months)")]
    for model in models:
        columns += numeric(f"{style_of(model).label} ({inputs.unit(region)})", "90% interval")
    rows = []
    for lead in [lead for lead in ISSUED_LEADS if lead in table["lead"].values]:
        row = [words.month(table["valid_time"].sel(lead=lead).values), str(lead)]
        for model in models:
            values = table["forecast"].sel(lead=lead, model=model).sel(quantile=[0.05, 0.5, 0.95], method="nearest")
            low, middle, high = (words.number(float(value)) for value in values)
            row += [middle, f"{low} to {high}"]
        rows.append(row)
    origin = words.month(table["origin"].values)
    return make_table(
        f"Forecast issued from the last observed month, {origin}: median and 90% interval.", columns, rows
    )


def issued_data(inputs: ReportInputs) -> pd.DataFrame:
    """Quantiles of every model's issued forecast of every place, one row per month."""
    frames = []
    for region in inputs.regions:
        table = inputs.forecasts[region].isel(origin=-1)
        for model in [name for name in inputs.models if name in table["model"].values]:
            frame = forecast_frame(table.sel(model=model), ISSUED_LEVELS).round(ISSUED_DIGITS)
            frame.insert(0, "region", region)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def model_table(inputs: ReportInputs) -> Table:
    """What each model is, and how many values it estimates."""
    rows = []
    table = inputs.forecasts[inputs.regions[0]]
    for model in inputs.models:
        row = [Cell(style_of(model).label, kind="swatch"), Cell(style_of(model).about or words.NONE)]
        known = "parameters" in table and model in table["model"].values
        value = float(table["parameters"].sel(model=model).item()) if known else float("nan")
        row.append(Cell(f"{int(value):,}" if np.isfinite(value) else words.NONE))
        rows.append(row)
    return make_table(
        "Models, with the number of values that each estimates; most of those of the planet's "
        "models are shared by all places. "
        f"Counted for {words.inner(inputs.title_of(inputs.regions[0]))}.",
        ["Model", "In one line", *numeric("Parameters")],
        rows,
    )
