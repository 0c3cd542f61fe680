"""Tables of where the data come from: collection periods, seams, breaks, revisions, checks, sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import xarray as xr

from climate.report import words
from climate.report.figures.vintages import vintage_text
from climate.report.inputs import ReportInputs
from climate.report.numbers import periods
from climate.report.tables import Cell, Table, make_table, numeric

STATUS = {"ok": "as pinned", "last-good": "last good copy", "missing": "missing"}
"""What a source's status means."""


def break_table(inputs: ReportInputs) -> Table | None:
    """Breaks that a test detected, beside the declared changes of collection; None if no test was made."""
    if "break" not in inputs.breaks.dims:
        return None
    rows = [
        [
            inputs.title_of(row.record),
            Cell(words.iso_month(row.time), kind="whole"),
            words.number(row.shift, 2, True),
            words.p_number(row.p_value),
            "the record alone" if row.alone else "the difference of two records",
            row.declared or "none declared near it",
        ]
        for row in rows_of(inputs.breaks)
    ]
    return make_table(
        "Changes of the mean that a test detects. In the difference of two records of one place, a break is a change "
        "of collection; in a single record it may also be climate.",
        ["Record", "From", *numeric("Shift", "p"), "Detected in", "Declared change"],
        rows,
    )


def period_table(inputs: ReportInputs, region: str, root: str = "../") -> Table:
    """Collection periods of a record; `root` leads from the page to the folder of the report."""
    known = {entry.get("key") for entry in inputs.provenance}
    rows: list[list[Cell | str]] = [
        [
            period.name or words.NONE,
            Cell(words.iso_month(period.first), kind="whole"),
            Cell(words.iso_month(period.last), kind="whole"),
            f"{period.months:,}",
            f"{period.interpolated:,}",
            period.site or words.NONE,
            Cell(
                period.source or words.NONE,
                href=f"{root}sources/{period.source}.html" if period.source in known else "",
            ),
        ]
        for period in periods(inputs.record(region))
    ]
    return make_table(
        "Collection periods: who measured, where and when.",
        ["Collection period", "From", "To", *numeric("Months", "Interpolated"), "Site", "Source"],
        rows,
    )


def rows_of(table: xr.Dataset) -> Iterator[Any]:
    """The rows of a Dataset with one dim, variables as attributes."""
    return table.to_dataframe().itertuples()


SEAM_NUMBERS = {"offset": "Offset", "drift": "Drift per decade", "step": "Residual step"}
"""Estimates of a seam, each with a standard error of the same name and `_se`."""


def seam_table(inputs: ReportInputs) -> Table | None:
    """One row per seam of the spliced records; None if there is none."""
    if not inputs.seams.sizes.get("seam"):
        return None
    rows = [
        [
            row.record,
            inputs.source_title(row.older),
            inputs.source_title(row.newer),
            Cell(words.iso_month(row.join), kind="whole"),
            Cell(
                f"{words.iso_month(row.overlap_start)} to {words.iso_month(row.overlap_end)}",
                note=f"{row.n:,} {row.cadence} values",
            ),
            *(Cell(_with_error(row, name), kind="whole") for name in SEAM_NUMBERS),
        ]
        for row in rows_of(inputs.seams.drop_dims(["time", "month"]))
    ]
    return make_table(
        "Where records are joined. The offset is added to the older part, for temperatures by calendar month with this "
        "mean; the drift is the trend of newer minus older over the overlap; the residual step is that at the join. "
        "Each with its standard error.",
        ["Record", "Older part", "Newer part", "Joined at", "Overlap", *numeric(*SEAM_NUMBERS.values())],
        rows,
    )


def _with_error(row: Any, name: str) -> str:
    text = words.with_error(getattr(row, name), getattr(row, f"{name}_se"))
    return text if text == words.NONE else f"{text} {words.unit(row.units)}"


