"""Small files in every publisher's layout, made up from formulas, and the catalogue entries to read them with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from climate.sources.catalogue import Source, find_source
from climate.sources.readers.registry import read
from tests.conftest import ROOT


def source(reader: str, *names: str, **changes: Any) -> Source:
    """A catalogue entry for files called `names`."""
    entry: dict[str, Any] = {
        "key": "sample",
        "title": "Sample",
        "publisher": "nobody",
        "homepage": "https://example.org",
        "quantity": "temperature",
        "kind": "anomaly",
        "reader": reader,
        "unit": "degC",
        "cadence": "monthly",
        "licence": "none",
        "citation": "none",
        "files": [{"name": name, "url": "https://example.org", "mirror": name} for name in names],
        "channels": ["mirror"],
        "vintages": {},
    }
    return Source(**(entry | changes))


def mirror_path(mirror: Path, entry: Source, vintage: str, name: str) -> Path:
    """Where a mirror holds one file of a vintage."""
    path = entry.file(name).mirror.replace("{version}", entry.version)
    return mirror / (entry.vintages[vintage].mirror or "") / path


def mirrored(mirror: Path, key: str, vintage: str, folder: Path) -> Path:
    """A folder with a source's files of the mirror under their own names, as a pull leaves them."""
    entry = find_source(key).at(vintage)
    target = folder / f"{key}-{vintage}"
    target.mkdir(exist_ok=True)
    for file in entry.files:
        if not (target / file.name).exists():
            (target / file.name).symlink_to(mirror_path(mirror, entry, vintage, file.name))
    return target


def pulled_folder(key: str) -> Path:
    """Where `dvc repro` left a reference source; tests that need it are skipped without."""
    folder = ROOT / "data" / key
    if not all((folder / file.name).exists() for file in find_source(key).files):
        pytest.skip(f"data/{key} is not complete: `dvc repro` pulls it")
    return folder


def pulled(key: str) -> xr.Dataset:
    """A reference source that is a table or a grid."""
    return read(find_source(key), pulled_folder(key))


