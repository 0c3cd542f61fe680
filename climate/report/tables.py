"""Tables of the pages: words and numbers ready to print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, best_model, periods
from climate.report.palette import style_of
from climate.report.text import SHORT

CONFIDENCE_SET = 0.1
"""Level of the model confidence set: with 90% confidence it holds the best model (Hansen, Lunde and Nason 2011)."""
ISSUED_LEADS = (1, 3, 6, 12, 24, 36, 48, 60)
"""Months ahead for which the issued forecast is printed."""


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
    columns = [
        Column("Model"),
        Column(f"CRPS ({unit})", True),
        Column("÷ best simple", True),
        Column("p against best simple", True),
        Column("Skill against reference", True),
        Column(f"MAE ({unit})", True),
        Column(f"RMSE ({unit})", True),
        Column("MASE", True),
        Column("In 90% interval", True),
        Column("Among the best", False),
    ]
    rows = []
    for model in sorted(inputs.models, key=lambda name: _finite(scores["crps"].sel(model=name))):
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
    """Every quantile of every model's issued forecast of every place, one row per month."""
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
                    "units": str(inputs.series[region].attrs.get("units", "")),
                    "model": model,
                    "origin": words.iso_month(one["origin"].values),
                    "lead": one["lead"].values,
                    "month": [words.iso_month(time) for time in one["valid_time"].values],
                }
            )
            for level in one["quantile"].values:
                frame[f"q{float(level):g}"] = one["forecast"].sel(quantile=level).values
            frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def period_table(inputs: ReportInputs, region: str, root: str = "../") -> Table:
    """Collection periods of a record; `root` leads from the page to the folder of the report."""
    known = {entry.get("key") for entry in inputs.provenance}
    rows = [
        [
            Cell(period.name or words.NONE),
            Cell(words.iso_month(period.first)),
            Cell(words.iso_month(period.last)),
            Cell(f"{period.months:,}"),
            Cell(f"{period.interpolated:,}"),
            Cell(period.site or words.NONE),
            Cell(
                period.source or words.NONE,
                href=f"{root}sources.html#{period.source}" if period.source in known else "",
            ),
        ]
        for period in periods(inputs.record(region))
    ]
    columns = [
        Column("Collection period"),
        Column("From"),
        Column("To"),
        Column("Months", True),
        Column("Interpolated", True),
        Column("Site"),
        Column("Source"),
    ]
    return Table("Collection periods: who measured, where, from when to when.", columns, rows)


def seam_table(inputs: ReportInputs) -> Table | None:
    """One row per seam of the spliced records; None if there is none."""
    seams = inputs.seams
    if seams is None or not seams.sizes.get("seam"):
        return None
    rows = []
    for place in range(seams.sizes["seam"]):
        one = seams.isel(seam=place)
        span = " to ".join(_month_of(one, name) for name in ("overlap_start", "overlap_end"))
        count = f"{int(one['n'].item()):,} {_text_of(one, 'cadence')}".strip() if "n" in one else words.NONE
        rows.append(
            [
                Cell(_text_of(one, "record")),
                Cell(inputs.source_title(_text_of(one, "older"))),
                Cell(inputs.source_title(_text_of(one, "newer"))),
                Cell(_month_of(one, "join"), kind="whole"),
                Cell(span, note=f"{count} values"),
                *(Cell(_with_error(one, name), kind="whole") for name in ("offset", "drift", "step")),
            ]
        )
    units = [words.unit(str(seams[name].attrs.get("units", ""))) if name in seams else "" for name in SEAM_NUMBERS]
    return Table(
        "Where one record was joined to the next. The offset is added to the older part; the drift is the trend of "
        "newer minus older over the overlap; the step is what is left at the join. Each with its standard error.",
        [
            *(Column(label) for label in ("Record", "Older part", "Newer part", "Joined at", "Overlap")),
            *(
                Column(f"{label} ({unit})" if unit else label, True)
                for label, unit in zip(SEAM_NUMBERS.values(), units, strict=True)
            ),
        ],
        rows,
    )


SEAM_NUMBERS = {"offset": "Offset", "drift": "Drift", "step": "Step left"}
"""Estimates of a seam, each with a standard error of the same name and `_se`."""


def _text_of(one: xr.Dataset, name: str) -> str:
    return str(one[name].item()) if name in one else ""


def _month_of(one: xr.Dataset, name: str) -> str:
    return words.iso_month(one[name].values) if name in one else words.NONE


def _with_error(one: xr.Dataset, name: str) -> str:
    value, error = (float(one[n].item()) if n in one else float("nan") for n in (name, f"{name}_se"))
    return words.NONE if not np.isfinite(value) else f"{words.number(value)} ± {words.number(error)}"


def check_table(checks: Sequence[Mapping[str, Any]]) -> Table | None:
    """Truth checks, those that did not pass first."""
    if not checks:
        return None
    order = {"error": 0, "fail": 0, "failed": 0, "warning": 1, "warn": 1}
    rows = sorted(checks, key=lambda row: order.get(str(row.get("status", "")).lower(), 2))
    names = list(dict.fromkeys(key for row in rows for key in row))
    first = [name for name in ("source", "check", "status") if name in names]
    names = first + [name for name in names if name not in first]
    return Table(
        "Checks of the records against what their publishers declare.",
        [Column(words.capital(name.replace("_", " "))) for name in names],
        [
            [
                Cell(
                    _plain(row.get(name, "")),
                    kind=f"status-{str(row.get(name)).lower()}" if name == "status" else "",
                )
                for name in names
            ]
            for row in rows
        ],
    )


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return words.significant(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(part) for part in value)
    return words.NONE if value is None or value == "" else str(value)


STATUS = {
    "ok": "as asked for",
    "last-good": "last good copy",
    "missing": "missing",
}
"""What a source's status means."""


def source_table(provenance: Sequence[Mapping[str, Any]], prefix: str = "") -> Table:
    """Which vintage of which source served, by which channel, under which licence."""
    rows = []
    for entry in provenance:
        status, key = str(entry.get("status", "ok")), str(entry.get("key", ""))
        rows.append(
            [
                Cell(words.typeset(str(entry.get("title", key))), href=f"{prefix}sources.html#{key}"),
                Cell(str(entry.get("publisher", "") or words.NONE)),
                Cell(str(entry.get("vintage", "") or words.NONE)),
                Cell(str(entry.get("channel", "") or words.NONE)),
                Cell(STATUS.get(status, status), kind=f"status-{status}"),
                Cell(str(entry.get("licence", "") or words.NONE)),
            ]
        )
    return Table(
        "Sources: which vintage served, and by which channel it came.",
        [Column(name) for name in ("Source", "Publisher", "Vintage", "Channel", "Status", "Licence")],
        rows,
    )


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
        "Models, with the number of values that each estimates anew for every place; counted for "
        f"{words.inner(inputs.title_of(inputs.regions[0]))}.",
        [
            Column("Model"),
            Column("In one line"),
            Column("Parameters", True),
            Column("Months between estimations", True),
        ],
        rows,
    )
