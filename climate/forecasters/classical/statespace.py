"""SARIMA, unobserved components and trend with ARMA error: statsmodels state space models with fast options.

The Kalman filter skips missing months, so NaN is allowed anywhere. A fit that fails is replaced by the trend with an
AR(1) residual and counted in `fallbacks`; one that merely stops at the iteration cap is kept. Between estimations the
filter runs over the longer history with the parameters held.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
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

    @abstractmethod
    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:
        """The model of `values`; `estimating` allows a shortcut that has the same parameters."""

    def estimate(self, model: MLEModel) -> FloatArray:
        """Parameters at the highest likelihood; by the optimiser of statsmodels unless overridden."""
        return np.asarray(model.fit(disp=0, cov_type="none", maxiter=MAX_ITERATIONS).params, dtype=float)

    def window(self, values: FloatArray) -> FloatArray:
        """The newest part of the record that the model sees; all of it unless overridden."""
        return values

    def forecast_options(self, seen: int, leads: int) -> dict[str, Any]:  # noqa: ARG002
        """Further arguments of `get_forecast` after `seen` months; none unless overridden."""
        return {}

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = history_values(history)
        scale = Scale.of(values)
        try:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                model = self.model(self.window(scale.down(values)), estimating=True)
                fitted = FittedStateSpace(self, scale, self.estimate(model))
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

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        values = self.forecaster.window(self.scale.down(history_values(history)))
        with warnings.catch_warnings(action="ignore"):
            state: Any = self.forecaster.model(values, estimating=False).filter(self.estimates, cov_type="none")
            ahead = state.get_forecast(leads, **self.forecaster.forecast_options(values.size, leads))
        mean, deviation = np.asarray(ahead.predicted_mean, float), np.asarray(ahead.se_mean, float)
        return self.scale.up(normal_quantiles(mean, deviation))

    def means(self, history: xr.Dataset, leads: int) -> FloatArray:
        """Mean forecasts (time, lead) from every month of `history`, each by the state filtered up to that month.

        For models without regressors and intercepts: then the forecast is the design times a power of the transition.
        """
        values = self.scale.down(history_values(history))
        with warnings.catch_warnings(action="ignore"):
            result: Any = self.forecaster.model(values, estimating=False).filter(self.estimates, cov_type="none")
        ssm = result.filter_results
        design, transition, state = ssm.design[:, :, 0], ssm.transition[:, :, 0], ssm.filtered_state
        means = np.empty((values.size, leads))
        for lead in range(leads):
            state = transition @ state
            means[:, lead] = (design @ state)[0]
        return self.scale.up(means)


@dataclass(frozen=True)
class Sarima(StateSpace):
    """SARIMA(1,1,1)(0,1,1)12: the airline model (Box and Jenkins 1970) with one autoregressive term.

    Estimated on the differenced record with the variance concentrated out of the likelihood; forecast on the record.
    """

    name: str = "sarima"
    order: tuple[int, int, int] = (1, 1, 1)
    seasonal_order: tuple[int, int, int] = (0, 1, 1)
    extra_parameters: ClassVar[int] = 1

    def model(self, values: FloatArray, *, estimating: bool) -> MLEModel:
        """See `StateSpace.model`."""
        seasonal = (*self.seasonal_order, MONTHS_PER_YEAR)
        return SARIMAX(
            values, order=self.order, seasonal_order=seasonal, simple_differencing=estimating, concentrate_scale=True
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

    def window(self, values: FloatArray) -> FloatArray:
        """See `StateSpace.window`."""
        return values[-NORMAL_MONTHS:]

    def forecast_options(self, seen: int, leads: int) -> dict[str, Any]:
        """See `StateSpace.forecast_options`."""
        return {"exog": self.regressors(np.arange(seen, seen + leads))}

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