@dataclass(frozen=True)
class Sample:
    """A file, its entry, and where its table lies."""

    entry: Source
    data: bytes
    first: int
    """Index of the first line of the table, from 0."""
    delimiter: str | None = ","
    gapless: bool = True
    """Whether the publisher promises every month, week or year."""
    below: int = 0
    """Lines that follow the table."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.entry.files[0].name


CO2: Mapping[str, Any] = {"quantity": "co2", "kind": "absolute", "unit": "ppm"}
MONTHS = [(year, month) for year in range(1972, 1977) for month in range(1, 13)]


def curve(i: int, decimals: int = 2) -> str:
    """A number that never repeats, printed with fixed decimals."""
    return f"{330 + 0.113 * i + 3 * np.sin(i / 1.9):.{decimals}f}"


def anomaly(i: int, decimals: int = 3) -> str:
    """A small number of either sign."""
    return f"{0.01 * i - 0.3 + 0.2 * np.cos(i * 1.7):.{decimals}f}"


def lines(*parts: str | list[str]) -> bytes:
    """All parts as lines with LF ends."""
    flat = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    return ("\n".join(flat) + "\n").encode()


def noaa_monthly() -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        noaa = (year, month) >= (1974, 5)
        marks = f"{20 + i % 9},{0.3 + 0.01 * (i % 7):.2f},{0.1 + 0.01 * (i % 5):.2f}" if noaa else "-1,-9.99,-0.99"
        if (year, month) == (1975, 12):
            marks = "-1,-9.99,0.00"
        rows.append(f"{year},{month},{year + (month - 0.5) / 12:.4f},{curve(i)},{curve(i + 3)},{marks}")
    head = ["# File Creation: Sun Jul  5 03:55:25 2026", "#"]
    names = "year,month,decimal date,average,deseasonalized,ndays,sdev,unc"
    return Sample(source("noaa_co2", "monthly.csv", **CO2), lines(head, names, rows), 3)


def noaa_text() -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        measured = "-99.99" if i == 47 else curve(i)
        decimal = year + (month - 0.5) / 12
        rows.append(
            f"{year}  {month:2d}    {decimal:.3f}      {measured}      {curve(i)}      {curve(i + 3)}     {i % 31}"
        )
    head = [
        "# File Creation:  Mon Feb  5 08:50:50 2018",
        "#            decimal     average   interpolated    trend    #days",
        "#             date                             (season corr)",
    ]
    return Sample(source("noaa_co2", "monthly.txt", **CO2), lines(head, rows), 3, None)


def noaa_global(width: int) -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        cells = [str(year), str(month), f"{year + (month - 0.5) / 12:.3f}", curve(i), curve(i + 3)]
        if width == 7:
            cells[4:] = [f"0.{10 + i % 20}", curve(i + 3), f"0.{10 + i % 9}"]
        rows.append(",".join(cells))
    names = (
        "year,month,decimal,average,trend" if width == 5 else "year,month,decimal,average,average_unc,trend,trend_unc"
    )
    return Sample(source("noaa_co2", "global.csv", **CO2), lines("# a comment", names, rows), 2)


def noaa_weekly() -> Sample:
    rows = []
    for i in range(120):
        day = date.fromordinal(date(1974, 5, 19).toordinal() + 7 * i)
        decimal = day.year + (day.timetuple().tm_yday - 0.5) / 365
        value = "-999.99" if i == 33 else curve(i)
        rows.append(
            f"{day.year},{day.month},{day.day},{decimal:.4f},{value},{i % 7 + 1},-999.99,-999.99,{50 + i / 9:.2f}"
        )
    names = "year,month,day,decimal,average,ndays,1 year ago,10 years ago,increase since 1800"
    return Sample(source("noaa_co2", "weekly.csv", **CO2, cadence="weekly"), lines("#", names, rows), 2)


def scripps(width: int) -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        excel = (date(year, month, 15) - date(1899, 12, 30)).days
        measured = "-99.99" if i in (0, 17, 58, 59) else curve(i)
        filled = "-99.99" if i in (0, 58, 59) else curve(i)
        decimal = year + (month - 0.5) / 12
        cells = [f"{year}", f" {month:02d}", f"   {excel}", f"  {decimal:.4f}", f"  {measured}", f"   {curve(i + 1)}"]
        cells += [f"     {curve(i + 2)}", f"   {curve(i + 3)}", f"     {filled}", f"   {curve(i + 5)}"]
        rows.append(",".join([*cells, " MKO" if i == 40 else " MLO"][:width]))
    head = [
        '" at 19.5\N{DEGREE SIGN}N, from archive dated 10-Feb-2025 16:17:16    "',
        "\" measured on the '12' calibration scale \"",
        "  Yr, Mn,    Date,      Date,     CO2,seasonally,        fit,  seasonally,      CO2, seasonally"
        + (", Sta" if width == 11 else ""),
        "    ,   ,        ,          ,        ,  adjusted,           ,adjusted fit,   filled,adjusted filled",
        "    ,   ,   Excel,          ,   [ppm],    [ppm] ,      [ppm],    [ppm],       [ppm],    [ppm]",
    ]
    return Sample(source("scripps_monthly", "scripps.csv", **CO2), lines(head, rows), 5)


def merged(spline: bool) -> Sample:
    if spline:
        rows = [f"{1940 + i:4d}, {curve(i, 3)}" for i in range(40)]
        head = ['" 19.5\xb0N "', '"   Sample Date,       CO2     "', '"   (year CE),        (ppm)    "']
    else:
        rows = [f"{13.3 + 41.7 * i:6.1f}, {curve(i, 3)}" for i in range(40)]
        head = ['" 19.5\xb0N "', '"  "', "Sample date (year), CO2 (ppm)"]
    data = lines(head, rows).decode().encode("latin-1")
    entry = source("scripps_ice_core", "merged.csv", **CO2, cadence="annual" if spline else "irregular")
    return Sample(entry, data, 3, gapless=spline)


def antarctic() -> Sample:
    rows = [
        f"{-51.03 + 7.31 * i + 0.5 * i * i:.2f} {170 + (i * 37 % 90) + 0.25:.2f}  {0.5 + i % 9 / 10:.2f}"
        for i in range(70)
    ]
    data = "\ufeff# a comment\r\n#\r\nage_gas_calBP co2_ppm co2_1s_ppm\r\n" + "".join(f"{row}\r\n" for row in rows)
    entry = source("antarctic_ice_cores", "composite.txt", **CO2, cadence="irregular")
    return Sample(entry, data.encode(), 3, None, gapless=False)


def gistemp() -> Sample:
    rows, before = [], None
    for year in range(1880, 1900):
        months = [round(float(anomaly(12 * (year - 1880) + m, 2)), 2) for m in range(12)]
        last = 9 if year == 1899 else 12
        extended = [before, *months[:last], *[None] * (12 - last)]
        means = []
        for first, stop in ((1, 13), (0, 12), (0, 3), (3, 6), (6, 9), (9, 12)):
            part = extended[first:stop]
            means.append(None if None in part else float(np.mean([x for x in part if x is not None])))
        cells = ["***" if x is None else f"{x:.2f}".replace("0.", ".") for x in [*extended[1:], *means]]
        rows.append(",".join([str(year), *cells]))
        before = months[11]
    names = "Year,Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec,J-D,D-N,DJF,MAM,JJA,SON"
    return Sample(source("gistemp", "GLB.csv"), lines("Land-Ocean: Global Means", names, rows), 2)


def hadcrut() -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        value = float(anomaly(i, 7))
        rows.append(f"{year}-{month:02d},{value!r},{value - 0.1 - i / 999:.8g},{value + 0.1 + i / 999:.8g}")
    names = "Time,Anomaly (deg C),Lower confidence limit (2.5%),Upper confidence limit (97.5%)"
    return Sample(source("hadcrut", "hadcrut.csv"), lines(names, rows), 1)


def ncei() -> Sample:
    missing = " -999.000000" * 6
    rows = [
        f"{year} {month:2d} {anomaly(i, 6):>11}    {0.01 + i / 9999:.6f}{missing}"
        for i, (year, month) in enumerate(MONTHS)
    ]
    return Sample(source("noaa_globaltemp", "aravg.mon.land.90S.90N.v6.asc"), lines(rows), 0, None)


def _berkeley_rows(shift: int) -> list[str]:
    rest = "       NaN    NaN" * 4
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        values = "      NaN    NaN" if i == 20 else f"   {anomaly(i + shift):>6}  {0.2 + i / 999:.3f}"
        rows.append(f"  {year}    {month:2d} {values}{rest}")
    return rows


_BERKELEY_NAMES = "% Year, Month,  Anomaly, Unc.,   Anomaly, Unc.,   Anomaly, Unc.,   Anomaly, Unc.,   Anomaly, Unc."


def _berkeley_climatology(first: float) -> list[str]:
    return [
        "%      Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec",
        "%     " + " ".join(f"{first + m:5.2f}" for m in range(12)),
        "% +/-  " + " ".join(f"{0.1 + m / 100:5.2f}" for m in range(12)),
    ]


def berkeley() -> Sample:
    head = [
        "% method for the region: ",
        "% ",
        "%    Nowhere",
        "% Uncertainties represent the 95% confidence interval",
        "% This analysis was run on 12-Oct-2013 00:45:15",
        *_berkeley_climatology(1.5),
        "% ",
        _BERKELEY_NAMES,
        " ",
    ]
    return Sample(source("berkeley", "nowhere.txt"), lines(head, _berkeley_rows(0)), len(head), None)


def berkeley_two(table: str = "air") -> Sample:
    head = [
        "% Uncertainties represent the 95% confidence interval",
        "%   Using air temperature above sea ice:   14.101 +/- 0.021",
        "%   Using water temperature below sea ice: 14.697 +/- 0.021",
        "%   Using air temperature above sea ice:",
        *_berkeley_climatology(1.5),
        "%   Using water temperature below sea ice:",
        *_berkeley_climatology(2.5),
        "% Global Average Temperature Anomaly with Sea Ice Temperature Inferred from Air Temperatures",
        "% ",
        _BERKELEY_NAMES,
        " ",
    ]
    second = [
        *(" ", " "),
        "% Global Average Temperature Anomaly with Sea Ice Temperature Inferred from Water Temperatures",
        *("% ", _BERKELEY_NAMES, " "),
        *_berkeley_rows(400),
    ]
    entry = source("berkeley", "two.txt", options={"table": table})
    return Sample(entry, lines(head, _berkeley_rows(0), second), len(head), None, below=len(second))


def psl() -> Sample:
    rows = []
    for year in range(1950, 1966):
        cells = [
            f"{float(anomaly(12 * (year - 1950) + m)):.2f}" if (year, m) < (1965, 7) else "-9.90" for m in range(12)
        ]
        rows.append(f"{year} {' '.join(cells)}")
    foot = ["-9.90", " An index", " with notes of 1950"]
    return Sample(source("psl_index", "index.data"), lines(" 1950 1965", rows, foot), 1, None, below=3)


def oni() -> Sample:
    seasons = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
    rows = [
        f"  {seasons[m - 1]} {y}  {26 + float(anomaly(i)):.2f}  {anomaly(i, 2):>5}" for i, (y, m) in enumerate(MONTHS)
    ]
    return Sample(source("cpc_oni", "oni.txt"), lines(" SEAS  YR   TOTAL   ANOM", rows), 1, None)


def roni() -> Sample:
    seasons = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
    rows = [f"{seasons[m - 1]}  {y} {float(anomaly(i)):>5.2f}" for i, (y, m) in enumerate(MONTHS)]
    return Sample(source("cpc_roni", "roni.txt"), lines("SEAS   YR  ANOM", rows), 1, None)


def hadsst() -> Sample:
    names = (
        "year,month,anomaly,total_uncertainty,uncorrelated_uncertainty,correlated_uncertainty,bias_uncertainty,"
        "coverage_uncertainty,lower_bound_95pct_bias_uncertainty_range,upper_bound_95pct_bias_uncertainty_range"
    )
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        value = float(anomaly(i, 5))
        errors = ",".join(f"{0.1 + (i * k) % 83 / 999:.5f}" for k in (1, 3, 5, 7, 11))
        rows.append(f"{year},{month},{value:.5f},{errors},{value - 0.1:.5f},{value + 0.1:.5f}")
    return Sample(source("hadsst", "hadsst.csv"), lines(names, rows), 1)


def ncei_pdo() -> Sample:
    rows = []
    for year in range(1950, 1966):
        cells = [
            f"{float(anomaly(12 * (year - 1950) + m)):5.2f}" if (year, m) < (1965, 7) else "99.99" for m in range(12)
        ]
        rows.append(f"{year} {' '.join(cells)}")
    names = "Year  Jan   Feb   Mar   Apr   May   Jun   Jul   Aug   Sep   Oct   Nov   Dec"
    return Sample(source("ncei_pdo", "pdo.dat", unit="1"), lines(" ERSST PDO Index:", names, rows), 2, None)


def climate_pulse() -> Sample:
    days = np.arange("1995-01-01", "1995-07-20", dtype="datetime64[D]")
    rows = []
    for i, day in enumerate(days):
        mean, change = 12 + (i % 97) / 50, round(float(anomaly(i, 3)), 3)
        status = "FINAL" if i < 150 else "PRELIMINARY"
        rows.append(f"{day},{mean + change:.3f},{mean:.3f},{change:.3f},{status}")
    entry = source("climate_pulse", "pulse.csv", cadence="daily", options={"variable": "2t"})
    head = ["# ERA5 daily means", "# 2t: air temperature at 2 m", "date,2t,clim_91-20,ano_91-20,status"]
    return Sample(entry, lines(head, rows), len(head))


def igcc() -> Sample:
    rows = [f"{y}.5,{y},{y + 1},{anomaly(y - 1850, 3)},{curve(y - 1850, 3)}," for y in range(1850, 2000)]
    entry = source("igcc", "igcc.csv", cadence="annual", options={"columns": {"GMST": "global", "Land": "land"}})
    return Sample(entry, lines("time,timebound_lower,timebound_upper,GMST,Land,", rows), 1)


def noaa_mbl() -> Sample:
    rows = []
    for i in range(48 * 4):
        cells = " ".join(f"{340 + i / 50 + band / 10:.3f} {0.1 + band / 100:.3f}" for band in range(41))
        rows.append(f"{1979 + i / 48:.6f} {cells}")
    return Sample(source("noaa_mbl", "mbl.txt", **CO2), lines("# MBL REFERENCE: SURFACE", rows), 1, None)


def tau() -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        depths = "  ".join(f"0.0{10 + (i * k) % 89}" for k in (1, 3, 7))
        rows.append(f"{year + (month - 0.5) / 12:.3f}  {depths}")
    head = [
        " Global and Hemispheric Mean Aerosol Optical Depth at 550 nm",
        " ---",
        "",
        "year/mon  global N.Hemis S.Hemis",
    ]
    return Sample(source("giss_tau", "tau.txt", unit="1", kind="absolute"), lines(head, rows), 4, None)


def rcmip() -> Sample:
    years = range(1990, 2041)
    rows = []
    for k, name in enumerate(("ssp119", "ssp245", "ssp585")):
        for gas, unit in (("CO2", "ppm"), ("CH4", "ppb")):
            values = [f"{350 + i + (k * (i - 24) / 3 if i > 24 else 0):.7g}" for i, _ in enumerate(years)]
            lead = f"M{k},{name},World,Atmospheric Concentrations|{gas},{unit},input4MIPs,CMIP6"
            rows.append(",".join([lead, *values]))
    names = ",".join(["Model,Scenario,Region,Variable,Unit,Activity_Id,Mip_Era", *map(str, years)])
    return Sample(source("rcmip", "rcmip.csv", **CO2, cadence="annual"), lines(names, rows), 1)


def _kaggle(columns: str, places: list[str], name: str) -> Sample:
    rows = []
    for p, place in enumerate(places):
        for i, (year, month) in enumerate(MONTHS[p:]):
            temperature = "" if i % 23 == 5 else f"{float(anomaly(i + 60 * p, 12)) + 9 + 20 * p!r}"
            error = "" if i % 23 == 5 and i % 2 else repr(round(0.2 + i / 700, 5))
            rows.append(f"{year}-{month:02d}-01,{temperature},{error},{place}")
    data = lines(f"dt,AverageTemperature,AverageTemperatureUncertainty,{columns}", rows).replace(b"\n", b"\r\n")
    return Sample(source("kaggle_temperatures", name, kind="absolute"), data, 1)


def kaggle_countries() -> Sample:
    return _kaggle(
        "Country", ["\N{LATIN CAPITAL LETTER A WITH RING ABOVE}land", "Chad", '"Bonaire, Saba"'], "ByCountry.csv"
    )


def kaggle_states() -> Sample:
    return _kaggle("State,Country", ["Acre,Brazil", "Georgia,United States"], "ByState.csv")


def kaggle_cities() -> Sample:
    places = [
        "Springfield,United States,37.78N,93.56W",
        "Springfield,United States,39.38N,89.48W",
        "Lima,Peru,12.05S,77.26W",
    ]
    return _kaggle("City,Country,Latitude,Longitude", places, "ByCity.csv")


def kaggle_global() -> Sample:
    names = ("LandAverage", "LandMax", "LandMin", "LandAndOceanAverage")
    header = ",".join(["dt", *(f"{n}Temperature{u}" for n in names for u in ("", "Uncertainty"))])
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        pairs = [f"{8 + k + float(anomaly(i)):.3f},{0.1 + i / 997:.3f}" if k == 0 or i > 30 else "," for k in range(4)]
        rows.append(",".join([f"{year}-{month:02d}-01", *pairs]))
    data = lines(header, rows).replace(b"\n", b"\r\n")
    return Sample(source("kaggle_temperatures", "Global.csv", kind="absolute"), data, 1)


def ucsd() -> Sample:
    rows = []
    for i, (year, month) in enumerate(MONTHS):
        measured = "," if i in (3, 59) else f"{float(curve(i)):g},{float(curve(i + 1)):g}"
        fit = "," if i > 57 else f"{float(curve(i + 2)):g},{float(curve(i + 3)):g}"
        rows.append(f"{year},{month},{year + (month - 0.5) / 12:.4f},{measured},{fit}")
    names = (
        "Year,Month,Decimal Date,Carbon Dioxide (ppm),Seasonally Adjusted CO2 (ppm),Carbon Dioxide Fit (ppm),"
        "Seasonally Adjusted CO2 Fit (ppm)"
    )
    return Sample(source("kaggle_co2", "archive.csv", **CO2), lines(names, rows), 1)


SAMPLES: dict[str, Callable[[], Sample]] = {
    "noaa monthly": noaa_monthly,
    "noaa monthly text": noaa_text,
    "noaa global 5": lambda: noaa_global(5),
    "noaa global 7": lambda: noaa_global(7),
    "noaa weekly": noaa_weekly,
    "scripps 10": lambda: scripps(10),
    "scripps 11": lambda: scripps(11),
    "merged irregular": lambda: merged(False),
    "merged spline": lambda: merged(True),
    "antarctic": antarctic,
    "gistemp": gistemp,
    "hadcrut": hadcrut,
    "ncei": ncei,
    "berkeley": berkeley,
    "berkeley two": berkeley_two,
    "psl": psl,
    "oni": oni,
    "roni": roni,
    "hadsst": hadsst,
    "ncei pdo": ncei_pdo,
    "climate pulse": climate_pulse,
    "igcc": igcc,
    "noaa mbl": noaa_mbl,
    "tau": tau,
    "rcmip": rcmip,
    "kaggle countries": kaggle_countries,
    "kaggle states": kaggle_states,
    "kaggle cities": kaggle_cities,
    "kaggle global": kaggle_global,
    "ucsd": ucsd,
}
