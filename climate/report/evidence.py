"""Tables of where the data come from: collection periods, seams, breaks, checks, sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from climate.report import words
from climate.report.figures.vintages import vintage_text
from climate.report.inputs import ReportInputs
from climate.report.numbers import periods
from climate.report.tables import Cell, Column, Table


def break_table(inputs: ReportInputs) -> Table | None:
    """Breaks that a test found, beside the declared changes of collection; None if no test was made."""
    breaks = inputs.breaks
    if breaks is None or "break" not in breaks.dims:
        return None
    rows = []
    for place in range(breaks.sizes["break"]):
        one = breaks.isel({"break": place})
        name, alone = str(one["record"].item()), bool(one["alone"].item())
        known = name in inputs.series or name in inputs.records
        rows.append(
            [
                Cell(inputs.title_of(name) if known else name),
                Cell(words.iso_month(one["time"].values), kind="whole"),
                Cell(words.number(float(one["shift"].item()), 2, True)),
                Cell(words.p_number(float(one["p_value"].item()))),
                Cell("the record alone" if alone else "the difference of two records"),
                Cell(str(one["declared"].item()) or "none declared near it"),
            ]
        )
    return Table(
        "Changes of mean found by a test. In the difference of two records of one place a break is a change of "
        "collection; in a single record it may as well be the climate.",
        [
            Column("Record"),
            Column("From"),
            Column("Shift", True),
            Column("p", True),
            Column("Found in"),
            Column("Declared change"),
        ],
        rows,
    )


def period_table(inputs: ReportInputs, region: str, root: str = "../") -> Table:
    """Collection periods of a record; `root` leads from the page to the folder of the report."""
    known = {entry.get("key") for entry in inputs.provenance}
    rows = [
        [
            Cell(period.name or words.NONE),
            Cell(words.iso_month(period.first), kind="whole"),
            Cell(words.iso_month(period.last), kind="whole"),
            Cell(f"{period.months:,}"),
            Cell(f"{period.interpolated:,}"),
            Cell(period.site or words.NONE),
            Cell(
                period.source or words.NONE,
                href=f"{root}sources/{period.source}.html" if period.source in known else "",
            ),
        ]
        for period in periods(inputs.record(region))
    ]
    columns = [
        Column("Collection period"),
        Column("From"),
        Column("To"),
        Column("Months", True),
        Column("Interpolated", True),
        Column("Site"),
        Column("Source"),
    ]
    return Table("Collection periods: who measured, where, from when to when.", columns, rows)


def seam_table(inputs: ReportInputs) -> Table | None:
    """One row per seam of the spliced records; None if there is none."""
    seams = inputs.seams
    if seams is None or not seams.sizes.get("seam"):
        return None
    rows = []
    for place in range(seams.sizes["seam"]):
        one = seams.isel(seam=place)
        span = " to ".join(_month_of(one, name) for name in ("overlap_start", "overlap_end"))
        count = f"{int(one['n'].item()):,} {_text_of(one, 'cadence')}".strip() if "n" in one else words.NONE
        rows.append(
            [
                Cell(_text_of(one, "record")),
                Cell(inputs.source_title(_text_of(one, "older"))),
                Cell(inputs.source_title(_text_of(one, "newer"))),
                Cell(_month_of(one, "join"), kind="whole"),
                Cell(span, note=f"{count} values"),
                *(Cell(_with_error(one, name), kind="whole") for name in SEAM_NUMBERS),
            ]
        )
    return Table(
        "Where one record was joined to the next. The offset is added to the older part; the drift is the trend of "
        "newer minus older over the overlap; the step is what is left at the join. Each with its standard error.",
        [
            *(Column(label) for label in ("Record", "Older part", "Newer part", "Joined at", "Overlap")),
            *(Column(label, True) for label in SEAM_NUMBERS.values()),
        ],
        rows,
    )


SEAM_NUMBERS = {"offset": "Offset", "drift": "Drift per decade", "step": "Step left"}
"""Estimates of a seam, each with a standard error of the same name and `_se`."""


def _text_of(one: xr.Dataset, name: str) -> str:
    return str(one[name].item()) if name in one else ""


def _month_of(one: xr.Dataset, name: str) -> str:
    return words.iso_month(one[name].values) if name in one else words.NONE


def _with_error(one: xr.Dataset, name: str) -> str:
    value, error = (float(one[n].item()) if n in one else float("nan") for n in (name, f"{name}_se"))
    text = words.with_error(value, error)
    return text if text == words.NONE else f"{text} {words.unit(_text_of(one, 'units'))}"


def revision_table(inputs: ReportInputs, prefix: str = "sources/") -> Table | None:
    """What each pinned vintage revised of the one before; None if that was not looked at. `prefix` leads to pages."""
    if inputs.revisions is None:
        return None
    rows = []
    for one in inputs.revisions.get("compared", ()):
        unit, revised = words.unit(str(one["units"])), int(one["revised"])
        where = ", ".join(part for part in (str(one.get("month", "")), str(one.get("place", ""))) if part)
        new, gone = int(one.get("rows_only_new") or 0), int(one.get("rows_only_old") or 0)
        rows.append(
            [
                Cell(
                    words.typeset(str(one["title"])),
                    href=_page_of(inputs, str(one["source"]), prefix),
                    note=one["changed"],
                ),
                Cell(f"{one['old']} to {one['new']}", kind="whole"),
                Cell(f"{int(one['shared']):,}"),
                Cell(f"{revised:,}" if revised else "no value changed"),
                Cell(f"{words.significant(float(one['mean_absolute']))} {unit}" if revised else words.NONE),
                Cell(f"{words.significant(float(one['largest']))} {unit}" if revised else words.NONE, note=where),
                Cell(f"{new:,} added, {gone:,} dropped"),
            ]
        )
    for one in inputs.revisions.get("refused", ()):
        rows.append(
            [
                Cell(inputs.source_title(str(one["source"])), href=_page_of(inputs, str(one["source"]), prefix)),
                Cell(f"{one['old']} to {one['new']}", kind="whole"),
                *(Cell(words.NONE) for _ in range(4)),
                Cell("not compared", note=str(one["reason"])),
            ]
        )
    if not rows:
        return None
    return Table(
        "The vintage in use against the one before it that a package carries: values that both hold and that their "
        "publisher measured, compared digit by digit.",
        [
            Column("Source"),
            Column("Vintages"),
            Column("Values in both", True),
            Column("Revised", True),
            Column("On average by", True),
            Column("At most by", True),
            Column("Time steps"),
        ],
        rows,
    )


def _page_of(inputs: ReportInputs, key: str, prefix: str) -> str:
    """The page of a source; "" if it has none."""
    return f"{prefix}{key}.html" if any(entry.get("key") == key for entry in inputs.provenance) else ""


def revision_notes(inputs: ReportInputs) -> list[str]:
    """What was revised decade by decade, and which sources had nothing to be compared with."""
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
        notes.append(f"No package carries an older vintage of these: {'; '.join(alone)}.")
    return notes


def check_summary(checks: Sequence[Mapping[str, Any]]) -> str:
    """How many checks passed."""
    passed = sum(str(row.get("status", "")).lower() in ("ok", "pass", "passed") for row in checks)
    if passed == len(checks):
        return (
            "The one check passed."
            if passed == 1
            else f"All {words.count(len(checks), 'check')} of the records passed."
        )
    left = [row for row in checks if str(row.get("status", "")).lower() not in ("ok", "pass", "passed")]
    each = "; ".join(f"{row.get('source', '')}, {row.get('check', '')}: {row.get('status', '')}" for row in left)
    return f"{passed} of {words.count(len(checks), 'check')} of the records passed. The rest: {each}."


def check_table(checks: Sequence[Mapping[str, Any]]) -> Table | None:
    """Truth checks, those that did not pass first."""
    if not checks:
        return None
    order = {"error": 0, "fail": 0, "failed": 0, "warning": 1, "warn": 1}
    rows = sorted(checks, key=lambda row: order.get(str(row.get("status", "")).lower(), 2))
    names = list(dict.fromkeys(key for row in rows for key in row))
    first = [name for name in ("source", "check", "status") if name in names]
    names = first + [name for name in names if name not in first]
    return Table(
        "Checks of the records against what their publishers declare.",
        [Column(words.capital(name.replace("_", " "))) for name in names],
        [
            [
                Cell(
                    _plain(row.get(name, "")),
                    kind=f"status-{str(row.get(name)).lower()}" if name == "status" else "",
                )
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


STATUS = {
    "ok": "as pinned",
    "last-good": "last good copy",
    "missing": "missing",
}
"""What a source's status means."""


def source_table(provenance: Sequence[Mapping[str, Any]], prefix: str = "") -> Table:
    """Which vintage of which source served, by which channel, under which licence."""
    rows = []
    for entry in provenance:
        status, key = str(entry.get("status", "ok")), str(entry.get("key", ""))
        rows.append(
            [
                Cell(words.typeset(str(entry.get("title", key))), href=f"{prefix}sources/{key}.html"),
                Cell(str(entry.get("publisher", "") or words.NONE)),
                Cell(str(entry.get("vintage", "") or words.NONE)),
                Cell(str(entry.get("channel", "") or words.NONE)),
                Cell(STATUS.get(status, status), kind=f"status-{status}"),
                Cell(str(entry.get("licence", "") or words.NONE)),
            ]
        )
    return Table(
        "Sources: which vintage served, and by which channel it came.",
        [Column(name) for name in ("Source", "Publisher", "Vintage", "Channel", "Status", "Licence")],
        rows,
    )
