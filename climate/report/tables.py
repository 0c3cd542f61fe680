"""Tables of forecasts and scores: words and numbers ready to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, best_model, forecast_frame
from climate.report.palette import style_of
from climate.report.text import SHORT, interval

CONFIDENCE_SET = 0.1
"""Level of the model confidence set: with 90% confidence it contains the best model (Hansen, Lunde and Nason 2011)."""
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


def verdict_table(inputs: ReportInputs, verdicts: Sequence[Contest]) -> Table:
    """One row per region, sorted by how well the LSTM does in the first headline block."""
    blocks = inputs.headline_blocks
    by_place = {(contest.region, contest.block): contest for contest in verdicts}

    def key(region: str) -> float:
        contest = by_place.get((region, blocks[0]))
        return contest.ratio if contest and np.isfinite(contest.ratio) else np.inf

    rows: list[list[Cell | str]] = []
    for region in sorted(inputs.regions, key=key):
        row: list[Cell | str] = [Cell(inputs.title_of(region), href=f"regions/{region}.html")]
        for block in blocks:
            contest = by_place.get((region, block))
            if contest is None:
                row.append("No LSTM was run")
                continue
            against = f"{words.number(contest.ratio)} × {style_of(contest.opponent).label}"  # noqa: RUF001
            note = f"{against}; {interval(contest.low, contest.high)}; {words.p_value(contest.p)}"
            row.append(Cell(SHORT[contest.outcome], kind=contest.outcome, note=note))
        rows.append([*row, *(style_of(best_model(inputs, region, block)).label for block in blocks)])
    when = [inputs.when(block) for block in blocks]
    return make_table(
        "The LSTM against the best simple model of each place: the verdict, its CRPS as a multiple of that model's, "
        "the 90% bootstrap interval of the difference, and the p value of the two-sided Diebold-Mariano test. A "
        "difference is called significant if it is after Holm's correction for all "
        f"{words.count(len(verdicts), 'comparison')} of this table. Places where the LSTM does best come first.",
        ["Place", *map(words.capital, when), *(f"Lowest CRPS {text}" for text in when)],
        rows,
    )


def score_table(inputs: ReportInputs, region: str, block: str) -> Table:
    """All scores of all models in one block of leads."""
    scores, unit = inputs.scores.sel(region=region, block=block), inputs.unit(region)
    best, winner = inputs.best_classical(region, block), best_model(inputs, region, block)
    # a model that does not serve this place has no row
    served = [name for name in inputs.models if name in inputs.forecasts[region]["model"].values]
    crps = scores["crps"].fillna(np.inf)
    rows: list[list[Cell | str]] = []
    for model in sorted(served, key=lambda name: float(crps.sel(model=name))):
        scored = {str(name): float(value) for name, value in _numbers(scores.sel(model=model)).items()}
        skill = words.percent(scored["crps_skill_reference"], 0, True)
        rows.append(
            [
                Cell(style_of(model).label, kind="winner" if model == winner else ""),
                words.significant(scored["crps"]),
                words.number(scored["crps_ratio_best"]),
                words.NONE if model == best else words.p_number(scored["dm_p_best"]),
                words.NONE if model == inputs.reference else skill,
                words.significant(scored["mae"]),
                words.significant(scored["rmse"]),
                words.number(scored["mase"]),
                words.percent(scored["coverage90"]),
                _membership(scored.get("mcs_p", np.nan)),
            ]
        )
    columns: list[Column | str] = [
        "Model",
        *numeric(f"CRPS ({unit})", "÷ best simple", "p, descriptive", "Skill against reference"),
    ]
    columns += [*numeric(f"MAE ({unit})", f"RMSE ({unit})", "MASE", "In 90% interval"), "In the confidence set"]
    return make_table(
        f"{words.capital(inputs.when(block))}, lowest CRPS first; {int(np.nanmax(scores['n'])):,} verified forecasts "
        f"per model. Best simple model: {style_of(best).label}.",
        columns,
        rows,
    )


def _numbers(scored: xr.Dataset) -> xr.Dataset:
    return scored[[name for name in scored.data_vars if not scored[name].dims and scored[name].dtype.kind in "fi"]]


def _membership(p: float) -> str:
    return words.NONE if not np.isfinite(p) else "yes" if p >= CONFIDENCE_SET else "no"


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
    """What each model is, how many values it estimates and how often it is estimated anew."""
    rows = []
    table = inputs.forecasts[inputs.regions[0]]
    for model in inputs.models:
        row = [Cell(style_of(model).label, kind="swatch"), Cell(style_of(model).about or words.NONE)]
        for name in ("parameters", "refit_every"):
            known = name in table and model in table["model"].values and "model" in table[name].dims
            value = float(table[name].sel(model=model).item()) if known else float("nan")
            row.append(Cell(f"{int(value):,}" if np.isfinite(value) else words.NONE))
        rows.append(row)
    return make_table(
        "Models, with the number of values that each estimates; most of those of the planet's "
        "models are shared by all places. "
        f"Counted for {words.inner(inputs.title_of(inputs.regions[0]))}.",
        ["Model", "In one line", *numeric("Parameters", "Months between estimations")],
        rows,
    )
