"""Gridded fields in CF NetCDF: any names, any direction of the axes, opened without reading the values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.schema import TIME_DTYPE
from climate.sources.catalogue import Source
from climate.sources.readers.records import describe

CHUNK_MONTHS = 120
"""Months of a grid that are read at once: bounds memory (10 years of a 2.5 degree grid are 10 MB)."""

_SECONDS = xr.coders.CFDatetimeCoder(time_unit="s")
_AXES = {
    "lat": (
        "latitude",
        "Y",
        {"degrees_north", "degree_north", "degrees_n", "degreen", "degreesn"},
        {"lat", "latitude"},
    ),
    "lon": (
        "longitude",
        "X",
        {"degrees_east", "degree_east", "degrees_e", "degreee", "degreese"},
        {"lon", "longitude"},
    ),
    "time": ("time", "T", set(), {"time"}),
}
_UNITS = {"c": "degC", "degc": "degC", "celsius": "degC", "degree_celsius": "degC", "degrees_celsius": "degC"}
_SEASONS = {"Dec-Jan-Feb": 1, "Mar-Apr-May": 4, "Jun-Jul-Aug": 7, "Sep-Oct-Nov": 10}
_MONTHS = {
    **{"January": 1, "February": 2, "March": 3, "April": 4, "May": 5, "June": 6, "July": 7, "August": 8},
    **{"September": 9, "October": 10, "November": 11, "December": 12},
}


def read(folder: Path, source: Source) -> xr.Dataset:
    """`value` in dims (time, lat, lon): lat ascending, lon ascending within -180..180, time month starts.

    Axes are found by standard_name, axis, units, then name; the variable is options.variable, or the only one that has
    both horizontal axes. options.select picks a level, such as {level: 1000}. Values stay on disk until they are used.
    Maps without a time axis take their date from the file's title (a season is dated by its middle month), several
    files are put in the order of time. ClimateError when something is not found or ambiguous, on months twice, out of
    order or left out, and when the file's units are not the catalogue's.
    """
    maps = [_open(folder, source, file.name) for file in source.files if file.name.endswith((".nc", ".nc4"))]
    if not maps:
        raise ClimateError(f"source '{source.key}': found no file that ends in .nc, expected a NetCDF file; correct it")
    joined = maps[0] if len(maps) == 1 else xr.concat(sorted(maps, key=lambda m: m.time.values[0]), dim="time")
    months = joined.time.values.astype("datetime64[M]").astype(np.int64)
    step = np.diff(months)
    if (step < 1).any() or (source.cadence == "monthly" and (step > 1).any()):
        bad = int(np.flatnonzero((step < 1) | (step > 1))[0]) + 1
        raise ClimateError(
            f"{source.files[0].name}, time step {bad + 1}: found {str(joined.time.values[bad])[:7]} after "
            f"{str(joined.time.values[bad - 1])[:7]}, expected each month once and in order; get the file again"
        )
    return joined


def _open(folder: Path, source: Source, name: str) -> xr.Dataset:
    path = folder / name
    if not path.is_file():
        raise ClimateError(f"{name}: found nothing in {folder.name}/, expected a NetCDF file; pull the source first")
    try:
        opened = xr.open_dataset(path, decode_times=_SECONDS, mask_and_scale=True)
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError, ArithmeticError) as error:
        raise _unreadable(name, error) from None
    for level, value in source.options.get("select", {}).items():
        if level not in opened.coords or value not in opened[level].values:
            raise ClimateError(
                f"{name}: found no {level} {value}, expected one; correct options.select of '{source.key}'"
            )
        opened = opened.sel({level: value})
    axes = {axis: _axis(opened, axis, name) for axis in ("lat", "lon")}
    variable = opened[_variable(opened, axes, source, name)]
    time = _axis(opened, "time", name, needed=False)
    extra = [d for d in variable.dims if d not in (axes["lat"], axes["lon"], time)]
    if any(variable.sizes[d] > 1 for d in extra):
        raise ClimateError(
            f"{name}: found the dimension {extra[0]} too, expected time, lat and lon; set options.select"
        )
    _check_units(variable, source, name)
    grid = variable.isel(dict.fromkeys(extra, 0), drop=True).rename({axes["lat"]: "lat", axes["lon"]: "lon"})
    if time is None or time not in grid.dims:
        grid = grid.drop_vars(time or "", errors="ignore").expand_dims(time=_date_of_map(opened, name))
    else:
        grid = grid.rename({time: "time"}).assign_coords(time=("time", _month_starts(opened[time], name)))
    grid = _orient(grid.transpose("time", "lat", "lon").reset_coords(drop=True), name)
    grid.attrs = {key: grid.attrs[key] for key in ("long_name", "standard_name") if key in grid.attrs}
    return grid.to_dataset(name="value").assign_attrs(describe(source) | {"file_date": ""})


@contextmanager
def sound(name: str) -> Iterator[None]:
    """Values of a grid are read from disk as they are needed; ClimateError where a piece of the file is damaged."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise _unreadable(name, error) from None


