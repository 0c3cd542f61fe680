"""NOAA GML's marine boundary layer reference: CO2 by sine of latitude, 48 steps a year, of which the mean is read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import month_starts
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import read_text, split

BANDS = 41
"""Sines of latitude from -1 to 1 in steps of 0.05, so that equal steps are equal areas."""
STEPS = 48
"""A year."""
PER_MONTH = 4
"""Steps."""
TOLERANCE = 1e-4
"""Years: decimal years are printed with six decimals."""
COLUMNS = ("decimal year", *(f"{kind} {band}" for band in range(1, BANDS + 1) for kind in ("value", "uncertainty")))


def read(folder: Path, source: Source) -> xr.Dataset:
    """One monthly series in ppm, dims (series, time): the mean over the area of the globe, by the trapezoidal rule in
    the sine of latitude, and over the month's four steps; a last month with fewer is left out.

    No uncertainty: those of bands and steps are not independent.
    """
    text = read_text(folder, source.files[0].name)
    first = text.first_row("#")
    if not any(re.search("MBL.*SURFACE", line) for line in text.lines[: first - 1]):
        raise text.error(1, text.line(1), "a comment above the table that calls it the MBL reference of the SURFACE")
    table = split(text, first, COLUMNS)
    decimal = table.numbers(COLUMNS[0])
    table.check((decimal >= 1) & (decimal < 9999), decimal, f"a decimal year in column '{COLUMNS[0]}'")
    step = np.round(decimal * STEPS).astype(np.int64)
    table.check(np.abs(decimal - step / STEPS) < TOLERANCE, decimal, "a decimal year in steps of 1/48")
    table.check(np.diff(step, prepend=step[0] - 1) == 1, decimal, "a decimal year 1/48 after that of the row above")
    table.check((step > step[0]) | (step % PER_MONTH == 0), decimal, "a first row at the beginning of a month")
    values = np.stack([table.mole_fractions(column) for column in COLUMNS[1::2]])
    for column in COLUMNS[2::2]:
        error = table.numbers(column)
        table.check(error >= 0, error, f"an uncertainty of 0 or more in column '{column}'")
    whole = step.size // PER_MONTH
    weights = np.ones(BANDS)
    weights[[0, -1]] = 0.5
    mean = np.average(values, axis=0, weights=weights)[: whole * PER_MONTH].reshape(whole, PER_MONTH).mean(axis=1)
    month = step[: whole * PER_MONTH : PER_MONTH] // PER_MONTH
    name = series_name(source, source.files[0], "co2")
    return dataset(source, [Record(name, month_starts(month // 12, month % 12 + 1), mean)])
