"""Two records where they overlap: their difference, its offsets and trend, and what a splice leaves of it.

Standard errors of means and trends of differences allow for autocorrelation through the effective sample size of a
first-order autoregressive process (Santer et al. 2000, J. Geophys. Res. 105, 7337-7356, eqs. 3-6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.harmonize.anomaly import calendar_month
from climate.harmonize.completeness import MissingRule, annual_means
from climate.harmonize.series import is_annual, month, months_of
from climate.params.regions import PartDefinition
from climate.schema import TIME_DTYPE

MIN_OVERLAP = 5
"""Values of the difference that an offset needs; with fewer, its standard error means nothing."""

MIN_YEARS_PER_MONTH = 5
"""Common values of a calendar month that its own offset needs: the mean of five differences has a standard error of
0.45 of their standard deviation, and that standard deviation is itself known to a third (1 / sqrt(2 (n - 1)))."""

STEP_YEARS = 5
"""Years of overlap next to a join in which a step left by the splice is looked for."""

STEP_MIN_VALUES = 4
"""Differences that an estimate of the step needs."""

MONTHS_PER_DECADE = 120


@dataclass(frozen=True)
class Difference:
    """Newer minus older over an overlap."""

    mean: float
    mean_se: float
    drift: float
    """Linear trend per decade."""
    drift_se: float
    n: int
    autocorrelation: float


def summarise(difference: xr.DataArray) -> Difference:
    """Mean and trend of `difference` (time; NaN left out) with standard errors that allow for autocorrelation.

    At lag 1 the autocorrelation is that of neighbouring times of the axis; negative estimates count as 0.
    """
    values = np.asarray(difference.values, dtype=np.float64)
    at = months_of(difference["time"]).astype(np.int64) / MONTHS_PER_DECADE
    present = np.isfinite(values)
    n = int(present.sum())
    mean = float(values[present].mean())
    rho = lag_one_autocorrelation(values - mean)
    spread = float(values[present].std(ddof=1))
    mean_se = spread / np.sqrt(_effective(n, rho))
    x = at[present] - at[present].mean()
    drift = float((x * values[present]).sum() / (x**2).sum())
    residual = values - mean - drift * (at - at[present].mean())
    freedom = max(_effective(n, lag_one_autocorrelation(residual)) - 2, 1.0)
    drift_se = np.sqrt((residual[present] ** 2).sum() / freedom / (x**2).sum())
    return Difference(mean, float(mean_se), drift, float(drift_se), n, rho)


@dataclass(frozen=True)
class Offset:
    """What brings the older of two records to the level of the newer.

    Attributes:
        by_month: added in January to December, NaN where a calendar month has too few common values.
        by_month_se: their standard errors.
        level: newer minus older (time) without the departures of single calendar months from the mean offset.
        difference: mean and trend of `level`.
    """

    by_month: NDArray[np.float64]
    by_month_se: NDArray[np.float64]
    level: xr.DataArray
    difference: Difference


def single_offset(difference: xr.DataArray) -> Offset:
    """One offset for all months: the mean of `difference` (time)."""
    summary = summarise(difference)
    return Offset(np.full(12, summary.mean), np.full(12, summary.mean_se), difference, summary)


def offset_by_month(difference: xr.DataArray) -> Offset:
    """An offset for each calendar month: its mean of `difference` (time) over MIN_YEARS_PER_MONTH values or more.

    Records of temperature differ by season: by their climatology where one is absolute and the other an anomaly, by
    that of two baselines, or by site. At least one calendar month must have enough values.
    """
    at = calendar_month(difference["time"])
    by_month, by_month_se = np.full(12, np.nan), np.full(12, np.nan)
    for index, count in enumerate(common_by_month(difference)):
        if count >= MIN_YEARS_PER_MONTH:
            month_alone = summarise(difference.isel(time=np.flatnonzero(at == index + 1)))
            by_month[index], by_month_se[index] = month_alone.mean, month_alone.mean_se
    level = difference - by_month[at - 1] + np.nanmean(by_month)
    return Offset(by_month, by_month_se, level, summarise(level))


def common_by_month(difference: xr.DataArray) -> NDArray[np.int64]:
    """Number of values of `difference` (time) in January to December, NaN left out."""
    return np.bincount(calendar_month(difference["time"])[np.isfinite(difference.values)], minlength=13)[1:]


def _effective(n: int, rho: float) -> float:
    return max(n * (1 - rho) / (1 + rho), 1.0)


def lag_one_autocorrelation(centred: NDArray[np.float64]) -> float:
    """Autocorrelation at lag 1 of values with mean zero, NaN left out: 0 to 0.99, 0 for fewer than two pairs."""
    present = np.isfinite(centred)
    pairs = present[1:] & present[:-1]
    variance = (centred[present] ** 2).mean()
    if pairs.sum() < 2 or variance == 0:
        return 0.0
    return float(np.clip((centred[1:] * centred[:-1])[pairs].mean() / variance, 0.0, 0.99))


def overlap(
    older: xr.Dataset, newer: xr.Dataset, older_part: PartDefinition, newer_part: PartDefinition, rule: MissingRule
) -> xr.Dataset:
    """Both records where they overlap: `older`, `newer`, `difference` (newer - older), dims (time).

    Where one is annual, the other's means over the same twelve months are compared with it, made under `rule`.
    """
    columns = {"older": older["value"], "newer": newer["value"]}
    annual = {name: is_annual(value) for name, value in columns.items()}
    if annual["older"] != annual["newer"]:
        yearly, part = ("older", older_part) if annual["older"] else ("newer", newer_part)
        monthly = "newer" if yearly == "older" else "older"
        columns[monthly] = _matching_means(columns[yearly], columns[monthly], part, rule)
    joined = xr.Dataset(dict(zip(columns, xr.align(*columns.values(), join="inner"), strict=True))).drop_attrs()
    joined = joined.isel(time=np.flatnonzero(np.isfinite((joined["newer"] - joined["older"]).values)))
    if joined.sizes["time"]:
        months = months_of(joined["time"])
        step = 12 if any(annual.values()) else 1
        axis = np.arange(months[0], months[-1] + 1, step).astype(TIME_DTYPE)
        joined = joined.reindex(time=np.union1d(axis, joined["time"].values))
    return joined.assign(difference=joined["newer"] - joined["older"]).assign_attrs(
        cadence="annual" if any(annual.values()) else "monthly"
    )


def _matching_means(yearly: xr.DataArray, monthly: xr.DataArray, part: PartDefinition, rule: MissingRule) -> Any:
    """Means of `monthly` over the twelve months that each value of `yearly` stands for."""
    before = 6 if part.annual == "centred" else 0
    starts = months_of(yearly["time"])[np.isfinite(yearly.values)]
    result = np.full(starts.size, np.nan)
    for first_month in range(1, 13):
        labelled = annual_means(monthly, rule, (first_month - before - 1) % 12 + 1)["value"]
        at = np.flatnonzero(starts.astype(np.int64) % 12 + 1 == first_month)
        wanted = (starts[at] - before).astype(TIME_DTYPE)
        result[at] = labelled.reindex(time=wanted).values
    return xr.DataArray(result, dims="time", coords={"time": starts.astype(TIME_DTYPE)})


def step_left(difference: xr.DataArray, join: Any, offset: float) -> tuple[float, float]:
    """What is left of the difference next to a join once the older record is shifted, and its standard error.

    Mean of newer - (older + offset) over the STEP_YEARS of overlap from month `join` on, or the first ones of the
    overlap where that starts later: both records saw the same weather, so what remains is a step of the splice's own
    making. (nan, nan) where fewer than STEP_MIN_VALUES differences stand there.
    """
    months = months_of(difference["time"])
    present = np.isfinite(difference.values)
    first = max(month(join), months[present][0])
    near = difference.isel(time=np.flatnonzero((months >= first) & (months < first + STEP_YEARS * 12)))
    if int(np.isfinite(near.values).sum()) < STEP_MIN_VALUES:
        return float("nan"), float("nan")
    step = summarise(near)
    return step.mean - offset, step.mean_se
