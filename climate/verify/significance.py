"""Tests of equal forecast accuracy on losses at rolling origins, bootstrap intervals and the model confidence set.

Losses of neighbouring origins are correlated, because their forecasts cover the same months. Everything here takes one
loss per origin, in order of time, and an overlap: the number of origins, this one included, whose forecasts share
months.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr
from scipy import stats
from scores.stats.statistical_tests import diebold_mariano
from statsmodels.stats.multitest import multipletests

from climate.forecasters.base import FloatArray

HLN_ORIGINS_PER_OVERLAP = 10
"""Origins per overlapping origin below which the HLN test is replaced by the fixed-smoothing test.

With 39 origins and an overlap of 10 the HLN test rejects a true null in 10-18% of cases at the 5% level, and its
variance estimate is negative in up to 20%; with an overlap of 2 it rejects 6-7%.
"""

DRAWS = 2000
"""Resamples of a bootstrap."""

SEED = 20051231
"""Seed of the bootstraps; fixed, so that two runs agree."""


@dataclass(frozen=True)
class TestResult:
    """Outcome of tests of equal accuracy, arrays of one shape; NaN where a test cannot be made."""

    statistic: FloatArray
    p: FloatArray
    method: str


def overlapping_origins(last_lead: int, spacing: int) -> int:
    """Origins whose forecasts up to `last_lead` months share months, when origins are `spacing` months apart."""
    return max(1, math.ceil(last_lead / spacing))


def origin_spacing(origins: xr.DataArray) -> int:
    """Median distance of neighbouring origins in months; 1 where there is one origin."""
    months = np.unique(origins.values.astype("datetime64[M]")).astype(np.int64)
    return int(np.median(np.diff(months))) if months.size > 1 else 1


def origin_differences(first: FloatArray, second: FloatArray) -> FloatArray:
    """Loss of `first` minus loss of `second` per origin, from losses (origin, lead) with NaN at the same cells.

    Origins with fewer verified leads count less: each value is the mean difference plus the origin's own departure
    from it, weighted by its share of the cells (the linearised weighted mean), so that the mean over origins equals
    the mean over all cells. Origins with no cell are left out.
    """
    difference = first - second
    known = np.isfinite(difference)
    count = known.sum(axis=1)
    used = count > 0
    if not used.any():
        return np.empty(0)
    total = np.where(known, difference, 0.0).sum(axis=1)[used]
    mean = total.sum() / count.sum()
    weight = count[used] / count[used].mean()
    return np.asarray(mean + weight * (total / count[used] - mean))


def dm_hln(differences: FloatArray, overlap: int) -> TestResult:
    """Two-sided Diebold-Mariano tests with the small-sample correction, Student t with n - 1 degrees of freedom.

    Args:
        differences: loss differences (..., origin), n origins.
        overlap: origins whose forecasts share months.

    Returns:
        One result per series (...); NaN where n is not larger than `overlap`, all differences are 0, or the variance
        estimate is not positive.

    Source: Harvey, Leybourne and Newbold (1997), doi:10.1016/S0169-2070(96)00719-4; computed by the library `scores`.
    """
    *shape, n = differences.shape
    rows = differences.reshape(-1, n)
    statistic = np.full(len(rows), math.nan)
    testable = np.any(rows, axis=1) & (n > overlap)
    if testable.any():
        horizon = ("pair", [overlap] * int(testable.sum()))
        series = xr.DataArray(rows[testable], dims=("pair", "origin"), coords={"h": horizon})
        with np.errstate(invalid="ignore", divide="ignore"):
            tested = diebold_mariano(series, "pair", "h", method="HLN", statistic_distribution="t")
        statistic[testable] = tested["dm_test_stat"].values
    p = 2 * stats.t.sf(np.abs(statistic), n - 1)
    return TestResult(statistic.reshape(shape), p.reshape(shape), "hln")


def dm_fixed_smoothing(differences: FloatArray, overlap: int) -> TestResult:
    """Two-sided Diebold-Mariano tests with a weighted periodogram estimate and Student t with 2m degrees of freedom.

    The long-run variance is the mean of the m lowest ordinates of the periodogram, m the smaller of n^(1/3) and
    n / (2 overlap), at least 1. It keeps its level where the overlap is long against n, at the price of power.
    Source: Coroneo and Iacone (2020), doi:10.1002/jae.2756 (WPE-DM). Arguments and NaN as in `dm_hln`.
    """
    *shape, n = differences.shape
    if n <= max(overlap, 2):
        return TestResult(np.full(shape, math.nan), np.full(shape, math.nan), "fixed-smoothing")
    ordinates = max(1, min(int(n ** (1 / 3)), n // (2 * overlap)))
    mean = differences.mean(axis=-1)
    spectrum = np.abs(np.fft.rfft(differences - mean[..., None])[..., 1 : ordinates + 1]) ** 2 / n
    variance = np.where(np.ptp(differences, axis=-1) == 0, math.nan, spectrum.mean(axis=-1))
    statistic = mean / np.sqrt(variance / n)
    return TestResult(statistic, np.asarray(2 * stats.t.sf(np.abs(statistic), 2 * ordinates)), "fixed-smoothing")


def suits_hln(origins: int, overlap: int) -> bool:
    """Whether the origins are many enough against their overlap for the HLN test."""
    return origins >= HLN_ORIGINS_PER_OVERLAP * overlap


def dm_test(differences: FloatArray, overlap: int) -> TestResult:
    """HLN tests where the origins are many against their overlap, else fixed smoothing.

    Fixed smoothing replaces HLN where that is NaN, too. Arguments and NaN as in `dm_hln`.
    """
    smoothed = dm_fixed_smoothing(differences, overlap)
    if not suits_hln(differences.shape[-1], overlap):
        return smoothed
    hln = dm_hln(differences, overlap)
    known = np.isfinite(hln.p)
    return TestResult(
        np.where(known, hln.statistic, smoothed.statistic), np.where(known, hln.p, smoothed.p), hln.method
    )


@lru_cache(maxsize=8)
def circular_blocks(n: int, block: int, draws: int, seed: int) -> FloatArray:
    """Times that each of n origins occurs (draw, origin) in resamples of circular blocks (Politis and Romano 1992)."""
    generator = np.random.default_rng(seed)
    blocks = math.ceil(n / block)
    starts = generator.integers(0, n, size=(draws, blocks, 1))
    index = ((starts + np.arange(block)) % n).reshape(draws, -1)[:, :n]
    counts = np.zeros((draws, n))
    np.add.at(counts, (np.arange(draws)[:, None], index), 1.0)
    counts.setflags(write=False)
    return counts


def bootstrap_ratio(
    first: FloatArray, second: FloatArray, block: int, *, level: float = 0.9, draws: int = DRAWS, seed: int = SEED
) -> tuple[float, float]:
    """Percentile interval of mean loss `first` / mean loss `second`, origins resampled in circular blocks.

    Args:
        first: losses (origin, lead) with NaN at the same cells as `second`.
        second: losses (origin, lead).
        block: origins per block; the overlap is the natural choice.
        level: coverage that the interval aims at; it is too narrow where the record holds few blocks.
        draws: resamples.
        seed: of the random generator.

    Returns:
        Lower and upper bound; NaN where no origin has a loss or `second` has none.
    """
    used = np.isfinite(first - second).any(axis=1)
    above, below = np.nansum(first[used], axis=1), np.nansum(second[used], axis=1)
    if above.size == 0 or not below.sum() > 0:
        return math.nan, math.nan
    counts = circular_blocks(above.size, min(block, above.size), draws, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (counts @ above) / (counts @ below)
    low, high = np.nanquantile(ratio, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p: FloatArray) -> FloatArray:
    """Holm's (1979) step-down adjusted p-values of a family of any shape; NaN is no member and stays NaN."""
    adjusted = np.full(np.shape(p), math.nan)
    member = np.isfinite(p)
    if member.any():
        adjusted[member] = multipletests(p[member], method="holm")[1]
    return adjusted


