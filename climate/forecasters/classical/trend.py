"""Climatology with a linear trend, and the same with an AR(1) residual: tiny, and hard to beat.

Least squares over the trailing climatological normal, for all places at once. Missing months are left out, not filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    FloatArray,
    Hindcasting,
    IntArray,
    as_panel,
    calendar_months,
    lag_one_autocorrelation,
    newest_known,
    normal_quantiles,
    panel_values,
    require_months,
    smoothed_by_month,
)
from climate.schema import MONTHS_PER_YEAR

NORMAL_MONTHS = 360
"""Months of a climatological normal: 30 years (WMO-No. 1203, 2017)."""

MIN_MONTHS = 60
"""Months with a value that the 13 coefficients need at least."""

MAX_PERSISTENCE = 0.99
"""Cap of the lag-1 autocorrelation, so that the residual's variance stays finite."""

ITERATIONS = 8
"""Iterations for the AR(1) error; more leave three digits of the autocorrelation unchanged."""


def design(months: IntArray, steps: FloatArray | IntArray) -> FloatArray:
    """Regressors (..., 13): one indicator per calendar month (...), and the steps (..., in months) in years."""
    return np.concatenate([np.eye(MONTHS_PER_YEAR)[months], (steps / MONTHS_PER_YEAR)[..., None]], axis=-1)


def least_squares(regressors: FloatArray, values: FloatArray) -> FloatArray:
    """Coefficients of `values` (time) on `regressors` (time, regressor); months with NaN are left out."""
    known = np.isfinite(values)
    inverse = np.linalg.pinv(regressors[known].T @ regressors[known])
    return np.asarray(inverse @ (regressors[known].T @ values[known]))


