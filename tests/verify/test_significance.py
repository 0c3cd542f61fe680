"""Inference on means over origins: by hand, and what it holds by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from climate.verify.significance import (
    LEVEL,
    compare,
    cosines,
    false_discovery,
    holm,
    mean_interval,
    overlapping_origins,
)

TRIALS = 2000


def test_overlap_counts_origins_that_share_months() -> None:
    assert [overlapping_origins(lead, 6) for lead in (1, 6, 7, 12, 60)] == [1, 1, 2, 2, 10]
    assert overlapping_origins(60, 12) == 5


@pytest.mark.parametrize(
    ("origins", "overlap", "expected"),
    [(231, 1, 15), (231, 12, 10), (183, 60, 2), (39, 2, 5), (31, 10, 2), (5, 60, 1)],
)
def test_about_one_cosine_for_two_spans_of_leads(origins: int, overlap: int, expected: int) -> None:
    assert cosines(origins, overlap) == expected


def by_hand(first: list[float], second: list[float], overlap: int) -> tuple[float, float]:
    """The statistic of equal means and its p value, written out with loops."""
    n = len(first)
    difference = [a - b for a, b in zip(first, second, strict=True)]
    mean = sum(difference) / n
    number = max(1, min(round(0.4 * n ** (2 / 3)), round(n / (2 * overlap))))
    projections = [
        math.sqrt(2 / n) * sum(d * math.cos(math.pi * j * (t + 0.5) / n) for t, d in enumerate(difference))
        for j in range(1, number + 1)
    ]
    statistic = mean / math.sqrt(sum(value**2 for value in projections) / number / n)
    return statistic, 2 * float(stats.t.sf(abs(statistic), number))


@settings(max_examples=40)
@given(
    origins=st.integers(4, 60), overlap=st.integers(1, 20), seed=st.integers(0, 2**32 - 1), gain=st.floats(-0.3, 0.3)
)
def test_comparison_agrees_with_loops_and_interval_with_its_test(
    origins: int, overlap: int, seed: int, gain: float
) -> None:
    random = np.random.default_rng(seed)
    second = 2 + 0.3 * random.random(origins)
    first = second * (1 + gain) + 0.2 * random.random(origins)
    found = compare(first, second, overlap)
    assert found.ratio == pytest.approx(first.mean() / second.mean())
    _, p = by_hand(list(first), list(second), overlap)
    assert found.p == pytest.approx(p, rel=1e-6, abs=1e-12)
    # both ends are the ratios that the test just rejects at 1 - LEVEL
    for end in (found.low, found.high) if np.isfinite(found.high) else ():
        assert by_hand(list(first), list(end * second), overlap)[1] == pytest.approx(1 - LEVEL, rel=1e-4)
    scaled = compare(1000 * first, 1000 * second, overlap)
    np.testing.assert_allclose(scaled, found, rtol=1e-6)


def test_equal_losses_have_no_p_and_absent_ones_no_comparison() -> None:
    random = np.random.default_rng(2)
    losses = 1 + random.random((3, 30))
    absent = losses.copy()
    absent[2], absent[0, 25:] = np.nan, np.nan
    found = compare(absent, np.broadcast_to(losses[1], absent.shape), 2)
    assert np.isnan(found.p).tolist() == [False, True, True]
    assert found.ratio[1] == 1
    assert np.isnan(found.ratio[2])
    np.testing.assert_allclose(found.p[0], compare(losses[0, :25], losses[1, :25], 2).p)
    assert np.isnan(compare(absent[2], losses[0], 2).p)


@pytest.mark.parametrize(("origins", "last", "every"), [(120, 1, 1), (120, 12, 1), (39, 12, 6), (90, 36, 1)])
def test_intervals_hold_what_they_say_under_overlap(origins: int, last: int, every: int) -> None:
    """Sums over common autocorrelated shocks, as the losses of overlapping forecasts are."""
    random = np.random.default_rng(3)
    noise = random.standard_normal((2, TRIALS, origins * every + last))
    for t in range(1, noise.shape[-1]):
        noise[..., t] += 0.5 * noise[..., t - 1]
    total = np.cumsum(noise, axis=-1)
    start = every * np.arange(origins)
    losses = 5 + (total[..., start + last - 1] - total[..., start] + noise[..., start]) / last
    overlap = overlapping_origins(last, every)
    found = compare(losses[0], losses[1], overlap)
    assert 0.87 <= ((found.low <= 1) & (found.high >= 1)).mean() <= 0.93
    assert 0.03 <= (found.p < 0.05).mean() <= 0.08
    low, high = mean_interval(losses[0], overlap)
    assert 0.87 <= ((low <= 5) & (high >= 5)).mean() <= 0.93


def test_corrections_are_those_of_the_library_and_keep_the_absent() -> None:
    p = np.array([[0.01, np.nan, 0.04], [0.03, 0.5, np.nan]])
    for function, method in ((holm, "holm"), (false_discovery, "fdr_bh")):
        adjusted = function(p)
        assert np.isnan(adjusted[~np.isfinite(p)]).all()
        np.testing.assert_allclose(adjusted[np.isfinite(p)], multipletests([0.01, 0.04, 0.03, 0.5], method=method)[1])
        assert np.isnan(function(p * np.nan)).all()
