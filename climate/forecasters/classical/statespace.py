"""SARIMA, unobserved components and trend with ARMA error: statsmodels state space models with fast options.

The Kalman filter skips missing months, so NaN is allowed anywhere. A fit that fails is replaced by the trend with an
AR(1) residual and counted in `fallbacks`; one that merely stops at the iteration cap is kept. Between estimations the
filter runs over the longer history with the parameters held.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from statsmodels.tsa.statespace.mlemodel import MLEModel
from statsmodels.tsa.statespace.sarimax import SARIMAX
from statsmodels.tsa.statespace.structural import UnobservedComponents as StructuralModel

from climate.forecasters.base import (
    HARMONICS,
    EachPlace,
    FittedPlace,
    FloatArray,
    Hindcasting,
    IntArray,
    history_values,
    normal_quantiles,
    require_months,
)
from climate.forecasters.classical.likelihood import highest_likelihood
from climate.forecasters.classical.trend import NORMAL_MONTHS, Fallback, design, least_squares
from climate.schema import MONTHS_PER_YEAR

DECADE = 10
"""Divisor of the time regressor (years), which keeps it of order one."""

MIN_MONTHS = 120
"""Months with a value that maximum likelihood needs at least."""

MAX_ITERATIONS = 60
"""Cap of the optimiser; more iterations leave three digits of the estimates on records of 60-80 years unchanged."""


@dataclass(frozen=True)
class Scale:
    """Shift and unit that bring a record to order one, so that the optimiser does not depend on its unit."""

    shift: float
    unit: float

    @classmethod
    def of(cls, values: FloatArray) -> Scale:
        """Mean, and standard deviation of the month-to-month change (1 where that is 0)."""
        unit = float(np.nanstd(np.diff(values)))
        return cls(float(np.nanmean(values)), unit if np.isfinite(unit) and unit > 0 else 1.0)

    def down(self, values: FloatArray) -> FloatArray:
        """From the record's unit to order one."""
        return (values - self.shift) / self.unit

    def up(self, values: FloatArray) -> FloatArray:
        """The inverse of `down`."""
        return self.shift + self.unit * values


class StateSpace(EachPlace):
    """A forecaster that maximises the likelihood of a statsmodels state space model."""

    name: str
    extra_parameters: ClassVar[int] = 0
    """Values estimated besides the model's own parameters: a concentrated variance, coefficients in the state."""
    concentrated: ClassVar[bool] = False
    """Whether the variance is concentrated out of the likelihood."""

    @abstractmethod
    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:
        """The model of `values`; `estimating` allows a shortcut that has the same parameters."""

    def fitted(self, scale: Scale, values: FloatArray) -> FittedPlace:
        """The fit to `values` of order one."""
        return FittedTimeInvariant(self, scale, self.estimate(self.model(values, estimating=True)))

    def estimate(self, model: MLEModel) -> FloatArray:
        """Parameters at the highest likelihood; by the optimiser of statsmodels unless overridden."""
        return np.asarray(model.fit(disp=0, cov_type="none", maxiter=MAX_ITERATIONS).params, dtype=float)

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = history_values(history)
        scale = Scale.of(values)
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                fitted = self.fitted(scale, scale.down(values))
            if np.isfinite(fitted.forecast(history, MONTHS_PER_YEAR)).all():
                return fitted
        except (np.linalg.LinAlgError, ValueError):
            pass
        return Fallback.of(history)


