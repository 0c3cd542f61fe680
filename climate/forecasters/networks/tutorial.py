"""The LSTM as many tutorials write it: a counter-example for teaching.

The record is scaled to 0..1 between its minimum and maximum so far, the network predicts the next month from the last
ones by squared error, and forecasts are fed back month by month. Everything is fitted inside the fold, so nothing is
leaked; it fails because a trending record soon leaves the range of the training data, and because every step adds the
error of the one before. Quantiles are normal; their deviation is that of the one-step errors in training times the
square root of the lead, as of a random walk. Tutorials train one network, so only the first seed is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from climate.forecasters.base import EachPlace, FloatArray, fill_gaps, history_values, normal_quantiles, require_months
from climate.forecasters.networks.network import Network, Weights, load_keras
from climate.forecasters.networks.settings import NetworkSettings

EPOCHS = 30
"""Passes over the data, the usual choice, whatever the settings of the other networks."""

LEARNING_RATE = 1e-3
"""Default of Adam in Keras."""

MIN_MONTHS = 120
"""Months with a value that training needs beyond the lookback."""


def squared_error(outputs: Any, targets: Any, weights: Any) -> Any:
    """Weighted mean squared error."""
    ops = load_keras().ops
    return ops.sum(weights * ops.square(targets - outputs)) / ops.sum(weights)


@lru_cache(maxsize=2)
def tutorial_network(lookback: int, units: int, batch: int) -> Network:
    """One LSTM layer and one output, compiled once per process for each shape."""
    keras = load_keras()

    def build() -> Any:
        sequence = keras.Input((lookback, 1))
        state = keras.layers.LSTM(units, use_cudnn=False)(sequence)
        return keras.Model([sequence], keras.layers.Dense(1)(state))

    return Network(build, squared_error, batch)


@dataclass(frozen=True)
class FittedTutorial:
    """Range of the training record, weights, one-step deviation (unit of the record)."""

    settings: NetworkSettings
    least: float
    extent: float
    weights: Weights
    deviation: float
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `FittedPlace.forecast`."""
        settings = self.settings
        network = tutorial_network(settings.lookback, settings.units, settings.batch)
        recent = (fill_gaps(history_values(history))[-settings.lookback :] - self.least) / self.extent
        window = recent
        for _ in range(leads):
            following = network.predict(self.weights, [window[None, -settings.lookback :, None]])[0, 0]
            window = np.append(window, following)
        mean = self.least + self.extent * window[-leads:]
        return normal_quantiles(mean, self.deviation * np.sqrt(np.arange(1.0, leads + 1)))


@dataclass(frozen=True)
class TutorialLstm(EachPlace):
    """Settings of `lstm-tutorial`."""

    params: NetworkSettings
    name: str = "lstm-tutorial"

    def fit_place(self, history: xr.Dataset) -> FittedTutorial:
        """Estimate range and weights. Raises ClimateError for a history shorter than the lookback + MIN_MONTHS."""
        settings = self.params
        require_months(history, settings.lookback + MIN_MONTHS, self.name)
        values = fill_gaps(history_values(history))
        least, extent = float(values.min()), float(np.ptp(values)) or 1.0
        windows = np.lib.stride_tricks.sliding_window_view((values - least) / extent, settings.lookback + 1)
        inputs, targets = windows[:, :-1, None], windows[:, -1:]
        network = tutorial_network(settings.lookback, settings.units, settings.batch)
        seed = settings.seeds[0]
        weights = network.train(
            network.fresh(seed),
            [inputs],
            targets,
            np.ones_like(targets),
            epochs=EPOCHS,
            learning_rate=LEARNING_RATE,
            seed=seed,
        )
        deviation = extent * float(np.sqrt(np.mean((targets - network.predict(weights, [inputs])) ** 2)))
        return FittedTutorial(settings, least, extent, weights, deviation, 3 + network.parameters)
