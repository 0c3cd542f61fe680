"""A gridded source from its NetCDF files, opened without reading the values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.sources.catalogue import Source
from climate.sources.readers.grid.axes import candidates, with_plain_axes
from climate.sources.readers.grid.coordinates import Floats, in_order, with_cells
from climate.sources.readers.grid.time_axis import check_order, month_of_title, months
from climate.sources.readers.grid.values import decoded
from climate.sources.readers.records import describe

CHUNK_MONTHS = 120
"""Months of a grid that are read at once: bounds memory (10 years of a 2.5 degree grid are 10 MB)."""

SUFFIXES = (".nc", ".nc4", ".cdf", ".netcdf")

ALIGNED = 1e-3
"""Part of a cell by which coordinates of files of one record may differ."""

EXPVER = "expver"
"""The dimension by which ERA5 tells its final release from the preliminary one, in files of the former data store."""

OTHER_FORMATS = {
    b"\x1f\x8b": ("a gzip archive", "unpack it first"),
    b"PK": ("a zip archive", "unpack it first"),
    b"GRIB": ("GRIB", "convert it first, such as by `cdo -f nc copy in.grib out.nc`"),
    b"\x0e\x03\x13\x01": ("HDF4", "convert it first, such as by `h4tonccf in.hdf out.nc`"),
    b"<": ("a web page", "download the file again"),
}
"""First bytes of files that are often taken for NetCDF -> what they are and what to do."""
EMPTY = ("an empty file", "download the file again")


def read(folder: Path, source: Source) -> xr.Dataset:
    """`value` in dims (time, lat, lon) with cells as `coordinates.with_cells` gives them and months as time.

    The variable is options.variable, or the only one on the grid that changes with time. options.select picks a level,
    such as {level: 1000}. Values stay on disk until they are used. Maps without a time coordinate take their date from
    the file's title; several files are put in the order of time. ClimateError when something is not found or ambiguous,
    on months twice or left out, on files whose grids differ, and on a unit that cannot be converted to the source's.
    """
    names = [file.name for file in source.files if file.name.lower().endswith(SUFFIXES)]
    packed = [file.name for file in source.files if file.name.lower().endswith((".gz", ".zip"))]
    if packed and not names:
        raise ClimateError(f"{packed[0]}: found a gzip or zip archive, expected NetCDF; unpack it first")
    if not names:
        raise ClimateError(
            f"source '{source.key}': found no file that ends in {' or '.join(SUFFIXES[:2])}, expected a NetCDF file; "
            "correct its name"
        )
    maps = [_open(folder, source, name) for name in names]
    joined = maps[0] if len(maps) == 1 else _joined(maps, names)
    joined = in_order(joined, "time", np.argsort(joined["time"].values, kind="stable"))
    check_order(joined["time"].values, source.cadence, names[0])
    return joined.to_dataset(name="value").assign_attrs(describe(source) | {"file_date": ""})


def _joined(maps: list[xr.DataArray], names: list[str]) -> xr.DataArray:
    """Files of one record along time, on the grid of the first."""
    first = maps[0]
    aligned = []
    for part, name in zip(maps, names, strict=True):
        for axis in ("lat", "lon"):
            width = float((first[f"{axis}_upper"] - first[f"{axis}_lower"]).min())
            same = part[axis].size == first[axis].size
            if not same or np.abs(part[axis].values - first[axis].values).max() > ALIGNED * width:
                raise ClimateError(
                    f"{name}: found another grid along {axis} than in {names[0]}, expected one grid in all files of "
                    "the record; regrid them to one"
                )
        # Chunks are what keeps the values on disk when arrays are joined.
        on_disk = part.chunk(time=CHUNK_MONTHS)
        aligned.append(on_disk.assign_coords({key: first[key] for key in first.coords if key != "time"}))
    return xr.concat(aligned, dim="time", join="exact", coords="minimal", compat="override", combine_attrs="override")


def _open(folder: Path, source: Source, name: str) -> xr.DataArray:
    path = folder / name
    if not path.is_file():
        raise ClimateError(f"{name}: found nothing in {folder.name}/, expected a NetCDF file; pull the source first")
    with sound(name, path):
        opened = xr.open_dataset(path, decode_times=False, mask_and_scale=False)
    for level, value in source.options.get("select", {}).items():
        if level not in opened.coords or value not in opened[level].values:
            raise ClimateError(
                f"{name}: found no {level} {value}, expected one; correct options.select of '{source.key}'"
            )
        opened = opened.sel({level: value})
    opened = with_plain_axes(opened, name)
    time = _time_of(opened, name)
    variable = _variable(opened, time, source, name)
    field = _plain_field(decoded(opened, variable, source, name), opened, time, name)
    if time is None:
        dated = month_of_title(str(opened.attrs.get("title", "")), name)
    else:
        dated = months(opened[time], _bounds(opened, time), name)
        if opened[time].ndim:
            field = field.rename({str(opened[time].dims[0]): "time"})
    if "time" not in field.dims:
        field = field.expand_dims("time")
    attrs = {key: field.attrs[key] for key in ("long_name", "standard_name") if key in field.attrs}
    field = field.transpose("time", "lat", "lon").assign_coords(time=("time", dated)).assign_attrs(attrs)
    return with_cells(field, {axis: _bounds(opened, axis) for axis in ("lat", "lon")}, name)


def _plain_field(field: xr.DataArray, opened: xr.Dataset, time: str | None, name: str) -> xr.DataArray:
    """`field` on time, lat and lon alone: releases of ERA5 merged, dimensions of size 1 dropped."""
    if EXPVER in field.dims:
        releases = [field.isel({EXPVER: position}) for position in np.argsort(opened[EXPVER].values.astype(str))]
        field = releases[0]
        for later in releases[1:]:
            field = field.fillna(later)
    wanted = {"lat", "lon", *(opened[time].dims if time is not None else ())}
    others = [str(dim) for dim in field.dims if dim not in wanted]
    large = [dim for dim in others if field.sizes[dim] > 1]
    if large:
        known = opened[large[0]].values.tolist()[:5] if large[0] in opened.coords else []
        raise ClimateError(
            f"{name}: found the dimension {large[0]} of size {field.sizes[large[0]]} too, expected time, lat and lon; "
            f"choose one by options.select, such as {{{large[0]}: {known[0] if known else 0}}}"
        )
    axes = {axis: field[axis].variable for axis in ("lat", "lon")}
    return field.isel(dict.fromkeys(others, 0), drop=True).reset_coords(drop=True).assign_coords(axes)


def _time_of(opened: xr.Dataset, name: str) -> str | None:
    """The time coordinate: of several the one that fields lie along; None where there is none."""
    found = [coordinate for coordinate in candidates(opened, "time") if opened[coordinate].ndim <= 1]
    along = [
        coordinate
        for coordinate in found
        if opened[coordinate].ndim
        and any({"lat", "lon", *opened[coordinate].dims} <= {*v.dims} for v in opened.values())
    ]
    several = along or found
    if len(several) > 1:
        named = [coordinate for coordinate in several if coordinate in ("time", "valid_time")]
        several = named[:1] or several
    if len(several) > 1:
        raise ClimateError(f"{name}: found the time axes {', '.join(several)}, expected one; remove the others")
    return several[0] if several else None


def _bounds(opened: xr.Dataset, coordinate: str) -> Floats | None:
    """Edges (n, 2) that the file gives for a coordinate; None without any."""
    bounds = str(opened[coordinate].attrs.get("bounds", ""))
    if bounds not in opened.variables or opened[bounds].shape != (opened[coordinate].size, 2):
        return None
    edges = np.asarray(opened[bounds].values, dtype=np.float64)
    return edges if np.isfinite(edges).all() and (edges[:, 0] != edges[:, 1]).all() else None


def _variable(opened: xr.Dataset, time: str | None, source: Source, name: str) -> str:
    """options.variable, or the only field on the grid, of several the only one along time."""
    fields = [str(v) for v in opened.data_vars if {"lat", "lon"} <= {*opened[v].dims} and opened[v].dtype.kind in "iuf"]
    dims = set(opened[time].dims) if time is not None else set()
    along = [v for v in fields if dims <= {*opened[v].dims}]
    wanted = source.options.get("variable")
    if wanted is None and len(along) == 1:
        return along[0]
    if wanted not in fields:
        raise ClimateError(
            f"{name}: found the variables {', '.join(along or fields) or 'none'} on the grid, expected "
            f"{repr(wanted) if wanted else 'one'}; correct options.variable of source '{source.key}'"
        )
    return str(wanted)


@contextmanager
def sound(name: str, path: Path | None = None) -> Iterator[None]:
    """Values of a grid are read from disk as they are needed; ClimateError where a piece of the file is damaged."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, ArithmeticError) as error:
        kind = _kind_of(path) if path is not None else None
        if kind is not None:
            raise ClimateError(f"{name}: found {kind[0]}, expected NetCDF; {kind[1]}") from None
        reason = " ".join(str(error).split()).partition(": '/")[0][:100]
        raise ClimateError(
            f"{name}: found a file that NetCDF cannot read ({reason}), expected NetCDF; get the file again"
        ) from None


def _kind_of(path: Path) -> tuple[str, str] | None:
    """What a file that is no NetCDF is, and what to do; None for an unknown one."""
    with path.open("rb") as file:
        start = file.read(16).lstrip()
    return next((kind for magic, kind in OTHER_FORMATS.items() if start.startswith(magic)), None if start else EMPTY)


def is_grid(record: xr.Dataset) -> bool:
    """Whether a reader's Dataset is a gridded field rather than a table of series."""
    return {"lat", "lon"} <= set(record["value"].dims)


def read_every_value(grid: xr.Dataset, name: str) -> None:
    """Raise ClimateError unless every value of `grid` (time, lat, lon), of the file `name`, can be read."""
    with sound(name):
        for start in range(0, grid.sizes["time"], CHUNK_MONTHS):
            grid["value"].isel(time=slice(start, start + CHUNK_MONTHS)).to_numpy()
