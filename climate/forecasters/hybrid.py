"""Hybrids: a structural expectation, and a model of the contribution of ENSO.

The expectation of every month is the mean of two forecasts from the record alone: SARIMA, which follows every change of
the growth rate, and damped persistence around a trailing line (`features`), which follows none. The second model sees
neither level nor slope, only lagged covariates and the season, and predicts the residual of the expectation: where it
has no skill, the structural forecast stands. `ridge-hybrid` is linear; `lstm-hybrid` starts at that linear model and
adds a recurrent path that reads the last years of the covariates and of the expectation's own errors.

Zhang (2003), doi:10.1016/S0925-2312(01)00702-0, on ARIMA with a network for its residual. Expectation, predictors and
penalty were chosen on origins whose forecasts end before 2004: docs/forecasters.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    EachPlace,
    FittedPlace,
    FloatArray,
    Hindcasting,
    calendar_months,
    history_values,
    normal_quantiles,
    require_leads,
    require_months,
    season_waves,
)
from climate.forecasters.classical.statespace import FittedTimeInvariant, Sarima
from climate.forecasters.features import (
    WARM_UP,
    Frame,
    Scaler,
    ahead_of,
    filled_covariates,
    lookback_windows,
    trailing_mean,
)
from climate.forecasters.linear import ridge_start
from climate.schema import MAX_LEADS, MONTHS_PER_YEAR

MIN_MONTHS = 216
"""Months with a value that training needs: the warm-up of the predictors and eight years of targets."""

COVARIATE_WINDOWS = ((3, 0), (3, 3), (6, 6))
"""Length and lag of each covariate's means (months): the last year, finer towards the origin."""

SEASONAL_WINDOWS = 2
"""Number of windows, from the newest, that also enter multiplied by the annual cycle: ENSO acts by season."""


def covariate_predictors(history: xr.Dataset) -> FloatArray:
    """Lagged means of `features.filled_covariates`, some of them times the season, and the season (time, predictor).

    NaN before the means exist.
    """
    waves = season_waves(calendar_months(history))
    columns: list[FloatArray] = []
    for covariate in filled_covariates(history).T:
        means = [trailing_mean(covariate, length, lag) for length, lag in COVARIATE_WINDOWS]
        columns += means
        columns += [np.asarray(mean * wave) for mean in means[:SEASONAL_WINDOWS] for wave in waves.T]
    return np.column_stack([*columns, waves])


@dataclass(frozen=True)
class Expectation:
    """The structural forecast from the record alone, estimated once per fold."""

    frame: Frame
    model: FittedPlace

    @classmethod
    def estimate(cls, history: xr.Dataset) -> Expectation:
        """Estimate both forecasts on `history`."""
        return cls(Frame.estimate(history, MAX_LEADS), Sarima().fit_place(history))

    @property
    def parameters(self) -> int:
        """Number of values estimated."""
        return self.frame.parameters + self.model.parameters

    def __call__(self, history: xr.Dataset) -> FloatArray:
        """Expected values (time, lead) from every month, in the record's unit; NaN in the first WARM_UP months.

        Where SARIMA could not be fitted, damped persistence alone.
        """
        months = calendar_months(history)
        season = self.frame.season[(months[:, None] + np.arange(1, MAX_LEADS + 1)) % MONTHS_PER_YEAR]
        expected = self.frame.rows(history, MAX_LEADS, 1).expected + season
        if isinstance(self.model, FittedTimeInvariant):
            expected = (expected + self.model.means(history, MAX_LEADS)) / 2
        expected[:WARM_UP] = np.nan
        return np.asarray(expected)


def sequences(history: xr.Dataset, expected: FloatArray, lookback: int) -> FloatArray:
    """Input of the recurrent path (time, lookback, channel): the expectation's errors, covariates and season.

    The error of a month is its value less the expectation one month before; 0 where either is missing.
    """
    error = np.zeros(expected.shape[0])
    error[1:] = np.nan_to_num(history_values(history)[1:] - expected[:-1, 0])
    return lookback_windows([error, filled_covariates(history), season_waves(calendar_months(history))], lookback)


def training_rows(history: xr.Dataset, expectation: Expectation) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Predictors (time, predictor), expected values and targets (time, lead) of every month of `history`."""
    expected = expectation(history)
    return covariate_predictors(history), expected, ahead_of(history_values(history), MAX_LEADS) - expected


@dataclass(frozen=True)
class FittedRidgeHybrid(Hindcasting):
    """Expectation, scaler, and the coefficients of every lead with their residual deviation."""

    expectation: Expectation
    scaler: Scaler
    coefficients: FloatArray
    intercepts: FloatArray
    deviation: FloatArray

    @property
    def fallbacks(self) -> int:
        """1 where SARIMA could not be fitted."""
        return self.expectation.model.fallbacks

    @property
    def parameters(self) -> int:
        """Number of estimated values."""
        return int(self.expectation.parameters + self.coefficients.size + 2 * self.intercepts.size)

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`; raises ValueError for more than MAX_LEADS leads."""
        require_leads(leads, "ridge-hybrid")
        origins = np.asarray(ends) - 1
        rows = self.scaler(covariate_predictors(history)[origins])
        mean = self.expectation(history)[origins] + rows @ self.coefficients + self.intercepts
        return normal_quantiles(mean, self.deviation)[:, :leads]


@dataclass(frozen=True)
class RidgeHybrid(EachPlace):
    """The structural expectation with a ridge regression on lagged covariates for its residual."""

    name: str = "ridge-hybrid"

    def fit_place(self, history: xr.Dataset) -> FittedRidgeHybrid:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        expectation = Expectation.estimate(history)
        predictors, _, targets = training_rows(history, expectation)
        used = np.isfinite(predictors).all(axis=1) & np.isfinite(targets).any(axis=1)
        scaler = Scaler.estimate(predictors[used])
        coefficients, intercepts, deviation = ridge_start(scaler(predictors[used]), targets[used])
        # a residual of zero has the deviation 1 by convention, which is no spread
        spread = np.where(np.nanstd(targets[used], axis=0) > 0, deviation, 0.0)
        return FittedRidgeHybrid(expectation, scaler, coefficients, intercepts, spread)