@dataclass(frozen=True)
class FittedTrend(Hindcasting):
    """Coefficients of climatology and trend with their covariance, and the error around them, for each place.

    months: length of the history. coefficients (place, 13), covariance (place, 13, 13), innovation (place): variance of
    the error's shocks, persistence (place): its autocorrelation at one month. season (place, 12): ratio of the shocks'
    variance in each calendar month to its mean.
    """

    months: int
    coefficients: FloatArray
    covariance: FloatArray
    innovation: FloatArray
    persistence: FloatArray
    season: FloatArray
    parameters: int
    fallbacks: int = 0

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`: (place, end, lead, quantile)."""
        values, first, end = panel_values(history), calendar_months(history)[0], np.asarray(ends)
        places, known = np.arange(len(values))[:, None], newest_known(values)[:, end - 1]
        coming = end[:, None] - 1 + np.arange(1, leads + 1)
        (last_month, last_year), (month, year) = (
            ((first + position) % MONTHS_PER_YEAR, (position - self.months + 1) / MONTHS_PER_YEAR)
            for position in (known, coming)
        )
        slope, covariance = self.coefficients[:, -1, None], self.covariance
        residual = values[places, known] - self.coefficients[places, last_month] - slope * last_year
        decay = self.persistence[:, None, None] ** (coming - known[..., None])
        squares = np.einsum("pkk->pk", covariance)[:, month] + 2 * year * covariance[:, -1][:, month]
        squares += year**2 * covariance[:, -1, -1, None, None]
        # an error of the fitted mean at the last month is offset by the residual there: the contrast of both months
        across = covariance[places, last_month] + last_year[..., None] * covariance[:, None, -1]
        own = np.take_along_axis(across, last_month[..., None], -1) + last_year[..., None] * across[..., -1:]
        cross = np.take_along_axis(across, month[None], -1) + year * across[..., -1:]
        shocks = self.innovation[:, None, None] * self._accumulated(end - 1 - known, month)
        mean = self.coefficients[:, month] + slope[..., None] * year + decay * residual[..., None]
        return normal_quantiles(mean, np.sqrt(shocks + squares + decay * (decay * own - 2 * cross)))

    def _accumulated(self, unknown: IntArray, months: IntArray) -> FloatArray:
        """Variance (place, end, lead) of the sum of shocks up to each of `months` (end, lead), in units of their mean.

        The shocks before, since the last value `unknown` (place, end) months ago, have the mean variance.
        """
        carried = self.persistence[:, None] ** 2
        total = (1 - carried**unknown) / (1 - carried)
        steps = []
        for month in months.T:
            total = carried * total + self.season[:, month]
            steps.append(total)
        return np.stack(steps, axis=-1)


@dataclass(frozen=True)
class ClimatologyTrend:
    """Mean of each calendar month plus one linear trend over the trailing 30 years.

    Without `residual`: ordinary least squares with independent errors, except that the covariance of the coefficients
    is inflated by (1 + r) / (1 - r) for a lag-1 autocorrelation r (Santer et al. 2008, doi:10.1002/joc.1756, eq. 6).
    With `residual`: generalised least squares with an AR(1) error by the iteration of Cochrane and Orcutt (1949); the
    anomaly at the origin decays. Quantiles are normal, include the uncertainty of the coefficients, and have a spread
    per calendar month.
    """

    residual: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "trend-ar1" if self.residual else "climatology-trend"

    def fit(self, history: xr.Dataset) -> FittedTrend:
        """See `Forecaster.fit`."""
        recent = history.isel(time=slice(-NORMAL_MONTHS, None))
        require_months(recent, MIN_MONTHS, self.name)
        values = panel_values(recent)
        centre = np.nanmean(values, axis=1, keepdims=True)  # for the precision of the sums of squares
        values = values - centre
        regressors = design(calendar_months(recent), np.arange(values.shape[1]) - values.shape[1] + 1)
        months, count = history.sizes["time"], regressors.shape[1] + 1
        coefficients, covariance, variance = _solved(_Products.of(regressors, regressors, values, values))
        residual = values - coefficients @ regressors.T
        persistence, calendar = _persistence(residual), calendar_months(recent)
        if not self.residual:
            inflation = (1 + persistence) / (1 - persistence)
            covariance = covariance * inflation[:, None, None]
            coefficients[:, :MONTHS_PER_YEAR] += centre
            season = _season(residual, calendar)
            return FittedTrend(months, coefficients, covariance, variance, np.zeros(len(values)), season, count)
        both = np.isfinite(values[:, 1:]) & np.isfinite(values[:, :-1])
        now, before = np.where(both, values[:, 1:], np.nan), np.where(both, values[:, :-1], np.nan)
        products = (
            _Products.of(regressors[1:], regressors[1:], now, now),
            _Products.of(regressors[1:], regressors[:-1], now, before),
            _Products.of(regressors[:-1], regressors[1:], before, now),
            _Products.of(regressors[:-1], regressors[:-1], before, before),
        )
        for _ in range(ITERATIONS):
            coefficients, covariance, variance = _solved(_quasi_differences(products, persistence))
            residual = values - coefficients @ regressors.T
            persistence = _persistence(residual)
        coefficients[:, :MONTHS_PER_YEAR] += centre
        season = _season(residual[:, 1:] - persistence[:, None] * residual[:, :-1], calendar[1:])
        return FittedTrend(months, coefficients, covariance, variance, persistence, season, count + 1)


def _season(shocks: FloatArray, calendar: IntArray) -> FloatArray:
    """Ratio (place, 12) of the variance of `shocks` (place, time) in each calendar month to its mean; 1 without any."""
    known = np.isfinite(shocks)
    month = np.eye(MONTHS_PER_YEAR)[calendar]
    count = known @ month
    variance = np.where(known, shocks, 0.0) ** 2 @ month / np.maximum(count, 1)
    mean = variance.mean(axis=1, keepdims=True)
    ratio = np.divide(variance, mean, out=np.ones_like(variance), where=(count > 0) & (mean > 0))
    return smoothed_by_month(ratio, count.mean(axis=1, keepdims=True), axis=1)


def _persistence(residual: FloatArray) -> FloatArray:
    return lag_one_autocorrelation(residual[:, :-1], residual[:, 1:], MAX_PERSISTENCE)[:, -1]


@dataclass(frozen=True)
class _Products:
    """Sums over the observed months: regressors by regressors, regressors by values, values by values; and their count.

    inner (place, 13, 13), outer (place, 13), squares (place), count (place).
    """

    inner: FloatArray
    outer: FloatArray
    squares: FloatArray
    count: FloatArray

    @classmethod
    def of(cls, left: FloatArray, right: FloatArray, first: FloatArray, second: FloatArray) -> _Products:
        known = np.isfinite(first) & np.isfinite(second)
        pairs = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
        inner = (known.astype(float) @ pairs).reshape(len(first), left.shape[1], right.shape[1])
        filled = np.where(known, second, 0.0)
        return cls(inner, filled @ left, np.sum(np.where(known, first, 0.0) * filled, axis=1), known.sum(axis=1))


def _quasi_differences(products: tuple[_Products, ...], persistence: FloatArray) -> _Products:
    """The products of months less `persistence` (place) times the month before."""
    weights = (np.ones_like(persistence), -persistence, -persistence, persistence**2)
    pairs = list(zip(weights, products, strict=True))
    return _Products(
        np.sum([weight[:, None, None] * part.inner for weight, part in pairs], axis=0),
        np.sum([weight[:, None] * part.outer for weight, part in pairs], axis=0),
        np.sum([weight * part.squares for weight, part in pairs], axis=0),
        products[0].count,
    )


def _solved(products: _Products) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients (place, k), their covariance for independent errors, and the error variance (place)."""
    inverse = np.linalg.pinv(products.inner, hermitian=True)
    coefficients = np.einsum("pjk,pk->pj", inverse, products.outer)
    freedom = np.maximum(products.count - products.inner.shape[1], 1)
    residual = products.squares - np.einsum("pk,pk->p", coefficients, products.outer)
    variance = np.maximum(residual, 0.0) / freedom
    return coefficients, variance[:, None, None] * inverse, variance


@dataclass(frozen=True)
class Fallback(Hindcasting):
    """The trend with an AR(1) residual of one place, which replaces a model whose estimation failed."""

    fitted: FittedTrend
    fallbacks: int = 1

    @classmethod
    def of(cls, history: xr.Dataset) -> Fallback:
        """Estimate on a history of one place."""
        return cls(ClimatologyTrend(residual=True).fit(as_panel(history)))

    @property
    def parameters(self) -> int:
        """Number of values estimated."""
        return self.fitted.parameters

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`: (end, lead, quantile)."""
        quantiles: FloatArray = self.fitted.hindcasts(as_panel(history), ends, leads)[0]
        return quantiles
