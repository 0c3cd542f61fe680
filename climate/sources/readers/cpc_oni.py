"""NOAA CPC's Oceanic Nino Index: three-month running means, one row a season."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import check_steps, month_starts
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

HEADER = ("SEAS", "YR", "TOTAL", "ANOM")
SEASONS = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
"""Seasons by their middle month, January first; `YR` is the year of the middle month."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """One series in degC, dims (series, time), at each season's middle month: the index for a source of anomalies, the
    Nino 3.4 temperature behind it for a source of absolute values.

    A value holds the month after its own: at the end of month m the newest value that can be known is that of m - 1.
    """
    text = read_text(folder, source.files[0].name)
    if tuple(text.line(1).split()) != HEADER:
        raise text.error(1, text.line(1), f"the header {' '.join(HEADER)}")
    table = split(text, 2, HEADER)
    seasons = table.column("SEAS")
    table.check(np.array([season in SEASONS for season in seasons]), seasons, f"a season among {' '.join(SEASONS)}")
    months = np.array([SEASONS.index(season) + 1 for season in seasons])
    years = table.integers("YR", 1, 9999)
    check_steps(table, years * 12 + months - 1)
    total, anomaly = table.numbers("TOTAL"), table.numbers("ANOM")
    table.check((total > 15) & (total < 40), total, "a sea surface temperature in degC in column 'TOTAL'")
    time = month_starts(years, months)
    window = "mean of three months, centred"
    value, default = (anomaly, "oni") if source.kind == "anomaly" else (total, "nino34")
    return dataset(source, [Record(series_name(source, source.files[0], default), time, value)], window=window)
