"""The page on which a reader chooses a forecast, or a cell of the planet, and reads its values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import vl_convert
import xarray as xr
from markupsafe import Markup

from climate.params.sections import LAND
from climate.report import words
from climate.report.figures import explore as charts
from climate.report.figures.record import axis_label
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.palette import LESS_ERROR, MORE_ERROR, style_of
from climate.report.tables import ISSUED_DIGITS
from climate.verify.losses import cell_scores

LEARNT, SIMPLE = "ridge-planet", "trend-ar1"
"""The forecaster of the planet's map, and the one that its error is compared with."""

PLANET_MODELS = (LEARNT, "lstm-planet")

GLOBALS = "window.vegaEmbed = vegaEmbed;"
"""What the bundled library gives to the page."""

LEADS = 24
"""Months of a forecast that the page holds."""

ORIGIN_STEP = 11
"""Origins apart (months, where origins are monthly): coprime with 12, so that every start month is among them."""

DIGITS = 3
"""Decimals of scores, and of the share of them that is saved."""

CELL_SIZE = 5.0
"""Edge (degrees) of the map's cells, or the nearest multiple of the grid's step."""

FIRST_CELL = 54.3, 10.1
"""Latitude and longitude (degrees) that the map shows at first: Kiel, the smallest of the named places."""


