"""Means over periods of leads, such as seasons and years, from forecasts of single months.

A forecast table gives the distribution of each month and not their joint distribution, on which the spread of a mean
depends. The median of a mean is taken as the mean of the medians. Its other quantiles are the mean of the months'
quantiles, as if the months erred as one, with their distance from the median scaled twice, alike for all models: by one
ratio per period, from errors of such means on origins verified before the hindcasts begin, and by a factor per model,
origin and period, from errors that were verified by that origin (`forecasters.combine.conformal`). Nothing uses a
value after the origin.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from climate.forecasters.combine.conformal import calibrate, standard_errors
from climate.verify.losses import MEDIAN, Blocks

SEASONS: Blocks = {"1-3": (1, 3), "4-6": (4, 6), "7-9": (7, 9), "10-12": (10, 12)}
"""Three-month means. Forecast centres call them leads of 0, 3, 6 and 9 months."""

PERIODS: Blocks = {"1": (1, 1), **SEASONS, "1-12": (1, 12), "1-60": (1, 60)}
"""The month after the origin, SEASONS, and the means of year 1 and of years 1-5; first and last lead in months."""


def length(period: str) -> int:
    """Months of a period."""
    first, last = PERIODS[period]
    return last - first + 1


def period_means(table: xr.Dataset) -> xr.Dataset:
    """Means of forecasts and observations over each of PERIODS that ends within the leads of a table.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile), `observed` and `valid_time`
            (origin, lead).

    Returns:
        `forecast` (model, origin, period, quantile) and `observed` (origin, period) in the unit of the table, and
        `valid_time`, the last month of the period. NaN where a month of the period is NaN.
    """
    parts = []
    for period, (first, last) in PERIODS.items():
        if last <= int(table["lead"].max()):
            chosen = table[["forecast", "observed"]].sel(lead=slice(first, last))
            ends = chosen["valid_time"].isel(lead=-1, drop=True)
            means = chosen.drop_vars("valid_time").mean("lead", skipna=False)
            parts.append(means.assign_coords(valid_time=ends).expand_dims(period=[period]))
    joined = xr.concat(parts, "period", coords="different", compat="equals").transpose(
        "model", "origin", "period", "quantile"
    )
    return joined.assign_attrs(table.attrs)


def spread_ratio(means: xr.Dataset) -> xr.DataArray:
    """Root mean square of the errors of means, in standard deviations of the mean quantiles, over models and origins.

    About 1 for months that err as one, 1 / sqrt(months) for independent ones; 1 for single months and where no error
    is known.
    """
    squares = standard_errors(means.rename(period="lead")) ** 2
    known = np.isfinite(squares)
    count = known.sum(axis=(0, 1))
    mean = np.where(known, squares, 0.0).sum(axis=(0, 1)) / np.maximum(count, 1)
    single = np.array([length(str(period)) == 1 for period in means["period"].values])
    ratio = np.where((count > 0) & (mean > 0) & ~single, np.sqrt(mean), 1.0)
    return xr.DataArray(ratio, dims="period", coords={"period": means["period"].values})


def calibrated_means(table: xr.Dataset, early: xr.Dataset | None, min_verified: int) -> xr.Dataset:
    """`period_means` whose spread is calibrated as the module says.

    Args:
        table: forecast table, calibrated.
        early: calibrated forecast table of origins whose forecasts were verified before those of `table` begin; None
            where the record is too short, so that months are taken to err as one at first.
        min_verified: months of verified origins before a model's own errors count.

    Returns:
        As `period_means`, with `ratio` (period).
    """
    means = period_means(table)
    ratio = xr.ones_like(means["period"], dtype=float)
    if early is not None:
        ratio = spread_ratio(period_means(early)).reindex(period=means["period"].values, fill_value=1.0)
    middle = means["forecast"].sel(quantile=MEDIAN, drop=True)
    scaled = (middle + ratio * (means["forecast"] - middle)).transpose("model", "origin", "period", "quantile")
    parts = [_calibrated(part, min_verified) for part in _alike(means.assign(forecast=scaled, ratio=ratio))]
    return xr.concat(parts, "period", data_vars="different", coords="different", compat="equals").sel(
        period=means["period"].values
    )


def _alike(means: xr.Dataset) -> Iterable[xr.Dataset]:
    """Periods of one length at a time, since neighbouring ones share a factor."""
    lengths = np.array([length(str(period)) for period in means["period"].values])
    return [means.isel(period=np.flatnonzero(lengths == each)) for each in np.unique(lengths)]


def _calibrated(means: xr.Dataset, min_verified: int) -> xr.Dataset:
    """Means of periods of one length with calibrated quantiles; single months already are."""
    names = means["period"].values
    if length(str(names[0])) == 1:
        return means
    leads = (
        means.drop_vars("period").rename(period="lead").assign_coords(lead=[PERIODS[str(name)][1] for name in names])
    )
    done = calibrate(leads, [str(name) for name in means["model"].values], min_verified)
    return means.assign(forecast=means["forecast"].copy(data=done["forecast"].values))
