"""Truth checks: does a source hold what its catalogue entry and its own header promise?

Every check is a function that returns rows for one table; an error stops trust in the source, a warning is something
to know. None asks the clock: how recent a record must be is judged against its own file date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import counted
from climate.harmonize.corrections import corrected, is_there
from climate.harmonize.series import month, months_of
from climate.sources.catalogue import Source
from climate.sources.pulled import CORRECTION, Check, Release, Status
from climate.sources.readers.grid.opening import CHUNK_MONTHS, is_grid
from climate.sources.revisions import last_time
from climate.sources.units import conversion

ORDER: tuple[Status, ...] = ("error", "warning", "ok")
"""Of status, the worst first."""

BASELINE_TOLERANCE = 0.02
"""K. Publishers' values have two or three decimals and some lack months: GISTEMP, HadCRUT5 and Berkeley Earth stay
within 0.015 of zero over their own baselines."""

BASELINE_LIMIT = 0.2
"""K. From here on the declared baseline is certainly another one; between, a warning says so. Neighbouring 30-year
periods of global temperature differ by 0.1 to 0.3 K, but NOAAGlobalTemp's zones, whose baseline was taken cell by cell
before averaging, stray up to 0.12 K from zero."""

BASELINE_MIN_SHARE = 0.9
"""Share of the baseline's months that a record needs for its mean to be judged."""

SHRINK = "rows never shrink"

PHYSICAL_RANGES: dict[tuple[str, str], tuple[float, float]] = {
    ("temperature", "absolute"): (-95.0, 60.0),
    ("temperature", "anomaly"): (-30.0, 30.0),
    ("co2", "absolute"): (150.0, 1500.0),
}
"""degC and ppm, where the catalogue entry gives no `valid_range`. Monthly means of air temperature on Earth lie
between -75 and 45 degC; glacial CO2 was 172 ppm at the lowest (Luethi et al. 2008, doi:10.1038/nature06949)."""


def examine(release: Release, record: xr.Dataset, previous: xr.Dataset | None = None) -> tuple[xr.Dataset, list[Check]]:
    """The reader's Dataset of a release, corrected, and all checks of it; `previous` as for `check_source`."""
    source, heads = release.source, release.heads
    record = corrected(source, record, heads)
    version, vintage = release.provenance.version, release.vintage
    checks = check_source(
        source, record, heads=heads, urls=release.urls, version=version, vintage=vintage, previous=previous
    )
    return record, checks


def check_source(
    source: Source,
    record: xr.Dataset,
    *,
    heads: Mapping[str, str] | None = None,
    urls: Mapping[str, str] | None = None,
    version: str | None = None,
    vintage: str = "",
    previous: xr.Dataset | None = None,
) -> list[Check]:
    """All checks that apply to a source and its reader's Dataset.

    `heads` are the first 16 KiB of its files (Latin-1) and `urls` the addresses that they are said to come from, by
    file name; `version` that of the pulled vintage and `vintage` its name, which, if it is a month, says when the
    record was current where the file has no date of its own; `previous` is the Dataset of the vintage before, without
    which the catalogue's counts of older vintages serve.
    """
    heads, urls, version = heads or {}, urls or {}, source.version if version is None else version
    return [
        *header(source, heads, version),
        *versions(source, heads, urls, version),
        *months_once(source, record),
        *physical_range(source, record),
        *baseline_mean(source, record),
        *recent(source, record, vintage),
        *(still_held(source, record, vintage) if previous is None else nothing_lost(source, record, previous, vintage)),
        *corrections(source, heads),
    ]


def header(source: Source, heads: Mapping[str, str], version: str) -> Iterator[Check]:
    """Every text that the catalogue entry declares stands in the head of its file."""
    for file in source.files:
        if file.name not in heads or not file.expect.contains:
            continue
        texts = [text.replace("{version}", version) for text in file.expect.contains]
        absent = [text for text in texts if text not in heads[file.name]]
        yield Check(
            "header is the declared one",
            source.key,
            "error" if absent else "ok",
            f"{file.name} without {absent[0]!r}" if absent else f"{file.name} as declared",
            f"{counted(len(texts), 'declared text')} in its head",
        )


def versions(source: Source, heads: Mapping[str, str], urls: Mapping[str, str], version: str) -> Iterator[Check]:
    """The version in the address, the one in the file and the one that was asked for are the same."""
    for file in source.files:
        stated = {}
        if "{version}" in file.url and file.name in urls:
            stated["address"] = _version_in(file.url, urls[file.name])
        for text in file.expect.contains:
            if "{version}" in text and file.name in heads:
                stated["file"] = _version_in(text, heads[file.name])
        if stated:
            wrong = {where: text for where, text in stated.items() if text != version}
            yield Check(
                "version in address and file",
                source.key,
                "error" if wrong else "ok",
                ", ".join(f"{where} of {file.name}: {text or 'none'}" for where, text in stated.items()),
                version,
            )


