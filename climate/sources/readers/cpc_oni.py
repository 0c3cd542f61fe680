"""NOAA CPC's Oceanic Nino Index and its relative form: three-month running means, one row a season.

The Relative Oceanic Nino Index (RONI) is the anomaly of Nino 3.4 less that of the tropics, scaled to the same variance;
it is CPC's official index since February 2026.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import Times, check_steps, month_starts
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import Cells, read_text, split

HEADER = ("SEAS", "YR", "TOTAL", "ANOM")
RELATIVE_HEADER = ("SEAS", "YR", "ANOM")
WINDOW = "mean of three months, centred"
LARGEST_ANOMALY = 10.0
"""degC. Beyond it a three-month mean of Nino 3.4 is a marker or a moved column; the largest known is below 3."""
SEASONS = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
"""Seasons by their middle month, January first; `YR` is the year of the middle month."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """One series in degC, dims (series, time), at each season's middle month: the index for a source of anomalies, the
    Nino 3.4 temperature behind it for a source of absolute values.

    A value holds the month after its own: at the end of month m the newest value that can be known is that of m - 1.
    """
    table, time = _seasons(folder, source, HEADER)
    total, anomaly = table.numbers("TOTAL"), table.numbers("ANOM")
    table.check((total > 15) & (total < 40), total, "a sea surface temperature in degC in column 'TOTAL'")
    value, default = (anomaly, "oni") if source.kind == "anomaly" else (total, "nino34")
    return dataset(source, [Record(series_name(source, source.files[0], default), time, value)], window=WINDOW)


def read_relative(folder: Path, source: Source) -> xr.Dataset:
    """One series in degC, dims (series, time), at each season's middle month; its window is that of `read`."""
    table, time = _seasons(folder, source, RELATIVE_HEADER)
    value = table.numbers("ANOM")
    table.check(np.abs(value) < LARGEST_ANOMALY, value, f"an anomaly within {LARGEST_ANOMALY} degC of 0")
    return dataset(source, [Record(series_name(source, source.files[0], "roni"), time, value)], window=WINDOW)


def _seasons(folder: Path, source: Source, header: tuple[str, ...]) -> tuple[Cells, Times]:
    """The rows under `header` and the middle month of each, without holes."""
    text = read_text(folder, source.files[0].name)
    if tuple(text.line(1).split()) != header:
        raise text.error(1, text.line(1), f"the header {' '.join(header)}")
    table = split(text, 2, header)
    seasons = table.column("SEAS")
    table.check(np.array([season in SEASONS for season in seasons]), seasons, f"a season among {' '.join(SEASONS)}")
    months = np.array([SEASONS.index(season) + 1 for season in seasons])
    years = table.integers("YR", 1, 9999)
    check_steps(table, years * 12 + months - 1)
    return table, month_starts(years, months)
