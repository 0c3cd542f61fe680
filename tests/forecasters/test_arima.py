"""Forecasts of covariates, ARIMA with covariates, chosen orders, hybrids, and the ceiling of a known covariate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.forecasting.theta import ThetaModel

from climate.forecasters.base import MEDIAN_INDEX, FloatArray, IntArray
from climate.forecasters.classical.arima import (
    FittedCovariateArima,
    SarimaAuto,
    lagged_means,
    sarimax_enso,
    trend_arma_enso,
)
from climate.forecasters.classical.autoreg import AutoReg
from climate.forecasters.classical.covariate_forecast import CovariateModel
from climate.forecasters.classical.decomposition import StlEts
from climate.forecasters.classical.statespace import Sarima
from climate.forecasters.classical.theta import Theta
from climate.forecasters.hybrid import Expectation
from climate.forecasters.registry import make
from climate.hindcast.known_covariates import ceiling_scores, with_known_covariates
from climate.hindcast.rolling import backtest, origins
from tests.forecasters.models import driven, history, quantiles_of

MONTHS = 420


def following(months: IntArray, leads: int) -> IntArray:
    """Calendar months and those of some leads after them."""
    return np.concatenate([months, (months[-1] + 1 + np.arange(leads)) % 12])


def known_forecast(fitted: FittedCovariateArima, past: xr.Dataset, ahead: FloatArray | None) -> FloatArray:
    """Quantiles (lead, quantile) of a year, given the realised covariates (lead, covariate) or None."""
    realised = None if ahead is None else ahead[None]
    return fitted.hindcasts(past, [past.sizes["time"]], 12, realised)[0]


def test_covariate_forecast_decays_to_climatology_from_the_last_value() -> None:
    months = np.arange(MONTHS) % 12
    _, index = driven()
    season = np.cos(2 * np.pi * months / 12)
    covariate_model = CovariateModel.estimate(index + season, months)
    index[-1] = 5.0
    ahead = covariate_model.extend(index + season, following(months, 60))[MONTHS:]
    assert 3.5 < ahead[0] < 5.5
    assert abs(ahead[-1]) < 0.2
    assert 0.8 < covariate_model.coefficients.sum() < 0.95, "the simulated autocorrelation is 0.9"
    np.testing.assert_allclose(covariate_model.season - covariate_model.season.mean(), season[:12], atol=0.8)


def test_covariate_months_that_are_not_published_yet_are_forecast() -> None:
    _, index = driven()
    months = np.arange(MONTHS) % 12
    late = index.copy()
    late[-4:] = np.nan
    covariate_model = CovariateModel.estimate(late, months)
    whole = covariate_model.extend(late, following(months, 10))
    np.testing.assert_array_equal(whole, covariate_model.extend(late[:-4], following(months[:-4], 14)))
    late[:50] = np.nan
    assert (covariate_model.extend(late, following(months, 10))[:50] == 0).all(), "climatology before the record starts"


@pytest.mark.parametrize("column", [np.full(200, np.nan), np.full(200, 3.0), np.arange(200.0) * np.nan])
def test_forecast_of_an_empty_or_constant_covariate_is_climatology(column: FloatArray) -> None:
    months = np.arange(200) % 12
    np.testing.assert_allclose(
        CovariateModel.estimate(column, months).extend(column, following(months, 12)), 0.0, atol=1e-12
    )


@settings(max_examples=20)
@given(cut=st.integers(200, 400), seed=st.integers(0, 50))
def test_covariate_forecast_does_not_depend_on_the_future(cut: int, seed: int) -> None:
    months = np.arange(MONTHS) % 12
    _, index = driven(seed=seed)
    covariate_model = CovariateModel.estimate(index[:cut], months[:cut])
    changed = index.copy()
    changed[cut:] = 1e6
    np.testing.assert_array_equal(
        covariate_model.extend(index[:cut], following(months[:cut], 12)),
        covariate_model.extend(changed[:cut], following(months[:cut], 12)),
    )


def test_arima_uses_its_covariate_and_is_less_sure_without_its_future() -> None:
    values, index = driven()
    model = sarimax_enso()
    past = history(values[:400], index[:400])
    fitted = model.fit_place(past)
    assert isinstance(fitted, FittedCovariateArima)
    known = known_forecast(fitted, past, index[400:412, None])
    forecast = fitted.forecast(past, 12)
    width = forecast[:, -1] - forecast[:, 0]
    assert (width >= known[:, -1] - known[:, 0]).all()
    assert width[11] > 1.5 * (known[11, -1] - known[11, 0])
    errors = np.zeros(2)
    for end in range(340, 401, 12):
        now = history(values[:end], index[:end])
        for row, ahead in enumerate((None, index[end : end + 12, None])):
            errors[row] += np.abs(known_forecast(fitted, now, ahead)[:, MEDIAN_INDEX] - values[end : end + 12]).mean()
    assert errors[1] < 0.7 * errors[0]
    alone = quantiles_of(Sarima(), history(values[:400]), 1)
    assert np.ptp(forecast[0]) < np.ptp(alone[0]), "next month follows from what the index was"


@pytest.mark.parametrize("name", ["sarimax-enso", "trend-arma-enso"])
def test_with_known_covariates_several_origins_have_the_forecasts_of_each_alone(name: str) -> None:
    values, index = driven()
    ends = (380, 385, 391)
    realised = np.stack([index[end : end + 12, None] for end in ends])
    fitted = make(name).fit_place(history(values[: ends[0]], index[: ends[0]]))
    together = fitted.hindcasts(history(values[: ends[-1]], index[: ends[-1]]), ends, 12, realised)
    alone = [
        known_forecast(fitted, history(values[:end], index[:end]), ahead)
        for end, ahead in zip(ends, realised, strict=True)
    ]
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-9)


def test_regression_finds_the_strength_of_the_covariate() -> None:
    values, index = driven(strength=2.0)
    past = history(values, index)
    fitted = trend_arma_enso().fit_place(past)
    assert isinstance(fitted, FittedCovariateArima)
    shift = np.zeros((12, 1))
    base, moved = (known_forecast(fitted, past, np.asarray(shift + step)) for step in (0.0, 1.0))
    # after twelve months at one the means of the last year are one; that of the year before is not yet
    reached = lagged_means(np.concatenate([np.zeros(24), np.ones(12)]))[-1]
    assert reached.tolist() == [1.0, 1.0, 1.0, 0.0]
    assert (moved - base)[-1, MEDIAN_INDEX] == pytest.approx(2.0, abs=0.35)


def test_without_covariates_the_model_is_sarima() -> None:
    values, _ = driven(strength=0.0)
    past = history(values)
    ours, theirs = quantiles_of(sarimax_enso(), past, 24), quantiles_of(Sarima(), past, 24)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-2)


@pytest.mark.long
def test_order_is_chosen_by_the_record() -> None:
    draw = np.random.default_rng(3)
    shocks = draw.normal(size=MONTHS + 20)
    change = np.zeros(MONTHS)
    for month in range(2, MONTHS):
        change[month] = 0.9 * change[month - 1] - 0.6 * change[month - 2] + shocks[month]
    fitted: Any = SarimaAuto().fit_place(history(change.cumsum()))
    assert fitted.forecaster.order[0] == 2, "the record has two autoregressive terms"


def test_theta_agrees_with_statsmodels() -> None:
    values, _ = driven(240)
    past = history(values)
    ours = quantiles_of(Theta(), past, 24)[:, MEDIAN_INDEX]
    result = ThetaModel(values, period=12, use_test=False, method="additive").fit()
    np.testing.assert_allclose(ours, result.forecast(24), atol=2e-3)


def test_autoreg_and_stl_follow_trend_and_season() -> None:
    steps = np.arange(372)
    truth = 0.02 * steps + np.cos(2 * np.pi * steps / 12)
    noisy = truth + 0.01 * np.random.default_rng(0).normal(size=372)
    past = history(noisy[:360])
    for forecaster in (AutoReg(), StlEts()):
        forecast = quantiles_of(forecaster, past, 12)
        assert np.abs(forecast[:, MEDIAN_INDEX] - truth[360:]).max() < 0.1, forecaster.name


def test_mean_forecasts_of_every_month_are_those_of_the_model() -> None:
    values, _ = driven()
    values[[30, 200, 201]] = np.nan
    whole = history(values)
    fitted: Any = Sarima().fit_place(whole.isel(time=slice(0, 360)))
    means = fitted.means(whole, 24)
    assert means.shape == (MONTHS, 24)
    for end in (200, 360, MONTHS):
        ahead = fitted.forecast(whole.isel(time=slice(0, end)), 24)[:, MEDIAN_INDEX]
        np.testing.assert_allclose(means[end - 1], ahead, rtol=1e-6, atol=1e-6)


def test_expectation_depends_on_the_past_alone() -> None:
    values, index = driven()
    expectation = Expectation.estimate(history(values[:360], index[:360]))
    whole = expectation(history(values, index))
    part = expectation(history(values[:390], index[:390]))
    np.testing.assert_allclose(whole[:390], part, rtol=1e-8)
    assert np.isnan(whole[:100]).all()
    assert np.isfinite(whole[200:]).all()


def test_known_covariates_score_better_and_the_forecast_does_not_use_them() -> None:
    values, index = driven(600)
    series = history(values)
    series.attrs["region"] = "somewhere"
    covariates = history(values, index)[["covariate"]]
    wanted = origins("1995-12", 12, 8)
    models = with_known_covariates([make("trend-arma-enso")], covariates)
    table = backtest(series, covariates, models, wanted, 12, 60)
    names = ["trend-arma-enso", "trend-arma-enso-known"]
    assert table["model"].values.tolist() == names
    judged = backtest(series, covariates, [make("trend-ar1")], wanted, 12, 60)
    judged["opponent"] = ("block", ["trend-ar1"])
    judged = judged.assign_coords(block=["1-12"])
    scores = ceiling_scores(table, judged, {"1-12": (1, 12)})
    assert float(scores["crps_known"].item()) < 0.7 * float(scores["crps_forecast"].item())
    np.testing.assert_allclose(
        scores["ratio_known"] / scores["ratio_forecast"], scores["crps_known"] / scores["crps_forecast"]
    )
    later = covariates["time"] > wanted[1]
    changed = covariates.assign(covariate=covariates["covariate"].where(~later, 7.0))
    models = with_known_covariates([make("trend-arma-enso")], changed)
    again = backtest(series, changed, models, wanted[:2], 12, 60)["forecast"].values[:, :2]
    before = table["forecast"].values[:, :2]
    np.testing.assert_array_equal(again[0], before[0], "the forecast saw what came after its origin")
    np.testing.assert_array_equal(again[1, 0], before[1, 0])
    assert not np.array_equal(again[1, 1], before[1, 1])
