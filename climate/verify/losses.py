"""Scores of single cells (origin, lead) of a forecast table, on the sample that all models share.

The *common sample* are the cells where each model has a forecast and the observation exists. The arithmetic of the
scores is that of the library `scores`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scores.continuous import interval_score

from climate.errors import ClimateError
from climate.forecasters.base import NORMAL_QUANTILES, FloatArray
from climate.schema import QUANTILES

LOWER, MEDIAN, UPPER = QUANTILES[0], 0.5, QUANTILES[-1]
"""Quantiles of the central interval and of the point forecast."""

INTERVAL = UPPER - LOWER
"""Nominal coverage of the central interval."""

AnyFloat = npt.NDArray[np.floating[Any]]

CELLS = ("origin", "lead")

Blocks = Mapping[str, tuple[int, int]]
"""Name of a block of leads -> its first and last lead."""


def level_weights(quantiles: FloatArray) -> FloatArray:
    """Share of the levels 0..1 that is nearest to each quantile level; the shares add up to 1."""
    edges = np.concatenate([[0.0], (quantiles[1:] + quantiles[:-1]) / 2, [1.0]])
    return np.diff(edges)


def crps_from_quantiles(forecast: xr.DataArray, observed: xr.DataArray) -> xr.DataArray:
    r"""Continuous ranked probability score of forecasts that are known by quantiles.

    .. math:: CRPS = 2 \int_0^1 QS_\tau(q_\tau, y) d\tau \approx 2 \sum_i w_i QS_{\tau_i}(q_{\tau_i}, y)

    with the quantile score QS (pinball loss) and the weights of `level_weights`. For normal forecasts it is within
    1.5% of the exact integral; for a forecast without spread it is the absolute error. As a sum of consistent scores
    it is proper (Gneiting and Raftery 2007, doi:10.1198/016214506000001437, section 4.2).

    Args:
        forecast: any dims and `quantile`.
        observed: any dims but `quantile`; both are broadcast against each other.

    Returns:
        Score of each cell in the unit of the forecast; NaN where either is NaN.
    """
    total: xr.DataArray = xr.apply_ufunc(
        quantile_crps,
        forecast,
        observed,
        input_core_dims=[["quantile"], []],
        kwargs={"levels": np.asarray(forecast["quantile"].values, dtype=float)},
    )
    return total


def quantile_crps(quantiles: AnyFloat, observed: AnyFloat, levels: FloatArray) -> AnyFloat:
    """`crps_from_quantiles` of arrays (..., quantile) and (...), in their precision."""
    total = np.zeros_like(observed)
    for position, (level, weight) in enumerate(zip(levels.tolist(), level_weights(levels).tolist(), strict=True)):
        error = observed - quantiles[..., position]
        total = total + 2 * weight * np.maximum(level * error, (level - 1) * error)
    return total


def common_sample(table: xr.Dataset) -> xr.DataArray:
    """True at cells (origin, lead) where every model has a forecast and the observation exists."""
    forecasts = table["forecast"].notnull().all(("model", "quantile"))
    return (forecasts & table["observed"].notnull()).transpose(*CELLS)


def widen(forecast: xr.DataArray, uncertainty: xr.DataArray) -> xr.DataArray:
    """Forecasts of a true value turned into forecasts of its uncertain observation.

    The distance of each quantile from the median grows as if an independent normal error of one standard deviation
    `uncertainty` were added to a normal forecast. NaN in `uncertainty` leaves the forecast as it is.
    """
    median = forecast.sel(quantile=MEDIAN, drop=True)
    spread = forecast.sel(quantile=UPPER, drop=True) - forecast.sel(quantile=LOWER, drop=True)
    own = spread / float(NORMAL_QUANTILES[-1] - NORMAL_QUANTILES[0])
    added = uncertainty.fillna(0.0)
    deviates = xr.DataArray(NORMAL_QUANTILES, coords={"quantile": forecast["quantile"].values})
    factor = np.hypot(own, added) / own.where(own > 0)
    widened = (median + factor * (forecast - median)).where(own > 0, median + added * deviates)
    return widened.transpose(*forecast.dims).drop_attrs()


def observation_floor(uncertainty: xr.DataArray) -> xr.DataArray:
    """Least expected CRPS where the observation has a normal error: uncertainty / sqrt(pi), in its unit."""
    return uncertainty / math.sqrt(math.pi)


def at_valid_time(values: xr.DataArray, table: xr.Dataset) -> xr.DataArray:
    """Something known by month (time) at the cells (origin, lead) of a table; NaN or "" outside the record."""
    filler = np.nan if values.dtype.kind in "fiu" else ""
    months = values["time"].values.astype("datetime64[M]")
    valid = table["valid_time"].transpose(*CELLS).values.astype("datetime64[M]")
    position = np.searchsorted(months, valid)
    inside = np.minimum(position, months.size - 1)
    known = (position < months.size) & (months[inside] == valid)
    cells = np.where(known, values.values[inside], np.array(filler, dtype=values.dtype if filler == "" else float))
    coordinates = {
        "origin": table["origin"].values,
        "lead": table["lead"].values,
        "valid_time": table["valid_time"].drop_attrs(),
    }
    return xr.DataArray(cells, dims=CELLS, coords=coordinates)


def cell_scores(table: xr.Dataset) -> xr.Dataset:
    """Scores of single cells (model, origin, lead) on the common sample, NaN elsewhere.

    Variables: `error` (median minus observation), `crps`, `covered90` (1 where the observation is inside the 90%
    interval, bounds included) and `interval_score90` (Winkler 1972) with its three parts: `width90`, and the penalties
    `below90` and `above90` for an observation below or above the interval; in the unit of the forecast but for
    `covered90`.
    """
    sample = common_sample(table)
    forecast, observed = table["forecast"].where(sample), table["observed"].where(sample)
    low, high = forecast.sel(quantile=LOWER, drop=True), forecast.sel(quantile=UPPER, drop=True)
    winkler = interval_score(low, high, observed, interval_range=INTERVAL, preserve_dims="all")
    cells = {
        "error": forecast.sel(quantile=MEDIAN, drop=True) - observed,
        "crps": crps_from_quantiles(forecast, observed),
        "covered90": ((observed >= low) & (observed <= high)).astype(float).where(sample),
        "width90": high - low,
        # the library names penalties after the forecast: it is too high where the observation lies below the interval
        "below90": winkler["overprediction_penalty"],
        "above90": winkler["underprediction_penalty"],
        "interval_score90": winkler["total"],
    }
    return xr.Dataset({name: value.transpose("model", *CELLS) for name, value in cells.items()})


def verified(cells: xr.Dataset) -> xr.DataArray:
    """True at cells (origin, lead) of the common sample, from `cell_scores`."""
    return cells["crps"].notnull().all("model")


def by_block(cells: xr.Dataset, blocks: Blocks, statistic: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    """`statistic` of the cells (..., lead) of each block, along the new last dim `block`.

    An origin counts in a block once the record has reached its last lead, so that all origins weigh alike; the cells
    of the others are NaN. The newest month with a value is that of the first variable.

    Raises:
        ClimateError: a block that is not within the leads of the cells.
    """
    longest = int(cells["lead"].max())
    known = next(iter(cells.data_vars.values())).notnull()
    months = cells["valid_time"]
    newest = months.where(known.any([dim for dim in known.dims if dim not in CELLS]), months.min()).max()
    parts = []
    for name, (first, last) in blocks.items():
        if not 1 <= first <= last <= longest:
            raise ClimateError(
                f"score.blocks '{name}': found leads {first} to {last}, expected a range within 1 to {longest}; "
                "change the block or backtest.leads"
            )
        part = cells.sel(lead=slice(first, last))
        reached = part["valid_time"].isel(lead=-1, drop=True).drop_vars("valid_time") <= newest
        parts.append(statistic(part.where(reached).drop_vars("valid_time")).expand_dims(block=[name]))
    return xr.concat(parts, "block").transpose(..., "block")


def block_losses(cells: xr.Dataset, blocks: Blocks) -> xr.DataArray:
    """Mean CRPS (model, ..., block, origin) of each origin over the leads of a block, NaN where it does not count."""
    return by_block(cells[["crps"]], blocks, lambda part: part.mean("lead"))["crps"].transpose("model", ..., "origin")
