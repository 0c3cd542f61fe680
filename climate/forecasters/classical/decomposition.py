"""STL + ETS: the season by loess, the deseasonalised record by exponential smoothing, both of statsmodels.

Cleveland et al. (1990), STL: A Seasonal-Trend Decomposition Procedure Based on Loess, Journal of Official Statistics
6. statsmodels' STLForecast does the same in one object, but re-estimates everything whenever a month is added; here
parameters are held between estimations while the decomposition follows the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.seasonal import STL

from climate.forecasters.base import FloatArray
from climate.forecasters.classical.smoothing import TRENDS, Ets
from climate.schema import MONTHS_PER_YEAR

SEASON_YEARS = 15
"""Years of the loess through each calendar month: long, as the seasons of climate records change slowly."""


@dataclass(frozen=True)
class StlEts(Ets):
    """Robust STL, then additive smoothing without a season; the season of the last year is repeated."""

    name: str = "stl-ets"
    season_parameters: ClassVar[int] = MONTHS_PER_YEAR - 1

    def decompose(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `Ets.decompose`."""
        season = np.asarray(STL(values, period=MONTHS_PER_YEAR, seasonal=SEASON_YEARS, robust=True).fit().seasonal)
        return values - season, season[-MONTHS_PER_YEAR:]

    def model(self, values: FloatArray, trend: str) -> Any:
        """Additive errors, no season, and the trend named in TRENDS."""
        return ETSModel(values, error="add", initialization_method="heuristic", **TRENDS[trend])
