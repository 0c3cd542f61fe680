"""Is one forecaster better than another, or was it luck? Tests on losses at rolling origins.

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
    """Outcome of a test of equal accuracy; NaN where it cannot be made."""

    statistic: float
    p: float
    method: str


def overlap(last_lead: int, spacing: int) -> int:
    """Origins whose forecasts up to `last_lead` months share months, when origins are `spacing` months apart."""
    return max(1, math.ceil(last_lead / spacing))


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


def hln_statistics(differences: FloatArray, overlap: int) -> FloatArray:
    """Statistics of `dm_hln` for many pairs of models: (pair) from loss differences (pair, origin)."""
    pairs = differences.shape[0]
    series = xr.DataArray(differences, dims=("pair", "origin"), coords={"h": ("pair", [overlap] * pairs)})
    with np.errstate(invalid="ignore", divide="ignore"):
        result = diebold_mariano(series, "pair", "h", method="HLN", statistic_distribution="t")
    return np.asarray(result["dm_test_stat"].values, dtype=float)


def dm_hln_each(differences: FloatArray, overlap: int) -> list[TestResult]:
    """Two-sided Diebold-Mariano tests with the small-sample correction, Student t with n - 1 degrees of freedom.

    One for each row of `differences` (pair, origin). NaN where n is not larger than `overlap`, all differences are 0,
    or the variance estimate is not positive.
    Source: Harvey, Leybourne and Newbold (1997), doi:10.1016/S0169-2070(96)00719-4; computed by the library `scores`.
    """
    pairs, n = differences.shape
    statistics = np.full(pairs, math.nan)
    testable = np.any(differences, axis=1) & (n > overlap)
    if testable.any():
        statistics[testable] = hln_statistics(differences[testable], overlap)
    values = 2 * stats.t.sf(np.abs(statistics), n - 1)
    return [TestResult(float(statistic), float(p), "hln") for statistic, p in zip(statistics, values, strict=True)]


def dm_hln(difference: FloatArray, overlap: int) -> TestResult:
    """`dm_hln_each` of one pair, from its differences (origin)."""
    return dm_hln_each(difference[None, :], overlap)[0]


def dm_fixed_smoothing(difference: FloatArray, overlap: int) -> TestResult:
    """Two-sided Diebold-Mariano test with a weighted periodogram estimate and Student t with 2m degrees of freedom.

    The long-run variance is the mean of the m lowest ordinates of the periodogram, m the smaller of n^(1/3) and
    n / (2 overlap), at least 1. It keeps its level where the overlap is long against n, at the price of power.
    Source: Coroneo and Iacone (2020), doi:10.1002/jae.2756 (WPE-DM). NaN as in `dm_hln_each`.
    """
    n = difference.size
    if n <= max(overlap, 2) or np.ptp(difference) == 0:
        return TestResult(math.nan, math.nan, "fixed-smoothing")
    ordinates = max(1, min(int(n ** (1 / 3)), n // (2 * overlap)))
    spectrum = np.abs(np.fft.rfft(difference - difference.mean())[1 : ordinates + 1]) ** 2 / n
    statistic = float(difference.mean() / np.sqrt(spectrum.mean() / n))
    return TestResult(statistic, float(2 * stats.t.sf(abs(statistic), 2 * ordinates)), "fixed-smoothing")


def suits_hln(origins: int, overlap: int) -> bool:
    """Whether the origins are many enough against their overlap for the HLN test."""
    return origins >= HLN_ORIGINS_PER_OVERLAP * overlap


def dm_test_each(differences: FloatArray, overlap: int) -> list[TestResult]:
    """For each row (pair, origin): HLN where the origins are many against their overlap, else fixed smoothing.

    Fixed smoothing stands in, too, where HLN gives NaN; NaN where both do.
    """
    smoothed = [dm_fixed_smoothing(difference, overlap) for difference in differences]
    if not suits_hln(differences.shape[1], overlap):
        return smoothed
    pairs = zip(dm_hln_each(differences, overlap), smoothed, strict=True)
    return [hln if math.isfinite(hln.p) else other for hln, other in pairs]


def dm_test(difference: FloatArray, overlap: int) -> TestResult:
    """`dm_test_each` of one pair, from its differences (origin)."""
    return dm_test_each(difference[None, :], overlap)[0]


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
    flat = np.asarray(p, dtype=float).ravel()
    adjusted = np.full(flat.size, np.nan)
    members = np.flatnonzero(np.isfinite(flat))
    order = members[np.argsort(flat[members], kind="stable")]
    scaled = flat[order] * (order.size - np.arange(order.size))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled)) if order.size else scaled
    return adjusted.reshape(np.shape(p))


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
    left, running = list(range(models)), 0.0
    while len(left) > 1:
        departure = means[left] - means[left].mean()
        centred = resampled[:, left] - resampled[:, left].mean(axis=1, keepdims=True) - departure
        spread = np.sqrt(np.mean(centred**2, axis=0))
        spread = np.where(spread > 0, spread, np.inf)
        statistic = departure / spread
        reached = np.mean(np.max(centred / spread, axis=1) >= statistic.max())
        running = max(running, float(reached))
        worst = left[int(np.argmax(statistic))]
        p[worst] = running
        left.remove(worst)
    return p
