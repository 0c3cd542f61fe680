"""Forecasters that learnt from many places and are applied to one: `ridge-pooled` and `lstm-pooled`.

Both hold the estimations of the pool (`pool`). Fitting one to a region picks the newest estimation that the history may
know of and regresses what its shared part leaves in the region's own record on the global field; no shared value
changes. They serve temperature on any scale, absolute or anomaly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, IntArray, fill_gaps, history_values, require_months
from climate.forecasters.planet.estimation import FIELD_LEADS, FIELD_PENALTY, Pool, sequences, solve, traits
from climate.forecasters.planet.network import Layers, count, read_out
from climate.forecasters.planet.predictors import expected_at, persistence_of, predictors, targets
from climate.forecasters.planet.trailing import MIN_YEARS, YEAR, Trailing, trailing

MIN_MONTHS = YEAR * (MIN_YEARS + 3)
"""Months with a value that a region needs: those before the first row, and three years to measure persistence on."""

QUANTITY = "temperature"
"""What the pool learnt from, and so what it can forecast."""


def refusal(series: xr.Dataset) -> str | None:
    """Why the pool cannot forecast a series, by its attribute `quantity`; None where it can."""
    found = str(series.attrs.get("quantity", ""))
    if found == QUANTITY:
        return None
    return f"the pooled forecasters learnt from {QUANTITY} alone and this record's quantity is {found or 'not named'}"


@dataclass(frozen=True)
class State:
    """One history seen with the pool's eyes: windows, persistence, months since 1970-01 and the planet's state."""

    past: Trailing
    persistence: FloatArray
    months: IntArray
    components: FloatArray
    slope: FloatArray

    @classmethod
    def of(cls, history: xr.Dataset, pool: Pool) -> State:
        """Rows of `history` (time); gaps are interpolated."""
        past = trailing(fill_gaps(history_values(history))[:, None])
        months = int(history["time"].values[0].astype("datetime64[M]").astype(np.int64)) + past.rows
        return cls(past, persistence_of(past), months, *pool.state(months))

    def newest(self) -> State:
        """The last month alone."""
        last = slice(-1, None)
        return State(
            self.past.newest(), self.persistence[last], self.months[last], self.components[last], self.slope[last]
        )

    def linear(self, pool: Pool, lead: int, own: FloatArray | None) -> FloatArray:
        """Forecast departures (row) of the shared regression and, with coefficients `own`, of the field."""
        shared = predictors(self.past, self.persistence, self.slope, lead)[:, 0] @ pool.coefficients[lead - 1]
        if own is None:
            return np.asarray(shared)
        return np.asarray(shared + pool.share[lead - 1] * (self.components @ own))


@dataclass(frozen=True)
class FittedPooled:
    """An estimation of the pool, the region's own coefficients (lead, component) on the field, and the network."""

    name: str
    pool: Pool
    own: FloatArray
    members: tuple[Layers, ...]
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`. Raises ValueError for more leads than the pool has."""
        if leads > self.pool.leads:
            raise ValueError(f"{self.name} forecasts {self.pool.leads} leads, asked for {leads}")
        state = State.of(history, self.pool).newest()
        linear = np.array(
            [state.linear(self.pool, lead, self._own(lead))[-1] for lead in range(1, self.pool.leads + 1)]
        )
        if self.members:
            read = sequences(state.past, state.months)[-1]
            trait = traits(state.past, state.persistence, state.months)[-1]
            quantiles = np.mean([read_out(each, read, trait, linear[None])[0] for each in self.members], axis=0)
        else:
            quantiles = linear[:, None] + self.pool.residual
        ahead = np.arange(leads)
        expected = np.array([expected_at(state.past, lead)[-1, 0] for lead in range(1, leads + 1)])
        spread = state.past.spread[-1, ahead % YEAR, 0]
        return np.asarray(expected[:, None] + spread[:, None] * quantiles[:leads])

    def _own(self, lead: int) -> FloatArray | None:
        return self.own[lead - 1] if lead <= len(self.own) else None


@dataclass(frozen=True)
class Pooled:
    """A forecaster over the estimations of the pool, in the order of their months; `network` adds the network."""

    pools: Sequence[Pool]
    network: bool

    @property
    def name(self) -> str:
        """Name in tables."""
        return "lstm-pooled" if self.network else "ridge-pooled"

    def fit(self, history: xr.Dataset) -> FittedPooled:
        """Regress the region on the field under the newest estimation that ends with the history or before.

        Raises ClimateError below MIN_MONTHS months, or where every estimation knows months after the history.
        """
        require_months(history, MIN_MONTHS, self.name)
        last = history["time"].values[-1].astype("datetime64[M]")
        known = [pool for pool in self.pools if pool.month <= last.astype(np.int64)]
        if not known:
            first = np.datetime64(min(pool.month for pool in self.pools), "M") if self.pools else "none"
            raise ClimateError(
                f"{self.name}: the first estimation of the pool is of {first}, after the origin {last}; choose a later "
                "backtest.first_origin or run the stage `pool` again"
            )
        pool = known[-1]
        values = history_values(history)[:, None]
        state = State.of(history, pool)
        own = []
        for lead in range(1, min(FIELD_LEADS, pool.leads) + 1):
            left = targets(values, state.past, lead)[:, 0] - state.linear(pool, lead, None)
            # months without a field, or without a value, teach nothing
            taught = np.isfinite(left) & state.components.any(axis=1)
            own.append(solve(state.components[taught], left[taught], FIELD_PENALTY))
        estimated = sum(each.size for each in own) + pool.coefficients.size
        members: tuple[Layers, ...] = pool.members if self.network else ()
        estimated += sum(count(each) for each in members)
        return FittedPooled(self.name, pool, np.stack(own), members, int(estimated))
