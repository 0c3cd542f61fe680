"""The network of the planet: trained with Keras on many cells at once, evaluated with NumPy.

It reads what the linear forecast reads: one recurrent layer reads three years of the place's own departures, another
three years of the planet's leading components. The state of the first, with a few traits of place and season, shifts
the forecast of every lead; that of the second shifts the forecast of the components, which reaches a place through its
loadings. Both set the distances between quantiles. All start without effect: training begins at the linear forecast
with the quantiles of its residuals. Evaluation needs no TensorFlow, so that applying the network to one more place
takes no longer than a regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import MEDIAN_INDEX, FloatArray
from climate.forecasters.networks.network import Network, load_keras, pinball, quantile_head
from climate.forecasters.planet.settings import PlanetSettings
from climate.schema import QUANTILES

Single = npt.NDArray[np.float32]

Layers = Mapping[str, npt.NDArray[np.float32]]
"""Weights by the names of WEIGHTS."""

WEIGHTS = tuple(
    f"{layer}/{weight}"
    for layer, weights in (
        ("memory", ("kernel", "recurrent_kernel", "bias")),
        ("planet", ("kernel", "recurrent_kernel", "bias")),
        ("change", ("kernel", "bias")),
        ("pattern", ("kernel", "bias")),
        ("spread", ("kernel", "bias")),
    )
    for weight in weights
)


@dataclass(frozen=True)
class Inputs:
    """What the network reads, and the forecast that it starts from; all arrays in single precision.

    sequence (..., month, channel): own departures and season. field (..., month, component). loadings (..., component)
    and trait (..., trait) of the place. linear, scale (..., lead): linear forecast and its relative spread.
    """

    sequence: Single
    field: Single
    loadings: Single
    trait: Single
    linear: Single
    scale: Single

    def arrays(self) -> list[Single]:
        """In the order of the network's inputs."""
        return [self.sequence, self.field, self.loadings, self.trait, self.linear, self.scale]


@lru_cache(maxsize=2)
def planet_network(shapes: tuple[tuple[int, ...], ...], units: int, batch: int) -> Network:
    """The network for `Inputs` of these shapes, without the first dimension (row)."""
    keras = load_keras()
    gaps, leads, components = len(QUANTILES) - 1, shapes[4][0], shapes[2][0]

    def build() -> Any:
        names = ("sequence", "field", "loadings", "trait", "linear", "scale")
        inputs = [keras.Input(shape, name=name) for name, shape in zip(names, shapes, strict=True)]
        sequence, field, loadings, trait, linear, scale = inputs
        own = keras.layers.LSTM(units, use_cudnn=False, name="memory")(sequence)
        of_planet = keras.layers.LSTM(units, use_cudnn=False, name="planet")(field)
        state = keras.layers.Concatenate()([own, of_planet, trait])
        change = keras.layers.Dense(leads, kernel_initializer="zeros", name="change")(state)
        pattern = keras.layers.Dense(leads * components, kernel_initializer="zeros", name="pattern")(of_planet)
        reached = keras.layers.Dot(axes=(2, 1))([keras.layers.Reshape((leads, components))(pattern), loadings])
        spread = keras.layers.Dense(leads * gaps, kernel_initializer="zeros", name="spread")(state)
        # in units of the relative spread, so that the distances between quantiles scale with it
        middle = keras.layers.Add()([linear, change, reached])
        distances = quantile_head(keras.layers.Subtract()([middle, middle]), spread)
        column = keras.layers.Reshape((leads, 1))
        return keras.Model(
            inputs, keras.layers.Add()([column(middle), keras.layers.Multiply()([column(scale), distances])])
        )

    return Network(build, pinball, batch)


