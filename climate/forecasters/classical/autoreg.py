"""Autoregression with a trend and a season: statsmodels' AutoReg, its length chosen by the corrected AIC.

Missing months are filled by interpolating the deseasonalised history.
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
"""Candidate lengths (months), of all lags up to each; the corrected AIC chooses."""


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
        return self.scale.up(normal_quantiles(mean, deviation))


@dataclass(frozen=True)
class AutoReg(EachPlace):
    """Least squares on trend, calendar months and lags; the corrected AIC chooses among LAGS in the fold."""

    name: str = "autoreg"

    def fit_place(self, history: xr.Dataset) -> FittedAutoReg:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = filled(history)
        scale = Scale.of(values)
        scaled = scale.down(values)
        with np.errstate(divide="ignore"):
            results = [autoreg_model(scaled, lags, max(LAGS)).fit() for lags in LAGS]
            criteria = [corrected_aic(result.aic, result.params.size + 1, result.nobs) for result in results]
            best = LAGS[int(np.argmin(criteria))]
        chosen = autoreg_model(scaled, best).fit()
        return FittedAutoReg(scale, best, np.asarray(chosen.params, float), float(chosen.sigma2))
