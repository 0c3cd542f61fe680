"""Tables of errors by ENSO state, collection period and half of the origins, and with known covariates."""

from __future__ import annotations

import numpy as np

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import best_model
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table, make_table, numeric
from climate.report.text import stratum_ratio, stratum_row
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
    f"Errors by the state of ENSO in the month that was forecast. El Niño: the {ENSO_MONTHS}-month mean in the Nino "
    f"3.4 box is at least {ENSO_THRESHOLD:g} °C above the mean of the {ENSO_BASE_YEARS} years around it; La Niña: as "
    "far below. The thresholds are NOAA's; the index here is of the reanalysis' air temperature, not of the sea "
    "surface. The state is known only afterwards, so no forecast could use it."
)
UNTESTED = "the opponent and the best of all are those of the whole sample; the rows were not tested."


def enso_table(inputs: ReportInputs, region: str) -> Table | None:
    """Errors by ENSO state; None where they were not scored."""
    return _strata_table(inputs, region, "enso", list(LABELS), f"{ENSO_NOTE} {UNTESTED}", "State")


def ceiling_table(inputs: ReportInputs, region: str) -> Table | None:
    """CRPS with the covariates forecast and known; None where it was not scored."""
    if "region" not in inputs.ceiling.dims or region not in inputs.ceiling["region"].values:
        return None
    scores, unit = inputs.ceiling.sel(region=region), inputs.unit(region)
    rows: list[list[Cell | str]] = []
    for block in inputs.headline_blocks:
        for model in scores["model"].values.astype(str):
            selected = scores.sel(block=block, model=model)
            known = words.number(float(selected["ratio_known"]))
            rows.append(
                [
                    Cell(style_of(model).label, kind="whole"),
                    inputs.leads(block),
                    words.significant(float(selected["crps_forecast"])),
                    words.significant(float(selected["crps_known"])),
                    words.number(float(selected["ratio_forecast"])),
                    Cell(known, note=style_of(str(selected["opponent"].item())).label),
                ]
            )
    return make_table(
        "The value of a perfect forecast of the covariates. In the columns headed known, the model was given the "
        "covariate of the months after each origin: that is a ceiling, not a forecast, and no other table or verdict "
        "uses it. Neither is calibrated, unlike all other tables. Ratios are to the opponent of the leads, "
        "named under the last column.",
        [
            "Model",
            *numeric("Leads", f"CRPS, covariate forecast ({unit})", f"CRPS, covariate known ({unit})"),
            *numeric("Ratio, forecast", "Ratio, known"),
        ],
        rows,
    )


def period_errors(inputs: ReportInputs, region: str) -> tuple[str, Table | None]:
    """Which collection periods occur in the months of verification, and their errors if there are several."""
    if "row" not in inputs.strata.dims:
        return "", None
    rows = inputs.strata.isel(row=(inputs.strata["region"] == region) & (inputs.strata["factor"] == "period"))
    labels = list(dict.fromkeys(rows.sortby("first")["stratum"].values.astype(str)))
    if not labels:
        return "", None
    every = set(np.unique(collection(inputs.series[region]).values.astype(str))) - {""}
    total = words.spell(len(every))
    if len(every) == 1:
        text = "The record has one collection period, so errors cannot be compared by it."
    elif len(every) == len(labels):
        text = f"All {total} collection periods of the record occur in the months of verification."
    else:
        which = f"one occurs {{}}: {labels[0]}" if len(labels) == 1 else f"{words.spell(len(labels))} occur {{}}"
        text = (
            f"Of the {total} collection periods of the record, only {which.format('in the months of verification')}. "
            "Errors in the others are unknown."
        )
    if len(labels) == 1:
        return text, None
    caption = f"Errors by the collection period of the month that was forecast. {UNTESTED}"
    return text, _strata_table(inputs, region, "period", labels, caption, "Collection period")


def _strata_table(
    inputs: ReportInputs, region: str, factor: str, strata: list[str], caption: str, heading: str
) -> Table | None:
    rows = []
    for block in inputs.headline_blocks:
        simple, winner = inputs.opponent(region, block), best_model(inputs, region, block)
        for stratum in strata:
            selected = stratum_row(inputs, region, block, factor, stratum)
            if selected is None:
                continue
            row: list[Cell | str] = [Cell(LABELS.get(stratum, stratum), kind="whole"), inputs.leads(block)]
            row += [f"{int(selected['months']):,}", f"{int(selected['n']):,}"]
            for role, model in enumerate((inputs.primary, simple, winner)):
                if model is not None:
                    crps = words.significant(float(selected["crps"].sel(model=model)))
                    row.append(Cell(crps, note=style_of(model).label if role else ""))
            if inputs.primary is not None:
                row.append(words.number(stratum_ratio(inputs, region, block, factor, stratum)))
                row.append(words.percent(float(selected["coverage90"].sel(model=inputs.primary))))
            rows.append(row)
    if not rows:
        return None
    lstm = inputs.primary is not None
    columns: list[Column | str] = [heading, *numeric("Leads", "Months", "Forecasts")]
    columns += numeric(f"CRPS of the LSTM ({inputs.unit(region)})") if lstm else []
    columns += numeric("Opponent", "Best of all models")
    columns += numeric("LSTM ÷ opponent", "In its 90% interval") if lstm else []
    return make_table(caption, columns, rows)


def era_table(inputs: ReportInputs) -> Table | None:
    """The LSTM against the opponent in the first and in the second half of the origins, for all places."""
    if inputs.primary is None:
        return None
    rows, spans = [], {}
    for region in inputs.regions:
        row: list[Cell | str] = [Cell(inputs.title_of(region), href=f"regions/{region}.html")]
        for block in inputs.headline_blocks:
            for era in (FIRST_ERA, SECOND_ERA):
                selected = stratum_row(inputs, region, block, "era", era)
                if selected is None:
                    row.append(words.NONE)
                    continue
                first, last = (words.month(selected[end].values) for end in ("first", "last"))
                spans[era] = f"{words.count(int(selected['origins']), 'origin')} from {first} to {last}"
                best = inputs.models[int(np.nanargmin(selected["crps"].sel(model=inputs.models).values))]
                ratio = words.number(stratum_ratio(inputs, region, block, "era", era))
                row.append(Cell(ratio, note=f"best: {style_of(best).label}"))
        rows.append(row)
    if not spans:
        return None
    headings = [
        f"{words.capital(inputs.when(block))}, {era}"
        for block in inputs.headline_blocks
        for era in (FIRST_ERA, SECOND_ERA)
    ]
    halves = "; ".join(f"{era}: {span}" for era, span in spans.items())
    return make_table(
        "CRPS of the LSTM as a multiple of that of the opponent of the whole sample, and the best of all "
        f"models in each half. {words.capital(halves)}. Forecasts from neighbouring origins overlap, and each half "
        "has few that do not: this shows how steady the result is, and is not a test.",
        ["Place", *numeric(*headings)],
        rows,
    )
