"""Tests of significance: worked examples, size and power by simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from climate.forecasters.base import FloatArray
from climate.verify.significance import (
    bootstrap_ratio,
    circular_blocks,
    dm_fixed_smoothing,
    dm_hln,
    dm_test,
    holm,
    model_confidence_set,
    origin_differences,
    overlapping_origins,
)

TRIALS = 400
LEVEL = 0.05


def bounds(probability: float) -> tuple[float, float]:
    """Range of a share of TRIALS that a binomial count leaves in one case of ten thousand."""
    low, high = stats.binom.interval(0.9999, TRIALS, probability)
    return low / TRIALS, high / TRIALS


def overlapping(generator: np.random.Generator, origins: int, shared: int) -> FloatArray:
    """Differences that are sums over `shared` common shocks, as those of overlapping forecasts."""
    shocks = generator.normal(size=origins + shared - 1)
    return np.convolve(shocks, np.ones(shared), mode="valid")


def test_overlap_counts_origins_that_share_months() -> None:
    assert [overlapping_origins(lead, 6) for lead in (1, 6, 7, 12, 60)] == [1, 1, 2, 2, 10]
    assert overlapping_origins(60, 12) == 5


def test_hln_by_hand() -> None:
    """The statistic of Harvey, Leybourne and Newbold written out with loops."""
    difference = np.random.default_rng(1).normal(0.3, 1, 40)
    n, h = 40, 3
    mean = sum(difference) / n
    variance = sum((d - mean) ** 2 for d in difference) / n
    for lag in range(1, h):
        variance += 2 * sum((difference[t] - mean) * (difference[t - lag] - mean) for t in range(lag, n)) / n
    plain = mean / (variance / n) ** 0.5
    corrected = plain * ((n + 1 - 2 * h + h * (h - 1) / n) / n) ** 0.5
    result = dm_hln(difference, h)
    assert result.statistic == pytest.approx(corrected)
    assert result.p == pytest.approx(2 * stats.t.sf(abs(corrected), n - 1))


def test_fixed_smoothing_by_hand() -> None:
    difference = np.random.default_rng(2).normal(0.3, 1, 40)
    ordinates = 3  # 40^(1/3) = 3.4; 40 / (2 x 2) = 10
    power = []
    for j in range(1, ordinates + 1):
        turned = sum(d * np.exp(-2j * np.pi * j * t / 40) for t, d in enumerate(difference - difference.mean()))
        power.append(abs(turned) ** 2 / 40)
    statistic = difference.mean() / np.sqrt(np.mean(power) / 40)
    result = dm_fixed_smoothing(difference, 2)
    assert result.statistic == pytest.approx(statistic)
    assert result.p == pytest.approx(2 * stats.t.sf(abs(statistic), 6))


def test_method_follows_the_number_of_overlaps() -> None:
    difference = np.random.default_rng(3).normal(size=39)
    assert [dm_test(difference, shared).method for shared in (1, 2, 10)] == ["hln", "hln", "fixed-smoothing"]


@pytest.mark.parametrize("shared", [1, 2, 10])
def test_size_of_the_test_that_is_used(shared: int) -> None:
    """Equal accuracy is rejected about as often as the level says, also where origins overlap much."""
    generator = np.random.default_rng(100 + shared)
    rejected = [dm_test(overlapping(generator, 39, shared), shared).p < LEVEL for _ in range(TRIALS)]
    low, high = bounds(0.06)
    assert low <= np.mean(rejected) <= high


def test_power() -> None:
    """A mean of half (one) standard deviation is found in most of 39 independent origins."""
    generator = np.random.default_rng(5)
    for effect, least in ((0.5, 0.7), (1.0, 0.99)):
        found = [dm_test(generator.normal(effect, 1, 39), 1).p < LEVEL for _ in range(TRIALS)]
        assert np.mean(found) >= least
    weak = [dm_test(overlapping(generator, 39, 10) + 10.0, 10).p < LEVEL for _ in range(TRIALS)]
    assert np.mean(weak) > 0.3, "with an overlap of 10 a large effect is still found at times"


@pytest.mark.parametrize("difference", [np.zeros(39), np.empty(0), np.array([1.0]), np.ones(5)])
def test_no_test_without_information(difference: FloatArray) -> None:
    assert np.isnan(dm_test(difference, 10).p)


@pytest.mark.parametrize("shared", [1, 10])
@pytest.mark.parametrize("test", [dm_hln, dm_fixed_smoothing, dm_test])
def test_many_pairs_at_once_are_tested_as_each_alone(test: Callable[..., Any], shared: int) -> None:
    differences = np.random.default_rng(8).normal(0.2, 1, (5, 39))
    differences[2] = 0.0
    every, alone = test(differences, shared), [test(row, shared) for row in differences]
    np.testing.assert_allclose(every.p, [float(one.p) for one in alone])
    assert {one.method for one in alone} == {every.method}
    assert np.isnan(every.p).tolist() == [False, False, True, False, False]


def test_origin_differences_average_to_the_mean_over_cells() -> None:
    generator = np.random.default_rng(6)
    first, second = generator.normal(size=(2, 12, 60))
    for origin in range(12):
        first[origin, 60 - 4 * origin :] = np.nan
        second[origin, 60 - 4 * origin :] = np.nan
    difference = origin_differences(first, second)
    assert difference.size == 12
    assert difference.mean() == pytest.approx(np.nanmean(first - second))
    whole = origin_differences(first[:1], second[:1])
    assert whole == pytest.approx(np.nanmean(first[0] - second[0]))
    first[3], second[3] = np.nan, np.nan
    assert origin_differences(first, second).size == 11
    assert origin_differences(np.full((2, 2), np.nan), np.zeros((2, 2))).size == 0


def test_circular_blocks_hold_each_origin_equally_often() -> None:
    counts = circular_blocks(39, 10, 4000, 7)
    assert (counts.sum(axis=1) == 39).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.1)
    assert np.array_equal(counts, circular_blocks(39, 10, 4000, 7))
    neighbours = np.corrcoef(counts[:, 10], counts[:, 11])[0, 1]
    assert neighbours > 0.8, "blocks keep neighbours together"


def test_bootstrap_ratio_of_equal_and_proportional_losses() -> None:
    losses = np.random.default_rng(8).exponential(size=(39, 12))
    assert bootstrap_ratio(losses, losses, 2) == pytest.approx((1.0, 1.0))
    assert bootstrap_ratio(0.8 * losses, losses, 2) == pytest.approx((0.8, 0.8))
    assert np.isnan(bootstrap_ratio(np.full((3, 2), np.nan), np.ones((3, 2)), 2)).all()
    assert np.isnan(bootstrap_ratio(np.ones((3, 2)), np.zeros((3, 2)), 2)).all()


def test_bootstrap_interval_covers_the_true_ratio() -> None:
    generator = np.random.default_rng(9)
    inside = 0
    for _ in range(TRIALS):
        second = generator.gamma(4, 0.25, size=(40, 1))
        first = 0.9 * generator.gamma(4, 0.25, size=(40, 1))
        low, high = bootstrap_ratio(first, second, 1, draws=200)
        inside += low <= 0.9 <= high
    low, high = bounds(0.88)
    assert low <= inside / TRIALS <= high


def test_holm_by_hand_leaves_out_nan() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, np.nan])), [0.03, 0.06, 0.06, np.nan])
    np.testing.assert_allclose(holm(np.array([[0.01, np.nan], [0.5, 0.9]])), [[0.03, np.nan], [1, 1]])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_confidence_set_holds_the_best_and_drops_the_worst() -> None:
    generator = np.random.default_rng(10)
    common = generator.gamma(4, 0.25, size=60)
    losses = np.stack([common + generator.normal(shift, 0.1, 60) for shift in (0.0, 0.1, 0.5)])
    p = model_confidence_set(losses, 2)
    assert p[0] == 1
    assert p[2] <= p[1] < 0.05
    np.testing.assert_allclose(p, model_confidence_set(10 * losses, 2), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_confidence_set_of_two_models_is_a_paired_test(seed: int) -> None:
    generator = np.random.default_rng(seed)
    common = generator.gamma(4, 0.25, size=60)
    losses = np.stack([common + generator.normal(shift, 0.1, 60) for shift in (0.0, 0.01)])
    expected = stats.ttest_rel(*losses).pvalue
    assert sorted(model_confidence_set(losses, 1)) == pytest.approx([expected, 1.0], abs=0.03)