def _version_in(template: str, text: str) -> str:
    pattern = re.escape(template).replace(re.escape("{version}"), r"([\w.\-]+)", 1)
    match = re.search(pattern.replace(re.escape("{version}"), r"[\w.\-]+"), text)
    return match.group(1) if match else ""


def months_once(source: Source, record: xr.Dataset) -> Iterator[Check]:
    """Times ascend, and no month of a monthly record stands twice."""
    at = months_of(record["time"]) if source.cadence == "monthly" else np.asarray(record["time"].values)
    bad = np.flatnonzero(np.diff(at).astype(np.int64) <= 0)
    yield Check(
        "no month twice",
        source.key,
        "error" if bad.size else "ok",
        f"{at[bad[0] + 1]} after {at[bad[0]]}" if bad.size else f"{at.size} times in order",
        "each time once and in order",
    )


def physical_range(source: Source, record: xr.Dataset) -> Iterator[Check]:
    """No value outside what the quantity can be, and none infinite."""
    limits = source.valid_range or _physical_limits(source)
    if limits is None:
        return
    lowest, highest, infinite = np.inf, -np.inf, 0
    for first in range(0, record.sizes["time"], CHUNK_MONTHS):
        block = np.asarray(record["value"].isel(time=slice(first, first + CHUNK_MONTHS)).values)
        infinite += int(np.isinf(block).sum())
        finite = block[np.isfinite(block)]
        if finite.size:
            lowest, highest = min(lowest, float(finite.min())), max(highest, float(finite.max()))
    outside = bool(infinite) or lowest < limits[0] or highest > limits[1] or lowest > highest
    yield Check(
        "values in physical range",
        source.key,
        "error" if outside else "ok",
        (f"{infinite} infinite, " if infinite else "")
        + (f"{lowest:.6g} to {highest:.6g} {source.unit}" if lowest <= highest else "no value"),
        f"{limits[0]:.6g} to {limits[1]:.6g} {source.unit}",
    )


def _physical_limits(source: Source) -> tuple[float, float] | None:
    """PHYSICAL_RANGES in the unit of the source."""
    if (source.quantity, source.kind) not in PHYSICAL_RANGES:
        return None
    lowest, highest = PHYSICAL_RANGES[source.quantity, source.kind]
    usual = "degC" if source.quantity == "temperature" else "ppm"
    factor, offset = conversion(usual, source.unit, difference=source.kind == "anomaly", what=f"source '{source.key}'")
    return lowest * factor + offset, highest * factor + offset


def baseline_mean(source: Source, record: xr.Dataset) -> Iterator[Check]:
    """The mean of anomalies over the declared baseline is zero; the worst series of the source is shown."""
    if source.kind != "anomaly" or source.baseline is None or is_grid(record):
        return
    first, last = source.baseline
    months = months_of(record["time"])
    within = (months >= month(f"{first:04d}-01")) & (months <= month(f"{last:04d}-12"))
    values = np.asarray(record["value"].values, dtype=np.float64)[:, within]
    known = np.isfinite(values).sum(axis=1)
    judged = np.flatnonzero(known >= BASELINE_MIN_SHARE * (last - first + 1) * 12)
    expected = f"0 within {BASELINE_TOLERANCE} {source.unit} over {first}-{last}"
    if not judged.size:
        found = f"at most {known.max(initial=0)} months of it have values"
        yield Check("mean over the declared baseline", source.key, "warning", found, expected)
        return
    means = np.array([np.nanmean(values[i]) for i in judged])
    worst = int(np.argmax(np.abs(means)))
    size = abs(means[worst])
    status: Status = "ok" if size <= BASELINE_TOLERANCE else "warning" if size < BASELINE_LIMIT else "error"
    found = f"{means[worst]:+.3f} {source.unit} ({record['series'].values[judged[worst]]})"
    yield Check("mean over the declared baseline", source.key, status, found, expected)


def recent(source: Source, record: xr.Dataset, vintage: str) -> Iterator[Check]:
    """The newest month is not further behind the file's own date, or else its `vintage`, than the declared lag."""
    if source.lag is None:
        return
    dated = str(record.attrs.get("file_date", ""))
    known = dated or vintage
    newest = _newest(record)
    name, expected = "newest month", f"at most {counted(source.lag.months, 'month')} before the file's date"
    if newest is None or not re.match(r"\d{4}-\d{2}", known):
        yield Check(name, source.key, "warning", f"{newest or 'no value'}; the file has no date", expected)
        return
    behind = int((month(known[:7]) - newest).astype(np.int64))
    # A month is complete when the next one begins: a value for the file's own month or later is suspect too. The name
    # of a vintage is no date of the file, so it can only warn.
    status: Status = "ok" if int(bool(dated)) <= behind <= source.lag.months else "error" if dated else "warning"
    side = f"{counted(abs(behind), 'month')} {'before' if behind >= 0 else 'after'}"
    yield Check(name, source.key, status, f"{newest}, {side} {known}", expected)


