"""Annual means one year ahead, issued at the turn of the year, and their errors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.schema import MONTHS_PER_YEAR
from climate.verify.losses import MEDIAN
from climate.verify.significance import mean_interval

DECEMBER = 11
"""Calendar month, January = 0."""

SHARED_YEARS = 2
"""Neighbouring years whose errors share an El Nino."""


def annual_hindcasts(table: xr.Dataset) -> xr.Dataset:
    """`forecast` (model, year) and `observed` (year) of the calendar year that follows each December origin.

    The forecast is the mean of the medians of the twelve months, the observation that of the months; years with a
    month that is not yet observed are left out.
    """
    months = table["origin"].values.astype("datetime64[M]").astype(int)
    december = table.isel(origin=np.flatnonzero(months % MONTHS_PER_YEAR == DECEMBER)).sel(
        lead=slice(1, MONTHS_PER_YEAR)
    )
    years = december["origin"].values.astype("datetime64[Y]").astype(int) + 1970 + 1
    means = xr.Dataset(
        {
            "forecast": december["forecast"].sel(quantile=MEDIAN, drop=True).mean("lead", skipna=False),
            "observed": december["observed"].mean("lead", skipna=False),
        }
    )
    by_year = means.rename(origin="year").assign_coords(year=years).transpose("model", "year")
    return by_year.isel(year=np.flatnonzero(np.isfinite(by_year["observed"].values)))


def error_summary(
    hindcasts: xr.Dataset, first: int | None = None, last: int | None = None
) -> dict[str, dict[str, float]]:
    """RMSE of each model with its 90% interval, its mean error, correlation and number of years.

    Of the years `first` to `last`, ends included; the interval is that of the mean square. Empty where no year is left.
    """
    chosen = hindcasts.sel(year=slice(first, last))
    n = chosen.sizes["year"]
    if n == 0:
        return {}
    summary = {}
    for model in chosen["model"].values:
        forecast, observed = chosen["forecast"].sel(model=model).values, chosen["observed"].values
        error = forecast - observed
        low, high = np.sqrt(np.maximum(mean_interval(error**2, SHARED_YEARS), 0))
        defined = n >= 3 and np.ptp(forecast) > 0
        summary[str(model)] = {
            "rmse": float(np.sqrt((error**2).mean())),
            "low": float(low),
            "high": float(high),
            "bias": float(error.mean()),
            "correlation": float(np.corrcoef(forecast, observed)[0, 1]) if defined else np.nan,
            "years": n,
        }
    return summary
