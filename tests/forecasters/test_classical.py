"""Classical models: known answers, agreement with statsmodels, failed fits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import GLSAR
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.mlemodel import MLEModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from climate.forecasters.base import MEDIAN_INDEX, EachPlace, as_panel, fill_gaps
from climate.forecasters.classical import likelihood
from climate.forecasters.classical.arima import sarimax_enso
from climate.forecasters.classical.decomposition import StlEts
from climate.forecasters.classical.naive import Persistence, SeasonalNaive
from climate.forecasters.classical.ridge import PENALTIES, DirectRidge, cross_validated
from climate.forecasters.classical.smoothing import Ets, error_variance
from climate.forecasters.classical.statespace import Sarima, TrendArma, UnobservedComponents
from climate.forecasters.classical.trend import ClimatologyTrend, design
from climate.forecasters.hybrid import RidgeHybrid
from climate.forecasters.linear import centred_ridge, distant_rows, ridge
from climate.forecasters.networks.lstm import DirectLstm
from climate.forecasters.registry import make, names_of
from tests.forecasters import models
from tests.forecasters.models import MARKS, NETWORK, driven, history, panel, quantiles_of, record

FAST = ("seasonal-naive", "seasonal-naive-drift", "persistence", "climatology-trend", "trend-ar1")


@settings(max_examples=40)
@given(st.lists(st.floats(-50, 50), min_size=72, max_size=120), st.sampled_from(FAST))
def test_quantiles_never_cross(values: list[float], name: str) -> None:
    past = history(np.array(values))
    forecast = quantiles_of(make(name), past, 30)
    assert np.isfinite(forecast).all()
    assert (np.diff(forecast, axis=1) >= 0).all()


def test_constant_record_is_forecast_as_itself() -> None:
    past = history(np.full(300, 7.0))
    for name in sorted(set(names_of("baselines")) - MARKS.keys()):
        forecast = quantiles_of(make(name), past, 12)
        np.testing.assert_allclose(forecast, 7.0, atol=1e-3, err_msg=name)


def test_seasonal_naive_repeats_the_last_year() -> None:
    values = np.arange(120.0)
    values[-2] = np.nan
    forecast = quantiles_of(SeasonalNaive(), history(values), 24)
    assert forecast[0, MEDIAN_INDEX] == values[108]
    assert forecast[12, MEDIAN_INDEX] == values[108]
    assert forecast[10, MEDIAN_INDEX] == values[106], "a missing month takes the year before"
    # year-on-year changes are all 12, so that their root mean square is 12; Phi^-1(0.95) = 1.644854
    assert forecast[0, -1] - forecast[0, MEDIAN_INDEX] == pytest.approx(12 * 1.644854, rel=1e-6)
    assert forecast[12, -1] - forecast[12, MEDIAN_INDEX] == pytest.approx(12 * np.sqrt(2) * 1.644854, rel=1e-6)


def test_drift_continues_a_straight_line() -> None:
    past = history(2.0 * np.arange(240))
    forecast = quantiles_of(SeasonalNaive(drift=True), past, 36)
    np.testing.assert_allclose(forecast[:, MEDIAN_INDEX], 2.0 * np.arange(240, 276))


def test_persistence_keeps_the_anomaly() -> None:
    season = np.tile(np.arange(12.0), 20)
    values = season + np.random.default_rng(0).normal(size=240).cumsum()
    climatology = values.reshape(20, 12).mean(axis=0)
    forecast = quantiles_of(Persistence(), history(values), 12)
    np.testing.assert_allclose(forecast[:, MEDIAN_INDEX], climatology + values[-1] - climatology[-1])


def test_climatology_trend_recovers_season_and_trend() -> None:
    time = np.arange(372)
    truth = 0.02 * time + np.cos(2 * np.pi * time / 12)
    past = history(truth[:360])
    for residual in (False, True):
        forecast = quantiles_of(ClimatologyTrend(residual=residual), past, 12)
        np.testing.assert_allclose(forecast[:, MEDIAN_INDEX], truth[360:], atol=1e-9)


def test_trend_ar1_agrees_with_statsmodels() -> None:
    values = record(8, months=360)
    fitted = ClimatologyTrend(residual=True).fit(as_panel(history(values)))
    regressors = design(np.arange(360) % 12, np.arange(360) - 359)
    other: Any = GLSAR(values, regressors, rho=1).iterative_fit(maxiter=9)
    np.testing.assert_allclose(fitted.coefficients[0], other.params, atol=0.02)
    assert fitted.persistence[0] == pytest.approx(float(other.model.rho[0]), abs=0.02)
    assert 0.6 < fitted.persistence[0] < 0.8, "the simulated value is 0.7"


def test_trend_uncertainty_grows_with_lead_and_persistence() -> None:
    past = history(record(9, persistence=0.95))
    forecast = quantiles_of(ClimatologyTrend(residual=True), past, 240)
    width = forecast[:, -1] - forecast[:, 0]
    assert (width[12:24] > width[:12]).all()
    assert width[-1] > width[60]


@pytest.mark.parametrize("residual", [False, True])
def test_trend_spread_follows_the_season_of_the_errors(residual: bool) -> None:
    draw = np.random.default_rng(3)
    month = np.arange(480) % 12
    past = history(np.where(month < 6, 3.0, 1.0) * draw.normal(size=480))
    forecast = quantiles_of(ClimatologyTrend(residual=residual), past, 12)
    width = forecast[:, -1] - forecast[:, 0]
    assert width[1:5].min() > 2 * width[7:11].max()


@pytest.mark.parametrize("trend", [None, "add"])
@pytest.mark.parametrize("damped", [False, True])
def test_ets_variance_agrees_with_statsmodels(trend: str | None, damped: bool) -> None:
    if damped and trend is None:
        pytest.skip("only a trend can be damped")
    values = pd.Series(record(10, months=240), index=pd.date_range("1990-01", periods=240, freq="MS"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ETSModel(values, error="add", trend=trend, damped_trend=damped, seasonal="add", seasonal_periods=12)
        result: Any = model.fit(disp=0)
    named = dict(zip(model.param_names, result.params, strict=True))
    ours = error_variance(
        named["smoothing_level"],
        named.get("smoothing_trend", 0.0),
        named["smoothing_seasonal"],
        named.get("damping_trend", 1.0),
        36,
    )
    theirs = result.get_prediction(240, 275).forecast_variance
    np.testing.assert_allclose(ours * result.scale, theirs, rtol=1e-6)


def test_ets_takes_a_trend_only_where_there_is_one() -> None:
    steep = history(record(11, months=240, trend=0.5, persistence=0.0))
    assert Ets().fit_place(steep).trend != "none"  # type: ignore[attr-defined]
    flat = history(record(11, months=240, trend=0.0, persistence=0.0))
    assert Ets().fit_place(flat).trend == "none"  # type: ignore[attr-defined]


@pytest.mark.slow
def test_sarima_agrees_with_statsmodels() -> None:
    values = record(12, months=216)
    past = history(values)
    ours = quantiles_of(Sarima(), past, 24)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result: Any = SARIMAX(values, order=(1, 1, 1), seasonal_order=(0, 1, 1, 12)).fit(disp=0, maxiter=200)
    ahead = result.get_forecast(24)
    spread = float(ahead.se_mean[0])
    assert np.abs(ours[:, MEDIAN_INDEX] - ahead.predicted_mean).max() < 0.1 * spread
    np.testing.assert_allclose((ours[:, -1] - ours[:, 0]) / (2 * 1.644854), ahead.se_mean, rtol=0.05)


def test_unobserved_components_follow_a_bent_trend() -> None:
    time = np.arange(300.0)
    values = 0.001 * time**2 + 3 * np.sin(2 * np.pi * time / 12) + np.random.default_rng(3).normal(0, 0.3, 300)
    past = history(values[:288])
    forecast = quantiles_of(UnobservedComponents(), past, 12)
    assert np.abs(forecast[:, MEDIAN_INDEX] - values[288:]).mean() < 0.6
    straight = quantiles_of(ClimatologyTrend(), past, 12)
    assert np.abs(straight[:, MEDIAN_INDEX] - values[288:]).mean() > 5, "a straight line must miss it"


@pytest.mark.slow
def test_trend_arma_beats_ar1_on_noisy_persistent_anomalies() -> None:
    """Weekly weather on a slow anomaly: its error at short leads is smaller with the right model."""
    errors = {"arma": [], "ar1": []}  # type: dict[str, list[float]]
    for seed in range(4):
        generator = np.random.default_rng(seed)
        slow = record(seed, months=360, persistence=0.95, trend=0.0)
        values = slow + generator.normal(0, 3, 360)
        for name, model in (("arma", TrendArma()), ("ar1", ClimatologyTrend(residual=True))):
            fitted = model.fit(as_panel(history(values[:240])))
            for end in range(240, 354, 12):
                median = fitted.forecast(as_panel(history(values[:end])), 6)[0, :, MEDIAN_INDEX]
                errors[name].append(float(np.mean(np.abs(median - slow[end : end + 6]))))
    assert np.mean(errors["arma"]) < np.mean(errors["ar1"])


@pytest.mark.parametrize(
    ("forecaster", "model", "error"),
    [
        (Sarima(), MLEModel, np.linalg.LinAlgError("singular matrix")),
        (UnobservedComponents(), MLEModel, np.linalg.LinAlgError("singular matrix")),
        (TrendArma(), MLEModel, np.linalg.LinAlgError("singular matrix")),
        (sarimax_enso(), MLEModel, np.linalg.LinAlgError("singular matrix")),
        (Ets(), ETSModel, ValueError("no start")),
        (StlEts(), ETSModel, ValueError("no start")),
    ],
)
def test_failed_fit_is_replaced_by_the_trend_and_counted(
    forecaster: EachPlace, model: type, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    known = panel(np.stack([record(13, months=240), record(14, months=240)]))
    for failing in (model, SARIMAX):
        monkeypatch.setattr(failing, "fit", fail)
    monkeypatch.setattr(likelihood, "likelihood_and_score", fail)
    fitted = forecaster.fit(known)
    assert fitted.fallbacks == 2, "one per place"
    simpler = ClimatologyTrend(residual=True).fit(known)
    assert simpler.fallbacks == 0
    np.testing.assert_allclose(fitted.forecast(known, 12), simpler.forecast(known, 12), rtol=1e-9)


def test_ridge_without_enough_months_falls_back_and_is_counted() -> None:
    past = history(record(14, months=200))
    fitted = DirectRidge().fit_place(past)
    assert np.isfinite(fitted.forecast(past, 60)).all()
    assert fitted.fallbacks == 1


@pytest.mark.parametrize(
    ("forecaster", "lag", "ratio"), [(DirectRidge(), 6, 0.75), (RidgeHybrid(), 5, 0.95), (DirectLstm(NETWORK), 3, 0.9)]
)
def test_learners_use_a_lagged_covariate(forecaster: EachPlace, lag: int, ratio: float) -> None:
    values, index = driven(600, lag=lag)
    errors = {}
    for name, covariate in (("with", index), ("without", None)):
        whole = as_panel(history(values, covariate))
        fitted = forecaster.fit(whole.isel(time=slice(0, 400)))
        medians = {
            end: fitted.forecast(whole.isel(time=slice(0, end)), 3)[0, :, MEDIAN_INDEX] for end in range(400, 590, 5)
        }
        errors[name] = np.mean([np.abs(median - values[end : end + 3]).mean() for end, median in medians.items()])
    assert errors["with"] < ratio * errors["without"]


@pytest.mark.parametrize(("own", "informed"), [("ridge-own", "ridge-enso"), ("lstm-own", "lstm-direct")])
def test_learners_on_the_record_alone_are_the_same_learners_without_the_covariate(own: str, informed: str) -> None:
    values, index = driven(480)
    alone, both = as_panel(history(values)), as_panel(history(values, index))
    known = [past.isel(time=slice(0, 456)) for past in (alone, both)]
    expected = models.make(informed).fit(known[0]).forecast(alone, 12)
    for past, whole in zip(known, (alone, both), strict=True):
        np.testing.assert_array_equal(models.make(own).fit(past).forecast(whole, 12), expected)


def test_ridge_keeps_the_last_value_of_a_late_covariate() -> None:
    covariate = record(16, trend=0.0)[:, None]
    ended = covariate.copy()
    ended[-3:] = np.nan
    kept = covariate.copy()
    kept[-3:] = covariate[-4]
    values = record(17)
    one, two = (quantiles_of(DirectRidge(), past, 12) for past in (history(values, ended), history(values, kept)))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("penalty", [0.1, 1.0, 1e4])
def test_ridge_is_the_closed_form(penalty: float) -> None:
    generator = np.random.default_rng(18)
    rows, targets = generator.normal(size=(80, 5)), generator.normal(size=(80, 2))
    expected = np.linalg.inv(rows.T @ rows + penalty * np.eye(5)) @ rows.T @ targets
    np.testing.assert_allclose(ridge(rows, targets, penalty), expected, atol=1e-10)
    coefficients, intercept = centred_ridge(rows, targets[:, 0], penalty)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(coefficients, ridge(centred, targets[:, 0] - targets[:, 0].mean(), penalty))
    assert intercept == pytest.approx(targets[:, 0].mean() - coefficients @ rows.mean(axis=0))


@given(count=st.integers(8, 200), gap=st.integers(1, 40), seed=st.integers(0, 9))
def test_cross_validation_is_that_of_every_block_alone(count: int, gap: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows, target = generator.normal(2.0, 1.0, (count, 4)), generator.normal(5.0, 1.0, count)
    expected = np.full((PENALTIES.size, count), np.nan)
    for block, far in distant_rows(np.arange(count), gap):
        for position, penalty in enumerate(PENALTIES):
            if far.sum() > 4:
                slope, offset = centred_ridge(rows[far], target[far], float(penalty))
                expected[position, block] = target[block] - rows[block] @ slope - offset
    np.testing.assert_allclose(cross_validated(rows, target, gap), expected, atol=1e-9)


def test_cross_validation_keeps_its_distance() -> None:
    """A residual may not depend on targets of its own block or within the gap."""
    generator = np.random.default_rng(19)
    rows, target = generator.normal(size=(300, 4)), generator.normal(size=300)
    reference = cross_validated(rows, target, gap=20)
    block = np.arange(100, 150)
    changed = target.copy()
    near = np.r_[80:100, 150:170]
    changed[near] += 100.0
    np.testing.assert_array_equal(cross_validated(rows, changed, gap=20)[:, block], reference[:, block])
    changed[79] += 100.0
    assert not np.allclose(cross_validated(rows, changed, gap=20)[:, block], reference[:, block])


def test_gaps_are_interpolated_from_neighbours() -> None:
    values = np.array([np.nan, 1.0, np.nan, 3.0, np.nan])
    assert fill_gaps(values).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    with pytest.raises(ValueError, match="no finite value"):
        fill_gaps(np.full(3, np.nan))
