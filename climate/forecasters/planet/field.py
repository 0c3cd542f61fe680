"""The state of the planet: principal components of a gridded temperature field.

The field is first turned into departures from the trailing normal of each cell, over the spread of the calendar month
(`trailing`), so that no row depends on a later month. Its empirical orthogonal functions are estimated inside the fold,
from cells that are complete up to the estimation's month; later months are projected onto them. Lorenz (1956),
Empirical Orthogonal Functions and Statistical Weather Prediction, MIT Statistical Forecasting Project Report 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.predictors import COUNT, Predictors
from climate.forecasters.planet.trailing import FIRST_ROW, NORMAL_YEARS, Sums, departures, trailing
from climate.schema import MAX_LEADS

CELLS_AT_ONCE = 171
"""Cells processed together, which bounds memory."""

VALUES_AT_ONCE = 4_000_000
"""Values of a field read at once, which bounds memory."""


def in_slabs(field: xr.DataArray) -> Iterator[xr.DataArray]:
    """Field (time, lat, lon) in memory, some months at once: one that is on disk is never read as a whole."""
    months = max(1, VALUES_AT_ONCE // (field.sizes["lat"] * field.sizes["lon"]))
    for first in range(0, field.sizes["time"], months):
        yield field.isel(time=slice(first, first + months)).load()


def thinned(field: xr.DataArray, step: int) -> xr.DataArray:
    """Every `step`-th cell, in both directions, of field (time, lat, lon), as (time, cell) with `lat`, `lon`, `area`.

    `area` is the cosine of the latitude.
    """
    chosen = field.transpose("time", "lat", "lon").isel(lat=slice(None, None, step), lon=slice(None, None, step))
    cells = chosen.stack(cell=("lat", "lon")).reset_index("cell")
    return cells.assign_coords(area=np.clip(np.cos(np.deg2rad(cells["lat"])), 0.0, None))


def field_departures(cells: xr.DataArray) -> FloatArray:
    """Departures (row, cell) of `cells` (time, cell), see `thinned`, times the root of the cell's area.

    Rows are those of `trailing`. A cell is NaN from its first missing month on.
    """
    values, weight = np.asarray(cells.values, dtype=np.float64), np.sqrt(np.asarray(cells["area"].values))
    values, weight = values[:, weight > 0], weight[weight > 0]
    rows = np.arange(FIRST_ROW, values.shape[0])
    parts = []
    for first in range(0, values.shape[1], CELLS_AT_ONCE):
        chunk = values[:, first : first + CELLS_AT_ONCE]
        sums = Sums.of(chunk)
        normal = sums.window(NORMAL_YEARS, rows)
        parts.append(departures(chunk, rows, normal, sums.spread(normal, rows), 1)[:, 0])
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


def area_means(values: FloatArray, slope: FloatArray, area: FloatArray, leads: int) -> FloatArray:
    """Area-weighted mean (row, lead, predictor) of the predictors of values (time, cell).

    A cell is left out from its first missing month on.
    """
    rows = values.shape[0] - FIRST_ROW
    total, weight = np.zeros((rows, leads, COUNT)), np.zeros((rows, 1, 1))
    for first in range(0, values.shape[1], CELLS_AT_ONCE):
        part = slice(first, first + CELLS_AT_ONCE)
        predictors = Predictors(trailing(values[:, part]), slope)
        known = np.isfinite(np.cumsum(values[:, part], axis=0))[FIRST_ROW:]
        share = np.where(known, area[part], 0.0).astype(np.float32)
        weight[:, 0, 0] += share.sum(axis=1)
        for lead in range(1, leads + 1):
            inside = np.where(known[..., None], predictors.at(lead), np.float32(0))
            total[:, lead - 1] += np.einsum("rcp,rc->rp", inside, share, optimize=True)
    return np.asarray(total / weight)


def planet(field: xr.DataArray, train_stride: int, field_stride: int, leads: int = MAX_LEADS) -> xr.Dataset:
    """What all places share: cells to train on, and the state of the planet in each month.

    Args:
        field: temperature (time, lat, lon) on a gap-free month axis, in memory or on disk.
        train_stride: spacing of the cells trained on, in both directions.
        field_stride: spacing of the cells of which principal components are made.
        leads: months ahead.

    Returns:
        Dataset with `value` (time, cell) and `area` (cell) of the cells to train on; `departures` (time, field_cell),
        `slope` (time) per year of the area mean over the trailing normal, and `means` (time, lead, predictor), the area
        mean of the predictors. The last three are NaN before the first row of `trailing`, and no month of them depends
        on a later one.
    """
    area = field["lat"].copy(data=np.cos(np.deg2rad(np.asarray(field["lat"].values, dtype=np.float64))))
    parts = [
        (
            slab.astype(np.float64).weighted(area).mean(("lat", "lon")),
            thinned(slab, field_stride),
            thinned(slab, train_stride),
        )
        for slab in in_slabs(field)
    ]
    means, of_field, cells = (xr.concat(each, "time") for each in zip(*parts, strict=True))
    departed = field_departures(of_field)
    mean = np.asarray(means.values)[:, None]
    rows = np.arange(FIRST_ROW, field.sizes["time"])
    slope = Sums.of(mean).window(NORMAL_YEARS, rows).slope[:, 0]
    values, weight = np.asarray(cells.values, dtype=np.float64), np.asarray(cells["area"].values)
    state = {
        "departures": (("time", "field_cell"), departed),
        "slope": (("time",), slope),
        "means": (("time", "lead", "predictor"), area_means(values, slope, weight, leads)),
    }

    def padded(array: FloatArray) -> FloatArray:
        return np.pad(array, [(FIRST_ROW, 0)] + [(0, 0)] * (array.ndim - 1), constant_values=np.nan)

    return xr.Dataset(
        {name: (dims, padded(array)) for name, (dims, array) in state.items()}
        | {"value": (("time", "cell"), values), "area": ("cell", weight)},
        coords={"time": field["time"].values},
    )
