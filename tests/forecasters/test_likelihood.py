"""The search for the highest likelihood: as high as any other, and the same from any start."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.mlemodel import MLEModel

from climate.files import read_netcdf
from climate.forecasters.base import FloatArray
from climate.forecasters.classical.likelihood import highest_likelihood, likelihood_and_score
from climate.forecasters.classical.statespace import Scale, UnobservedComponents
from climate.paths import series_file
from tests.conftest import Project
from tests.forecasters.models import driven, record
from tests.reduced import REGIONS

DISTURBANCE = 1e-9
"""Relative change of the data, as another processor's last digits may make."""

PRINTED = 1e-6
"""Relative change of a forecast that six printed digits would show."""


def structural(values: FloatArray) -> MLEModel:
    """The model of unobserved components on the scale that it is estimated on."""
    return UnobservedComponents().model(Scale.of(values).down(values), estimating=True)


def forecasts(model: MLEModel, parameters: FloatArray) -> FloatArray:
    """Means and standard errors (2, lead) of a year."""
    ahead = model.filter(parameters, cov_type="none").get_forecast(12)
    return np.stack([ahead.predicted_mean, ahead.se_mean])


def disturbed(values: FloatArray) -> FloatArray:
    """The same record but for last digits."""
    return np.asarray(values * (1 + DISTURBANCE * np.random.default_rng(1).standard_normal(values.size)))


@pytest.mark.parametrize("values", [record(3, 480), driven(480)[0]], ids=["steady season", "memory of an index"])
def test_no_start_of_statsmodels_reaches_higher(values: FloatArray) -> None:
    model = structural(values)
    reached = model.loglike(highest_likelihood(model), transformed=True)
    for factor in (0.1, 1.0, 10.0):
        start = np.where([name.startswith("sigma2") for name in model.param_names], factor, 1.0) * model.start_params
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other = model.fit(
                start, disp=0, cov_type="none", maxiter=200, optim_score="approx", optim_complex_step=True
            )
        assert reached > other.llf - 1e-4


@settings(max_examples=30)
@given(
    variances=st.tuples(*[st.floats(0.0, 1.0)] * 3),
    ar_variance=st.floats(0.1, 1.0),
    ar=st.floats(-0.95, 0.95),
    gap=st.sampled_from([slice(0, 0), slice(0, 5), slice(100, 130)]),
)
def test_score_is_the_derivative_of_the_likelihood(
    variances: tuple[float, ...], ar_variance: float, ar: float, gap: slice
) -> None:
    values = record(3, 240)
    values[gap] = np.nan
    model, units = structural(values), np.array([1.0, 1e-6, 1e-4, 1.0, 1.0])
    parameters = units * np.array([*variances, ar_variance, ar])
    value, score = likelihood_and_score(model, parameters)
    assert value == pytest.approx(model.loglike(parameters, transformed=True), rel=1e-9)
    exact = model.score(parameters, transformed=True, includes_fixed=False, method="approx", approx_complex_step=True)
    np.testing.assert_allclose(units * score, units * exact, rtol=1e-3, atol=1e-3 * np.abs(units * exact).max())


def test_a_trend_that_does_not_bend_has_no_variance() -> None:
    model = structural(record(3, 480))
    estimates = dict(zip(model.param_names, highest_likelihood(model), strict=True))
    assert estimates["sigma2.trend"] == 0.0
    assert estimates["ar.L1"] == pytest.approx(0.7, abs=0.15)


def test_missing_months_are_skipped() -> None:
    values = record(3, 480)
    values[100:110] = np.nan
    assert np.isfinite(forecasts(structural(values), highest_likelihood(structural(values)))).all()


def test_last_digits_of_a_record_move_no_printed_digit() -> None:
    values = record(3, 480)
    once, again = (structural(same) for same in (values, disturbed(values)))
    first, second = (forecasts(model, highest_likelihood(model)) for model in (once, again))
    np.testing.assert_allclose(second, first, rtol=PRINTED)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("region", REGIONS)
def test_last_digits_of_the_records_move_no_printed_digit(region: str, reduced: Project) -> None:
    series = read_netcdf(reduced.folder / series_file(region))["value"].values
    values = series[: np.flatnonzero(np.isfinite(series))[-1] + 1]
    once, again = (structural(same) for same in (values, disturbed(values)))
    first, second = (forecasts(model, highest_likelihood(model)) for model in (once, again))
    np.testing.assert_allclose(second, first, rtol=PRINTED)
