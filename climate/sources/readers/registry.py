"""From a catalogue entry to its reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas
import xarray as xr

from climate.errors import ClimateError
from climate.sources.catalogue import Source
from climate.sources.readers import (
    berkeley,
    climate_pulse,
    cpc_oni,
    csv_series,
    giss_tau,
    gistemp,
    hadcrut,
    ice_core,
    igcc,
    kaggle,
    ncei_pdo,
    noaa_gml,
    noaa_mbl,
    noaa_ncei,
    psl,
    rcmip,
    scripps,
    shapes,
)
from climate.sources.readers.grid import opening

Reader = Callable[[Path, Source], xr.Dataset]

READERS: dict[str, Reader] = {
    "antarctic_ice_cores": ice_core.read,
    "berkeley": berkeley.read,
    "climate_pulse": climate_pulse.read,
    "cpc_oni": cpc_oni.read,
    "cpc_roni": cpc_oni.read_relative,
    "csv_series": csv_series.read,
    "giss_tau": giss_tau.read,
    "gistemp": gistemp.read,
    "hadcrut": hadcrut.read,
    "hadsst": hadcrut.read_sst,
    "igcc": igcc.read,
    "kaggle_co2": kaggle.read_ucsd,
    "kaggle_temperatures": kaggle.read_temperatures,
    "netcdf_grid": opening.read,
    "ncei_pdo": ncei_pdo.read,
    "noaa_co2": noaa_gml.read,
    "noaa_globaltemp": noaa_ncei.read,
    "noaa_mbl": noaa_mbl.read,
    "psl_index": psl.read,
    "rcmip": rcmip.read,
    "scripps_ice_core": scripps.read_merged,
    "scripps_monthly": scripps.read,
}
"""Reader of each publisher's format, by the name that catalogue entries use."""

SHAPE_READER = "shapes"


def reader_file(source: Source) -> str:
    """The file of this repository that reads `source`, such as climate/sources/readers/gistemp.py; "" for none."""
    readers: dict[str, Callable[..., object]] = {**READERS, SHAPE_READER: shapes.read_shapes}
    return readers[source.reader].__module__.replace(".", "/") + ".py" if source.reader else ""


def read(source: Source, folder: Path) -> xr.Dataset:
    """The records or the grid of `source` from its files in `folder`, as its publisher gives them.

    Tables: dims (series, time) with `climate.schema.SERIES_VARIABLES`, time strictly increasing, absent values NaN.
    Grids: `value` in dims (time, lat, lon), not yet read from disk. ClimateError names file, row, what was found and
    what was expected when a file is not what its publisher promises.
    """
    if source.reader not in READERS:
        raise ClimateError(
            f"source '{source.key}': found the reader '{source.reader}', expected one of {', '.join(READERS)} for a "
            "record; correct the catalogue entry"
        )
    return READERS[source.reader](folder, source)


def read_shapes(source: Source, folder: Path) -> geopandas.GeoDataFrame:
    """The polygons of `source`: columns name, key and geometry. ClimateError for another kind of source."""
    if source.reader != SHAPE_READER:
        raise ClimateError(
            f"source '{source.key}': found the reader '{source.reader}', expected '{SHAPE_READER}' for polygons; "
            "name a source of polygons"
        )
    return shapes.read_shapes(folder, source)
