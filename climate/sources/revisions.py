"""Two releases of one record, compared value by value: what was added, dropped and revised.

A *revision* is new minus old, over values that both releases have and that their publisher measured; values that
either release marks as filled by the publisher are counted apart. Releases are compared exactly, without a tolerance:
the same digits in two files give the same float.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.schema import MONTHS_PER_YEAR
from climate.sources.catalogue import Source, known_from

BLOCK_BYTES = 8 * 2**20
"""Memory for the months of one grid that are compared at a time; the comparison itself takes about ten times that."""
GRID = "grid"
"""Name of the one series of a gridded record."""
COMPARED_ATTRIBUTES = ("version", "scale", "baseline", "units", "kind", "quantity", "cadence", "file_date")
"""Attributes of readers' Datasets whose change says that two releases mean different things."""

MAX_LINES = 24
"""Lines of one list; `differences` has all of them."""
MAX_SPANS = 3
"""Stretches of rows that are named by their dates."""

_COUNTS = ("shared", "revised", "only_old", "only_new", "filled", "filled_revised")


def revisions(old: xr.Dataset, new: xr.Dataset, *, block_bytes: int = BLOCK_BYTES) -> xr.Dataset:
    """What changed from `old` to `new`, per series and time.

    Both are readers' Datasets: tables in dims (series, time) or grids in dims (time, lat, lon), which are read in
    blocks of `block_bytes`. The result has dims (series, time) over everything that either release has; a grid counts
    its cells under the series `grid`. Variables:

        shared, revised: values measured in both releases, and those among them that differ;
        only_old, only_new: values that one release lacks (absent row, or NaN);
        filled, filled_revised: the same counts as shared and revised, of values that the publisher filled;
        change, absolute: sum of the revisions of shared values and of their magnitudes, in `units`;
        largest: the revision of largest magnitude, NaN without shared values; for grids with `lat` and `lon` of it.

    attrs: source, title, units, and `changed`, the changed attributes in words ("" for none).

    Anomalies against another baseline are first moved to that of `new`, see `_at_baseline`.

    Raises ClimateError when the two cannot be compared: another unit, another grid, or a table and a grid.
    """
    changes, old = attribute_changes(old, new), _at_baseline(old, new)
    _require_comparable(old, new)
    blocks = [_statistics(block) for block in _pairs(old, new, block_bytes)]
    table = xr.concat(blocks, dim="time") if len(blocks) > 1 else blocks[0]
    changed = "; ".join(f"{name}: {a} -> {b}" for name, (a, b) in changes.items())
    named = {name: str(new.attrs.get(name, "")) for name in ("source", "title", "units")}
    return table.assign_attrs(named | {"changed": changed})


def differences(old: xr.Dataset, new: xr.Dataset, *, block_bytes: int = BLOCK_BYTES) -> Iterator[xr.Dataset]:
    """Every value that differs or that one release lacks: pieces with dim `row`, in the order of the record.

    Variables series (tables) or lat and lon (grids), time, old, new (NaN where absent), revision and filled. Raises as
    `revisions`.
    """
    old = _at_baseline(old, new)
    _require_comparable(old, new)
    for block in _pairs(old, new, block_bytes):
        block = block.transpose(*(d for d in ("series", "time", "lat", "lon") if d in block.dims))
        a, b = block["old"].values, block["new"].values
        at = np.nonzero((a != b) & ~(np.isnan(a) & np.isnan(b)))
        labels = {str(d): ("row", block[d].values[i]) for d, i in zip(block["old"].dims, at, strict=True)}
        before, after = a[at].astype(np.float64), b[at].astype(np.float64)
        values = {"old": before, "new": after, "revision": after - before, "filled": block["filled"].values[at]}
        yield xr.Dataset(labels | {name: ("row", value) for name, value in values.items()})


