"""Polygons of countries and regions: shapefiles (loose or zipped) and GeoJSON."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas

from climate.errors import ClimateError
from climate.sources.archive import check_members
from climate.sources.catalogue import Source

NO_CODE = "-99"
"""What Natural Earth writes where a country has no ISO 3166 code of its own."""

NATURAL_EARTH_CODES = {"Norway": "NOR", "France": "FRA", "N. Cyprus": "CYN", "Somaliland": "SOL", "Kosovo": "KOS"}
"""Natural Earth's own column ADM0_A3 for the countries that its ISO_A3 leaves without a code."""

LONGITUDE_LATITUDE = "EPSG:4326"


def read_shapes(folder: Path, source: Source) -> geopandas.GeoDataFrame:
    """One row per polygon: `name`, `key` and `geometry` in longitude and latitude.

    options.file, options.name and options.key name the file and its two columns. ClimateError when a column is absent,
    a name or key stands twice, a geometry is empty, or the file cannot be read.
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
    return shapes if shapes.crs is None else shapes.to_crs(LONGITUDE_LATITUDE)
