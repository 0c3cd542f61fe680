"""`lstm-direct` and `lstm-own`: a network that predicts all leads at once.

It reads the deseasonalised record and, in `lstm-direct`, its covariates, and predicts the quantiles of the residual of
damped persistence (`features`). A linear path beside the recurrent one starts at the ridge solution, and the recurrent
one at zero: training begins at a linear model that is hard to beat, and few passes over the data stay near it where
there is little to learn. The pinball loss makes every output a quantile; quantiles cannot cross.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    NORMAL_QUANTILES,
    EachPlace,
    FloatArray,
    Seeded,
    calendar_months,
    history_values,
    require_leads,
    require_months,
)
from climate.forecasters.features import Frame, Scaler
from climate.forecasters.linear import ridge_start
from climate.forecasters.networks.network import Network, Weights, load_keras, pinball, quantile_head
from climate.forecasters.networks.settings import NetworkSettings
from climate.schema import MAX_LEADS, MONTHS_PER_YEAR

MIN_MONTHS = 216
"""Months with a value that training needs: the warm-up of the predictors, a lookback and five years of targets."""


@lru_cache(maxsize=4)
def direct_network(lookback: int, channels: int, predictors: int, units: int, batch: int) -> Network:
    """The direct network, compiled once per process for each shape.

    Outputs are (row, lead, quantile) in units of each lead's residual deviation.
    """
    keras = load_keras()
    ops = keras.ops
    gaps = np.diff(NORMAL_QUANTILES)
    start = np.tile(np.log(np.expm1(gaps)), MAX_LEADS)

    def build() -> Any:
        sequence = keras.Input((lookback, channels), name="sequence")
        static = keras.Input((predictors,), name="static")
        state = keras.layers.LSTM(units, use_cudnn=False, name="memory")(sequence)
        linear = keras.layers.Dense(MAX_LEADS, name="linear")(static)
        change = keras.layers.Dense(MAX_LEADS, kernel_initializer="zeros", name="change")(state)
        spread = keras.layers.Dense(
            MAX_LEADS * gaps.size,
            kernel_initializer="zeros",
            bias_initializer=lambda shape, dtype=None: ops.cast(ops.reshape(start, shape), dtype or "float32"),
            name="spread",
        )(state)
        middle = keras.layers.Add()([linear, change])
        return keras.Model([sequence, static], quantile_head(middle, spread))

    return Network(build, pinball, batch)


def _with_layer(network: Network, weights: Weights, layer: str, kernel: FloatArray, bias: FloatArray) -> Weights:
    """`weights` of the network with those of one layer replaced."""
    values = {"kernel": kernel, "bias": bias}
    return [
        values[variable.name].astype(np.float32) if variable.path.startswith(f"{layer}/") else weight
        for variable, weight in zip(network.model.weights, weights, strict=True)
    ]


@dataclass(frozen=True)
class Trained:
    """Unit of the outputs (lead) and the weights of each seed."""

    deviation: FloatArray
    network: Callable[[], Network]
    members: tuple[Weights, ...]

    @property
    def parameters(self) -> int:
        """Number of values estimated: the units, and the weights of all seeds."""
        return int(self.deviation.size + len(self.members) * self.network().parameters)

    def each_seed(self, sequence: FloatArray, static: FloatArray) -> FloatArray:
        """Quantiles (seed, row, lead, quantile) of the target for scaled rows (row, ...)."""
        network = self.network()
        shapes = np.stack([network.predict(weights, [sequence, static]) for weights in self.members])
        return np.asarray(shapes * self.deviation[:, None])


def train_members(settings: NetworkSettings, static: FloatArray, sequence: FloatArray, targets: FloatArray) -> Trained:
    """One network per seed, each from the ridge solution of the linear path.

    Args:
        static: scaled predictors (row, predictor); sequence: (row, lookback, channel); neither holds NaN.
        targets: (row, lead), NaN where nothing was observed.
    """
    coefficients, intercepts, deviation = ridge_start(static, targets)
    scaled = targets / deviation
    known = np.isfinite(scaled)

    def network() -> Network:
        return direct_network(*sequence.shape[1:], static.shape[1], settings.units, settings.batch)

    members = []
    for seed in settings.seeds:
        start = _with_layer(
            network(), network().fresh(seed), "linear", coefficients / deviation, intercepts / deviation
        )
        members.append(
            network().train(
                start,
                [sequence, static],
                np.where(known, scaled, 0.0),
                known.astype(float),
                epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                seed=seed,
            )
        )
    return Trained(deviation, network, tuple(members))


@dataclass(frozen=True)
class FittedDirect(Seeded):
    """Frame, scalers and the trained networks."""

    name: str
    frame: Frame
    static_scaler: Scaler
    sequence_scaler: Scaler
    trained: Trained
    lookback: int
    parameters: int
    fallbacks: int = 0

    def seed_hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Seeded.seed_hindcasts`; raises ValueError for more than MAX_LEADS leads."""
        require_leads(leads, self.name)
        origins = np.asarray(ends) - 1
        rows = self.frame.rows(history, MAX_LEADS, self.lookback)
        inputs = self.sequence_scaler(rows.sequence[origins]), self.static_scaler(rows.static[origins])
        changes = self.trained.each_seed(*inputs)[:, :, :leads]
        season = self.frame.season[
            (calendar_months(history)[origins, None] + np.arange(1, leads + 1)) % MONTHS_PER_YEAR
        ]
        return np.asarray((rows.expected[origins, :leads] + season)[..., None] + changes)


@dataclass(frozen=True)
class DirectLstm(EachPlace):
    """Settings of `lstm-direct`, and without covariates of `lstm-own`."""

    params: NetworkSettings
    name: str = "lstm-direct"
    uses_covariates: bool = True
    without: tuple[str, ...] = ()
    """Columns to leave out, see `features.Frame`."""

    def fit_place(self, history: xr.Dataset) -> FittedDirect:
        """Estimate frame, scalers and one set of weights per seed. Raises ClimateError below MIN_MONTHS months."""
        settings = self.params
        require_months(history, MIN_MONTHS, self.name)
        frame = Frame.estimate(history, MAX_LEADS, self.without)
        rows = frame.rows(history, MAX_LEADS, settings.lookback)
        targets = rows.targets(history_values(history))
        used = rows.usable() & np.isfinite(targets).any(axis=1)
        static_scaler, sequence_scaler = Scaler.estimate(rows.static[used]), Scaler.estimate(rows.sequence[used])
        static, sequence = static_scaler(rows.static[used]), sequence_scaler(rows.sequence[used])
        trained = train_members(settings, static, sequence, targets[used])
        estimated = frame.parameters + 2 * static.shape[1] + trained.parameters
        return FittedDirect(
            self.name, frame, static_scaler, sequence_scaler, trained, settings.lookback, int(estimated)
        )
