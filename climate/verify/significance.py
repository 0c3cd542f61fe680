"""How sure a mean over rolling origins is: standard errors, intervals and tests that allow for overlapping forecasts.

Losses of neighbouring origins are correlated, because their forecasts cover the same months and because weather lasts.
Everything here takes one loss per origin along the last axis, evenly spaced and in order of time, NaN where an origin
has none. The long-run variance is that of the lowest cosines of the series (equal-weighted cosines, EWC), and Student's
t has as many degrees of freedom as there are cosines. `python -m benchmarks.simulation` measures what the intervals
hold: with the overlaps of this project, resampling of blocks misses the truth in 20 to 45% of cases instead of 10%.

Source: Lazarus, Lewis, Stock and Watson (2018), HAR Inference, doi:10.1080/07350015.2018.1506926.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import stats
from statsmodels.stats.multitest import multipletests

from climate.forecasters.base import FloatArray

LEVEL = 0.9
"""Coverage of every interval of a ratio of scores."""

FALSE_DISCOVERY = 0.10
"""Rate at which places of a map are called different, as Wilks (2016), doi:10.1175/BAMS-D-15-00267.1, advises."""

MOST_COSINES = (0.4, 2 / 3)
"""Factor and power of the number of origins: the most cosines that are used (Lazarus et al. 2018, equation 4)."""


def overlapping_origins(last_lead: int, spacing: int) -> int:
    """Origins whose forecasts up to `last_lead` months share months, when origins are `spacing` months apart."""
    return max(1, math.ceil(last_lead / spacing))


def origin_spacing(origins: xr.DataArray) -> int:
    """Median distance of neighbouring origins in months; 1 where there is one origin."""
    months = np.unique(origins.values.astype("datetime64[M]")).astype(np.int64)
    return int(np.median(np.diff(months))) if months.size > 1 else 1


def cosines(origins: int, overlap: int) -> int:
    """Cosines that estimate the long-run variance: at least 1, about one for every two spans of overlapping forecasts.

    Faster ones see the averaging over leads and not the long-run variance, and would make intervals too narrow.
    """
    factor, power = MOST_COSINES
    most = round(float(factor * origins**power))
    return max(1, min(most, round(origins / (2 * overlap))))


def long_run_covariance(first: FloatArray, second: FloatArray, overlap: int) -> FloatArray:
    """Sampling covariance of the means of two series (..., origin) without NaN, from their lowest cosines."""
    origins = first.shape[-1]
    position = (np.arange(origins) + 0.5) / origins
    waves = math.sqrt(2) * np.cos(math.pi * np.arange(1, cosines(origins, overlap) + 1)[:, None] * position)
    return np.asarray(((first @ waves.T) * (second @ waves.T)).mean(axis=-1) / origins**2)


def mean_interval(values: FloatArray, overlap: int) -> tuple[FloatArray, FloatArray]:
    """Interval with coverage LEVEL of the mean over the last axis of `values` (..., origin) without NaN."""
    mean, error = values.mean(axis=-1), np.sqrt(long_run_covariance(values, values, overlap))
    half = stats.t.ppf((1 + LEVEL) / 2, cosines(values.shape[-1], overlap)) * error
    return mean - half, mean + half


class Comparison(NamedTuple):
    """Mean loss of one forecaster over that of another, arrays of one shape."""

    ratio: FloatArray
    low: FloatArray
    high: FloatArray
    """Bounds of the interval of `ratio` with coverage LEVEL: the ratios that the test does not reject at 1 - LEVEL."""
    p: FloatArray
    """Two-sided, of equal mean losses, not corrected for other comparisons; NaN where the losses are the same."""


def compare(first: FloatArray, second: FloatArray, overlap: int) -> Comparison:
    """`first` against `second`, losses (..., origin) whose forecasts overlap over `overlap` origins.

    Origins that one of the comparisons lacks are left out of all of them, but for comparisons without any loss; those
    are NaN, like all with fewer than two origins. A ratio r is tested by the mean of first - r x second; its interval
    is that of Fieller (1954), infinite where the mean of `second` is itself uncertain.
    """
    known = np.isfinite(first - second)
    origins = (known | ~known.any(axis=-1, keepdims=True)).all(axis=tuple(range(known.ndim - 1)))
    if not known.any() or origins.sum() < 2:
        return Comparison(*np.full((4, *known.shape[:-1]), np.nan))
    first, second = (np.where(known, values, np.nan)[..., origins] for values in (first, second))
    freedom = cosines(first.shape[-1], overlap)
    a, b = first.mean(axis=-1), second.mean(axis=-1)
    aa, ab, bb = (long_run_covariance(*pair, overlap) for pair in ((first, first), (first, second), (second, second)))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * stats.t.sf(np.abs(a - b) / np.sqrt(np.maximum(aa - 2 * ab + bb, 0)), freedom)
        squared = stats.t.ppf((1 + LEVEL) / 2, freedom) ** 2
        curvature, middle, constant = b**2 - squared * bb, a * b - squared * ab, a**2 - squared * aa
        half = np.sqrt(np.maximum(middle**2 - curvature * constant, 0))
        low, high = ((middle + sign * half) / curvature for sign in (-1, 1))
        bounded = curvature > 0
        return Comparison(a / b, np.where(bounded, low, 0 * a), np.where(bounded, high, np.inf + 0 * a), np.asarray(p))


def holm(p: FloatArray) -> FloatArray:
    """Holm's (1979) step-down adjusted p-values of a family of any shape; NaN is no member and stays NaN."""
    return _adjusted(p, "holm")


def false_discovery(p: FloatArray) -> FloatArray:
    """P-values adjusted for the false discovery rate of a map (Benjamini and Hochberg 1995); NaN stays NaN.

    Those below a rate are called different; among them about that share is no different. It holds for maps, whose
    neighbouring cells are alike. Source: Wilks (2016), doi:10.1175/BAMS-D-15-00267.1, who advises a rate of 0.10.
    """
    return _adjusted(p, "fdr_bh")


def _adjusted(p: FloatArray, method: str) -> FloatArray:
    adjusted = np.full(np.shape(p), math.nan)
    member = np.isfinite(p)
    if member.any():
        adjusted[member] = multipletests(p[member], method=method)[1]
    return adjusted
