"""The networks: predictors that know no future, training that repeats itself, and what they can learn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from climate.forecasters import features
from climate.forecasters.base import (
    MEDIAN_INDEX,
    NORMAL_QUANTILES,
    FloatArray,
    as_panel,
    calendar_months,
    history_values,
)
from climate.forecasters.linear import ridge_start
from climate.forecasters.networks import dense
from climate.forecasters.networks.lstm import DirectLstm, direct_network
from climate.forecasters.networks.network import Network, load_keras, pinball
from climate.forecasters.networks.tutorial import TutorialLstm
from climate.schema import QUANTILES
from tests.forecasters.models import NETWORK, driven, history, quantiles_of, record

LEADS = 24


@pytest.fixture(scope="module")
def known() -> xr.Dataset:
    """A record with memory, and an index that leads it by three months."""
    return history(*driven(480, lag=3))


def test_a_fit_does_not_depend_on_fits_before_it(known: xr.Dataset) -> None:
    first = quantiles_of(DirectLstm(NETWORK), known, LEADS)
    quantiles_of(DirectLstm(NETWORK), history(*driven(480, seed=5)), LEADS)
    np.testing.assert_array_equal(quantiles_of(DirectLstm(NETWORK), known, LEADS), first)


def test_seeds_differ_and_their_quantiles_are_averaged(known: xr.Dataset) -> None:
    first, second, both = (
        quantiles_of(DirectLstm(replace(NETWORK, seeds=seeds)), known, LEADS) for seeds in ((1,), (2,), (1, 2))
    )
    assert np.abs(first - second).max() > 1e-6
    np.testing.assert_allclose(both, (first + second) / 2, rtol=1e-9)
    places = xr.concat([as_panel(known), as_panel(known)], "place", data_vars="minimal")
    seeds = DirectLstm(NETWORK).fit(places).seed_hindcasts(places, [places.sizes["time"]], LEADS)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(seeds[:, :, 0], np.stack([[first, first], [second, second]]))


def test_later_fits_need_no_new_trace() -> None:
    keras = load_keras()
    traces: list[int] = []

    def loss(outputs: Any, targets: Any, weights: Any) -> Any:
        traces.append(1)
        return keras.ops.sum(weights * keras.ops.square(outputs - targets)) / keras.ops.sum(weights)

    def build() -> Any:
        inputs = keras.Input((1,))
        return keras.Model([inputs], keras.layers.Dense(1)(inputs))

    network = Network(build, loss, batch=8)
    start = network.fresh(1)
    seen = []
    for rows, epochs, rate in ((40, 1, 0.1), (50, 2, 0.01)):
        inputs = np.linspace(-1, 1, rows)[:, None]
        weights = np.ones_like(inputs)
        trained = network.train(start, [inputs], inputs, weights, epochs=epochs, learning_rate=rate, seed=1)
        assert np.abs(trained[0] - start[0]).max() > rate / 2
        seen.append(len(traces))
    assert seen[0] == seen[1]


def test_tutorial_network_loses_to_the_direct_one_under_a_trend() -> None:
    values = record(0, 560, trend=0.02)
    direct, tutorial = (
        np.abs(quantiles_of(maker(NETWORK), history(values[:500]), 60)[:, MEDIAN_INDEX] - values[500:]).mean()
        for maker in (DirectLstm, TutorialLstm)
    )
    assert direct < 0.5 * tutorial


def test_untrained_network_is_the_ridge_with_normal_quantiles() -> None:
    network = direct_network(12, 3, 5, 4, 64)
    draw = np.random.default_rng(0)
    outputs = network.predict(network.fresh(1), [draw.normal(size=(2, 12, 3)), draw.normal(size=(2, 5))])
    spread = outputs - outputs[..., MEDIAN_INDEX, None]
    np.testing.assert_allclose(spread, np.broadcast_to(NORMAL_QUANTILES, spread.shape), atol=1e-5)


def test_pinball_loss_equals_the_naive_sum() -> None:
    draw = np.random.default_rng(0)
    outputs, targets, weights = draw.normal(size=(4, 3, 11)), draw.normal(size=(4, 3)), np.array([[1, 1, 0]] * 4)
    naive = []
    for row, lead in np.argwhere(weights):
        for level, output in zip(QUANTILES, outputs[row, lead], strict=True):
            error = targets[row, lead] - output
            naive.append(level * error if error > 0 else (level - 1) * error)
    value = float(pinball(outputs.astype("float32"), targets.astype("float32"), weights.astype("float32")))
    assert value == pytest.approx(np.mean(naive), rel=1e-5)


def test_ridge_start_finds_a_linear_law_and_its_noise() -> None:
    draw = np.random.default_rng(0)
    predictors = draw.normal(size=(4000, 3))
    targets = (predictors @ [1.0, -2.0, 0.0] + 0.5 * draw.normal(size=4000))[:, None]
    coefficients, intercepts, deviation = ridge_start(predictors, targets)
    np.testing.assert_allclose(coefficients[:, 0], [1, -2, 0], atol=0.1)
    assert abs(intercepts[0]) < 0.05
    assert deviation[0] == pytest.approx(0.5, abs=0.02)


def test_lead_without_targets_takes_the_one_before() -> None:
    draw = np.random.default_rng(0)
    predictors, targets = draw.normal(size=(100, 2)), np.full((100, 2), np.nan)
    targets[:, 0] = predictors[:, 0]
    coefficients, _, deviation = ridge_start(predictors, targets)
    np.testing.assert_array_equal(coefficients[:, 1], coefficients[:, 0])
    assert deviation[1] == deviation[0]


# --- predictors


def test_rows_use_their_month_and_earlier_ones_alone(known: xr.Dataset) -> None:
    frame = features.Frame.estimate(known, LEADS)
    whole, part = frame.rows(known, LEADS, 12), frame.rows(known.isel(time=slice(0, 300)), LEADS, 12)
    for name in ("expected", "static", "sequence"):
        np.testing.assert_allclose(getattr(whole, name)[:300], getattr(part, name), atol=1e-9)


def test_targets_beyond_the_history_are_missing(known: xr.Dataset) -> None:
    rows = features.Frame.estimate(known, LEADS).rows(known, LEADS, 12)
    targets = rows.targets(history_values(known))
    for lead in (1, 12, LEADS):
        assert np.isnan(targets[-lead:, lead - 1]).all()
        assert np.isfinite(targets[features.WARM_UP : -lead, lead - 1]).all()
        np.testing.assert_allclose(
            targets[200, lead - 1], rows.level[200 + lead] - rows.expected[200, lead - 1], atol=1e-12
        )


def test_gap_in_the_record_is_no_target(known: xr.Dataset) -> None:
    holed = known.copy(deep=True)
    holed["value"][250:253] = np.nan
    rows = features.Frame.estimate(holed, LEADS).rows(holed, LEADS, 12)
    missing = np.isnan(rows.targets(history_values(holed)))
    assert missing[249, :3].all()
    assert not missing[249, 3:].any()
    assert rows.usable()[250]


@settings(max_examples=20)
@given(slope=st.floats(-1, 1), offset=st.floats(-500, 500), months=st.sampled_from(features.TREND_MONTHS))
def test_trailing_line_of_a_line_is_the_line(slope: float, offset: float, months: int) -> None:
    level = offset + slope * np.arange(400.0)
    line, fitted = features.trailing_line(level, months)
    np.testing.assert_allclose(line[features.WARM_UP :], level[features.WARM_UP :], atol=1e-6)
    np.testing.assert_allclose(fitted[features.WARM_UP :], slope, atol=1e-6)
    assert np.isnan(fitted[: features.WARM_UP - 1]).all()


def test_trailing_line_equals_polyfit() -> None:
    level = np.random.default_rng(0).normal(size=400).cumsum()
    line, slope = features.trailing_line(level, 60, shortest=24)
    assert np.isnan(slope[:23]).all()
    for end in (24, 50, 60, 61, 400):
        window = level[max(0, end - 60) : end]
        expected = np.polyfit(np.arange(1 - window.size, 1), window, 1)
        np.testing.assert_allclose([slope[end - 1], line[end - 1]], expected, rtol=1e-8)


def test_centred_year_removes_a_season_and_keeps_a_line() -> None:
    t = np.arange(120.0)
    smooth = features.centred_year(t + 5 * np.sin(2 * np.pi * t / 12))
    np.testing.assert_allclose(smooth[6:-6], t[6:-6])
    assert np.isnan(smooth[[*range(6), *range(-6, 0)]]).all()


@pytest.mark.parametrize("months", [0, 1, 12])
def test_records_of_less_than_a_centred_year_have_none(months: int) -> None:
    assert np.isnan(features.centred_year(np.ones(months))).all()
    assert features.centred_year(np.ones(months)).size == months


@settings(max_examples=20)
@given(slope=st.floats(-0.1, 0.1), size=st.floats(0.1, 10), start=st.integers(0, 11))
def test_seasonal_cycle_is_found_under_a_trend(slope: float, size: float, start: int) -> None:
    index = np.arange(360)
    months = (index + start) % 12
    cycle = size * np.cos(2 * np.pi * np.arange(12) / 12)
    np.testing.assert_allclose(features.seasonal_cycle(slope * index + cycle[months], months), cycle, atol=1e-8)


def test_changing_season_is_forgotten_and_a_steady_noisy_one_remembered() -> None:
    index = np.arange(720)
    draw = np.random.default_rng(0)
    wave = np.cos(2 * np.pi * index / 12)
    growing = features.seasonal_cycle(wave * (1 + index / 120), index % 12)
    # the mean of the last ten whole years of a size that grows from 6 to 7 within the last decade
    assert growing[0] == pytest.approx(6.5, abs=0.2)
    noise = 0.5 * draw.normal(size=720)
    steady = features.seasonal_cycle(wave + noise, index % 12)
    assert np.abs(steady - wave[:12]).max() < 0.25
    assert steady.sum() == pytest.approx(0, abs=1e-12)


def test_accelerating_record_takes_a_short_trend_and_a_noisy_one_a_long() -> None:
    index = np.arange(720.0)
    draw = np.random.default_rng(0)
    accelerating = index**2 / 5e3 + 0.1 * draw.normal(size=720).cumsum()
    assert features.choose_trend(accelerating, 60) == 120
    assert features.choose_trend(0.001 * index + draw.normal(size=720), 60) == 360


def test_unpublished_and_missing_covariates_are_filled_from_within() -> None:
    values = np.arange(24.0)
    values[[0, 1, 22, 23]] = np.nan
    past = history(np.zeros(24), np.column_stack([values, np.full(24, np.nan)]))
    table = features.filled_covariates(past)
    np.testing.assert_array_equal(table[[22, 23], 0], [21, 21])
    np.testing.assert_array_equal(table[[0, 1], 0], np.full(2, values[2:22].mean()))
    np.testing.assert_array_equal(table[:, 1], 0)
    assert features.filled_covariates(past.drop_vars("covariate")).shape == (24, 0)


def recovered(rows: features.Rows, wanted: FloatArray) -> float:
    """Variance of `wanted` that all columns and the signs of their products explain in blocks left out of the fit."""
    usable = rows.usable()
    signs = np.sign(rows.static[usable])
    first, second = np.triu_indices(signs.shape[1], 1)
    last = rows.sequence[usable].reshape(usable.sum(), -1)
    columns = np.column_stack([rows.static[usable], last, signs[:, first] * signs[:, second]])
    wanted, rows_used = wanted[usable], np.arange(usable.sum())
    error = spread = 0.0
    for block in np.array_split(rows_used, 6):
        known = (rows_used < block[0] - 24) | (rows_used > block[-1] + 24)
        scaler = features.Scaler.estimate(columns[known])
        x, mean = scaler(columns[known]), wanted[known].mean(axis=0)
        weights = np.linalg.solve(x.T @ x + 100 * np.eye(x.shape[1]), x.T @ (wanted[known] - mean))
        error += float(((wanted[block] - mean - scaler(columns[block]) @ weights) ** 2).sum())
        spread += float(((wanted[block] - mean) ** 2).sum())
    return 1 - error / spread


def test_what_is_left_out_cannot_be_recovered_from_any_column() -> None:
    # the index of another record: only its own columns hold it
    known = history(driven(480)[0], driven(480, seed=5)[1])

    def rows(*without: str) -> features.Rows:
        return features.Frame.estimate(known, LEADS, without).rows(known, LEADS, 12)

    whole = rows()
    names = (*whole.predictors, *whole.channels)
    assert (len(whole.predictors), len(whole.channels)) == (whole.static.shape[1], whole.sequence.shape[2])
    assert len(set(names)) == len(names)
    angle = 2 * np.pi * calendar_months(known) / 12
    month = np.column_stack([np.sin(angle), np.cos(angle)])
    driver = known["covariate"].values
    assert recovered(whole, month) > 0.95
    assert recovered(whole, driver) > 0.9
    # the sine and cosine alone are not enough: their products with other columns still reveal the month
    assert recovered(rows("sin", "cos", "sin window", "cos window"), month) > 0.5
    monthless = rows(*features.made_from(names, "sin", "cos"))
    assert recovered(monthless, month) < 0.05
    assert recovered(monthless, driver) > 0.9
    assert np.array_equal(monthless.usable(), whole.usable())
    assert recovered(rows(*features.made_from(names, "0")), driver) < 0.05


def test_ablation_of_an_unknown_column_is_refused(known: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="no columns \\['month'\\]"):
        features.Frame.estimate(known, LEADS, ("month",)).rows(known, LEADS, 12)
    with pytest.raises(ValueError, match="no column is made from month"):
        features.made_from(("level 1", "level x sin"), "month")


def test_frame_of_a_known_process() -> None:
    known = history(driven(480, strength=0.15, noise=0.05)[0])
    frame = features.Frame.estimate(known, LEADS)
    months = calendar_months(known)[:12]
    np.testing.assert_allclose(frame.season[months], 2 * np.sin(2 * np.pi * np.arange(12) / 12), atol=0.15)
    assert 0.6 < frame.persistence < 0.95


# --- the network by hand


def problem(loss: dense.Loss) -> tuple[dense.Layers, FloatArray, FloatArray, FloatArray]:
    draw = np.random.default_rng(3)
    outputs = 2 * len(QUANTILES) if loss == "pinball" else 2
    layers = dense.initial_layers([5, 7, 6, outputs], 1)
    return layers, draw.normal(size=(9, 5)), draw.normal(size=(9, 2)), (draw.random((9, 2)) > 0.2).astype(float)


def keras_twin(layers: dense.Layers) -> Any:
    """The same network in Keras, in double precision, with the same weights."""
    keras = load_keras()
    inputs = outputs = keras.Input((layers[0][0].shape[0],), dtype="float64")
    for depth, (kernel, _) in enumerate(layers):
        activation = None if depth == len(layers) - 1 else "relu"
        outputs = keras.layers.Dense(kernel.shape[1], activation=activation, dtype="float64")(outputs)
    model = keras.Model(inputs, outputs)
    model.set_weights([array for layer in layers for array in layer])
    return model


@pytest.mark.parametrize("loss", ["squared", "pinball"])
def test_gradients_equal_finite_differences(loss: dense.Loss) -> None:
    layers, inputs, targets, weights = problem(loss)
    activations = dense.forward(layers, inputs)
    gradients = dense.backward(layers, activations, dense.loss_and_slope(activations[-1], targets, weights, loss)[1])
    step = 1e-6
    for (kernel, bias), (by_kernel, by_bias) in zip(layers, gradients, strict=True):
        for array, gradient in ((kernel, by_kernel), (bias, by_bias)):
            assert gradient.shape == array.shape
            steepest = np.unravel_index(np.abs(gradient).argmax(), array.shape)
            values = []
            for change in (step, -step):
                array[steepest] += change
                values.append(dense.loss_and_slope(dense.forward(layers, inputs)[-1], targets, weights, loss)[0])
                array[steepest] -= change
            assert gradient[steepest] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


@pytest.mark.parametrize("loss", ["squared", "pinball"])
def test_keras_gives_the_same_losses_and_gradients(loss: dense.Loss) -> None:
    import tensorflow as tf

    layers, inputs, targets, weights = problem(loss)
    activations = dense.forward(layers, inputs)
    value, slope = dense.loss_and_slope(activations[-1], targets, weights, loss)
    twin = keras_twin(layers)
    levels = np.array(QUANTILES)
    with tf.GradientTape() as tape:
        outputs = twin(inputs)
        if loss == "squared":
            terms = tf.square(outputs - targets)
        else:
            error = targets[..., None] - tf.reshape(outputs, (9, 2, levels.size))
            terms = tf.reduce_mean(tf.maximum(levels * error, (levels - 1) * error), axis=-1)
        theirs = tf.reduce_sum(terms * weights) / weights.sum()
    assert float(theirs) == pytest.approx(value, rel=1e-10)
    ours = [array for pair in dense.backward(layers, activations, slope) for array in pair]
    for mine, other in zip(ours, tape.gradient(theirs, twin.trainable_variables), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-12)


def test_adam_by_hand_follows_keras() -> None:
    import keras

    layers, inputs, targets, weights = problem("squared")
    weights = np.ones_like(weights)
    trained, losses = dense.train(
        layers, inputs, targets, weights, loss="squared", epochs=20, batch=9, learning_rate=0.01, seed=0
    )
    twin = keras_twin(layers)
    twin.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
    # Keras takes the mean over the outputs, of which there are two, as the weights do here
    theirs = twin.fit(inputs, targets, epochs=20, batch_size=9, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(losses, theirs, rtol=1e-4)
    np.testing.assert_allclose(dense.forward(trained, inputs)[-1], twin.predict(inputs, verbose=0), atol=1e-3)
    assert losses[-1] < losses[0]


def test_pinball_training_finds_the_quantiles_of_a_normal() -> None:
    draw = np.random.default_rng(0)
    targets = draw.normal(size=(4000, 1))
    layers = dense.initial_layers([1, len(QUANTILES)], 0)
    inputs = np.zeros((4000, 1))
    trained, _ = dense.train(
        layers,
        inputs,
        targets,
        np.ones_like(targets),
        loss="pinball",
        epochs=40,
        batch=400,
        learning_rate=0.05,
        seed=0,
    )
    np.testing.assert_allclose(dense.forward(trained, inputs[:1])[-1][0], norm.ppf(QUANTILES), atol=0.15)
