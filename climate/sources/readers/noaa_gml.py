"""CO2 of NOAA's Global Monitoring Laboratory: monthly and weekly at Mauna Loa, monthly global mean.

Collection at Mauna Loa, as the files' own headers tell it: Scripps through April 1974, NOAA from May 1974; from
December 2022 to 4 July 2023 the instruments stood on Maunakea. Monthly values are never absent, gaps are filled: for
NOAA's months a negative standard deviation marks the filled ones (ndays and unc have other marks in some vintages),
for Scripps' months the csv files do not say which are filled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.schema import TIME_DTYPE
from climate.sources.catalogue import Source
from climate.sources.readers.calendar import Times, month_axis
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import Cells, read_text, split

NOAA_FROM = np.datetime64("1974-05-01")
"""First month of NOAA's own measurements at Mauna Loa (header of co2_mm_mlo)."""

MAUNAKEA = (np.datetime64("2022-12-01"), np.datetime64("2023-07-05"))
"""First day on Maunakea and first day back on Mauna Loa (header of co2_mm_mlo)."""

X2019_KNOWN = {"mauna-loa": (np.datetime64("2021-02-01"), np.datetime64("2021-03-01"))}
"""Files created before the first date are on the scale WMO X2007, from the second on X2019; between, unknown.
NOAA moved these pages in February 2021 (doi:10.5194/amt-14-3015-2021 describes the scale)."""

MONTHLY_MLO = ("year", "month", "decimal date", "average", "deseasonalized", "ndays", "sdev", "unc")
MONTHLY_MLO_TXT = ("year", "month", "decimal", "average", "interpolated", "trend", "#days")
MONTHLY_GLOBAL_5 = ("year", "month", "decimal", "average", "trend")
MONTHLY_GLOBAL_7 = ("year", "month", "decimal", "average", "average_unc", "trend", "trend_unc")
WEEKLY_MLO = (
    *("year", "month", "day", "decimal", "average", "ndays"),
    *("1 year ago", "10 years ago", "increase since 1800"),
)

_HEADER_TXT = ("decimal average interpolated trend #days", "date (season corr)")
_FILL_ROUNDING = 0.005  # ppm: average and interpolated are both printed to 0.01


def read(folder: Path, source: Source) -> xr.Dataset:
    """Dataset (series, time) in ppm from one file of any of the five layouts, told apart by its header.

    uncertainty: the publisher's standard error where there is one. ClimateError on any other header, on a month twice,
    out of order or left out, and on a decimal date that contradicts the month.
    """
    file = source.files[0]
    text = read_text(folder, file.name)
    first = text.first_row("#")
    header = tuple(text.line(first).split(","))
    created = text.date(r"^#\s*File Creation:\s+\w{3}\s+(\w{3}\s+\d+\s+[\d:]+\s+\d{4})", "%b %d %H:%M:%S %Y")
    attrs: dict[str, Any] = {}
    if header == MONTHLY_MLO:
        record = _monthly(split(text, first + 1, header, ","))
        attrs = {"interpolated_known_from": "1974-05", "scale": _scale(created)}
    elif header in (MONTHLY_GLOBAL_5, MONTHLY_GLOBAL_7):
        record = _global(split(text, first + 1, header, ","))
    elif header == WEEKLY_MLO:
        record = _weekly(split(text, first + 1, header, ","))
        attrs = {"scale": _scale(created)}
    elif (
        first > 2
        and tuple(" ".join(text.line(row).lstrip("#").split()) for row in (first - 2, first - 1)) == _HEADER_TXT
    ):
        record = _monthly_txt(split(text, first, MONTHLY_MLO_TXT))
        attrs = {"scale": _scale(created)}
    else:
        raise text.error(first, text.line(first), f"a header of NOAA GML such as {','.join(MONTHLY_MLO)}")
    name = series_name(source, file, "co2")
    return dataset(source, [Record(**{**record.__dict__, "name": name})], file_date=created, **attrs)


