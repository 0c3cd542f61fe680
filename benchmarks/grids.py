"""What becomes of gridded files of awkward shapes whose area means are known: the right number, or a named refusal.

`python -m benchmarks.grids FOLDER` reads the files of FOLDER (named as in `CASES`) the way a user's own file is read,
asks for regions, and writes the table of benchmarks/README.md. Reader, checks and harmonize run as in the pipeline.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.readme import put
from climate.errors import ClimateError
from climate.harmonize.build import harmonize
from climate.harmonize.checks import check_source
from climate.params.regions import HarmonizeParams, RegionDefinition
from climate.sources.catalogue import Source, find_source
from climate.sources.pulled import faults
from climate.sources.readers.registry import read, read_shapes

BASELINE = (1961, 1990)
KELVIN = 273.15
GLOBE: dict[str, Any] = {"box": {"lat": [-90, 90], "lon": [-180, 180]}}
SHAPES = "natural-earth"


@dataclass(frozen=True)
class Answer:
    """What was found, in words, and whether it is right."""

    found: str
    right: bool


Question = Callable[["Grid"], Answer]


@dataclass(frozen=True)
class Case:
    """Files that form one record, their catalogue entry, and questions with known answers."""

    files: tuple[str, ...]
    about: str
    questions: tuple[Question, ...]
    entry: dict[str, Any]


class Grid:
    """A record of one's own, read when the first question is asked."""

    def __init__(self, folder: Path, case: Case, polygons: Any) -> None:
        self.folder, self.case, self.polygons = folder, case, polygons
        self.read: xr.Dataset | None = None

    def record(self) -> xr.Dataset:
        """The reader's Dataset; ClimateError when reader or checks refuse the file."""
        if self.read is None:
            entry = {"kind": "absolute", "unit": "degC", "cadence": "monthly"} | self.case.entry
            source = Source(
                key="own",
                title="Own file",
                publisher="",
                homepage="",
                quantity="temperature",
                reader="netcdf_grid",
                licence="",
                citation="",
                files=tuple({"name": name, "url": "", "mirror": ""} for name in self.case.files),  # type: ignore[misc]
                channels=(),
                vintages={},
                **entry,
            )
            record = read(source, self.folder)
            for check in faults(check_source(source, record)):
                raise ClimateError(f"{check.check}: {check.found}, expected {check.expected}")
            self.read = record
        return self.read

    def region(self, *, min_coverage: float = 0.5, **definition: Any) -> xr.Dataset:
        """The harmonized series of one region."""
        record = self.record()
        params = HarmonizeParams(baseline=BASELINE, baseline_min_years=20, min_coverage=min_coverage)
        regions = {"region": RegionDefinition(title="Region", source="own", **definition)}
        return harmonize({"own": record}, regions, params, shapes={SHAPES: self.polygons}).series["region"]


def refused(text: str = "", **definition: Any) -> Question:
    """The region, or with no definition the file, is refused with `text` in the reason."""

    def ask(grid: Grid) -> Answer:
        try:
            made = grid.region(**definition) if definition else grid.record()
        except ClimateError as error:
            reason = str(error)
            for name in grid.case.files:
                reason = reason.replace(name, "file")
            return Answer(f"refused: {error}", text.casefold() in reason.casefold())
        return Answer(f"{_name(definition)} served, {made.sizes['time']} months", False)

    return ask


def value(month: str, expected: float, tolerance: float = 0.006, **definition: Any) -> Question:
    """The value in degC of a region (the globe by default) in a month, climatology included where there is one."""

    def ask(grid: Grid) -> Answer:
        series = grid.region(**(definition or GLOBE))
        at = series.sel(time=f"{month}-01")
        number = float(at["value"])
        if "climatology" in series:
            normal = series["climatology"]
            number += float(normal.sel(month=int(month[-2:]))) - (KELVIN if normal.attrs["units"] == "K" else 0.0)
        return Answer(f"{_name(definition)} {month}: {number:.2f}", abs(number - expected) <= tolerance)

    return ask


