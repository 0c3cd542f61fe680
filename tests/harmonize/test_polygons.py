"""Polygons found by the many names of a country, their distant parts and their extent."""

from __future__ import annotations

import unicodedata

import geopandas
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.harmonize.polygons import extent, mainland, parts, polygon
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read_shapes
from tests.reader_samples import pulled_folder


@pytest.fixture(scope="module")
def countries() -> geopandas.GeoDataFrame:
    return read_shapes(find_source("natural-earth"), pulled_folder("natural-earth"))


def country(table: geopandas.GeoDataFrame, key: str) -> shapely.Geometry:
    return table.geometry[table["key"] == key].iloc[0]


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("CIV", ["C\u00f4te d'Ivoire", "Co\u0302te d\u2019Ivoire", "COTE D'IVOIRE", "Ivory Coast", "CI", "civ"]),
        ("SWZ", ["Swaziland", "eSwatini", "Eswatini"]),
        ("GBR", ["UK", "U.K.", "Great Britain", "Britain", "GB", "the United Kingdom"]),
        ("TUR", ["T\u00fcrkiye", "Turkiye", "Turkey", "TR"]),
        ("COD", ["DRC", "Congo-Kinshasa", "Democratic Republic of the Congo", "Dem. Rep. Congo", "Zaire", "CD"]),
        ("COG", ["Republic of the Congo", "Congo-Brazzaville", "CG"]),
        ("USA", ["USA", "US", "U.S.", "United States", "United States of America"]),
        ("CZE", ["Czechia", "Czech Republic"]),
        ("MMR", ["Burma", "Myanmar"]),
        ("NLD", ["Holland", "The Netherlands"]),
        ("KOR", ["South Korea", "Republic of Korea"]),
        ("PRK", ["North Korea"]),
        ("TLS", ["East Timor", "Timor-Leste"]),
        ("MKD", ["Macedonia", "North Macedonia"]),
        ("RUS", ["Russian Federation", "Russia"]),
        ("NOR", ["NO", "Norway"]),
    ],
)
def test_a_country_is_found_by_all_its_names(key: str, names: list[str], countries: geopandas.GeoDataFrame) -> None:
    for name in names:
        for form in ("NFC", "NFD"):
            assert polygon(countries, unicodedata.normalize(form, name), "x").equals(country(countries, key)), name


def test_every_country_is_found_by_name_and_key(countries: geopandas.GeoDataFrame) -> None:
    ambiguous = {"Congo"}
    for name, key, geometry in zip(countries["name"], countries["key"], countries.geometry, strict=True):
        assert polygon(countries, key, "x").equals(geometry)
        if name not in ambiguous:
            assert polygon(countries, name, "x").equals(geometry)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Congo", r"may be Dem. Rep. Congo \(COD\) or Congo \(COG\)"),
        ("Germny", "expected one such as Germany"),
        ("Atlantis", "none is near"),
        ("Malta", "a country of which these 177 polygons have none"),
    ],
)
def test_other_names_are_answered_helpfully(name: str, message: str, countries: geopandas.GeoDataFrame) -> None:
    with pytest.raises(ClimateError, match=f"x: .*{message}") as refused:
        polygon(countries, name, "x")
    assert "Afghanistan" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "shares"),
    [
        ("FRA", [0.867, 0.133]),
        ("NOR", [0.827, 0.173]),
        ("USA", [0.840, 0.158, 0.002]),
        ("MYS", [0.602, 0.398]),
        *((key, [1.0]) for key in ("NLD", "ESP", "PRT", "CHL", "DNK", "IDN", "NZL", "PHL", "FJI", "JPN")),
    ],
)
def test_distant_parts_are_told_and_archipelagos_are_one(
    key: str, shares: list[float], countries: geopandas.GeoDataFrame
) -> None:
    found = parts(country(countries, key))
    assert [part.share for part in found] == pytest.approx(shares, abs=0.001)


def test_the_mainland_of_france_leaves_guiana_out(countries: geopandas.GeoDataFrame) -> None:
    west, south, east, north = mainland(country(countries, "FRA")).bounds
    assert (west, south) > (-6, 42)
    assert (east, north) < (9, 52)


@given(st.floats(-180, 179), st.floats(1, 300))
def test_the_extent_is_the_shortest_stretch_eastward(west: float, width: float) -> None:
    pieces = shapely.MultiPolygon(
        [shapely.box(west, 0, west + width / 2, 9), shapely.box(west + width / 2, 0, west + width, 9)]
    )
    south, north, start, end = extent(pieces)
    assert (south, north) == (0, 9)
    assert end - start == pytest.approx(width)
    assert (start - west) % 360 == pytest.approx(0, abs=1e-6) or (start - west) % 360 == pytest.approx(360)


@pytest.mark.parametrize("key", ["RUS", "FJI"])
def test_countries_at_the_date_line_have_a_short_extent(key: str, countries: geopandas.GeoDataFrame) -> None:
    _, _, west, east = extent(country(countries, key))
    assert west < 180 < east
    assert east - west < 180
