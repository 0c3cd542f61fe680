"""Seams: both records over their overlap, and their difference."""

from __future__ import annotations

from textwrap import shorten

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, legend_above, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year

OLDER, NEWER = "#E69F00", "#0072B2"
LABEL_LENGTH = 90
"""Letters of a legend's line that fit the figure."""
SIDES = ("older_value", "newer_value")
"""Variables (seam, time) that hold both records over their overlap, NaN elsewhere."""


def seam_figures(inputs: ReportInputs) -> list[Drawing | None]:
    """One figure per seam, None for one whose overlap is not given."""
    seams = inputs.seams
    if seams is None or any(name not in seams for name in SIDES):
        return [None] * (seams.sizes.get("seam", 0) if seams is not None else 0)
    return [seam_figure(inputs, seams.isel(seam=place), place + 1) for place in range(seams.sizes["seam"])]


def seam_figure(inputs: ReportInputs, seam: xr.Dataset, place: int) -> Drawing | None:
    """Both records over their overlap, their difference and the offset of the splice; None without overlap."""
    older, newer = (seam[name].values.astype(float) for name in SIDES)
    both = np.isfinite(older) & np.isfinite(newer)
    if not both.any():
        return None
    times = seam["time"].values[both]
    data = pd.DataFrame(
        {
            "month": [words.iso_month(time) for time in times],
            "older": older[both],
            "newer": newer[both],
            "newer_minus_older": newer[both] - older[both],
        }
    )
    offset, offset_se, step, step_se = (_scalar(seam, name) for name in ("offset", "offset_se", "step", "step_se"))
    names = [inputs.source_title(str(seam[name].item())) if name in seam else name for name in ("older", "newer")]
    unit = words.unit(str(seam["units"].item()))
    x = decimal_year(times)
    with style():
        figure = new_figure(5.0)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        top.plot(x, data["older"], color=OLDER, lw=2.6, label=shorten(names[0], LABEL_LENGTH))
        top.plot(x, data["newer"], color=NEWER, lw=1.2, label=shorten(names[1], LABEL_LENGTH))
        top.set_ylabel(f"Value ({unit})")
        bottom.axhline(0, color=SOFT, lw=0.8)
        bottom.plot(x, data["newer_minus_older"], color="#7A7A7A", lw=1.0, label="Newer minus older")
        if np.isfinite(offset):
            bottom.axhspan(offset - 2 * offset_se, offset + 2 * offset_se, color="#D55E00", alpha=0.18, lw=0)
            bottom.axhline(offset, color="#D55E00", lw=1.4, label="Offset of the join, ±2 standard errors")
        bottom.set_ylabel(f"Difference ({unit})")
        bottom.set_xlabel("Year")
        join = float(decimal_year(seam["join"].values[None])[0]) if "join" in seam else float("nan")
        shown = x[0] <= join <= x[-1]
        for axes in (top, bottom) if shown else ():
            axes.axvline(join, color=INK, lw=1.0, ls=(0, (3, 2)))
        legend_above(top, columns=1)
        legend_above(bottom, columns=2)
    first, last = data["month"].iloc[0], data["month"].iloc[-1]
    fact = f"{words.count(len(data), 'common value')}, {first} to {last}"
    if np.isfinite(offset):
        fact += (
            f"; offset {words.significant(offset, 2)} {unit} (standard error {words.significant(offset_se, 2)}), "
            "added to the older record"
        )
    if np.isfinite(step):
        fact += f"; residual step at the join {words.significant(step, 2)} {unit} ({words.significant(step_se, 2)})"
    joined = f", joined at {words.iso_month(seam['join'].values)}" if "join" in seam else ""
    joined += " (dashed)" if shown else ""
    text = f"{names[0]} and {names[1]} over their overlap{joined}: {fact}."
    return Drawing(f"seam-{place}", figure, data, text, text)


def _scalar(seam: xr.Dataset, name: str) -> float:
    return float(seam[name].item()) if name in seam else float("nan")
