"""A plain dense network of any depth in NumPy, for teaching.

Forward: a_l = max(0, a_(l-1) W_l + b_l), the last layer without the maximum. Backward: the chain rule, layer by layer
from the last; every gradient has the shape of its array. Adam after Kingma and Ba (2015), arXiv:1412.6980. The tests
compare losses and gradients with those of Keras.

`dense-numpy` is the network as a forecaster: it reads the predictors of `features` and predicts the quantiles of
the residual of damped persistence, like `lstm-direct`, but without memory and without a linear path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import xarray as xr

from climate.forecasters.base import EachPlace, FloatArray, future_months, history_values, require_leads, require_months
from climate.forecasters.features import Frame, Scaler
from climate.forecasters.networks.settings import NetworkSettings
from climate.schema import MAX_LEADS, QUANTILES

Loss = Literal["squared", "pinball"]
Layers = list[tuple[FloatArray, FloatArray]]
"""Kernel (inputs, outputs) and bias (outputs) of each layer."""

MIN_MONTHS = 216
"""Months with a value that training needs."""

EPOCHS = 30
"""Passes over the data, more than for the LSTM, since training starts from random weights and not from a ridge."""

LEARNING_RATE = 1e-3

HIDDEN_LAYERS = 2
"""Layers between the predictors and the output."""

DECAYS = (0.9, 0.999)
"""Adam's decay of the mean gradient and of the mean square."""

EPSILON = 1e-7
"""Adam's guard against division by zero, the default of Keras."""


def initial_layers(sizes: Sequence[int], seed: int) -> Layers:
    """Kernels drawn for rectifiers (He et al. 2015, arXiv:1502.01852), biases zero."""
    draw = np.random.default_rng(seed)
    return [
        (draw.normal(0.0, np.sqrt(2 / inputs), (inputs, outputs)), np.zeros(outputs))
        for inputs, outputs in pairwise(sizes)
    ]


def forward(layers: Layers, inputs: FloatArray) -> list[FloatArray]:
    """Activations of every layer, the inputs first and the outputs last."""
    activations = [inputs]
    for depth, (kernel, bias) in enumerate(layers):
        linear = activations[-1] @ kernel + bias
        activations.append(linear if depth == len(layers) - 1 else np.maximum(linear, 0.0))
    return activations


def loss_and_slope(
    outputs: FloatArray, targets: FloatArray, weights: FloatArray, loss: Loss
) -> tuple[float, FloatArray]:
    """Weighted mean loss and its derivative by the outputs.

    Args:
        outputs: (row, output); for "pinball" the quantiles of each target lie side by side.
        targets, weights: (row, target).
        loss: "squared": mean squared error; "pinball": mean over the quantiles.
    """
    total = max(float(weights.sum()), 1.0)
    if loss == "squared":
        error = outputs - targets
        return float((weights * error**2).sum() / total), 2 * weights * error / total
    levels = np.array(QUANTILES)
    error = targets[..., None] - outputs.reshape(*targets.shape, levels.size)
    slope = ((error < 0) - levels) * (weights[..., None] / (levels.size * total))
    return -float((error * slope).sum()), slope.reshape(outputs.shape)


def backward(layers: Layers, activations: Sequence[FloatArray], slope: FloatArray) -> Layers:
    """Gradients of the loss with respect to every kernel and bias, from its derivative by the outputs."""
    gradients: Layers = []
    for depth in reversed(range(len(layers))):
        inputs = activations[depth]
        gradients.append((inputs.T @ slope, slope.sum(axis=0)))
        if depth:
            slope = (slope @ layers[depth][0].T) * (inputs > 0)
    return gradients[::-1]


