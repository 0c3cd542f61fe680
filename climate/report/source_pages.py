"""What the page of one source shows: where it is used, and its share of seams, breaks, revisions and checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from climate.params.regions import DEFAULT_SHAPES
from climate.report import evidence, words
from climate.report.inputs import ReportInputs
from climate.report.tables import Cell, Column, Table


def source_page(inputs: ReportInputs, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Tables and sentences of one source."""
    key = str(entry["key"])
    own = _narrowed(inputs, key)
    found = evidence.seam_table(own)
    return {
        "key": key,
        "title": words.typeset(str(entry.get("title") or key)),
        "entry": entry,
        "summary": summary(inputs, entry),
        "reader": inputs.readers.get(key, ""),
        "files": file_table(entry),
        "uses": use_table(inputs, key),
        "seams": found,
        "seam_places": seam_places(inputs, key),
        "revisions": evidence.revision_table(own, prefix=""),
        "revision_notes": evidence.revision_notes(own),
        "checks": evidence.check_table(own.checks),
        "check_summary": evidence.check_summary(own.checks) if own.checks else "",
    }


def summary(inputs: ReportInputs, entry: Mapping[str, Any]) -> str:
    """What served, how it came, and what rests on it."""
    publisher, vintage = str(entry.get("publisher") or "Its publisher"), str(entry.get("vintage") or "unknown")
    if str(entry.get("status", "ok")) == "missing":
        return f"{publisher}; vintage {vintage} was asked for and could not be had."
    rests = [use for use in uses(inputs, str(entry["key"])) if use[0] == "region"]
    served = f"{publisher}, vintage {vintage}, by channel {entry.get('channel') or 'unknown'}"
    verb = "rests" if len(rests) == 1 else "rest"
    return f"{served}. {words.capital(words.count(len(rests), 'place'))} of this report {verb} on it."


def uses(inputs: ReportInputs, key: str) -> list[tuple[str, str]]:
    """What rests on a source: kind (region, record, covariate or shape) and name."""
    found = [("region", name) for name in inputs.regions if key in _keys(inputs, name)]
    found += [("record", name) for name in inputs.records if key in _keys(inputs, name)]
    covariates = inputs.params.get("covariates") or {}
    found += [("covariate", name) for name, one in covariates.items() if one.get("source") == key]
    regions = {**(inputs.params.get("regions") or {}), **(inputs.params.get("records") or {})}
    return found + [("shape", name) for name, one in regions.items() if key in _shapes_of(one)]


def _keys(inputs: ReportInputs, name: str) -> set[str]:
    return {str(entry.get("key")) for entry in inputs.sources_of(name)}


def _shapes_of(entry: Mapping[str, Any]) -> set[str]:
    return {str(entry.get("shapes", source)) for kind, source in DEFAULT_SHAPES.items() if kind in entry}


KINDS = {
    "region": "place, forecast",
    "record": "record, shown and not forecast",
    "covariate": "predictor of other places",
    "shape": "place, whose outline it gives",
}


def use_table(inputs: ReportInputs, key: str) -> Table | None:
    """Places, records and predictors that rest on a source; None without any."""
    rows = []
    for kind, name in uses(inputs, key):
        known = name in inputs.series or name in inputs.records
        title = inputs.title_of(name) if known else name
        href = f"../regions/{name}.html" if name in inputs.regions else ""
        if kind == "record":
            href = f"../index.html#{name}"
        months, first, last = words.NONE, words.NONE, words.NONE
        if kind in ("region", "record"):
            record = inputs.record(name)
            served = np.isfinite(record["value"].values)
            if "source" in record:
                served &= np.array([key in str(one).split(",") for one in record["source"].values])
            if served.any():
                times = record["time"].values[served]
                months = f"{int(served.sum()):,}"
                first, last = words.iso_month(times[0]), words.iso_month(times[-1])
        rows.append([Cell(title, href=href), Cell(KINDS[kind]), Cell(first), Cell(last), Cell(months)])
    if not rows:
        return None
    return Table(
        "What rests on this source, and the months whose values are its own.",
        [Column("Name"), Column("As"), Column("From"), Column("To"), Column("Months", True)],
        rows,
    )


def file_table(entry: Mapping[str, Any]) -> Table | None:
    """Files as they were read, with size, date and digest; None where there are none."""
    rows = []
    for name, file in (entry.get("files") or {}).items():
        url = str(file.get("url", ""))
        rows.append(
            [
                Cell(name, href=url if url.startswith("https://") else ""),
                Cell(f"{int(file.get('bytes') or 0):,}"),
                Cell(str(file.get("file_date") or words.NONE)),
                Cell(str(file.get("via") or words.NONE), kind="address"),
                Cell(str(file.get("sha256") or words.NONE), kind="digest"),
            ]
        )
    if not rows:
        return None
    return Table(
        "Files as they were read. The digest is that of the publisher's bytes; data.dvc pins it.",
        [Column("File"), Column("Bytes", True), Column("Publisher's date"), Column("Came in"), Column("SHA-256")],
        rows,
    )


def seam_places(inputs: ReportInputs, key: str) -> list[int]:
    """Positions of the seams, from 0, that a source is a side of, or joins or leaves a combination at."""
    seams = inputs.seams
    if seams is None or not seams.sizes.get("seam") or "older" not in seams or "newer" not in seams:
        return []
    sides = zip(seams["older"].values.astype(str), seams["newer"].values.astype(str), strict=True)
    return [place for place, pair in enumerate(sides) if key in " ".join(pair).split()]


def _narrowed(inputs: ReportInputs, key: str) -> ReportInputs:
    """The same inputs with the seams, checks and revisions of one source alone."""
    places, revisions = seam_places(inputs, key), inputs.revisions
    if revisions is not None:
        revisions = {
            "compared": [one for one in revisions.get("compared", ()) if one["source"] == key],
            "refused": [one for one in revisions.get("refused", ()) if one["source"] == key],
            "alone": [one for one in revisions.get("alone", ()) if one == key],
        }
    return replace(
        inputs,
        seams=inputs.seams.isel(seam=places) if inputs.seams is not None and places else None,
        checks=[row for row in inputs.checks if row.get("source") == key],
        revisions=revisions,
    )
