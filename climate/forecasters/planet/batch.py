"""The pooled forecasters for many places at once: what they share is computed once.

Regressing a place on the global field costs one large system per lead; places with the same months share it.
Numbers are those of `climate.forecasters.planet.forecaster`, without fine-tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, IntArray, fill_gaps
from climate.forecasters.planet.estimation import FIELD_LEADS, FIELD_PENALTY, Pool, sequences, solve, traits
from climate.forecasters.planet.network import read_out
from climate.forecasters.planet.predictors import expected_at, persistence_of, predictors, targets
from climate.forecasters.planet.trailing import YEAR, trailing


@dataclass(frozen=True)
class Group:
    """Places whose values exist in the same months, and their coefficients (lead, component, place) on the field."""

    rows: IntArray
    first: int
    own: FloatArray


def filled(values: FloatArray) -> FloatArray:
    """Values (time, place) with gaps interpolated."""
    return np.column_stack([fill_gaps(one) for one in values.T])


@dataclass(frozen=True)
class FittedPooledBatch:
    """One estimation of the pool and the places' own coefficients."""

    pool: Pool
    groups: tuple[Group, ...]
    start: int
    network: bool

    def forecast(self, values: FloatArray, months: IntArray, leads: int) -> FloatArray:  # noqa: ARG002
        """See `FittedBatch.forecast`."""
        results: list[FloatArray] = [np.empty(0)] * len(values)
        for group in self.groups:
            table = self._group(filled(values[group.rows, group.first :].T), group, leads)
            for row, one in zip(group.rows, table, strict=True):
                results[row] = one
        return np.stack(results)

    def _group(self, values: FloatArray, group: Group, leads: int) -> FloatArray:
        past = trailing(values)
        persistence, last = persistence_of(past)[-1:], past.newest()
        month = self.start + group.first + last.rows
        components, slope = self.pool.state(month)
        linear = np.empty((values.shape[1], self.pool.leads))
        for lead in range(1, self.pool.leads + 1):
            linear[:, lead - 1] = predictors(last, persistence, slope, lead)[0] @ self.pool.coefficients[lead - 1]
            if lead <= len(group.own):
                linear[:, lead - 1] += self.pool.share[lead - 1] * (components[0] @ group.own[lead - 1])
        if self.network:
            read, trait = sequences(last, month)[0], traits(last, persistence, month)[0]
            quantiles = np.mean([read_out(each, read, trait, linear) for each in self.pool.members], axis=0)
        else:
            quantiles = linear[..., None] + self.pool.residual
        expected = np.stack([expected_at(last, lead)[0] for lead in range(1, leads + 1)], axis=1)
        spread = last.spread[0, np.arange(leads) % YEAR].T
        return np.asarray(expected[..., None] + spread[..., None] * quantiles[:, :leads])


@dataclass(frozen=True)
class PooledBatch:
    """See `forecaster.Pooled`; `start` is the first month of the axis, counted from 1970-01."""

    pools: Sequence[Pool]
    network: bool
    start: int

    def fit(self, values: FloatArray, months: IntArray) -> FittedPooledBatch:  # noqa: ARG002
        """See `BatchForecaster.fit`. ClimateError where every estimation knows months after the history."""
        last = self.start + values.shape[1] - 1
        known = [pool for pool in self.pools if pool.month <= last]
        if not known:
            raise ClimateError(
                f"the first estimation of the pool is later than the origin {np.datetime64(last, 'M')}; set a later "
                "first_origin"
            )
        patterns: dict[bytes, list[int]] = {}
        for row, present in enumerate(np.isfinite(values)):
            patterns.setdefault(present.tobytes(), []).append(row)
        groups = tuple(self._fit_group(values, np.array(rows), known[-1]) for rows in patterns.values())
        return FittedPooledBatch(known[-1], groups, self.start, self.network)

    def _fit_group(self, values: FloatArray, rows: IntArray, pool: Pool) -> Group:
        first = int(np.flatnonzero(np.isfinite(values[rows[0]]))[0])
        inside = values[rows, first:].T
        past = trailing(filled(inside))
        persistence = persistence_of(past)
        components, slope = pool.state(self.start + first + past.rows)
        own = []
        for lead in range(1, min(FIELD_LEADS, pool.leads) + 1):
            shared = predictors(past, persistence, slope, lead) @ pool.coefficients[lead - 1]
            left = targets(inside, past, lead) - shared
            taught = np.isfinite(left[:, 0]) & components.any(axis=1)
            own.append(solve(components[taught], left[taught], FIELD_PENALTY))
        return Group(rows, first, np.stack(own))
