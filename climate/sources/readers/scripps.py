"""CO2 of the Scripps programme: monthly in situ record of Mauna Loa, and the merged ice-core record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.sources.catalogue import Source
from climate.sources.readers.calendar import decimal_year_dates, month_axis
from climate.sources.readers.records import Record, dataset, series_name
from climate.sources.readers.textfile import Cells, read_text, split

MISSING = "-99.99"
STATIONS = {"MLO": "Mauna Loa", "MKO": "Maunakea"}
"""Station codes of the column `Sta` (header of monthly_in_situ_co2_mlo.csv)."""

IN_SITU_FROM = np.datetime64("1958-01-01")
"""Before it the merged record is ice core, from it on Mauna Loa and South Pole (header of the merged record)."""

EXCEL_ORIGIN = np.datetime64("1899-12-30")
"""Day 0 of the column `Excel`, whose dates are the 15th of each month."""

_FALLBACK = "cp1252"  # the degree sign of the comments; the tables are ASCII
_MONTHLY_10 = (
    "  Yr, Mn,    Date,      Date,     CO2,seasonally,        fit,  seasonally,      CO2, seasonally",
    "    ,   ,        ,          ,        ,  adjusted,           ,adjusted fit,   filled,adjusted filled",
    "    ,   ,   Excel,          ,   [ppm],    [ppm] ,      [ppm],    [ppm],       [ppm],    [ppm]",
)
_MONTHLY_11 = (_MONTHLY_10[0] + ", Sta", *_MONTHLY_10[1:])
_COLUMNS = ("Yr", "Mn", "Excel", "Date", "CO2", "adjusted", "fit", "adjusted fit", "filled", "adjusted filled")
_MERGED_IRREGULAR = "Sample date (year), CO2 (ppm)"
_MERGED_YEARLY = ("Sample Date, CO2", "(year CE), (ppm)")


def read(folder: Path, source: Source) -> xr.Dataset:
    """Monthly values at Mauna Loa in ppm, dims (series, time), from the 10- or 11-column layout.

    Values are those of the column "filled"; `interpolated` marks where the column CO2 has none, so that the
    publisher's own curve stands in. Months without either are NaN. No uncertainty is published. attrs: `scale`, the
    SIO calibration scale that the header names.
    """
    file = source.files[0]
    text = read_text(folder, file.name, _FALLBACK)
    first = text.first_row('"')
    layouts = {_squeeze(_MONTHLY_10): _COLUMNS, _squeeze(_MONTHLY_11): (*_COLUMNS, "Sta")}
    columns = layouts.get(_squeeze(tuple(text.line(first + i) for i in range(3))))
    if columns is None:
        raise text.error(first, text.line(first), f"the header '{_MONTHLY_11[0].strip()}' and its two lines of units")
    table = split(text, first + 3, columns, ",")
    time = month_axis(table, "Yr", "Mn", "Date")
    excel = table.integers("Excel", 1, 10**6)
    fifteenth = (time + np.timedelta64(14, "D")).astype("datetime64[D]")
    table.check(
        excel == (fifteenth - EXCEL_ORIGIN).astype(np.int64), excel.tolist(), "the day number of the month's 15th"
    )
    measured, filled = table.numbers("CO2", (MISSING,)), table.mole_fractions("filled", (MISSING,))
    for column in ("adjusted", "fit", "adjusted fit", "adjusted filled"):
        table.numbers(column, (MISSING,))
    agrees = np.isnan(measured) | (measured == filled)
    table.check(agrees, filled, "the value of column 'CO2' in column 'filled'")
    record = Record(
        name=series_name(source, file, "co2"),
        time=time,
        value=filled,
        site=_stations(table) if "Sta" in columns else "Mauna Loa",
        period="Scripps",
        interpolated=np.isnan(measured) & ~np.isnan(filled),
    )
    scale = text.search(r"measured on the '(\w+)' calibration scale")
    if not scale:
        raise text.error(None, "no calibration scale in the header", "one such as '12'")
    date = text.date(r"from archive dated (\d{2}-\w{3}-\d{4})", "%d-%b-%Y")
    return dataset(source, [record], file_date=date, scale=f"SIO {scale}")


def read_merged(folder: Path, source: Source) -> xr.Dataset:
    """Ice core to 1957, Mauna Loa and South Pole from 1958, in ppm, dims (series, time).

    Both layouts: irregular sample dates, or a spline at each 1 January. `time` is the day that the decimal year falls
    on, `year` keeps the decimal year itself. No uncertainty is published.
    """
    file = source.files[0]
    text = read_text(folder, file.name, _FALLBACK)
    first = text.first_row('"')
    spline = first > 2 and tuple(_words(text.line(row)) for row in (first - 2, first - 1)) == _MERGED_YEARLY
    if not spline:
        text.expect(first, _MERGED_IRREGULAR)
        first += 1
    table = split(text, first, ("year", "co2"), ",")
    table.check_decimals()
    year, value = table.numbers("year"), table.mole_fractions("co2")
    table.check(year >= 1, year, "a year CE in column 'year'")
    ascending = np.diff(year, prepend=year[0] - 1)
    table.check(ascending == 1 if spline else ascending > 0, year, "each year once, in the order of time")
    time = decimal_year_dates(year)
    in_situ = time >= IN_SITU_FROM
    record = Record(
        name=series_name(source, file, "co2"),
        time=time,
        value=value,
        site=np.where(in_situ, "Mauna Loa, South Pole", "Law Dome"),
        period=np.where(in_situ, "Scripps", "ice core"),
        extra={"year": year},
    )
    return dataset(source, [record], smoothing="spline" if spline else "")


def _words(line: str) -> str:
    return " ".join(line.strip('" ').split())


def _squeeze(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("".join(line.split()) for line in lines)


def _stations(table: Cells) -> NDArray[np.str_]:
    codes = table.column("Sta")
    known = np.array([code in STATIONS for code in codes])
    table.check(known, codes, f"a station among {', '.join(STATIONS)} in column 'Sta'")
    return np.array([STATIONS[code] for code in codes])
