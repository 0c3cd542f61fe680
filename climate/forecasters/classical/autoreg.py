"""Autoregression with a trend and a season: statsmodels' AutoReg, its length chosen by the corrected AIC.

An autoregression has no place for missing months: they are filled by interpolating the deseasonalised history.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from statsmodels.tsa.ar_model import AutoReg as AutoRegModel
from statsmodels.tsa.arima_process import arma2ma

from climate.forecasters.base import EachPlace, FloatArray, corrected_aic, normal_quantiles, require_months
from climate.forecasters.classical.smoothing import filled
from climate.forecasters.classical.statespace import MIN_MONTHS, Scale
from climate.schema import MONTHS_PER_YEAR

LAGS = (1, 2, 3, 6, 12, 13, 24)
"""Lengths among which the corrected AIC chooses (months): all lags up to each."""


def autoreg_model(values: FloatArray, lags: int, hold_back: int | None = None) -> Any:
    """Constant, linear trend, eleven calendar months and `lags` lags; likelihood from month `hold_back` on."""
    return AutoRegModel(values, lags, trend="ct", seasonal=True, period=MONTHS_PER_YEAR, hold_back=hold_back)


@dataclass(frozen=True)
class FittedAutoReg:
    """Coefficients, number of lags, and the variance of one month's error."""

    scale: Scale
    lags: int
    estimates: FloatArray
    variance: float
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated parameters, the variance included."""
        return int(self.estimates.size) + 1

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        values = self.scale.down(filled(history))
        model = autoreg_model(values, self.lags)
        mean = np.asarray(model.predict(self.estimates, start=values.size, end=values.size + leads - 1), float)
        response = arma2ma(np.r_[1.0, -self.estimates[-self.lags :]], np.ones(1), leads)
        deviation = np.sqrt(self.variance * np.cumsum(response**2))
        return self.scale.shift + self.scale.unit * normal_quantiles(mean, deviation)


@dataclass(frozen=True)
class AutoReg(EachPlace):
    """Least squares on trend, calendar months and lags, as many of LAGS as the corrected AIC wants in the fold."""

    lags: tuple[int, ...] = LAGS

    @property
    def name(self) -> str:
        """Name in tables."""
        return "autoreg"

    def fit_place(self, history: xr.Dataset) -> FittedAutoReg:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = filled(history)
        scale = Scale.of(values)
        scaled = scale.down(values)
        with np.errstate(divide="ignore"):
            result = [autoreg_model(scaled, lags, max(self.lags)).fit() for lags in self.lags]
            criteria = [corrected_aic(each.aic, each.params.size + 1, each.nobs) for each in result]
            best = self.lags[int(np.argmin(criteria))]
        chosen = autoreg_model(scaled, best).fit()
        return FittedAutoReg(scale, best, np.asarray(chosen.params, float), float(chosen.sigma2))
