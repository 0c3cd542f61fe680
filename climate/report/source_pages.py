"""What the page of one source shows: where it is used, and its share of seams, revisions and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from climate.report import evidence, words
from climate.report.inputs import ReportInputs
from climate.report.tables import Cell, Table, make_table, numeric

CHANNELS = {"registry": "downloaded from the package registry", "publisher": "downloaded from its publisher"}
"""How the standfirst calls a channel; others are named as they are."""

KINDS = {
    "region": "place, forecast",
    "record": "record, shown and not forecast",
    "covariate": "predictor of other places",
    "shape": "outline of a place",
}


def source_page(inputs: ReportInputs, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Tables and sentences of one source."""
    key = str(entry["key"])
    own = _narrowed(inputs, key)
    return {
        "key": key,
        "title": words.typeset(str(entry.get("title") or key)),
        "entry": entry,
        "summary": summary(inputs, entry),
        "reader": inputs.readers.get(key, ""),
        "files": file_table(entry),
        "uses": use_table(inputs, key),
        "seams": evidence.seam_table(own),
        "seam_places": seam_places(inputs, key),
        "revisions": evidence.revision_table(own, prefix=""),
        "revision_notes": evidence.revision_notes(own),
        "checks": evidence.check_table(own.checks),
        "check_summary": evidence.check_summary(own.checks) if own.checks else "",
    }


def summary(inputs: ReportInputs, entry: Mapping[str, Any]) -> str:
    """Vintage, channel, and what depends on it."""
    publisher, vintage = str(entry.get("publisher") or "Its publisher"), str(entry.get("vintage") or "unknown")
    if str(entry.get("status", "ok")) == "missing":
        return f"{publisher}; vintage {vintage} is unavailable."
    channel = str(entry.get("channel") or "unknown")
    rests = [kind for kind, _ in uses(inputs, str(entry["key"]))].count("region")
    return (
        f"{publisher}, vintage {vintage}, {CHANNELS.get(channel, f'channel {channel}')}. "
        f"{words.capital(words.count(rests, 'place'))} of this report {'uses' if rests == 1 else 'use'} it."
    )


def uses(inputs: ReportInputs, key: str) -> list[tuple[str, str]]:
    """What depends on a source: kind (region, record, covariate or shape) and name."""
    params = inputs.params
    used = [("region", name) for name in inputs.regions if key in _keys(inputs, name)]
    used += [("record", name) for name in inputs.records if key in _keys(inputs, name)]
    used += [("covariate", name) for name, item in params.covariates.items() if item.source == key]
    return used + [("shape", name) for name, item in (params.regions | params.records).items() if item.polygons == key]


def _keys(inputs: ReportInputs, name: str) -> set[str]:
    return {str(entry.get("key")) for entry in inputs.sources_of(name)}


def use_table(inputs: ReportInputs, key: str) -> Table | None:
    """Places, records and predictors that depend on a source; None without any."""
    rows: list[list[Cell | str]] = []
    for kind, name in uses(inputs, key):
        href = f"../regions/{name}.html" if name in inputs.regions else ""
        if kind == "record":
            href = f"../places.html#{name}"
        span = [words.NONE] * 3
        if kind in ("region", "record"):
            record = inputs.record(name)
            served = np.isfinite(record["value"].values)
            if "source" in record:
                served &= np.array([key in str(item).split(",") for item in record["source"].values])
            if served.any():
                times = record["time"].values[served]
                span = [words.iso_month(times[0]), words.iso_month(times[-1]), f"{int(served.sum()):,}"]
        rows.append([Cell(inputs.title_of(name), href=href), KINDS[kind], *span])
    if not rows:
        return None
    return make_table(
        "What uses this source, and the months whose values come from it.",
        ["Name", "As", "From", "To", *numeric("Months")],
        rows,
    )


def file_table(entry: Mapping[str, Any]) -> Table | None:
    """Files as they were read, with size, date and digest; None where there are none."""
    rows: list[list[Cell | str]] = []
    for name, file in (entry.get("files") or {}).items():
        url = str(file.get("url", ""))
        rows.append(
            [
                Cell(name, href=url if url.startswith("https://") else ""),
                f"{int(file.get('bytes') or 0):,}",
                str(file.get("file_date") or words.NONE),
                Cell(str(file.get("via") or words.NONE), kind="address"),
                Cell(str(file.get("sha256") or words.NONE), kind="digest"),
            ]
        )
    if not rows:
        return None
    return make_table(
        "Files as they were read. The digest is that of the publisher's bytes; data.dvc pins it.",
        ["File", *numeric("Bytes"), "Publisher's date", "Packaged in", "SHA-256"],
        rows,
    )


def seam_places(inputs: ReportInputs, key: str) -> list[int]:
    """Positions of the seams, from 0, that a source is a side of, or joins or leaves a combination at."""
    seams = inputs.seams
    if not seams.sizes.get("seam"):
        return []
    sides = zip(seams["older"].values.astype(str), seams["newer"].values.astype(str), strict=True)
    return [position for position, pair in enumerate(sides) if key in " ".join(pair).split()]


def _narrowed(inputs: ReportInputs, key: str) -> ReportInputs:
    """The same inputs with the seams, checks and revisions of one source alone."""
    positions, revisions = seam_places(inputs, key), inputs.revisions
    return replace(
        inputs,
        seams=inputs.seams.isel(seam=positions) if positions else xr.Dataset(),
        checks=[row for row in inputs.checks if row.get("source") == key],
        revisions={
            kind: [item for item in revisions.get(kind, ()) if key == (item if kind == "alone" else item["source"])]
            for kind in ("compared", "refused", "alone")
        },
    )
