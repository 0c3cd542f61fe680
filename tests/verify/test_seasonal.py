"""Scores of seasons and years: each against a naive re-implementation, and properties."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from climate.forecasters.base import FloatArray
from climate.schema import QUANTILES
from climate.verify.periods import PERIODS, SEASONS, calibrated_means, period_means
from climate.verify.seasonal import correlation, mean_skill, murphy_terms, seasonal_scores, skill_by_start
from climate.verify.terciles import (
    CATEGORIES,
    probability_below,
    ranked_probability_score,
    reliability,
    roc_areas,
    tercile_bounds,
    tercile_events,
    tercile_probabilities,
)
from tests.records import months
from tests.tables import forecast_table

DEVIATES = stats.norm.ppf(QUANTILES)
ORIGINS, LEADS = 60, 12
MODELS = ["climatology-trend", "ridge-own"]

finite = st.floats(-5, 5).map(lambda value: round(value, 3))
series_of = arrays(float, 12, elements=finite)


def make_record(seed: int = 3) -> xr.Dataset:
    random = np.random.default_rng(seed)
    time = months("1960-01", 12 * 60)
    values = 0.02 * np.arange(time.size) / 12 + random.standard_normal(time.size)
    return xr.Dataset({"value": ("time", values)}, coords={"time": time}, attrs={"quantity": "temperature"})


def make_table(record: xr.Dataset, first: str = "2010-12", shared: float = 0.0, spread: float = 1.0) -> xr.Dataset:
    """Monthly origins; `shared` is the part of the error that all leads have in common."""
    random = np.random.default_rng(4)
    origin = months(first, ORIGINS)
    at = np.searchsorted(record["time"].values, origin)[:, None] + np.arange(1, LEADS + 1)
    observed = record["value"].values[at]
    noise = random.standard_normal((len(MODELS), ORIGINS, LEADS))
    common = random.standard_normal((len(MODELS), ORIGINS, 1))
    error = np.sqrt(shared) * common + np.sqrt(1 - shared) * noise
    centre = observed + error * np.array([1.0, 0.6])[:, None, None]
    widths = spread * np.array([1.0, 0.6])[:, None, None, None]
    return forecast_table(centre[..., None] + widths * DEVIATES, observed, MODELS, origin)


def along_origins(values: FloatArray) -> xr.DataArray:
    return xr.DataArray(values, dims="origin", coords={"origin": months("2000-01", values.size)})


def test_means_of_periods_agree_with_loops() -> None:
    table = make_table(make_record())
    table["observed"][5, 4] = np.nan
    means = period_means(table)
    assert means["period"].values.tolist() == [name for name in PERIODS if name != "1-60"]
    for name in means["period"].values:
        first, last = PERIODS[name]
        own = means.sel(period=name)
        expected = np.mean([table["observed"].sel(lead=lead).values for lead in range(first, last + 1)], axis=0)
        np.testing.assert_allclose(own["observed"], expected)
        middle = [table["forecast"].sel(lead=lead, quantile=0.5).values for lead in range(first, last + 1)]
        np.testing.assert_allclose(own["forecast"].sel(quantile=0.5), np.mean(middle, axis=0))
        assert (own["valid_time"] == table["valid_time"].sel(lead=last)).all()


@pytest.mark.parametrize("shared", [0.0, 0.6])
def test_calibrated_means_hold_what_they_say(shared: float) -> None:
    """Whether months err alone or together, 90% intervals of their means contain about 90%."""
    record = make_record()
    early, table = (make_table(record, first, shared) for first in ("1995-12", "2010-12"))
    scores = mean_skill(calibrated_means(table, early, 24), MODELS[0])
    covered = scores["coverage90"].mean("model")
    assert (abs(covered - 0.9) < 0.1).all(), covered.values
    if not shared:
        raw = mean_skill(period_means(table), MODELS[0])["coverage90"].mean("model").sel(period="1-12")
        assert raw > 0.97


def test_calibration_of_means_sees_nothing_after_the_origin() -> None:
    record = make_record()
    table, early = make_table(record), make_table(record, "1995-12")
    cut = table["origin"].values[40]
    changed = table.copy(deep=True)
    changed["observed"] = table["observed"].where(table["valid_time"] <= cut, 99.0)
    before, after = (
        calibrated_means(one, early, 12)["forecast"].sel(origin=slice(None, cut)) for one in (table, changed)
    )
    np.testing.assert_array_equal(before.values, after.values)
    later = calibrated_means(changed, early, 12)["forecast"]
    assert not np.array_equal(later.values, calibrated_means(table, early, 12)["forecast"].values)


@given(series_of, series_of)
def test_murphys_terms_add_up_to_the_skill(forecast: FloatArray, observed: FloatArray) -> None:
    terms = murphy_terms(along_origins(forecast), along_origins(observed))
    if np.std(observed) < 1e-2 or 0 < np.std(forecast) < 1e-6:
        return
    expected = 1 - np.mean((forecast - observed) ** 2) / np.mean(observed**2)
    assert float(terms["msss"]) == pytest.approx(expected, abs=1e-6)
    r = np.corrcoef(forecast, observed)[0, 1] if np.std(forecast) > 0 else 0.0
    assert float(terms["association"]) == pytest.approx(r**2, abs=1e-6)
    ratio = np.std(forecast) / np.std(observed)
    assert float(terms["conditional_bias"]) == pytest.approx((r - ratio) ** 2, abs=1e-6)


def test_the_reference_itself_has_no_skill_and_no_association() -> None:
    terms = murphy_terms(along_origins(np.zeros(30)), along_origins(np.random.default_rng(1).normal(0.4, 1, 30)))
    assert float(terms["msss"]) == pytest.approx(0, abs=1e-12)
    assert float(terms["association"]) == 0


def test_detrended_correlation_ignores_season_and_trend() -> None:
    random = np.random.default_rng(8)
    noise = random.standard_normal((2, 120))
    noise[1] += noise[0]
    steps = np.arange(120)
    systematic = 0.1 * steps + 5 * np.sin(2 * np.pi * steps / 12)
    plain, shifted = (along_origins(noise[0] + factor * systematic) for factor in (0, 1))
    other = along_origins(noise[1] + 2 * systematic)
    assert float(correlation(plain, other, detrend=True)) == pytest.approx(
        float(correlation(shifted, other, detrend=True))
    )
    assert float(correlation(shifted, other)) > 0.9 > float(correlation(shifted, other, detrend=True))
    regressors = np.column_stack([np.eye(12)[steps % 12], steps])
    fitted = [values - regressors @ np.linalg.lstsq(regressors, values)[0] for values in noise]
    expected = np.corrcoef(fitted[0], fitted[1])[0, 1]
    assert float(correlation(shifted, other, detrend=True)) == pytest.approx(expected)


@given(st.floats(-3, 3), st.floats(0.1, 4), st.floats(-4, 4))
def test_probabilities_of_normal_forecasts_are_exact(centre: float, spread: float, deviate: float) -> None:
    forecast = xr.DataArray(centre + spread * DEVIATES, dims="quantile", coords={"quantile": list(QUANTILES)})
    found = probability_below(forecast, xr.DataArray(centre + spread * deviate))
    assert float(found) == pytest.approx(stats.norm.cdf(deviate), abs=1e-9)


def test_probabilities_rise_with_the_value_and_step_where_quantiles_are_equal() -> None:
    skewed = np.array([0.0, 0.1, 0.2, 0.5, 0.5, 0.5, 0.9, 2.0, 3.0, 7.0, 9.0])
    forecast = xr.DataArray(skewed, dims="quantile", coords={"quantile": list(QUANTILES)})
    at = xr.DataArray(np.linspace(-2, 12, 300), dims="x")
    found = probability_below(forecast, at).values
    assert (np.diff(found) >= 0).all()
    assert 0 <= found[0] < 0.05
    assert 0.95 < found[-1] <= 1
    on_levels = probability_below(forecast, xr.DataArray(skewed[[0, 1, 2, 6, 7, 10]], dims="x"))
    np.testing.assert_allclose(on_levels, np.array(QUANTILES)[[0, 1, 2, 6, 7, 10]])
    certain = xr.full_like(forecast, 1.0)
    steps = probability_below(certain, xr.DataArray([0.9, 1.0, 1.1, np.nan], dims="x")).values
    np.testing.assert_array_equal(steps, [0, 1, 1, np.nan])


def test_terciles_are_those_of_the_last_thirty_seasons_known() -> None:
    record = make_record()
    origins = along_origins(np.zeros(24))["origin"]
    bounds = tercile_bounds(record["value"], origins)
    values, start = record["value"].values, np.datetime64("1960-01", "M")
    for origin in (0, 7, 23):
        at = int((origins.values[origin].astype("datetime64[M]") - start).astype(int))
        for period, (first, last) in SEASONS.items():
            past = []
            year = 1
            while len(past) < 30:
                chosen = [at + lead - 12 * year for lead in range(first, last + 1)]
                if max(chosen) <= at:
                    past.append(np.mean(values[chosen]))
                year += 1
            expected = np.quantile(past, [1 / 3, 2 / 3])
            np.testing.assert_allclose(bounds.isel(origin=origin).sel(period=period), expected)


def test_terciles_see_nothing_after_the_origin_and_need_enough_years() -> None:
    record = make_record()
    origins = along_origins(np.zeros(3))["origin"]
    changed = record["value"].where(record["time"] <= origins[0], 99.0)
    first, again = (tercile_bounds(values, origins).isel(origin=0) for values in (record["value"], changed))
    np.testing.assert_array_equal(first, again)
    short = record["value"].sel(time=slice("1985-01", None))
    assert tercile_bounds(short, origins).isnull().all()


@settings(max_examples=30)
@given(arrays(float, (20, 3), elements=st.floats(0.01, 1)), st.lists(st.integers(0, 2), min_size=20, max_size=20))
def test_ranked_probability_score_and_roc_agree_with_loops(weights: FloatArray, seen: list[int]) -> None:
    chances = weights / weights.sum(axis=1, keepdims=True)
    events = np.eye(3)[seen]
    coords = {"origin": months("2000-01", 20), "category": list(CATEGORIES)}
    probability, event = (xr.DataArray(v, dims=("origin", "category"), coords=coords) for v in (chances, events))
    expected = [sum((chances[i, :k].sum() - events[i, :k].sum()) ** 2 for k in (1, 2, 3)) for i in range(20)]
    np.testing.assert_allclose(ranked_probability_score(probability, event), expected, atol=1e-12)
    areas = roc_areas(probability, event)
    for c in range(3):
        hits, misses = chances[events[:, c] == 1, c], chances[events[:, c] == 0, c]
        wins = [1.0 if a > b else 0.5 if a == b else 0.0 for a in hits for b in misses]
        if wins:
            assert float(areas[c]) == pytest.approx(np.mean(wins))
        else:
            assert np.isnan(areas[c])


def tercile_sample(sharpness: float, stated: float) -> xr.Dataset:
    """Forecasts of three places that know part of the observation, and state `stated` times their true spread."""
    random = np.random.default_rng(6)
    known, rest = random.standard_normal((2, 3, 240))
    observed, spread = sharpness * known + np.sqrt(1 - sharpness**2) * rest, np.sqrt(1 - sharpness**2)
    coords = {"region": ["a", "b", "c"], "origin": months("2000-01", 240)}
    centre = xr.DataArray(sharpness * known, dims=("region", "origin"), coords=coords)
    deviates = xr.DataArray(DEVIATES, dims="quantile", coords={"quantile": list(QUANTILES)})
    forecast = (centre + stated * spread * deviates).expand_dims(model=["m"], period=["1-3"])
    truth = centre.copy(data=observed).expand_dims(period=["1-3"])
    bounds = xr.DataArray([-0.43, 0.43], dims="third")
    return xr.Dataset(
        {
            "probability": tercile_probabilities(forecast, bounds),
            "event": tercile_events(truth, bounds),
            "pit": probability_below(forecast, truth),
        }
    )


def test_consistency_bars_hold_reliable_forecasts_and_not_overconfident_ones() -> None:
    shares = []
    for stated in (1.0, 0.4):
        sample = tercile_sample(0.6, stated)
        np.testing.assert_allclose(sample["probability"].sum("category"), 1)
        found = reliability(sample["probability"], sample["event"], sample["pit"])
        assert found["forecasts"].sum("bin").values.ravel().tolist() == [720.0] * 3
        inside = (found["frequency"] >= found["low"]) & (found["frequency"] <= found["high"])
        shares.append(float(inside.where(found["forecasts"] > 20).mean()))
    assert shares[0] > 0.7 > 0.5 > shares[1]


def test_reliability_agrees_with_a_loop() -> None:
    sample = tercile_sample(0.6, 1.0)
    found = reliability(sample["probability"], sample["event"], sample["pit"]).sel(model="m", period="1-3")
    for category in CATEGORIES:
        chances = sample["probability"].sel(model="m", period="1-3", category=category).values.ravel()
        events = sample["event"].sel(period="1-3", category=category).values.ravel()
        for number in range(10):
            chosen = [i for i, p in enumerate(chances) if min(int(p * 10), 9) == number]
            own = found.sel(category=category).isel(bin=number)
            assert int(own["forecasts"]) == len(chosen)
            if chosen:
                assert float(own["frequency"]) == pytest.approx(np.mean(events[chosen]))
                assert float(own["probability"]) == pytest.approx(np.mean(chances[chosen]))


def test_scores_of_a_place() -> None:
    record = make_record()
    table = make_table(record)
    scores, terciles = seasonal_scores(table, None, record, MODELS[0], 24)
    assert set(terciles) == {"probability", "event", "pit"}
    reference = scores.sel(model=MODELS[0])
    np.testing.assert_allclose(reference["crpss"], 0, atol=1e-12)
    np.testing.assert_allclose(reference["rpss"].sel(period=list(SEASONS)), 0, atol=1e-12)
    better = scores.sel(model=MODELS[1])
    assert (better["crpss"] > 0.2).all()
    assert (better["rpss"].sel(period=list(SEASONS)) > 0.1).all()
    np.testing.assert_allclose(scores["occurred"].sel(period=list(SEASONS)).sum("category"), 1)
    assert scores["n"].values.tolist() == [ORIGINS] * 6
    np.testing.assert_allclose(scores["independent"].sel(period="1-12"), ORIGINS / 12)


def test_skill_by_start_agrees_with_a_loop() -> None:
    table = make_table(make_record())
    found = skill_by_start(table, MODELS[0])
    calendar = table["origin"].values.astype("datetime64[M]").astype(int) % 12 + 1
    levels = np.array(QUANTILES)
    edges = np.concatenate([[0], (levels[1:] + levels[:-1]) / 2, [1]])
    for start, lead in ((1, 1), (7, 12)):
        loss = []
        for m in range(2):
            own = table["forecast"].values[m, calendar == start, lead - 1]
            truth = table["observed"].values[calendar == start, lead - 1][:, None]
            pinball = np.maximum(levels * (truth - own), (levels - 1) * (truth - own))
            loss.append((2 * pinball * np.diff(edges)).sum(axis=1).mean())
        assert float(found.sel(model=MODELS[1], start=start, lead=lead)) == pytest.approx(1 - loss[1] / loss[0])