def model_confidence_set(losses: FloatArray, block: int, *, draws: int = DRAWS, seed: int = SEED) -> FloatArray:
    """P-value of each model's membership in the set that holds the best one; keep those above the level.

    Models are dropped one at a time, the worst first, while the largest standardised departure from the mean loss is
    larger than its bootstrap distribution allows (statistic T_max).
    Source: Hansen, Lunde and Nason (2011), doi:10.3982/ECTA5771.

    Args:
        losses: mean loss (model, origin), without NaN.
        block: origins per circular block.
        draws: resamples.
        seed: of the random generator.

    Returns:
        P-values (model); the model that is left last has 1.
    """
    models, origins = losses.shape
    p = np.ones(models)
    weights = circular_blocks(origins, min(block, origins), draws, seed) / origins
    means, resampled = losses.mean(axis=1), weights @ losses.T
    remaining, running = list(range(models)), 0.0
    while len(remaining) > 1:
        departure = means[remaining] - means[remaining].mean()
        centred = resampled[:, remaining] - resampled[:, remaining].mean(axis=1, keepdims=True) - departure
        spread = np.sqrt(np.mean(centred**2, axis=0))
        spread = np.where(spread > 0, spread, np.inf)
        statistic = departure / spread
        reached = np.mean(np.max(centred / spread, axis=1) >= statistic.max())
        running = max(running, float(reached))
        worst = remaining[int(np.argmax(statistic))]
        p[worst] = running
        remaining.remove(worst)
    return p
