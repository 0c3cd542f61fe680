"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable

from climate.forecasters.classical.arima import SarimaAuto, sarimax_enso, trend_arma_enso
from climate.forecasters.classical.autoreg import AutoReg
from climate.forecasters.classical.decomposition import StlEts
from climate.forecasters.classical.naive import Persistence, SeasonalNaive
from climate.forecasters.classical.ridge import RidgeEnso
from climate.forecasters.classical.smoothing import Ets
from climate.forecasters.classical.theta import Theta
from climate.forecasters.common.base import Forecaster
from climate.forecasters.common.hybrid import RidgeHybrid
from climate.forecasters.common.regression import ClimatologyTrend
from climate.forecasters.common.statespace import Sarima, TrendArma, UnobservedComponents

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