def train(
    layers: Layers,
    inputs: FloatArray,
    targets: FloatArray,
    weights: FloatArray,
    *,
    loss: Loss,
    epochs: int,
    batch: int,
    learning_rate: float,
    seed: int,
) -> tuple[Layers, list[float]]:
    """Adam over shuffled batches. Returns the trained layers and the mean loss of each epoch."""
    values = [array.copy() for layer in layers for array in layer]
    means = [np.zeros_like(array) for array in values]
    squares = [np.zeros_like(array) for array in values]
    order = np.random.default_rng(seed)
    step, history = 0, []
    for _ in range(epochs):
        losses = []
        shuffled = order.permutation(len(inputs))
        for start in range(0, len(inputs), batch):
            rows = shuffled[start : start + batch]
            current = list(zip(values[::2], values[1::2], strict=True))
            activations = forward(current, inputs[rows])
            value, slope = loss_and_slope(activations[-1], targets[rows], weights[rows], loss)
            losses.append(value)
            step += 1
            rate = learning_rate * np.sqrt(1 - DECAYS[1] ** step) / (1 - DECAYS[0] ** step)
            gradients = [array for pair in backward(current, activations, slope) for array in pair]
            for array, mean, square, gradient in zip(values, means, squares, gradients, strict=True):
                mean += (1 - DECAYS[0]) * (gradient - mean)
                square += (1 - DECAYS[1]) * (gradient**2 - square)
                array -= rate * mean / (np.sqrt(square) + EPSILON)
        history.append(float(np.mean(losses)))
    return list(zip(values[::2], values[1::2], strict=True)), history


@dataclass(frozen=True)
class FittedDense:
    """Frame, scaler, unit of the targets per lead, and the layers of each seed."""

    frame: Frame
    scaler: Scaler
    unit: FloatArray
    members: tuple[Layers, ...]
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`; crossing quantiles are sorted. Raises ValueError beyond MAX_LEADS."""
        require_leads(leads, "dense-numpy")
        rows = self.frame.rows(history, MAX_LEADS, 1)
        inputs = self.scaler(rows.static[-1:])
        shapes = [forward(layers, inputs)[-1].reshape(MAX_LEADS, len(QUANTILES)) for layers in self.members]
        change = np.mean([np.sort(shape, axis=1) for shape in shapes], axis=0) * self.unit[:, None]
        season = self.frame.season[future_months(history, leads)]
        return np.asarray((rows.expected[-1, :leads] + season)[:, None] + change[:leads])


@dataclass(frozen=True)
class DenseNumpy(EachPlace):
    """Settings of `dense-numpy`, which uses units, batch and seeds of those of the LSTM."""

    params: NetworkSettings
    name: str = "dense-numpy"

    def fit_place(self, history: xr.Dataset) -> FittedDense:
        """Estimate frame, scaler and one network per seed. Raises ClimateError below MIN_MONTHS months."""
        settings = self.params
        require_months(history, MIN_MONTHS, self.name)
        frame = Frame.estimate(history, MAX_LEADS)
        rows = frame.rows(history, MAX_LEADS, 1)
        targets = rows.targets(history_values(history))
        used = rows.usable() & np.isfinite(targets).any(axis=1)
        targets = targets[used]
        known = np.isfinite(targets)
        squares = np.where(known, targets, 0.0) ** 2
        unit = np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1))
        unit = np.where(unit > 0, unit, 1.0)
        scaler = Scaler.estimate(rows.static[used])
        inputs = scaler(rows.static[used])
        sizes = [inputs.shape[1], *[settings.units] * HIDDEN_LAYERS, MAX_LEADS * len(QUANTILES)]
        members = tuple(
            train(
                initial_layers(sizes, seed),
                inputs,
                np.where(known, targets / unit, 0.0),
                known.astype(float),
                loss="pinball",
                epochs=EPOCHS,
                batch=settings.batch,
                learning_rate=LEARNING_RATE,
                seed=seed,
            )[0]
            for seed in settings.seeds
        )
        weights = sum(kernel.size + bias.size for layers in members for kernel, bias in layers)
        return FittedDense(
            frame, scaler, unit, members, int(frame.parameters + 2 * inputs.shape[1] + MAX_LEADS + weights)
        )
