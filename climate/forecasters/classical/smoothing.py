"""Exponential smoothing: the additive ETS family of statsmodels, its trend chosen by the corrected AIC.

Missing months are filled by interpolating the deseasonalised history. A fit that fails is replaced by the trend with an
AR(1) residual and counted in `fallbacks`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from climate.forecasters.base import (
    EachPlace,
    FittedPlace,
    FloatArray,
    calendar_months,
    fill_gaps,
    history_values,
    normal_quantiles,
    require_months,
)
from climate.forecasters.classical.statespace import MAX_ITERATIONS, MIN_MONTHS, Scale
from climate.forecasters.classical.trend import Fallback
from climate.schema import MONTHS_PER_YEAR

TRENDS: dict[str, dict[str, Any]] = {
    "none": {"trend": None},
    "damped": {"trend": "add", "damped_trend": True},
    "linear": {"trend": "add", "damped_trend": False},
}
"""Candidate trends: ETS(A,N,A), ETS(A,Ad,A) and ETS(A,A,A)."""


def filled(history: xr.Dataset) -> FloatArray:
    """`value` (time) of one place with gaps interpolated linearly in its deviation from the mean season."""
    values, months = history_values(history), calendar_months(history)
    if np.isfinite(values).all():
        return values
    season = np.array([np.nanmean(values[months == month]) for month in range(MONTHS_PER_YEAR)])
    return np.asarray(fill_gaps(values - season[months]) + season[months])


def error_variance(alpha: float, beta: float, gamma: float, phi: float, leads: int) -> FloatArray:
    """Forecast variance of additive ETS at leads 1..leads, in units of the one-step variance.

    1 + sum over j < lead of (alpha + beta (phi + ... + phi^j) + gamma [12 divides j])^2: Hyndman, Koehler, Ord and
    Snyder (2008), Forecasting with Exponential Smoothing, table 6.1.
    """
    steps = np.arange(1, leads)
    response = alpha + beta * np.cumsum(phi**steps) + gamma * (steps % MONTHS_PER_YEAR == 0)
    return np.asarray(1 + np.concatenate([[0.0], np.cumsum(response**2)]))


@dataclass(frozen=True)
class FittedEts:
    """Trend, smoothing parameters and one-step variance."""

    forecaster: Ets
    trend: str
    scale: Scale
    estimates: FloatArray
    variance: float
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated parameters."""
        return int(self.estimates.size) + self.forecaster.season_parameters

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        values, season = self.forecaster.decompose(self.scale.down(filled(history)))
        model = self.forecaster.model(values, self.trend)
        mean = np.asarray(model.smooth(self.estimates).forecast(leads), float) + np.resize(season, leads)
        named = dict(zip(model.param_names, self.estimates, strict=True))
        growth = error_variance(
            named["smoothing_level"],
            named.get("smoothing_trend", 0.0),
            named.get("smoothing_seasonal", 0.0),
            named.get("damping_trend", 1.0),
            leads,
        )
        return self.scale.up(normal_quantiles(mean, np.sqrt(self.variance * growth)))


@dataclass(frozen=True)
class Ets(EachPlace):
    """Additive exponential smoothing; the corrected AIC chooses its trend among TRENDS in the fold."""

    name: str = "ets"
    season_parameters: ClassVar[int] = 0
    """Estimated values of a season that is not part of the smoothing."""

    def decompose(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is smoothed (time), and a season (12), from the month after the record, to add to the forecasts."""
        return values, np.zeros(MONTHS_PER_YEAR)

    def model(self, values: FloatArray, trend: str) -> Any:
        """Additive errors and season, and the trend named in TRENDS.

        The first state is the usual heuristic of Hyndman et al. (2008), section 2.6.1, not estimated: over decades of
        months it hardly matters, and the fit takes a tenth of the time.
        """
        options = {"initialization_method": "heuristic", **TRENDS[trend]}
        return ETSModel(values, error="add", seasonal="add", seasonal_periods=MONTHS_PER_YEAR, **options)

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = filled(history)
        scale = Scale.of(values)
        smoothed, _ = self.decompose(scale.down(values))
        best: tuple[float, FittedEts] | None = None
        for trend in TRENDS:
            try:
                with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                    result = self.model(smoothed, trend).fit(disp=0, maxiter=MAX_ITERATIONS)
                criterion = float(result.aicc)
                fitted = FittedEts(self, trend, scale, np.asarray(result.params, float), float(result.scale))
                usable = np.isfinite(criterion) and np.isfinite(fitted.forecast(history, MONTHS_PER_YEAR)).all()
            except (np.linalg.LinAlgError, ValueError):
                continue
            if usable and (best is None or criterion < best[0]):
                best = criterion, fitted
        return best[1] if best else Fallback.of(history)
