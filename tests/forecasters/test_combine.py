"""Combination and calibration: estimated from verified errors alone."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from climate.errors import ClimateError
from climate.forecasters.base import MEDIAN_INDEX, NORMAL_QUANTILES, FloatArray
from climate.forecasters.combine import conformal, ensemble
from climate.schema import QUANTILES
from tests.forecasters.models import forecast_table

NAMES = ("trend-ar1", "unobserved-components", "lstm-direct")
MIN_VERIFIED = 24


def table(
    deviation: FloatArray | float = 1.0,
    *,
    origins: int = 40,
    leads: int = 12,
    errors: tuple[float, ...] = (1.0, 1.0, 1.0),
    seed: int = 0,
) -> xr.Dataset:
    """Normal forecasts every 6 months whose medians miss by `errors` standard deviations; the last is unverified."""
    draw = np.random.default_rng(seed)
    start = np.datetime64("2000-01")
    months = start + 6 * np.arange(origins)
    valid = months[:, None] + np.arange(1, leads + 1)
    truth = draw.normal(size=(origins, leads))
    observed = np.where(valid <= months[-1], truth, np.nan)
    misses = np.stack([size * draw.normal(size=(origins, leads)) for size in errors])
    forecast = (truth + misses)[..., None] + np.broadcast_to(deviation, misses.shape)[..., None] * NORMAL_QUANTILES
    return forecast_table(NAMES, months, forecast, observed)


def finish(data: xr.Dataset) -> xr.Dataset:
    """Combine and calibrate as the stage does."""
    joined = ensemble.join_tables([data, ensemble.combine(data, MIN_VERIFIED, NAMES)])
    return conformal.calibrate(joined, ["lstm-direct", "mean-equal", "mean-weighted"], MIN_VERIFIED)


def test_equal_mean_is_the_mean_of_the_quantiles() -> None:
    data = table()
    means = ensemble.combine(data, MIN_VERIFIED, NAMES)
    assert list(means["model"].values) == ["mean-equal", "mean-trimmed", "mean-weighted"]
    np.testing.assert_allclose(means["forecast"].sel(model="mean-equal"), data["forecast"].mean("model"))
    assert list(means["parameters"].values) == [6, 6, 6]


def test_trimmed_mean_leaves_out_the_extremes() -> None:
    forecasts = np.array([0.0, 1.0, 2.0, 90.0])[:, None, None, None] * np.ones((4, 2, 3, 11))
    np.testing.assert_allclose(ensemble.trimmed(forecasts), 1.5)
    np.testing.assert_allclose(ensemble.trimmed(forecasts[:3]), 1.0)


def test_weights_favour_the_better_model_and_sum_to_one() -> None:
    weights = ensemble.skill_weights(table(errors=(0.2, 1.0, 2.0)), MIN_VERIFIED)
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert (weights >= 0).all()
    assert (weights[0, -1] > weights[1, -1]).all()
    assert (weights[1, -1] > weights[2, -1]).all()


def test_weights_are_equal_until_enough_is_verified() -> None:
    data = table(errors=(0.2, 1.0, 2.0))
    weights = ensemble.skill_weights(data, MIN_VERIFIED)
    counted = 6 * ensemble.verified(data).sum(axis=1)
    np.testing.assert_allclose(weights[:, counted < MIN_VERIFIED], 1 / 3)
    assert counted[0].max() == 0
    assert (np.abs(weights[:, counted >= MIN_VERIFIED] - 1 / 3).max(axis=0) > 0.01).all()


def test_verified_means_observed_by_the_origin() -> None:
    data = table(origins=4)
    known = ensemble.verified(data)
    for origin in range(4):
        for earlier in range(4):
            for lead in range(12):
                assert known[origin, earlier, lead] == (6 * earlier + lead + 1 <= 6 * origin)


@settings(max_examples=15)
@given(cut=st.integers(1, 39), seed=st.integers(0, 1000))
def test_nothing_after_an_origin_changes_its_forecast(cut: int, seed: int) -> None:
    data = table(seed=seed, errors=(0.5, 1.0, 2.0))
    disturbed = data.copy(deep=True)
    late = data["valid_time"].values > data["origin"].values[cut]
    disturbed["observed"].values[late] = np.where(np.isnan(data["observed"].values[late]), np.nan, 1e3)
    disturbed["forecast"].values[:, cut + 1 :] = 77.0
    before, after = finish(data), finish(disturbed)
    for name in ("forecast", "widening"):
        np.testing.assert_array_equal(before[name].values[:, : cut + 1], after[name].values[:, : cut + 1])


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_calibration_finds_the_missing_width(ratio: float) -> None:
    data = table(ratio, errors=(1.0, 1.0, 1.0), origins=150)
    calibrated = conformal.calibrate(data, NAMES, MIN_VERIFIED)
    inside = (calibrated["observed"] >= calibrated["forecast"].isel(quantile=0)) & (
        calibrated["observed"] <= calibrated["forecast"].isel(quantile=-1)
    )
    late = inside.isel(origin=slice(20, -2)).mean(["model", "origin"])
    np.testing.assert_allclose(late, 0.9, atol=0.05)
    np.testing.assert_allclose(calibrated["widening"].isel(origin=-1), 1 / ratio, rtol=0.15)


def test_calibration_keeps_medians_order_and_other_models() -> None:
    data = table(0.5)
    calibrated = conformal.calibrate(data, ["lstm-direct", "absent"], MIN_VERIFIED)
    np.testing.assert_array_equal(
        calibrated["forecast"].isel(quantile=MEDIAN_INDEX), data["forecast"].isel(quantile=MEDIAN_INDEX)
    )
    assert (np.diff(calibrated["forecast"].values, axis=-1) >= 0).all()
    others = ["trend-ar1", "unobserved-components"]
    np.testing.assert_array_equal(calibrated["forecast"].sel(model=others), data["forecast"].sel(model=others))
    assert (calibrated["widening"].sel(model=others) == 1).all()
    assert (calibrated["widening"].sel(model="lstm-direct").isel(origin=-1) > 1.2).all()


def test_calibration_waits_for_verified_origins() -> None:
    data = table(0.2)
    factor = conformal.widening(data, MIN_VERIFIED)
    counted = 6 * ensemble.verified(data).sum(axis=1)
    assert (factor[:, counted < MIN_VERIFIED] == 1).all()
    assert (factor[:, counted >= MIN_VERIFIED] > 1).all()


def test_time_verified_does_not_depend_on_the_spacing_of_origins() -> None:
    """Monthly origins over the same decades are not six times as much evidence."""
    months = np.datetime64("2000-01") + np.arange(241)
    spans = []
    for spacing in (1, 6):
        chosen = months[::spacing]
        observed = np.zeros((chosen.size, 12))
        data = forecast_table(("a",), chosen, np.zeros((1, *observed.shape, len(QUANTILES))), observed)
        spans.append(ensemble.verified_months(data)[-1])
    assert (np.abs(spans[0] - spans[1]) < 6).all()


def test_one_wild_error_widens_by_little() -> None:
    data = table(origins=60)
    factor = conformal.widening(data, MIN_VERIFIED)[:, -1]
    data["observed"].values[40] = 1e6
    wild = conformal.widening(data, MIN_VERIFIED)[:, -1]
    assert (wild >= factor).all()
    assert (wild < 1.6 * factor).all()


def test_expected_loss_equals_simulation() -> None:
    errors = np.random.default_rng(0).normal(size=200_000)
    np.testing.assert_allclose(conformal.interval_loss(errors).mean(axis=-1), conformal.expected_loss(), rtol=0.02)
    assert conformal.FACTORS[conformal.expected_loss().argmin()] == pytest.approx(1, rel=0.03)


def test_pinball_loss_of_a_known_error() -> None:
    data = table(0.0, errors=(0.0, 0.0, 0.0))
    data["forecast"] = data["forecast"] + 2.0
    expected = 2 * np.mean([1 - level for level in QUANTILES])
    loss = ensemble.pinball_loss(data)
    np.testing.assert_allclose(loss[np.isfinite(loss)], expected)
    assert np.isnan(loss[:, -1]).all()


def test_standard_errors_of_normal_forecasts() -> None:
    data = table(2.0, errors=(0.0, 0.0, 0.0))
    data["observed"] = data["forecast"].isel(model=0).sel(quantile=0.95)
    np.testing.assert_allclose(conformal.standard_errors(data), norm.ppf(0.95))


def test_members_that_are_missing_are_done_without() -> None:
    data = table().sel(model=["trend-ar1", "lstm-direct"])
    means = ensemble.combine(data, MIN_VERIFIED, NAMES)
    np.testing.assert_allclose(means["forecast"].sel(model="mean-equal"), data["forecast"].mean("model"))
    with pytest.raises(ClimateError, match=r"found \['lstm-direct'\] of the members .* expected at least two"):
        ensemble.combine(table().sel(model=["lstm-direct"]), MIN_VERIFIED)


def test_tables_that_do_not_match_are_named() -> None:
    data = table()
    with pytest.raises(ClimateError, match="model 'trend-ar1' occurs 2 times, expected once"):
        ensemble.join_tables([data, data])
    renamed = data.assign_coords(model=np.array(["a", "b", "c"], dtype=object))
    assert ensemble.join_tables([data, renamed]).sizes["model"] == 6
    with pytest.raises(ClimateError, match="somewhere: origin of the models a, b, c differs"):
        ensemble.join_tables([data, renamed.isel(origin=slice(1, None))])
    renamed["observed"] = renamed["observed"] + 1
    with pytest.raises(ClimateError, match="somewhere: observed of the models a, b, c differs"):
        ensemble.join_tables([data, renamed])
