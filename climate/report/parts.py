"""Tables of errors in parts of the sample: by ENSO state, by collection period, by half of the origins."""

from __future__ import annotations

import numpy as np

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import best_model
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table
from climate.report.text import group_ratio, group_row
from climate.verify.strata import (
    EL_NINO,
    ENSO_BASE_YEARS,
    ENSO_MONTHS,
    ENSO_THRESHOLD,
    FIRST_ERA,
    LA_NINA,
    NEUTRAL,
    SECOND_ERA,
    collection,
)

LABELS = {EL_NINO: "El Niño", NEUTRAL: "Neutral", LA_NINA: "La Niña"}
"""ENSO states in their order, as printed."""

ENSO_NOTE = (
    f"Errors by the state of ENSO in the month that was forecast: El Niño where the {ENSO_MONTHS}-month mean in the "
    f"Nino 3.4 box is at least {ENSO_THRESHOLD:g} °C above the mean of {ENSO_BASE_YEARS} years around it, La Niña "
    "where it is as far below. The thresholds are NOAA's; the index here is the reanalysis' air "
    "temperature, not that of the sea. The state is known only afterwards, so no forecast could use it."
)
UNTESTED = "The best simple model and the best of all are those of the whole sample; no test was made between the rows."


def enso_table(inputs: ReportInputs, region: str) -> Table | None:
    """Errors by ENSO state; None where they were not scored."""
    return _parts_table(inputs, region, "enso", list(LABELS), f"{ENSO_NOTE} {UNTESTED}", "State")


def ceiling_table(inputs: ReportInputs, region: str) -> Table | None:
    """CRPS with the covariates forecast and known; None where it was not scored."""
    if inputs.ceiling is None or "region" not in inputs.ceiling.dims or region not in inputs.ceiling["region"].values:
        return None
    found = inputs.ceiling.sel(region=region)
    unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
    rows = []
    for block in inputs.headline_blocks:
        for model in found["model"].values:
            one = found.sel(block=block, model=model)
            rows.append(
                [
                    Cell(style_of(str(model)).label, kind="whole"),
                    Cell(words.EN_DASH.join(str(lead) for lead in dict.fromkeys(inputs.leads_of(block)))),
                    Cell(words.significant(float(one["crps_forecast"]))),
                    Cell(words.significant(float(one["crps_known"]))),
                    Cell(words.number(float(one["ratio_forecast"]))),
                    Cell(
                        words.number(float(one["ratio_known"])), note=style_of(str(one["best_classical"].item())).label
                    ),
                ]
            )
    caption = (
        "What a perfect forecast of the covariates would be worth. In the columns headed known, the months of the "
        "covariate that followed each origin were given to the model: that is a ceiling, not a forecast, and no other "
        "table or verdict uses it. Both are as the model gives them, before the calibration that all other tables "
        "include. Ratios are to the best simple model of the leads, named under the last column."
    )
    columns = [
        Column("Model"),
        Column("Leads", True),
        Column(f"CRPS, covariate forecast ({unit})", True),
        Column(f"CRPS, covariate known ({unit})", True),
        Column("Ratio, forecast", True),
        Column("Ratio, known", True),
    ]
    return Table(caption, columns, rows)


def period_errors(inputs: ReportInputs, region: str) -> tuple[str, Table | None]:
    """What the test window holds of the record's collection periods, and their errors if it holds several."""
    if inputs.groups is None or "row" not in inputs.groups.dims:
        return "", None
    rows = inputs.groups.isel(row=(inputs.groups["region"] == region) & (inputs.groups["grouping"] == "period"))
    labels = list(dict.fromkeys(rows.sortby("first")["label"].values.astype(str)))
    if not labels:
        return "", None
    every = set(np.unique(collection(inputs.series[region]).values.astype(str))) - {""}
    where = "in the months that forecasts were verified in"
    which = f"one occurs {where}: {labels[0]}" if len(labels) == 1 else f"{words.spell(len(labels))} occur {where}"
    said = (
        f"Of the {words.spell(len(every))} ways in which the record was collected, only {which}. "
        "How large the errors would have been in the others cannot be told."
    )
    if len(every) == len(labels):
        said = (
            f"All {words.spell(len(every))} ways in which the record was collected occur in the months of verification."
        )
    if len(every) == 1:
        said = "The record was collected in one way, so errors cannot be told apart by it."
    if len(labels) == 1:
        return said, None
    caption = f"Errors by the collection period of the month that was forecast. {UNTESTED}"
    return said, _parts_table(inputs, region, "period", labels, caption, "Collection period")


