"""The record of one region with its collection periods."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from climate.forecasters.base import FloatArray
from climate.forecasters.features import centred_year
from climate.report import words
from climate.report.figures.base import (
    INK,
    PHONE,
    SOFT,
    WIDTH,
    Drawing,
    for_phones_too,
    legend_above,
    new_figure,
    on_phone,
    style,
)
from climate.report.inputs import ReportInputs
from climate.report.numbers import Period, annual_means, decimal_year, periods
from climate.report.palette import PERIOD_TINTS
from climate.report.text import is_anomaly, record
from climate.schema import MONTHS_PER_YEAR

VISIBLE = 0.005
"""Half-width of an uncertainty band as a share of the record's range below which it hides behind the line."""
CHARACTER_WIDTH = 0.0085
"""Width of a letter of a period's label as a share of the figure."""
LABEL_SIZE, PHONE_LABEL_SIZE = 9.0, 8.0
"""Points."""
SPARSE = 0.5
"""Share of months with a value below which a record is drawn point by point, as an ice core is."""


def axis_label(attrs: dict[str, object]) -> str:
    """Quantity and unit of a series."""
    unit = words.unit(str(attrs.get("units", "")))
    baseline = str(attrs.get("baseline", "") or "").replace("-", words.EN_DASH)
    name = words.typeset(str(attrs.get("long_name", "") or attrs.get("quantity", "") or "value"))
    if is_anomaly(attrs):
        return f"Departure from {baseline} ({unit})" if baseline else f"Anomaly ({unit})"
    return f"{words.capital(name)} ({unit})" if len(name) <= 32 else f"({unit})"


LONG = 500
"""Years of a record above which its monthly part gets an inset."""


def is_sparse(series: xr.Dataset) -> bool:
    """Whether most months between the first and the last value have none."""
    known = np.flatnonzero(np.isfinite(series["value"].values))
    return bool(known.size < SPARSE * (known[-1] - known[0] + 1))


def record_table(inputs: ReportInputs, region: str) -> pd.DataFrame:
    """Month, value, twelve-month mean, uncertainty and where the value is from."""
    series = inputs.record(region)
    known = np.flatnonzero(np.isfinite(series["value"].values))
    series = series.isel(time=known if is_sparse(series) else slice(int(known[0]), int(known[-1]) + 1))
    table = pd.DataFrame(
        {
            "month": [words.iso_month(time) for time in series["time"].values],
            "value": series["value"].values.astype(float),
        }
    )
    if not is_sparse(inputs.record(region)):
        table["twelve_month_mean"] = centred_year(table["value"].to_numpy())
    for name in ("uncertainty", "source", "site", "period", "interpolated"):
        if name in series:
            table[name] = series[name].values
    return table


@for_phones_too
def record_figure(inputs: ReportInputs, region: str) -> Drawing:
    """Monthly values and their twelve-month mean; collection periods as tints, values filled in as rings."""
    series, data = inputs.record(region), record_table(inputs, region)
    x = decimal_year(data["month"])
    spans = periods(series)
    with style():
        figure = new_figure(4.0)
        axes = figure.subplots()
        _period_tints(axes, series, data, x)
        half = 2 * data["uncertainty"].to_numpy(dtype=float) if "uncertainty" in data else np.full(x.size, np.nan)
        if np.isfinite(half).any() and np.nanmedian(half) > VISIBLE * (data["value"].max() - data["value"].min()):
            axes.fill_between(x, data["value"] - half, data["value"] + half, color="#B9C6D0", lw=0, label="±2 s.e.")
        if "twelve_month_mean" in data:
            axes.plot(x, data["value"], color="#9AA7B1", lw=0.7, label="Month")
            axes.plot(x, data["twelve_month_mean"], color=INK, lw=2.0, label="Twelve-month mean")
        else:
            axes.plot(x, data["value"], "o-", color=INK, lw=1.0, ms=2.2, mew=0, label="Value")
        if "interpolated" in data and data["interpolated"].any():
            filled = data["interpolated"].to_numpy(dtype=bool)
            axes.plot(
                x[filled], data["value"][filled], "o", ms=4, mfc="white", mec="#D55E00", mew=1.2, label="Interpolated"
            )
        if x[-1] - x[0] > LONG:
            _inset(axes, x, data)
        if is_anomaly(series.attrs):
            axes.axhline(0, color="#8A8A8A", lw=0.8, zorder=1)
        axes.set_xlim(float(x[0]), float(x[-1]) + 0.01 * float(x[-1] - x[0]))
        axes.set_ylabel(axis_label(series.attrs))
        axes.set_xlabel("Year")
        legend_above(axes)
    title = inputs.title_of(region)
    annual = annual_means(series)
    alt = f"Record of {title}. " + " ".join(record(inputs, region))
    if annual.size:
        first, last = (f"{annual.index[end]}: {words.number(annual.iloc[end])}" for end in (0, -1))
        alt += f" Annual mean {first}, {last}."
    named = [
        f"{name} ({words.iso_month(period.first)} to {words.iso_month(period.last)})"
        for name, period in zip(period_names(spans), spans, strict=True)
    ]
    if len(spans) > 1:
        alt += f" Collected in {words.count(len(spans), 'period')}: {'; '.join(named)}."
    caption = f"{title}: monthly values and their centred twelve-month mean."
    if "twelve_month_mean" not in data:
        caption = f"{title}: single values, joined by a line."
    if len(spans) > 1:
        parts = words.count(len(spans), "collection period")
        caption += f" Tints: {parts}; dashed lines: the seams between them."
    elif spans and spans[0].name:
        caption += f" One collection period: {spans[0].name}."
    return Drawing(f"{region}-record", figure, data, alt, caption)


