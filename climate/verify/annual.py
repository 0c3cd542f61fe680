"""Annual means one year ahead, as they are issued at the turn of the year, and how far off they were."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.schema import MONTHS_PER_YEAR
from climate.verify.losses import MEDIAN
from climate.verify.significance import DRAWS, SEED, circular_blocks

DECEMBER = 11
"""Calendar month, January = 0."""

BLOCK_YEARS = 2
"""Years that a bootstrap block keeps together: errors of neighbouring years share an El Nino."""

LEVEL = 0.9
"""Coverage of the bootstrap interval."""


def annual_hindcasts(table: xr.Dataset) -> xr.Dataset:
    """`forecast` (model, year) and `observed` (year) of the calendar year that follows each December origin.

    The forecast is the mean of the medians of the twelve months, the observation that of the months; years with a
    month that is not yet observed are left out.
    """
    months = table["origin"].values.astype("datetime64[M]")
    chosen = np.flatnonzero(months.astype(int) % MONTHS_PER_YEAR == DECEMBER)
    one = table.isel(origin=chosen).sel(lead=slice(1, MONTHS_PER_YEAR))
    years = months[chosen].astype("datetime64[Y]").astype(int) + 1970 + 1
    observed = one["observed"].mean("lead", skipna=False)
    forecast = one["forecast"].sel(quantile=MEDIAN, drop=True).mean("lead", skipna=False)
    known = np.flatnonzero(np.isfinite(observed.values))
    return xr.Dataset(
        {
            "forecast": (("model", "year"), forecast.transpose("model", "origin").values[:, known]),
            "observed": ("year", observed.values[known]),
        },
        coords={"model": table["model"].values, "year": years[known]},
    )


def error_summary(
    hindcasts: xr.Dataset, first: int | None = None, last: int | None = None
) -> dict[str, dict[str, float]]:
    """RMSE of each model with a bootstrap interval, its mean error, correlation and number of years.

    Of the years `first` to `last`, ends included. The interval resamples circular blocks of BLOCK_YEARS; with few
    years it is wide and still optimistic. Empty where no year is left.
    """
    chosen = hindcasts.sel(year=slice(first, last))
    n = chosen.sizes["year"]
    if n == 0:
        return {}
    weights = circular_blocks(n, min(BLOCK_YEARS, n), DRAWS, SEED)
    found = {}
    for model in chosen["model"].values:
        error = (chosen["forecast"].sel(model=model) - chosen["observed"]).values
        low, high = _interval(error, weights)
        steady = n < 3 or not np.ptp(chosen["forecast"].sel(model=model).values)
        correlation = np.nan if steady else np.corrcoef(chosen["forecast"].sel(model=model), chosen["observed"])[0, 1]
        found[str(model)] = {
            "rmse": float(np.sqrt((error**2).mean())),
            "low": low,
            "high": high,
            "bias": float(error.mean()),
            "correlation": float(correlation),
            "years": n,
        }
    return found


def _interval(error: FloatArray, weights: FloatArray) -> tuple[float, float]:
    draws = np.sqrt(weights @ error**2 / weights.sum(axis=1))
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
