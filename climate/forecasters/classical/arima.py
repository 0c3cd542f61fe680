"""ARIMA models whose order is chosen by a criterion, and ARIMA models with covariates: statsmodels' SARIMAX.

The covariate models regress on lagged means of every covariate. A lead needs future months of the covariate: those are
forecast (`covariate_forecast`), and the uncertainty of that forecast is part of the quantiles. NaN is allowed anywhere
in the record. A fit that fails is replaced by the trend with an AR(1) residual and counted in `fallbacks`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import xarray as xr
from statsmodels.tsa.statespace.sarimax import SARIMAX

from climate.forecasters.base import (
    EachPlace,
    FittedPlace,
    FloatArray,
    Hindcasting,
    IntArray,
    calendar_months,
    corrected_aic,
    history_covariates,
    history_values,
    normal_quantiles,
    require_months,
)
from climate.forecasters.classical.covariate_forecast import CovariateModel, covariate_models, extended
from climate.forecasters.classical.statespace import (
    DECADE,
    MAX_ITERATIONS,
    MIN_MONTHS,
    Sarima,
    Scale,
    from_states,
    innovation_variance,
)
from climate.forecasters.classical.trend import NORMAL_MONTHS, Fallback, design, least_squares
from climate.forecasters.features import trailing_mean
from climate.schema import MONTHS_PER_YEAR

WINDOWS = ((3, 0), (3, 3), (6, 6), (12, 12))
"""Length and lag of each covariate's means (months): the last two years. With equal coefficients they are its running
sum, to which the level of CO2 responds."""

Order = tuple[int, int, int]
"""Autoregressive, moving-average and seasonal autoregressive order: p, q and P."""

START: Order = (1, 1, 0)
"""Order at which the search starts, that of `sarima`."""

MAX_ORDER = 2
"""Highest p and q."""


@dataclass(frozen=True)
class SarimaAuto(EachPlace):
    """SARIMA(p,1,q)(P,1,1)12 with p, q up to MAX_ORDER and P up to 1, by the smallest corrected AIC in the fold.

    The search moves from `sarima`'s order to the best neighbour until none is better (Hyndman and Khandakar 2008,
    doi:10.18637/jss.v027.i03). Both differences stay, since criteria are comparable under equal differences only.
    """

    name: str = "sarima-auto"

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = history_values(history)
        scaled = Scale.of(values).down(values)
        criterion = cache(lambda order: _criterion(scaled, order))
        best, better = None, START
        while best is None or criterion(better) < criterion(best):
            best = p, q, seasonal = better
            neighbours = [(p + i, q + j, seasonal) for i in (-1, 0, 1) for j in (-1, 0, 1)] + [(p, q, 1 - seasonal)]
            allowed = [order for order in neighbours if 0 <= order[0] <= MAX_ORDER and 0 <= order[1] <= MAX_ORDER]
            better = min(allowed, key=criterion)
        return _sarima(best).fit_place(history)


def _sarima(order: Order) -> Sarima:
    p, q, seasonal = order
    return Sarima(order=(p, 1, q), seasonal_order=(seasonal, 1, 1))


def _criterion(values: FloatArray, order: Order) -> float:
    model = _sarima(order).model(values, estimating=True)
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            result: Any = model.fit(disp=0, maxiter=MAX_ITERATIONS, cov_type="none")
            return corrected_aic(result.aic, result.params.size + 1, result.nobs_effective)
    except (np.linalg.LinAlgError, ValueError):
        return np.inf


def lagged_means(anomaly: FloatArray) -> FloatArray:
    """Means of a covariate's anomaly over WINDOWS (time, window); 0, its climatology, before its record starts."""
    return np.column_stack([np.nan_to_num(trailing_mean(anomaly, length, lag)) for length, lag in WINDOWS])