def _inset(axes: Axes, x: FloatArray, data: pd.DataFrame) -> None:
    """The months of a long record from the first year on in which all have a value."""
    years = data["month"].str[:4]
    first = data.index[years.map(years.value_counts()) == MONTHS_PER_YEAR]
    if not first.size:
        return
    inset = axes.inset_axes((0.16, 0.22, 0.5, 0.44) if on_phone() else (0.16, 0.36, 0.5, 0.52))
    recent = slice(int(first[0]), None)
    inset.plot(x[recent], data["value"].to_numpy()[recent], color=INK, lw=0.9)
    inset.set_title(f"Monthly, since {years[first[0]]}", fontsize=9.5, color=SOFT, fontweight="normal")
    inset.tick_params(labelsize=9)


def period_names(spans: Sequence[Period]) -> list[str]:
    """Name of each collection period, with its site where one name stands for several."""
    sites: dict[str, set[str]] = {}
    for period in spans:
        sites.setdefault(period.name or period.source, set()).add(period.site)
    names = [period.name or period.source for period in spans]
    return [
        f"{name}, {period.site}" if len(sites[name]) > 1 and period.site else name
        for name, period in zip(names, spans, strict=True)
    ]


def _period_tints(axes: Axes, series: xr.Dataset, data: pd.DataFrame, x: FloatArray) -> None:
    spans = periods(series)
    if len(spans) < 2:
        return
    names = period_names(spans)
    tint = {name: PERIOD_TINTS[i % len(PERIOD_TINTS)] for i, name in enumerate(dict.fromkeys(names))}
    starts = [float(decimal_year(np.array([p.first]))[0]) - 1 / 24 for p in spans]
    ends, length = [*starts[1:], float(x[-1])], float(x[-1] - x[0])
    values = data["value"].to_numpy(dtype=float)
    relative = (values - np.nanmin(values)) / max(float(np.ptp(values[np.isfinite(values)])), 1e-12)
    line, anchor = 0, float(x[0])
    size, width = LABEL_SIZE, CHARACTER_WIDTH
    if on_phone():
        size, width = PHONE_LABEL_SIZE, CHARACTER_WIDTH * WIDTH / PHONE * PHONE_LABEL_SIZE / LABEL_SIZE
    for place, (name, start, end) in enumerate(zip(names, starts, ends, strict=True)):
        axes.axvspan(start, end, color=tint[name], lw=0, zorder=0)
        if place:
            axes.axvline(start, color=SOFT, lw=1.0, ls=(0, (3, 2)), zorder=1.5)
        if name in names[:place]:
            continue
        letters = int((end - start) / length / width)
        fits = max(map(len, name.split())) <= letters
        # names of narrow periods get their own lines, so that they do not overlap
        line, anchor = (0, start) if fits else (line + 1, anchor if line else start)
        right = not fits and end > x[0] + 0.5 * length
        near = (x >= anchor - 0.25 * length) & (x <= anchor) if right else (x >= start) & (x <= start + 0.25 * length)
        low = float(np.nanmean(relative[near])) > 0.5
        axes.text(
            anchor + (-1 if right else 1) * 0.004 * length,
            (0.03 if low else 0.97) + (1 if low else -1) * 0.062 * max(line - 1, 0),
            fill(name, letters, break_long_words=False) if fits else name,
            transform=axes.get_xaxis_transform(),
            va="bottom" if low else "top",
            ha="right" if right else "left",
            fontsize=size,
            color=SOFT,
        )
