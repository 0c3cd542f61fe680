"""Regions: definitions, area weights, and the known behaviour of the reanalysis grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import regionmask
import shapely
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from climate.errors import ClimateError
from climate.harmonize.build import harmonize
from climate.harmonize.grid import Footprint, box_footprint, point_footprint, polygon_footprint, weighted_means
from climate.harmonize.polygons import polygon
from climate.harmonize.regions import grid_series, mix, published_series
from climate.harmonize.series import make_series
from climate.params.regions import (
    Box,
    MissingParams,
    Point,
    check_definitions,
    check_no_lookahead,
    required_sources,
)
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read_shapes
from tests.reader_samples import pulled, pulled_folder
from tests.records import PARAMS, grid, months, region, seasonal, table, with_params

LAT, LON = np.arange(-90, 91, 2.5), np.arange(-180, 180, 2.5)

latitudes = st.floats(-90, 90, allow_nan=False)
longitudes = st.floats(-180, 180, allow_nan=False)


def field(
    value: np.ndarray | None = None, lat: np.ndarray = LAT, lon: np.ndarray = LON, count: int = 1
) -> xr.DataArray:
    data = np.zeros((count, lat.size, lon.size)) if value is None else value
    return grid(data, months("1961-01", count), lat, lon)["value"]


def box(south: float, north: float, west: float, east: float) -> Box:
    return Box.model_validate({"lat": [south, north], "lon": [west, east]})


def dense(footprint: Footprint, size: int = LAT.size * LON.size) -> np.ndarray:
    weights = np.zeros(size)
    weights[footprint.cells] = footprint.weights
    return weights


# Definitions


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "exactly one of"),
        ({"source": "a", "series": "b", "country": "Chad"}, "found series, country"),
        ({"series": "global"}, "needs `source`"),
        ({"source": "a", "splice": "b"}, "takes no `source`"),
        ({"source": "a", "box": {"lat": [10, -10], "lon": [0, 1]}}, "from south to north"),
        ({"source": "a", "box": {"lat": [-10, 95], "lon": [0, 1]}}, "less than or equal to 90"),
        ({"source": "a", "box": {"lat": ["0", 1], "lon": [0, 1]}}, "valid number"),
        ({"source": "a", "box": {"lat": [0, 1], "lon": [5, 5]}}, "eastward"),
        ({"source": "a", "point": {"lat": 1, "lon": 2, "method": "cubic"}}, "'nearest' or 'bilinear'"),
        ({"source": "a", "box": {"lat": [0, 1], "lon": [0, 1]}, "shapes": "x"}, "takes no `shapes`"),
        ({"mix": {"a": 1.0, "b": -1.0}}, "weight above 0"),
        ({"mix": {}}, "at least one region"),
        ({"source": "a", "series": "b", "start": "1990-01", "end": "1980-01"}, "is after end"),
        ({"source": "a", "series": "b", "start": "1990"}, "should match pattern"),
        ({"source": "a", "series": "b", "colour": "red"}, "Extra inputs"),
    ],
)
def test_a_wrong_definition_is_refused_in_words(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        region(**entry)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"source": "ncep-ait", "country": "Chad"}, "unknown source 'ncep-ait'.*ncep-air"),
        ({"source": "ncep-air", "country": "Chad", "shapes": "natural-earht"}, "natural-earth"),
        ({"splice": "co2-mauna-lao"}, "unknown splice 'co2-mauna-lao'.*co2-mauna-loa"),
        ({"combination": "gmst"}, "unknown combination 'gmst'"),
        ({"mix": {"globee": 1.0}}, "unknown region 'globee' in its mix.*globe"),
        ({"mix": {"place": 1.0}}, "contains itself"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(entry: dict[str, Any], message: str) -> None:
    splices = {"co2-mauna-loa": {"parts": ["ncep-air", "ncep-air"], "overlap_end": "2000-12"}}
    params = with_params(splices=splices)
    definitions = {
        "globe": region(source="ncep-air", box={"lat": [-90, 90], "lon": [-180, 180]}),
        "place": region(**entry),
    }
    with pytest.raises(ClimateError, match=message):
        check_definitions(definitions, params, ["ncep-air", "natural-earth", "ar6-regions"])


def test_required_sources_follow_mixes_and_splices() -> None:
    splices = {"co2": {"parts": ["old", {"source": "new"}], "overlap_end": "2000-12"}}
    params = with_params(splices=splices)
    definitions = {
        "chad": region(source="ncep-air", country="Chad"),
        "alps": region(source="ncep-air", ar6="MED"),
        "both": region(mix={"chad": 1.0, "alps": 2.0}),
        "air": region(splice="co2"),
    }
    assert required_sources("both", definitions, params) == ["ncep-air", "natural-earth", "ar6-regions"]
    assert required_sources("air", definitions, params) == ["old", "new"]


def test_a_baseline_or_overlap_that_reaches_past_the_first_origin_is_refused() -> None:
    check_no_lookahead(PARAMS, "1990-12")
    with pytest.raises(ClimateError, match=r"harmonize\.baseline ends in 1990-12, after the first origin 1990-11"):
        check_no_lookahead(PARAMS, "1990-11")
    splices = {"co2": {"parts": ["old", "new"], "overlap_end": "2004-12"}}
    params = with_params(splices=splices)
    check_no_lookahead(params, "2004-12")
    with pytest.raises(ClimateError, match=r"harmonize\.splices\.co2\.overlap_end ends in 2004-12"):
        check_no_lookahead(params, "2004-11")
    splices["co2"]["parts"] = [{"source": "old", "overlap_end": "1990-12"}, "new"]
    check_no_lookahead(with_params(splices=splices), "1990-12")


# Area weights


def test_cells_of_the_globe_add_up_to_the_sphere() -> None:
    whole = box_footprint(field(), box(-90, 90, -180, 180))
    assert whole.cells.size == LAT.size * LON.size
    assert whole.weights.sum() == pytest.approx(4 * np.pi, rel=1e-12)
    assert whole.share == pytest.approx(1.0, abs=1e-12)


@given(latitudes, latitudes, longitudes, longitudes)
@settings(max_examples=60)
def test_the_cells_of_a_box_add_up_to_its_area(lat1: float, lat2: float, west: float, east: float) -> None:
    south, north = sorted((lat1, lat2))
    if north - south < 1e-3 or abs((east - west) % 360) < 1e-3:
        return
    footprint = box_footprint(field(), box(south, north, west, east))
    width = np.deg2rad((east - west) % 360 or 360)
    expected = width * (np.sin(np.deg2rad(north)) - np.sin(np.deg2rad(south)))
    assert footprint.area == pytest.approx(expected, rel=1e-9)
    assert footprint.weights.sum() == pytest.approx(expected, rel=1e-9)


@given(latitudes, longitudes, st.floats(5, 350))
@settings(max_examples=40)
def test_four_quarters_of_a_box_make_the_box_across_the_date_line_too(middle: float, west: float, width: float) -> None:
    if not -85 < middle < 85:
        return
    east = (west + width + 180) % 360 - 180
    if abs((east - west) % 360) < 1:
        return
    whole = dense(box_footprint(field(), box(-90, 90, west, east)))
    centre = (west + width / 2 + 180) % 360 - 180
    parts = sum(
        dense(box_footprint(field(), box(*rows, *columns)))
        for rows in ((-90, middle), (middle, 90))
        for columns in ((west, centre), (centre, east))
    )
    np.testing.assert_allclose(parts, whole, atol=1e-12)


def test_a_cell_counts_by_the_share_of_it_that_lies_in_the_box() -> None:
    footprint = box_footprint(field(), box(0, 2, 10, 11))
    weights = dense(footprint).reshape(LAT.size, LON.size)
    assert np.count_nonzero(weights) == 2  # the rows centred on 0 and 2.5, the column centred on 10
    row, column = int(np.flatnonzero(LAT == 0)[0]), int(np.flatnonzero(LON == 10)[0])
    lower = np.deg2rad(1.0) * (np.sin(np.deg2rad(1.25)) - 0.0)
    assert weights[row, column] == pytest.approx(lower, rel=1e-12)


def test_a_cosine_weighted_mean_is_close_but_not_the_exact_one() -> None:
    values = np.broadcast_to(np.abs(LAT)[None, :, None], (1, LAT.size, LON.size)).copy()
    exact = weighted_means(field(values), {"globe": box_footprint(field(), box(-90, 90, -180, 180))}, 0.5)["globe"]
    # The mean of |latitude| over the sphere is 90 - 180/pi * ... = integral of phi cos(phi) = pi/2 - 1 radians.
    assert float(exact[0]) == pytest.approx(np.rad2deg(np.pi / 2 - 1), abs=0.02)


def country(mirror: Path, name: str) -> shapely.Geometry:
    countries = geopandas.read_file(mirror / "natural-earth" / "ne_110m_admin_0_countries.geojson")
    return countries.geometry[countries["NAME"] == name].iloc[0]


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("name", ["Russia", "Fiji", "Antarctica", "Germany", "Chile", "New Zealand"])
def test_country_weights_agree_with_regionmask_and_cover_the_country(mirror: Path, name: str) -> None:
    geometry = country(mirror, name)
    footprint = polygon_footprint(field(), geometry)
    assert footprint.weights.sum() == pytest.approx(footprint.area, rel=1e-9)
    fraction = regionmask.Regions([geometry]).mask_3D_frac_approx(LON, LAT, drop=False).values[0]
    whole = dense(box_footprint(field(), box(-90, 90, -180, 180))).reshape(LAT.size, LON.size)
    ours = dense(footprint).reshape(LAT.size, LON.size)
    # regionmask asks 10 x 10 points per cell, evenly in degrees, whether they lie inside: good to a tenth of a cell.
    assert np.abs(fraction - ours / whole).max() < 0.1
    assert (fraction * whole).sum() == pytest.approx(ours.sum(), rel=0.015)


@pytest.mark.parametrize(("name", "area"), [("Germany", 357_600), ("India", 3_287_000), ("Brazil", 8_516_000)])
def test_country_areas_are_the_published_ones(mirror: Path, name: str, area: float) -> None:
    # Areas in km2 of the UN Statistical Yearbook; outlines at 1:110 million are a few percent off.
    assert polygon_footprint(field(), country(mirror, name)).area * 6371**2 == pytest.approx(area, rel=0.06)


def test_a_polygon_given_in_another_turn_of_longitude_is_the_same() -> None:
    here = polygon_footprint(field(), shapely.box(170, -10, 190, 10))
    there = polygon_footprint(field(), shapely.box(-190, -10, -170, 10))
    np.testing.assert_allclose(dense(here), dense(there), atol=1e-14)
    np.testing.assert_allclose(dense(here), dense(box_footprint(field(), box(-10, 10, 170, -170))), atol=1e-12)


def unit_vectors(lat: Any, lon: Any) -> np.ndarray:
    phi, theta = np.broadcast_arrays(np.deg2rad(lat), np.deg2rad(lon))
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)


@example(lat=13.748046875, lon=1.0)  # nearer in latitude to one row, and on the sphere to the other
@given(lat=st.floats(-89, 89), lon=longitudes)
@settings(max_examples=60)
def test_bilinear_points_reproduce_a_plane_and_nearest_points_the_closest_cell(lat: float, lon: float) -> None:
    if not -177 < lon < 177:
        return
    plane = np.broadcast_to(2 * LAT[:, None] + 0.5 * LON[None, :], (1, LAT.size, LON.size)).copy()
    point = Point(lat=lat, lon=lon, method="bilinear")
    mean = weighted_means(field(plane), {"p": point_footprint(field(), point)}, 0.5)["p"]
    assert float(mean[0]) == pytest.approx(2 * lat + 0.5 * lon, abs=1e-9)
    near = point_footprint(field(), Point(lat=lat, lon=lon)).cells[0]
    cosine = (unit_vectors(LAT[:, None], LON[None, :]) * unit_vectors(lat, lon)).sum(axis=-1).ravel()
    assert cosine[near] == pytest.approx(cosine.max(), abs=1e-12)  # of the great circle to each cell


def test_points_at_the_date_line_and_the_pole_use_cells_on_both_sides() -> None:
    values = np.zeros((1, LAT.size, LON.size))
    values[0, :, 0], values[0, :, -1] = 1.0, 3.0  # the columns centred on 180 W and 177.5 E
    between = point_footprint(field(), Point(lat=0, lon=178.75, method="bilinear"))
    assert float(weighted_means(field(values), {"p": between}, 0.5)["p"][0]) == pytest.approx(2.0)
    assert point_footprint(field(), Point(lat=90, lon=33)).cells.size == 1
    assert point_footprint(field(), Point(lat=90, lon=33, method="bilinear")).weights.sum() == pytest.approx(1.0)


def test_a_point_outside_a_regional_grid_is_refused() -> None:
    small = field(lat=np.array([0.0, 1.0, 2.0]), lon=np.array([10.0, 11.0]))
    with pytest.raises(ClimateError, match="outside the grid"):
        point_footprint(small, Point(lat=5, lon=10))
    with pytest.raises(ClimateError, match="outside the grid"):
        point_footprint(small, Point(lat=1, lon=30))


# Means


def test_missing_cells_leave_the_mean_of_the_others_until_too_few_are_left() -> None:
    values = np.full((3, LAT.size, LON.size), 4.0)
    values[1, LAT > 30] = np.nan  # a quarter of the globe
    values[2, LAT > -30] = np.nan  # three quarters
    whole = {"globe": box_footprint(field(), box(-90, 90, -180, 180))}
    means = weighted_means(field(values, count=3), whole, 0.5)["globe"].values
    np.testing.assert_array_equal(np.isfinite(means), [True, True, False])
    assert means[1] == pytest.approx(4.0)
    assert np.isfinite(weighted_means(field(values, count=3), whole, 0.2)["globe"].values).all()


def test_a_region_that_the_grid_covers_in_part_has_that_share() -> None:
    half = field(lat=np.arange(1.25, 90, 2.5))
    footprint = box_footprint(half, box(-90, 90, -180, 180))
    assert footprint.share == pytest.approx(0.5, rel=1e-9)
    assert not np.isfinite(weighted_means(half, {"globe": footprint}, 0.6)["globe"].values).any()


def test_a_region_keeps_its_bits_when_regions_or_months_are_added() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(250, LAT.size, LON.size)).astype(np.float32)
    boxes = {
        "globe": box_footprint(field(), box(-90, 90, -180, 180)),
        "tropics": box_footprint(field(), box(-23.5, 23.5, -180, 180)),
        "nino34": box_footprint(field(), box(-5, 5, -170, -120)),
    }
    together = weighted_means(field(values, count=250), boxes, 0.5)
    for name, footprint in boxes.items():
        alone = weighted_means(field(values[:131], count=131), {name: footprint}, 0.5)[name]
        np.testing.assert_array_equal(alone.values, together[name].values[:131])
        naive = values[:, *np.unravel_index(footprint.cells, (LAT.size, LON.size))].astype(float) @ footprint.weights
        np.testing.assert_allclose(together[name].values, naive / footprint.weights.sum(), rtol=1e-9, atol=1e-12)


def test_a_region_without_cells_or_values_is_named() -> None:
    lat, lon = np.arange(0.0, 5.0), np.arange(0.0, 5.0)
    full = grid(np.full((24, 5, 5), 1.0), months("1961-01", 24), lat, lon)
    with pytest.raises(ClimateError, match="region 'far': source 'g' does not cover it"):
        grid_series(full, "g", {"far": region(source="g", box={"lat": [50, 60], "lon": [0, 1]})}, {}, PARAMS)
    empty = full.assign(value=full["value"] * np.nan)
    with pytest.raises(ClimateError, match="region 'here': source 'g' has no month with values on 50% of its area"):
        grid_series(empty, "g", {"here": region(source="g", box={"lat": [0, 3], "lon": [0, 3]})}, {}, PARAMS)


def test_countries_are_found_by_name_or_key_and_otherwise_near_names_are_told() -> None:
    shapes = geopandas.GeoDataFrame(
        {"name": ["Germany", "Ghana"], "key": ["DEU", "GHA"]},
        geometry=[shapely.box(5, 47, 15, 55), shapely.box(-3, 5, 1, 11)],
    )
    assert polygon(shapes, "germany", "x").equals(polygon(shapes, "DEU", "x"))
    with pytest.raises(ClimateError, match="region 'x': unknown name 'Germny', expected one such as Germany"):
        polygon(shapes, "Germny", "region 'x'")


# Published series and mixes


def test_published_series_are_chosen_by_name() -> None:
    time = months("1990-01", 24)
    record = table(time, {"Kenya": seasonal(24, 1), "France": seasonal(24, 2)})
    found = published_series(record, "towns", "Kenya", PARAMS.missing)
    np.testing.assert_array_equal(found["value"], record["value"][0])
    assert set(found["source"].values) == {"towns"}


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ("Keny", "source 'towns': unknown series 'Keny', expected one such as Kenya"),
        (None, "has 2 series, name one of them"),
        ("Kenya", "series 'Kenya': found 1990-05 after 1990-05, expected every month once"),
        ("Antarctica", "series 'Antarctica': found no value"),
    ],
)
def test_a_series_that_is_absent_empty_or_out_of_order_is_named(series: str | None, message: str) -> None:
    time = months("1990-01", 24)
    time[5] = time[4]
    record = table(time, {"Antarctica": np.full(24, np.nan), "Kenya": seasonal(24, 1)})
    with pytest.raises(ClimateError, match=message):
        published_series(record, "towns", series, PARAMS.missing)


def test_gaps_stay_gaps_on_the_month_axis() -> None:
    value = seasonal(24, 3)
    value[[4, 5, 6]] = np.nan
    keep = np.arange(24) != 10  # and one month has no row at all
    record = table(months("1990-01", 24)[keep], {"Kenya": value[keep]})
    found = published_series(record, "towns", "Kenya", PARAMS.missing)
    assert found.sizes["time"] == 24
    assert np.flatnonzero(np.isnan(found["value"].values)).tolist() == [4, 5, 6, 10]
    assert found["source"].values[10] == ""


def test_weekly_values_become_monthly_means_only_of_complete_months() -> None:
    time = (np.datetime64("2000-01-02") + 7 * np.arange(20)).astype("datetime64[s]")
    value = np.arange(20.0)
    value[6] = value[7] = np.nan  # two weeks of February
    record = table(time, {"co2": value}, cadence="weekly", quantity="co2", units="ppm")
    found = published_series(record, "weekly", "co2", PARAMS.missing)
    assert float(found["value"].sel(time="2000-01-01")) == pytest.approx(np.arange(5).mean())
    assert np.isnan(float(found["value"].sel(time="2000-02-01")))
    assert str(found["time"].values[-1])[:7] == "2000-04"  # of May only two of four weeks are there


@pytest.mark.parametrize(("name", "held"), [("wmo-5/3", [1]), ("wmo-11/5", [1, 2, 4])])
def test_daily_values_become_monthly_means_under_the_rule_that_is_named(name: str, held: list[int]) -> None:
    time = (np.datetime64("2001-01-01") + np.arange(120)).astype("datetime64[s]")
    value = np.arange(120.0)
    value[[3, 9, 15, 21, 27]] = np.nan  # five days of January, none beside another
    value[31 + 10 : 31 + 14] = np.nan  # four days of February in a row
    value[59 + 10 : 59 + 15] = np.nan  # five days of March in a row
    value[90:114:4] = np.nan  # six days of April, none beside another
    record = table(time, {"t": value}, cadence="daily")
    found = published_series(record, "daily", "t", MissingParams.model_validate({"daily": name}))["value"]
    by_month = dict(zip(found["time"].values.astype("datetime64[M]").astype(str), found.values, strict=True))
    assert [month for month in (1, 2, 3, 4) if np.isfinite(by_month.get(f"2001-0{month}", np.nan))] == held
    assert by_month["2001-01"] == pytest.approx(np.nanmean(value[:31]))


def test_a_mix_is_the_weighted_mean_where_all_have_values() -> None:
    attrs = {"units": "degC", "quantity": "temperature", "kind": "anomaly", "baseline": "1961-1990", "sources": "a"}
    one = make_series(months("2000-01", 12), np.arange(12.0), attrs, uncertainty=np.full(12, 0.3))
    two = make_series(months("2000-04", 12), np.full(12, 6.0), attrs | {"sources": "b"}, uncertainty=np.full(12, 0.1))
    both = mix("x", {"one": 3.0, "two": 1.0}, {"one": one, "two": two})
    np.testing.assert_allclose(both["value"], (3 * np.arange(3.0, 12.0) + 6) / 4)
    np.testing.assert_allclose(both["uncertainty"], 0.25)
    assert both.attrs["sources"] == "a,b"


# The reanalysis grid


@pytest.fixture(scope="module")
def reanalysis() -> xr.Dataset:
    return pulled("ncep-air")


def test_nino34_of_the_grid_knows_its_great_events(reanalysis: xr.Dataset) -> None:
    definitions = {
        "nino34": region(source="ncep-air", box={"lat": [-5, 5], "lon": [-170, -120]}),
        "globe": region(source="ncep-air", box={"lat": [-90, 90], "lon": [-180, 180]}),
    }
    made = harmonize({"ncep-air": reanalysis}, definitions, PARAMS)
    index = made.series["nino34"]["value"].to_series()
    winters = {year: float(index[f"{year}-11" : f"{year + 1}-02"].mean()) for year in range(1950, 2019)}
    largest = sorted(winters, key=lambda year: -winters[year])[:3]
    assert set(largest) == {1982, 1997, 2015}  # NOAA CPC's three very strong El Ninos of 1950-2018
    assert winters[2009] > 1.0  # El Nino of 2009/10, then La Nina of 2010/11
    assert winters[2010] < -1.0
    globe = made.series["globe"]
    assert globe.attrs["cells"] == 10512
    assert float(globe["climatology"].mean()) == pytest.approx(14.0, abs=1.0)  # Jones et al. 1999: 14.0 degC, 1961-90
    assert float(globe["value"].sel(time=slice("2011", "2020")).mean()) == pytest.approx(0.7, abs=0.25)


def test_all_58_regions_of_ar6_have_cells_and_no_gap(reanalysis: xr.Dataset) -> None:
    shapes = {"ar6-regions": read_shapes(find_source("ar6-regions"), pulled_folder("ar6-regions"))}
    assert len(shapes["ar6-regions"]) == 58
    definitions = {key.lower(): region(source="ncep-air", ar6=key) for key in shapes["ar6-regions"]["key"]}
    last = reanalysis.isel(time=slice(-24, None))
    made = grid_series(last, "ncep-air", definitions, shapes, PARAMS)
    assert min(one.attrs["cells"] for one in made.values()) >= 22
    assert all(np.isfinite(one["value"].values).all() for one in made.values())
    # One cell may lie in several regions; together they are the globe's land and oceans once.
    total = sum(polygon_footprint(reanalysis["value"], one).area for one in shapes["ar6-regions"].geometry)
    assert total == pytest.approx(4 * np.pi, rel=0.01)


def test_a_country_of_the_grid_carries_the_declared_periods(reanalysis: xr.Dataset) -> None:
    shapes = geopandas.GeoDataFrame({"name": ["Square"], "key": ["SQ"]}, geometry=[shapely.box(5, 47, 15, 55)])
    periods = {"ncep-air": find_source("ncep-air").periods}
    made = harmonize(
        {"ncep-air": reanalysis},
        {"square": region(source="ncep-air", country="square")},
        PARAMS,
        shapes={"natural-earth": shapes},
        periods=periods,
    )
    found = made.series["square"]["period"].to_series()
    assert found["1957-12-01"] != found["1958-01-01"]
    assert found["1978-12-01"] != found["1979-01-01"]
    assert found["1979-01-01"] == found.iloc[-1] != ""
