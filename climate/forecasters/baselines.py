"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable

from climate.forecasters.base import Forecaster
from climate.forecasters.naive import Persistence, SeasonalNaive
from climate.forecasters.regression import ClimatologyTrend
from climate.forecasters.ridge import RidgeEnso
from climate.forecasters.smoothing import Ets
from climate.forecasters.statespace import Sarima, TrendArma, UnobservedComponents

BASELINES: dict[str, Callable[[], Forecaster]] = {
    "seasonal-naive": SeasonalNaive,
    "seasonal-naive-drift": lambda: SeasonalNaive(drift=True),
    "persistence": Persistence,
    "climatology-trend": ClimatologyTrend,
    "trend-ar1": lambda: ClimatologyTrend(residual=True),
    "trend-arma": TrendArma,
    "ets": Ets,
    "sarima": Sarima,
    "unobserved-components": UnobservedComponents,
    "ridge-enso": RidgeEnso,
}
"""Makers of forecasters with their default settings; `baselines.models` in the parameters chooses among the names."""
