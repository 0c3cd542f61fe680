"""GISTEMP: means of land and ocean temperature anomaly, one row a year with a column for each month."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import MONTH_NAMES, months_of_years
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

MISSING = "***"
HEADER = ("Year", *MONTH_NAMES, "J-D", "D-N", "DJF", "MAM", "JJA", "SON")

TITLES = {
    "Land-Ocean: Global Means": "global",
    "Land-Ocean: Northern Hemispheric Means": "northern hemisphere",
    "Land-Ocean: Southern Hemispheric Means": "southern hemisphere",
}

MEANS = {"J-D": (1, 12), "D-N": (0, 11), "DJF": (0, 2), "MAM": (3, 5), "JJA": (6, 8), "SON": (9, 11)}
"""First and last month of the columns that hold means; month 0 is the December before."""

MEAN_TOLERANCE = 0.012
"""degC. The mean of months printed to 0.01 differs from the mean of the months themselves, printed to 0.01, by less."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC against 1951-1980, without uncertainty; months marked *** are NaN.

    ClimateError unless the years follow each other and the means of years and seasons are those of the row's months.
    """
    file = source.files[0]
    text = read_text(folder, file.name)
    title = text.line(1).strip()
    if title not in TITLES:
        raise text.error(1, title, f"a title among {', '.join(repr(t) for t in TITLES)}")
    name = series_name(source, file, TITLES[title])
    if name in TITLES.values() and name != TITLES[title]:
        raise text.error(1, title, f"the table of series '{name}'")
    text.expect(2, ",".join(HEADER))
    table = split(text, 3, HEADER, ",")
    time, values = months_of_years(table, "Year", (MISSING,))
    months = values.reshape(-1, 12)
    before = np.concatenate([[np.nan], months[:-1, 11]])
    year = np.column_stack([before, months])
    for column, (first, last) in MEANS.items():
        stated, mean = table.numbers(column, (MISSING,)), year[:, first : last + 1].mean(axis=1)
        agrees = np.isnan(mean) | (np.abs(mean - stated) <= MEAN_TOLERANCE)
        table.check(agrees, stated, f"the mean of the row's months in column '{column}'")
    return dataset(source, [Record(name, time, values, period="GISTEMP")])
