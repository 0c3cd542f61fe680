"""Polygons of countries and regions: shapefiles (loose or zipped) and GeoJSON."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas
import numpy as np
import shapely

from climate.errors import ClimateError
from climate.sources.archive import check_members
from climate.sources.catalogue import Source

NO_CODE = "-99"
"""What Natural Earth writes where a country has no ISO 3166 code of its own."""

NATURAL_EARTH_CODES = {"Norway": "NOR", "France": "FRA", "N. Cyprus": "CYN", "Somaliland": "SOL", "Kosovo": "KOS"}
"""Natural Earth's own column ADM0_A3 for the countries that its ISO_A3 leaves without a code."""

LONGITUDE_LATITUDE = "EPSG:4326"

MAX_TURNS_EAST = 540.0
"""Degrees of longitude that a polygon may reach: one and a half turns, so that it may lie across any meridian."""

SAME_AREA = 1e-6
"""Relative difference of area up to which an invalid polygon only touches itself."""


def read_shapes(folder: Path, source: Source) -> geopandas.GeoDataFrame:
    """One row per polygon: `name`, `key` and `geometry` in longitude and latitude.

    options.file, options.name and options.key name the file and its two columns. ClimateError when a column is absent,
    a name or key stands twice, a geometry is empty, beyond the poles, crosses itself or may be meant to cross the date
    line, or the file cannot be read.
    """
    name = str(source.options.get("file", source.files[0].name))
    path = folder / name
    if not path.is_file():
        raise ClimateError(
            f"{name}: found nothing in {folder.name}/, expected a file of polygons; pull the source first"
        )
    if path.suffix == ".zip":
        check_members(path)
        if not zipfile.is_zipfile(path):
            raise ClimateError(f"{name}: found no zip, expected a zipped shapefile; get it again")
    try:
        table = geopandas.read_file(path)
    except Exception as error:  # the drivers below raise their own kinds
        reason = " ".join(str(error).split())[:100]
        raise ClimateError(f"{name}: cannot be read ({reason}), expected polygons; get the file again") from None
    columns = {column: str(source.options[column]) for column in ("name", "key")}
    for wanted in columns.values():
        if wanted not in table:
            raise ClimateError(f"{name}: found the columns {', '.join(table.columns)}, expected '{wanted}' among them")
    shapes = geopandas.GeoDataFrame(
        {column: table[wanted].astype(str) for column, wanted in columns.items()},
        geometry=table.geometry,
        crs=table.crs,
    )
    uncoded = shapes["key"] == NO_CODE
    shapes.loc[uncoded, "key"] = (
        shapes.loc[uncoded, "name"].map(NATURAL_EARTH_CODES).fillna(shapes.loc[uncoded, "name"])
    )
    for column in columns:
        twice = shapes[column][shapes[column].duplicated()]
        if len(twice):
            raise ClimateError(f"{name}: found {column} '{twice.iloc[0]}' twice, expected each once; correct the file")
    if shapes.geometry.isna().any() or shapes.geometry.is_empty.any():
        bad = shapes["name"][shapes.geometry.isna() | shapes.geometry.is_empty].iloc[0]
        raise ClimateError(f"{name}: found no polygon for '{bad}', expected one; correct the file")
    if shapes.crs is not None:
        shapes = shapes.to_crs(LONGITUDE_LATITUDE)
    for wanted, geometry in zip(shapes["name"], shapes.geometry, strict=True):
        _check_outline(geometry, f"{name}: polygon '{wanted}'")
    return shapes


def _check_outline(geometry: shapely.Geometry, what: str) -> None:
    west, south, east, north = geometry.bounds
    if south < -90 or north > 90:
        raise ClimateError(
            f"{what}: found latitudes {south:g} to {north:g}, expected -90 to 90; give longitude first, or the file's "
            "coordinate reference system"
        )
    if west < -MAX_TURNS_EAST or east > MAX_TURNS_EAST:
        raise ClimateError(
            f"{what}: found longitudes {west:g} to {east:g}, expected degrees; give the file's coordinate reference "
            "system"
        )
    for ring in shapely.get_rings(geometry):
        longitude = shapely.get_coordinates(ring)[:, 0]
        steps = np.abs(np.diff(longitude))
        # a step of a whole turn is the edge of a polygon that goes round the Earth
        if ((steps > 180) & (steps < 360)).any():
            at = int(np.argmax((steps > 180) & (steps < 360)))
            raise ClimateError(
                f"{what}: found neighbouring points at longitudes {longitude[at]:g} and {longitude[at + 1]:g}, which "
                "may be meant to cross the date line or to go round the Earth; continue past 180 (such as 185 for "
                "-175) for the first, put a point between them for the second"
            )
    if not geometry.is_valid:
        enclosed = shapely.make_valid(geometry).area
        if abs(enclosed - geometry.area) > SAME_AREA * enclosed:
            reason = shapely.is_valid_reason(geometry)
            raise ClimateError(
                f"{what}: found an outline that crosses itself ({reason}), expected one whose inside is certain; "
                "correct it"
            )