@dataclass(frozen=True)
class FittedStateSpace:
    """Parameters of a state space model; the state follows from the history."""

    forecaster: StateSpace
    scale: Scale
    estimates: FloatArray
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated parameters."""
        return int(self.estimates.size) + self.forecaster.extra_parameters

    def filtered(self, values: FloatArray) -> Any:
        """Results of the filter over values of order one."""
        with warnings.catch_warnings(action="ignore"):
            return self.forecaster.model(values, estimating=False).filter(self.estimates, cov_type="none")


class FittedTimeInvariant(FittedStateSpace, Hindcasting):
    """A model without regressors and intercepts: every month's filtered state holds all that its forecast needs."""

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`: one pass of the filter."""
        ssm = self.unscaled(history)
        origins = np.asarray(ends) - 1
        designs = np.broadcast_to(ssm.design[0, :, 0], (origins.size, leads, ssm.k_states))
        mean, variance = from_states(ssm, origins, designs)
        if self.forecaster.concentrated:
            variance *= innovation_variance(ssm)[origins, None]
        return self.scale.up(normal_quantiles(mean, np.sqrt(variance)))

    def means(self, history: xr.Dataset, leads: int) -> FloatArray:
        """Mean forecasts (time, lead) from every month of `history`, each by the state filtered up to that month."""
        ssm = self.unscaled(history)
        design, transition, state = ssm.design[:, :, 0], ssm.transition[:, :, 0], ssm.filtered_state
        means = np.empty((state.shape[1], leads))
        for lead in range(leads):
            state = transition @ state
            means[:, lead] = (design @ state)[0]
        return self.scale.up(means)

    def unscaled(self, history: xr.Dataset) -> Any:
        """Results of the filter, a variance that is concentrated out taken as 1: none depends on later months."""
        model = self.forecaster.model(self.scale.down(history_values(history)), estimating=False)
        model.ssm.filter_concentrated = False
        with warnings.catch_warnings(action="ignore"):
            return model.filter(self.estimates, cov_type="none").filter_results


def from_states(ssm: Any, origins: IntArray, designs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance (origin, lead) of forecasts from filtered states. Durbin and Koopman (2012), section 4.11.

    Args:
        ssm: results of the filter.
        origins: positions in time.
        designs: what of the state is observed (origin, lead, state).
    """
    transition, selection = ssm.transition[:, :, 0], ssm.selection[:, :, 0]
    noise = selection @ ssm.state_cov[:, :, 0] @ selection.T
    state = ssm.filtered_state[:, origins].T
    covariance = np.moveaxis(ssm.filtered_state_cov[:, :, origins], -1, 0)
    mean, variance = np.empty(designs.shape[:2]), np.empty(designs.shape[:2])
    for lead in range(designs.shape[1]):
        state, covariance = state @ transition.T, transition @ covariance @ transition.T + noise
        design = designs[:, lead]
        mean[:, lead] = (design * state).sum(axis=1)
        variance[:, lead] = (design[:, None] @ covariance @ design[..., None])[:, 0, 0] + ssm.obs_cov[0, 0, 0]
    return mean, variance


def innovation_variance(ssm: Any) -> FloatArray:
    """Variance (time) that is concentrated out, estimated from the months up to each.

    `ssm`: see `unscaled`. Harvey (1989), Forecasting, structural time series models and the Kalman filter, section 3.4.
    """
    counted = (np.arange(ssm.nobs) >= ssm.loglikelihood_burn) & (ssm.nmissing == 0)
    squares = np.where(counted, ssm.forecasts_error[0] ** 2 / ssm.forecasts_error_cov[0, 0], 0.0)
    return np.asarray(np.cumsum(squares) / np.maximum(np.cumsum(counted), 1))


@dataclass(frozen=True)
class Sarima(StateSpace):
    """SARIMA(1,1,1)(0,1,1)12: the airline model (Box and Jenkins 1970) with one autoregressive term.

    Estimated on the differenced record with the variance concentrated out of the likelihood; forecast on the record.
    """

    name: str = "sarima"
    order: tuple[int, int, int] = (1, 1, 1)
    seasonal_order: tuple[int, int, int] = (0, 1, 1)
    extra_parameters: ClassVar[int] = 1
    concentrated: ClassVar[bool] = True

    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:
        """See `StateSpace.model`."""
        seasonal = (*self.seasonal_order, MONTHS_PER_YEAR)
        return SARIMAX(
            values,
            order=self.order,
            seasonal_order=seasonal,
            simple_differencing=estimating,
            concentrate_scale=self.concentrated,
        )


@dataclass(frozen=True)
class UnobservedComponents(StateSpace):
    """Smooth trend, trigonometric season that may change, AR(1) cycle and noise (Harvey 1989)."""

    name: str = "unobserved-components"

    def estimate(self, model: MLEModel) -> FloatArray:
        """See `StateSpace.estimate`."""
        return highest_likelihood(model)

    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:  # noqa: ARG002
        """See `StateSpace.model`."""
        season = [{"period": MONTHS_PER_YEAR, "harmonics": HARMONICS}]
        return StructuralModel(values, level="strend", freq_seasonal=season, autoregressive=1, loglikelihood_burn=0)


@dataclass(frozen=True)
class TrendArma(StateSpace):
    """Mean of each calendar month plus one linear trend over the trailing 30 years, with an ARMA(1,1) error.

    The coefficients are part of the state, so that the quantiles include their uncertainty. An AR(1) anomaly with
    month-to-month noise is an ARMA(1,1).
    """

    name: str = "trend-arma"
    extra_parameters: ClassVar[int] = MONTHS_PER_YEAR + 1

    def fitted(self, scale: Scale, values: FloatArray) -> FittedPlace:
        """See `StateSpace.fitted`."""
        model = self.model(values[-NORMAL_MONTHS:], estimating=True)
        return FittedTrendArma(self, scale, self.estimate(model))

    def regressors(self, position: IntArray) -> FloatArray:
        """Calendar months, counted from the start of the window, and the time in decades."""
        return design(position % MONTHS_PER_YEAR, position / DECADE)

    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:
        """See `StateSpace.model`; the error is estimated from the residual of ordinary least squares."""
        order = (1, 0, 1)
        regressors = self.regressors(np.arange(values.size))
        if estimating:
            return SARIMAX(values - regressors @ least_squares(regressors, values), order=order)
        return SARIMAX(values, exog=regressors, order=order, mle_regression=False)


@dataclass(frozen=True)
class FittedTrendArma(FittedStateSpace):
    """Its window moves with the origin, so that every origin needs its own pass of the filter."""

    forecaster: TrendArma

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        values = self.scale.down(history_values(history))[-NORMAL_MONTHS:]
        coming = self.forecaster.regressors(np.arange(values.size, values.size + leads))
        with warnings.catch_warnings(action="ignore"):
            ahead = self.filtered(values).get_forecast(leads, exog=coming)
        mean, deviation = np.asarray(ahead.predicted_mean, float), np.asarray(ahead.se_mean, float)
        return self.scale.up(normal_quantiles(mean, deviation))