def difference(month: str, other: str, expected: float, tolerance: float = 0.02) -> Question:
    """The globe's anomaly in one month less that in another."""

    def ask(grid: Grid) -> Answer:
        anomaly = grid.region(**GLOBE)["value"]
        number = float(anomaly.sel(time=f"{month}-01")) - float(anomaly.sel(time=f"{other}-01"))
        return Answer(f"globe {month} less {other}: {number:.2f}", abs(number - expected) <= tolerance)

    return ask


def months(first: str, last: str) -> Question:
    """The months that the record holds."""

    def ask(grid: Grid) -> Answer:
        at = grid.record()["time"].values.astype("datetime64[M]")
        return Answer(f"{at[0]} to {at[-1]}", (str(at[0]), str(at[-1])) == (first, last))

    return ask


def covered(expected: float, tolerance: float = 0.006, **definition: Any) -> Question:
    """The share of a region's area that the grid covers."""

    def ask(grid: Grid) -> Answer:
        share = float(grid.region(min_coverage=0.05, **definition).attrs["covered_share"])
        return Answer(f"{_name(definition)} covered by {share:.0%}", abs(share - expected) <= tolerance)

    return ask


def empty(month: str, **definition: Any) -> Question:
    """A region has no value in a month."""

    def ask(grid: Grid) -> Answer:
        series = grid.region(**definition)["value"]
        number = (
            float(series.sel(time=f"{month}-01")) if np.datetime64(f"{month}-01") in series["time"].values else np.nan
        )
        return Answer(f"{_name(definition)} {month}: {number:.2f}", bool(np.isnan(number)))

    return ask


def title_says(text: str) -> Question:
    """The title of the globe's series says `text`."""

    def ask(grid: Grid) -> Answer:
        title = str(grid.region(min_coverage=0.05, **GLOBE).attrs["title"])
        return Answer(f"title '{title}'", text in title)

    return ask


def readable(grid: Grid) -> Answer:
    """The file is read and passes the checks."""
    grid.record()
    return Answer("read", True)


def either(*questions: Question) -> Question:
    """One of several answers is right, such as a number or a refusal that names the cause."""

    def ask(grid: Grid) -> Answer:
        answers = [answer(question, grid) for question in questions]
        return next((found for found in answers if found.right), answers[0])

    return ask


def _name(definition: dict[str, Any]) -> str:
    kind, what = next(iter((definition or GLOBE).items()))
    return str(what) if kind == "country" else "globe" if what == GLOBE.get("box") else f"{kind} {what}"


def country(name: str) -> dict[str, Any]:
    return {"country": name}


def box(south: float, north: float, west: float, east: float) -> dict[str, Any]:
    return {"box": {"lat": [south, north], "lon": [west, east]}}


def point(lat: float, lon: float, method: str = "nearest") -> dict[str, Any]:
    return {"point": {"lat": lat, "lon": lon, "method": method}}


WHOLE = months("1948-01", "2025-12")
JULY = value("1975-07", 25.0)


def case(files: str, about: str, *questions: Question, **entry: Any) -> Case:
    return Case(tuple(files.split()), about, questions, entry)


