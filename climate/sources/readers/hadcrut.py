"""The Met Office Hadley Centre's monthly series: HadCRUT5 and CRUTEM5 in one layout, HadSST4 in another.

Morice et al. (2021, doi:10.1029/2019JD032361), Osborn et al. (2021, doi:10.1029/2019JD032352) and Kennedy et al. (2019,
doi:10.1029/2018JD029867).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import check_steps, month_axis, month_starts
from climate.sources.readers.records import SIGMA_PER_95, Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

HEADER = ("Time", "Anomaly (deg C)", "Lower confidence limit (2.5%)", "Upper confidence limit (97.5%)")
SST_HEADER = (
    *("year", "month", "anomaly", "total_uncertainty", "uncorrelated_uncertainty", "correlated_uncertainty"),
    *("bias_uncertainty", "coverage_uncertainty"),
    *("lower_bound_95pct_bias_uncertainty_range", "upper_bound_95pct_bias_uncertainty_range"),
)
_SERIES = re.compile(r"\.summary_series\.(\w+)\.monthly")


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC against 1961-1990; uncertainty: half the distance of the limits over 1.96.

    options.period is the name that the values have in `period`, HadCRUT5 by default.

    ClimateError unless months follow each other and every anomaly lies within its own limits.
    """
    records, period = [], str(source.options.get("period", "HadCRUT5"))
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
        records.append(Record(name, month_starts(years, months), value, error, period=period))
    return dataset(source, records)


def read_sst(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) of HadSST4 in degC against 1961-1990; uncertainty: the column total_uncertainty.

    ClimateError unless months follow each other, uncertainties are at least 0 and the limits of the bias are in order.
    """
    records = []
    for file in source.files:
        text = read_text(folder, file.name)
        text.expect(1, ",".join(SST_HEADER))
        table = split(text, 2, SST_HEADER, ",")
        time = month_axis(table, "year", "month", first_year=1850)
        value, *errors, lower, upper = (table.numbers(column) for column in SST_HEADER[2:])
        for column, error in zip(SST_HEADER[3:], errors, strict=False):
            table.check(error >= 0, error, f"an uncertainty of 0 or more in column '{column}'")
        table.check(lower <= upper, lower, "a lower limit of the bias below the upper one")
        records.append(Record(series_name(source, file, file.name), time, value, errors[0], period="HadSST4"))
    return dataset(source, records)
