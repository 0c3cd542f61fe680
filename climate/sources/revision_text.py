"""What changed between two releases, in words."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.sources.revisions import by_decade, by_series, totals

MAX_LINES = 24
"""Lines of one list; whoever wants all of them takes the differences themselves."""
MAX_SPANS = 3
"""Stretches of rows that are named by their dates."""


def in_words(table: xr.Dataset, old: str, new: str) -> list[str]:
    """`climate.sources.revisions.revisions` as lines of text; `old` and `new` name the releases."""
    unit, summed = table.attrs["units"], totals(table)
    lines = [_upper(change) for change in table.attrs["changed"].split("; ") if change]
    lines.append(f"Rows: {_rows(table, 'only_new', new)}, {_rows(table, 'only_old', old)}")
    lines.append(f"Revised: {_revised(summed, unit)}")
    if int(summed["revised"]):
        lines.append(f"On average over all shared values: {float(summed['mean_change']):+.4g} {unit}")
    if int(summed["filled"]):
        lines.append(
            f"Filled by the publisher in either, and left out above: {int(summed['filled']):,} values, "
            f"{int(summed['filled_revised']):,} of them revised"
        )
    if int(summed["revised"]):
        decades = by_decade(table)
        labels = [f"{decade}s" for decade in decades["decade"].values]
        lines += ["By decade:", *_list(labels, decades, "decade", unit)]
        if table.sizes["series"] > 1:
            series = by_series(table)
            lines += ["By series:", *_list([str(name) for name in series["series"].values], series, "series", unit)]
    return lines


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".replace("_", " ")


def _rows(table: xr.Dataset, side: str, vintage: str) -> str:
    """How many rows one release alone has, and their dates."""
    count = int(totals(table)[f"rows_{side}"])
    if not count:
        return f"none only in {vintage}"
    other = "only_old" if side == "only_new" else "only_new"
    alone = ((table[side] > 0) & (table["shared"] + table["filled"] + table[other] == 0)).any("series").values
    return f"{count:,} only in {vintage} ({_spans(np.flatnonzero(alone), table)})"


def _spans(places: np.ndarray, table: xr.Dataset) -> str:
    """The runs of neighbouring rows at `places` by their first and last date, the longest MAX_SPANS of them."""
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    shown = sorted(sorted(runs, key=lambda run: -run.size)[:MAX_SPANS], key=lambda run: int(run[0]))
    ends = [[label(table["time"].values[run[end]], table) for end in (0, -1)] for run in shown]
    texts = [first if first == last else f"{first} to {last}" for first, last in ends]
    return ", ".join([*texts, "and elsewhere"] if len(runs) > MAX_SPANS else texts)


def label(time: np.datetime64, table: xr.Dataset) -> str:
    """The month of `time`, or its day where rows do not stand for months."""
    months = table["time"].values.astype("datetime64[M]").astype(table["time"].dtype)
    return str(np.datetime_as_string(time, unit="M" if (months == table["time"].values).all() else "D"))


def _revised(summed: xr.Dataset, unit: str) -> str:
    revised, shared = int(summed["revised"]), int(summed["shared"])
    if not shared:
        return "nothing, for the two share no value"
    if not revised:
        return f"none of {shared:,} shared values"
    return (
        f"{revised:,} of {shared:,} shared values ({revised / shared:.1%}), on average by "
        f"{float(summed['mean_absolute']):.3g} {unit}, at most {_largest(summed, unit)}"
    )


def _largest(summed: xr.Dataset, unit: str) -> str:
    at = str(np.datetime_as_string(summed["largest_time"].values, unit="M"))
    text = f"{float(summed['largest']):+.3g} {unit} in {at}"
    if "largest_lat" in summed:
        return f"{text} at {float(summed['largest_lat']):g} N, {float(summed['largest_lon']):g} E"
    return text


def _list(labels: list[str], parts: xr.Dataset, dim: str, unit: str) -> list[str]:
    """One line per part that has revisions, the rest counted; at most MAX_LINES."""
    revised = [i for i in range(parts.sizes[dim]) if int(parts["revised"][i])]
    lines = [f"  {labels[i]}: {_revised(parts.isel({dim: i}), unit)}" for i in revised[:MAX_LINES]]
    left, same = len(revised) - MAX_LINES, len(labels) - len(revised)
    if left > 0:
        lines.append(f"  and {left:,} more")
    if same:
        unrevised = ", ".join(labels[i] for i in range(len(labels)) if i not in revised) if same <= MAX_LINES else same
        lines.append(f"  none revised: {unrevised}")
    return lines