def attribute_changes(old: xr.Dataset, new: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Attributes that say something else in `new`: name -> (old, new), "unknown" where one does not say."""
    pairs = {name: (str(old.attrs.get(name, "")), str(new.attrs.get(name, ""))) for name in COMPARED_ATTRIBUTES}
    return {name: (a or "unknown", b or "unknown") for name, (a, b) in pairs.items() if a != b}


def totals(table: xr.Dataset) -> xr.Dataset:
    """The counts of `revisions` summed over its series and times, and what follows from them, without dims.

    Adds mean_absolute (magnitude of the revisions that were made) and mean_change (over all shared values), NaN where
    there is nothing to average; largest with largest_time, largest_series and for grids largest_lat and largest_lon;
    rows_only_old and rows_only_new: rows (time steps of a grid) that the other release lacks altogether.
    """
    result = table[[*_COUNTS, "change", "absolute"]].sum()
    held = table["shared"] + table["filled"]
    for side, other in (("only_old", "only_new"), ("only_new", "only_old")):
        result[f"rows_{side}"] = ((table[side] > 0) & (table[other] == 0) & (held == 0)).sum()
    result["mean_absolute"] = result["absolute"] / result["revised"].where(result["revised"] > 0)
    result["mean_change"] = result["change"] / result["shared"].where(result["shared"] > 0)
    magnitude = np.abs(table["largest"].values)
    labels = [name for name in ("series", "time", "lat", "lon") if name in table.variables]
    if np.isnan(magnitude).all():
        nothing = {"series": "", "time": np.datetime64("NaT", "s"), "lat": np.nan, "lon": np.nan}
        cell = xr.Dataset({name: ((), nothing[name]) for name in labels} | {"largest": ((), np.nan)})
    else:
        series, time = np.unravel_index(int(np.nanargmax(magnitude)), magnitude.shape)
        cell = table.isel(series=int(series), time=int(time))
    result["largest"] = ((), cell["largest"].values)
    for name in labels:
        result[f"largest_{name}"] = ((), cell[name].values)
    return result.assign_attrs(table.attrs)


def by_decade(table: xr.Dataset) -> xr.Dataset:
    """`totals` per decade: dim `decade`, its first year. Decades without any value in both releases are left out."""
    year = table["time"].values.astype("datetime64[Y]").astype(np.int64) + 1970
    held = (table["shared"] + table["filled"]).any("series").values
    starts = np.unique(year[held] // 10 * 10)
    parts = [totals(table.isel(time=year // 10 * 10 == start)) for start in starts]
    if not parts:
        return xr.Dataset(coords={"decade": starts}, attrs=table.attrs)
    return xr.concat(parts, dim=xr.DataArray(starts, dims="decade", name="decade"), join="exact")


def by_series(table: xr.Dataset) -> xr.Dataset:
    """`totals` per series, dim `series`."""
    parts = [totals(table.isel(series=[i])) for i in range(table.sizes["series"])]
    return xr.concat(parts, dim=table["series"], combine_attrs="drop_conflicts")


def last_time(record: xr.Dataset) -> np.datetime64:
    """The last time at which a reader's Dataset has a value, NaT where it has none; a grid is read from its end."""
    for at in range(record.sizes["time"] - 1, -1, -1):
        if np.isfinite(np.asarray(record["value"].isel(time=at).values)).any():
            return np.datetime64(record["time"].values[at])
    return np.datetime64("NaT", "s")


def as_of(source: Source, month: str) -> str:
    """The newest named vintage that was published by `month` (YYYY-MM): what a forecaster could have used then.

    A vintage named by its year alone counts from the end of that year. Sources that do not change with time
    (boundaries) give their oldest vintage where none is old enough. Raises ClimateError when none was published.
    """
    published = [name for name in source.dated if known_from(name) <= month]
    if published:
        return published[-1]
    if source.cadence == "static" and source.dated:
        return source.dated[0]
    raise ClimateError(
        f"{source.key}: found no vintage of {month} or before, expected one of {', '.join(source.dated) or 'none'}; "
        "choose a later month or leave this source out"
    )


def _at_baseline(old: xr.Dataset, new: xr.Dataset) -> xr.Dataset:
    """`old` as anomalies against the baseline of `new`, where both are tables of monthly anomalies that name theirs.

    Each series loses its own mean of each calendar month over that period. A series that lacks a month of the period
    stays as it is, and so does a grid: then the change of baseline, which `revisions` names, is in the revisions.
    """
    before, after = (str(release.attrs.get("baseline", "")) for release in (old, new))
    monthly = old.attrs.get("cadence") == "monthly" and "series" in old["value"].dims
    if before == after or not before or not after or not monthly:
        return old
    first, last = after.split("-")
    period = old["value"].sel(time=slice(first, last))
    if period.sizes["time"] != MONTHS_PER_YEAR * (int(last) - int(first) + 1):
        return old
    normal = period.groupby("time.month").mean(skipna=False).fillna(0.0)
    whole = normal.where(period.notnull().all("time"), 0.0)
    moved = (old["value"].groupby("time.month") - whole).drop_vars("month").transpose(*old["value"].dims)
    return old.assign(value=moved)


def _require_comparable(old: xr.Dataset, new: xr.Dataset) -> None:
    units = [str(release.attrs.get("units", "")) for release in (old, new)]
    if units[0] != units[1]:
        raise ClimateError(f"vintages: found '{units[0]}' in one and '{units[1]}' in the other, expected one unit")
    dims: list[set[Any]] = [set(release["value"].dims) for release in (old, new)]
    if dims[0] != dims[1]:
        raise ClimateError(
            "vintages: found a grid and a table, expected two of one form; choose releases of one source"
        )
    for axis in ("lat", "lon"):
        if axis in dims[0] and not np.array_equal(old[axis].values, new[axis].values):
            raise ClimateError(
                f"vintages: found another {axis} axis in the newer release ({new.sizes[axis]} points, before "
                f"{old.sizes[axis]}), expected the same grid; regrid one of them before comparing"
            )


def _pairs(old: xr.Dataset, new: xr.Dataset, block_bytes: int) -> Iterator[xr.Dataset]:
    """`old`, `new` and `filled` on the union of both axes, in blocks along time for grids."""
    time = np.union1d(old["time"].values, new["time"].values)
    if "series" in old["value"].dims:
        series = list(dict.fromkeys([*old["series"].values.tolist(), *new["series"].values.tolist()]))
        axes: dict[str, Any] = {"series": series, "time": time}
        values = [release["value"].drop_attrs().reindex(axes) for release in (old, new)]
        marks = [release["interpolated"].drop_attrs().reindex(axes, fill_value=False) for release in (old, new)]
        yield xr.Dataset({"old": values[0], "new": values[1], "filled": marks[0] | marks[1]})
        return
    cells = old.sizes["lat"] * old.sizes["lon"]
    steps = max(block_bytes // (8 * cells), 1)
    for start in range(0, time.size, steps):
        months = time[start : start + steps]
        old_block, new_block = (
            release["value"].sel(time=slice(months[0], months[-1])).load().drop_attrs().reindex(time=months)
            for release in (old, new)
        )
        yield xr.Dataset({"old": old_block, "new": new_block, "filled": xr.zeros_like(old_block, dtype=bool)})


def _statistics(block: xr.Dataset) -> xr.Dataset:
    """The variables of `revisions` for one block."""
    cells = [d for d in ("lat", "lon") if d in block.dims]
    revision = block["new"].astype(np.float64) - block["old"].astype(np.float64)
    both, filled = revision.notnull(), block["filled"]
    differs = block["old"] != block["new"]
    shared = revision.where(both & ~filled)
    magnitude = abs(shared)
    columns = {
        "shared": both & ~filled,
        "revised": both & ~filled & differs,
        "only_old": block["old"].notnull() & block["new"].isnull(),
        "only_new": block["new"].notnull() & block["old"].isnull(),
        "filled": both & filled,
        "filled_revised": both & filled & differs,
        "change": shared.fillna(0.0),
        "absolute": magnitude.fillna(0.0),
    }
    counted = xr.Dataset({name: column.sum(cells) if cells else column * 1 for name, column in columns.items()})
    if not cells:
        return counted.assign(largest=shared).transpose("series", "time")
    flat = shared.stack(cell=cells, create_index=False)
    at = magnitude.stack(cell=cells, create_index=False).fillna(-1.0).argmax("cell")
    counted["largest"] = flat.isel(cell=at).drop_vars(cells)
    for name in cells:
        counted[name] = ("time", flat[name].values[at.values])
    return counted.expand_dims(series=[GRID]).transpose("series", "time")


FIGURES = (
    *("shared", "revised", "filled", "filled_revised", "rows_only_old", "rows_only_new"),
    *("mean_absolute", "mean_change", "largest"),
)
DECADE_FIGURES = ("shared", "revised", "mean_absolute")


def revision_row(old: xr.Dataset, new: xr.Dataset) -> dict[str, Any]:
    """The revisions from `old` to `new` (readers' Datasets with attrs `vintage`) as plain numbers and texts.

    Keys: title, units, the figures of `totals` (None for NaN, else rounded to 10 significant digits), month and place
    of the largest revision ("" without one), changed, words (lines of text), and decades (decade, shared, revised,
    mean_absolute). Raises as `revisions`.
    """
    table = revisions(old, new)
    summed, decades = totals(table), by_decade(table)
    month = place = ""
    if int(summed["revised"]):
        month = str(summed["largest_time"].values.astype("datetime64[M]"))
        place = _cell(summed) or str(summed["largest_series"].item())
    return {
        **{name: table.attrs[name] for name in ("title", "units", "changed")},
        **{name: _plain(summed[name].item()) for name in FIGURES},
        "month": month,
        "place": place,
        "words": in_words(table, str(old.attrs["vintage"]), str(new.attrs["vintage"])),
        "decades": [
            {"decade": int(decade), **{name: _plain(decades[name][i].item()) for name in DECADE_FIGURES}}
            for i, decade in enumerate(decades["decade"].values)
        ],
    }


def _plain(value: float) -> float | int | None:
    """For JSON: None for NaN, and floats rounded to 10 significant digits."""
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.10g}")
    return value


def _cell(summed: xr.Dataset) -> str:
    """The grid cell of the largest revision, "" for tables."""
    if "largest_lat" not in summed:
        return ""
    return f"{float(summed['largest_lat']):g} N, {float(summed['largest_lon']):g} E"


# --- in words ---


def in_words(table: xr.Dataset, old: str, new: str) -> list[str]:
    """The table of `revisions` as lines of text; `old` and `new` name the releases."""
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


def _spans(positions: np.ndarray, table: xr.Dataset) -> str:
    """The runs of neighbouring rows at `places` by their first and last date, the longest MAX_SPANS of them."""
    runs = np.split(positions, np.flatnonzero(np.diff(positions) > 1) + 1)
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
    cell = _cell(summed)
    return f"{text} at {cell}" if cell else text


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
