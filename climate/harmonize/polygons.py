"""Polygons of countries and regions: found by name, split into distant parts, measured."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from climate.errors import ClimateError
from climate.harmonize.country_names import AMBIGUOUS, NAMES
from climate.harmonize.grid import EDGE_DEGREES, equal_area
from climate.params.regions import RegionDefinition

if TYPE_CHECKING:
    import geopandas

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth: Moritz, H. (2000): Geodetic Reference System 1980. Journal of Geodesy 74, 128-133."""

DISTANT_KM = 500.0
"""Gap that makes polygons separate parts. At 1:110 million the islands of Indonesia are up to 275 km apart and those of
New Zealand 35 km; Svalbard is 680 km from Norway and Alaska 820 km from the other states."""

SIMILARITY = 0.7
"""Ratio of difflib from which a name is suggested."""

APOSTROPHES_AND_DOTS = "'\u2018\u2019\u02bc`\u00b4."


def plain(name: str) -> str:
    """`name` without accents, case, punctuation and a leading article: what names are compared by."""
    decomposed = unicodedata.normalize("NFKD", name.translate(dict.fromkeys(map(ord, APOSTROPHES_AND_DOTS))))
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    words = "".join(letter if letter.isalnum() else " " for letter in letters.replace("&", " and ")).split()
    return " ".join(words[1:] if words[:1] == ["the"] else words)


CODES = {plain(name): code for code, names in NAMES.items() for name in (code, *names)}
"""Plain name or code -> ISO 3166-1 alpha-3 code."""


def _codes(table: geopandas.GeoDataFrame) -> list[str | None]:
    """Country code of each polygon: its key where the table's keys are such codes, otherwise by its name."""
    keys, names = list(table["key"]), list(table["name"])
    coded = 2 * sum(key in NAMES for key in keys) > len(keys)
    return [key if coded and key in NAMES else CODES.get(plain(name)) for key, name in zip(keys, names, strict=True)]


def polygon(table: geopandas.GeoDataFrame, wanted: str, what: str, country: bool = True) -> Any:
    """The geometry whose name or key is `wanted`, whatever the case, accents or form of Unicode.

    With `country`, other names of countries and their ISO codes are known too. Raises ClimateError, with near names,
    for an unknown name, and for one that several countries are called by.
    """
    text = plain(wanted)
    codes = _codes(table) if country else []
    meant = {code: name for name, code in zip(table["name"], codes, strict=False) if code in AMBIGUOUS.get(text, ())}
    if len(meant) > 1:
        may_be = " or ".join(f"{name} ({code})" for code, name in meant.items())
        raise ClimateError(f"{what}: '{wanted}' may be {may_be}; write the code of one of them")
    for candidates in (
        table["name"].str.casefold() == wanted.casefold(),
        table["key"].str.casefold() == wanted.casefold(),
        table["name"].map(plain) == text,
        np.array([code is not None and code == CODES.get(text) for code in codes], dtype=bool),
    ):
        if len(candidates) and candidates.any():
            return table.geometry[candidates].iloc[0]
    raise ClimateError(f"{what}: unknown name '{wanted}', {_advice(table, text, country)}")


def _advice(table: geopandas.GeoDataFrame, text: str, country: bool) -> str:
    if country and text in CODES and len(text) > 2:
        return f"a country of which these {len(table)} polygons have none; take a box or other `shapes`"
    written = {plain(name): name for name in table["name"]}
    if country:
        by_code = {code: name for code, name in zip(_codes(table), table["name"], strict=True) if code}
        written |= {name: by_code[code] for name, code in CODES.items() if code in by_code and len(name) > 3}
    elif len(text) <= 3:
        written |= {plain(key): key for key in table["key"]}
    near = dict.fromkeys(written[name] for name in get_close_matches(text, written, n=6, cutoff=SIMILARITY))
    if near:
        return f"expected one such as {', '.join(list(near)[:3])}"
    return "and none is near; `climate regions polygons` lists all"