def _newest(record: xr.Dataset) -> Any:
    """The month of the last value, None where there is no value."""
    last = last_time(record)
    return None if np.isnat(last) else month(last)


def still_held(source: Source, record: xr.Dataset, vintage: str) -> Iterator[Check]:
    """As many values as the catalogue counted in each older vintage, up to the month that it ended in.

    A moving vintage that ends before a dated one is a warning: whoever serves it may lag behind its publisher.
    """
    unit = "months" if is_grid(record) else "values"
    newest = _newest(record)
    results: list[tuple[Status, str, str]] = []
    for older in reversed(source.before(vintage)):
        held = source.vintages[older].holds
        if held is None:
            continue
        count = values_until(record, held.until)
        lags = moves(vintage) and newest is not None and newest < month(held.until)
        status: Status = "ok" if count >= held.values else "warning" if lags else "error"
        results.append((status, f"{count} {unit} to {held.until}", f"at least the {held.values} of vintage {older}"))
    if results:
        yield Check(SHRINK, source.key, *min(results, key=lambda result: ORDER.index(result[0])))


def moves(vintage: str) -> bool:
    """Whether a vintage is what is served today and not a dated release."""
    return vintage.isalpha()


def values_until(record: xr.Dataset, until: str) -> int:
    """Values of a table in all its series, or months of a grid, up to the month `until`."""
    past = np.flatnonzero(months_of(record["time"]) <= month(until))
    return past.size if is_grid(record) else int(record["value"].isel(time=past).notnull().sum())


def nothing_lost(source: Source, record: xr.Dataset, previous: xr.Dataset, vintage: str = "") -> Iterator[Check]:
    """Every series and month that the vintage before had a value for has one now.

    A moving vintage that only ends earlier is a warning, as in `still_held`.
    """
    newest = _newest(record)
    expected = "every value of the vintage before"

    def lost(at: NDArray[Any], found: str) -> Check:
        lags = moves(vintage) and newest is not None and bool((months_of(at) > newest).all())
        return Check(SHRINK, source.key, "warning" if lags else "error", found, expected)

    if is_grid(record) or is_grid(previous):
        now = months_of(record["time"])
        gone = np.setdiff1d(months_of(previous["time"]), now)
        if gone.size:
            yield lost(gone, f"{counted(gone.size, 'month')} fewer, first {gone[0]}")
        else:
            yield Check(SHRINK, source.key, "ok", f"{now.size} months, {previous.sizes['time']} before", expected)
        return
    absent = [str(name) for name in previous["series"].values if name not in record["series"].values]
    if absent:
        yield Check(SHRINK, source.key, "error", f"{len(absent)} series fewer, first '{absent[0]}'", expected)
        return
    gaps = {
        str(name): np.setdiff1d(_valued(previous, name), _valued(record, name)) for name in previous["series"].values
    }
    every = np.concatenate(list(gaps.values()))
    if every.size:
        series = next(name for name, at in gaps.items() if at.size)
        yield lost(every, f"{counted(every.size, 'value')} fewer, first {month(gaps[series][0])} of '{series}'")
        return
    counts = int(record["value"].notnull().sum()), int(previous["value"].notnull().sum())
    yield Check(SHRINK, source.key, "ok", f"{counts[0]} values, {counts[1]} before", expected)


def _valued(record: xr.Dataset, series: Any) -> Any:
    row = int(np.flatnonzero(record["series"].values == series)[0])
    return record["time"].values[np.isfinite(record["value"].values[row])]


def corrections(source: Source, heads: Mapping[str, str]) -> Iterator[Check]:
    """The fault behind each correction of the source is still in the file; a correction without one is not applied."""
    for correction in source.corrections:
        if not all(file in heads for file in correction.while_contains):
            unseen = next(file for file in correction.while_contains if file not in heads)
            yield Check(
                CORRECTION, source.key, "warning", f"{correction.about}: {unseen} was not looked at", "the fault"
            )
            continue
        there = is_there(correction, heads)
        found = f"{correction.about}: " + ("still there, corrected here" if there else "corrected by its publisher")
        expected = "the fault" if there else "no correction: take it out of the catalogue"
        yield Check(CORRECTION, source.key, "ok" if there else "error", found, expected)