def _parts_table(
    inputs: ReportInputs, region: str, grouping: str, labels: list[str], caption: str, heading: str
) -> Table | None:
    unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
    rows = []
    for block in inputs.headline_blocks:
        simple, winner = inputs.best_classical(region, block), best_model(inputs, region, block)
        for label in labels:
            one = group_row(inputs, region, block, grouping, label)
            if one is None:
                continue
            row = [
                Cell(LABELS.get(label, label), kind="whole"),
                Cell(words.EN_DASH.join(str(lead) for lead in dict.fromkeys(inputs.leads_of(block)))),
                Cell(f"{int(one['months']):,}"),
                Cell(f"{int(one['n']):,}"),
            ]
            for role, model in enumerate((inputs.primary, simple, winner)):
                if model is not None:
                    text = words.significant(float(one["crps"].sel(model=model)))
                    row.append(Cell(text, note=style_of(model).label if role else ""))
            if inputs.primary is not None:
                row.append(Cell(words.number(group_ratio(inputs, region, block, grouping, label))))
                row.append(Cell(words.percent(float(one["coverage90"].sel(model=inputs.primary)))))
            rows.append(row)
    if not rows:
        return None
    lstm = inputs.primary is not None
    columns = [Column(heading), Column("Leads", True), Column("Months", True), Column("Forecasts", True)]
    columns += [Column(f"CRPS of the LSTM ({unit})", True)] if lstm else []
    columns += [Column("Best simple model", True), Column("Best of all models", True)]
    columns += [Column("LSTM ÷ best simple", True), Column("In its 90% interval", True)] if lstm else []
    return Table(caption, columns, rows)


def era_table(inputs: ReportInputs) -> Table | None:
    """The LSTM against the best simple model in the first and in the second half of the origins, for all places."""
    if inputs.groups is None or "row" not in inputs.groups.dims or inputs.primary is None:
        return None
    rows, spans = [], {}
    for region in inputs.regions:
        row = [Cell(inputs.title_of(region), href=f"regions/{region}.html")]
        for block in inputs.headline_blocks:
            for era in (FIRST_ERA, SECOND_ERA):
                one = group_row(inputs, region, block, "era", era)
                if one is None:
                    row.append(Cell(words.NONE))
                    continue
                spans[era] = (
                    f"{words.count(int(one['origins']), 'origin')} from {words.month(one['first'].values)} to "
                    f"{words.month(one['last'].values)}"
                )
                crps = one["crps"].sel(model=inputs.models)
                best = inputs.models[int(np.nanargmin(crps.values))]
                ratio = words.number(group_ratio(inputs, region, block, "era", era))
                row.append(Cell(ratio, note=f"best: {style_of(best).label}"))
        rows.append(row)
    if not spans:
        return None
    when = [words.capital(words.ahead(*inputs.leads_of(block))) for block in inputs.headline_blocks]
    halves = "; ".join(f"{era}: {span}" for era, span in spans.items())
    return Table(
        "CRPS of the LSTM as a multiple of that of the best simple model of the whole sample, and the best of all "
        f"models of each half. {words.capital(halves)}. Forecasts of neighbouring origins share months, and each half "
        "holds few that do not: read it as a look at how steady the result is, not as a test.",
        [Column("Place"), *(Column(f"{text}, {era}", True) for text in when for era in (FIRST_ERA, SECOND_ERA))],
        rows,
    )
