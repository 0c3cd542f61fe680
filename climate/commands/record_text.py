"""A harmonized record in words and as a small plot of characters, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import counted
from climate.harmonize.completeness import annual_means, rule
from climate.harmonize.series import months_of
from climate.schema import TIME_DTYPE

BARS = " ▁▂▃▄▅▆▇█"
PLOT_WIDTH = 72
"""Columns of the small plot."""
MOST_GAPS = 5
"""Gaps that are named, the longest ones."""
MOST_RUNS = 4
"""Stretches of a place or a way of collection that are named one by one."""
SPARSE_VALUES = 10
"""Values, no two of them in neighbouring months, from which a record counts as yearly or sparser where it begins."""
DECADE = 120
"""Months at either end of a combination over which its spread is averaged."""


def facts(series: xr.Dataset) -> list[str]:
    """What a series (time) holds, what is missing in it and where its collection changes, a line per fact."""
    return [*_extent(series), *_rests_on(series), *_gaps(series), *_uncertainty(series), *_collection(series)]


def monthly_from(series: xr.Dataset) -> int:
    """Position of the first month of the monthly part: 0, or behind the yearly or sparser part that comes first."""
    known = np.flatnonzero(np.isfinite(series["value"].values))
    pairs = np.flatnonzero(np.diff(known) == 1)
    before = int(pairs[0]) if pairs.size else known.size
    if before < SPARSE_VALUES:
        return 0
    return int(known[pairs[0]]) if pairs.size else series.sizes["time"]


def _extent(series: xr.Dataset) -> Iterator[str]:
    known = np.isfinite(series["value"].values)
    months = months_of(series["time"])
    unit = series.attrs["units"]
    what = f"{unit}, anomaly from {series.attrs['baseline']}" if series.attrs.get("baseline") else unit
    start = monthly_from(series)
    if start:
        sparse = months[:start][known[:start]]
        wide = int(np.argmax(np.diff(sparse).astype(np.int64)))
        yield (
            f"From {sparse[0]} to {sparse[-1]}: {sparse.size} values, one a year or fewer, in {what}; the widest "
            f"gap is {sparse[wide]} to {sparse[wide + 1]}"
        )
    if start < known.size:
        held = months[start:][known[start:]]
        yield f"From {held[0]} to {held[-1]}: {held.size} months, in {what}"


def _rests_on(series: xr.Dataset) -> Iterator[str]:
    if "cells" in series.attrs:
        cells = int(series.attrs["cells"])
        share = f"{float(series.attrs['covered_share']):.0%} of the area; {series.attrs['coverage_rule']}"
        yield "Grid: 1 cell" if cells == 1 else f"Grid: {cells} cells, {share}"
    if "members" in series:
        count, spread = series["members"].values, series["spread"].values
        shown = [f"{np.nanmean(part):.2g}" for part in (spread[:DECADE], spread[-DECADE:]) if np.isfinite(part).any()]
        yield (
            f"Members: {count[count > 0].min()} to {count.max()} at a time; standard deviation between them "
            f"{' in the first ten years and '.join(shown)} in the last"
        )
    if series.attrs.get("left_out"):
        yield f"Left out for want of an overlap: {series.attrs['left_out']}"


def spans(chosen: NDArray[np.bool_], months: NDArray[np.datetime64]) -> list[tuple[str, int]]:
    """Runs of True in words ("1940-01 to 1940-03", or one month alone) with their lengths, in order of time."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8)))
    return [
        (f"{months[start]} to {months[stop - 1]}" if stop - start > 1 else f"{months[start]}", int(stop - start))
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
    ]


def _gaps(series: xr.Dataset) -> Iterator[str]:
    monthly = series.isel(time=slice(monthly_from(series), None))
    months, known = months_of(monthly["time"]), np.isfinite(monthly["value"].values)
    if not known.any():
        return
    inside = np.zeros_like(known)
    inside[np.flatnonzero(known)[0] : np.flatnonzero(known)[-1]] = True
    for chosen, none, title in (
        (inside & ~known, "No month is missing between.", "Missing between"),
        (monthly["interpolated"].values, "", "Filled in by the publisher"),
    ):
        runs = sorted(spans(chosen, months), key=lambda run: -run[1])
        if not runs:
            yield from [none] if none else []
            continue
        named = ", ".join(text for text, _ in sorted(runs[:MOST_GAPS]))
        more = f" and {len(runs) - MOST_GAPS} shorter ones" if len(runs) > MOST_GAPS else ""
        yield f"{title}: {counted(int(chosen.sum()), 'month')} ({named}{more})"


