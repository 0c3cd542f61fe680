"""Readers on publishers' files: the right numbers, sites, periods and marks; and errors that name the place."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.harmonize.checks import check_source, values_until
from climate.schema import SERIES_VARIABLES, TIME_DTYPE
from climate.sources.catalogue import find_source, load_catalogue
from climate.sources.channels.verify import head_of
from climate.sources.own_files import TABLE_READER
from climate.sources.readers import kaggle
from climate.sources.readers.calendar import decimal_year_dates
from climate.sources.readers.csv_blocks import read_blocks, read_header
from climate.sources.readers.grid.opening import sound
from climate.sources.readers.registry import READERS, SHAPE_READER, read, read_shapes
from tests.conftest import ROOT
from tests.reader_samples import (
    SAMPLES,
    Sample,
    berkeley_two,
    lines,
    mirror_path,
    mirrored,
    pulled,
    pulled_folder,
    source,
)

Reading = Callable[..., xr.Dataset]

HALF_LAST_DIGIT = 0.0006
"""degC. Official anomalies and climatologies are printed to 0.001 and 0.01, the absolute file to 0.001."""


@pytest.fixture(scope="module")
def reading(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """Reads a source of the catalogue from the mirror; each vintage once."""
    folder = tmp_path_factory.mktemp("sources")
    kept: dict[tuple[str, str], xr.Dataset] = {}

    def make(key: str, vintage: str) -> xr.Dataset:
        if (key, vintage) not in kept:
            kept[key, vintage] = read(find_source(key).at(vintage), mirrored(mirror, key, vintage, folder))
        return kept[key, vintage]

    return make


def at(record: xr.Dataset, month: str, series: str | None = None) -> xr.Dataset:
    """One month of a record."""
    chosen = record.isel(series=0) if series is None else record.sel(series=series)
    return chosen.sel(time=np.datetime64(month, "M").astype(TIME_DTYPE))


def filled_months(record: xr.Dataset) -> list[str]:
    """Months that the publisher filled, of the one series."""
    months: list[str] = (
        record.time.values[record.interpolated.values.ravel()].astype("datetime64[M]").astype(str).tolist()
    )
    return months


def write(folder: Path, of: Sample, data: bytes | None = None) -> xr.Dataset:
    """What the reader makes of a sample, or of other bytes in its place."""
    (folder / of.name).write_bytes(of.data if data is None else data)
    return read(of.entry, folder)


# --- the catalogue and its readers ---------------------------------------------------------------------------------


def test_every_entry_has_a_reader() -> None:
    used = {entry.reader for entry in load_catalogue().values()}
    assert used | {TABLE_READER} == {*READERS, SHAPE_READER, ""}


@pytest.mark.parametrize("key", sorted(load_catalogue()))
def test_entries_read_what_the_mirror_holds(key: str, mirror: Path, tmp_path: Path) -> None:
    entry = find_source(key)
    held = [name for name, vintage in entry.vintages.items() if vintage.mirror is not None and not vintage.registry]
    held = [name for name in held if mirror_path(mirror, entry.at(name), name, entry.files[0].name).exists()]
    if not held:
        pytest.skip("the mirror does not hold this source")
    for vintage in held:
        folder, of = mirrored(mirror, key, vintage, tmp_path), entry.at(vintage)
        if entry.kind == "shapes":
            assert len(read_shapes(of, folder)) > 50
            continue
        found = read(of, folder)
        assert found.attrs["units"] == entry.unit
        heads = {file.name: head_of(folder / file.name) for file in of.files}
        urls = {file.name: file.url.replace("{version}", of.version) for file in of.files}
        checks = check_source(of, found, heads=heads, urls=urls, vintage=vintage)
        assert [check for check in checks if check.status == "error"] == []
        count = of.vintages[vintage].holds
        assert count is None or values_until(found, count.until) == values_until(found, "9999-12") == count.values
        assert found.time.dtype == TIME_DTYPE
        assert (np.diff(found.time.values) > np.timedelta64(0, "s")).all()
        if "series" in found.dims:
            assert {*SERIES_VARIABLES} - {"source"} <= set(found.data_vars)
            assert found["value"].isel(time=-1).notnull().any()
            assert not (found["uncertainty"].notnull() & found["value"].isnull()).any()


def test_unknown_reader_is_named() -> None:
    with pytest.raises(ClimateError, match="reader 'wrong', expected one of antarctic_ice_cores"):
        read(source("wrong", "a"), Path())
    with pytest.raises(ClimateError, match="expected 'shapes' for polygons"):
        read_shapes(source("gistemp", "a"), Path())


NOT_PUBLISHED = float("nan")
PUBLISHED: list[tuple[str, str, str | None, str, float | None, float | None]] = [
    # source, vintage, series, month, value, standard error where one is looked at
    ("noaa-co2-mlo", "2026-02", None, "1958-03", 315.71, NOT_PUBLISHED),
    ("noaa-co2-mlo", "2026-02", None, "2026-01", 428.62, 0.27),
    ("noaa-co2-global", "2021-11", None, "1980-01", 338.55, NOT_PUBLISHED),
    ("noaa-co2-global", "2025-09", None, "1979-01", 336.56, 0.11),
    ("scripps-ice-core-spline", "2018", None, "2018-01", 405.385, NOT_PUBLISHED),
    ("ssp-co2", "latest", "ssp585", "2014-01", 397.54698, NOT_PUBLISHED),
    ("kaggle-global", "2016", "land", "1750-01", 3.0340000000000003, 3.574 / 1.96),
    ("kaggle-global", "2016", "land and ocean", "2015-12", 14.774, 0.062 / 1.96),
    ("gistemp-global", "latest", None, "2025-08", 1.14, NOT_PUBLISHED),
    ("noaa-globaltemp", "2025-02", "global", "2025-02", 0.922187, NOT_PUBLISHED),
    ("noaa-globaltemp", "2025-02", "60N-90N", "2025-03", 2.592190, NOT_PUBLISHED),  # the zones' file names say 2025-02
    ("berkeley-land-ocean", "2024-08", None, "1850-01", -0.775, 0.436 / 1.96),
    ("berkeley-land-ocean", "2024-08", None, "2024-06", 1.229, None),
    ("berkeley-land-ocean-water", "2024-08", None, "2024-06", 1.122, None),
    ("berkeley-land-ocean-monthly", "2025-10", None, "1850-01", -0.469, 0.662 / 1.96),
    ("berkeley-land-ocean-monthly", "2023-03", None, "2023-01", None, NOT_PUBLISHED),
    ("oni", "2025-07", None, "1950-01", -1.53, NOT_PUBLISHED),
    ("roni", "2026-09", None, "1950-01", -1.19, NOT_PUBLISHED),
    ("roni", "2026-09", None, "2026-07", 1.36, NOT_PUBLISHED),
    ("igcc-temperature", "2026", None, "2024-01", 1.511, NOT_PUBLISHED),
    ("igcc-temperature", "2025", None, "2024-01", 1.523, NOT_PUBLISHED),
    ("igcc-land-ocean", "2025", "global land", "1850-01", -0.132, NOT_PUBLISHED),
    ("igcc-co2", "2025", None, "1750-01", 278.377857, NOT_PUBLISHED),
    ("igcc-co2", "2025", None, "2024-01", 422.79, NOT_PUBLISHED),
    ("volcanic-aerosol", "2012-12", "global", "1850-01", 0.0044, NOT_PUBLISHED),
]


@pytest.mark.parametrize(("key", "vintage", "series", "month", "value", "error"), PUBLISHED)
def test_values_are_the_published_ones(
    reading: Reading, key: str, vintage: str, series: str | None, month: str, value: float | None, error: float | None
) -> None:
    found = at(reading(key, vintage), month, series)
    assert value is None or float(found.value) == pytest.approx(value, abs=1e-5)
    if error is not None:
        assert float(found.uncertainty) == pytest.approx(error, nan_ok=True)


@pytest.mark.parametrize(
    ("key", "vintage", "missing", "last", "value"),
    [
        ("amo", "2023-02", 0, "2023-01", 0.192),
        ("giss-stations", "2024-09", 0, "2024-07", 1.47),
        ("mei-v2", "2024-09", 0, "2024-08", -0.73),
        ("nino34", "2024-09", 24, "2024-08", 26.79),
        ("nino34-anomaly", "2024-09", 24, "2024-08", -0.07),
        ("oni-psl", "2024-09", 0, "2024-07", 0.05),
        ("soi", "2024-10", 36, "2024-09", -0.20),
        ("solar-flux", "2024-09", 0, "2024-08", 245.6),
        ("gistemp-global", "2019-05", 0, "2019-04", 0.99),
        ("scripps-ice-core-spline", "2018", 0, "2018-01", 405.385),
    ],
)
def test_missing_markers_and_last_months(
    reading: Reading, key: str, vintage: str, missing: int, last: str, value: float
) -> None:
    record = reading(key, vintage)
    assert int(record.value.isnull().sum()) == missing
    assert str(record.time.values[-1])[:7] == last
    assert float(at(record, last).value) == pytest.approx(value)


@pytest.mark.parametrize(
    ("key", "vintage", "first", "last", "within"),
    [
        ("gistemp-global", "latest", "1951", "1980", 0.01),
        ("noaa-globaltemp", "2025-02", "1971", "2000", 0.06),
    ],
)
def test_anomalies_have_mean_zero_over_their_baseline(
    reading: Reading, key: str, vintage: str, first: str, last: str, within: float
) -> None:
    base = reading(key, vintage).value.sel(time=slice(first, last), series="global")
    assert float(base.mean()) == pytest.approx(0, abs=within)


def test_pathways_share_their_past_and_the_ice_core_becomes_in_situ(reading: Reading) -> None:
    pathways = reading("ssp-co2", "latest")
    assert pathways.sizes == {"series": 10, "time": 801}
    assert np.ptp(pathways.value.sel(time="2014-01-01").values) == 0
    assert set(pathways.period.sel(time=slice("2015", None)).values.ravel()) == {"scenario"}
    spline = reading("scripps-ice-core-spline", "2018")
    assert (spline.sizes["time"], str(spline.time.values[0])[:10]) == (2018, "0001-01-01")
    assert [at(spline, month).period for month in ("1957-01", "1958-01")] == ["ice core", "Scripps"]
    assert spline.attrs["smoothing"] == "spline"


def test_a_land_and_ocean_file_of_berkeley_holds_two_tables(reading: Reading) -> None:
    air, water = reading("berkeley-land-ocean", "2024-08"), reading("berkeley-land-ocean-water", "2024-08")
    assert air.sizes["time"] == water.sizes["time"] == 2094
    assert (air.climatology.values[0, 0], water.climatology.values[0, 0]) == (12.23, 12.93)
    assert air.attrs["file_date"] == "2024-08-06"


# --- CO2 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["noaa monthly", "noaa monthly text"])
def test_mauna_loa_periods(name: str, tmp_path: Path) -> None:
    record = write(tmp_path, SAMPLES[name]()).isel(series=0)
    assert set(record.period.sel(time=slice(None, "1974-04")).values) == {"Scripps"}
    assert set(record.period.sel(time=slice("1974-05", None)).values) == {"NOAA"}
    assert filled_months(record) == ["1975-12"]


def test_noaa_mauna_loa_as_published(reading: Reading) -> None:
    record = reading("noaa-co2-mlo", "2026-02")
    assert (record.attrs["scale"], record.attrs["file_date"]) == ("WMO X2019", "2026-02-05")
    assert [at(record, month).period for month in ("1974-04", "1974-05")] == ["Scripps", "NOAA"]
    assert filled_months(record) == ["1975-12", "1984-04"]
    assert np.isnan(record.uncertainty.values[0][record.interpolated.values[0]]).all()
    assert np.isnan(record.uncertainty.sel(time=slice(None, "1974-04"))).all()


def test_noaa_mauna_loa_sites(reading: Reading) -> None:
    record = reading("noaa-co2-mlo", "2026-02")
    months = ("2022-11", "2022-12", "2023-06", "2023-07", "2023-08")
    assert [str(at(record, month).site.item()) for month in months] == [
        *("Mauna Loa", "Maunakea", "Maunakea", "Mauna Loa, Maunakea", "Mauna Loa")
    ]
    assert int((record.site == "Maunakea").sum()) == 7


def test_older_layout_of_mauna_loa_marks_filled_months(reading: Reading) -> None:
    record = reading("noaa-co2-mlo", "2018-02")
    assert record.attrs["scale"] == "WMO X2007"
    assert filled_months(record) == ["1958-06", "1958-10", "1964-02", "1964-03", "1964-04", "1975-12", "1984-04"]
    newer = reading("noaa-co2-mlo", "2026-02")
    both = newer.sel(time=record.time)
    change = (both.value - record.value).sel(time=slice("1974-05", None)).values
    assert 0.1 < change.mean() < 0.25  # the scale of 2019 reads higher


def test_weekly_co2(reading: Reading) -> None:
    record = reading("noaa-co2-mlo-weekly", "2022-10")
    assert record.sizes["time"] == 2524
    assert int(record.value.isnull().sum()) == 18
    assert set(np.diff(record.time.values)) == {np.timedelta64(7 * 86400, "s")}


def test_scripps_scales_and_stations(reading: Reading) -> None:
    record = reading("scripps-co2-mlo", "2025-02")
    assert record.attrs["scale"] == "SIO 12"
    assert record.attrs["file_date"] == "2025-02-10"
    away = record.time.values[record.site.values[0] == "Maunakea"].astype("datetime64[M]").astype(str).tolist()
    assert away == ["2022-12", "2023-01", "2023-02"]
    assert filled_months(record) == ["1958-06", "1958-10", "1964-02", "1964-03", "1964-04"]
    assert str(record.time.values[-1])[:7] == "2025-01"  # the padding to December is gone


def test_kaggle_co2_is_scripps_on_the_older_scale(reading: Reading) -> None:
    copy = reading("kaggle-co2", "2017")
    assert copy.attrs["scale"] == "SIO 08A"
    newer = reading("scripps-co2-mlo", "2025-02").sel(time=copy.time)
    measured = copy.value.notnull() & ~newer.interpolated
    difference = (newer.value - copy.value).values[measured.values]
    assert int(measured.sum()) == 703
    assert difference.mean() == pytest.approx(-0.038, abs=0.005)  # the scales of 2008 and 2012
    same = pulled("scripps-co2-mlo")
    assert same.attrs["scale"] == "SIO 08A"
    time = copy.time.sel(time=slice("1958-03", "2016-12"))
    ours, theirs = copy.value.sel(time=time).values[0], same.value.sel(time=time).values[0]
    held = ~np.isnan(ours)
    assert (np.isnan(ours) == same.interpolated.sel(time=time).values[0]).all()
    assert held.sum() > 690
    assert np.abs(ours - theirs)[held].max() < 0.06  # revised a little between archives
    assert abs((ours - theirs)[held].mean()) < 0.005


def test_antarctic_composite(reading: Reading) -> None:
    record = reading("antarctic-ice-cores", "2015").isel(series=0)
    assert record.value.values[-1] == 368.02
    assert record.year.values[-1] == pytest.approx(2001.03)
    assert str(record.time.values[-1])[:10] == "2001-01-11"
    assert record.year.values[0] >= 1


@given(year=st.integers(1, 3000), share=st.floats(0, 0.999))
def test_decimal_years_fall_on_their_day(year: int, share: float) -> None:
    found = decimal_year_dates(np.array([year + share]))[0]
    start = np.datetime64(f"{year:04d}-01-01", "s")
    length = np.datetime64(f"{year + 1:04d}-01-01", "s") - start
    assert found <= start + share * length + np.timedelta64(1, "s")
    assert found > start + share * length - np.timedelta64(86401, "s")


# --- temperature ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", ["Germany", "India", "United States", "Kenya", "France"])
def test_kaggle_countries_are_official_anomaly_plus_climatology(reading: Reading, country: str) -> None:
    copy = reading("kaggle-countries", "2013-10").sel(series=country)
    official = reading(f"berkeley-{country.lower().replace(' ', '-')}", "2013-10").isel(series=0)
    assert str(official.series.item()) == country
    month = official.time.dt.month
    absolute = official.value + official.climatology.sel(month=month)
    time = np.intersect1d(official.time.values, copy.time.values)
    ours, theirs = absolute.sel(time=time).values, copy.value.sel(time=time).values
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    held = ~np.isnan(ours)
    assert held.sum() > 1600
    assert np.abs(ours - theirs)[held].max() < HALF_LAST_DIGIT
    errors = official.uncertainty.sel(time=time).values - copy.uncertainty.sel(time=time).values
    assert np.abs(errors[held]).max() < HALF_LAST_DIGIT


def test_kaggle_countries_as_published(reading: Reading) -> None:
    record = reading("kaggle-countries", "2013-10")
    assert record.sizes == {"series": 243, "time": 3239}
    assert int(record.value.notnull().sum()) == 577_462 - 32_651
    assert at(record, "1743-11", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}land").value == 4.3839999999999995
    assert {"Bonaire, Saint Eustatius And Saba", "France", "France (Europe)", "Africa"} <= set(record.series.values)
    assert int(record.value.isel(time=-1).notnull().sum()) == 21


def test_kaggle_cities_have_their_place(reading: Reading, mirror: Path) -> None:
    record = reading("kaggle-major-cities", "2013-10")
    assert record.sizes["series"] == 100
    abidjan = record.isel(series=0)
    assert (float(abidjan.latitude), float(abidjan.longitude)) == (5.63, -3.23)
    assert at(record, "1849-01", "Abidjan, C\N{LATIN SMALL LETTER O WITH CIRCUMFLEX}te D'Ivoire").value == 26.704
    entry = find_source("kaggle-major-cities")
    one = kaggle.read_temperatures(mirror / "kaggle", entry, series=["Berlin, Germany"])
    assert one.series.values.tolist() == ["Berlin, Germany"]
    same = record.sel(series=["Berlin, Germany"], time=one.time)
    np.testing.assert_array_equal(one.value.values, same.value.values)
    with pytest.raises(ClimateError, match="found no series 'Nowhere', expected names such as"):
        kaggle.read_temperatures(mirror / "kaggle", entry, series=["Nowhere"])


def test_cities_of_one_name_are_told_apart_by_position(tmp_path: Path) -> None:
    record = write(tmp_path, SAMPLES["kaggle cities"]())
    assert record.series.values.tolist() == [
        "Springfield, United States (37.78N 93.56W)",
        "Springfield, United States (39.38N 89.48W)",
        "Lima, Peru",
    ]
    assert record.latitude.values.tolist() == [37.78, 39.38, -12.05]
    assert record.longitude.values.tolist() == [-93.56, -89.48, -77.26]


def test_gistemp_table_of_another_hemisphere(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "GLB.Ts+dSST.csv").symlink_to(mirror / "nasa-giss" / "NH.Ts+dSST.csv")
    with pytest.raises(
        ClimateError, match=r"row 1: found 'Land-Ocean: Northern .* expected the table of series 'global'"
    ):
        read(find_source("gistemp-global"), tmp_path)


def test_hadcrut_limits_become_standard_errors(reading: Reading) -> None:
    record = reading("hadcrut5", "2022-08")
    assert record.series.values.tolist() == ["global", "northern hemisphere", "southern hemisphere"]
    first = at(record, "1850-01", "global")
    assert float(first.value) == -0.67456436
    assert float(first.uncertainty) == pytest.approx((-0.3673568 + 0.98177195) / 2 / 1.96)
    base = record.value.sel(time=slice("1961", "1990"))
    assert float(np.abs(base.mean("time")).max()) < 0.02


def test_berkeley_two_tables_in_small(tmp_path: Path) -> None:
    air, water = (write(tmp_path, berkeley_two(table)) for table in ("air", "water"))
    assert air.sizes["time"] == water.sizes["time"] == 60
    assert (air.value != water.value).sum() >= 59
    assert water.climatology.values[0, 0] == 2.5
    with pytest.raises(ClimateError, match=r"options.table: found 'ice', expected one of air, water"):
        write(tmp_path, berkeley_two("ice"))


def test_berkeley_continents_are_called_as_in_their_headers(reading: Reading) -> None:
    record = reading("berkeley-continents", "2021-01")
    assert record.series.values.tolist() == [
        *("Africa", "Antarctica", "Asia", "Australia", "Europe", "North America", "South America")
    ]
    assert record.climatology.sizes == {"series": 7, "month": 12}
    assert record.climatology.sel(series="Antarctica").max() < -10


# --- indices and forcings ------------------------------------------------------------------------------------------


def test_oni_stands_at_the_middle_month(reading: Reading) -> None:
    ours, theirs = reading("oni", "2025-07"), reading("oni-psl", "2024-09")
    both = ours.sel(time=slice("1960", "2010")).value.values - theirs.sel(time=slice("1960", "2010")).value.values
    assert np.abs(both).max() < 0.2
    assert ours.attrs["window"] == "mean of three months, centred"


def test_volcanic_aerosol(reading: Reading) -> None:
    record = reading("volcanic-aerosol", "2012-12")
    strongest = record.value.sel(series="global").resample(time="YS").max()
    assert {1884, 1903, 1991, 1992} <= set(strongest.where(strongest > 0.08, drop=True).time.dt.year.values)


# --- grids ---------------------------------------------------------------------------------------------------------


def field() -> xr.Dataset:
    """Twelve months on a small global grid, north first and 0..360; the value encodes its place."""
    lat, lon = np.arange(80.0, -81, -40), np.arange(0.0, 360, 60)
    month = np.arange(12)
    value = month[:, None, None] * 1000 + lat[None, :, None] + lon[None, None, :] / 1000
    time = (np.datetime64("1600-01", "M") + month).astype("datetime64[s]") + np.timedelta64(14 * 86400, "s")
    return xr.Dataset(
        {"t": (("time", "lat", "lon"), value.astype(np.float32), {"units": "degC"})},
        coords={
            "time": ("time", time, {"standard_name": "time"}),
            "lat": ("lat", lat, {"standard_name": "latitude", "units": "degrees_north"}),
            "lon": ("lon", lon, {"standard_name": "longitude", "units": "degrees_east"}),
        },
    )


def write_grid(folder: Path, made: xr.Dataset, **changes: Any) -> xr.Dataset:
    """What the reader makes of a grid."""
    made.to_netcdf(folder / "grid.nc")
    return read(source("netcdf_grid", "grid.nc", **({"kind": "absolute"} | changes)), folder)


def check_places(found: xr.Dataset) -> None:
    """Every value stands where it was put."""
    assert found.value.dims == ("time", "lat", "lon")
    assert (np.diff(found.lat) > 0).all()
    assert (np.diff(found.lon) > 0).all()
    assert found.lon.min() >= -180
    assert found.lon.max() < 180
    month = np.arange(found.sizes["time"])[:, None, None]
    expected = month * 1000 + found.lat.values[None, :, None] + (found.lon.values[None, None, :] % 360) / 1000
    np.testing.assert_allclose(found.value.values, expected, atol=1e-3)


def renamed(attrs: dict[str, dict[str, str]], **names: str) -> xr.Dataset:
    """`field` with other names of its axes, and other attributes of theirs."""
    made = field().rename(names)
    for name, own in attrs.items():
        made[name].attrs = own
    return made


@pytest.mark.parametrize(
    "made",
    [
        field(),
        renamed({"x": {"axis": "X"}, "y": {"axis": "Y"}}, lat="y", lon="x", time="when"),
        renamed({"nav_lat": {"units": "degree_north"}, "Longitude": {}}, lat="nav_lat", lon="Longitude"),
        field().expand_dims(level=[1000.0]).transpose("lon", "time", "level", "lat"),
    ],
    ids=["north first", "axis attributes", "units and names", "other order, one level"],
)
def test_grid_is_turned_round(made: xr.Dataset, tmp_path: Path) -> None:
    found = write_grid(tmp_path, made)
    check_places(found)
    assert str(found.time.values[0]) == "1600-01-01T00:00:00"


def test_level_is_chosen(tmp_path: Path) -> None:
    low = field()
    made = xr.concat([low, low + 5], dim="level").assign_coords(level=[1000.0, 500.0])
    made["t"].attrs["units"] = "degC"
    with pytest.raises(ClimateError, match="dimension level of size 2 too"):
        write_grid(tmp_path, made)
    made.to_netcdf(tmp_path / "b.nc")
    entry = source("netcdf_grid", "b.nc", kind="absolute", options={"select": {"level": 1000}})
    check_places(read(entry, tmp_path))
    wrong = entry.model_copy(update={"options": {"select": {"level": 850}}})
    with pytest.raises(ClimateError, match="found no level 850"):
        read(wrong, tmp_path)


def test_grid_is_read_lazily(tmp_path: Path) -> None:
    found = write_grid(tmp_path, field())
    assert not found.value.variable._in_memory
    check_places(found.isel(time=slice(0, 5)))
    assert not found.value.variable._in_memory


def test_the_reanalysis_keeps_every_value_in_its_cell() -> None:
    found = pulled("ncep-air")
    with xr.open_dataset(ROOT / "data" / "ncep-air" / "air.mon.mean.nc", decode_times=False) as raw:
        kiel = raw.air.sel(lat=55, lon=10).values
        west = raw.air.sel(lat=-2.5, lon=190).values
    np.testing.assert_array_equal(found.value.sel(lat=55, lon=10).values, kiel)
    np.testing.assert_array_equal(found.value.sel(lat=-2.5, lon=-170).values, west)
    assert found.attrs["units"] == "degC"
    assert str(found.time.values[0])[:10] == "1948-01-01"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d.isel(time=[0, 1, 3, 4]), "time step 3: found 1600-04 after 1600-02"),
        (lambda d: d.isel(time=[0, 1, 1, 2]), "time step 3: found 1600-02 twice"),
        (lambda d: d.assign(t=d.t.assign_attrs(units="mm")), "found values in 'mm', which cannot be converted"),
        (lambda d: d.assign(t=d.t.assign_attrs(units="")), "found no unit of 't'"),
        (lambda d: d.assign(t=d.t.assign_attrs(units="warmth")), "found values in 'warmth', expected a unit"),
        (lambda d: d.assign(u=d.t), "found the variables t, u on the grid, expected one"),
        (lambda d: d.drop_vars(["lat"]), "expected one coordinate with the standard_name latitude"),
        (lambda d: d.assign_coords(lat=d.lat * 2), "found latitudes from -160 to 160"),
        (lambda d: d.assign_coords(lon=[0.0, 60, 120, 180, 240, 360]), "expected each meridian once"),
    ],
)
def test_grid_errors_name_the_fault(damage: Callable[[xr.Dataset], xr.Dataset], message: str, tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=message):
        write_grid(tmp_path, damage(field()))


def test_grid_file_that_is_none(tmp_path: Path) -> None:
    entry = source("netcdf_grid", "grid.nc", kind="absolute")
    with pytest.raises(ClimateError, match=r"grid.nc: found nothing"):
        read(entry, tmp_path)
    field().to_netcdf(tmp_path / "grid.nc")
    whole = (tmp_path / "grid.nc").read_bytes()
    contents = {
        b"": "an empty file",
        b"<html>": "a web page",
        b"PK\x03\x04": "a zip archive",
        gzip.compress(whole): "a gzip archive",
        b"GRIB....": "GRIB",
        whole[: len(whole) // 2]: "a file that NetCDF cannot read",
    }
    for content, found in contents.items():
        (tmp_path / "grid.nc").write_bytes(content)
        with pytest.raises(ClimateError, match=rf"grid.nc: found {found}"):
            read(entry, tmp_path)


def test_grid_whose_values_are_damaged(tmp_path: Path) -> None:
    made = field()
    made.to_netcdf(tmp_path / "grid.nc", encoding={"t": {"zlib": True, "chunksizes": made.t.shape}})
    data = (tmp_path / "grid.nc").read_bytes()
    at = data.index(b"\x78\x5e")  # where the compressed values begin
    (tmp_path / "grid.nc").write_bytes(data[: at + 8] + b"damaged!" * 4 + data[at + 40 :])
    found = read(source("netcdf_grid", "grid.nc", kind="absolute"), tmp_path)
    with pytest.raises(ClimateError, match=r"^grid.nc: found a file that NetCDF cannot read"), sound("grid.nc"):
        found.load()


def test_grid_whose_times_are_no_times(tmp_path: Path) -> None:
    made = field()
    made = made.assign_coords(time=("time", made.time.size * [1e300], {"units": "hours since 1800-01-01"}))
    with pytest.raises(ClimateError, match=r"grid\.nc: found times in 'hours since 1800-01-01'"):
        write_grid(tmp_path, made)


def test_gistemp_maps_take_their_date_from_the_title(reading: Reading) -> None:
    one = reading("gistemp-map", "2023-05")
    assert [str(t)[:10] for t in one.time.values] == ["2023-04-01"]
    seasons = reading("gistemp-maps-seasons", "2023-05")
    assert [str(t)[:7] for t in seasons.time.values] == ["2022-01", "2022-04", "2022-07", "2022-10"]
    assert seasons.sizes == {"time": 4, "lat": 90, "lon": 180}
    weight = np.cos(np.deg2rad(seasons.lat))
    assert 0.5 < float(seasons.value.weighted(weight).mean()) < 1.2


# --- shapes --------------------------------------------------------------------------------------------------------


def squares(**columns: list[str]) -> geopandas.GeoDataFrame:
    """Unit squares side by side."""
    count = len(next(iter(columns.values())))
    return geopandas.GeoDataFrame(
        columns, geometry=[shapely.box(i, 0, i + 1, 1) for i in range(count)], crs="EPSG:4326"
    )


def shape_entry(name: str = "squares.geojson") -> Any:
    """An entry for squares."""
    return source("shapes", name, kind="shapes", options={"file": name, "name": "NAME", "key": "CODE"})


def test_shapes_have_codes_of_their_own(tmp_path: Path) -> None:
    squares(NAME=["France", "Kosovo", "Chad"], CODE=["-99", "-99", "TCD"]).to_file(tmp_path / "squares.geojson")
    found = read_shapes(shape_entry(), tmp_path)
    assert found["key"].tolist() == ["FRA", "KOS", "TCD"]
    assert list(found.columns) == ["name", "key", "geometry"]


def test_shapes_from_a_zip(tmp_path: Path) -> None:
    squares(NAME=["a", "b"], CODE=["A", "B"]).to_file(tmp_path / "squares.shp")
    with zipfile.ZipFile(tmp_path / "squares.zip", "w") as packed:
        for part in tmp_path.glob("squares.[!z]*"):
            packed.write(part, part.name)
    assert read_shapes(shape_entry("squares.zip"), tmp_path)["name"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"NAME": ["a", "a"], "CODE": ["A", "B"]}, "found name 'a' twice"),
        ({"NAME": ["a", "b"], "CODE": ["A", "A"]}, "found key 'A' twice"),
        ({"NAME": ["a", "b"], "ISO": ["A", "B"]}, "expected 'CODE' among them"),
    ],
)
def test_shape_errors(columns: dict[str, list[str]], message: str, tmp_path: Path) -> None:
    squares(**columns).to_file(tmp_path / "squares.geojson")
    with pytest.raises(ClimateError, match=message):
        read_shapes(shape_entry(), tmp_path)


FIGURE_OF_EIGHT = [(0, 0), (10, 10), (10, 0), (0, 5)]
TOUCHES_ITSELF = [(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)]


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        ([(50, 100), (50, 110), (60, 110), (60, 100)], "found latitudes 100 to 110.*longitude first"),
        ([(500000, 0), (600000, 0), (600000, 80)], "found longitudes.*coordinate reference system"),
        ([(170, -20), (-170, -20), (-170, -10), (170, -10)], "neighbouring points at longitudes 170 and -170"),
        (FIGURE_OF_EIGHT, "outline that crosses itself"),
    ],
)
def test_outlines_that_may_mean_something_else_are_refused(
    outline: list[tuple[float, float]], message: str, tmp_path: Path
) -> None:
    drawn = geopandas.GeoDataFrame({"NAME": ["a"], "CODE": ["A"]}, geometry=[shapely.Polygon(outline)], crs="EPSG:4326")
    drawn.to_file(tmp_path / "squares.geojson")
    with pytest.raises(ClimateError, match=f"squares.geojson: polygon 'a': .*{message}"):
        read_shapes(shape_entry(), tmp_path)


@pytest.mark.parametrize(
    "outline",
    [
        [(170, -20), (190, -20), (190, -10), (170, -10)],
        [(-180, 60), (180, 60), (180, 90), (-180, 90)],
        TOUCHES_ITSELF,
    ],
    ids=["past the date line", "round the Earth", "touches itself"],
)
def test_unusual_but_certain_outlines_are_read(outline: list[tuple[float, float]], tmp_path: Path) -> None:
    drawn = geopandas.GeoDataFrame({"NAME": ["a"], "CODE": ["A"]}, geometry=[shapely.Polygon(outline)], crs="EPSG:4326")
    drawn.to_file(tmp_path / "squares.geojson")
    assert read_shapes(shape_entry(), tmp_path).geometry.iloc[0].area == pytest.approx(shapely.Polygon(outline).area)


@pytest.mark.parametrize("key", ["natural-earth", "natural-earth-geojson"])
def test_natural_earth(key: str, request: pytest.FixtureRequest) -> None:
    geojson = key == "natural-earth-geojson"
    folder = request.getfixturevalue("mirror") / "natural-earth" if geojson else pulled_folder(key)
    shapes = read_shapes(find_source(key), folder)
    assert len(shapes) == 177
    assert shapes.set_index("name").loc["France", "key"] == "FRA"
    assert shapes["key"].str.len().eq(3).all()


# --- files in zips -------------------------------------------------------------------------------------------------


def test_table_inside_a_downloaded_zip(tmp_path: Path) -> None:
    of = SAMPLES["kaggle countries"]()
    plain = write(tmp_path, of)
    folder = tmp_path / "dropped"
    folder.mkdir()
    zipped(folder / "archive.zip", f"data/{of.name}", "other.csv", data=of.data)
    xr.testing.assert_identical(read(of.entry, folder), plain)


def zipped(path: Path, *members: str | zipfile.ZipInfo, data: bytes) -> bytes:
    """A zip at `path` with `data` under each name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member in members:
            packed.writestr(member, data)
    return path.read_bytes()


