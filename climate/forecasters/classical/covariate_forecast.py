"""Forecasts of covariates, for models that need a covariate's future; realised values are never used.

The model of each covariate is its mean by calendar month plus an autoregression, whose length the corrected AIC chooses
in the fold; so a forecast decays to climatology, as ENSO's does within about a year. Months not yet published are
forecast too. Missing months inside the record are interpolated, those before its start are climatology.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.signal import lfilter

from climate.forecasters.base import FloatArray, IntArray, calendar_months, corrected_aic, fill_gaps, history_covariates
from climate.schema import MONTHS_PER_YEAR

LAGS = (1, 2, 3, 6, 9, 12)
"""Candidate lengths of the autoregression (months)."""

MIN_ROWS = 60
"""Months of a covariate that the longest autoregression needs; with fewer, the forecast is climatology."""


@dataclass(frozen=True)
class CovariateModel:
    """Mean by calendar month (12), autoregression (lag; empty for none) and innovation deviation of one covariate."""

    season: FloatArray
    coefficients: FloatArray
    deviation: float

    @classmethod
    def estimate(cls, column: FloatArray, months: IntArray) -> CovariateModel:
        """Estimate on a covariate (time; may hold NaN) with its calendar months."""
        known = np.isfinite(column)
        if known.sum() < MONTHS_PER_YEAR:
            return cls(np.zeros(MONTHS_PER_YEAR), np.empty(0), 0.0)
        by_month = [column[known & (months == month)] for month in range(MONTHS_PER_YEAR)]
        season = np.array([values.mean() if values.size else column[known].mean() for values in by_month])
        span = slice(int(np.flatnonzero(known)[0]), int(np.flatnonzero(known)[-1]) + 1)
        anomaly = fill_gaps(column[span] - season[months[span]])
        if anomaly.size < max(LAGS) + MIN_ROWS or not anomaly.any():
            return cls(season, np.empty(0), float(anomaly.std()))
        best: tuple[float, FloatArray, float] | None = None
        target = anomaly[max(LAGS) :]
        for length in LAGS:
            rows = np.column_stack([anomaly[max(LAGS) - lag : anomaly.size - lag] for lag in range(1, length + 1)])
            coefficients = np.linalg.lstsq(rows, target, rcond=None)[0]
            variance = float(np.mean((target - rows @ coefficients) ** 2))
            aic = target.size * np.log(variance + np.finfo(float).tiny) + 2 * (length + 1)
            criterion = corrected_aic(aic, length + 1, target.size)
            if best is None or criterion < best[0]:
                best = criterion, coefficients, float(np.sqrt(variance))
        assert best is not None
        return cls(season, best[1], best[2])

    @property
    def parameters(self) -> int:
        """Number of estimated values."""
        return self.season.size + self.coefficients.size + 1

    def extend(self, column: FloatArray, months: IntArray) -> FloatArray:
        """Anomalies from the covariate's climatology in all `months`: observed, then forecast from the last value.

        `column` (time) begins with `months` and may end before them.
        """
        known = np.flatnonzero(np.isfinite(column))
        total = np.zeros(months.size)
        if not known.size:
            return total
        first, last = int(known[0]), int(known[-1]) + 1
        total[first:last] = fill_gaps(column[first:last] - self.season[months[first:last]])
        length = self.coefficients.size
        for month in range(last, total.size):
            recent = total[max(month - length, 0) : month][::-1]
            total[month] = recent @ self.coefficients[: recent.size]
        return total

    def response(self, leads: int) -> FloatArray:
        """Anomaly at leads 1..leads after a shock of one standard deviation at lead 1."""
        shock = np.zeros(leads)
        shock[0] = self.deviation
        return np.asarray(lfilter([1.0], np.r_[1.0, -self.coefficients], shock))


def extended(models: Sequence[CovariateModel], columns: FloatArray, months: IntArray) -> list[FloatArray]:
    """`CovariateModel.extend` of each model, from columns (time, covariate)."""
    return [model.extend(column, months) for model, column in zip(models, columns.T, strict=True)]


def covariate_models(history: xr.Dataset) -> tuple[CovariateModel, ...]:
    """One model per covariate of `history`."""
    months = calendar_months(history)
    return tuple(CovariateModel.estimate(column, months) for column in history_covariates(history).T)
