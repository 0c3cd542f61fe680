"""Where a region is, and which distant parts it has, in words."""

from __future__ import annotations

import geopandas

from climate import paths
from climate.commands.coverage_text import degrees
from climate.errors import ClimateError
from climate.harmonize.polygons import EARTH_RADIUS_KM, Part, area, extent, mainland, parts, region_polygon
from climate.params.regions import DEFAULT_SHAPES, RegionDefinition
from climate.sources.catalogue import find_source
from climate.sources.provenance import PROVENANCE
from climate.sources.readers.registry import read_shapes


def extent_lines(name: str, definition: RegionDefinition) -> list[str]:
    """Extent of a box, country or AR6 region, and of polygons the area and `parts_lines`.

    [] for other regions, and before their polygons are pulled.
    """
    if definition.box is not None:
        (south, north), (west, east) = definition.box.lat, definition.box.lon
        return [_extent(south, north, west, east if east > west else east + 360)]
    table = _table(definition)
    if table is None:
        return []
    used = region_polygon(definition, table, _what(name, definition))
    measured = f"{_extent(*extent(used))}; {area(used) * EARTH_RADIUS_KM**2:,.0f} km2"
    return [measured, *_parts_lines(name, definition, table)]


def parts_lines(name: str, definition: RegionDefinition) -> list[str]:
    """Distant parts of a country or AR6 region, and how to leave them out; [] if it has none."""
    table = _table(definition)
    return [] if table is None else _parts_lines(name, definition, table)


def _parts_lines(name: str, definition: RegionDefinition, table: geopandas.GeoDataFrame) -> list[str]:
    whole = region_polygon(definition.model_copy(update={"part": None}), table, _what(name, definition))
    pieces, largest = parts(whole), area(mainland(whole)) / area(whole)
    words = [_part(piece) for piece in pieces[1:]]
    if definition.part is not None:
        lines = [f"The largest polygon alone, {largest:.1%} of the area; {1 - largest:.1%} is left out"]
        return lines + [f"Left out: {word}" for word in words]
    if not words:
        return []
    return [
        *(f"Includes a separate part: {word}" for word in words),
        f"`part: mainland` takes the largest polygon alone, {largest:.1%} of the area; a box takes any other extent",
    ]


def polygon_names(key: str) -> str:
    """Key and name of every polygon of source `key`, one a line."""
    if find_source(key).kind != "shapes":
        usual = " or ".join(DEFAULT_SHAPES.values())
        raise ClimateError(f"source '{key}' has no polygons; expected one of kind shapes such as {usual}")
    if not is_pulled(key):
        raise ClimateError(f"source '{key}' is not in data/ yet; put it under pull.sources and run `dvc repro`")
    table = read_shapes(find_source(key), paths.DATA / key).sort_values("name")
    return "\n".join(f"{code}  {name}" for code, name in zip(table["key"], table["name"], strict=True))


def is_pulled(key: str) -> bool:
    """Whether a source is in data/."""
    return (paths.DATA / key / PROVENANCE).is_file()


def _table(definition: RegionDefinition) -> geopandas.GeoDataFrame | None:
    key = definition.polygons
    return read_shapes(find_source(key), paths.DATA / key) if key is not None and is_pulled(key) else None


def _what(name: str, definition: RegionDefinition) -> str:
    return f"region '{name}', shapes '{definition.polygons}'"


def _extent(south: float, north: float, west: float, east: float) -> str:
    lat = f"{_degrees(south, 'N', 'S')} to {_degrees(north, 'N', 'S')}"
    if east - west >= 360:
        return f"Extent: {lat}, all longitudes"
    crosses = any(west < line < east for line in (-180, 180))
    return f"Extent: {lat}, {_meridian(west)} eastward to {_meridian(east)}" + (", across the date line" * crosses)


def _meridian(lon: float) -> str:
    turned = (round(lon, 1) + 180) % 360 - 180
    return "180" if turned == -180 else _degrees(turned, "E", "W")


def _degrees(value: float, positive: str, negative: str) -> str:
    return degrees(round(value, 1), positive, negative)


def _part(part: Part) -> str:
    where = f"{_degrees(part.lat, 'N', 'S')}, {_meridian(part.lon)}"
    return f"{part.share:.1%} of the area, around {where}, {part.distance_km:,.0f} km away"
