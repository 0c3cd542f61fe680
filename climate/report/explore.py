"""The page on which a reader chooses a forecast, or a cell of the planet, and reads its values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import vl_convert
import xarray as xr
from markupsafe import Markup

from climate.report import words
from climate.report.figures import explore as charts
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.palette import LESS_ERROR, MORE_ERROR, style_of
from climate.report.tables import Table, make_table, numeric
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
"""Decimals of values in the unit of the record."""

CELL_SIZE = 5.0
"""Edge (degrees) of the map's cells, or the nearest multiple of the grid's step."""


def page(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    """What the template reads: the library, the charts' specifications, and the same values as files and tables.

    `cells` is None where the planet was not scored; `library` holds no address that the page would load from.
    """
    models, cases = shown_models(inputs), forecast_cases(inputs)
    gallery.table(
        "explore-scores",
        f"CRPS of the forecasts on the page Explore, over their first {LEADS} months or those that have come.",
        score_frame(cases),
    )
    labels = {name: style_of(name).label for name in models}
    titles = {region: f"{inputs.title_of(region)} ({inputs.unit(region)})" for region in inputs.regions}
    colours = {name: style_of(name).colour for name in models}
    forecasts = charts.forecast_chart(cases, titles, labels, colours)
    return {
        "library": Markup(vl_convert.javascript_bundle(GLOBALS)),
        "forecasts": specification(forecasts, cases=cases, observed=observed_rows(inputs)),
        "reference": style_of(inputs.reference).phrase,
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
    mean, verified = crps.mean("lead"), crps.notnull().all("model").sum("lead")
    rows = []
    newest = whole["origin"].values[-1]
    for origin in table["origin"].values:
        one = table.sel(origin=origin)
        months = int(verified.sel(origin=origin))
        against = float(mean.sel(model=inputs.reference, origin=origin)) if inputs.reference in known else np.nan
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
                own = float(mean.sel(model=model, origin=origin))
                quantiles = one["forecast"].sel(model=model)
                row |= {name: _rounded(quantiles.sel(quantile=level).values) for name, level in charts.LEVELS.items()}
                row |= {"crps": _number(own), "reference": _number(against)}
                row["verdict"] = verdict(inputs, model, own, against, months, inputs.unit(region))
                row["short"] = "" if months == 0 else words.number(own, DIGITS)
            else:
                row |= {name: [] for name in charts.LEVELS}
                row |= {"crps": None, "reference": None, "short": ""}
                row["verdict"] = f"{words.capital(style_of(model).phrase)}\nhas no forecast of this place"
            rows.append(row)
    return rows


def verdict(inputs: ReportInputs, model: str, own: float, against: float, months: int, unit: str) -> str:
    """The score of one forecast and that of the reference, in two lines."""
    if months == 0 or not np.isfinite(own):
        return "None of its months has come:\nthere is no score yet"
    first = f"CRPS {words.number(own, DIGITS)} {unit} over {words.count(months, 'month')}"
    if model == inputs.reference:
        return f"{first}\nThis is the reference"
    if not np.isfinite(against) or against <= 0:
        return f"{first}\nThe reference has no score here"
    saved = 1 - own / against
    kind = "less" if saved > 0 else "more"
    amount = words.percent(abs(saved))
    same = amount == words.percent(0.0)
    return f"{first}\nReference {words.number(against, DIGITS)}: " + ("the same" if same else f"{amount} {kind} error")


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
        planet: `crps` (forecaster, cell, block, start), `pairs` (block, start), and `lat`, `lon` and `area` of cells.
        blocks: columns of the result.

    Returns:
        Edges `west`, `east`, `south`, `north` (degrees) of each box and one column per block, from the north-west.
    """
    lat, lon = planet["lat"].values, planet["lon"].values
    step = float(np.diff(np.unique(lon)).min())
    size = step * max(1, round(CELL_SIZE / step))
    # boxes are made of whole cells, whose centres are given: the edges lie half a step beside them
    west_end, south_end = -180.0 - step / 2, -90.0 - step / 2
    column = np.floor((lon - west_end) % 360 / size).astype(int)
    rows = max(1, int(180 // size))
    row = np.minimum(np.floor((lat - south_end) / size).astype(int), rows - 1)
    weighted = planet["crps"] * planet["pairs"] * planet["area"]
    sums = weighted.sel(forecaster=[LEARNT, SIMPLE], block=blocks).sum("start").transpose("cell", ...).values
    total = pd.DataFrame(sums.reshape(len(lat), -1)).groupby([row, column]).sum()
    learnt, simple = np.split(total.to_numpy(), 2, axis=1)
    place = total.index.get_level_values(0).to_numpy()
    south = np.maximum(south_end + place * size, -90.0)
    north = np.where(place == rows - 1, 90.0, south_end + (place + 1) * size)
    west = west_end + total.index.get_level_values(1).to_numpy() * size
    frame = pd.DataFrame({"west": west, "east": west + size, "south": south, "north": north})
    with np.errstate(divide="ignore", invalid="ignore"):
        frame[blocks] = 1 - learnt / simple
    return frame.sort_values(["north", "west"], ascending=[False, True], ignore_index=True)


def cells_part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """The map of the planet, and the same values as a file and as tables."""
    if "crps" not in inputs.planet or not {LEARNT, SIMPLE} <= set(inputs.planet["forecaster"].values.tolist()):
        return None
    blocks = [block for block in inputs.headline_blocks if block in inputs.planet["block"].values]
    frame = coarse_cells(inputs.planet, blocks)
    long = frame.melt(["west", "east", "south", "north"], blocks, "block", "saved")
    gallery.table("explore-cells", f"CRPS that {LEARNT} saves against {SIMPLE}, by cell of the map of Explore.", long)
    when = {block: words.capital(inputs.when(block)) for block in blocks}
    rows = frame.round(dict.fromkeys(blocks, DIGITS + 1)).replace({np.nan: None}).to_dict("records")
    land = inputs.shapes.get(charts.LAND)
    coast = [] if land is None else charts.coast_rows(land)
    return {
        "chart": specification(charts.cell_chart(frame, when), cells=rows, coast=coast),
        "tables": [cell_table(frame, block, inputs.when(block)) for block in blocks],
        "learnt": style_of(LEARNT).phrase,
        "simple": style_of(SIMPLE).phrase,
        "less": LESS_ERROR,
        "more": MORE_ERROR,
    }


def cell_table(frame: pd.DataFrame, block: str, when: str) -> Table:
    """The map of one block as a table from north to south and from west to east."""
    grid = frame.assign(y=charts.middle(frame["south"], frame["north"]), x=charts.middle(frame["west"], frame["east"]))
    wide = grid.pivot(index="y", columns="x", values=block).sort_index(ascending=False)
    return make_table(
        f"Error saved (%) {when}: middles of cells, rows from north to south, columns from west to east.",
        ["Latitude", *numeric(*(charts.longitude(float(x)) for x in wide.columns.to_numpy()))],
        [
            [charts.latitude(y), *(words.number(100 * value, 0) for value in row)]
            for y, row in zip(wide.index, wide.to_numpy(), strict=True)
        ],
    )


def _number(value: float) -> float | None:
    return round(value, DIGITS) if np.isfinite(value) else None


def _rounded(values: Any) -> list[float | None]:
    return [_number(float(value)) for value in values]
