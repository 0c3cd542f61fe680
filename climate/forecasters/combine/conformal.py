"""Calibration: intervals are widened or narrowed per lead from errors that were known at the origin.

The distance of every quantile from the median is multiplied by one factor per origin and lead: the factor with which
the verified errors of that lead, and of its neighbours, would have had the lowest interval score. Adaptive conformal
methods converge to that factor without exchangeability, which trending errors lack; Gibbs and Candes (2021),
arXiv:2106.00170. With few verified errors it stays near 1: the forecast's own distribution counts as much as
`PRIOR_MONTHS` of origins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import ndtr

from climate.forecasters.base import MEDIAN_INDEX, NORMAL_QUANTILES, FloatArray
from climate.forecasters.combine.ensemble import neighbouring_leads, verified, verified_months
from climate.schema import QUANTILES

FACTORS: FloatArray = np.round(np.geomspace(0.5, 3.0, 46), 4)
"""Candidate factors; one of them is close to 1."""

PRIOR_MONTHS = 24.0
"""The forecast's own distribution counts as much as verified origins that span this time (months)."""


def standard_errors(table: xr.Dataset) -> FloatArray:
    """Errors of the median (model, origin, lead) in standard deviations of the forecast's own side, NaN unobserved."""
    forecast = table["forecast"].values
    error = table["observed"].values[None] - forecast[..., MEDIAN_INDEX]
    below = (forecast[..., MEDIAN_INDEX] - forecast[..., 0]) / -NORMAL_QUANTILES[0]
    above = (forecast[..., -1] - forecast[..., MEDIAN_INDEX]) / NORMAL_QUANTILES[-1]
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
    """Factors (model, origin, lead); 1 where earlier origins of fewer than `min_verified` months are verified.

    Model by model, since the losses of all factors take much memory.
    """
    near = neighbouring_leads(table["lead"].values.astype(float)).astype(float)
    known = verified(table).astype(float)
    months = verified_months(table)

    def factors(errors: FloatArray) -> FloatArray:
        """Factors (origin, lead) from the errors (origin, lead) of one model."""
        finite = np.isfinite(errors)
        loss = np.where(finite, interval_loss(np.where(finite, errors, 0.0)), 0.0)
        used = np.einsum("el,oel,kl->ok", finite.astype(float), known, near, optimize=True)
        total = np.einsum("fel,oel,kl->fok", loss, known, near, optimize=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(used > 0, total / used, 0.0)
        score = months * mean + PRIOR_MONTHS * expected_loss()[:, None, None]
        return np.where(months >= min_verified, FACTORS[score.argmin(axis=0)], 1.0)

    return np.stack([factors(errors) for errors in standard_errors(table)])


def calibrate(table: xr.Dataset, models: Sequence[str], min_verified: int) -> xr.Dataset:
    """Replace the quantiles of `models` by calibrated ones; medians and all other models stay.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile), `observed` and `valid_time`
            (origin, lead).
        models: those to calibrate; names that are not in the table are ignored.
        min_verified: months of verified origins that a lead needs before its factor is estimated.

    Returns:
        A table of the same shape, with `widening` (model, origin, lead) beside it, 1 for untouched models.
    """
    chosen = np.isin(table["model"].values.astype(str), list(models))
    factor = np.where(chosen[:, None, None], widening(table, min_verified), 1.0)
    middle = table["forecast"].isel(quantile=[MEDIAN_INDEX]).values
    scaled = middle + factor[..., None] * (table["forecast"].values - middle)
    result = table.copy()
    result["forecast"] = table["forecast"].copy(data=scaled)
    result["widening"] = (
        ("model", "origin", "lead"),
        factor,
        {"long_name": "factor of the calibration on the distance from the median", "units": "1"},
    )
    return result
