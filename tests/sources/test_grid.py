"""Gridded files of every shape that CF NetCDF takes: the same cells and months, or a refusal that names the fault."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.harmonize.checks import check_source
from climate.harmonize.grid import Baseline, box_footprint, weighted_means
from climate.params.regions import Box
from climate.sources.catalogue import Source
from climate.sources.pulled import faults
from climate.sources.readers.grid import opening

STEP = 5.0
LAT, LON = np.arange(-87.5, 90, STEP), np.arange(2.5, 360, STEP)
MONTHS = np.arange(np.datetime64("1975-01"), np.datetime64("1977-01"))


def entry(*names: str, **changes: Any) -> Source:
    """The catalogue entry of a grid."""
    about = {"kind": "absolute", "unit": "degC", "cadence": "monthly"} | changes
    files = [{"name": name, "url": "", "mirror": ""} for name in names or ("grid.nc",)]
    texts = dict.fromkeys(("publisher", "homepage", "licence", "citation"), "")
    fixed = {"key": "own", "title": "Own", "quantity": "temperature", "reader": "netcdf_grid", "channels": ()}
    return Source.model_validate(fixed | texts | {"vintages": {}, "files": files} | about)


def days(months: np.ndarray, day: int = 16) -> np.ndarray:
    """Days since 1900 of a day in each month."""
    return np.asarray((months.astype("datetime64[D]") - np.datetime64("1900-01-01")).astype(float) + day - 1)


def file(
    values: np.ndarray | None = None,
    lat: np.ndarray = LAT,
    lon: np.ndarray = LON,
    time: Any = None,
    units: str = "degC",
    **time_attrs: Any,
) -> xr.Dataset:
    """A file as programs write them; by default each value is month + latitude / 10 + longitude (0..360) / 1000."""
    at = np.arange(MONTHS.size)[:, None, None]
    made = at + lat[None, :, None] / 10 + (lon % 360)[None, None, :] / 1000 if values is None else values
    about = {"units": "days since 1900-01-01", "standard_name": "time"} | time_attrs
    return xr.Dataset(
        {"tas": (("time", "lat", "lon"), made, {"units": units})},
        coords={
            "time": ("time", days(MONTHS) if time is None else time, about),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    )


def read(folder: Path, *files: xr.Dataset, **changes: Any) -> xr.Dataset:
    """What the reader makes of files, in one record."""
    names = [f"grid{i}.nc" for i in range(len(files))]
    own = Path(mkdtemp(dir=folder))  # a file that is open cannot be written again
    for name, made in zip(names, files, strict=True):
        made.to_netcdf(own / name)
    return opening.read(own, entry(*names, **changes))


def check_cells(grid: xr.Dataset) -> None:
    """Every value of `file` stands in its month and cell, whatever turn of the circle its longitude is given in."""
    expected = (
        np.arange(grid.sizes["time"])[:, None, None]
        + grid["lat"].values[None, :, None] / 10
        + (grid["lon"].values % 360)[None, None, :] / 1000
    )
    np.testing.assert_allclose(grid["value"].values, expected, atol=1e-4)
    for axis in ("lat", "lon"):
        assert (np.diff(grid[axis]) > 0).all()
        assert (grid[f"{axis}_lower"] < grid[axis]).all()
        assert (grid[f"{axis}_upper"] > grid[axis]).all()
        assert (grid[f"{axis}_lower"].values[1:] >= grid[f"{axis}_upper"].values[:-1] - 1e-9).all()


def with_bounds(made: xr.Dataset) -> xr.Dataset:
    """The same with the edges of its cells."""
    for axis in ("lat", "lon"):
        edges = np.column_stack((made[axis] - STEP / 2, made[axis] + STEP / 2))
        made[f"{axis}_bnds"] = ((axis, "bnds"), edges)
        made[axis].attrs["bounds"] = f"{axis}_bnds"
    return made


@given(data=st.data())
@settings(max_examples=40)
def test_a_copy_of_a_grid_gives_the_same_cells(data: st.DataObject) -> None:
    """Rolled, flipped, shifted by a turn, cut to a region, with bounds or without."""
    first, count = data.draw(st.integers(0, LON.size - 1)), data.draw(st.integers(4, LON.size))
    lon = np.roll(LON, -first)[:count] + data.draw(st.sampled_from([0.0, -360.0, -180.0])) % -360
    south, rows = data.draw(st.integers(0, 20)), data.draw(st.integers(2, 16))
    lat = LAT[south : south + rows]
    made = file(lat=lat[:: data.draw(st.sampled_from([1, -1]))], lon=lon[:: data.draw(st.sampled_from([1, -1]))])
    if data.draw(st.booleans()):
        made = with_bounds(made)
    made = made.transpose(*data.draw(st.permutations(["time", "lat", "lon"])), ...)
    with TemporaryDirectory() as folder:
        grid = read(Path(folder), made).load()
    check_cells(grid)
    assert grid.sizes == {"time": MONTHS.size, "lat": rows, "lon": count}
    assert float((grid["lon_upper"] - grid["lon_lower"]).sum()) == pytest.approx(count * STEP)
    if count < LON.size:
        assert float(grid["lon_upper"][-1] - grid["lon_lower"][0]) == pytest.approx(count * STEP)


@given(
    west=st.floats(-180, 180),
    width=st.floats(1, 360),
    south=st.floats(-89, 80),
    height=st.floats(1, 60),
    first=st.integers(0, LON.size - 1),
    count=st.integers(4, LON.size),
)
@settings(max_examples=60)
def test_a_box_is_covered_by_as_much_as_lies_in_the_grid(
    west: float, width: float, south: float, height: float, first: int, count: int
) -> None:
    lon = np.roll(LON, -first)[:count]
    with TemporaryDirectory() as folder:
        field = read(Path(folder), file(lon=lon))["value"].load()
    north = min(90.0, south + height)
    east = west + width if west + width <= 180 else west + width - 360
    if np.isclose(east, west):
        return
    box = Box.model_validate({"lat": [south, north], "lon": [west, east]})
    footprint = box_footprint(field, box)
    fine = west + ((east - west) % 360) * (np.arange(20_000) + 0.5) / 20_000
    inside = ((fine - (lon[0] - STEP / 2)) % 360 < count * STEP).mean()
    assert footprint.share == pytest.approx(inside, abs=2e-3)
    if footprint.cells.size:
        sine = np.sin(np.deg2rad(field["lat"].values))[None, :, None] * np.ones(field.shape)
        edges = np.sin(np.deg2rad([south, north])).sum() / 2
        mean = weighted_means(field.copy(data=sine), {"box": footprint}, 0.0)["box"].values
        assert np.abs(mean - edges).max() < np.deg2rad(STEP)


def test_tiles_with_a_hole_between_keep_the_hole(tmp_path: Path) -> None:
    grid = read(tmp_path, file(lon=np.r_[np.arange(-120, -59, 2.5), np.arange(0, 61, 2.5)]))
    gaps = grid["lon_lower"].values[1:] - grid["lon_upper"].values[:-1]
    assert sorted(gaps.round(6))[-1] == pytest.approx(57.5)
    assert float(grid["lon_lower"][0]) == pytest.approx(-121.25)


def test_bounds_tell_where_cells_are(tmp_path: Path) -> None:
    made = with_bounds(file())
    edges = made.assign_coords(lat=made["lat"] - STEP / 2, lon=made["lon"] - STEP / 2)
    for axis in ("lat", "lon"):
        edges[axis].attrs = made[axis].attrs
    check_cells(read(tmp_path, edges))


def test_bounds_that_overlap_are_refused(tmp_path: Path) -> None:
    made = with_bounds(file())
    made["lon_bnds"] = made["lon_bnds"] + np.array([-3.0, 3.0])
    with pytest.raises(ClimateError, match=r"bounds of longitude whose cells overlap"):
        read(tmp_path, made)


def test_the_first_meridian_given_twice_counts_once(tmp_path: Path) -> None:
    check_cells(read(tmp_path, file(lon=np.arange(0, 361, STEP))))


YEARS = MONTHS.astype("datetime64[Y]").astype(int) + 1970
NUMBERS = MONTHS.astype(int) % 12 + 1


def in_calendar(calendar: str, day: int) -> np.ndarray:
    dates = [cftime.datetime(year, month, day, calendar=calendar) for year, month in zip(YEARS, NUMBERS, strict=True)]
    return np.asarray(cftime.date2num(dates, "days since 1850-01-01", calendar))


def with_time(numbers: Any, units: str, **attrs: Any) -> xr.Dataset:
    made = file()
    return made.assign_coords(time=("time", np.asarray(numbers), {"standard_name": "time", "units": units} | attrs))


@pytest.mark.parametrize(
    "made",
    [
        with_time(np.arange(MONTHS.size) + 180.0, "months since 1960-01-01"),
        with_time(np.arange(MONTHS.size) + 180.5, "months since 1960-01-01", calendar="360"),
        with_time(YEARS * 10_000 + NUMBERS * 100 + 16.0, "day as %Y%m%d.%f"),
        with_time(YEARS * 100.0 + NUMBERS, "1", long_name="YYYYMM"),
        with_time(YEARS + (NUMBERS - 0.5) / 12, "year A.D."),
        with_time(in_calendar("noleap", 28), "days since 1850-01-01", calendar="noleap"),
        with_time(in_calendar("360_day", 30), "days since 1850-01-01", calendar="360_day"),
        with_time(days(MONTHS, 1) - 1e-5, "days since 1900-01-01"),
        with_time((days(MONTHS, 1) * 24).astype("f4"), "hours since 1900-01-01"),
    ],
    ids=["months", "calendar 360", "day as", "yyyymm", "decimal", "noleap", "360 days", "a second early", "float32"],
)
def test_times_are_read_in_any_form(made: xr.Dataset, tmp_path: Path) -> None:
    grid = read(tmp_path, made)
    assert (grid["time"].values.astype("datetime64[M]") == MONTHS).all()
    check_cells(grid)


DAY_OF_YEAR = (MONTHS.astype("datetime64[D]") - MONTHS.astype("datetime64[Y]").astype("datetime64[D]")).astype(int)
DAYS_OF_MONTH = np.diff(np.append(MONTHS, MONTHS[-1] + 1).astype("datetime64[D]")).astype(int)


@pytest.mark.parametrize("year", [365, 366, 365.25, np.where(YEARS == 1976, 366, 365)])
@pytest.mark.parametrize("day", [DAY_OF_YEAR + part * DAYS_OF_MONTH for part in (0, 0.45, 0.5, 1)])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_decimal_years_may_be_made_from_days(year: Any, day: np.ndarray, kind: str, tmp_path: Path) -> None:
    check_cells(read(tmp_path, with_time((YEARS + day / year).astype(kind), "decimal year")))


def test_decimal_years_between_two_months_are_those_of_whole_years_or_refused(tmp_path: Path) -> None:
    for first in (0, 1):
        grid = read(tmp_path, with_time(YEARS + (NUMBERS - 1 + first) / 12, "year"))
        assert (grid["time"].values.astype("datetime64[M]") == MONTHS).all()
    with pytest.raises(ClimateError, match=r"decimal years between two months.*cdo settaxis"):
        read(tmp_path, with_time(YEARS + NUMBERS / 12, "year").isel(time=slice(3, None)))


def test_a_month_is_that_of_its_bounds(tmp_path: Path) -> None:
    made = file(time=days(MONTHS + 1, 1), bounds="time_bnds")
    made["time_bnds"] = (("time", "bnds"), np.column_stack((days(MONTHS, 1), days(MONTHS + 1, 1))))
    assert (read(tmp_path, made)["time"].values.astype("datetime64[M]") == MONTHS).all()


def test_one_month_a_file_with_time_as_a_scalar(tmp_path: Path) -> None:
    files = [file().isel(time=month).assign_attrs(title="Begun in January 1999") for month in (1, 0, 2)]
    check_cells(read(tmp_path, *files))


def test_another_variable_is_not_decoded(tmp_path: Path) -> None:
    made = file()
    made["average_T1"] = ("time", np.arange(MONTHS.size), {"units": "fortnights since the flood"})
    made["land_mask"] = (("lat", "lon"), np.ones((LAT.size, LON.size)), {"units": "1"})
    check_cells(read(tmp_path, made))


@pytest.mark.parametrize(
    "unit",
    [
        *("C", "degC", "deg C", "degree C", "degrees C", "Degrees C", "deg_C", "°C", "Celsius", "degrees_celsius"),
        *(
            "\N{DEGREE CELSIUS}",
            "\N{MASCULINE ORDINAL INDICATOR}C",
            "\N{RING ABOVE}C",
            "oC",
            "deg. C",
            "[degC]",
            "DegC",
        ),
        *("[degC]", "degree (C)", "Celsius degrees", "degreesC", "deg-C"),
    ],
)
def test_spellings_of_celsius_are_one_unit(unit: str, tmp_path: Path) -> None:
    check_cells(read(tmp_path, file(units=unit)))


@pytest.mark.parametrize("unit", ["(", "K**", "1/0", "'", "[", "0.1 degC", "none", "K/day", "degree"])
def test_what_is_no_unit_of_temperature_is_refused(unit: str, tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=rf"grid0\.nc, 'tas': found values in '{re.escape(unit)}'"):
        read(tmp_path, file(units=unit))


@pytest.mark.parametrize("unit", ["K", "Kelvin", "degK", "deg K", "degrees_K", "\N{KELVIN SIGN}", "°K", "(K)"])
def test_kelvin_becomes_the_unit_of_the_source(unit: str, tmp_path: Path) -> None:
    made = file(units=unit)
    made["tas"] = (made["tas"] + 273.15).assign_attrs(units=unit)
    check_cells(read(tmp_path, made))
    check_cells(read(tmp_path, file(units=unit), kind="anomaly"))


def test_the_physical_range_is_in_the_unit_of_the_source(tmp_path: Path) -> None:
    made = file(units="K")
    made["tas"] = (made["tas"] + 280).assign_attrs(units="K")
    source = entry("grid0.nc", unit="K")
    assert not faults(check_source(source, read(tmp_path, made, unit="K")))
    made = file()
    made["tas"][:3, :, :4] = -9999.0
    assert [check.check for check in faults(check_source(entry("grid0.nc"), read(tmp_path, made)))] == [
        "values in physical range"
    ]


def test_declared_missing_values_are_masked(tmp_path: Path) -> None:
    for attrs in ({"missing_value": "-99.9"}, {"valid_min": -60.0}, {"valid_range": [-60.0, 60.0]}):
        made = file()
        made["tas"][:3, :, :4] = -99.9
        made["tas"].attrs |= attrs
        value = read(tmp_path, made)["value"]
        assert int(np.isnan(value).sum()) == 3 * LAT.size * 4
    made = file().assign_attrs(missing_value=-99.9)
    made["tas"][:3, :, :4] = -99.9
    assert int(np.isnan(read(tmp_path, made)["value"]).sum()) == 3 * LAT.size * 4


def test_preliminary_months_follow_the_final_ones(tmp_path: Path) -> None:
    whole = file()["tas"]
    final = whole.where(np.arange(MONTHS.size)[:, None, None] < MONTHS.size - 2)
    preliminary = whole.where(final.isnull())
    merged = xr.concat([final, preliminary], dim="expver").assign_coords(expver=[1, 5])
    made = file().drop_vars("tas").assign(tas=merged.assign_attrs(units="degC"))
    check_cells(read(tmp_path, made))


def test_files_on_nearly_one_grid_are_one_record(tmp_path: Path) -> None:
    parts = [file().isel(time=slice(0, 12)), file().isel(time=slice(12, None))]
    near = parts[1].assign_coords(lat=("lat", LAT * (1 + 1e-9), parts[1]["lat"].attrs))
    check_cells(read(tmp_path, parts[0], near))
    for turn in (-180.0, -179.0, 0.0, 180.0):
        for shift in (-1e-9, 1e-9):
            west, moved = ((LON - LON[0] + turn + more) for more in (0.0, shift))
            near = file(lon=west).isel(time=slice(12, None)).assign_coords(lon=("lon", moved, file().lon.attrs))
            joined = read(tmp_path, file(lon=west).isel(time=slice(0, 12)), near)
            np.testing.assert_allclose(joined["value"][12:] - 12, joined["value"][:12], atol=1e-6)
            np.testing.assert_allclose(joined["value"], read(tmp_path, file(lon=west))["value"])
    far = parts[1].assign_coords(lat=("lat", LAT + 0.1, parts[1]["lat"].attrs))
    with pytest.raises(ClimateError, match=r"grid1\.nc: found another grid along lat than in grid0\.nc"):
        read(tmp_path, parts[0], far)


def test_values_of_several_files_stay_on_disk(tmp_path: Path) -> None:
    joined = read(tmp_path, file().isel(time=slice(0, 12)), file().isel(time=slice(12, None)))
    assert not joined["value"]._in_memory


def test_a_meridian_given_twice_with_other_values_is_refused(tmp_path: Path) -> None:
    lon = np.arange(-180, 181, STEP)
    made = file(lon=lon)
    made["tas"][5, :, -1] = 7.0
    for each in (made, with_bounds(made)):
        with pytest.raises(ClimateError, match=r"longitude"):
            read(tmp_path, each)


def test_the_time_that_a_field_is_valid_for_goes_before_that_of_the_forecast(tmp_path: Path) -> None:
    made = file().rename(time="valid_time")
    start = {"standard_name": "forecast_reference_time", "units": "days since 1900-01-01"}
    check_cells(read(tmp_path, made.assign_coords(time=((), 10_000.0, start))))
    check_cells(read(tmp_path, made.assign_coords(time=((), 10_000.0, start | {"standard_name": "time"}))))
    check_cells(read(tmp_path, made.assign_coords(time=((), 10_000.0)).expand_dims("time")))
    check_cells(read(tmp_path, made.assign(time=((), 10_000.0, start))))
    check_cells(read(tmp_path, made.assign_coords(time=("valid_time", np.full(MONTHS.size, 1e4), start))))


def rotated() -> xr.Dataset:
    made = file().rename(lat="rlat", lon="rlon")
    made["rlat"].attrs, made["rlon"].attrs = {"standard_name": "grid_latitude"}, {"standard_name": "grid_longitude"}
    tilt = np.add.outer(LAT / 2, LON / 10)
    made["rotated_pole"] = ((), 0, {"grid_mapping_name": "rotated_latitude_longitude"})
    made["tas"].attrs |= {"grid_mapping": "rotated_pole", "coordinates": "lat lon"}
    made["lat"] = (("rlat", "rlon"), tilt, {"standard_name": "latitude", "units": "degrees_north"})
    made["lon"] = (("rlat", "rlon"), tilt, {"standard_name": "longitude", "units": "degrees_east"})
    return made


def test_a_rotated_grid_is_refused_and_a_regular_one_in_two_dimensions_is_read(tmp_path: Path) -> None:
    for made in (rotated(), rotated().drop_vars(["lat", "lon"]), rotated().drop_vars(["lat", "lon"]).drop_attrs()):
        made["tas"].attrs["units"] = "degC"
        with pytest.raises(ClimateError, match=r"found a rotated grid .*cdo remapcon.*xESMF"):
            read(tmp_path, made)
    plain = file().rename(lat="y", lon="x")
    lat, lon = np.meshgrid(LAT, LON, indexing="ij")
    plain = plain.drop_vars(["y", "x"]).assign_coords(
        lat=(("y", "x"), lat, {"units": "degrees_north"}), lon=(("y", "x"), lon, {"units": "degrees_east"})
    )
    check_cells(read(tmp_path, plain))


def on_plane(unit: str) -> xr.Dataset:
    """Axes in a unit of length, with numbers that would do for degrees."""
    made = file().rename(lat="y", lon="x")
    for axis in ("x", "y"):
        made[axis].attrs = {"axis": axis.upper(), "units": unit}
    return made


def in_a_list(dim: str, *coordinates: str) -> xr.Dataset:
    made = file().stack({dim: ("lat", "lon")}, create_index=False)
    return made.drop_vars([axis for axis in ("lat", "lon") if axis not in coordinates])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        *((on_plane(unit), "found a projected grid") for unit in ("m", "km", "metre", "kilometers")),
        (in_a_list("i", "lat", "lon"), "found an unstructured grid"),
        (in_a_list("ncells"), "found an unstructured grid"),
        (in_a_list("nod2"), "found an unstructured grid"),
    ],
)
def test_other_grids_are_named_with_how_to_regrid_them(made: xr.Dataset, message: str, tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=f"{message}.*cdo remapcon.*xESMF"):
        read(tmp_path, made)


@pytest.mark.parametrize("unit", ["radians", "radian", "rad"])
def test_radians_are_not_taken_for_degrees(unit: str, tmp_path: Path) -> None:
    made = file(lat=np.deg2rad(LAT), lon=np.deg2rad(LON))
    for axis, standard_name in (("lat", "latitude"), ("lon", "longitude")):
        made[axis].attrs = {"standard_name": standard_name, "units": unit}
    with pytest.raises(ClimateError, match="found lat in radians, expected degrees"):
        read(tmp_path, made)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (with_time(np.arange(MONTHS.size) + 1.0, "days since 0000-01-01"), "found a climatology"),
        (with_time(days(MONTHS), "days since 1900-01-01", climatology="c"), "found a climatology"),
        (with_time(days(MONTHS[0] + 12 * np.arange(MONTHS.size)), "days since 1900-01-01"), "found one field a year"),
        (with_time(days(MONTHS[:1]) + np.arange(MONTHS.size), "days since 1900-01-01"), "several fields a month"),
        (with_time(np.r_[days(MONTHS[:-1]), np.nan], "days since 1900-01-01"), r"time step 24: found no date"),
        (with_time(np.arange(MONTHS.size) * 1.5, "parsecs"), "found times in 'parsecs'"),
        (file().isel(time=slice(0, 0)), "found no time step"),
    ],
    ids=["year 0", "climatology", "annual", "daily", "missing", "no unit of time", "empty"],
)
def test_times_that_cannot_be_used_are_named(made: xr.Dataset, message: str, tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=message):
        read(tmp_path, made)


def test_times_as_text_are_named(tmp_path: Path) -> None:
    made = file().assign_coords(time=("time", MONTHS.astype(str).astype(object), {"standard_name": "time"}))
    with pytest.raises(ClimateError, match="found times that are no numbers, such as '1975-01'"):
        read(tmp_path, made)


@pytest.mark.parametrize(("key", "number"), [("scale_factor", "0.01"), ("scale_factor", 0.0), ("add_offset", np.nan)])
def test_a_packing_that_loses_the_values_is_named(key: str, number: Any, tmp_path: Path) -> None:
    made = file()
    made["tas"].attrs[key] = number
    with pytest.raises(ClimateError, match=f"found the {key} '{number}' of 'tas', expected a number"):
        read(tmp_path, made)


def test_cold_cells_that_join_do_not_cool_a_region() -> None:
    """Absolute values whose coverage grows: anomalies first, then the mean, then the mean climatology."""
    count = 12 * 40
    time = (np.datetime64("1951-01") + np.arange(count)).astype("datetime64[s]")
    rising = np.arange(count) / 120
    values = 20.0 - np.abs(LAT)[None, :, None] / 2 + rising[:, None, None] + np.zeros((1, 1, LON.size))
    field = xr.DataArray(values, dims=("time", "lat", "lon"), coords={"time": time, "lat": LAT, "lon": LON})
    field = opening.with_cells(field, {"lat": None, "lon": None}, "grid")
    globe = {"globe": box_footprint(field, Box.model_validate({"lat": [-90, 90], "lon": [-180, 180]}))}
    complete = weighted_means(field, globe, 0.5, Baseline(1961, 1990, 20))["globe"]
    late = field.where((np.abs(field["lat"]) < 50) | (field["time"] >= np.datetime64("1958-01-01")))
    growing = weighted_means(late, globe, 0.5, Baseline(1961, 1990, 20))["globe"]
    assert not complete.attrs["anomalies_first"]
    assert growing.attrs["anomalies_first"]
    np.testing.assert_allclose(growing, complete, atol=1e-9)
    early = weighted_means(late[:200], globe, 0.5, Baseline(1961, 1990, 20))["globe"]
    assert early.attrs["share"] == 0
    assert not np.isfinite(early).any()
