"""The Theta method: half the slope of a straight line on top of simple exponential smoothing, by statsmodels.

It won the M3 competition (Assimakopoulos and Nikolopoulos 2000, doi:10.1016/S0169-2070(00)00066-2). Hyndman and Billah
(2003), doi:10.1016/S0169-2070(01)00143-1, showed it equivalent to smoothing with a drift, which gives its intervals.
Missing months are filled by interpolating the deseasonalised history.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.signal import lfilter
from statsmodels.tsa.forecasting.theta import ThetaModel

from climate.forecasters.base import (
    EachPlace,
    FloatArray,
    calendar_months,
    future_months,
    normal_quantiles,
    require_months,
)
from climate.forecasters.classical.smoothing import filled
from climate.forecasters.classical.statespace import MIN_MONTHS, Scale
from climate.schema import MONTHS_PER_YEAR

LINE_SHARE = 0.5
"""Share of the line's slope: the mean of the theta lines 0 and 2."""

MIN_SMOOTHING = 1e-4
"""Lower limit of the smoothing parameter, by which the lag of the smoothed level is divided."""


@dataclass(frozen=True)
class FittedTheta:
    """Season (12, from January), slope per month, smoothing parameter, one-step variance."""

    scale: Scale
    season: FloatArray
    slope: float
    smoothing: float
    variance: float
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated values: the season sums to zero; slope, smoothing, first level, variance."""
        return self.season.size - 1 + 4

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        values = self.scale.down(filled(history)) - self.season[calendar_months(history)]
        level = smoothed(values, self.smoothing)[-1]
        steps = np.arange(leads)
        # the smoothed level lags behind a line by this many months
        behind = (1 - (1 - self.smoothing) ** values.size) / self.smoothing
        mean = level + LINE_SHARE * self.slope * (steps + behind) + self.season[future_months(history, leads)]
        # the accumulated error of smoothing, a random walk with moving average (Hyndman and Billah 2003)
        deviation = np.sqrt(self.variance * (1 + steps * self.smoothing**2))
        return self.scale.up(normal_quantiles(mean, deviation))


def smoothed(values: FloatArray, smoothing: float) -> FloatArray:
    """Level (time) of simple exponential smoothing that starts at the first value."""
    return np.asarray(lfilter([smoothing], [1, smoothing - 1], values, zi=[(1 - smoothing) * values[0]])[0])


@dataclass(frozen=True)
class Theta(EachPlace):
    """Additive season by classical decomposition, then the standard Theta method."""

    name: str = "theta"

    def fit_place(self, history: xr.Dataset) -> FittedTheta:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values, months = filled(history), calendar_months(history)
        scale = Scale.of(values)
        scaled = scale.down(values)
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            result = ThetaModel(scaled, period=MONTHS_PER_YEAR, use_test=False, method="additive").fit()
            slope, smoothing = (float(number) for number in np.asarray(result.params)[:2])
            decomposed = result.forecast_components(MONTHS_PER_YEAR)["seasonal"].to_numpy()
        smoothing = float(np.clip(smoothing if np.isfinite(smoothing) else 1.0, MIN_SMOOTHING, 1.0))
        season = np.zeros(MONTHS_PER_YEAR)
        season[future_months(history, MONTHS_PER_YEAR)] = decomposed
        return FittedTheta(
            scale, season, slope, smoothing, one_step_variance(scaled - season[months], smoothing, slope)
        )


def one_step_variance(values: FloatArray, smoothing: float, slope: float) -> float:
    """Mean squared one-step error of the smoothing with its share of the drift."""
    level = smoothed(values, smoothing)
    behind = (1 - (1 - smoothing) ** np.arange(1, values.size)) / smoothing
    return float(np.mean((values[1:] - level[:-1] - LINE_SHARE * slope * behind) ** 2))
