"""The Pacific decadal oscillation of NOAA NCEI, from ERSST: a row a year with a column for each month."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import MONTH_NAMES, months_of_years
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

TITLE = "ERSST PDO Index:"
HEADER = ("Year", *MONTH_NAMES)
MISSING = "99.99"
"""Fills the last year up to December."""
LARGEST = 10.0
"""Standard deviations. The largest since 1854 is below 5; PSL's marker -9.90 and the like are beyond what can be."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """One series, dims (series, time), in standard deviations of the leading pattern; months marked 99.99 are NaN."""
    file = source.files[0]
    text = read_text(folder, file.name)
    if text.line(1).strip() != TITLE:
        raise text.error(1, text.line(1), f"the title '{TITLE}'")
    if tuple(text.line(2).split()) != HEADER:
        raise text.error(2, text.line(2), f"the header {' '.join(HEADER)}")
    table = split(text, 3, HEADER)
    time, value = months_of_years(table, "Year", (MISSING,))
    good: NDArray[np.bool_] = np.all(~(np.abs(value.reshape(-1, 12)) >= LARGEST), axis=1)
    table.check(good, [" ".join(cells) for cells in table.cells], f"indices within {LARGEST} of 0, or {MISSING}")
    return dataset(source, [Record(series_name(source, file, "pdo"), time, value)])
