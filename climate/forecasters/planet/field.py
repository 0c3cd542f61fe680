"""The state of the planet: principal components of a gridded temperature field.

The field is first turned into departures from the trailing normal of each cell, over the spread of the calendar month
(`trailing`), so that no row depends on a later month. Its empirical orthogonal functions are estimated inside the fold,
from cells that are complete up to the estimation's month; later months are projected onto them. Lorenz (1956),
Empirical Orthogonal Functions and Statistical Weather Prediction, MIT Statistical Forecasting Project Report 1.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.trailing import FIRST_ROW, NORMAL, WINDOWS, departures, window

CELLS_AT_ONCE = 512
"""Cells processed together, which bounds memory."""


def field_departures(field: xr.DataArray, step: int) -> FloatArray:
    """Departures (row, cell) of every `step`-th cell of field (time, lat, lon), times the root of the cell's area.

    Rows are those of `trailing`. A cell is NaN from its first missing month on.
    """
    thinned = field.transpose("time", "lat", "lon").isel(lat=slice(None, None, step), lon=slice(None, None, step))
    values = np.asarray(thinned.values, dtype=np.float64).reshape(thinned.sizes["time"], -1)
    area = np.cos(np.deg2rad(np.asarray(thinned["lat"].values, dtype=np.float64)))
    weight = np.sqrt(np.clip(np.repeat(area, thinned.sizes["lon"]), 0.0, None))
    values, weight = values[:, weight > 0], weight[weight > 0]
    rows = np.arange(FIRST_ROW, values.shape[0])
    parts = []
    for first in range(0, values.shape[1], CELLS_AT_ONCE):
        chunk = values[:, first : first + CELLS_AT_ONCE]
        normal = window(chunk, WINDOWS[NORMAL], rows)
        parts.append(departures(chunk, rows, normal, normal.spread(), 1)[:, 0])
    return np.asarray(np.concatenate(parts, axis=1) * weight)


def principal_functions(departures: FloatArray, count: int) -> FloatArray:
    """Empirical orthogonal functions (cell, component) of departures (row, cell), largest first.

    Cells with NaN in any row are left out: their functions are zero. The scale is such that the components `departures
    @ functions` together have a mean square of 1, so that a large component stays large. There are at most as many as
    rows.
    """
    departures = np.where(np.isfinite(departures).all(axis=0), departures, 0.0)
    power, vectors = np.linalg.eigh(departures @ departures.T)
    rows = departures.shape[0]
    power, vectors = power[::-1][:count], vectors[:, ::-1][:, :count]
    positive = power > power[0] * np.finfo(float).eps * rows
    functions = departures.T @ (vectors[:, positive] / np.sqrt(power[positive]))
    return np.asarray(functions / np.sqrt(power[positive].sum() / rows / positive.sum()))


def projected(departures: FloatArray, functions: FloatArray) -> FloatArray:
    """Components (row, component) of departures (row, cell); where a cell is NaN its departure counts as zero."""
    return np.asarray(np.nan_to_num(departures) @ functions)


def planet(field: xr.DataArray, values: xr.DataArray, step: int) -> xr.Dataset:
    """Training data of the pool: series, and the state of the planet in each month.

    Args:
        field: temperature (time, lat, lon) on a gap-free month axis.
        values: series (time, series) on the same months; may hold NaN.
        step: stride of the cells used of the field, in both directions.

    Returns:
        Dataset with `value` (time, series), `departures` (time, cell) and `slope` (time) per year of the area mean over
        the trailing normal; both are NaN before the first row of `trailing`, and no month depends on a later one.
    """
    departed = field_departures(field, step)
    area = field["lat"].copy(data=np.cos(np.deg2rad(np.asarray(field["lat"].values, dtype=np.float64))))
    mean = np.asarray(field.astype(np.float64).weighted(area).mean(("lat", "lon")).values)[:, None]
    rows = np.arange(FIRST_ROW, field.sizes["time"])
    slope = window(mean, WINDOWS[NORMAL], rows).slope[:, 0]
    before = field.sizes["time"] - rows.size
    return xr.Dataset(
        {
            "value": values.transpose("time", "series"),
            "departures": (("time", "cell"), np.pad(departed, ((before, 0), (0, 0)), constant_values=np.nan)),
            "slope": ("time", np.pad(slope, (before, 0), constant_values=np.nan)),
        },
        coords={"time": field["time"].values},
    )
