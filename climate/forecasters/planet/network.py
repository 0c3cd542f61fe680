"""The network of the planet: trained with Keras on many cells at once, evaluated with NumPy.

A recurrent layer reads three years of departures; its state and a few traits of the series and season shift the linear
forecast of every lead and set the distances between its quantiles. Both start without effect: training begins at the
linear forecast with the quantiles of its residuals. Evaluation needs no TensorFlow, so that applying the network to one
more region takes no longer than a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import MEDIAN, FloatArray
from climate.forecasters.networks.network import Network, load_keras, pinball, quantile_head
from climate.forecasters.planet.settings import PlanetSettings
from climate.schema import QUANTILES

Layers = Mapping[str, npt.NDArray[np.float32]]
"""Weights by the names of WEIGHTS."""

WEIGHTS = (
    "memory/kernel",
    "memory/recurrent_kernel",
    "memory/bias",
    "change/kernel",
    "change/bias",
    "spread/kernel",
    "spread/bias",
)


@lru_cache(maxsize=2)
def planet_network(lookback: int, channels: int, traits: int, leads: int, units: int, batch: int) -> Network:
    """The network for inputs sequence (row, lookback, channel), trait (row, trait) and linear (row, lead)."""
    keras = load_keras()
    gaps = len(QUANTILES) - 1

    def build() -> Any:
        sequence = keras.Input((lookback, channels), name="sequence")
        trait = keras.Input((traits,), name="trait")
        linear = keras.Input((leads,), name="linear")
        state = keras.layers.LSTM(units, use_cudnn=False, name="memory")(sequence)
        state = keras.layers.Concatenate()([state, trait])
        change = keras.layers.Dense(leads, kernel_initializer="zeros", name="change")(state)
        spread = keras.layers.Dense(leads * gaps, kernel_initializer="zeros", name="spread")(state)
        return keras.Model([sequence, trait, linear], quantile_head(keras.layers.Add()([linear, change]), spread))

    return Network(build, pinball, batch)


def train_members(
    sequence: FloatArray,
    trait: FloatArray,
    linear: FloatArray,
    targets: FloatArray,
    residual: FloatArray,
    settings: PlanetSettings,
) -> tuple[Layers, ...]:
    """One set of weights per seed.

    Args:
        sequence: (row, lookback, channel). trait: (row, trait). linear: (row, lead), the forecast to start from.
        targets: (row, lead), NaN where unknown.
        residual: rising quantiles (lead, quantile) of the residuals of `linear`.
        settings: seeds, units, epochs, batch and learning rate.
    """
    network = planet_network(*sequence.shape[1:], trait.shape[1], linear.shape[1], settings.units, settings.batch)
    known = np.isfinite(targets)
    steps = np.maximum(np.diff(residual, axis=1), 1e-3)
    bias = {"change/bias": residual[:, MEDIAN], "spread/bias": np.log(np.expm1(steps)).ravel()}
    members = []
    for seed in settings.seeds:
        paths = [_short(variable.path) for variable in network.model.weights]
        fresh = dict(zip(paths, network.fresh(seed), strict=True)) | bias
        trained = network.train(
            [np.asarray(fresh[path], dtype=np.float32) for path in paths],
            [sequence, trait, linear],
            np.where(known, targets, 0.0),
            known.astype(float),
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            seed=seed,
        )
        members.append(dict(zip(paths, trained, strict=True)))
    return tuple(members)


def _short(path: str) -> str:
    """`layer/weight` of a Keras path, which has the names of inner cells between them."""
    parts = path.split("/")
    return f"{parts[0]}/{parts[-1]}"


def read_out(layers: Layers, sequence: FloatArray, trait: FloatArray, linear: FloatArray) -> FloatArray:
    """Quantiles (row, lead, quantile) under one set of weights, in double precision.

    The recurrent layer is that of Hochreiter and Schmidhuber (1997) with a forget gate, gates in Keras' order: input,
    forget, candidate, output.
    """
    weight = {name: np.asarray(layers[name], dtype=np.float64) for name in WEIGHTS}
    units = weight["memory/recurrent_kernel"].shape[0]
    hidden: FloatArray = np.zeros((len(sequence), units))
    cell: FloatArray = np.zeros((len(sequence), units))
    driven = sequence @ weight["memory/kernel"] + weight["memory/bias"]
    for step in range(sequence.shape[1]):
        gates = driven[:, step] + hidden @ weight["memory/recurrent_kernel"]
        entry, forget, candidate, output = (gates[:, k * units : (k + 1) * units] for k in range(4))
        cell = _sigmoid(forget) * cell + _sigmoid(entry) * np.tanh(candidate)
        hidden = _sigmoid(output) * np.tanh(cell)
    state = np.concatenate([hidden, trait], axis=1)
    middle = linear + state @ weight["change/kernel"] + weight["change/bias"]
    steps = np.logaddexp(0.0, state @ weight["spread/kernel"] + weight["spread/bias"])
    steps = steps.reshape(*linear.shape, len(QUANTILES) - 1)
    below = -np.cumsum(steps[..., :MEDIAN][..., ::-1], axis=-1)[..., ::-1]
    above = np.cumsum(steps[..., MEDIAN:], axis=-1)
    return np.concatenate([middle[..., None] + below, middle[..., None], middle[..., None] + above], axis=-1)


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))


def count(layers: Layers) -> int:
    """Number of weights."""
    return int(sum(np.size(layers[name]) for name in WEIGHTS))
