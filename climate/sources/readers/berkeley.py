"""Berkeley Earth's text files: anomaly with 95% uncertainty, and the absolute climatology in the comments.

A file holds one table (land, a continent, a country) or two (land and ocean, with the temperature over sea ice taken
from air, or from the water below). Every table has the same twelve columns; those for years and decades are centred
means of the monthly one and are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.sources.catalogue import Source, SourceFile
from climate.sources.readers.calendar import MONTH_NAMES, month_axis
from climate.sources.readers.records import SIGMA_PER_95, Record, dataset, series_name
from climate.sources.readers.textfile import Floats, TextFile, read_text, split

COLUMNS = (
    *("Year", "Month", "Anomaly", "Unc.", "Annual Anomaly", "Annual Unc.", "Five-year Anomaly", "Five-year Unc."),
    *("Ten-year Anomaly", "Ten-year Unc.", "Twenty-year Anomaly", "Twenty-year Unc."),
)
MISSING = "NaN"

SEA_ICE = {"air": "Using air temperature above sea ice", "water": "Using water temperature below sea ice"}
"""options.table -> what the header calls the first and the second table of a land and ocean file."""

_TABLES = {"air": "Inferred from Air Temperatures", "water": "Inferred from Water Temperatures"}
_HEADER = "Year, Month, Anomaly, Unc., Anomaly, Unc., Anomaly, Unc., Anomaly, Unc., Anomaly, Unc."
_FALLBACK = "cp1252"  # names of places and dashes in the comments


@dataclass(frozen=True)
class _Climatology:
    value: Floats
    uncertainty: Floats


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC against 1951-1980, with `climatology` and its uncertainty (series, month).

    anomaly + climatology is absolute temperature. uncertainty: the published 95% half widths over 1.96. NaN months are
    the publisher's. options.table chooses "air" (the default) or "water" in a file of two tables. One series per file,
    called as the catalogue says, else as the file's header does.
    """
    kind = str(source.options.get("table", "air"))
    if kind not in SEA_ICE:
        raise ClimateError(
            f"source '{source.key}', options.table: found '{kind}', expected one of {', '.join(SEA_ICE)}"
        )
    parts = [_read(folder, source, file, kind) for file in source.files]
    records = [record for record, _, _ in parts]
    dates = {date for _, _, date in parts}
    result = dataset(source, records, file_date=dates.pop() if len(dates) == 1 else "")
    for name in ("value", "uncertainty"):
        table = np.stack([getattr(climatology, name) for _, climatology, _ in parts])
        result[{"value": "climatology"}.get(name, f"climatology_{name}")] = (("series", "month"), table)
    return result.assign_coords(month=np.arange(1, 13))


def _read(folder: Path, source: Source, file: SourceFile, kind: str) -> tuple[Record, _Climatology, str]:
    text = read_text(folder, file.name, _FALLBACK)
    comments = [line.lstrip("%").strip() if line.startswith("%") else None for line in text.lines]
    head = " ".join(comment for comment in comments if comment)
    if "95% confidence interval" not in head:
        raise text.error(None, "no statement on uncertainty", "comments that call it a 95% confidence interval")
    starts = [i + 1 for i, comment in enumerate(comments) if comment and " ".join(comment.split()) == _HEADER]
    if not starts:
        raise text.error(None, "no header of columns", f"the comment '% {_HEADER}'")
    two = any(comment and SEA_ICE["water"] in comment for comment in comments)
    start = _table_start(text, comments, starts, kind) if two else starts[0]
    if not two and len(starts) > 1:
        raise text.error(starts[1], text.line(starts[1]), "one table in this file")
    first = next((row for row in range(start + 1, len(text.lines) + 1) if text.line(row).strip()), start + 1)
    rows = range(first, len(text.lines) + 1)
    last = next((row - 1 for row in rows if text.line(row).startswith("%")), len(text.lines))
    table = split(text, first, COLUMNS, last=last)
    time = month_axis(table, "Year", "Month")
    value, error = table.numbers("Anomaly", (MISSING,)), table.numbers("Unc.", (MISSING,))
    for column in COLUMNS[4:]:
        table.numbers(column, (MISSING,))
    table.check(~(error < 0), error, "a width of the 95% interval, or NaN, in column 'Unc.'")
    lacks = np.isnan(error) & ~np.isnan(value)
    last_known = np.flatnonzero(~np.isnan(error)).max(initial=-1)
    lacks[last_known + 1 :] = False  # previews give no uncertainty for their last months
    table.check(~lacks & (np.isnan(error) | ~np.isnan(value)), error, "an uncertainty for every anomaly, and no other")
    name = series_name(source, file, _region(text))
    record = Record(name, time, value, error * SIGMA_PER_95, period="Berkeley Earth")
    date = text.date(r"^%.*analysis was run on (\d{2}-\w{3}-\d{4})", "%d-%b-%Y")
    return record, _climatology(text, comments, SEA_ICE[kind] if two else None), date


def _table_start(text: TextFile, comments: list[str | None], starts: list[int], kind: str) -> int:
    for start, expected in zip(starts, _TABLES.values(), strict=False):
        title = next((c for c in reversed(comments[max(start - 5, 0) : start - 1]) if c and "Sea Ice" in c), "")
        if not title.endswith(expected):
            raise text.error(start, title, f"a title above that ends with '{expected}'")
    position = list(_TABLES).index(kind)
    if len(starts) <= position or len(starts) > len(_TABLES):
        raise text.error(None, f"{len(starts)} tables", f"the table whose title ends with '{_TABLES[kind]}'")
    return starts[position]


def _climatology(text: TextFile, comments: list[str | None], title: str | None) -> _Climatology:
    begin = 0
    if title is not None:
        titles = [comments.index(f"{of}:") if f"{of}:" in comments else -1 for of in SEA_ICE.values()]
        if not 0 <= titles[0] < titles[1]:
            raise text.error(None, "no or misplaced climatologies", f"a table under '{title}:'")
        begin = comments.index(f"{title}:")
    for i in range(begin, len(comments) - 2):
        if " ".join((comments[i] or "").split()) == " ".join(MONTH_NAMES):
            values, widths = (comments[i + 1] or "").split(), (comments[i + 2] or "").split()
            if len(values) == 12 and len(widths) == 13 and widths[0] == "+/-":
                try:
                    numbers = np.array(values, dtype=float), np.array(widths[1:], dtype=float) * SIGMA_PER_95
                except ValueError:
                    break
                if np.isfinite(numbers).all():
                    return _Climatology(*numbers)
            raise text.error(
                i + 2, text.line(i + 2), "twelve monthly temperatures and, below, '+/-' with twelve widths"
            )
    raise text.error(None, "no climatology", "the comment 'Estimated ... monthly absolute temperature' with its table")


def _region(text: TextFile) -> str:
    for row, line in enumerate(text.lines, 1):
        if line.lstrip("% ").startswith("method for the region:"):
            name = next(
                (text.line(r).lstrip("% ").strip() for r in range(row + 1, row + 4) if text.line(r).strip("% ")), ""
            )
            if name:
                return name
    return "global"
