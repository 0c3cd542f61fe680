"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable

from climate.forecasters.base import Forecaster
from climate.forecasters.classical.arima import SarimaAuto, sarimax_enso, trend_arma_enso
from climate.forecasters.classical.autoreg import AutoReg
from climate.forecasters.classical.decomposition import StlEts
from climate.forecasters.classical.naive import Persistence, SeasonalNaive
from climate.forecasters.classical.ridge import RidgeEnso
from climate.forecasters.classical.smoothing import Ets
from climate.forecasters.classical.statespace import Sarima, TrendArma, UnobservedComponents
from climate.forecasters.classical.theta import Theta
from climate.forecasters.classical.trend import ClimatologyTrend
from climate.forecasters.hybrid import RidgeHybrid

BASELINES: dict[str, Callable[[], Forecaster]] = {
    "seasonal-naive": SeasonalNaive,
    "seasonal-naive-drift": lambda: SeasonalNaive(drift=True),
    "persistence": Persistence,
    "climatology-trend": ClimatologyTrend,
    "trend-ar1": lambda: ClimatologyTrend(residual=True),
    "trend-arma": TrendArma,
    "trend-arma-enso": trend_arma_enso,
    "autoreg": AutoReg,
    "theta": Theta,
    "ets": Ets,
    "stl-ets": StlEts,
    "sarima": Sarima,
    "sarima-auto": SarimaAuto,
    "sarimax-enso": sarimax_enso,
    "unobserved-components": UnobservedComponents,
    "ridge-enso": RidgeEnso,
    "ridge-hybrid": RidgeHybrid,
}
"""Makers of forecasters with their default settings; `baselines.models` in the parameters chooses among the names."""