def linked(name: str) -> zipfile.ZipInfo:
    """The entry of a symbolic link."""
    link = zipfile.ZipInfo(name)
    link.external_attr = 0o120777 << 16
    return link


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../ByCountry.csv", "lies outside the archive"),
        ("/etc/ByCountry.csv", "lies outside the archive"),
        ("..\\ByCountry.csv", "lies outside the archive"),
        ("C:\\ByCountry.csv", "lies outside the archive"),
        (linked("other.csv"), "is a link"),
    ],
)
def test_zip_that_is_not_to_be_used(member: str | zipfile.ZipInfo, message: str, tmp_path: Path) -> None:
    of = SAMPLES["kaggle countries"]()
    zipped(tmp_path / "archive.zip", of.name, member, data=of.data)
    with pytest.raises(ClimateError, match=message):
        read(of.entry, tmp_path)


def test_zip_that_is_damaged_or_ambiguous(tmp_path: Path) -> None:
    of = SAMPLES["kaggle countries"]()
    whole = zipped(tmp_path / "a.zip", of.name, data=of.data)
    for content, message in (
        (whole[:60] + b"\0\0\0\0\0\0" + whole[66:], "cannot be unpacked"),
        (whole[:-30], "not a zip"),
    ):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(ClimateError, match=message):
            read(of.entry, tmp_path)
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(whole)
    with pytest.raises(ClimateError, match="found it in 2 places"):
        read(of.entry, tmp_path)


