"""One training of the direct LSTM looked into: its layers, its hidden states and its losses pass by pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.base import FloatArray, IntArray, calendar_months, history_values
from climate.forecasters.features import Frame, filled_covariates, trailing_line, trailing_mean
from climate.forecasters.networks.dense import loss_and_slope
from climate.forecasters.networks.lstm import DirectLstm, FittedDirect, direct_network
from climate.forecasters.networks.network import Network, Weights, load_keras
from climate.forecasters.registry import MAX_LEADS
from climate.hindcast.rolling import history_of
from climate.insight import probes
from climate.params.params import LstmParams
from climate.schema import MONTHS_PER_YEAR, QUANTILES

QUANTITIES = {
    "season": "time of year",
    "departure": "departure from the trend",
    "trend": "slope of the trend",
    "enso": "ENSO at the origin",
    "enso-before": "ENSO a year before",
    "enso-ahead": "ENSO half a year later",
    "change": "what comes: error of the simple forecast in the next year",
}
"""What hidden states are asked for."""

SLOPE_MONTHS = 120
"""Months of the line whose slope a probe is asked for."""

ENSO_MONTHS, ENSO_AHEAD = 3, 6
"""Length of ENSO's mean, and months ahead for which a probe is asked (months)."""


@dataclass(frozen=True)
class Opened:
    """A trained network with the rows that it was trained and is tested on.

    inputs: sequence and static predictors of all months (row, ...), scaled. targets: (row, lead) in units of each
    lead's deviation, NaN where unknown. train, test: rows. passes: mean loss that training itself showed per pass, and
    the weights after it, for each seed; the start comes first, with NaN.
    """

    fitted: FittedDirect
    network: Network
    inputs: list[FloatArray]
    targets: FloatArray
    train: IntArray
    test: IntArray
    passes: dict[int, list[tuple[float, Weights]]]
    quantities: dict[str, FloatArray]


def open_training(series: xr.Dataset, covariates: xr.Dataset, settings: LstmParams, origin: np.datetime64) -> Opened:
    """Train one network per seed on months up to `origin`; months after it are the test.

    A training row's targets end at the origin. A test row's origin is later, and its targets are whatever is known.
    """
    whole, history = history_of(series, covariates), history_of(series, covariates, origin)
    rows = Frame.estimate(history, MAX_LEADS).rows(whole, MAX_LEADS, settings.lookback)
    network = direct_network(*rows.sequence.shape[1:], rows.static.shape[1], settings.units, settings.batch)
    seen: list[tuple[float, Weights]] = []
    network.watch = lambda loss, weights: seen.append((loss, weights))
    try:
        fitted = DirectLstm(settings).fit_place(history)
    finally:
        network.watch = None
    # all seeds share frame, scalers and linear start, so that one fit trains them one after the other
    length = settings.epochs + 1
    passes = {seed: seen[place * length : (place + 1) * length] for place, seed in enumerate(settings.seeds)}
    usable, last = rows.usable(), history.sizes["time"]
    observed = history_values(whole)
    place = np.arange(observed.size)
    known = np.isfinite(rows.targets(observed)).any(axis=1)
    targets = rows.targets(observed) / fitted.trained.deviation
    inputs = [fitted.sequence_scaler(rows.sequence), fitted.static_scaler(rows.static)]
    return Opened(
        fitted,
        network,
        inputs,
        targets,
        np.flatnonzero(usable & known & (place < last - 1)),
        np.flatnonzero(usable & known & (place >= last - 1)),
        passes,
        _quantities(whole, rows.level, targets),
    )


def _quantities(history: xr.Dataset, level: FloatArray, targets: FloatArray) -> dict[str, FloatArray]:
    """What is known of each month (row, column), NaN where it is not; see QUANTITIES."""
    angle = 2 * np.pi * calendar_months(history) / MONTHS_PER_YEAR
    line, slope = trailing_line(level, SLOPE_MONTHS)
    enso = trailing_mean(filled_covariates(history)[:, 0], ENSO_MONTHS)
    with np.errstate(invalid="ignore"):
        change = targets[:, :MONTHS_PER_YEAR].mean(axis=1)
    return {
        "season": np.column_stack([np.sin(angle), np.cos(angle)]),
        "departure": (level - line)[:, None],
        "trend": slope[:, None],
        "enso": enso[:, None],
        "enso-before": np.concatenate([np.full(MONTHS_PER_YEAR, np.nan), enso[:-MONTHS_PER_YEAR]])[:, None],
        "enso-ahead": np.concatenate([enso[ENSO_AHEAD:], np.full(ENSO_AHEAD, np.nan)])[:, None],
        "change": change[:, None],
    }


