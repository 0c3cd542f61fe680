"""Baselines: known answers, calibration on simulated records, missing months, failures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import GLSAR
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.mlemodel import MLEModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, Forecaster, fill_gaps
from climate.forecasters.classical import ridge
from climate.forecasters.classical.naive import Persistence, SeasonalNaive
from climate.forecasters.classical.ridge import RidgeEnso
from climate.forecasters.classical.smoothing import Ets, error_variance
from climate.forecasters.classical.statespace import Sarima, TrendArma, UnobservedComponents
from climate.forecasters.classical.trend import ClimatologyTrend, design
from climate.forecasters.registry import make, names_of
from climate.schema import QUANTILES

BASELINES = names_of("baselines")
MONTHS = 264
FAST = ("seasonal-naive", "seasonal-naive-drift", "persistence", "climatology-trend", "trend-ar1")
SLOW = ("ets", "sarima", "unobserved-components", "trend-arma")
MARKS = {"sarima-auto": pytest.mark.long}
"""Searching for an order takes minutes."""
MEDIAN = QUANTILES.index(0.5)


def history(values: FloatArray, covariates: FloatArray | None = None, start: str = "1960-01") -> xr.Dataset:
    time = (np.datetime64(start, "M") + np.arange(values.size)).astype("datetime64[s]")
    made = xr.Dataset({"value": ("time", values)}, coords={"time": time})
    if covariates is not None:
        names = [f"covariate{i}" for i in range(covariates.shape[1])]
        made["covariate"] = (("time", "predictor"), covariates)
        made = made.assign_coords(predictor=names)
    return made


def record(seed: int, months: int = MONTHS, persistence: float = 0.7, trend: float = 0.01) -> FloatArray:
    """Trend, season and AR(1) noise of unit innovations."""
    generator = np.random.default_rng(seed)
    noise = np.zeros(months + 100)
    for i, shock in enumerate(generator.normal(size=months + 100)):
        noise[i] = persistence * noise[i - 1] + shock
    time = np.arange(months)
    return np.asarray(trend * time + 4 * np.sin(2 * np.pi * time / 12) + noise[100:])


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in BASELINES])
def forecaster(request: pytest.FixtureRequest) -> Forecaster:
    return make(request.param)


@pytest.fixture(
    params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else MARKS.get(name, ())) for name in BASELINES],
)
def patient(request: pytest.FixtureRequest) -> Forecaster:
    """The same, but for tests that take long with some."""
    return make(request.param)


def test_forecasts_are_finite_rising_and_repeatable(forecaster: Forecaster) -> None:
    past = history(record(1), np.random.default_rng(2).normal(size=(MONTHS, 1)))
    one, two = (forecaster.fit(past).forecast(past, 24) for _ in range(2))
    assert one.shape == (24, len(QUANTILES))
    assert np.isfinite(one).all()
    assert (np.diff(one, axis=1) >= 0).all()
    assert np.array_equal(one, two)


def test_leads_do_not_depend_on_how_many_are_asked_for(patient: Forecaster) -> None:
    past = history(record(3))
    fitted = patient.fit(past)
    np.testing.assert_allclose(fitted.forecast(past, 6), fitted.forecast(past, 18)[:6], rtol=1e-9)


def test_state_is_extended_and_parameters_are_held(forecaster: Forecaster) -> None:
    long = history(record(4))
    short = long.isel(time=slice(0, MONTHS - 24))
    fitted = forecaster.fit(short)
    before = fitted.forecast(short, 12)
    later = fitted.forecast(long, 12)
    assert not np.allclose(before, later)
    ahead = MONTHS + np.arange(12)
    assert np.abs(later[:, MEDIAN] - 0.01 * ahead - 4 * np.sin(2 * np.pi * ahead / 12)).max() < 6
    assert np.array_equal(before, fitted.forecast(short, 12)), "a forecast from a later origin changed the fit"


def test_intervals_cover_simulated_records(patient: Forecaster) -> None:
    """90% intervals over leads 1-12, from 5 origins of 8 (slow models: 2) records."""
    covered = []
    for seed in range(8 if patient.name in FAST else 2):
        values = record(100 + seed, months=348)
        fitted = patient.fit(history(values[:240]))
        for end in range(240, 348, 24):
            forecast = fitted.forecast(history(values[:end]), 12)
            truth = values[end : end + 12]
            covered.append((truth >= forecast[:, 0]) & (truth <= forecast[:, -1]))
    # 96 or more dependent cells: wide bounds that a wrong variance formula still misses
    assert 0.75 <= np.mean(covered) <= 0.99


def test_missing_months_are_allowed(forecaster: Forecaster) -> None:
    values = record(5)
    gaps = values.copy()
    gaps[[0, 3, 100, 101, 102, 150, 200, MONTHS - 3, MONTHS - 1]] = np.nan
    whole, holed = history(values), history(gaps)
    full, partial = (forecaster.fit(past).forecast(past, 12) for past in (whole, holed))
    assert np.isfinite(partial).all()
    assert np.abs(partial - full).mean() < 2, "a few missing months moved the forecast by more than the noise"


def test_history_that_is_too_short_is_named(forecaster: Forecaster) -> None:
    with pytest.raises(ClimateError, match=f"{forecaster.name}: the history has 24 months .* expected at least"):
        forecaster.fit(history(record(6, months=24)))


@pytest.mark.parametrize("name", [*FAST, "sarima", "trend-arma", "ridge-enso"])
def test_unit_and_offset_of_the_record_do_not_matter(name: str) -> None:
    values = record(7, months=216)
    plain, scaled = history(values), history(1e-6 * values + 3e-4)
    one = make(name).fit(plain).forecast(plain, 12)
    two = make(name).fit(scaled).forecast(scaled, 12)
    np.testing.assert_allclose(two, 1e-6 * one + 3e-4, atol=2e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-50, 50), min_size=72, max_size=120), st.sampled_from(FAST))
def test_quantiles_never_cross(values: list[float], name: str) -> None:
    past = history(np.array(values))
    forecast = make(name).fit(past).forecast(past, 30)
    assert np.isfinite(forecast).all()
    assert (np.diff(forecast, axis=1) >= 0).all()


def test_constant_record_is_forecast_as_itself() -> None:
    past = history(np.full(300, 7.0))
    for name in set(BASELINES) - MARKS.keys():
        forecast = make(name).fit(past).forecast(past, 12)
        np.testing.assert_allclose(forecast, 7.0, atol=1e-3, err_msg=name)


def test_seasonal_naive_repeats_the_last_year() -> None:
    values = np.arange(120.0)
    values[-2] = np.nan
    forecast = SeasonalNaive().fit(history(values)).forecast(history(values), 24)
    assert forecast[0, MEDIAN] == values[108]
    assert forecast[12, MEDIAN] == values[108]
    assert forecast[10, MEDIAN] == values[106], "a missing month takes the year before"
    # year-on-year changes are all 12, so that their root mean square is 12; Phi^-1(0.95) = 1.644854
    assert forecast[0, -1] - forecast[0, MEDIAN] == pytest.approx(12 * 1.644854, rel=1e-6)
    assert forecast[12, -1] - forecast[12, MEDIAN] == pytest.approx(12 * np.sqrt(2) * 1.644854, rel=1e-6)


def test_drift_continues_a_straight_line() -> None:
    past = history(2.0 * np.arange(240))
    forecast = SeasonalNaive(drift=True).fit(past).forecast(past, 36)
    np.testing.assert_allclose(forecast[:, MEDIAN], 2.0 * np.arange(240, 276))


def test_persistence_keeps_the_anomaly() -> None:
    season = np.tile(np.arange(12.0), 20)
    values = season + np.random.default_rng(0).normal(size=240).cumsum()
    climatology = values.reshape(20, 12).mean(axis=0)
    forecast = Persistence().fit(history(values)).forecast(history(values), 12)
    np.testing.assert_allclose(forecast[:, MEDIAN], climatology + values[-1] - climatology[-1])


def test_climatology_trend_recovers_season_and_trend() -> None:
    time = np.arange(372)
    truth = 0.02 * time + np.cos(2 * np.pi * time / 12)
    past = history(truth[:360])
    for residual in (False, True):
        forecast = ClimatologyTrend(residual=residual).fit(past).forecast(past, 12)
        np.testing.assert_allclose(forecast[:, MEDIAN], truth[360:], atol=1e-9)


def test_trend_ar1_agrees_with_statsmodels() -> None:
    values = record(8, months=360)
    fitted = ClimatologyTrend(residual=True).fit(history(values))
    regressors = design(np.arange(360) % 12, np.arange(360) - 359)
    other: Any = GLSAR(values, regressors, rho=1).iterative_fit(maxiter=9)
    np.testing.assert_allclose(fitted.coefficients, other.params, atol=0.02)
    assert fitted.persistence == pytest.approx(float(other.model.rho[0]), abs=0.02)
    assert 0.6 < fitted.persistence < 0.8, "the simulated value is 0.7"


def test_trend_uncertainty_grows_with_lead_and_persistence() -> None:
    past = history(record(9, persistence=0.95))
    forecast = ClimatologyTrend(residual=True).fit(past).forecast(past, 240)
    width = forecast[:, -1] - forecast[:, 0]
    assert (np.diff(width[:24]) > 0).all()
    assert width[-1] > width[60]


@pytest.mark.parametrize("trend", [None, "add"])
@pytest.mark.parametrize("damped", [False, True])
def test_ets_variance_agrees_with_statsmodels(trend: str | None, damped: bool) -> None:
    if damped and trend is None:
        pytest.skip("only a trend can be damped")
    values = pd.Series(record(10, months=240), index=pd.date_range("1990-01", periods=240, freq="MS"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ETSModel(values, error="add", trend=trend, damped_trend=damped, seasonal="add", seasonal_periods=12)
        found: Any = model.fit(disp=0)
    named = dict(zip(model.param_names, found.params, strict=True))
    ours = error_variance(
        named["smoothing_level"],
        named.get("smoothing_trend", 0.0),
        named["smoothing_seasonal"],
        named.get("damping_trend", 1.0),
        36,
    )
    theirs = found.get_prediction(240, 275).forecast_variance
    np.testing.assert_allclose(ours * found.scale, theirs, rtol=1e-6)


def test_ets_takes_a_trend_only_where_there_is_one() -> None:
    steep = history(record(11, months=240, trend=0.5, persistence=0.0))
    assert Ets().fit(steep).trend != "none"  # type: ignore[attr-defined]
    flat = history(record(11, months=240, trend=0.0, persistence=0.0))
    assert Ets().fit(flat).trend == "none"  # type: ignore[attr-defined]


@pytest.mark.slow
def test_sarima_agrees_with_statsmodels() -> None:
    values = record(12, months=216)
    past = history(values)
    ours = Sarima().fit(past).forecast(past, 24)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: Any = SARIMAX(values, order=(1, 1, 1), seasonal_order=(0, 1, 1, 12)).fit(disp=0, maxiter=200)
    ahead = found.get_forecast(24)
    spread = float(ahead.se_mean[0])
    assert np.abs(ours[:, MEDIAN] - ahead.predicted_mean).max() < 0.1 * spread
    np.testing.assert_allclose((ours[:, -1] - ours[:, 0]) / (2 * 1.644854), ahead.se_mean, rtol=0.05)


def test_unobserved_components_follow_a_bent_trend() -> None:
    time = np.arange(300.0)
    values = 0.001 * time**2 + 3 * np.sin(2 * np.pi * time / 12) + np.random.default_rng(3).normal(0, 0.3, 300)
    past = history(values[:288])
    forecast = UnobservedComponents().fit(past).forecast(past, 12)
    assert np.abs(forecast[:, MEDIAN] - values[288:]).mean() < 0.6
    straight = ClimatologyTrend().fit(past).forecast(past, 12)
    assert np.abs(straight[:, MEDIAN] - values[288:]).mean() > 5, "a straight line must miss it"


@pytest.mark.slow
def test_trend_arma_beats_ar1_on_noisy_persistent_anomalies() -> None:
    """Weekly weather on a slow anomaly: its error at short leads is smaller with the right model."""
    errors = {"arma": [], "ar1": []}  # type: dict[str, list[float]]
    for seed in range(4):
        generator = np.random.default_rng(seed)
        slow = record(seed, months=360, persistence=0.95, trend=0.0)
        values = slow + generator.normal(0, 3, 360)
        for name, model in (("arma", TrendArma()), ("ar1", ClimatologyTrend(residual=True))):
            fitted = model.fit(history(values[:240]))
            for end in range(240, 354, 12):
                median = fitted.forecast(history(values[:end]), 6)[:, MEDIAN]
                errors[name].append(float(np.mean(np.abs(median - slow[end : end + 6]))))
    assert np.mean(errors["arma"]) < np.mean(errors["ar1"])


@pytest.mark.parametrize("make", [Sarima, UnobservedComponents, TrendArma])
def test_failed_fit_falls_back_and_is_counted(make: Callable[[], Forecaster], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("singular matrix")

    monkeypatch.setattr(MLEModel, "fit", fail)
    monkeypatch.setattr(SARIMAX, "fit", fail)
    past = history(record(13, months=240))
    fitted = make().fit(past)
    assert fitted.fallbacks == 1
    simpler = ClimatologyTrend(residual=True).fit(past)
    assert simpler.fallbacks == 0
    assert np.array_equal(fitted.forecast(past, 12), simpler.forecast(past, 12))


def test_failed_ets_falls_back_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no start")

    monkeypatch.setattr(ETSModel, "fit", fail)
    past = history(record(13, months=240))
    assert Ets().fit(past).fallbacks == 1


def test_ridge_without_enough_months_falls_back_and_is_counted() -> None:
    past = history(record(14, months=200))
    fitted = RidgeEnso().fit(past)
    assert np.isfinite(fitted.forecast(past, 60)).all()
    assert fitted.fallbacks == 1


def test_ridge_uses_a_lagged_covariate() -> None:
    generator = np.random.default_rng(15)
    index = np.zeros(480)
    for month in range(1, 480):
        index[month] = 0.9 * index[month - 1] + generator.normal()
    values = 2.0 * np.concatenate([np.zeros(6), index[:-6]]) + generator.normal(0, 0.5, 480)
    errors = {}
    for name, covariates in (("with", index[:, None]), ("without", None)):
        past = history(values[:420], None if covariates is None else covariates[:420])
        fitted = RidgeEnso().fit(past)
        total = []
        for end in range(420, 474, 3):
            now = history(values[:end], None if covariates is None else covariates[:end])
            total.append(np.abs(fitted.forecast(now, 6)[:, MEDIAN] - values[end : end + 6]).mean())
        errors[name] = np.mean(total)
    assert errors["with"] < 0.75 * errors["without"]


def test_ridge_keeps_the_last_value_of_a_late_covariate() -> None:
    covariate = record(16, trend=0.0)[:, None]
    ended = covariate.copy()
    ended[-3:] = np.nan
    kept = covariate.copy()
    kept[-3:] = covariate[-4]
    values = record(17)
    one, two = (RidgeEnso().fit(past).forecast(past, 12) for past in (history(values, ended), history(values, kept)))
    assert np.array_equal(one, two)


def test_trailing_slope_is_that_of_a_least_squares_line() -> None:
    values = record(20, months=100)
    found = ridge.trailing_slope(values, longest=60, shortest=24)
    assert np.isnan(found[:23]).all()
    for end in (24, 50, 60, 61, 100):
        window = values[max(0, end - 60) : end]
        assert found[end - 1] == pytest.approx(np.polyfit(np.arange(window.size), window, 1)[0])


def test_ridge_path_is_the_closed_form() -> None:
    generator = np.random.default_rng(18)
    rows, target = generator.normal(size=(80, 5)), generator.normal(size=80)
    coefficients, intercepts = ridge.ridge_path(rows, target)
    for i, penalty in enumerate(ridge.PENALTIES):
        centred, wanted = rows - rows.mean(axis=0), target - target.mean()
        expected = np.linalg.solve(centred.T @ centred + penalty * np.eye(5), centred.T @ wanted)
        np.testing.assert_allclose(coefficients[i], expected, atol=1e-10)
        assert intercepts[i] == pytest.approx(target.mean() - rows.mean(axis=0) @ expected)


def test_cross_validation_keeps_its_distance() -> None:
    """A residual may not depend on targets of its own block or within the gap."""
    generator = np.random.default_rng(19)
    rows, target = generator.normal(size=(300, 4)), generator.normal(size=300)
    reference = ridge.cross_validated(rows, target, gap=20)
    block = np.arange(100, 150)
    changed = target.copy()
    near = np.r_[80:100, 150:170]
    changed[near] += 100.0
    np.testing.assert_array_equal(ridge.cross_validated(rows, changed, gap=20)[:, block], reference[:, block])
    changed[79] += 100.0
    assert not np.allclose(ridge.cross_validated(rows, changed, gap=20)[:, block], reference[:, block])


def test_gaps_are_interpolated_from_neighbours() -> None:
    values = np.array([np.nan, 1.0, np.nan, 3.0, np.nan])
    assert fill_gaps(values).tolist() == [1.0, 1.0, 2.0, 3.0, 3.0]
    with pytest.raises(ValueError, match="no finite value"):
        fill_gaps(np.full(3, np.nan))
