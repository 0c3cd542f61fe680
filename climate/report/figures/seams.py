"""Seams: both records over their overlap, and their difference."""

from __future__ import annotations

from textwrap import shorten

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.figures.base import (
    INK,
    LINE,
    SOFT,
    Drawing,
    for_phones_too,
    legend_above,
    new_figure,
    on_phone,
    style,
)
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year

OLDER, NEWER = "#E69F00", "#0072B2"
LABEL_LENGTH = 90
"""Letters of a legend's line that fit the figure."""
SIDES = ("older_value", "newer_value")
"""Variables (seam, time) of both records over their overlap, NaN elsewhere."""


def seam_figures(inputs: ReportInputs) -> list[Drawing | None]:
    """One figure per seam, None for one whose overlap is not given."""
    count = inputs.seams.sizes.get("seam", 0)
    return [seam_figure(inputs, inputs.seams.isel(seam=number), number + 1) for number in range(count)]


@for_phones_too
def seam_figure(inputs: ReportInputs, seam: xr.Dataset, number: int) -> Drawing | None:
    """Both records over their overlap, their difference and the offset of the splice; None without overlap."""
    older, newer = (seam[name].values.astype(float) for name in SIDES)
    overlap = np.isfinite(older) & np.isfinite(newer)
    if not overlap.any():
        return None
    times = seam["time"].values[overlap]
    data = pd.DataFrame(
        {
            "month": [words.iso_month(time) for time in times],
            "older": older[overlap],
            "newer": newer[overlap],
            "newer_minus_older": newer[overlap] - older[overlap],
        }
    )
    by_month = seam["offset_by_month"].values
    seasonal = bool(np.isfinite(by_month).any() and np.ptp(by_month[np.isfinite(by_month)]) > 0)
    if seasonal:
        data["offset"] = by_month[times.astype("datetime64[M]").astype(int) % 12]
    offset, offset_se, step, step_se = (float(seam[name]) for name in ("offset", "offset_se", "step", "step_se"))
    names = [inputs.source_title(str(seam[name].item())) for name in ("older", "newer")]
    unit = words.unit(str(seam["units"].item()))
    x = decimal_year(times)
    with style():
        figure = new_figure(5.0)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        letters = LINE if on_phone() else LABEL_LENGTH
        top.plot(x, data["older"], color=OLDER, lw=2.6, label=shorten(names[0], letters))
        top.plot(x, data["newer"], color=NEWER, lw=1.2, label=shorten(names[1], letters))
        top.set_ylabel(f"Value ({unit})")
        bottom.axhline(0, color=SOFT, lw=0.8)
        bottom.plot(x, data["newer_minus_older"], color="#7A7A7A", lw=1.0, label="Newer minus older")
        if seasonal:
            bottom.plot(x, data["offset"], color="#D55E00", lw=1.4, label="Offset of the join, by calendar month")
        elif np.isfinite(offset):
            bottom.axhspan(offset - 2 * offset_se, offset + 2 * offset_se, color="#D55E00", alpha=0.18, lw=0)
            bottom.axhline(offset, color="#D55E00", lw=1.4, label="Offset of the join, ±2 standard errors")
        bottom.set_ylabel(f"Difference ({unit})")
        bottom.set_xlabel("Year")
        join = float(decimal_year(seam["join"].values[None])[0])
        shown = x[0] <= join <= x[-1]
        for axes in (top, bottom) if shown else ():
            axes.axvline(join, color=INK, lw=1.0, ls=(0, (3, 2)))
        legend_above(top, columns=1)
        legend_above(bottom, columns=2)
    first, last = data["month"].iloc[0], data["month"].iloc[-1]
    fact = f"{words.count(len(data), 'common value')}, {first} to {last}"
    if np.isfinite(offset):
        mean = "mean offset" if seasonal else "offset"
        fact += (
            f"; {mean} {words.significant(offset, 2)} {unit} (standard error {words.significant(offset_se, 2)}), "
            f"added to the older record{' by calendar month' if seasonal else ''}"
        )
        if seasonal:
            low, high = (words.significant(end(by_month), 2) for end in (np.nanmin, np.nanmax))
            fact += f", from {low} to {high} {unit}"
    if np.isfinite(step):
        fact += f"; residual step at the join {words.significant(step, 2)} {unit} ({words.significant(step_se, 2)})"
    joined = f"joined at {words.iso_month(seam['join'].values)}{' (dashed)' if shown else ''}"
    text = f"{names[0]} and {names[1]} over their overlap, {joined}: {fact}."
    return Drawing(f"seam-{number}", figure, data, text, text)
