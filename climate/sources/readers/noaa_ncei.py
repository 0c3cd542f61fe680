"""NOAAGlobalTemp area averages: rows of ten columns without a header (00_Readme_timeseries.txt names them)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import month_axis
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

COLUMNS = (
    *("year", "month", "anomaly", "total error variance", "high-frequency error variance"),
    *("low-frequency error variance", "bias error variance", "diagnostic 1", "diagnostic 2", "diagnostic 3"),
)
MISSING = "-999.000000"
"""Stands in every variance column of version 6."""

LARGEST_ANOMALY = 30.0
"""degC. Beyond it a monthly zonal mean is a marker or a moved column; the largest in version 6 is below 6."""

_NAME = re.compile(r"aravg\.mon\.(\w+)\.(\w+)\.(\w+)\.v")


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC (the file's K differences); series such as "land_ocean 90S-90N", one per file.

    uncertainty: the root of the total error variance, NaN where that is absent. The month in a file's name may lie
    behind its content. ClimateError on a month out of order or left out, and on any anomaly that can be none.
    """
    records = []
    for file in source.files:
        text = read_text(folder, file.name)
        table = split(text, 1, COLUMNS)
        time = month_axis(table, "year", "month", first_year=1850)
        value = table.numbers("anomaly")
        table.check(np.abs(value) <= LARGEST_ANOMALY, value, f"an anomaly within {LARGEST_ANOMALY} K of 0")
        variance = table.numbers("total error variance", (MISSING,))
        table.check(~(variance < 0), variance, f"a variance, or {MISSING}, in column 'total error variance'")
        for column in COLUMNS[4:]:
            table.numbers(column)
        match = _NAME.match(file.name)
        name = series_name(source, file, f"{match[1]} {match[2]}-{match[3]}" if match else file.name)
        records.append(Record(name, time, value, np.sqrt(variance), period="NOAAGlobalTemp"))
    return dataset(source, records)