def _uncertainty(series: xr.Dataset) -> Iterator[str]:
    published = np.isfinite(series["uncertainty"].values)
    known = np.isfinite(series["value"].values)
    if not published.any():
        yield "No uncertainty is published."
    elif published[known].all():
        yield "Uncertainty is published throughout."
    else:
        first, last = months_of(series["time"])[np.flatnonzero(published)[[0, -1]]]
        yield f"Uncertainty is published for {int(published.sum())} values, {first} to {last}"


def _collection(series: xr.Dataset) -> Iterator[str]:
    months, known = months_of(series["time"]), np.isfinite(series["value"].values)
    for label in ("source", "period", "site"):
        names = series[label].values.astype(str)
        different = list(dict.fromkeys(names[known]))
        if label == "source" and (len(different) == 1 or "members" in series):
            continue
        for name in filter(None, different):
            runs = [text for text, _ in spans(names[known] == name, months[known])]
            held = ", ".join(runs) if len(runs) <= MOST_RUNS else f"{runs[0][:7]} to {runs[-1][-7:]}, with breaks"
            listed = ", ".join(part.strip() for part in name.split(","))
            yield f"{label.capitalize()} {listed}: {held}"


def seam_lines(seams: xr.Dataset) -> list[str]:
    """Each seam of a table as of `climate.harmonize.splice.seams_table` in one line."""
    lines = []
    for i in range(seams.sizes["seam"]):
        seam = seams.isel(seam=i)
        unit, older, newer = (seam[name].item() for name in ("units", "older", "newer"))
        months = {name: months_of(seam[name].values[None])[0] for name in ("join", "overlap_start", "overlap_end")}
        left = (
            f"step left {float(seam['step']):+.3f} (se {float(seam['step_se']):.3f})"
            if np.isfinite(seam["step"])
            else "too few values beside the join to tell a step"
        )
        lines.append(
            f"Seam {months['join']}, {older} / {newer}: offset {float(seam['offset']):+.3f} "
            f"{unit}{_by_month(seam['offset_by_month'].values)} "
            f"(se {float(seam['offset_se']):.3f}, n {int(seam['n'])}, {months['overlap_start']} to "
            f"{months['overlap_end']}), {left}"
        )
    return lines


def _by_month(offsets: NDArray[np.float64]) -> str:
    """The range of the offsets of January to December, "" where they are one for all months."""
    low, high = np.nanmin(offsets), np.nanmax(offsets)
    return "" if low == high else f", by calendar month {low:+.3f} to {high:+.3f}"


def plot(series: xr.Dataset, missing: str) -> list[str]:
    """Annual means under the rule `missing` as one row of bars, below it the years at the ends and the range.

    Years without a mean, such as one that has only begun, leave a blank; where a record has one value a year, that is
    its mean. [] where no year has one.
    """
    years, values = _annual(series, missing)
    if not np.isfinite(values).any():
        return []
    every = np.arange(years[0], years[-1] + 1)
    parts = np.array_split(every, min(PLOT_WIDTH, every.size))
    means = np.array([_mean(values[np.isin(years, part)]) for part in parts])
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    levels = (means - low) / (high - low or 1.0) * (len(BARS) - 2) + 1
    bars = "".join(BARS[round(level)] if np.isfinite(level) else " " for level in levels)
    span = f"annual means, {low:.2f} to {high:.2f} {series.attrs['units']}"
    return [bars, f"{every[0]}{span.center(max(len(bars) - len(f'{every[0]}{every[-1]}'), len(span) + 2))}{every[-1]}"]


def _annual(series: xr.Dataset, missing: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Years and their values, NaN where the rule forbids a mean."""
    start = monthly_from(series)
    months, value = months_of(series["time"]), series["value"].values
    sparse = np.flatnonzero(np.isfinite(value[:start]))
    rest = xr.DataArray(value[start:], dims="time", coords={"time": months[start:].astype(TIME_DTYPE)})
    annual = annual_means(rest, rule(missing))["value"] if rest.size else rest
    at = np.concatenate([months[sparse], months_of(annual["time"])]).astype("datetime64[Y]").astype(np.int64) + 1970
    return at, np.concatenate([value[sparse], annual.values])


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