def _monthly(table: Cells) -> Record:
    time = month_axis(table, "year", "month", "decimal date")
    average = table.mole_fractions("average")
    table.numbers("deseasonalized")
    ndays = table.integers("ndays", -1, 31)
    deviation, error = table.numbers("sdev"), table.numbers("unc")
    noaa = time >= NOAA_FROM
    table.check(noaa | ((ndays == -1) & (deviation < 0)), deviation, "-9.99 in column 'sdev' before 1974-05")
    filled = noaa & (deviation < 0)
    known = noaa & ~filled & (error > 0)
    return Record(
        name="",
        time=time,
        value=average,
        uncertainty=np.where(known, error, np.nan),
        site=_sites(time),
        period=np.where(noaa, "NOAA", "Scripps"),
        interpolated=filled,
    )


def _monthly_txt(table: Cells) -> Record:
    time = month_axis(table, "year", "month", "decimal")
    measured = table.numbers("average", missing=("-99.99",))
    complete = table.mole_fractions("interpolated")
    table.numbers("trend")
    table.integers("#days", -1, 31)
    filled = np.isnan(measured)
    agrees = filled | (np.abs(measured - complete) <= _FILL_ROUNDING)
    table.check(agrees, complete, "the value of column 'average' in column 'interpolated'")
    return Record(
        name="",
        time=time,
        value=complete,
        site=_sites(time),
        period=np.where(time >= NOAA_FROM, "NOAA", "Scripps"),
        interpolated=filled,
    )


def _global(table: Cells) -> Record:
    time = month_axis(table, "year", "month", "decimal")
    average = table.mole_fractions("average")
    table.numbers("trend")
    error = None
    if "average_unc" in table.columns:
        error = table.numbers("average_unc")
        table.check(error >= 0, error, "a standard deviation in column 'average_unc'")
        table.numbers("trend_unc")
    return Record("", time, average, error, site="marine surface sites", period="NOAA")


def _weekly(table: Cells) -> Record:
    years, months = table.integers("year", 1, 9999), table.integers("month", 1, 12)
    days = table.integers("day", 1, 31)
    month = ((years - 1970) * 12 + months - 1).astype("datetime64[M]")
    date = month.astype("datetime64[D]") + (days - 1)
    table.check(date.astype("datetime64[M]") == month, days.tolist(), "a day of its month in column 'day'")
    week = np.concatenate([[7], np.diff(date).astype(np.int64)]) == 7
    table.check(week, date.astype(str).tolist(), "the date 7 days after the row above")
    year_start = date.astype("datetime64[Y]").astype("datetime64[D]")
    expected = years + (date - year_start).astype(np.int64) / 365.25
    decimal = table.numbers("decimal")
    table.check(np.abs(decimal - expected) < 0.006, decimal, "the decimal year of the row's date in column 'decimal'")
    for column in ("1 year ago", "10 years ago", "increase since 1800"):
        table.numbers(column)
    table.integers("ndays", 0, 7)
    average = table.mole_fractions("average", missing=("-999.99",))
    time: Times = date.astype(TIME_DTYPE)
    return Record("", time, average, site=_sites(time, time + np.timedelta64(7, "D")), period="NOAA")


def _sites(start: Times, stop: Times | None = None) -> NDArray[np.str_]:
    """Where the air of each interval [start, stop), by default a month, was taken."""
    left, back = MAUNAKEA
    stop = (start.astype("datetime64[M]") + 1).astype(TIME_DTYPE) if stop is None else stop
    away = np.where((start >= left) & (stop <= back), "Maunakea", "Mauna Loa, Maunakea")
    return np.where((stop > left) & (start < back), away, "Mauna Loa")


def _scale(created: str) -> str:
    old_until, new_from = X2019_KNOWN["mauna-loa"]
    if not created:
        return ""
    date = np.datetime64(created)
    return "WMO X2007" if date < old_until else "WMO X2019" if date >= new_from else ""