def is_grid(record: xr.Dataset) -> bool:
    """Whether a reader's Dataset is a gridded field rather than a table of series."""
    return {"lat", "lon"} <= set(record["value"].dims)


def read_every_value(grid: xr.Dataset, name: str) -> None:
    """Raise ClimateError unless every value of `grid` (time, lat, lon), of the file `name`, can be read."""
    with sound(name):
        for start in range(0, grid.sizes["time"], CHUNK_MONTHS):
            grid["value"].isel(time=slice(start, start + CHUNK_MONTHS)).to_numpy()


def _unreadable(name: str, error: Exception) -> ClimateError:
    reason = " ".join(str(error).split()).partition(": '/")[0][:100]
    return ClimateError(f"{name}: found a file that NetCDF cannot read ({reason}), expected NetCDF; get it again")


def _axis(opened: xr.Dataset, axis: str, name: str, *, needed: bool = True) -> Any:
    standard, letter, units, names = _AXES[axis]
    tests = (
        lambda v: v.attrs.get("standard_name") == standard,
        lambda v: str(v.attrs.get("units", "")).lower() in units,
        lambda v: axis == "time" and np.issubdtype(v.dtype, np.datetime64),
        lambda v: v.attrs.get("axis") == letter,
        lambda v: str(v.name).lower() in names,
    )
    for test in tests:
        candidates = [v.name for v in opened.coords.values() if v.ndim == 1 and v.dims == (v.name,) and test(v)]
        if len(candidates) == 1:
            return candidates[0]
    if needed:
        found_names = ", ".join(map(str, opened.coords)) or "none"
        raise ClimateError(
            f"{name}: found the coordinates {found_names}, expected one with standard_name {standard}; "
            "give a file on a regular grid"
        )
    return None


def _variable(opened: xr.Dataset, axes: dict[str, Any], source: Source, name: str) -> Any:
    candidates = [v for v in opened.data_vars if set(axes.values()) <= set(opened[v].dims)]
    wanted = source.options.get("variable")
    if wanted is None and len(candidates) == 1:
        return candidates[0]
    if wanted not in candidates:
        raise ClimateError(
            f"{name}: found the variables {', '.join(map(str, candidates)) or 'none'} on the grid, expected "
            f"{repr(wanted) if wanted else 'one'}; correct options.variable of source '{source.key}'"
        )
    return wanted


def _check_units(variable: xr.DataArray, source: Source, name: str) -> None:
    units = str(variable.attrs.get("units", ""))
    known = _UNITS.get(units.lower().replace(" ", "_"), units)
    if known != source.unit and not (source.kind == "anomaly" and {known, source.unit} == {"K", "degC"}):
        raise ClimateError(
            f"{name}: found values in '{units}', expected '{source.unit}'; correct the unit of '{source.key}'"
        )


def _month_starts(time: xr.DataArray, name: str) -> np.ndarray:
    values = time.values
    if values.dtype == object:  # a model calendar, such as 360 days
        values = np.array([np.datetime64(f"{v.year:04d}-{v.month:02d}", "M") for v in values])
    if not np.issubdtype(values.dtype, np.datetime64) or np.isnat(values).any():
        raise ClimateError(f"{name}: found a time axis without dates ({values.dtype}), expected CF time; get it again")
    return values.astype("datetime64[M]").astype(TIME_DTYPE)


def _date_of_map(opened: xr.Dataset, name: str) -> np.ndarray:
    title = str(opened.attrs.get("title", ""))
    match = re.search(rf"({'|'.join([*_MONTHS, *_SEASONS])}) (\d{{4}})\b", title)
    if not match:
        raise ClimateError(
            f"{name}: found neither a time axis nor a month in the title '{title}', expected one of them"
        )
    month = _MONTHS.get(match[1]) or _SEASONS[match[1]]
    return np.array([np.datetime64(f"{match[2]}-{month:02d}", "M")]).astype(TIME_DTYPE)


def _orient(grid: xr.DataArray, name: str) -> xr.DataArray:
    lat, lon = grid.lat.values.astype(float), grid.lon.values.astype(float)
    if np.isnan(lat).any() or np.abs(lat).max() > 90 or np.unique(lat).size < lat.size:
        raise ClimateError(
            f"{name}: found latitudes from {lat.min()} to {lat.max()}, expected each once within -90..90"
        )
    wrapped = (lon + 180) % 360 - 180
    if np.isnan(lon).any() or np.abs(lon).max() > 360 or np.unique(wrapped.round(6)).size < lon.size:
        raise ClimateError(f"{name}: found longitudes from {lon.min()} to {lon.max()}, expected each meridian once")
    steps = np.diff(lat)
    if (steps < 0).all():
        grid = grid.isel(lat=slice(None, None, -1))
    elif not (steps > 0).all():
        grid = grid.isel(lat=np.argsort(lat))
    grid = grid.assign_coords(lat=np.sort(lat), lon=wrapped)
    return grid if (np.diff(wrapped) > 0).all() else grid.isel(lon=np.argsort(wrapped))
