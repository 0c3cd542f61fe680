"""STL + ETS: the season by loess, the rest by exponential smoothing, both of statsmodels.

Cleveland et al. (1990), STL: A Seasonal-Trend Decomposition Procedure Based on Loess, Journal of Official Statistics
6. statsmodels' STLForecast does the same in one object, but estimates everything anew whenever it is given another
month; here parameters are held between estimations while the decomposition follows the record. Missing months are
filled by interpolating the deseasonalised history. A fit that fails is replaced by the trend with an AR(1) residual.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.seasonal import STL

from climate.forecasters.base import EachPlace, FittedPlace, FloatArray, normal_quantiles, require_months
from climate.forecasters.classical.smoothing import TRENDS, error_variance, filled
from climate.forecasters.classical.statespace import MAX_ITERATIONS, MIN_MONTHS, Scale
from climate.forecasters.classical.trend import Fallback
from climate.schema import MONTHS_PER_YEAR

SEASON_YEARS = 15
"""Years of the loess through each calendar month: long, as the seasons of climate records change slowly."""


def decompose(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Deseasonalised values (time), and the season of the last year (12), whose first month follows the record."""
    season = np.asarray(STL(values, period=MONTHS_PER_YEAR, seasonal=SEASON_YEARS, robust=True).fit().seasonal)
    return values - season, season[-MONTHS_PER_YEAR:]


def smoothing_model(values: FloatArray, trend: str) -> Any:
    """Additive errors, no season, and the trend named in `smoothing.TRENDS`."""
    return ETSModel(values, error="add", initialization_method="heuristic", **TRENDS[trend])


@dataclass(frozen=True)
class FittedStlEts:
    """Trend and smoothing parameters of the deseasonalised record."""

    trend: str
    scale: Scale
    estimates: FloatArray
    variance: float
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of estimated parameters, the season of one year included."""
        return int(self.estimates.size) + MONTHS_PER_YEAR - 1

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`; the season of the last year is repeated."""
        values, season = decompose(self.scale.down(filled(history)))
        model = smoothing_model(values, self.trend)
        mean = np.asarray(model.smooth(self.estimates).forecast(leads), float) + np.resize(season, leads)
        named = dict(zip(model.param_names, self.estimates, strict=True))
        growth = error_variance(
            named["smoothing_level"], named.get("smoothing_trend", 0.0), 0.0, named.get("damping_trend", 1.0), leads
        )
        return self.scale.shift + self.scale.unit * normal_quantiles(mean, np.sqrt(self.variance * growth))


@dataclass(frozen=True)
class StlEts(EachPlace):
    """Robust STL, then additive smoothing whose trend has the smallest corrected AIC in the fold."""

    trends: tuple[str, ...] = tuple(TRENDS)

    @property
    def name(self) -> str:
        """Name in tables."""
        return "stl-ets"

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values = filled(history)
        scale = Scale.of(values)
        deseasonalised, _ = decompose(scale.down(values))
        best: tuple[float, FittedStlEts] | None = None
        for trend in self.trends:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    result = smoothing_model(deseasonalised, trend).fit(disp=0, maxiter=MAX_ITERATIONS)
                criterion = float(result.aicc)
                fitted = FittedStlEts(trend, scale, np.asarray(result.params, float), float(result.scale))
                usable = np.isfinite(criterion) and np.isfinite(fitted.forecast(history, MONTHS_PER_YEAR)).all()
            except (np.linalg.LinAlgError, ValueError):
                continue
            if usable and (best is None or criterion < best[0]):
                best = criterion, fitted
        return best[1] if best else Fallback.of(history)
