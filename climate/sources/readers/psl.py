"""Climate indices in the layout of NOAA PSL: first and last year, a row of months per year, missing marker, notes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import MONTH_NAMES, months_of_years
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import GET_AGAIN, Cells, TextFile, read_text, split

COLUMNS = ("year", *MONTH_NAMES)


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in the source's unit: published values times options.scale (1 by default).

    The missing marker stands below the table and differs by file; equal numbers are NaN. options.window says in words
    over which months a value is a mean, where it is not its own month alone; it is kept as attrs["window"]. The sea
    surface temperatures that the notes name, such as ERSSTv6, become attrs["version"].
    """
    records = []
    scale = float(source.options.get("scale", 1))
    modified = version = ""
    for file in source.files:
        text = read_text(folder, file.name)
        table = _table(text)
        marker = float(text.line(table.rows[-1] + 1).strip())
        time, values = months_of_years(table, "year")
        value = np.where(np.isclose(values, marker, rtol=1e-9, atol=1e-9), np.nan, values * scale)
        records.append(Record(series_name(source, file, file.name.partition(".")[0]), time, value))
        version = version or text.search(r"(?i)(ersst ?v\d)").replace(" ", "").upper().replace("V", "v")
        modified = text.search(r"^Date modified: (\d{4}-\d{2})\s*$")
    more = {"version": version} if version else {}
    return dataset(source, records, file_date=modified, window=str(source.options.get("window", "")), **more)


def _table(text: TextFile) -> Cells:
    years = text.line(1).split()
    if len(years) != 2 or not all(re.fullmatch("[0-9]{4}", year) for year in years) or years[0] > years[1]:
        raise text.error(1, text.line(1), "the first and the last year of the table")
    first, last = int(years[0]), int(years[1])
    below = last - first + 3  # the row below the table
    marker = text.line(below).strip()
    if not re.fullmatch(r"-?[0-9]+\.?[0-9]*", marker):
        raise text.error(
            below,
            text.line(below),
            f"the missing marker below {last - first + 1} rows ({first}-{last})",
            GET_AGAIN if below > len(text.lines) else "",
        )
    if len(text.lines) == below and not text.ended:
        raise text.error(below, marker, "a line end after the missing marker (the file is cut short)", GET_AGAIN)
    table = split(text, 2, COLUMNS, last=below - 1)
    listed = table.integers("year", 1, 9999)
    if listed[0] != first or listed[-1] != last:
        raise text.error(2, int(listed[0]), f"the rows of the years {first} to {last}")
    return table