@dataclass(frozen=True)
class FittedCovariateArima(Hindcasting):
    """Model of each covariate, and the parameters of the model that reads it."""

    forecaster: CovariateArima
    scale: Scale
    estimates: FloatArray
    covariates: tuple[CovariateModel, ...]
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated values: error model and variance, coefficients, models of the covariates."""
        width = self.forecaster.regressors([np.zeros(1)] * len(self.covariates), 1).shape[1]
        return int(self.estimates.size + 1 + width) + sum(model.parameters for model in self.covariates)

    def hindcasts(
        self, history: xr.Dataset, ends: Sequence[int], leads: int, ahead: FloatArray | None = None
    ) -> FloatArray:
        """See `Hindcasting.hindcasts`.

        Args:
            history, ends, leads: see `Hindcasting.hindcasts`.
            ahead: realised covariates (end, lead, covariate) instead of forecast ones; NaN is forecast. The result is a
                ceiling and no forecast, see `hindcast.known_covariates`.
        """
        realised = [None] * len(ends) if ahead is None else list(ahead)
        coming = np.stack([self.coming(history, end, leads, row) for end, row in zip(ends, realised, strict=True)])
        # a window moves with the end, which then needs a pass of its own
        passes = [slice(row, row + 1) for row in range(len(ends))] if self.forecaster.months else [slice(None)]
        each = [self.of_one_pass(history, np.asarray(ends)[part], coming[part], ahead is None) for part in passes]
        return np.concatenate(each)

    def coming(self, history: xr.Dataset, end: int, leads: int, realised: FloatArray | None) -> FloatArray:
        """Regressors (lead, regressor) after the first `end` months, from `realised` covariates (lead, covariate)."""
        columns = history_covariates(history)[:end]
        if realised is not None:
            columns = np.concatenate([columns, realised])
        months = (calendar_months(history)[0] + np.arange(end + leads)) % MONTHS_PER_YEAR
        return self.forecaster.regressors(extended(self.covariates, columns, months), end + leads)[end:]

    def of_one_pass(self, history: xr.Dataset, ends: IntArray, coming: FloatArray, uncertain: bool) -> FloatArray:
        """Quantiles (end, lead, quantile); `uncertain`: the regressors to come (end, lead, regressor) are forecasts."""
        history, leads = history.isel(time=slice(0, int(ends[-1]))), coming.shape[1]
        values = self.scale.down(history_values(history))
        anomalies = extended(self.covariates, history_covariates(history), calendar_months(history))
        known, start = self.forecaster.regressors(anomalies, values.size), self.forecaster.start(values.size)
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            model = self.forecaster.model(values[start:], known[start:])
            model.ssm.filter_concentrated = False
            ssm: Any = model.filter(self.estimates, cov_type="none").filter_results
        origins, own = ends - 1 - start, ssm.k_states - known.shape[1]
        fixed = np.broadcast_to(ssm.design[0, :own, 0], (ends.size, leads, own))
        mean, variance = from_states(ssm, origins, np.concatenate([fixed, coming], axis=-1))
        variance *= innovation_variance(ssm)[origins, None]
        if uncertain:
            coefficients = ssm.filtered_state[own:, origins].T
            variance += np.stack([self.covariate_variance(of_origin, leads) for of_origin in coefficients])
        return self.scale.up(normal_quantiles(mean, np.sqrt(variance)))

    def covariate_variance(self, coefficients: FloatArray, leads: int) -> FloatArray:
        """Variance (lead) added by the covariates' forecasts; shocks of different covariates count as independent.

        `coefficients` are those of the regressors, the covariates' first.
        """
        width = len(WINDOWS)
        total = np.zeros(leads)
        for index, covariate in enumerate(self.covariates):
            path = np.concatenate([np.zeros(max(length + lag for length, lag in WINDOWS)), covariate.response(leads)])
            effect = lagged_means(path)[-leads:] @ coefficients[index * width : (index + 1) * width]
            total += np.cumsum(effect**2)
        return total


@dataclass(frozen=True)
class CovariateArima(EachPlace):
    """SARIMAX on lagged means of the covariates; without covariates, on the record alone.

    `trend`: calendar months and a line over the trailing `months` are regressors too, as in `trend-arma`; otherwise the
    differences of the order take care of both.
    """

    name: str
    order: tuple[int, int, int]
    seasonal_order: tuple[int, int, int]
    trend: bool = False
    months: int = 0

    def regressors(self, anomalies: list[FloatArray], months: int) -> FloatArray:
        """Regressors (time, regressor): the covariates' means first, then calendar months and decades."""
        columns = [lagged_means(anomaly) for anomaly in anomalies]
        if self.trend:
            position = np.arange(months)
            columns.append(design(position % MONTHS_PER_YEAR, position / DECADE))
        return np.column_stack(columns) if columns else np.empty((months, 0))

    def start(self, months: int) -> int:
        """Position of the first of `months` that the model sees."""
        return max(months - self.months, 0) if self.months else 0

    def model(self, values: FloatArray, regressors: FloatArray) -> SARIMAX:
        """The statsmodels model, its coefficients in the state so that the quantiles include their uncertainty."""
        seasonal = (*self.seasonal_order, MONTHS_PER_YEAR)
        if not regressors.shape[1]:
            return SARIMAX(values, order=self.order, seasonal_order=seasonal, concentrate_scale=True)
        return SARIMAX(
            values,
            exog=regressors,
            order=self.order,
            seasonal_order=seasonal,
            mle_regression=False,
            concentrate_scale=True,
        )

    def differenced(self, values: FloatArray) -> FloatArray:
        """Values (time, ...) after the differences of the order."""
        for _ in range(self.order[1]):
            values = np.diff(values, axis=0)
        for _ in range(self.seasonal_order[1]):
            values = values[MONTHS_PER_YEAR:] - values[:-MONTHS_PER_YEAR]
        return values

    def residual(self, values: FloatArray, regressors: FloatArray) -> FloatArray:
        """Values less their regression, by least squares on the differences, which is where the error is stationary."""
        if not regressors.shape[1]:
            return values
        coefficients = least_squares(self.differenced(regressors), self.differenced(values))
        return values - regressors @ coefficients

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`; the error model is estimated from the residual of the regression."""
        require_months(history, MIN_MONTHS, self.name)
        values, months = history_values(history), calendar_months(history)
        scale = Scale.of(values)
        models = covariate_models(history)
        anomalies = extended(models, history_covariates(history), months)
        start = self.start(values.size)
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                residual = self.residual(scale.down(values)[start:], self.regressors(anomalies, values.size)[start:])
                model = SARIMAX(
                    residual,
                    order=self.order,
                    seasonal_order=(*self.seasonal_order, MONTHS_PER_YEAR),
                    simple_differencing=True,
                    concentrate_scale=True,
                )
                result: Any = model.fit(disp=0, maxiter=MAX_ITERATIONS, cov_type="none")
            fitted = FittedCovariateArima(self, scale, np.asarray(result.params, float), models)
            if np.isfinite(fitted.forecast(history, MONTHS_PER_YEAR)).all():
                return fitted
        except (np.linalg.LinAlgError, ValueError):
            pass
        return Fallback.of(history)


def sarimax_enso() -> CovariateArima:
    """`sarima` with covariates."""
    return CovariateArima("sarimax-enso", (1, 1, 1), (0, 1, 1))


def trend_arma_enso() -> CovariateArima:
    """`trend-arma` with covariates."""
    return CovariateArima("trend-arma-enso", (1, 0, 1), (0, 0, 0), trend=True, months=NORMAL_MONTHS)
