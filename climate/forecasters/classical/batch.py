"""The simplest forecasters for many series at once, as linear algebra over all of them.

The same estimators as in `naive` and `regression`, which the tests hold them to; a loop over series would spend its
time on everything but arithmetic. Series stand on one month axis and are NaN where they have no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from climate.forecasters.base import NORMAL_QUANTILES, FloatArray, IntArray
from climate.forecasters.classical.trend import ITERATIONS, MAX_PERSISTENCE, NORMAL_MONTHS, YEAR, design


class FittedBatch(Protocol):
    """Estimated parameters of many series."""

    def forecast(self, values: FloatArray, months: IntArray, leads: int) -> FloatArray:
        """Quantiles (series, lead, quantile) after the last month of `values` (series, time).

        `months` are the calendar months (time), January = 0. The history is the fitted one or longer.
        """


class BatchForecaster(Protocol):
    """A way of forecasting many series."""

    def fit(self, values: FloatArray, months: IntArray) -> FittedBatch:
        """Estimate from `values` (series, time), which end at the origin; each series has 60 values or more."""


def quantiles(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Normal quantiles (series, lead, quantile) from means and standard deviations (series, lead)."""
    return np.asarray(mean[..., None] + deviation[..., None] * NORMAL_QUANTILES)


def calendar_after(months: IntArray, leads: int) -> IntArray:
    """Calendar months of leads 1..leads, January = 0."""
    return np.asarray((months[-1] + 1 + np.arange(leads)) % YEAR)


def last_known(values: FloatArray) -> IntArray:
    """Position of the newest value of each series."""
    return np.asarray(values.shape[1] - 1 - np.argmax(np.isfinite(values)[:, ::-1], axis=1))


@dataclass(frozen=True)
class FittedNaive:
    """Root mean square of the year-on-year change (series)."""

    deviation: FloatArray

    def forecast(self, values: FloatArray, months: IntArray, leads: int) -> FloatArray:
        """See `FittedBatch.forecast`."""
        newest, age = np.empty((len(values), YEAR)), np.empty((len(values), YEAR))
        for month in range(YEAR):
            at = np.flatnonzero(months == month)
            own = values[:, at]
            last = last_known(own)
            newest[:, month] = own[np.arange(len(own)), last]
            age[:, month] = (values.shape[1] - 1 - at[last]) // YEAR
        ahead = calendar_after(months, leads)
        years = np.arange(leads) // YEAR + 1 + age[:, ahead]
        return quantiles(newest[:, ahead], self.deviation[:, None] * np.sqrt(years))


class SeasonalNaiveBatch:
    """See `climate.forecasters.classical.naive.SeasonalNaive`, without drift."""

    def fit(self, values: FloatArray, months: IntArray) -> FittedNaive:  # noqa: ARG002
        """See `BatchForecaster.fit`."""
        return FittedNaive(np.sqrt(np.nanmean((values[:, YEAR:] - values[:, :-YEAR]) ** 2, axis=1)))


def autocorrelation(residual: FloatArray) -> FloatArray:
    """Lag-1 autocorrelation of each series from the pairs of neighbours that both exist, in [0, MAX_PERSISTENCE]."""
    before, after = residual[:, :-1], residual[:, 1:]
    pair = np.isfinite(before) & np.isfinite(after)
    power = np.sum(np.where(pair, before, 0.0) ** 2, axis=1)
    product = np.sum(np.where(pair, before * after, 0.0), axis=1)
    ratio = np.divide(product, power, out=np.zeros_like(power), where=power > 0)
    return np.asarray(np.clip(ratio, 0.0, MAX_PERSISTENCE))


@dataclass(frozen=True)
class FittedTrends:
    """As `climate.forecasters.classical.trend.FittedTrend`, with a leading dimension of series."""

    fitted: int
    coefficients: FloatArray
    covariance: FloatArray
    innovation: FloatArray
    persistence: FloatArray

    def forecast(self, values: FloatArray, months: IntArray, leads: int) -> FloatArray:
        """See `FittedBatch.forecast`."""
        length, rows = values.shape[1], np.arange(len(values))
        last = last_known(values)
        past = design(months[last], last - self.fitted + 1)
        ahead = design(calendar_after(months, leads), length - self.fitted + np.arange(1, leads + 1))
        residual = values[rows, last] - np.einsum("sk,sk->s", past, self.coefficients)
        decay = self.persistence[:, None] ** ((length - 1 - last)[:, None] + np.arange(1.0, leads + 1))
        contrast = ahead - decay[..., None] * past[:, None, :]
        estimation = np.einsum("slj,sjk,slk->sl", contrast, self.covariance, contrast, optimize=True)
        variance = self.innovation[:, None] * (1 - decay**2) / (1 - self.persistence[:, None] ** 2) + estimation
        return quantiles(self.coefficients @ ahead.T + decay * residual[:, None], np.sqrt(variance))