def hidden_states(opened: Opened, weights: Weights, rows: IntArray) -> FloatArray:
    """Final state of the recurrent layer (row, unit) under `weights`."""
    keras = load_keras()
    model = opened.network.model
    model.set_weights(weights)
    memory = keras.Model(model.inputs, model.get_layer("memory").output)
    inputs = dict(zip((tensor.name for tensor in model.inputs), opened.inputs, strict=True))
    ordered = [np.asarray(inputs[tensor.name][rows], dtype=np.float32) for tensor in model.inputs]
    return np.asarray(memory(ordered, training=False), dtype=float)


def layers(opened: Opened) -> pd.DataFrame:
    """Layers that hold weights: what they read and give, and how many weights each has."""
    rows = []
    for layer in opened.network.model.layers:
        count = int(sum(np.prod(weight.shape) for weight in layer.trainable_weights))
        if count:
            shapes = ", ".join(" × ".join(map(str, weight.shape)) for weight in layer.trainable_weights)  # noqa: RUF001
            rows.append({"layer": layer.name, "kind": type(layer).__name__, "shapes": shapes, "weights": count})
    return pd.DataFrame(rows)


def probe_table(opened: Opened, lookback: int) -> pd.DataFrame:
    """Explained variance of each quantity for each seed, trained and untrained, with the 95th percentile of chance."""
    rows = []
    for seed, seen in opened.passes.items():
        for kind, weights in (("untrained", seen[0][1]), ("trained", seen[-1][1])):
            states = hidden_states(opened, weights, opened.train)
            for name, values in opened.quantities.items():
                asked = values[opened.train]
                known = np.isfinite(asked).all(axis=1)
                share, chance = probes.explained(
                    states[known], asked[known], lookback, probes.SHIFTS, periodic=name == "season"
                )
                rows.append(
                    {
                        "seed": seed,
                        "network": kind,
                        "quantity": name,
                        "explained": share,
                        "chance95": float(np.quantile(chance, 0.95)),
                        "months": int(known.sum()),
                    }
                )
    return pd.DataFrame(rows)


def curve_table(opened: Opened) -> pd.DataFrame:
    """Losses after each pass, mean over seeds' own networks: one row per seed, pass and sample.

    `loss` is at fixed weights over all rows of the sample; `shown` is what training shows, the mean over the pass's
    batches before each update; `plain` is the loss of a forecast that learnt nothing, the quantiles of the targets of
    the training rows at each lead; `variance` is the mean square of the targets.
    """
    known = np.isfinite(opened.targets)
    train = opened.targets[opened.train]
    plain = np.nanquantile(train, QUANTILES, axis=0).T
    rows = []
    for sample, places in (("training", opened.train), ("test", opened.test)):
        targets, weights = np.nan_to_num(opened.targets[places]), known[places].astype(float)
        ignorant = _loss(np.broadcast_to(plain, (places.size, *plain.shape)), targets, weights)
        variance = float((targets**2 * weights).sum() / weights.sum())
        for seed, seen in opened.passes.items():
            for number, (shown, values) in enumerate(seen):
                outputs = opened.network.predict(values, [array[places] for array in opened.inputs])
                rows.append(
                    {
                        "seed": seed,
                        "pass": number,
                        "sample": sample,
                        "loss": _loss(outputs, targets, weights),
                        "shown": shown if sample == "training" else np.nan,
                        "plain": ignorant,
                        "variance": variance,
                        "rows": int(places.size),
                    }
                )
    return pd.DataFrame(rows)


def _loss(outputs: FloatArray, targets: FloatArray, weights: FloatArray) -> float:
    return loss_and_slope(np.asarray(outputs), targets, weights, "pinball")[0]
