"""Climatology with a linear trend, and the same with an AR(1) residual: tiny, and hard to beat.

Ordinary least squares over the trailing climatological normal. Missing months are left out; nothing is filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    FloatArray,
    IntArray,
    calendar_months,
    future_months,
    history_values,
    normal_quantiles,
    require_months,
)

YEAR = 12
"""Months in a year."""

NORMAL_MONTHS = 360
"""Months of a climatological normal: 30 years (WMO-No. 1203, 2017)."""

MIN_MONTHS = 60
"""Months with a value that the 13 coefficients need at least."""

MAX_PERSISTENCE = 0.99
"""Cap of the lag-1 autocorrelation, so that the residual's variance stays finite."""

ITERATIONS = 8
"""Rounds of the iteration for the AR(1) error; the autocorrelation changes beyond the third digit no more."""


def design(months: IntArray, steps: FloatArray | IntArray) -> FloatArray:
    """Regressors (time, 13): one indicator per calendar month, and the time in years from the end of the fit."""
    return np.column_stack([np.eye(YEAR)[months], steps / YEAR])


def lag_one(residual: FloatArray) -> float:
    """Lag-1 autocorrelation from the pairs of neighbouring months that both exist, in [0, MAX_PERSISTENCE]."""
    before, after = residual[:-1], residual[1:]
    pair = np.isfinite(before) & np.isfinite(after)
    power = float(np.sum(before[pair] ** 2))
    if power == 0:
        return 0.0
    return float(np.clip(np.sum(before[pair] * after[pair]) / power, 0.0, MAX_PERSISTENCE))


def least_squares(regressors: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, their covariance for independent errors, and the error variance; NaN rows are left out."""
    known = np.isfinite(values)
    inverse = np.linalg.pinv(regressors[known].T @ regressors[known])
    coefficients = inverse @ (regressors[known].T @ values[known])
    left = max(int(known.sum()) - regressors.shape[1], 1)
    variance = float(np.nansum((values - regressors @ coefficients) ** 2)) / left
    return coefficients, variance * inverse, variance


@dataclass(frozen=True)
class FittedTrend:
    """Coefficients of climatology and trend with their covariance, and the error around them."""

    fitted: int
    coefficients: FloatArray
    covariance: FloatArray
    innovation: float
    persistence: float
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        values = history_values(history)
        past = design(calendar_months(history), np.arange(values.size) - self.fitted + 1)
        ahead = design(future_months(history, leads), values.size - self.fitted + np.arange(1, leads + 1))
        residual = values - past @ self.coefficients
        last = int(np.flatnonzero(np.isfinite(residual))[-1])
        decay = self.persistence ** (values.size - 1 - last + np.arange(1.0, leads + 1))
        # an error of the fitted mean at the last month is made good by the residual there
        contrast = ahead - decay[:, None] * past[last]
        estimation = np.einsum("ij,jk,ik->i", contrast, self.covariance, contrast)
        variance = self.innovation * (1 - decay**2) / (1 - self.persistence**2) + estimation
        return normal_quantiles(ahead @ self.coefficients + decay * residual[last], np.sqrt(variance))


@dataclass(frozen=True)
class ClimatologyTrend:
    """Mean of each calendar month plus one linear trend over the trailing 30 years.

    Without `residual`: ordinary least squares, errors independent but for the coefficients' covariance, which is
    inflated by (1 + r) / (1 - r) for a lag-1 autocorrelation r (Santer et al. 2008, doi:10.1002/joc.1756, eq. 6).
    With `residual`: generalised least squares with an AR(1) error by the iteration of Cochrane and Orcutt (1949); the
    anomaly at the origin decays. Quantiles are normal and hold the uncertainty of the coefficients.
    """

    residual: bool = False
    window: int = NORMAL_MONTHS

    @property
    def name(self) -> str:
        """Name in tables."""
        return "trend-ar1" if self.residual else "climatology-trend"

    def fit(self, history: xr.Dataset) -> FittedTrend:
        """See `Forecaster.fit`."""
        recent = history.isel(time=slice(-self.window, None))
        require_months(recent, MIN_MONTHS, self.name)
        values = history_values(recent)
        regressors = design(calendar_months(recent), np.arange(values.size) - values.size + 1)
        coefficients, covariance, innovation = least_squares(regressors, values)
        persistence = lag_one(values - regressors @ coefficients)
        if not self.residual:
            covariance = covariance * (1 + persistence) / (1 - persistence)
            count = regressors.shape[1] + 1
            return FittedTrend(history.sizes["time"], coefficients, covariance, innovation, 0.0, count)
        for _ in range(ITERATIONS):
            coefficients, covariance, innovation = least_squares(
                regressors[1:] - persistence * regressors[:-1], values[1:] - persistence * values[:-1]
            )
            persistence = lag_one(values - regressors @ coefficients)
        count = regressors.shape[1] + 2
        return FittedTrend(history.sizes["time"], coefficients, covariance, innovation, persistence, count)