def region_polygon(definition: RegionDefinition, table: geopandas.GeoDataFrame, what: str) -> Any:
    """The geometry of a country or AR6 region, its largest polygon alone for `part: mainland`."""
    wanted = str(definition.country or definition.ar6)
    whole = polygon(table, wanted, what, country=definition.country is not None)
    return mainland(whole) if definition.part == "mainland" else whole


def area(geometry: Any) -> float:
    """Area on the sphere (steradian)."""
    return float(shapely.make_valid(shapely.transform(shapely.segmentize(geometry, EDGE_DEGREES), equal_area)).area)


def mainland(geometry: Any) -> Any:
    """The largest polygon."""
    return max(_joined(geometry), key=area)


def _joined(geometry: Any) -> list[Any]:
    """The polygons, those that a cut along the date line has separated joined again beyond 180 degrees."""
    pieces = list(shapely.get_parts(geometry))
    west, _, east, _ = geometry.bounds
    if len(pieces) == 1 or west > -180 or east < 180:
        return pieces
    turned = [shapely.transform(piece, _eastern) if piece.bounds[2] <= 0 else piece for piece in pieces]
    return list(shapely.get_parts(shapely.union_all(turned)))


def _eastern(degrees: Any) -> Any:
    return degrees + np.array([360.0, 0.0])


@dataclass(frozen=True)
class Part:
    """Polygons of a region that lie together, with gaps of at most DISTANT_KM."""

    share: float
    """Of the region's area, 0..1."""
    lat: float
    lon: float
    """Centre of its largest polygon (degrees; -180 to 180)."""
    distance_km: float
    """Least distance from the first part."""


def parts(geometry: Any) -> list[Part]:
    """The parts of a region that gaps of more than DISTANT_KM separate, the largest first."""
    pieces = sorted(_joined(geometry), key=area, reverse=True)
    sizes = np.array([area(piece) for piece in pieces])
    points = [_on_sphere(piece) for piece in pieces]
    groups: list[list[int]] = []
    free = list(range(len(pieces)))
    while free:
        group, fresh = [], [free.pop(0)]
        while fresh:
            group += fresh
            tree = KDTree(np.concatenate([points[piece] for piece in fresh]))
            fresh = [piece for piece in free if _kilometres(tree.query(points[piece])[0].min()) <= DISTANT_KM]
            free = [piece for piece in free if piece not in fresh]
        groups.append(group)
    groups.sort(key=lambda group: -sizes[group].sum())
    home = KDTree(np.concatenate([points[piece] for piece in groups[0]]))
    result = []
    for group in groups:
        centre = pieces[min(group)].centroid
        away = min(home.query(points[piece])[0].min() for piece in group)
        share = float(sizes[group].sum() / sizes.sum())
        result.append(Part(share, centre.y, (centre.x + 180) % 360 - 180, _kilometres(away)))
    return result


def _on_sphere(geometry: Any) -> NDArray[np.float64]:
    """Points of the outline (point, 3) on the unit sphere."""
    lon, lat = np.deg2rad(shapely.get_coordinates(shapely.segmentize(geometry, EDGE_DEGREES))).T
    return np.column_stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)))


def _kilometres(chord: float) -> float:
    """Distance on the sphere of two points whose chord on the unit sphere is given."""
    return float(2 * EARTH_RADIUS_KM * np.arcsin(min(chord / 2, 1.0)))


def extent(geometry: Any) -> tuple[float, float, float, float]:
    """South, north, west and east edge (degrees): the shortest stretch of longitude, eastward from west to east.

    East is above 180 where the region lies across the date line.
    """
    bounds = shapely.bounds(shapely.get_parts(geometry))
    south, north = float(bounds[:, 1].min()), float(bounds[:, 3].max())
    starts, widths = (bounds[:, 0] + 180) % 360 - 180, bounds[:, 2] - bounds[:, 0]
    spans = ((starts[None, :] - starts[:, None]) % 360 + widths[None, :]).max(axis=1)
    shortest = int(np.argmin(spans))
    if spans[shortest] >= 360:
        return south, north, -180.0, 180.0
    return south, north, float(starts[shortest]), float(starts[shortest] + spans[shortest])