def page(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    """What the template reads: the library and the charts' specifications; the same values become files.

    `cells` is None where the planet was not scored.
    """
    models, cases = shown_models(inputs), forecast_cases(inputs)
    gallery.table(
        "explore-scores",
        f"CRPS of the forecasts on the page Explore, over their first {LEADS} months or those that have come.",
        score_frame(cases),
    )
    forecasts = charts.forecast_chart(
        cases,
        places={region: inputs.title_of(region) for region in inputs.regions},
        titles={region: axis_label(inputs.series[region].attrs) for region in inputs.regions},
        labels={name: style_of(name).label for name in models},
        colours={name: style_of(name).colour for name in models},
        first=LEARNT if LEARNT in models else models[-1],
    )
    return {
        "library": Markup(vl_convert.javascript_bundle(GLOBALS)),
        "forecasts": specification(forecasts, cases=cases, observed=observed_rows(inputs)),
        "leads": LEADS,
        "first": cases[0]["month"],
        "cells": cells_part(inputs, gallery),
    }


def specification(chart: Any, **datasets: Any) -> Markup:
    """A chart and its named data as JSON that can stand in a script element, the same on every run.

    Raises:
        ValueError: a value is not finite (None is what charts leave out).
    """
    whole = chart.to_dict() | {"datasets": datasets}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def shown_models(inputs: ReportInputs) -> list[str]:
    """The reference, every opponent of a headline block, the planet's models and the network of one place."""
    opponents = [inputs.opponent(region, block) for region in inputs.regions for block in inputs.headline_blocks]
    wanted = {inputs.reference, *opponents, *PLANET_MODELS, inputs.primary}
    return [name for name in inputs.models if name in wanted]


def shown_origins(table: xr.Dataset) -> list[int]:
    """Positions of origins: every ORIGIN_STEP-th, and the last one, whose forecast is issued."""
    last = table.sizes["origin"] - 1
    return [*range(0, last, ORIGIN_STEP), last]


def forecast_cases(inputs: ReportInputs) -> list[dict[str, Any]]:
    """One row per place, model and origin: quantiles by lead, the score, and what it says."""
    models = shown_models(inputs)
    return [row for region in inputs.regions for row in _cases_of(inputs, region, models)]


def _cases_of(inputs: ReportInputs, region: str, models: list[str]) -> list[dict[str, Any]]:
    whole = inputs.forecasts[region]
    known = [name for name in models if name in whole["model"].values]
    table = whole.sel(model=known).isel(origin=shown_origins(whole), lead=slice(LEADS))
    crps = cell_scores(table)["crps"]
    mean = crps.mean("lead").to_pandas().T
    verified = crps.notnull().all("model").sum("lead").to_pandas()
    levels = (
        table["forecast"].sel(quantile=list(charts.LEVELS.values())).transpose("origin", "model", "quantile", "lead")
    )
    rows = []
    newest = whole["origin"].values[-1]
    for origin, quantiles in zip(table["origin"].values, levels.values, strict=True):
        scored, months = mean.loc[origin], int(verified.loc[origin])
        against = float(scored.get(inputs.reference, np.nan))
        for model in models:
            row: dict[str, Any] = {
                "place": region,
                "model": model,
                "origin": charts.NEWEST if origin == newest else words.iso_month(origin),
                "month": words.month(origin),
                "start": int(origin.astype("datetime64[M]").astype(np.int64)),
                "label": style_of(model).label,
                "months": months,
            }
            if model in known:
                own = float(scored[model])
                row |= zip(charts.LEVELS, map(_rounded, quantiles[known.index(model)]), strict=True)
                row |= {"crps": _number(own), "reference": _number(against)}
                row["verdict"] = verdict(inputs, model, own, against, months, inputs.unit(region))
                row["short"] = "" if months == 0 else words.number(own, DIGITS)
            else:
                row |= {name: [] for name in charts.LEVELS}
                row |= {"crps": None, "reference": None, "short": ""}
                row["verdict"] = "This model has no forecast of this place."
            rows.append(row)
    return rows


def verdict(inputs: ReportInputs, model: str, own: float, against: float, months: int, unit: str) -> str:
    """The score of one forecast (`own`), set against that of the reference at the same months."""
    if months == 0 or not np.isfinite(own):
        return "None of these months has been observed: there is no score yet."
    score = f"CRPS {words.number(own, DIGITS)} {unit} over {words.count(months, 'month')}"
    if model == inputs.reference:
        return f"{score}. The other models are compared with this one."
    if not np.isfinite(against) or against <= 0:
        return f"{score}."
    simple = f"{words.number(against, DIGITS)} for {style_of(inputs.reference).phrase}"
    return f"{score}, against {simple}: {saving(1 - own / against, 0)}."


def observed_rows(inputs: ReportInputs) -> list[dict[str, Any]]:
    """One row per place: its record from LEADS months before the first origin on; None where it has no value."""
    rows = []
    for region in inputs.regions:
        first = inputs.forecasts[region]["origin"].values[0].astype("datetime64[M]") - LEADS
        series = inputs.series[region]["value"]
        months = series["time"].values.astype("datetime64[M]")
        values = series.values[months >= first]
        start = int(months[months >= first][0].astype(np.int64))
        newest = int(inputs.forecasts[region]["origin"].values[-1].astype("datetime64[M]").astype(np.int64))
        rows.append({"place": region, "start": start - 1, "newest": newest, "value": _rounded(values)})
    return rows


def score_frame(cases: list[dict[str, Any]]) -> pd.DataFrame:
    """The scores of all cases that have one."""
    rows = [
        {
            "region": case["place"],
            "model": case["model"],
            "origin": case["origin"],
            "n": case["months"],
            "crps": case["crps"],
            "crps_reference": case["reference"],
        }
        for case in cases
        if case["crps"] is not None
    ]
    return pd.DataFrame(rows, columns=["region", "model", "origin", "n", "crps", "crps_reference"])


def coarse_cells(planet: xr.Dataset, blocks: list[str]) -> pd.DataFrame:
    """Share of CRPS that LEARNT saves against SIMPLE in boxes of about CELL_SIZE degrees, from sums over their cells.

    Args:
        planet: `crps` (forecaster, cell, block, start), `pairs` (block, start), and `lat`, `lon` and `area` of cells;
            a NaN of one forecaster leaves the months of that cell and start out for both.
        blocks: columns of the result.

    Returns:
        Middle (`lat`, `lon`) and edges (`west`, `east`, `south`, `north`, degrees) of each box, of which those at the
        poles are cut, and one column per block, NaN where nothing was scored, from the north-west.
    """
    lat, lon = planet["lat"].values, planet["lon"].values
    step = float(np.diff(np.unique(lon)).min())
    size = step * max(1, round(CELL_SIZE / step))
    # boxes are made of whole cells, whose centres are given: the edges lie half a step beside them
    west_end, south_end = -180.0 - step / 2, -90.0 - step / 2
    column = np.floor((lon - west_end) % 360 / size).astype(int)
    rows = max(1, int(180 // size))
    row = np.minimum(np.floor((lat - south_end) / size).astype(int), rows - 1)
    crps = planet["crps"].sel(forecaster=[LEARNT, SIMPLE], block=blocks)
    weighted = crps.where(crps.notnull().all("forecaster")) * planet["pairs"] * planet["area"]
    sums = weighted.sum("start").transpose("cell", "forecaster", "block").values
    total = pd.DataFrame(sums.reshape(len(lat), -1)).groupby([row, column]).sum()
    learnt, simple = np.split(total.to_numpy(), 2, axis=1)
    y, x = (total.index.get_level_values(level).to_numpy() for level in (0, 1))
    south, west = south_end + y * size, west_end + x * size
    frame = pd.DataFrame({"lat": south + size / 2, "lon": west + size / 2, "west": west, "east": west + size})
    frame["south"] = np.maximum(south, -90.0)
    frame["north"] = np.where(y == rows - 1, 90.0, south + size)
    with np.errstate(divide="ignore", invalid="ignore"):
        frame[blocks] = 1 - learnt / simple
    return frame.sort_values(["lat", "lon"], ascending=[False, True], ignore_index=True)


def cells_part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """The map of the planet, and the same values as a file."""
    if "crps" not in inputs.cells or not {LEARNT, SIMPLE} <= set(inputs.cells["forecaster"].values.tolist()):
        return None
    blocks = [block for block in inputs.headline_blocks if block in inputs.cells["block"].values]
    frame = coarse_cells(inputs.cells, blocks)
    long = frame.melt(["west", "east", "south", "north"], blocks, "block", "saved")
    gallery.table("explore-cells", f"CRPS that {LEARNT} saves against {SIMPLE}, by cell of the map of Explore.", long)
    nearest = int(np.argmin(np.hypot(frame["lat"] - FIRST_CELL[0], frame["lon"] - FIRST_CELL[1])))
    chart = charts.cell_chart(
        frame,
        {block: words.capital(inputs.when(block)) for block in blocks},
        (float(frame["lat"][nearest]), float(frame["lon"][nearest])),
    )
    land = inputs.shapes.get(LAND)
    coast = [] if land is None else charts.coast_rows(land)
    return {
        "chart": specification(chart, cells=cell_rows(frame, blocks), coast=coast),
        "learnt": style_of(LEARNT).phrase,
        "simple": style_of(SIMPLE).phrase,
        "less": LESS_ERROR,
        "more": MORE_ERROR,
    }


def cell_rows(frame: pd.DataFrame, blocks: list[str]) -> list[dict[str, Any]]:
    """Cells as the map takes them: edges on its axes, and share and text by block."""
    return [
        {
            "lat": row["lat"],
            "lon": row["lon"],
            "west": row["west"],
            "east": row["east"],
            "bottom": charts.height(row["south"]),
            "top": charts.height(row["north"]),
            "where": f"{degrees(row['lat'], 'N', 'S')}, {degrees(row['lon'], 'E', 'W')}",
            "share": {block: _number(row[block]) for block in blocks},
            "text": {block: saving(row[block]) for block in blocks},
        }
        for row in frame.to_dict("records")
    ]


def saving(share: float, digits: int = 1) -> str:
    """'3.1% less error', 'as much error' or 'no score'."""
    if not np.isfinite(share):
        return "no score"
    amount = words.percent(abs(share), digits)
    return (
        "as much error" if amount == words.percent(0.0, digits) else f"{amount} {'less' if share > 0 else 'more'} error"
    )


def degrees(value: float, positive: str, negative: str) -> str:
    """'52.5°N'."""
    return f"{abs(value):g}°{positive if value > 0 else negative if value < 0 else ''}"


def _number(value: float, digits: int = DIGITS) -> float | None:
    return round(value, digits) if np.isfinite(value) else None


def _rounded(values: Any) -> list[float | None]:
    return [_number(float(value), ISSUED_DIGITS) for value in values]
