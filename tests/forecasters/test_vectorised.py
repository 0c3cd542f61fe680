"""Forecasters that compute all places at once, against plain implementations of one place."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.forecasters.base import NORMAL_QUANTILES, PRIOR_YEARS, FloatArray, IntArray, lag_one_autocorrelation
from climate.forecasters.classical.naive import SeasonalNaive
from climate.forecasters.classical.trend import ITERATIONS, MAX_PERSISTENCE, NORMAL_MONTHS, ClimatologyTrend
from tests.forecasters.models import panel


def sample(seed: int, count: int, length: int, gaps: float) -> FloatArray:
    """Seasonal series with a trend and red noise, some of which begin later, with months missing."""
    draw = np.random.default_rng(seed)
    time = np.arange(length)
    noise = draw.normal(size=(count, length))
    for month in range(1, length):
        noise[:, month] += draw.uniform(0.1, 0.9) * noise[:, month - 1]
    values = 0.002 * time + 4 * np.sin(2 * np.pi * (time + draw.integers(12, size=(count, 1))) / 12) + noise
    values = np.where(draw.random(values.shape) < gaps, np.nan, values)
    for row in range(count):
        values[row, : int(draw.integers(0, length // 4))] = np.nan
    return np.asarray(values)


def naive(values: FloatArray, fitted: int, leads: int, *, drift: bool) -> FloatArray:
    """Mean and standard deviation (lead, 2) of the seasonal naive forecast, month by month."""
    known = values[int(np.flatnonzero(np.isfinite(values))[0]) : fitted]
    change = known[12:] - known[:-12]
    recent = change[-360:]
    step = np.nanmean(recent) if drift else 0.0
    spread = np.nanstd(recent) if drift else np.sqrt(np.nanmean(change**2))
    rows = []
    for lead in range(1, leads + 1):
        back = values.size - 1 + lead - 12 * ((lead - 1) // 12 + 1)
        years = (lead - 1) // 12 + 1
        while not np.isfinite(values[back]):
            back, years = back - 12, years + 1
        growth = years / (recent.size / 12) if drift else 0.0
        rows.append((values[back] + years * step, spread * np.sqrt(years * (1 + growth))))
    return np.array(rows)


def trend(values: FloatArray, fitted: int, leads: int, *, residual: bool) -> FloatArray:
    """Mean and standard deviation (lead, 2) of climatology and trend, by regressions written out."""

    def design(month: IntArray) -> FloatArray:
        return np.column_stack([np.eye(12)[month % 12], (month - fitted + 1) / 12])

    def regress(rows: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        used = np.isfinite(target)
        coefficients = np.linalg.lstsq(rows[used], target[used], rcond=None)[0]
        variance = float(((target - rows @ coefficients)[used] ** 2).sum() / (used.sum() - 13))
        return coefficients, variance * np.linalg.inv(rows[used].T @ rows[used]), variance

    def memory(errors: FloatArray) -> float:
        pairs = [(a, b) for a, b in pairwise(errors) if np.isfinite(a + b)]
        return float(np.clip(sum(a * b for a, b in pairs) / sum(a * a for a, _ in pairs), 0, MAX_PERSISTENCE))

    month = np.arange(max(0, fitted - NORMAL_MONTHS), fitted)
    rows, known = design(month), values[month]
    coefficients, covariance, variance = regress(rows, known)
    rho = memory(known - rows @ coefficients)
    if residual:
        for _ in range(ITERATIONS):
            coefficients, covariance, variance = regress(rows[1:] - rho * rows[:-1], known[1:] - rho * known[:-1])
            rho = memory(known - rows @ coefficients)
    else:
        covariance, rho = covariance * (1 + rho) / (1 - rho), 0.0
    errors = known - rows @ coefficients
    shocks = errors[1:] - rho * errors[:-1] if residual else errors
    by_month = [shocks[month[len(errors) - len(shocks) :] % 12 == calendar] for calendar in range(12)]
    counts = [int(np.isfinite(part).sum()) for part in by_month]
    raw = np.array([float(np.nanmean(part**2)) for part in by_month])
    raw = raw / raw.mean()
    near = [(raw[(m - 1) % 12] + 2 * raw[m] + raw[(m + 1) % 12]) / 4 for m in range(12)]
    weight = np.mean(counts) / (np.mean(counts) + PRIOR_YEARS)
    season = [weight * value + (1 - weight) * np.mean(near) for value in near]
    last = int(np.flatnonzero(np.isfinite(values))[-1])
    newest = design(np.array([last]))[0]
    unknown = values.size - 1 - last
    accumulated = (1 - rho ** (2 * unknown)) / (1 - rho**2)
    result = []
    for lead in range(1, leads + 1):
        ahead = design(np.array([values.size - 1 + lead]))[0]
        decay = rho ** (values.size - 1 - last + lead)
        contrast = ahead - decay * newest
        accumulated = rho**2 * accumulated + season[(values.size - 1 + lead) % 12]
        spread = variance * accumulated + contrast @ covariance @ contrast
        result.append((ahead @ coefficients + decay * (values[last] - newest @ coefficients), np.sqrt(spread)))
    return np.array(result)


CASES: dict[str, tuple[object, Callable[..., FloatArray], dict[str, bool]]] = {
    "seasonal-naive": (SeasonalNaive(), naive, {"drift": False}),
    "seasonal-naive-drift": (SeasonalNaive(drift=True), naive, {"drift": True}),
    "climatology-trend": (ClimatologyTrend(), trend, {"residual": False}),
    "trend-ar1": (ClimatologyTrend(residual=True), trend, {"residual": True}),
}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from([204, 420, 500]))
def test_all_places_at_once_are_each_place_alone(name: str, seed: int, gaps: float, length: int) -> None:
    forecaster, plain, options = CASES[name]
    values = sample(seed, 3, length, gaps)
    whole, fitted = panel(values), length - 24
    quantiles = forecaster.fit(whole.isel(time=slice(0, fitted))).forecast(whole, 24)  # type: ignore[attr-defined]
    for row, own in enumerate(values):
        mean, deviation = plain(own, fitted, 24, **options).T
        np.testing.assert_allclose(
            quantiles[row], mean[:, None] + deviation[:, None] * NORMAL_QUANTILES, rtol=1e-6, atol=1e-6
        )


def test_autocorrelation_is_that_of_the_pairs_that_exist() -> None:
    values = np.array([[1.0, 2.0, np.nan, -1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 1.0, -1.0, 1.0]])
    estimates = lag_one_autocorrelation(values[:, :-1], values[:, 1:], 0.9)
    np.testing.assert_allclose(estimates[:, -1], [(1 * 2 + -1 * 1) / (1 + 1), 0.0, 0.0])
    assert estimates[0, 0] == 0.9, "kept at the limit"
