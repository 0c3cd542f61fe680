"""NASA GISS stratospheric aerosol optical depth at 550 nm (Sato et al. 1993, doi:10.1029/93JD02553)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import check_decimal_date, check_steps, month_starts
from climate.sources.readers.records import Record, dataset
from climate.sources.readers.textfile import read_text, split

TITLE = "Global and Hemispheric Mean Aerosol Optical Depth at 550 nm"
HEADER = ("year/mon", "global", "N.Hemis", "S.Hemis")
SERIES = {"global": "global", "N.Hemis": "northern hemisphere", "S.Hemis": "southern hemisphere"}


def read(folder: Path, source: Source) -> xr.Dataset:
    """Three series of optical depth (dimensionless), dims (series, time); dates are mid-month decimal years."""
    text = read_text(folder, source.files[0].name)
    if text.line(1).strip() != TITLE:
        raise text.error(1, text.line(1), f"the title '{TITLE}'")
    if tuple(text.line(4).split()) != HEADER:
        raise text.error(4, text.line(4), f"the header {' '.join(HEADER)}")
    table = split(text, 5, HEADER)
    decimal = table.numbers("year/mon")
    table.check((decimal >= 1) & (decimal < 9999), decimal, "a decimal year in column 'year/mon'")
    months = np.floor(decimal * 12).astype(np.int64)
    check_steps(table, months)
    time = month_starts(months // 12, months % 12 + 1)
    check_decimal_date(table, "year/mon", time)
    records = []
    for column, name in SERIES.items():
        value = table.numbers(column)
        table.check((value >= 0) & (value < 2), value, f"an optical depth in column '{column}'")
        records.append(Record(name, time, value))
    return dataset(source, records)