# --- errors name the place -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("noaa monthly", "\n1973,5,", "\n1973,4,", "row 20: found '1973-04', expected each month once"),
        ("noaa monthly", "\n1973,5,", "\n1973,6,", "row 20: found '1973-06', expected 1973-05 after 1973-04"),
        ("noaa monthly", "1973.3750", "1974.3750", r"row 20: found '1974.375', expected a decimal year"),
        ("noaa monthly", ",unc", ",error", r"row 3: found 'year.*', expected a header of NOAA GML"),
        ("noaa weekly", "\n1974,6,2,", "\n1974,6,31,", r"row 5: found '31', expected a day of its month"),
        ("scripps 11", " MKO", " XYZ", r"row 46: found 'XYZ', expected a station among MLO, MKO"),
        ("scripps 10", "calibration scale", "scale", "found 'no calibration scale in the header'"),
        ("gistemp", ",JJA,SON", ",SON,JJA", "row 2: found 'Year,Jan.*expected the header"),
        ("gistemp", "1883,.05,.27,.04,", "1883,.05,.04,.27,", r"row 6: found '0.06', expected the mean .* 'DJF'"),
        ("gistemp", "1883,.05,", "1883,.15,", r"row 6: found '0.09', expected the mean .* in column 'D-N'|'J-D'"),
        ("hadcrut", "-04,-0.1944045,-0.29", "-04,-0.2974045,-0.19", "row 5: .* expected an anomaly within its"),
        ("berkeley", "95%", "99%", "expected comments that call it a 95% confidence interval"),
        ("psl", " 1950 1965", " 1950 1964", "row 17: found '1965 .*', expected the missing marker"),
        ("psl", "\n-9.90\n", "\n missing\n", "row 18: found 'missing', expected the missing marker"),
        ("oni", "  MAM 1973", "  XXX 1973", "row 17: found 'XXX', expected a season"),
        ("rcmip", ",ppm,", ",ppb,", "row 2: found 'ppb', expected the unit ppm"),
        ("rcmip", ",350,351,352", ",350,352,352", r"row 2: found 'ssp119', expected the past of the other"),
        ("rcmip", "368,369,370", "368,,370", "row 2: found 'ssp119', expected a value for every year"),
        ("rcmip", ",1995,", ",1996,", "row 1: .* expected years that follow each other"),
        ("merged irregular", " 180.1, 333.034", " 180.125, 333.0", "row 8: found '180.125', expected a number with 1"),
        ("antarctic", " 191.25  0.80", " 0.80  191.25", "row 7: found '0.8', expected a mole fraction between"),
        ("ucsd", "1972.3750,333.03", "1972.3750,", "row 6: .* expected a value in both of the first"),
        ("ucsd", "(ppm),Seasonally", "(ppm);Seasonally", "row 1: found 'Year,Month"),
        ("kaggle countries", "1972-03-01", "1972-03-02", "row 4: found '1972-03-02', expected the first of a month"),
        ("kaggle countries", "dt,Average", "date,Average", "row 1: found 'date,.*', expected dt,AverageTemperature"),
        ("kaggle countries", ",0.20286,", ",,", "row 4: found 'nan', expected an uncertainty of 0 or more beside"),
        ("kaggle global", "1972-04-01,", "1972-05-01,", "row 5: found '1972-05-01', expected the month after"),
        ("ncei", "1972  5", "1972 15", "row 5: found '15', expected a whole number from 1 to 12 in column 'month'"),
    ],
)
def test_error_names_file_row_found_and_expected(name: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    of = SAMPLES[name]()
    assert old.encode() in of.data
    with pytest.raises(ClimateError, match=message) as caught:
        write(tmp_path, of, of.data.replace(old.encode(), new.encode(), 1))
    assert str(caught.value).startswith(of.name)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (
            "berkeley",
            lambda data: data.decode().encode("utf-16-le"),
            "row 1: .*control character.* plain text .not UTF-16",
        ),
        (
            "kaggle countries",
            lambda data: data.decode().encode("latin-1"),
            "row 2: found 'byte 0xc5', expected UTF-8 text",
        ),
        ("gistemp", lambda data: data.replace(b"1880,", b"1880\xff,"), "row 3: found 'byte 0xff', expected UTF-8 text"),
    ],
)
def test_text_that_cannot_be_decoded(name: str, damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    of = SAMPLES[name]()
    with pytest.raises(ClimateError, match=f"{of.name}, {message}"):
        write(tmp_path, of, damage(of.data))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=r"GLB.csv: found nothing in .*, expected it or one zip that holds it"):
        read(SAMPLES["gistemp"]().entry, tmp_path)