@dataclass(frozen=True)
class TrendBatch:
    """See `climate.forecasters.classical.trend.ClimatologyTrend`."""

    residual: bool = False
    window: int = NORMAL_MONTHS

    def fit(self, values: FloatArray, months: IntArray) -> FittedTrends:
        """See `BatchForecaster.fit`."""
        recent, calendar = values[:, -self.window :], months[-self.window :]
        regressors = design(calendar, np.arange(recent.shape[1]) - recent.shape[1] + 1)
        coefficients, covariance, variance = _least_squares(_Products.of(regressors, regressors, recent, recent))
        persistence = autocorrelation(recent - coefficients @ regressors.T)
        if not self.residual:
            inflation = (1 + persistence) / (1 - persistence)
            nothing = np.zeros(len(values))
            return FittedTrends(values.shape[1], coefficients, covariance * inflation[:, None, None], variance, nothing)
        now, before = recent[:, 1:], recent[:, :-1]
        both = np.isfinite(now) & np.isfinite(before)
        now, before = np.where(both, now, np.nan), np.where(both, before, np.nan)
        ahead, behind = regressors[1:], regressors[:-1]
        parts = (
            _Products.of(ahead, ahead, now, now),
            _Products.of(ahead, behind, now, before),
            _Products.of(behind, ahead, before, now),
            _Products.of(behind, behind, before, before),
        )
        for _ in range(ITERATIONS):
            coefficients, covariance, variance = _least_squares(_differenced(parts, persistence))
            persistence = autocorrelation(recent - coefficients @ regressors.T)
        return FittedTrends(values.shape[1], coefficients, covariance, variance, persistence)


@dataclass(frozen=True)
class _Products:
    """Sums over the months that a series has: regressors by regressors, regressors by values, values by values."""

    inner: FloatArray
    outer: FloatArray
    power: FloatArray
    count: FloatArray

    @classmethod
    def of(cls, left: FloatArray, right: FloatArray, first: FloatArray, second: FloatArray) -> _Products:
        known = np.isfinite(first) & np.isfinite(second)
        pairs = (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
        inner = (known.astype(float) @ pairs).reshape(len(first), left.shape[1], right.shape[1])
        filled = np.where(known, second, 0.0)
        return cls(inner, filled @ left, np.sum(np.where(known, first, 0.0) * filled, axis=1), known.sum(axis=1))


def _differenced(parts: tuple[_Products, ...], persistence: FloatArray) -> _Products:
    """The products of months less `persistence` (series) times the month before."""
    weights = (np.ones_like(persistence), -persistence, -persistence, persistence**2)
    pairs = list(zip(weights, parts, strict=True))
    return _Products(
        np.sum([weight[:, None, None] * part.inner for weight, part in pairs], axis=0),
        np.sum([weight[:, None] * part.outer for weight, part in pairs], axis=0),
        np.sum([weight * part.power for weight, part in pairs], axis=0),
        parts[0].count,
    )


def _least_squares(products: _Products) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coefficients (series, k), their covariance for independent errors, and the error variance (series)."""
    inverse = np.linalg.pinv(products.inner, hermitian=True)
    coefficients = np.einsum("sjk,sk->sj", inverse, products.outer)
    left = np.maximum(products.count - products.inner.shape[1], 1)
    square = products.power - np.einsum("sk,sk->s", coefficients, products.outer)
    variance = np.maximum(square, 0.0) / left
    return coefficients, variance[:, None, None] * inverse, variance


BATCHES: dict[str, Callable[[], BatchForecaster]] = {
    "seasonal-naive": SeasonalNaiveBatch,
    "climatology-trend": TrendBatch,
    "trend-ar1": lambda: TrendBatch(residual=True),
}
"""Makers of the forecasters that have a form for many series, by the name of their single form."""
