"""Forecasts with an older and with the newer vintage of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from climate.hindcast.real_time import scales_apart
from climate.report import words
from climate.report.figures.base import INK, Drawing, for_phones_too, legend_above, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year
from climate.report.palette import style_of

THEN_COLOUR, NOW_COLOUR = "#D55E00", "#0072B2"
MOST_TICKS = 10
"""Months whose names fit below the axis."""


def vintage_figures(inputs: ReportInputs) -> list[Drawing]:
    """One figure per source whose forecast of then would be another today."""
    rows = inputs.revisions.get("compared", ())
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
    """Origin and model, what was revised since, a change of scale, and the errors of the two forecasts."""
    knew, unit = row["knew"], words.unit(str(row["units"]))
    start = (
        f"{words.typeset(str(row['title']))}: a forecast from {words.month(np.datetime64(knew['origin'], 'M'))}, where "
        f"vintage {row['old']} ends, by {style_of(str(knew['model'])).phrase}"
    )
    if knew["then"] == knew["now"]:
        return f"{start}, is identical with vintage {row['new']}."
    text = (
        f"{start}, with vintage {row['old']} and with vintage {row['new']} up to the origin. "
        f"{words.capital(words.how_many(int(knew['revised_recent'])))} of the last twelve months before it were "
        f"revised, on average by {words.significant(float(knew['change_recent']))} {unit}."
    )
    if knew["verified"]:
        old, new = (f"{words.significant(float(knew['crps'][which]))} {unit}" for which in ("then", "now"))
        text += (
            f" CRPS over {words.count(int(knew['verified']), 'verified month')}: {old} with the older vintage, {new} "
        )
        text += "with the newer."
    scales = scales_apart(knew)
    if scales is not None:
        text += (
            f" Vintage {row['old']} is on the scale {scales[0]} and vintage {row['new']} on {scales[1]}: part of the "
            "revision, of the gap between the forecasts and of the older one's error is this change of scale."
        )
    return text


@for_phones_too
def _figure(row: Mapping[str, Any], knew: Mapping[str, Any]) -> Drawing:
    data = vintage_table(knew)
    x = decimal_year(data["month"])
    unit = words.unit(str(row["units"]))
    with style():
        figure = new_figure(3.8)
        axes = figure.subplots()
        for release, vintage, colour in (("then", row["old"], THEN_COLOUR), ("now", row["new"], NOW_COLOUR)):
            axes.fill_between(x, data[f"{release}_low"], data[f"{release}_high"], color=colour, alpha=0.15, lw=0)
            axes.plot(x, data[f"{release}_median"], color=colour, lw=1.8, label=f"With vintage {vintage}")
        axes.plot(x, data["observed"], color=INK, lw=1.0, marker="o", ms=2.4, label=f"Observed, vintage {row['new']}")
        axes.set_ylabel(f"Value ({unit})")
        halves = np.flatnonzero(data["month"].str.endswith(("-01", "-07")))
        halves = halves[:: 1 + halves.size // MOST_TICKS]
        axes.set_xticks(x[halves], data["month"].iloc[halves].to_list())
        legend_above(axes)
    text = f"{vintage_text(row)} Medians and 90% intervals."
    return Drawing(f"vintages-{row['source']}", figure, data, text, text)