def test_two_series_of_one_name(tmp_path: Path) -> None:
    of = SAMPLES["hadcrut"]()
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(of.data)
    with pytest.raises(ClimateError, match="found series 'global' twice"):
        read(source("hadcrut", "a.csv", "b.csv"), tmp_path)


def test_table_without_a_value(tmp_path: Path) -> None:
    header = "Land-Ocean: Global Means", SAMPLES["gistemp"]().data.decode().splitlines()[1]
    data = lines(*header, "1880," + ",".join(["***"] * 18))
    with pytest.raises(ClimateError, match="found no value in its files"):
        write(tmp_path, SAMPLES["gistemp"](), data)


# --- blocks of large files -----------------------------------------------------------------------------------------


@given(size=st.integers(30, 4000))
@settings(max_examples=25)
def test_blocks_of_any_size_hold_the_same_rows(size: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("blocks") / "ByCountry.csv"
    path.write_bytes(SAMPLES["kaggle countries"]().data)
    found = []
    with path.open("rb") as stream:
        header = read_header(stream, path.name)
        for block in read_blocks(stream, path.name, header, header[1:3], size):
            assert block.first_row == 2 + len(found)
            found += block.frame.astype({"dt": str, "Country": str}).itertuples(index=False, name=None)
    text = path.read_text(encoding="utf-8").splitlines()[1:]
    assert len(found) == len(text)
    for row, line in zip(found, text, strict=True):
        date, temperature, error, country = line.replace('"Bonaire, Saba"', "Bonaire; Saba").split(",")
        assert row[0] == date
        assert row[3] == country.replace(";", ",")
        for cell, number in zip((temperature, error), row[1:3], strict=True):
            assert (np.isnan(number) and not cell) or float(cell) == number


# --- readers of formats whose terms need a word ---------------------------------------------------------------------


def test_the_two_indices_of_cpc_refuse_each_others_file(tmp_path: Path) -> None:
    for mine, other in (("oni", "roni"), ("roni", "oni")):
        sample, wrong = SAMPLES[mine](), SAMPLES[other]()
        (tmp_path / sample.entry.files[0].name).write_bytes(wrong.data)
        with pytest.raises(ClimateError, match=r"row 1: found .*, expected the header SEAS YR"):
            read(sample.entry, tmp_path)


def test_means_over_more_than_a_year_are_no_yearly_record(tmp_path: Path) -> None:
    entry = source("igcc", "igcc.csv", cadence="annual", options={"columns": {"GMST": "global"}})
    (tmp_path / "igcc.csv").write_bytes(lines("time,timebound_lower,timebound_upper,GMST", ["1855,1850,1860,0.012"]))
    with pytest.raises(ClimateError, match=r"row 2: found '1860', expected the end of one year"):
        read(entry, tmp_path)


def test_the_marine_mean_weights_equal_steps_of_the_sine_of_latitude(tmp_path: Path) -> None:
    """A field that is linear in the sine of latitude has the value of the equator as its mean."""
    sample = SAMPLES["noaa mbl"]()
    (tmp_path / sample.entry.files[0].name).write_bytes(sample.data)
    found = read(sample.entry, tmp_path)
    assert found.sizes == {"series": 1, "time": 48}
    steps = 340 + np.round(np.arange(4) / 50 + 2.0, 3)
    assert float(found.value[0, 0]) == pytest.approx(steps.mean(), abs=1e-3)


def test_preliminary_days_are_named(tmp_path: Path) -> None:
    sample = SAMPLES["climate pulse"]()
    (tmp_path / sample.entry.files[0].name).write_bytes(sample.data)
    found = read(sample.entry, tmp_path)
    assert found.attrs["preliminary_from"] == "1995-05-31"
    assert not found.value.isnull().any()


def test_notes_that_name_another_sea_surface_temperature_become_the_version(tmp_path: Path) -> None:
    sample = SAMPLES["psl"]()
    for noted, version in ((b" An index using ersstv6", "ERSSTv6"), (b" An index", None)):
        (tmp_path / sample.entry.files[0].name).write_bytes(sample.data.replace(b" An index", noted))
        assert read(sample.entry, tmp_path).attrs.get("version") == version