CASES = [
    case(
        "c60_australasia_110_180.nc",
        "regional grid that ends at 180 E",
        value("1975-01", 3.44, **country("Australia")),
        value("1975-01", 3.5, **box(-40, -20, 120, 150)),
        value("1975-01", 4.5, **point(-37.81, 144.96, "bilinear")),
        refused("cover", **country("Brazil")),
    ),
    case("c60b_australasia_110_177.nc", "the same to 177.5 E", value("1975-01", 3.44, **country("Australia"))),
    *(
        case(
            name,
            "0 to 180 E",
            value("1975-01", 0.36, **country("China")),
            value("1975-01", 3.78, **country("Japan")),
            value("1975-01", -2.04, **country("India")),
            refused("cover", **country("Brazil")),
            refused("cover", **country("United States of America")),
        )
        for name in ("c61_east_half_0_180.nc", "c61b_east_half_0_177.nc")
    ),
    case(
        "c03_pacific_120E_70W.nc",
        "Pacific grid across the date line",
        refused("", **country("Germany")),
        refused("", **point(54.32, 10.14)),
        refused("", **point(-1.29, 36.82)),
        refused("41%", **GLOBE),
        covered(0.41, **GLOBE),
        covered(1.0, **box(-59, 59, 121, 289)),
    ),
    case(
        "c41_two_tiles.nc",
        "two tiles with a hole between",
        refused("", **point(10, -30)),
        refused("", **box(0, 20, -50, -10)),
        value("1975-04", 13.0, 0.1, **point(0, 30)),
    ),
    case(
        "c70_absolute_growing_coverage.nc",
        "absolute values whose coverage grows",
        difference("1950-06", "1975-06", -0.5),
    ),
    case(
        "c01_cesm_end_stamp.nc", "stamps at the end of the month, bounds right", WHOLE, value("1975-07", 298.0 - KELVIN)
    ),
    case("c06_tas_historical.nc c06_tas_ssp245.nc", "latitudes of two files differ by 1e-9", WHOLE),
    case("c48_tas_historical.nc c48_tas_rcp26.nc", "and in the last bit", WHOLE, value("1975-01", 275.149 - KELVIN)),
    case("c04_tas_AUS-44_rotated.nc", "rotated pole", refused("rotated")),
    case(
        "c47_edges_with_bounds.nc",
        "coordinates are edges, bounds right",
        value("1975-01", 10.0, **box(0, 90, -180, 180)),
        value("1975-01", 0.66, **country("Germany")),
    ),
    case(
        "c46_scalar_time_1.nc c46_scalar_time_2.nc", "one month per file, time a scalar", months("2000-01", "2000-02")
    ),
    case("c46_scalar_time_title.nc", "the same with a misleading title", months("2000-02", "2000-02")),
    case(
        "c51_valid_min.nc",
        "values below valid_min",
        empty("1950-01", **box(-80, 80, 5, 140)),
        value("1950-07", 24.5, 0.01),
    ),
    case("c73_from_1970_06.nc", "begins within the baseline", either(title_says("1970"), refused("baseline"))),
    case("c02_Land_and_Ocean_LatLong1.nc", "time as decimal years", WHOLE, value("1975-07", 0.0, 1.0), kind="anomaly"),
    *(
        case(name, about, WHOLE, JULY)
        for name, about in (
            ("c07a_months_since.nc", "months since"),
            ("c07b_iri_360.nc", "calendar 360"),
            ("c07c_day_as.nc", "day as %Y%m%d.%f"),
            ("c07d_yyyymm.nc", "YYYYMM"),
        )
    ),
    case("c84_other_variable_bad_units.nc", "another variable cannot be decoded", months("1960-01", "1992-12")),
    case(
        "c13_ersst_lev.nc",
        "a level of size 1",
        value("1975-07", 25.0, **box(-5, 5, -170, -120)),
        options={"variable": "sst"},
    ),
    *(
        case(f"c40_{name}.nc", f"unit {name}", value("1975-07", 25.0))
        for name in ("C", "Celsius", "celsius", "degC", "deg_C", "degree_C", "degrees_C", "degrees_Celsius")
    ),
    case("c40_degrees_celsius.nc", "unit degrees_celsius", JULY),
    case("c40_Degrees_C.nc", "unit Degrees C", JULY),
    *(
        case(f"c40_{name}.nc", f"unit {name}, values near 25", refused("range"))
        for name in ("Kelvin", "kelvin", "degK")
    ),
    case("c05a_era5_new_cds.nc", "ERA5, K", value("1975-07", 294.99 - KELVIN), WHOLE, unit="K"),
    case("c05a_era5_new_cds.nc", "the same under degC", value("1975-07", 294.99 - KELVIN)),
    case("c05b_era5_expver_dim.nc", "ERA5 with an expver dimension", WHOLE, value("1975-07", 294.99 - KELVIN)),
    case("c14b_europe_345_390.nc", "345.5 to 389.5 E", value("1975-04", 9.99, **point(51.5, -0.1, "bilinear"))),
    case("c34_gistemp1200.nc.gz", "gzip", either(readable, refused("gzip")), kind="anomaly", unit="K"),
    case("c35_era5_download.nc", "a zip named .nc", either(readable, refused("zip"))),
    case("c74_annual_july.nc", "annual values", refused("annual")),
    case("c82_climatology_year0.nc", "a climatology", refused("climatology")),
    case("c10_HadCRUT5_ensemble_mean.nc", "HadCRUT5", months("1850-01", "2024-12"), kind="anomaly", unit="K"),
    case("c11_gistemp1200_GHCNv4_ERSSTv5.nc", "GISTEMP", months("1880-01", "2025-12"), kind="anomaly", unit="K"),
    *(case(f"c12_tas_Amon_{name}.nc", f"CMIP6, {name}", readable) for name in ("360_day", "noleap")),
    case("c14a_global_0_360.nc", "0 to 360 E", value("1975-04", 9.99, **point(51.5, -0.1, "bilinear"))),
    case(
        "c14c_europe_two_pieces.nc", "two pieces at Greenwich", value("1975-04", 9.99, **point(51.5, -0.1, "bilinear"))
    ),
    case(
        "c15_t2m_1948.nc c15_t2m_1986.nc", "packed with different scales", WHOLE, value("1975-07", 298 - KELVIN, 0.01)
    ),
    case("c26_poles_descending.nc", "rows at the poles, north first", value("1975-04", 10.0, 0.01)),
    case("c27_cyclic_0_360.nc", "0 and 360 both", either(JULY, refused("meridian"))),
    case("c29_daily.nc", "daily values", refused("daily")),
    case("c33_no_times.nc", "no time step", refused("time")),
    case("c37_time_descending.nc", "newest first", either(JULY, refused("order"))),
    case("c38_float32_time.nc", "hours in float32", WHOLE, JULY),
    case("c53_gaps.nc", "gaps", readable),
    case("c54_two_datetime_axes.nc", "two date axes", WHOLE),
    case("c55_curvilinear.nc", "2-D coordinates", either(WHOLE, refused("2-D"))),
    case("c80_missing_time_noleap.nc", "a missing time stamp", refused("time")),
    case("c81_r_order.nc", "dims lon, lat, time", value("1975-07", 25.0)),
    case("c85_lon_descending.nc", "falling longitudes", value("1975-04", 15.5, 0.01, **point(0, 10, "bilinear"))),
    case("c09a_m9999.nc", "undeclared -9999", refused("range")),
    case(
        "c09b_default_fill.nc",
        "undeclared default fill",
        either(empty("1950-01", **box(-80, 80, 5, 90)), refused("range")),
    ),
    case(
        "c09d_global_attr.nc",
        "1e35 declared for the file",
        either(empty("1950-01", **box(-80, 80, 5, 90)), refused("range")),
    ),
]


def answer(question: Question, grid: Grid) -> Answer:
    """The answer; what is no ClimateError would be a traceback for the user."""
    try:
        return question(grid)
    except ClimateError as error:
        return Answer(f"refused: {error}", False)
    except Exception as error:
        return Answer(f"CRASH {type(error).__name__}: {error}", False)


def main() -> None:
    """Ask all cases of the folder on the command line; the table goes into benchmarks/README.md."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    polygons = read_shapes(find_source(SHAPES), Path("data") / SHAPES)
    rows = ["| file | what it is | result | right |", "|---|---|---|---|"]
    for entry in CASES:
        grid = Grid(folder, entry, polygons)
        answers = [answer(question, grid) for question in entry.questions]
        found = "; ".join(a.found.replace("|", "/") for a in answers)
        right = "yes" if all(a.right for a in answers) else "**no**"
        rows.append(f"| {', '.join(entry.files)} | {entry.about} | {found} | {right} |")
        print(rows[-1], flush=True)
    wrong = sum("**no**" in row for row in rows)
    print(f"{len(CASES) - wrong} of {len(CASES)} right")
    if "--write" in sys.argv:
        put("grids", "\n".join(rows))


if __name__ == "__main__":
    main()
