"""Forecasts that repeat the record: the yardsticks that every other forecaster has to beat.

All of them allow NaN in the history: a missing month is left out of the spread, and the newest value that exists for
a calendar month stands in for a missing one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    FloatArray,
    calendar_months,
    future_months,
    history_values,
    normal_quantiles,
    require_months,
)

YEAR = 12
"""Months in a year."""

DRIFT_MONTHS = 360
"""Months over which the drift is averaged: 30 years, as a climatological normal (WMO-No. 1203, 2017)."""

MIN_MONTHS = 60
"""Months with a value that a spread over years needs at least."""


def newest_by_month(history: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """The newest value of each calendar month (12, from January) and its age in whole years at the origin."""
    values, months = history_values(history), calendar_months(history)
    newest, age = np.full(YEAR, np.nan), np.zeros(YEAR)
    for month in range(YEAR):
        known = np.flatnonzero((months == month) & np.isfinite(values))
        if known.size:
            newest[month] = values[known[-1]]
            age[month] = (values.size - 1 - known[-1]) // YEAR
    return newest, age


@dataclass(frozen=True)
class FittedSeasonalNaive:
    """Spread and drift of the year-on-year change."""

    drift: float
    deviation: float
    years: float
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        newest, age = newest_by_month(history)
        months = future_months(history, leads)
        years = np.arange(leads) // YEAR + 1 + age[months]
        # Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, table 5.2
        drift_error = years / self.years if self.parameters > 1 else np.zeros(leads)
        deviation = self.deviation * np.sqrt(years * (1 + drift_error))
        return normal_quantiles(newest[months] + years * self.drift, deviation)


@dataclass(frozen=True)
class SeasonalNaive:
    """The same month of the last year, with normal quantiles whose variance grows with the lead in years.

    The spread is the root mean square of the year-on-year change over the history. With `drift`, the mean change of
    the last 30 years is added for every year of lead and the spread is taken around it.
    """

    drift: bool = False

    @property
    def name(self) -> str:
        """Name in tables."""
        return "seasonal-naive-drift" if self.drift else "seasonal-naive"

    def fit(self, history: xr.Dataset) -> FittedSeasonalNaive:
        """See `Forecaster.fit`."""
        require_months(history, MIN_MONTHS, self.name)
        values = history_values(history)
        change = values[YEAR:] - values[:-YEAR]
        if not self.drift:
            return FittedSeasonalNaive(0.0, float(np.sqrt(np.nanmean(change**2))), np.inf, parameters=1)
        recent = change[-DRIFT_MONTHS:]
        mean, deviation = float(np.nanmean(recent)), float(np.nanstd(recent))
        return FittedSeasonalNaive(mean, deviation, recent.size / YEAR, parameters=2)


@dataclass(frozen=True)
class FittedPersistence:
    """Climatology, and the root mean square change of the anomaly for each lead."""

    climatology: FloatArray
    deviations: FloatArray
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        anomaly = history_values(history) - self.climatology[calendar_months(history)]
        last = int(np.flatnonzero(np.isfinite(anomaly))[-1])
        age = anomaly.size - 1 - last
        ahead = np.minimum(np.arange(leads) + age, self.deviations.size - 1)
        mean = self.climatology[future_months(history, leads)] + anomaly[last]
        return normal_quantiles(mean, self.deviations[ahead])


@dataclass(frozen=True)
class Persistence:
    """The anomaly of the last observed month for ever, on the climatology of the whole history.

    The spread at each lead is the root mean square of the change of the anomaly over that many months.
    """

    longest: int = 120
    """Months up to which the spread is measured; beyond, it stays."""

    @property
    def name(self) -> str:
        """Name in tables."""
        return "persistence"

    def fit(self, history: xr.Dataset) -> FittedPersistence:
        """See `Forecaster.fit`."""
        require_months(history, MIN_MONTHS, self.name)
        values, months = history_values(history), calendar_months(history)
        climatology = np.array([np.nanmean(values[months == month]) for month in range(YEAR)])
        anomaly = values - climatology[months]
        longest = min(self.longest, anomaly.size - YEAR)
        mean_square = [np.nanmean((anomaly[k:] - anomaly[:-k]) ** 2) for k in range(1, longest + 1)]
        return FittedPersistence(climatology, np.sqrt(np.array(mean_square)), parameters=YEAR + longest)
