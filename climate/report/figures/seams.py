"""Seams: both records over their overlap, and their difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, legend_above, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year

OLDER, NEWER = "#E69F00", "#0072B2"
SIDES = ("older_value", "newer_value")
"""Variables (seam, time) that hold both records over their overlap, NaN elsewhere."""


def seam_figures(inputs: ReportInputs) -> list[Drawing]:
    """One figure per seam whose overlap is given."""
    seams = inputs.seams
    if seams is None or any(name not in seams for name in SIDES):
        return []
    drawings = [seam_figure(seams.isel(seam=place), place) for place in range(seams.sizes["seam"])]
    return [drawing for drawing in drawings if drawing is not None]


def seam_figure(seam: xr.Dataset, place: int) -> Drawing | None:
    """Both records over their overlap, and what is left of their difference after the offset; None without overlap."""
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
    offset = float(data["newer_minus_older"].mean())
    names = [str(seam[name].item()) if name in seam else name for name in ("older", "newer")]
    unit = words.unit(str(seam["older_value"].attrs.get("units", "")))
    x = decimal_year(times)
    with style():
        figure = new_figure(4.6)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        top.plot(x, data["older"], color=OLDER, lw=2.4, label=names[0])
        top.plot(x, data["newer"], color=NEWER, lw=1.1, label=names[1])
        top.set_ylabel(f"Value ({unit})")
        legend_above(top)
        bottom.axhline(0, color=SOFT, lw=0.8)
        bottom.axhline(offset, color=INK, lw=1.2, ls=(0, (4, 2)), label=f"Mean: {words.number(offset, 2, True)} {unit}")
        bottom.plot(x, data["newer_minus_older"], color="#7A7A7A", lw=1.0, label="Newer minus older")
        bottom.set_ylabel(f"Difference ({unit})")
        bottom.set_xlabel("Year")
        legend_above(bottom)
    first, last = data["month"].iloc[0], data["month"].iloc[-1]
    spread = float(data["newer_minus_older"].std())
    fact = (
        f"{len(data)} months, {first} to {last}; {names[1]} lies {words.number(offset, 3, True)} {unit} from {names[0]} "
        f"on average, with a standard deviation of {words.significant(spread)} {unit}"
    )
    return Drawing(
        f"seam-{place + 1}",
        figure,
        data,
        f"Overlap of {names[0]} and {names[1]}: {fact}.",
        f"The overlap of {names[0]} and {names[1]}: {fact}.",
    )
