"""HadCRUT5 summary series: monthly anomaly with its 95% limits (Morice et al. 2021, doi:10.1029/2019JD032361)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import check_steps, month_starts
from climate.sources.readers.records import SIGMA_PER_95, Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

HEADER = ("Time", "Anomaly (deg C)", "Lower confidence limit (2.5%)", "Upper confidence limit (97.5%)")
_SERIES = re.compile(r"\.summary_series\.(\w+)\.monthly")


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC against 1961-1990; uncertainty: half the distance of the limits over 1.96.

    ClimateError unless months follow each other and every anomaly lies within its own limits.
    """
    records = []
    for file in source.files:
        text = read_text(folder, file.name)
        text.expect(1, ",".join(HEADER))
        table = split(text, 2, HEADER, ",")
        dates = table.column("Time")
        written = np.array([bool(re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", date)) for date in dates])
        table.check(written, dates, "a month written YYYY-MM in column 'Time'")
        years, months = np.array([(int(date[:4]), int(date[5:])) for date in dates]).T
        check_steps(table, years * 12 + months - 1)
        value, lower, upper = (table.numbers(column) for column in HEADER[1:])
        table.check((lower <= value) & (value <= upper), value, "an anomaly within its confidence limits")
        match = _SERIES.search(file.name)
        name = series_name(source, file, match.group(1).replace("_", " ") if match else "global")
        error = (upper - lower) / 2 * SIGMA_PER_95
        records.append(Record(name, month_starts(years, months), value, error, period="HadCRUT5"))
    return dataset(source, records)
