"""Forecasts that repeat the record: the benchmarks that every other forecaster has to beat.

All of them allow NaN in the history: a missing month is left out of the spread, and replaced by the newest value of
its calendar month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    EachPlace,
    FloatArray,
    IntArray,
    calendar_months,
    future_months,
    history_values,
    newest_known,
    normal_quantiles,
    panel_values,
    require_months,
)
from climate.schema import MONTHS_PER_YEAR

DRIFT_MONTHS = 360
"""Months over which the drift is averaged: 30 years, as a climatological normal (WMO-No. 1203, 2017)."""

MIN_MONTHS = 60
"""Months with a value that a spread over years needs at least."""

SPREAD_MONTHS = 120
"""Leads (months) up to which the spread of persistence is measured; beyond, it stays constant."""


def newest_by_month(history: xr.Dataset) -> tuple[FloatArray, IntArray]:
    """The newest value (place, 12) of each calendar month, from January, and its age in whole years at the origin."""
    values, months = panel_values(history), calendar_months(history)
    newest = np.full((len(values), MONTHS_PER_YEAR), np.nan)
    age = np.zeros(newest.shape, dtype=np.int64)
    for month in np.unique(months):
        position = np.flatnonzero(months == month)
        last = position[newest_known(values[:, position])[:, -1]]
        newest[:, month] = values[np.arange(len(values)), last]
        age[:, month] = (values.shape[1] - 1 - last) // MONTHS_PER_YEAR
    return newest, age


@dataclass(frozen=True)
class FittedSeasonalNaive:
    """Drift and spread (place) of the year-on-year change, and the years (place) they were estimated from."""

    drift: FloatArray
    deviation: FloatArray
    years: FloatArray
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        newest, age = newest_by_month(history)
        months = future_months(history, leads)
        years = np.arange(leads) // MONTHS_PER_YEAR + 1 + age[:, months]
        # Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, table 5.2
        deviation = self.deviation[:, None] * np.sqrt(years * (1 + years / self.years[:, None]))
        return normal_quantiles(newest[:, months] + years * self.drift[:, None], deviation)


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
        values = panel_values(history)
        change = values[:, MONTHS_PER_YEAR:] - values[:, :-MONTHS_PER_YEAR]
        if not self.drift:
            zero = np.zeros(len(values))
            return FittedSeasonalNaive(zero, np.sqrt(np.nanmean(change**2, axis=1)), zero + np.inf, parameters=1)
        recent = change[:, -DRIFT_MONTHS:]
        since_first = change.shape[1] - np.argmax(np.isfinite(values), axis=1)
        years = np.minimum(since_first, DRIFT_MONTHS) / MONTHS_PER_YEAR
        return FittedSeasonalNaive(np.nanmean(recent, axis=1), np.nanstd(recent, axis=1), years, parameters=2)


@dataclass(frozen=True)
class FittedPersistence:
    """Climatology (12, from January), and the root mean square change (lead) of the anomaly."""

    climatology: FloatArray
    deviations: FloatArray
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        anomaly = history_values(history) - self.climatology[calendar_months(history)]
        last = int(newest_known(anomaly[None])[0, -1])
        age = anomaly.size - 1 - last
        ahead = np.minimum(np.arange(leads) + age, self.deviations.size - 1)
        mean = self.climatology[future_months(history, leads)] + anomaly[last]
        return normal_quantiles(mean, self.deviations[ahead])


@dataclass(frozen=True)
class Persistence(EachPlace):
    """The anomaly of the last observed month at every lead, added to the climatology of the whole history.

    The spread at each lead is the root mean square of the change of the anomaly over that many months.
    """

    name: str = "persistence"

    def fit_place(self, history: xr.Dataset) -> FittedPersistence:
        """See `EachPlace.fit_place`."""
        require_months(history, MIN_MONTHS, self.name)
        values, months = history_values(history), calendar_months(history)
        climatology = np.array([np.nanmean(values[months == month]) for month in range(MONTHS_PER_YEAR)])
        anomaly = values - climatology[months]
        longest = min(SPREAD_MONTHS, anomaly.size - MONTHS_PER_YEAR)
        mean_square = [np.nanmean((anomaly[k:] - anomaly[:-k]) ** 2) for k in range(1, longest + 1)]
        return FittedPersistence(climatology, np.sqrt(np.array(mean_square)), parameters=MONTHS_PER_YEAR + longest)
