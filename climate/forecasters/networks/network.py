"""Training of small Keras networks, fast and the same to the last bit on every run.

A network is built and compiled once per process; every fit only resets its weights. Batches have one fixed shape, so
that XLA compiles the training step once. Importing this module does not import TensorFlow; building a network does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray, IntArray

Weights = list[npt.NDArray[np.float32]]

THREADS = 1
"""Threads of TensorFlow: small networks run no faster on more, and one makes the sums' order certain."""


def load_keras() -> Any:
    """Import Keras on TensorFlow with THREADS threads."""
    import tensorflow as tf

    # a process that has used TensorFlow before keeps its threads
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    import keras

    return keras


class Network:
    """A Keras model whose weights are reset, trained by Adam and read out again and again.

    Args:
        build: makes the model; called again for each seed to draw fresh weights by Keras' own initialisers.
        loss: mean loss from (outputs, targets, weights of the targets), in `keras.ops`.
        batch: rows per step.
    """

    def __init__(self, build: Callable[[], Any], loss: Callable[[Any, Any, Any], Any], batch: int) -> None:
        import tensorflow as tf

        keras = load_keras()
        self.build = build
        self.batch = batch
        self.model = build()
        self.optimizer = keras.optimizers.Adam(1e-3, clipnorm=1.0)
        self.optimizer.build(self.model.trainable_variables)
        self._drawn: dict[int, Weights] = {}
        self._loaded: Weights | None = None
        self._rested = [variable.numpy() for variable in self.optimizer.variables]
        model, optimizer = self.model, self.optimizer

        def step(inputs: Any, targets: Any, weights: Any) -> Any:
            with tf.GradientTape() as tape:
                value = loss(model(inputs, training=True), targets, weights)
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
            return value

        self._step: Any = tf.function(step, jit_compile=True)
        self._predict: Callable[..., Any] = tf.function(lambda inputs: model(inputs, training=False), jit_compile=True)
        self._tensor: Callable[[FloatArray], Any] = lambda array: tf.constant(array, tf.float32)

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
        self.model.set_weights(start)
        self._loaded = None
        for variable, value in zip(self.optimizer.variables, self._rested, strict=True):
            variable.assign(value)
        order = np.random.default_rng(seed)
        rows = targets.shape[0]
        steps = -(-rows // self.batch)
        if not epochs * steps:
            return self._weights()

        def batch_of(chosen: IntArray) -> tuple[Any, ...]:
            tensors = [self._tensor(array[chosen]) for array in (*inputs, targets, weights)]
            return tensors[:-2], tensors[-2], tensors[-1]

        # looked up once: tf.function would search for it at every step
        update = self._step.get_concrete_function(*batch_of(np.zeros(self.batch, dtype=np.int64)))
        for step in range(epochs * steps):
            if step % steps == 0:
                # the last batch of a pass is filled up with rows from its beginning
                shuffled = np.resize(order.permutation(rows), steps * self.batch)
            chosen = shuffled[(step % steps) * self.batch :][: self.batch]
            self.optimizer.learning_rate.assign(learning_rate * (1 + np.cos(np.pi * step / (epochs * steps))) / 2)
            update(*batch_of(chosen))
        return self._weights()

    def _weights(self) -> Weights:
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def predict(self, weights: Weights, inputs: Sequence[FloatArray]) -> FloatArray:
        """Outputs for `inputs` under `weights`."""
        if weights is not self._loaded:
            self.model.set_weights(weights)
            self._loaded = weights
        return np.asarray(self._predict([self._tensor(array) for array in inputs]), dtype=np.float64)
