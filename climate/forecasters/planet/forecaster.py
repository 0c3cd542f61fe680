"""Forecasters trained on many series and applied to any: `ridge-pooled` and `lstm-pooled`.

Both hold the estimations of the pool (`estimation`). Fitting one to a place selects the newest estimation not later
than the history and regresses the shared part's residual in the place's own record on the global field; no shared value
changes. Places with the same months share that regression's system. They forecast temperature in any unit, absolute or
anomaly; missing months are interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import (
    FloatArray,
    IntArray,
    fill_gaps,
    months_since_1970,
    panel_values,
    require_leads,
    require_months,
)
from climate.forecasters.linear import ridge
from climate.forecasters.planet.estimation import FIELD_LEADS, FIELD_PENALTY, Pool, sequences, traits
from climate.forecasters.planet.network import count, read_out
from climate.forecasters.planet.predictors import predictors, targets
from climate.forecasters.planet.trailing import MIN_YEARS, NORMAL, trailing
from climate.schema import MONTHS_PER_YEAR, QUANTILES

MIN_MONTHS = MONTHS_PER_YEAR * (MIN_YEARS + 3)
"""Months with a value that a place needs: those before the first row, and three years to estimate persistence."""

QUANTITY = "temperature"
"""The quantity that the pool is trained on and can forecast."""


def refusal(series: xr.Dataset) -> str | None:
    """Why the pool cannot forecast a series, by its attribute `quantity`; None where it can."""
    quantity = str(series.attrs.get("quantity", ""))
    if quantity == QUANTITY:
        return None
    return f"the pooled forecasters are trained on {QUANTITY} and this record's quantity is {quantity or 'not named'}"


def filled(values: FloatArray) -> FloatArray:
    """Values (time, place) with gaps interpolated."""
    return np.column_stack([fill_gaps(column) for column in values.T])


@dataclass(frozen=True)
class PlaceGroup:
    """Places with values in the same months.

    places: their positions. first: position of their first month with a value. field (lead, component, place): their
    coefficients on the field.
    """

    places: IntArray
    first: int
    field: FloatArray


@dataclass(frozen=True)
class FittedPooled:
    """One estimation of the pool, and the places' own coefficients on the field."""

    name: str
    pool: Pool
    network: bool
    groups: tuple[PlaceGroup, ...]
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """See `Fitted.parameters`."""
        own = self.groups[0].field[..., 0].size
        return int(own + self.pool.coefficients.size + self.network * sum(map(count, self.pool.members)))

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`. Raises ValueError for more leads than the pool has."""
        require_leads(leads, self.name, self.pool.leads)
        values, start = panel_values(history), int(months_since_1970(history)[0])
        quantiles = np.empty((len(values), leads, len(QUANTILES)))
        for group in self.groups:
            inside = filled(values[group.places, group.first :].T)
            quantiles[group.places] = self._forecast(inside, start + group.first, group.field, leads)
        return quantiles

    def _forecast(self, values: FloatArray, start: int, field: FloatArray, leads: int) -> FloatArray:
        """Quantiles (place, lead, quantile) of values (time, place) that start in month `start`."""
        pool, past = self.pool, trailing(values, newest=True)
        months = start + past.rows
        components, slope = pool.state(months)
        linear = np.empty((values.shape[1], pool.leads))
        for index in range(pool.leads):
            linear[:, index] = predictors(past, slope, index + 1)[0] @ pool.coefficients[index]
            if index < len(field):
                linear[:, index] += pool.share[index] * (components[0] @ field[index])
        if self.network:
            sequence, trait = sequences(past, months)[0], traits(past, months)[0]
            departures = np.mean([read_out(layers, sequence, trait, linear) for layers in pool.members], axis=0)
        else:
            departures = linear[..., None] + pool.residual
        expected = np.stack([past.windows[NORMAL].expected(lead)[0] for lead in range(1, leads + 1)], axis=1)
        spread = past.spread[0, np.arange(leads) % MONTHS_PER_YEAR].T
        return np.asarray(expected[..., None] + spread[..., None] * departures[:, :leads])


@dataclass(frozen=True)
class Pooled:
    """A forecaster from the estimations of the pool, in the order of their months; `network` adds the network."""

    pools: Sequence[Pool]
    network: bool

    @property
    def name(self) -> str:
        """Name in tables."""
        return "lstm-pooled" if self.network else "ridge-pooled"

    def fit(self, history: xr.Dataset) -> FittedPooled:
        """Regress each place on the field under the newest estimation that is not later than the history.

        Raises ClimateError below MIN_MONTHS months, or if every estimation is later than the history.
        """
        require_months(history, MIN_MONTHS, self.name)
        months = months_since_1970(history)
        known = [pool for pool in self.pools if pool.month <= months[-1]]
        if not known:
            first = np.datetime64(min(pool.month for pool in self.pools), "M") if self.pools else "none"
            raise ClimateError(
                f"{self.name}: the first estimation of the pool is of {first}, after the origin "
                f"{np.datetime64(int(months[-1]), 'M')}; choose a later backtest.first_origin or run the stage `pool` "
                "again"
            )
        values = panel_values(history)
        patterns: dict[bytes, list[int]] = {}
        for row, present in enumerate(np.isfinite(values)):
            patterns.setdefault(present.tobytes(), []).append(row)
        groups = tuple(_fit_group(values, np.array(rows), known[-1], int(months[0])) for rows in patterns.values())
        return FittedPooled(self.name, known[-1], self.network, groups)


def _fit_group(values: FloatArray, places: IntArray, pool: Pool, start: int) -> PlaceGroup:
    first = int(np.argmax(np.isfinite(values[places[0]])))
    inside = values[places, first:].T
    past = trailing(filled(inside))
    components, slope = pool.state(start + first + past.rows)
    field = []
    for lead in range(1, min(FIELD_LEADS, pool.leads) + 1):
        residual = targets(inside, past, lead) - predictors(past, slope, lead) @ pool.coefficients[lead - 1]
        # months without a field or without a value are no targets
        used = np.isfinite(residual[:, 0]) & components.any(axis=1)
        field.append(ridge(components[used], residual[used], FIELD_PENALTY))
    return PlaceGroup(places, first, np.stack(field))
