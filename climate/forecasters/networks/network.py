"""Training of small Keras networks, fast and bit-identical on every run.

A network is built and compiled once per process; every fit resets its weights and optimizer. All batches have one
shape, so that XLA compiles the training step once, and all passes are one dataset, so that `fit` is called once per
training. Importing this module does not import TensorFlow; building a network does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import MEDIAN_INDEX, FloatArray
from climate.schema import QUANTILES

Weights = list[npt.NDArray[np.float32]]

THREADS = 1
"""Threads of TensorFlow: small networks run no faster on more, and one fixes the order of sums."""

STEPS_PER_EXECUTION = 1000
"""Upper limit of steps that `fit` takes without returning to Python, which would add a third to its time."""


def load_keras() -> Any:
    """Import Keras on TensorFlow with THREADS threads."""
    import tensorflow as tf

    # once a process has used TensorFlow, the number of threads is fixed
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    import keras

    return keras


def pinball(outputs: Any, targets: Any, weights: Any) -> Any:
    """Mean pinball loss of quantiles (row, lead, quantile) over targets (row, lead), weighted.

    Koenker and Bassett (1978), Econometrica 46, doi:10.2307/1913643.
    """
    ops = load_keras().ops
    levels = ops.convert_to_tensor(np.array(QUANTILES, dtype=np.float32))
    error = ops.expand_dims(targets, -1) - outputs
    loss = ops.mean(ops.maximum(levels * error, (levels - 1) * error), axis=-1)
    return ops.sum(loss * weights) / ops.maximum(ops.sum(weights), 1.0)


def quantile_head(middle: Any, spread: Any) -> Any:
    """Quantiles (row, lead, quantile) that cannot cross, from medians (row, lead) and their distances' logits.

    `spread` (row, lead x distances between neighbouring quantiles) becomes positive by the softplus.
    """
    keras = load_keras()
    ops, leads, steps = keras.ops, middle.shape[-1], len(QUANTILES) - 1
    median = keras.layers.Reshape((leads, 1))(middle)
    distances = keras.layers.Reshape((leads, steps))(keras.layers.Activation("softplus")(spread))
    below = -ops.flip(ops.cumsum(ops.flip(distances[:, :, :MEDIAN_INDEX], axis=-1), axis=-1), axis=-1)
    above = ops.cumsum(distances[:, :, MEDIAN_INDEX:], axis=-1)
    return ops.concatenate([median + below, median, median + above], axis=-1)


class Network:
    """A Keras model that is compiled once, and fitted repeatedly from given weights.

    Args:
        build: makes the model; called again for each seed to draw fresh weights by Keras' own initialisers.
        loss: mean loss from (outputs, targets, weights of the targets), in `keras.ops`.
        batch: rows per step.
    """

    def __init__(self, build: Callable[[], Any], loss: Callable[[Any, Any, Any], Any], batch: int) -> None:
        import tensorflow as tf

        keras = load_keras()

        class WeightedLoss(keras.losses.Loss):  # type: ignore[misc, name-defined]
            def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
                return loss(y_pred, y_true, sample_weight)

        self.build = build
        self.batch = batch
        self.model = model = build()
        # variables, so that other numbers of steps or learning rates need no new trace
        self._rate, self._steps = (keras.Variable(1.0, trainable=False) for _ in range(2))
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(self._rate, self._steps), clipnorm=1.0)
        optimizer.build(model.trainable_variables)
        model.compile(optimizer, WeightedLoss(), jit_compile=True, steps_per_execution=STEPS_PER_EXECUTION)
        self._initial_state = [variable.numpy() for variable in optimizer.variables]
        self._drawn: dict[int, Weights] = {}
        self._loaded: Weights | None = None
        self._predict: Callable[..., Any] = tf.function(lambda inputs: model(inputs, training=False), jit_compile=True)

    @property
    def parameters(self) -> int:
        """Number of trainable weights."""
        return int(sum(np.prod(variable.shape) for variable in self.model.trainable_variables))

    def fresh(self, seed: int) -> Weights:
        """Initial weights drawn with `seed`."""
        if seed not in self._drawn:
            load_keras().utils.set_random_seed(seed)
            self._drawn[seed] = [np.asarray(weight) for weight in self.build().get_weights()]
        return self._drawn[seed]

    def train(
        self,
        start: Weights,
        inputs: Sequence[FloatArray],
        targets: FloatArray,
        weights: FloatArray,
        *,
        epochs: int,
        learning_rate: float,
        seed: int,
    ) -> Weights:
        """Weights after `epochs` passes in an order drawn with `seed`; the rate falls to zero along a half cosine.

        Args:
            start: weights to start from.
            inputs: arrays (row, ...), one per input of the model. targets, weights: (row, ...), without NaN.
        """
        import tensorflow as tf

        self.model.set_weights(start)
        self._loaded = None
        rows = targets.shape[0]
        steps = -(-rows // self.batch)
        if epochs * steps:
            for variable, value in zip(self.model.optimizer.variables, self._initial_state, strict=True):
                variable.assign(value)
            self._rate.assign(learning_rate)
            self._steps.assign(epochs * steps)
            order = np.random.default_rng(seed)
            # the last batch of a pass is completed with rows from its beginning, so that all batches have one shape
            passes = [np.resize(order.permutation(rows), (steps, self.batch)) for _ in range(epochs)]
            arrays = [tf.convert_to_tensor(array, tf.float32) for array in (*inputs, targets, weights)]

            def batch(chosen: Any) -> Any:
                *read, target, weight = (tf.gather(array, chosen) for array in arrays)
                return tuple(read), target, weight

            # batches are gathered one by one: all of them together would be `epochs` copies of the arrays
            data = tf.data.Dataset.from_tensor_slices(np.concatenate(passes)).map(batch)
            self.model.fit(data, shuffle=False, verbose=0)
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def predict(self, weights: Weights, inputs: Sequence[FloatArray]) -> FloatArray:
        """Outputs for `inputs` under `weights`."""
        if weights is not self._loaded:
            self.model.set_weights(weights)
            self._loaded = weights
        rows = len(inputs[0])
        # blocks of one shape: one compilation, and no row's digits depend on how many others there are
        blocks = -(-rows // self.batch) * self.batch
        padded = [np.resize(array.astype(np.float32), (blocks, *array.shape[1:])) for array in inputs]
        outputs = [
            np.asarray(self._predict([array[first : first + self.batch] for array in padded]), dtype=np.float64)
            for first in range(0, blocks, self.batch)
        ]
        return np.concatenate(outputs)[:rows]
