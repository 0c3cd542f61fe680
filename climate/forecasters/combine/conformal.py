"""Calibration: intervals are widened or narrowed per lead from errors that were known at the origin.

The distance of every quantile from the median is multiplied by one factor per origin and lead: the factor with which
the verified errors of that lead, and of its neighbours, would have had the lowest interval score. Adaptive conformal
methods converge to that factor without exchangeability, which trending errors lack; Gibbs and Candes (2021),
arXiv:2106.00170. With few verified errors it stays near 1: the forecast's own distribution counts as much as
`PRIOR_ORIGINS` origins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import ndtr

from climate.forecasters.base import MEDIAN, NORMAL_QUANTILES, FloatArray
from climate.forecasters.combine.ensemble import neighbouring_leads, verified
from climate.schema import QUANTILES

FACTORS: FloatArray = np.round(np.geomspace(0.5, 3.0, 46), 4)
"""Candidate factors; one of them is close to 1."""

PRIOR_ORIGINS = 4.0
"""The forecast's own distribution counts as much as this number of verified origins."""


def standard_errors(table: xr.Dataset) -> FloatArray:
    """Errors of the median (model, origin, lead) in standard deviations of the forecast's own side, NaN unobserved."""
    forecast = table["forecast"].values
    error = table["observed"].values[None] - forecast[..., MEDIAN]
    below = (forecast[..., MEDIAN] - forecast[..., 0]) / -NORMAL_QUANTILES[0]
    above = (forecast[..., -1] - forecast[..., MEDIAN]) / NORMAL_QUANTILES[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(error / np.where(error < 0, below, above))


def interval_loss(errors: FloatArray) -> FloatArray:
    """Pinball loss of both bounds of the 90% interval, times each of FACTORS: (factor, *errors.shape)."""
    level, bound = QUANTILES[-1], NORMAL_QUANTILES[-1]
    scaled = bound * FACTORS.reshape(-1, *[1] * errors.ndim)
    beyond = np.maximum(np.abs(errors) - scaled, 0)
    return np.asarray(beyond + 2 * (1 - level) * scaled)


def expected_loss() -> FloatArray:
    """Expectation of `interval_loss` (factor) for standard normal errors."""
    level, bound = QUANTILES[-1], NORMAL_QUANTILES[-1] * FACTORS
    tail = np.exp(-(bound**2) / 2) / np.sqrt(2 * np.pi) - bound * ndtr(-bound)
    return np.asarray(2 * tail + 2 * (1 - level) * bound)


def widening(table: xr.Dataset, min_verified: int) -> FloatArray:
    """Factors (model, origin, lead); 1 where fewer than `min_verified` earlier origins are verified."""
    errors = standard_errors(table)
    finite = np.isfinite(errors)
    loss = np.where(finite, interval_loss(np.where(finite, errors, 0.0)), 0.0)
    near = neighbouring_leads(table["lead"].values.astype(float)).astype(float)
    known = verified(table).astype(float)
    used = np.einsum("mel,oel,kl->mok", finite.astype(float), known, near, optimize=True)
    total = np.einsum("fmel,oel,kl->fmok", loss, known, near, optimize=True)
    origins = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(used > 0, total / used, 0.0)
    score = origins * mean + PRIOR_ORIGINS * expected_loss()[:, None, None, None]
    return np.where(origins >= min_verified, FACTORS[score.argmin(axis=0)], 1.0)


def calibrate(table: xr.Dataset, models: Sequence[str], min_verified: int) -> xr.Dataset:
    """Replace the quantiles of `models` by calibrated ones; medians and all other models stay.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile), `observed` and `valid_time`
            (origin, lead).
        models: those to calibrate; names that are not in the table are ignored.
        min_verified: verified origins that a lead needs before its factor is estimated.

    Returns:
        A table of the same shape, with `widening` (model, origin, lead) beside it, 1 for untouched models.
    """
    chosen = np.isin(table["model"].values.astype(str), list(models))
    factor = np.where(chosen[:, None, None], widening(table, min_verified), 1.0)
    middle = table["forecast"].isel(quantile=[MEDIAN]).values
    scaled = middle + factor[..., None] * (table["forecast"].values - middle)
    result = table.copy()
    result["forecast"] = table["forecast"].copy(data=scaled)
    result["widening"] = (
        ("model", "origin", "lead"),
        factor,
        {"long_name": "factor of the calibration on the distance from the median", "units": "1"},
    )
    return result
