"""Forecasters that learn from the whole planet and forecast any place: `ridge-planet` and `lstm-planet`.

Both hold the estimations of the stage `planet` (`estimation`). Fitting one to a place selects the newest estimation not
later than the history and makes the place's own estimates (`places`); no shared value changes. Places with the same
months share most of that work. They forecast temperature in any unit, absolute or anomaly; missing months are
interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import (
    FloatArray,
    Hindcasting,
    IntArray,
    fill_gaps,
    months_since_1970,
    panel_values,
    passes,
    require_leads,
    require_months,
)
from climate.forecasters.planet.estimation import Estimation, network_quantiles
from climate.forecasters.planet.network import count
from climate.forecasters.planet.places import Own, own_estimates, ridge_quantiles
from climate.forecasters.planet.predictors import Predictors
from climate.forecasters.planet.trailing import FIRST_ROW, MIN_YEARS, trailing
from climate.schema import MONTHS_PER_YEAR, QUANTILES

MIN_MONTHS = MONTHS_PER_YEAR * (MIN_YEARS + 3)
"""Months with a value that a place needs: those before the first row, and three years to estimate persistence."""

QUANTITY = "temperature"
"""The quantity that the planet's forecasters learn from and can forecast."""


def refusal(series: xr.Dataset) -> str | None:
    """Why the planet's forecasters cannot forecast a series, by its attribute `quantity`; None where they can."""
    quantity = str(series.attrs.get("quantity", ""))
    if quantity == QUANTITY:
        return None
    return f"the planet's forecasters learn from {QUANTITY} and this record's quantity is {quantity or 'not named'}"


def filled(values: FloatArray) -> FloatArray:
    """Values (time, place) with gaps interpolated."""
    return np.column_stack([fill_gaps(column) for column in values.T])


@dataclass(frozen=True)
class PlaceGroup:
    """Places with values in the same months: positions, position of the first month with a value, own estimates."""

    places: IntArray
    first: int
    own: Own


@dataclass(frozen=True)
class FittedPlanet(Hindcasting):
    """One estimation, and the places' own."""

    name: str
    estimation: Estimation
    network: bool
    groups: tuple[PlaceGroup, ...]
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """See `Fitted.parameters`."""
        own = max(
            (group.own.field[..., 0].size if group.own.field.size else 0) + group.own.scale[..., 0].size
            for group in self.groups
        )
        return int(own + self.estimation.coefficients.size + self.network * sum(map(count, self.estimation.members)))

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`. Raises ValueError for more leads than the estimation has."""
        require_leads(leads, self.name, self.estimation.leads)
        values, start = panel_values(history), int(months_since_1970(history)[0])
        forecast = network_quantiles if self.network else ridge_quantiles
        quantiles = np.empty((len(values), len(ends), leads, len(QUANTILES)))
        for group in self.groups:
            inside, parts = values[group.places, group.first :], []
            for part in passes(np.asarray(np.isfinite(inside).all(axis=0)), [end - group.first for end in ends]):
                past = trailing(filled(inside[:, : part[-1]].T))
                months, rows = start + group.first + past.rows, np.asarray(part) - 1 - FIRST_ROW
                predictors = Predictors(past, self.estimation.slope_at(months))
                parts.append(forecast(predictors, rows, months, self.estimation, group.own, leads))
            quantiles[group.places] = np.concatenate(parts).swapaxes(0, 1)
        return quantiles


@dataclass(frozen=True)
class PlanetForecaster:
    """A forecaster from estimations of the planet, in the order of their months; `network` adds the network."""

    estimations: Sequence[Estimation]
    network: bool

    @property
    def name(self) -> str:
        """Name in tables."""
        return "lstm-planet" if self.network else "ridge-planet"

    def fit(self, history: xr.Dataset) -> FittedPlanet:
        """Make the own estimates of each place under the newest estimation that is not later than the history.

        Raises ClimateError below MIN_MONTHS months, or if every estimation is later than the history.
        """
        require_months(history, MIN_MONTHS, self.name)
        months = months_since_1970(history)
        known = [estimation for estimation in self.estimations if estimation.month <= months[-1]]
        if not known:
            first = np.datetime64(min(each.month for each in self.estimations), "M") if self.estimations else "none"
            raise ClimateError(
                f"{self.name}: the first estimation of the planet is of {first}, after the origin "
                f"{np.datetime64(int(months[-1]), 'M')}; choose a later backtest.first_origin or run the stage "
                "`planet` again"
            )
        values = panel_values(history)
        patterns: dict[bytes, list[int]] = {}
        for row, present in enumerate(np.isfinite(values)):
            patterns.setdefault(present.tobytes(), []).append(row)
        groups = tuple(_fit_group(values, np.array(rows), known[-1], int(months[0])) for rows in patterns.values())
        return FittedPlanet(self.name, known[-1], self.network, groups)


def _fit_group(values: FloatArray, places: IntArray, estimation: Estimation, start: int) -> PlaceGroup:
    first = int(np.argmax(np.isfinite(values[places[0]])))
    inside = values[places, first:].T
    past = trailing(filled(inside))
    months = start + first + past.rows
    predictors = Predictors(past, estimation.slope_at(months))
    return PlaceGroup(places, first, own_estimates(inside, predictors, months, estimation))
