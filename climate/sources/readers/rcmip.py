"""RCMIP's concentration pathways: a row per scenario and gas, a column per year (doi:10.5194/gmd-13-5175-2020)."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import xarray as xr

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import month_starts
from climate.sources.readers.records import Record, dataset
from climate.sources.readers.textfile import GET_AGAIN, Cells, read_text

LEADING = ("Model", "Scenario", "Region", "Variable", "Unit", "Activity_Id", "Mip_Era")
CO2 = "Atmospheric Concentrations|CO2"

HISTORICAL_UNTIL = 2014
"""Last year that all scenarios of CMIP6 share (Meinshausen et al. 2020, doi:10.5194/gmd-13-3571-2020)."""


def read(folder: Path, source: Source) -> xr.Dataset:
    """Annual means, one series per scenario, dims (series, time), labelled by 1 January of their year.

    options.variable and options.region choose the rows (CO2 and World by default). period: "historical" to 2014,
    then "scenario". ClimateError on another unit than the catalogue's, on a year left out or twice, on a short row,
    when no row has the variable, when a scenario has an empty cell, and when its past is not that of the others.
    """
    variable = str(source.options.get("variable", CO2))
    region = str(source.options.get("region", "World"))
    text = read_text(folder, source.files[0].name)
    if not text.ended:
        raise text.error(
            len(text.lines), text.lines[-1][-30:], "a line end after the last row (the file is cut short)", GET_AGAIN
        )
    header = text.line(1).split(",")
    if tuple(header[: len(LEADING)]) != LEADING:
        raise text.error(1, ",".join(header[: len(LEADING)]), f"a header that begins {','.join(LEADING)}")
    years = header[len(LEADING) :]
    if not years or any(not year.isdecimal() for year in years) or not _by_one([int(year) for year in years]):
        raise text.error(1, ",".join(years)[:60], "years that follow each other as names of the other columns")
    table = Cells(text, tuple(header))
    family = variable.partition("|")[0]
    for row, line in enumerate(text.lines[1:], 2):
        cells = next(csv.reader([line], strict=True), []) if '"' in line else line.split(",")
        if len(cells) != len(header):
            raise text.error(row, line, f"{len(header)} columns and not {len(cells)}")
        if not cells[3].startswith(family):
            raise text.error(row, cells[3], f"a variable that begins with '{family}'")
        if cells[3] == variable and cells[2] == region:
            table.rows.append(row)
            table.cells.append(cells)
    if not table.rows:
        raise text.error(None, f"no row of variable '{variable}'", f"one or more for region '{region}'")
    for row, unit in zip(table.rows, table.column("Unit"), strict=True):
        if unit != source.unit:
            raise text.error(row, unit, f"the unit {source.unit} of the catalogue")
    grid = np.stack([table.numbers(year, ("",)) for year in years])
    names = table.column("Scenario")
    whole = ~np.isnan(grid).any(axis=0) | np.array([name.startswith("historical") for name in names])
    table.check(whole, names, "a value for every year of a scenario")
    past = grid[np.array(years, dtype=np.int64) <= HISTORICAL_UNTIL]
    for era in set(table.column("Mip_Era")):
        members = np.array([e == era for e in table.column("Mip_Era")])
        usual = np.median(past[:, members], axis=1, keepdims=True)
        same = np.isclose(past, usual, rtol=0, atol=1e-6, equal_nan=True).all(axis=0)
        table.check(~members | same, names, f"the past of the other scenarios of {era} up to {HISTORICAL_UNTIL}")
    time = month_starts(np.array(years, dtype=np.int64), np.ones(len(years), dtype=np.int64))
    period = np.where(np.array(years, dtype=np.int64) <= HISTORICAL_UNTIL, "historical", "scenario")
    records = [Record(name, time, grid[:, i], period=period) for i, name in enumerate(names)]
    return dataset(source, records, models=", ".join(table.column("Model")))


def _by_one(years: list[int]) -> bool:
    return all(later - earlier == 1 for earlier, later in pairwise(years))
