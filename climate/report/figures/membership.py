"""A combination of records: the spread of its members, and when each of them runs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.features import centred_year
from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, for_phones_too, legend_above, new_figure, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year

VARIABLES = ("spread", "members")
"""What a combination has besides a series: standard deviation among its members (unit of the value), their number."""
BAND, BAR = "#B9C6D0", "#0072B2"
EDGE_YEARS = 10
"""First and last years of the time with more than one member, whose spreads are compared."""


def is_combination(series: xr.Dataset) -> bool:
    """Whether a record is a combination whose members and spread are known."""
    return all(name in series for name in VARIABLES)


def membership_table(series: xr.Dataset) -> pd.DataFrame:
    """Month, mean, spread, number and names of the members that run, from the first to the last value."""
    known = np.flatnonzero(np.isfinite(series["value"].values))
    valid = series.isel(time=slice(int(known[0]), int(known[-1]) + 1))
    return pd.DataFrame(
        {
            "month": [words.iso_month(time) for time in valid["time"].values],
            "value": valid["value"].values.astype(float),
            "spread": valid["spread"].values.astype(float),
            "members": valid["members"].values.astype(int),
            "running": valid["source"].values.astype(str),
        }
    )


@for_phones_too
def membership_figure(inputs: ReportInputs, name: str) -> Drawing | None:
    """Twelve-month mean with the spread among members around it, over a bar per member; None for other records."""
    series = inputs.record(name)
    if not is_combination(series):
        return None
    data = membership_table(series)
    x = decimal_year(data["month"])
    keys = list(dict.fromkeys(key for running in data["running"] for key in running.split(",") if key))
    unit = inputs.unit(name)
    mean, spread = centred_year(data["value"].to_numpy()), centred_year(data["spread"].to_numpy())
    with style():
        figure = new_figure(3.8 + 0.3 * len(keys))
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 0.5 + 0.3 * len(keys)])
        top.fill_between(x, mean - 2 * spread, mean + 2 * spread, color=BAND, lw=0, label="±2 spreads")
        top.plot(x, mean, color=INK, lw=1.6, label="Twelve-month mean")
        top.set_ylabel(f"Departure ({unit})")
        legend_above(top)
        for row, key in enumerate(keys):
            running = data["running"].str.split(",").map(lambda valid, key=key: key in valid).to_numpy()
            for start, stop in _runs(running):
                bottom.barh(row, x[stop - 1] - x[start] + 1 / 12, left=x[start], height=0.55, color=BAR)
        bottom.set_yticks(range(len(keys)), keys)
        bottom.set_ylim(len(keys) - 0.4, -0.6)
        bottom.grid(axis="y", visible=False)
        bottom.tick_params(axis="y", labelcolor=SOFT, labelsize=9.5)
        bottom.set_xlabel("Year")
    caption = " ".join(
        [
            f"{inputs.title_of(name)}: mean of its members and their spread (standard deviation, twelve-month mean); "
            "below, the time that each member covers.",
            *membership_text(inputs, name),
        ]
    )
    return Drawing(f"{name}-members", figure, data, caption, caption)


def membership_text(inputs: ReportInputs, name: str) -> list[str]:
    """Number of members by time, and their spread; [] for other records."""
    series = inputs.record(name)
    if not is_combination(series):
        return []
    data, unit = membership_table(series), inputs.unit(name)
    parts = [
        f"{data['month'].iloc[start]} to {data['month'].iloc[stop - 1]} {words.count(int(count), 'member')}"
        for count, start, stop in _stretches(data["members"].to_numpy())
    ]
    sentences = [f"Members by month: {'; '.join(parts)}."]
    spread = data["spread"].to_numpy()
    together = np.flatnonzero(np.isfinite(spread))
    if together.size >= 2 * 12 * EDGE_YEARS:
        first, last = (_median(spread[part]) for part in (together[: 12 * EDGE_YEARS], together[-12 * EDGE_YEARS :]))
        months = data["month"].to_numpy()
        sentences.append(
            f"Median spread in the first {EDGE_YEARS} years with more than one member (from {months[together[0]]}): "
            f"{words.significant(first, 2)} {unit}; in the last {EDGE_YEARS} years (to {months[together[-1]]}): "
            f"{words.significant(last, 2)} {unit}."
        )
    elif together.size:
        sentences.append(f"Median spread: {words.significant(_median(spread[together]), 2)} {unit}.")
    if left_out := str(series.attrs.get("left_out", "")):
        sentences.append(f"Left out, starting too late for an overlap: {left_out.replace(',', ', ')}.")
    return sentences


def _median(values: FloatArray) -> float:
    return float(np.nanmedian(values))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _stretches(counts: np.ndarray) -> list[tuple[int, int, int]]:
    """Number, start and stop of each stretch with the same number of members."""
    edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), counts.size]
    return [(int(counts[start]), start, stop) for start, stop in pairwise(edges)]
