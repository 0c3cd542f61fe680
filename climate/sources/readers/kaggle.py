"""Data sets of the data-science site Kaggle, as their downloads hold them: csv files, alone or in a zip.

"Climate Change: Earth Surface Temperature Data" by Berkeley Earth: absolute monthly temperature by country, state,
city and major city (one row per place and month), and global means (one row per month). It equals Berkeley Earth's own
anomaly plus climatology of the run of October 2013. Uncertainties are 95% half widths.
"Carbon Dioxide Levels in Atmosphere" by the University of California, San Diego: Scripps' Mauna Loa record, scale 08A.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.schema import TIME_DTYPE
from climate.sources.archive import open_file
from climate.sources.catalogue import Source
from climate.sources.readers.calendar import month_axis
from climate.sources.readers.csv_blocks import Block, read_blocks, read_header
from climate.sources.readers.records import SIGMA_PER_95, Record, assemble, dataset, series_name
from climate.sources.readers.textfile import GET_AGAIN, problem, read_text, split

VALUE, ERROR = "AverageTemperature", "AverageTemperatureUncertainty"

PLACES = {
    ("Country",): "{Country}",
    ("State", "Country"): "{State}, {Country}",
    ("City", "Country", "Latitude", "Longitude"): "{City}, {Country}",
}
"""Columns that name a place, by layout, and the name of its series."""

GLOBAL = {
    "LandAverageTemperature": "land",
    "LandMaxTemperature": "land maximum",
    "LandMinTemperature": "land minimum",
    "LandAndOceanAverageTemperature": "land and ocean",
}

UCSD = (
    *("Year", "Month", "Decimal Date", "Carbon Dioxide (ppm)", "Seasonally Adjusted CO2 (ppm)"),
    *("Carbon Dioxide Fit (ppm)", "Seasonally Adjusted CO2 Fit (ppm)"),
)


@dataclass
class _Place:
    start: int
    """First month, counted from year 0; the others follow without a hole."""
    value: list[NDArray[np.float64]] = field(default_factory=list)
    error: list[NDArray[np.float64]] = field(default_factory=list)


def read_temperatures(folder: Path, source: Source, series: Collection[str] | None = None) -> xr.Dataset:
    """Absolute temperature in degC of every place of a file, dims (series, time); of `series` alone where given.

    Series are called "Country", "State, Country" or "City, Country" (with coordinates where two cities share that),
    those of the global file "land", "land maximum", "land minimum", "land and ocean". Cities have the coordinates
    `latitude` and `longitude` of their grid cell. Empty cells are NaN; an uncertainty without a temperature is dropped.
    Memory: one block of the file and the values returned.
    """
    name = source.files[0].name
    with open_file(folder, name) as stream:
        header = read_header(stream, name)
        if header == ["dt", *(column for mean in GLOBAL for column in (mean, f"{mean}Uncertainty"))]:
            return dataset(source, _global(list(read_blocks(stream, name, header, header[1:]))))
        columns = tuple(header[3:])
        if header[:3] != ["dt", VALUE, ERROR] or columns not in PLACES:
            expected = " or ".join(f"dt,{VALUE},{ERROR},{','.join(columns)}" for columns in PLACES)
            raise problem(name, 1, ",".join(header), expected)
        places: dict[tuple[str, ...], _Place] = {}
        current: tuple[str, ...] | None = None
        previous = -1
        for block in read_blocks(stream, name, header, (VALUE, ERROR)):
            current, previous = _collect(block, columns, places, current, previous, series)
    names = _names(places, columns)
    chosen = {key: place for key, place in places.items() if series is None or names[key] in series}
    if series is not None and len(chosen) < len(set(series)):
        absent = sorted(set(series) - {names[key] for key in chosen})[0]
        raise ClimateError(f"{name}: found no series '{absent}', expected names such as {sorted(names.values())[:3]}")
    result = _assemble(source, {names[key]: place for key, place in chosen.items()})
    if "Latitude" in columns:
        for coordinate, position, ends in (("latitude", 2, "NS"), ("longitude", 3, "EW")):
            degrees = [_degrees(name, key[position], ends) for key in chosen]
            result = result.assign_coords({coordinate: ("series", degrees)})
    return result


def _assemble(source: Source, places: dict[str, _Place]) -> xr.Dataset:
    """The Dataset of `places`, whose pieces are dropped as they are put in, so that no two copies are held."""
    first = min(place.start for place in places.values())
    stop = max(place.start + sum(map(len, place.value)) for place in places.values())
    value = np.full((len(places), stop - first), np.nan)
    uncertainty = np.full_like(value, np.nan)
    for i, place in enumerate(places.values()):
        for pieces, row in ((place.value, value[i]), (place.error, uncertainty[i])):
            at = place.start - first
            for piece in pieces:
                row[at : at + len(piece)] = piece
                at += len(piece)
            pieces.clear()
    uncertainty *= SIGMA_PER_95
    held = np.flatnonzero(~np.isnan(value).all(axis=0))
    last = int(held[-1]) + 1 if held.size else 0
    return assemble(
        source, list(places), _month_time(np.arange(first, first + last)), value[:, :last], uncertainty[:, :last]
    )


def _collect(
    block: Block,
    columns: tuple[str, ...],
    places: dict[tuple[str, ...], _Place],
    current: tuple[str, ...] | None,
    previous: int,
    series: Collection[str] | None,
) -> tuple[tuple[str, ...] | None, int]:
    """Add the rows of `block` to `places`; returns the place and month of its last row."""
    months = _months(block)
    codes = np.stack([block.frame[column].cat.codes.to_numpy() for column in columns])
    change = np.concatenate([[True], (codes[:, 1:] != codes[:, :-1]).any(axis=0)])
    value, error = block.frame[VALUE].to_numpy(), block.frame[ERROR].to_numpy()
    names = [block.frame[column].cat.categories for column in columns]
    starts = np.flatnonzero(change)
    keys = [tuple(str(names[i][codes[i, start]]) for i in range(len(columns))) for start in starts]
    step = np.diff(months, prepend=previous)
    free = change.copy()
    free[0] = keys[0] != current
    block.check(free | (step == 1), "dt", "the month after that of the row above, for the same place")
    block.check(np.isnan(value) | (error >= 0), ERROR, "an uncertainty of 0 or more beside every temperature")
    for key, start, stop in zip(keys, starts, [*starts[1:], len(months)], strict=True):
        if key != current:
            if key in places or not all(key):
                raise problem(
                    block.name, block.first_row + int(start), ", ".join(key), "rows of each place in one piece"
                )
            places[key] = _Place(int(months[start]))
            current = key
        if series is None or _name(key, columns) in series or _name_with_position(key, columns) in series:
            places[key].value.append(value[start:stop])
            places[key].error.append(error[start:stop])
    return current, int(months[-1])


def _global(blocks: list[Block]) -> list[Record]:
    columns: dict[str, list[NDArray[np.float64]]] = {column: [] for column in blocks[0].frame.columns if column != "dt"}
    months = []
    previous = None
    for block in blocks:
        block_months = _months(block)
        step = np.diff(block_months, prepend=block_months[0] - 1 if previous is None else previous)
        block.check(step == 1, "dt", "the month after that of the row above")
        previous = block_months[-1]
        months.append(block_months)
        for column, parts in columns.items():
            parts.append(block.frame[column].to_numpy())
        for mean in GLOBAL:
            value, error = (block.frame[column].to_numpy() for column in (mean, f"{mean}Uncertainty"))
            block.check(np.isnan(value) == ~(error >= 0), mean, "a temperature and its uncertainty, or neither")
    whole = {column: np.concatenate(parts) for column, parts in columns.items()}
    time = _month_time(np.concatenate(months))
    return [
        Record(name, time, whole[mean], whole[f"{mean}Uncertainty"] * SIGMA_PER_95) for mean, name in GLOBAL.items()
    ]


def _months(block: Block) -> NDArray[np.int64]:
    """Months since year 0 of the column `dt`, whose dates must be written YYYY-MM-01."""
    dates = block.frame["dt"].cat
    good = np.array([bool(re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-01", str(date))) for date in dates.categories])
    codes = dates.codes.to_numpy()
    block.check(good[codes], "dt", "the first of a month written YYYY-MM-01 in column 'dt'")
    months = np.array([int(str(date)[:4]) * 12 + int(str(date)[5:7]) - 1 for date in dates.categories], dtype=np.int64)
    return months[codes]


def _month_time(months: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return (months - 1970 * 12).astype("datetime64[M]").astype(TIME_DTYPE)


def _name(key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    return PLACES[columns].format(**dict(zip(columns, key, strict=True)))


def _names(places: dict[tuple[str, ...], _Place], columns: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    plain = {key: _name(key, columns) for key in places}
    shared = {name for name, count in Counter(plain.values()).items() if count > 1}
    return {key: _name_with_position(key, columns) if name in shared else name for key, name in plain.items()}


def _name_with_position(key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    return f"{_name(key, columns)} ({' '.join(key[2:])})"


def _degrees(name: str, text: str, ends: str) -> float:
    match = re.fullmatch(rf"([0-9]+(?:\.[0-9]+)?)([{ends}])", text)
    if not match:
        raise problem(name, None, text, f"degrees with one of {' '.join(ends)} behind them")
    return float(match[1]) * (1 if match[2] == ends[0].replace("S", "N") else -1)


def read_ucsd(folder: Path, source: Source) -> xr.Dataset:
    """Scripps' Mauna Loa CO2 in ppm, dims (series, time); empty months, which Scripps filled elsewhere, are NaN."""
    file = source.files[0]
    text = read_text(folder, file.name)
    text.expect(1, ",".join(UCSD))
    if not text.ended:
        raise text.error(
            len(text.lines), text.lines[-1], "a line end after the last row (the file is cut short)", GET_AGAIN
        )
    table = split(text, 2, UCSD, ",")
    time = month_axis(table, "Year", "Month", "Decimal Date")
    value = table.mole_fractions(UCSD[3], ("",))
    adjusted, fit, adjusted_fit = (table.numbers(column, ("",)) for column in UCSD[4:])
    table.check(
        np.isnan(value) == np.isnan(adjusted), value, "a value in both of the first two columns of CO2 or in none"
    )
    table.check(np.isnan(fit) == np.isnan(adjusted_fit), fit, "a value in both columns of fits or in none")
    name = series_name(source, file, "co2")
    return dataset(source, [Record(name, time, value, site="Mauna Loa", period="Scripps")], scale="SIO 08A")