def revision_table(inputs: ReportInputs, prefix: str = "sources/") -> Table | None:
    """What each pinned vintage revised of the previous one; None if that was not compared. `prefix` leads to pages."""
    pages = {str(entry.get("key")): f"{prefix}{entry.get('key')}.html" for entry in inputs.provenance}
    rows: list[list[Cell | str]] = []
    for revision in inputs.revisions.get("compared", ()):
        unit, revised = words.unit(str(revision["units"])), int(revision["revised"])
        where = ", ".join(part for part in (str(revision.get("month", "")), str(revision.get("place", ""))) if part)
        new, gone = int(revision.get("rows_only_new") or 0), int(revision.get("rows_only_old") or 0)
        rows.append(
            [
                Cell(
                    words.typeset(str(revision["title"])),
                    href=pages.get(str(revision["source"]), ""),
                    note=revision["changed"],
                ),
                Cell(f"{revision['old']} to {revision['new']}", kind="whole"),
                f"{int(revision['shared']):,}",
                f"{revised:,}" if revised else "no value changed",
                f"{words.significant(float(revision['mean_absolute']))} {unit}" if revised else words.NONE,
                Cell(f"{words.significant(float(revision['largest']))} {unit}" if revised else words.NONE, note=where),
                f"{new:,} added, {gone:,} dropped",
            ]
        )
    for revision in inputs.revisions.get("refused", ()):
        source = str(revision["source"])
        rows.append(
            [
                Cell(inputs.source_title(source), href=pages.get(source, "")),
                Cell(f"{revision['old']} to {revision['new']}", kind="whole"),
                *[words.NONE] * 4,
                Cell("not compared", note=str(revision["reason"])),
            ]
        )
    if not rows:
        return None
    return make_table(
        "The vintage in use against the previous one: values that both contain and that their publisher measured, "
        "compared digit by digit.",
        [
            *("Source", "Vintages"),
            *numeric("Values in both", "Revised", "Mean revision", "Largest revision"),
            "Time steps",
        ],
        rows,
    )


def revision_notes(inputs: ReportInputs) -> list[str]:
    """What was revised decade by decade, and which sources have no older vintage."""
    notes = []
    for revision in inputs.revisions.get("compared", ()):
        parts = [part for part in revision["decades"] if part["revised"]]
        if parts:
            listing = ", ".join(f"{part['decade']}s {part['revised']:,} of {part['shared']:,}" for part in parts)
            notes.append(f"{inputs.source_title(str(revision['source']))}, values revised by decade: {listing}.")
        if "knew" in revision and revision["knew"]["then"] == revision["knew"]["now"]:
            notes.append(vintage_text(revision))
    alone = [inputs.source_title(str(key)) for key in inputs.revisions.get("alone", ())]
    if alone:
        notes.append(f"No older vintage of these is available: {'; '.join(alone)}.")
    return notes


def check_summary(checks: Sequence[Mapping[str, Any]]) -> str:
    """How many checks passed."""
    failed = [row for row in checks if row["status"] != "ok"]
    total = words.count(len(checks), "check")
    if not failed:
        return "The one check passed." if len(checks) == 1 else f"All {total} of the records passed."
    listing = "; ".join(f"{row.get('source', '')}, {row.get('check', '')}: {row.get('status', '')}" for row in failed)
    return f"{len(checks) - len(failed)} of {total} of the records passed. Not passed: {listing}."


def check_table(checks: Sequence[Mapping[str, Any]]) -> Table | None:
    """Truth checks, those that did not pass first."""
    if not checks:
        return None
    rows = sorted(checks, key=lambda row: ("error", "warning", "ok").index(row["status"]))
    names = list(dict.fromkeys(["source", "check", "status", *(key for row in rows for key in row)]))
    return make_table(
        "Checks of the records against what their publishers declare.",
        [words.capital(name.replace("_", " ")) for name in names],
        [
            [
                Cell(_plain(row.get(name, "")), kind=f"status-{str(row.get(name)).lower()}" if name == "status" else "")
                for name in names
            ]
            for row in rows
        ],
    )


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return words.significant(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(part) for part in value)
    if value is None or value == "":
        return words.NONE
    # a hyphen before a number is a minus; those inside dates and names are not
    return re.sub(r"(?<![\w-])-(?=\d)", words.MINUS, str(value)).replace(" degC", " °C")


def source_table(provenance: Sequence[Mapping[str, Any]], prefix: str = "") -> Table:
    """Which vintage of which source was used, by which channel, under which licence."""
    rows: list[list[Cell | str]] = []
    for entry in provenance:
        status, key = str(entry.get("status", "ok")), str(entry.get("key", ""))
        publisher, vintage, channel, licence = (
            str(entry.get(name, "") or words.NONE) for name in ("publisher", "vintage", "channel", "licence")
        )
        title = Cell(words.typeset(str(entry.get("title", key))), href=f"{prefix}sources/{key}.html")
        shown = Cell(STATUS.get(status, status), kind=f"status-{status}")
        rows.append([title, publisher, vintage, channel, shown, licence])
    return make_table(
        "Sources: the vintage in use and how it was downloaded.",
        ["Source", "Publisher", "Vintage", "Channel", "Status", "Licence"],
        rows,
    )