def train_members(
    inputs: Inputs, targets: FloatArray, residual: FloatArray, settings: PlanetSettings
) -> tuple[Layers, ...]:
    """One set of weights per seed.

    Args:
        inputs: arrays with the first dimension (row).
        targets: (row, lead), NaN where unknown.
        residual: rising quantiles (lead, quantile) of the residuals of the linear forecast over their relative spread.
        settings: seeds, units, epochs, batch and learning rate.
    """
    network = planet_network(tuple(each.shape[1:] for each in inputs.arrays()), settings.units, settings.batch)
    known, tensor = np.isfinite(targets), load_keras().ops.convert_to_tensor
    # one copy for all seeds
    tensors = [tensor(each) for each in inputs.arrays()]
    steps = np.maximum(np.diff(residual, axis=1), 1e-3)
    bias = {"change/bias": residual[:, MEDIAN_INDEX], "spread/bias": np.log(np.expm1(steps)).ravel()}
    members = []
    for seed in settings.seeds:
        paths = [_short(variable.path) for variable in network.model.weights]
        fresh = dict(zip(paths, network.fresh(seed), strict=True)) | bias
        trained = network.train(
            [np.asarray(fresh[path], dtype=np.float32) for path in paths],
            tensors,
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


def read_out(layers: Layers, inputs: Inputs) -> Single:
    """Quantiles (row, place, lead, quantile) under one set of weights.

    Inputs are arrays (row, place, ...); `field` has no place, and `loadings` no row.
    """
    weight = {name: np.asarray(layers[name], dtype=np.float32) for name in WEIGHTS}
    rows, places, leads = inputs.linear.shape
    own = _memory(weight, "memory", inputs.sequence.reshape(rows * places, *inputs.sequence.shape[2:]))
    of_planet = _memory(weight, "planet", inputs.field)
    repeated = np.broadcast_to(of_planet[:, None], (rows, places, of_planet.shape[1]))
    state = np.concatenate([own.reshape(rows, places, -1), repeated, inputs.trait], axis=2)
    pattern = of_planet @ weight["pattern/kernel"] + weight["pattern/bias"]
    pattern = pattern.reshape(rows, -1, inputs.loadings.shape[1])
    reached = (pattern[:, :leads] @ inputs.loadings.T).transpose(0, 2, 1)
    middle = inputs.linear + reached + state @ weight["change/kernel"][:, :leads] + weight["change/bias"][:leads]
    gaps = leads * (len(QUANTILES) - 1)
    steps = np.logaddexp(np.float32(0), state @ weight["spread/kernel"][:, :gaps] + weight["spread/bias"][:gaps])
    steps = inputs.scale[..., None] * steps.reshape(rows, places, leads, -1)
    below = -np.cumsum(steps[..., :MEDIAN_INDEX][..., ::-1], axis=-1)[..., ::-1]
    above = np.cumsum(steps[..., MEDIAN_INDEX:], axis=-1)
    return np.concatenate([middle[..., None] + below, middle[..., None], middle[..., None] + above], axis=-1)


def _memory(weight: Layers, layer: str, sequence: Single) -> Single:
    """Last state (row, unit) of a recurrent layer that reads sequence (row, month, channel).

    That of Hochreiter and Schmidhuber (1997) with a forget gate; gates in Keras' order: input, forget, candidate,
    output.
    """
    recurrent = weight[f"{layer}/recurrent_kernel"]
    units = recurrent.shape[0]
    hidden = np.zeros((len(sequence), units), np.float32)
    cell = np.zeros_like(hidden)
    for step in range(sequence.shape[1]):
        gates = sequence[:, step] @ weight[f"{layer}/kernel"] + weight[f"{layer}/bias"] + hidden @ recurrent
        entry, forget, candidate, output = (gates[:, k * units : (k + 1) * units] for k in range(4))
        cell = _sigmoid(forget) * cell + _sigmoid(entry) * np.tanh(candidate)
        hidden = _sigmoid(output) * np.tanh(cell)
    return hidden


def _sigmoid(values: Single) -> Single:
    half = np.float32(0.5)
    return np.asarray(half * (np.float32(1) + np.tanh(half * values)))


def count(layers: Layers) -> int:
    """Number of weights."""
    return int(sum(np.size(layers[name]) for name in WEIGHTS))
