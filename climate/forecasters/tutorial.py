"""The LSTM as tutorials write it: a counter-example for teaching.

The record is squeezed into 0..1 between its least and greatest value so far, the network learns the next month from
the last ones by squared error, and forecasts feed on themselves month by month. Everything is fitted inside the fold,
so it does not cheat; it fails because a trending record soon leaves the range that was trained on, and because each
step adds the error of the one before. Quantiles are normal; their deviation is that of the one-step errors in
training times the square root of the lead, as of a random walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray, fill_gaps, history_values, normal_quantiles, require_months
from climate.forecasters.network import Network, Weights, load_keras
from climate.params import LstmParams

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
    """Range of the training record, weights per seed, one-step deviation (unit of the record)."""

    settings: LstmParams
    least: float
    extent: float
    members: tuple[Weights, ...]
    deviation: float
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`; the mean of the seeds' recursions."""
        settings = self.settings
        network = tutorial_network(settings.lookback, settings.units, settings.batch)
        recent = (fill_gaps(history_values(history))[-settings.lookback :] - self.least) / self.extent
        paths = []
        for weights in self.members:
            window = recent.copy()
            for _ in range(leads):
                following = network.predict(weights, [window[None, -settings.lookback :, None]])[0, 0]
                window = np.append(window, following)
            paths.append(window[-leads:])
        mean = self.least + self.extent * np.mean(paths, axis=0)
        return normal_quantiles(mean, self.deviation * np.sqrt(np.arange(1.0, leads + 1)))


@dataclass(frozen=True)
class TutorialLstm:
    """Settings of `lstm-tutorial`."""

    params: LstmParams
    name: str = "lstm-tutorial"

    def fit(self, history: xr.Dataset) -> FittedTutorial:
        """Estimate range and weights. Raises ClimateError for a history shorter than the lookback + MIN_MONTHS."""
        settings = self.params
        require_months(history, settings.lookback + MIN_MONTHS, self.name)
        values = fill_gaps(history_values(history))
        least, extent = float(values.min()), float(np.ptp(values)) or 1.0
        windows = np.lib.stride_tricks.sliding_window_view((values - least) / extent, settings.lookback + 1)
        inputs, targets = windows[:, :-1, None], windows[:, -1:]
        network = tutorial_network(settings.lookback, settings.units, settings.batch)
        members, errors = [], []
        for seed in settings.seeds:
            weights = network.train(
                network.fresh(seed),
                [inputs],
                targets,
                np.ones_like(targets),
                epochs=settings.epochs,
                learning_rate=settings.learning_rate,
                seed=seed,
            )
            members.append(weights)
            errors.append(targets - network.predict(weights, [inputs]))
        deviation = extent * float(np.std(np.mean(errors, axis=0)))
        return FittedTutorial(
            settings, least, extent, tuple(members), deviation, 3 + len(members) * network.parameters
        )
