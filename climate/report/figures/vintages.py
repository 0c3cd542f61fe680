"""What a forecast issued with an older release of a record knew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from climate.hindcast.real_time import scales_apart
from climate.report import words
from climate.report.figures.base import INK, Drawing, legend_above, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year
from climate.report.palette import style_of

THEN_COLOUR, NOW_COLOUR = "#D55E00", "#0072B2"
MOST_TICKS = 10
"""Months whose names fit below the axis."""


def vintage_figures(inputs: ReportInputs) -> list[Drawing]:
    """One figure per source whose forecast of then would be another today."""
    rows = (inputs.revisions or {}).get("compared", ())
    return [_figure(row, row["knew"]) for row in rows if "knew" in row and row["knew"]["then"] != row["knew"]["now"]]


def vintage_table(knew: Mapping[str, Any]) -> pd.DataFrame:
    """Month, observation, and the median and 90% interval of both forecasts."""
    ahead = np.datetime64(knew["origin"], "M") + np.arange(1, len(knew["then"]) + 1)
    columns: dict[str, Any] = {"month": [words.iso_month(month) for month in ahead], "observed": knew["observed"]}
    for release in ("then", "now"):
        for place, name in enumerate(("low", "median", "high")):
            columns[f"{release}_{name}"] = [row[place] for row in knew[release]]
    return pd.DataFrame(columns).astype({"observed": float})


def vintage_text(row: Mapping[str, Any]) -> str:
    """Origin and model, what was revised of it since, a change of scale, and how the two forecasts did."""
    knew, unit = row["knew"], words.unit(str(row["units"]))
    start = (
        f"{words.typeset(str(row['title']))}: a forecast from {words.month(np.datetime64(knew['origin'], 'M'))}, "
        f"where vintage {row['old']} ends, by one classical model, {style_of(str(knew['model'])).phrase}"
    )
    if knew["then"] == knew["now"]:
        return f"{start}, is the same to the last digit with vintage {row['new']}."
    changed = (
        f"{words.count(int(knew['revised_recent']), 'month')} of the last twelve before it revised since, on average "
        f"by {words.significant(float(knew['change_recent']))} {unit}"
    )
    text = f"{start}, beside one that knows vintage {row['new']} up to then; {changed}"
    if knew["verified"]:
        text += (
            f". Over {words.count(int(knew['verified']), 'verified month')} its error (CRPS) is "
            f"{words.significant(float(knew['crps']['then']))} {unit} with what was known then and "
            f"{words.significant(float(knew['crps']['now']))} {unit} with what is known now"
        )
    scales = scales_apart(knew)
    if scales is not None:
        text += (
            f". Vintage {row['old']} is on the scale {scales[0]} and vintage {row['new']} on {scales[1]}: part of the "
            "revision, of the gap between the forecasts and of the older one's error is this change of scale"
        )
    return f"{text}."


def _figure(row: Mapping[str, Any], knew: Mapping[str, Any]) -> Drawing:
    data = vintage_table(knew)
    x = decimal_year(np.array(data["month"].to_list(), dtype="datetime64[M]"))
    unit = words.unit(str(row["units"]))
    with style():
        figure = new_figure(3.8)
        axes = figure.subplots()
        for release, vintage, colour in (("then", row["old"], THEN_COLOUR), ("now", row["new"], NOW_COLOUR)):
            axes.fill_between(x, data[f"{release}_low"], data[f"{release}_high"], color=colour, alpha=0.15, lw=0)
            axes.plot(x, data[f"{release}_median"], color=colour, lw=1.8, label=f"Knowing vintage {vintage}")
        axes.plot(x, data["observed"], color=INK, lw=1.0, marker="o", ms=2.4, label=f"Observed, vintage {row['new']}")
        axes.set_ylabel(f"Value ({unit})")
        halves = np.flatnonzero(data["month"].str.endswith(("-01", "-07")))
        halves = halves[:: 1 + halves.size // MOST_TICKS]
        axes.set_xticks(x[halves], data["month"].iloc[halves].to_list())
        legend_above(axes)
    text = f"{vintage_text(row)} Medians and 90% intervals."
    return Drawing(f"vintages-{row['source']}", figure, data, text, text)
