"""Stage `revisions`: what the pinned vintages revised of the ones before, for the report."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.files import write_json
from climate.forecasters.classical.statespace import UnobservedComponents
from climate.hindcast.real_time import as_row, known_then, one_series
from climate.params.params import Params, load_params
from climate.paths import REVISIONS
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import SHAPE_READER
from climate.sources.releases import Release, at_hand, release
from climate.sources.revision_text import in_words
from climate.sources.revisions import by_decade, dated, revisions, totals

log = logging.getLogger("climate")


def run() -> None:
    """Compare each pinned vintage with the one before it that a package carries, and write build/revisions.json.

    What is compared follows from params.yaml and the catalogue alone, so that two clones write the same file. A
    vintage that cannot be had does not stop the run: it is named with the reason, in the log and in the file, whose
    keys are `compared` (rows, see `compared`), `refused` (source, old, new, reason) and `alone` (sources that no
    package carries in an older vintage).
    """
    params = load_params()
    pinned, older = params.pull.sources, previous(params) | params.revisions.against
    rows, refused = [], []
    for key, old in older.items():
        try:
            rows.append(_row(key, old, pinned[key].vintage))
        except ClimateError as error:
            refused.append({"source": key, "old": old, "new": pinned[key].vintage, "reason": str(error)})
            _warn(key, old, error)
    alone = [key for key in pinned if key not in older]
    write_json({"compared": rows, "refused": refused, "alone": alone}, REVISIONS)


def previous(params: Params) -> dict[str, str]:
    """Source -> the newest vintage before the pinned one that a package carries; sources without one are left out."""
    found = {}
    for key, pinned in params.pull.sources.items():
        source = find_source(key)
        names = [name for name in dated(source) if source.vintages[name].registry is not None]
        if source.reader != SHAPE_READER and pinned.vintage in names[1:]:
            found[key] = names[names.index(pinned.vintage) - 1]
    return found


def compared(older: Mapping[str, str], *, transfers: bool = True) -> list[dict[str, Any]]:
    """One row per source of `older` (source -> vintage), compared with the vintage that params.yaml names.

    Keys: source, title, units, old, new, the counts and figures of `sources.revisions.totals` (None for NaN), month and
    place of the largest revision, changed, words (lines of text), decades (rows with decade, shared, revised and
    mean_absolute), knew (see `hindcast.real_time.as_row`). What is unavailable is left out with a line in the log;
    without `transfers`, what is not on this machine too.
    """
    pinned = load_params().pull.sources
    rows = []
    for key, old in older.items():
        new = pinned[key].vintage
        if not transfers and not (at_hand(key, old) and at_hand(key, new)):
            continue
        try:
            rows.append(_row(key, old, new))
        except ClimateError as error:
            _warn(key, old, error)
    return rows


def _warn(key: str, old: str, error: ClimateError) -> None:
    log.warning("%s: revisions since %s are not shown: %s", key, old, error)


def _row(key: str, old: str, new: str) -> dict[str, Any]:
    """One source, see `compared`; ClimateError when a vintage cannot be had or the two cannot be compared."""
    with release(key, old) as before, release(key, new) as after:
        table = revisions(before.read(), after.read())
        knew = _knew(before, after)
    summed, decades = totals(table), by_decade(table)
    revised = int(summed["revised"]) > 0
    month = str(summed["largest_time"].values.astype("datetime64[M]")) if revised else ""
    parts = [
        {"decade": int(decade), **{name: _plain(decades[name][i].item()) for name in DECADE_FIGURES}}
        for i, decade in enumerate(decades["decade"].values)
    ]
    return {
        **{"source": key, "title": table.attrs["title"], "units": table.attrs["units"], "old": old, "new": new},
        **{name: _plain(summed[name].item()) for name in FIGURES},
        **{"month": month, "place": _place(summed) if revised else "", "changed": table.attrs["changed"]},
        **{"words": in_words(table, old, new), "decades": parts},
        **({"knew": knew} if knew else {}),
    }


def _knew(before: Release, after: Release) -> dict[str, Any] | None:
    """`forecast_then` for JSON; None, with a line in the log, for records that this model does not serve."""
    try:
        return as_row(forecast_then(before, after))
    except ClimateError as error:
        log.info("%s: no forecast as of %s: %s", before.source.key, before.vintage, error)
        return None


def forecast_then(before: Release, after: Release, series: str | None = None, leads: int | None = None) -> xr.Dataset:
    """What a forecast from the last month of one release knew, see `climate.hindcast.real_time.known_then`.

    The model is that of unobserved components, which serves every kind of monthly record; `leads` are those of the
    backtest unless given. ClimateError when the two cannot be compared or are too short.
    """
    params = load_params()
    held = [one_series(one.read(), one.source.key, series, params.harmonize) for one in (before, after)]
    return known_then(held[0], held[1], UnobservedComponents(), leads or params.backtest.leads)


def _place(summed: xr.Dataset) -> str:
    """Where the largest revision is: the cell of a grid, or the series of a table."""
    if "largest_lat" in summed:
        return f"{float(summed['largest_lat']):g} N, {float(summed['largest_lon']):g} E"
    return str(summed["largest_series"].item())


FIGURES = (
    *("shared", "revised", "filled", "filled_revised", "rows_only_old", "rows_only_new"),
    *("mean_absolute", "mean_change", "largest"),
)
DECADE_FIGURES = ("shared", "revised", "mean_absolute")


def _plain(value: float) -> float | int | None:
    """For JSON: no NaN, and no dust behind the digits that publishers print."""
    if isinstance(value, float):
        return None if np.isnan(value) else float(f"{value:.10g}")
    return value
