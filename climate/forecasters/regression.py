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


@dataclass(frozen=True)
class FittedTrend:
    """Coefficients of the climatology and trend, and of the residual."""

    fitted: int
    coefficients: FloatArray
    covariance: FloatArray
    variance: float
    persistence: float
    use_residual: bool
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        values = history_values(history)
        ahead = np.arange(1, leads + 1)
        regressors = design(future_months(history, leads), values.size - self.fitted + ahead)
        mean = regressors @ self.coefficients
        if not self.use_residual:
            return normal_quantiles(mean, np.sqrt(self.variance + self.estimation_variance(regressors)))
        past = design(calendar_months(history), np.arange(values.size) - self.fitted + 1)
        residual = values - past @ self.coefficients
        last = int(np.flatnonzero(np.isfinite(residual))[-1])
        decay = self.persistence ** (ahead + values.size - 1 - last)
        # the last residual carries the opposite of the error of the fitted mean of its month
        contrast = regressors - decay[:, None] * past[last]
        variance = self.variance * (1 - decay**2) + self.estimation_variance(contrast)
        return normal_quantiles(mean + decay * residual[last], np.sqrt(variance))

    def estimation_variance(self, regressors: FloatArray) -> FloatArray:
        """Variance of the fitted mean, inflated because autocorrelated months are fewer independent ones.

        Santer et al. (2008), doi:10.1002/joc.1756, equation 6.
        """
        inflation = (1 + self.persistence) / (1 - self.persistence)
        return np.asarray(np.einsum("ij,jk,ik->i", regressors, self.covariance, regressors) * inflation)


@dataclass(frozen=True)
class ClimatologyTrend:
    """Mean of each calendar month plus one linear trend over the trailing 30 years.

    Normal quantiles: residual variance plus the coefficients' covariance, the latter inflated for the lag-1
    autocorrelation of the residual. With `residual`, the anomaly at the origin decays as an AR(1) process.
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
        regressors = design(calendar_months(recent), np.arange(values.size) - values.size + 1.0)
        known = np.isfinite(values)
        inverse = np.linalg.pinv(regressors[known].T @ regressors[known])
        coefficients = inverse @ (regressors[known].T @ values[known])
        residual = values - regressors @ coefficients
        variance = float(np.nansum(residual**2)) / max(int(known.sum()) - regressors.shape[1], 1)
        return FittedTrend(
            fitted=history.sizes["time"],
            coefficients=coefficients,
            covariance=variance * inverse,
            variance=variance,
            persistence=lag_one(residual),
            use_residual=self.residual,
            parameters=regressors.shape[1] + 1 + int(self.residual),
        )
