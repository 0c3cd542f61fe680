"""Tables of where the data come from: collection periods, seams, breaks, revisions, checks, sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from climate.report import words
from climate.report.figures.vintages import vintage_text
from climate.report.inputs import ReportInputs
from climate.report.numbers import periods
from climate.report.tables import Cell, Table, make_table, numeric

PASSED = ("ok", "pass", "passed")
"""Statuses of a check that passed."""

STATUS = {"ok": "as pinned", "last-good": "last good copy", "missing": "missing"}
"""What a source's status means."""


def break_table(inputs: ReportInputs) -> Table | None:
    """Breaks that a test found, beside the declared changes of collection; None if no test was made."""
    breaks = inputs.breaks
    if breaks is None or "break" not in breaks.dims:
        return None
    rows: list[list[Cell | str]] = []
    for position in range(breaks.sizes["break"]):
        one = breaks.isel({"break": position})
        rows.append(
            [
                inputs.title_of(str(one["record"].item())),
                Cell(words.iso_month(one["time"].values), kind="whole"),
                words.number(float(one["shift"]), 2, True),
                words.p_number(float(one["p_value"])),
                "the record alone" if bool(one["alone"]) else "the difference of two records",
                str(one["declared"].item()) or "none declared near it",
            ]
        )
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


SEAM_NUMBERS = {"offset": "Offset", "drift": "Drift per decade", "step": "Residual step"}
"""Estimates of a seam, each with a standard error of the same name and `_se`."""


def seam_table(inputs: ReportInputs) -> Table | None:
    """One row per seam of the spliced records; None if there is none."""
    seams = inputs.seams
    if seams is None or not seams.sizes.get("seam"):
        return None
    rows: list[list[Cell | str]] = []
    for position in range(seams.sizes["seam"]):
        one = seams.isel(seam=position)
        span = " to ".join(_month_of(one, name) for name in ("overlap_start", "overlap_end"))
        count = f"{int(one['n'].item()):,} {_text_of(one, 'cadence')}".strip() if "n" in one else words.NONE
        rows.append(
            [
                _text_of(one, "record"),
                inputs.source_title(_text_of(one, "older")),
                inputs.source_title(_text_of(one, "newer")),
                Cell(_month_of(one, "join"), kind="whole"),
                Cell(span, note=f"{count} values"),
                *(Cell(_with_error(one, name), kind="whole") for name in SEAM_NUMBERS),
            ]
        )
    return make_table(
        "Where records are joined. The offset is added to the older part; the drift is the trend of newer minus older "
        "over the overlap; the residual step is that at the join. Each with its standard error.",
        ["Record", "Older part", "Newer part", "Joined at", "Overlap", *numeric(*SEAM_NUMBERS.values())],
        rows,
    )


def _text_of(one: xr.Dataset, name: str) -> str:
    return str(one[name].item()) if name in one else ""


def _month_of(one: xr.Dataset, name: str) -> str:
    return words.iso_month(one[name].values) if name in one else words.NONE


def _with_error(one: xr.Dataset, name: str) -> str:
    value, error = (float(one[n].item()) if n in one else float("nan") for n in (name, f"{name}_se"))
    text = words.with_error(value, error)
    return text if text == words.NONE else f"{text} {words.unit(_text_of(one, 'units'))}"


def revision_table(inputs: ReportInputs, prefix: str = "sources/") -> Table | None:
    """What each pinned vintage revised of the previous one; None if that was not compared. `prefix` leads to pages."""
    if inputs.revisions is None:
        return None
    pages = {str(entry.get("key")): f"{prefix}{entry.get('key')}.html" for entry in inputs.provenance}
    rows: list[list[Cell | str]] = []
    for one in inputs.revisions.get("compared", ()):
        unit, revised = words.unit(str(one["units"])), int(one["revised"])
        where = ", ".join(part for part in (str(one.get("month", "")), str(one.get("place", ""))) if part)
        new, gone = int(one.get("rows_only_new") or 0), int(one.get("rows_only_old") or 0)
        rows.append(
            [
                Cell(words.typeset(str(one["title"])), href=pages.get(str(one["source"]), ""), note=one["changed"]),
                Cell(f"{one['old']} to {one['new']}", kind="whole"),
                f"{int(one['shared']):,}",
                f"{revised:,}" if revised else "no value changed",
                f"{words.significant(float(one['mean_absolute']))} {unit}" if revised else words.NONE,
                Cell(f"{words.significant(float(one['largest']))} {unit}" if revised else words.NONE, note=where),
                f"{new:,} added, {gone:,} dropped",
            ]
        )
    for one in inputs.revisions.get("refused", ()):
        source = str(one["source"])
        rows.append(
            [
                Cell(inputs.source_title(source), href=pages.get(source, "")),
                Cell(f"{one['old']} to {one['new']}", kind="whole"),
                *[words.NONE] * 4,
                Cell("not compared", note=str(one["reason"])),
            ]
        )
    if not rows:
        return None
    return make_table(
        "The vintage in use against the previous one: values that both hold and that their publisher measured, "
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
    if inputs.revisions is None:
        return []
    notes = []
    for one in inputs.revisions.get("compared", ()):
        parts = [part for part in one["decades"] if part["revised"]]
        if parts:
            each = ", ".join(f"{part['decade']}s {part['revised']:,} of {part['shared']:,}" for part in parts)
            notes.append(f"{inputs.source_title(str(one['source']))}, values revised by decade: {each}.")
        if "knew" in one and one["knew"]["then"] == one["knew"]["now"]:
            notes.append(vintage_text(one))
    alone = [inputs.source_title(str(key)) for key in inputs.revisions.get("alone", ())]
    if alone:
        notes.append(f"No older vintage of these is available: {'; '.join(alone)}.")
    return notes


def _passed(row: Mapping[str, Any]) -> bool:
    return str(row.get("status", "")).lower() in PASSED


def check_summary(checks: Sequence[Mapping[str, Any]]) -> str:
    """How many checks passed."""
    failed = [row for row in checks if not _passed(row)]
    total = words.count(len(checks), "check")
    if not failed:
        return "The one check passed." if len(checks) == 1 else f"All {total} of the records passed."
    each = "; ".join(f"{row.get('source', '')}, {row.get('check', '')}: {row.get('status', '')}" for row in failed)
    return f"{len(checks) - len(failed)} of {total} of the records passed. Not passed: {each}."


def check_table(checks: Sequence[Mapping[str, Any]]) -> Table | None:
    """Truth checks, those that did not pass first."""
    if not checks:
        return None
    order = {"error": 0, "fail": 0, "failed": 0, "warning": 1, "warn": 1}
    rows = sorted(checks, key=lambda row: order.get(str(row.get("status", "")).lower(), 2))
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
