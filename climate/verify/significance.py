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


class MeanError(NamedTuple):
    """How far the mean of a series may be from the expected value."""

    standard_error: FloatArray
    freedom: int
    """Degrees of freedom of Student's t."""


def mean_error(values: FloatArray, overlap: int) -> MeanError:
    """Standard error of the mean over the last axis of `values` (..., origin); NaN where fewer than two are known."""
    values = values[..., np.isfinite(values).any(axis=tuple(range(values.ndim - 1)))]
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    number = cosines(values.shape[-1], overlap)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=-1) / count
        departures = np.where(known, values - mean[..., None], 0.0)
        position = (np.arange(values.shape[-1]) + 0.5) / values.shape[-1]
        waves = math.sqrt(2) * np.cos(math.pi * np.arange(1, number + 1)[:, None] * position)
        long_run_variance = ((departures @ waves.T) ** 2).mean(axis=-1) / count
        error = np.sqrt(long_run_variance / count)
    return MeanError(np.where(count > 1, error, np.nan), number)


def mean_interval(values: FloatArray, overlap: int) -> tuple[FloatArray, FloatArray]:
    """Interval with coverage LEVEL of the mean over the last axis of `values` (..., origin), see `mean_error`."""
    error = mean_error(values, overlap)
    half = stats.t.ppf((1 + LEVEL) / 2, error.freedom) * error.standard_error
    return np.nanmean(values, axis=-1) - half, np.nanmean(values, axis=-1) + half


class Comparison(NamedTuple):
    """Mean loss of one forecaster over that of another, arrays of one shape."""

    ratio: FloatArray
    low: FloatArray
    high: FloatArray
    """Bounds of the interval of `ratio` with coverage LEVEL."""
    p: FloatArray
    """Two-sided, of equal mean losses, not corrected for other comparisons; NaN where the losses are the same."""


def compare(first: FloatArray, second: FloatArray, overlap: int) -> Comparison:
    """`first` against `second`, losses (..., origin) whose forecasts overlap over `overlap` origins.

    Only origins where both have a loss count. The interval is that of the linearised ratio, the mean of
    first - ratio x second over the mean of second.
    """
    both = np.isfinite(first - second)
    first, second = np.where(both, first, np.nan), np.where(both, second, np.nan)
    count = both.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        base = np.nansum(second, axis=-1) / count
        ratio = np.nansum(first, axis=-1) / count / base
        spread = mean_error(first - ratio[..., None] * second, overlap)
        difference = mean_error(first - second, overlap)
        half = stats.t.ppf((1 + LEVEL) / 2, spread.freedom) * spread.standard_error / base
        statistic = np.abs(ratio - 1) * base / difference.standard_error
    p = 2 * stats.t.sf(statistic, difference.freedom)
    return Comparison(ratio, ratio - half, ratio + half, np.asarray(p))


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
