"""ECMWF Climate Pulse: daily global means of ERA5, with the mean of the calendar day in 1991-2020."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.schema import TIME_DTYPE
from climate.sources.catalogue import Source
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import Cells, read_text, split

CLIMATOLOGY, ANOMALY, STATUS = "clim_91-20", "ano_91-20", "status"
STATES = ("FINAL", "PRELIMINARY")
"""Days of ERA5T are preliminary until ERA5 itself replaces them, two to three months later."""
ROUNDING = 0.0151
"""degC. Value, mean and anomaly are rounded to 0.01 at the coarsest, each by half of that at most."""
_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


def read(folder: Path, source: Source) -> xr.Dataset:
    """One daily series in degC, dims (series, time): the column options.variable for a source of absolute values, its
    anomaly against 1991-2020 for one of anomalies. attrs["preliminary_from"]: the first day that may still change, "".
    """
    file, variable = source.files[0], str(source.options["variable"])
    text = read_text(folder, file.name)
    header = ("date", variable, CLIMATOLOGY, ANOMALY, STATUS)
    first = text.first_row("#")
    text.expect(first, ",".join(header))
    table = split(text, first + 1, header, ",")
    dates = _days(table)
    value, mean, anomaly = (table.numbers(column) for column in header[1:4])
    table.check(np.abs(value - mean - anomaly) <= ROUNDING, anomaly, f"{variable} less {CLIMATOLOGY} in '{ANOMALY}'")
    states = table.column(STATUS)
    table.check(np.array([state in STATES for state in states]), states, f"a status among {', '.join(STATES)}")
    early = np.array([state == STATES[1] for state in states])
    name = series_name(source, file, "global")
    record = Record(name, dates.astype(TIME_DTYPE), anomaly if source.kind == "anomaly" else value, period="ERA5")
    return dataset(source, [record], preliminary_from=str(dates[early][0]) if early.any() else "")


def _days(table: Cells) -> NDArray[np.datetime64]:
    cells = table.column("date")
    table.check(np.array([bool(_DATE.fullmatch(cell)) for cell in cells]), cells, "a day written YYYY-MM-DD")
    days = []
    for row, cell in zip(table.rows, cells, strict=True):
        try:
            days.append(np.datetime64(cell, "D"))
        except ValueError:
            raise table.file.error(row, cell, "a day of the calendar") from None
    dates = np.array(days)
    step = np.diff(dates, prepend=dates[0] - 1).astype(int)
    table.check(step == 1, cells, "the day after that of the row above")
    return dates
