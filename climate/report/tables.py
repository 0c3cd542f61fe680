"""Tables of forecasts and scores: words and numbers ready to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, best_model
from climate.report.palette import style_of
from climate.report.text import SHORT

CONFIDENCE_SET = 0.1
"""Level of the model confidence set: with 90% confidence it holds the best model (Hansen, Lunde and Nason 2011)."""
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
    rows: Sequence[Sequence[Cell]] = field(default_factory=list)


def verdict_table(inputs: ReportInputs, found: Sequence[Contest]) -> Table:
    """One row per region, sorted by how well the LSTM does in the first headline block."""
    blocks = inputs.headline_blocks
    by_place = {(contest.region, contest.block): contest for contest in found}
    when = [words.capital(words.ahead(*inputs.leads_of(block))) for block in blocks]
    columns = [Column("Place"), *(Column(text) for text in when), *(Column(f"Lowest CRPS {t.lower()}") for t in when)]

    def key(region: str) -> float:
        contest = by_place.get((region, blocks[0]))
        return contest.ratio if contest and np.isfinite(contest.ratio) else np.inf

    rows = []
    for region in sorted(inputs.regions, key=key):
        row = [Cell(inputs.title_of(region), href=f"regions/{region}.html")]
        for block in blocks:
            contest = by_place.get((region, block))
            if contest is None:
                row.append(Cell("No LSTM was run"))
                continue
            against = f"{words.number(contest.ratio)} × {style_of(contest.opponent).label}"  # noqa: RUF001
            note = f"{against}, {words.p_value(contest.p_holm)}"
            row.append(Cell(SHORT[contest.outcome], kind=contest.outcome, note=note))
        row += [Cell(style_of(best_model(inputs, region, block)).label) for block in blocks]
        rows.append(row)
    return Table(
        "The LSTM against the best simple model of each place: the verdict, its error (CRPS) as a multiple of that "
        "model's, and the p value of the Diebold-Mariano test, two-sided and corrected by Holm's method. The places "
        "where the LSTM does best come first.",
        columns,
        rows,
    )


def score_table(inputs: ReportInputs, region: str, block: str) -> Table:
    """All scores of all models in one block of leads."""
    scores = inputs.scores.sel(region=region, block=block)
    unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
    best, winner = inputs.best_classical(region, block), best_model(inputs, region, block)
    corrected = "dm_p_best_holm" in scores
    columns = [
        Column("Model"),
        Column(f"CRPS ({unit})", True),
        Column("÷ best simple", True),
        Column("p against best simple", True),
        *([Column("p, Holm", True)] if corrected else []),
        Column("Skill against reference", True),
        Column(f"MAE ({unit})", True),
        Column(f"RMSE ({unit})", True),
        Column("MASE", True),
        Column("In 90% interval", True),
        Column("Among the best", False),
    ]
    rows = []
    # a model that does not serve this place has no row
    served = [name for name in inputs.models if name in inputs.forecasts[region]["model"].values]
    for model in sorted(served, key=lambda name: _finite(scores["crps"].sel(model=name))):
        one = scores.sel(model=model)

        def value(name: str, one: xr.Dataset = one) -> float:
            return float(one[name].item()) if name in one else float("nan")

        p = value("dm_p_best")
        rows.append(
            [
                Cell(style_of(model).label, kind="winner" if model == winner else ""),
                Cell(words.significant(value("crps"))),
                Cell(words.number(value("crps_ratio_best"))),
                Cell(words.NONE if model == best else words.p_number(p)),
                *(
                    [Cell(words.NONE if model == best else words.p_number(value("dm_p_best_holm")))]
                    if corrected
                    else []
                ),
                Cell(
                    words.NONE if model == inputs.reference else words.percent(value("crps_skill_reference"), 0, True)
                ),
                Cell(words.significant(value("mae"))),
                Cell(words.significant(value("rmse"))),
                Cell(words.number(value("mase"))),
                Cell(words.percent(value("coverage90"))),
                Cell(_membership(value("mcs_p"))),
            ]
        )
    count = int(np.nanmax(scores["n"].values.astype(float)))
    return Table(
        f"{words.capital(words.ahead(*inputs.leads_of(block)))}, lowest CRPS first; {count:,} verified forecasts per "
        f"model. Best simple model: {style_of(best).label}.",
        columns,
        rows,
    )


def _membership(p: float) -> str:
    return words.NONE if not np.isfinite(p) else "yes" if p >= CONFIDENCE_SET else "no"


def _finite(array: xr.DataArray) -> float:
    value = float(array)
    return value if np.isfinite(value) else np.inf


def issued_table(inputs: ReportInputs, region: str, models: Sequence[str]) -> Table:
    """The issued forecast at a few leads."""
    table = inputs.forecasts[region].isel(origin=-1)
    unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
    columns = [Column("Month"), Column("Lead (months)", True)]
    for model in models:
        columns += [Column(f"{style_of(model).label} ({unit})", True), Column("90% interval", True)]
    rows = []
    for lead in [lead for lead in ISSUED_LEADS if lead in table["lead"].values]:
        one = table.sel(lead=lead)
        row = [Cell(words.month(one["valid_time"].values)), Cell(str(lead))]
        for model in models:
            low, middle, high = (
                float(one["forecast"].sel(model=model).sel(quantile=level, method="nearest").item())
                for level in (0.05, 0.5, 0.95)
            )
            row += [Cell(words.number(middle)), Cell(f"{words.number(low)} to {words.number(high)}")]
        rows.append(row)
    origin = words.month(table["origin"].values)
    return Table(f"Forecast issued from the last observed month, {origin}: median and 90% interval.", columns, rows)


def issued_data(inputs: ReportInputs) -> pd.DataFrame:
    """Quantiles of every model's issued forecast of every place, one row per month."""
    frames = []
    for region in inputs.regions:
        table = inputs.forecasts[region].isel(origin=-1)
        for model in inputs.models:
            if model not in table["model"].values:
                continue
            one = table.sel(model=model)
            frame = pd.DataFrame(
                {
                    "region": region,
                    "model": model,
                    "origin": words.iso_month(one["origin"].values),
                    "lead": one["lead"].values,
                    "month": [words.iso_month(time) for time in one["valid_time"].values],
                }
            )
            for level in ISSUED_LEVELS:
                values = one["forecast"].sel(quantile=level, method="nearest").values
                frame[f"q{level:g}"] = values.round(ISSUED_DIGITS)
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
    return Table(
        "Models, with the number of values that each estimates; of a pooled model's, most are shared by all places. "
        f"Counted for {words.inner(inputs.title_of(inputs.regions[0]))}.",
        [
            Column("Model"),
            Column("In one line"),
            Column("Parameters", True),
            Column("Months between estimations", True),
        ],
        rows,
    )
