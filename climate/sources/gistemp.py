"""GISTEMP: means of land and ocean temperature anomaly, one row a year with a column for each month."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.calendar import check_years, month_starts
from climate.sources.catalogue import Source
from climate.sources.records import Record, dataset, series_name
from climate.sources.text import read_text, split

MISSING = "***"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
HEADER = ("Year", *MONTHS, "J-D", "D-N", "DJF", "MAM", "JJA", "SON")

TITLES = {
    "Land-Ocean: Global Means": "global",
    "Land-Ocean: Northern Hemispheric Means": "northern hemisphere",
    "Land-Ocean: Southern Hemispheric Means": "southern hemisphere",
}

MEAN_TOLERANCE = 0.015
"""degC. The mean of twelve months printed to 0.01 and the year's mean, itself printed to 0.01, differ by less."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in degC against 1951-1980, without uncertainty; months marked *** are NaN.

    ClimateError unless the years follow each other and every complete year has the mean that its own column J-D states.
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
    years = table.integers("Year", 1, 9999)
    check_years(table, years)
    months = np.stack([table.numbers(month, (MISSING,)) for month in MONTHS], axis=1)
    annual = table.numbers("J-D", (MISSING,))
    for season in HEADER[14:]:
        table.numbers(season, (MISSING,))
    mean = months.mean(axis=1)
    agrees = np.isnan(mean) | (np.abs(mean - annual) <= MEAN_TOLERANCE)
    table.check(agrees, annual, "the mean of the row's twelve months in column 'J-D'")
    time = month_starts(np.repeat(years, 12), np.tile(np.arange(1, 13), years.size))
    return dataset(source, [Record(name, time, months.ravel(), period="GISTEMP")])
