"""Anomalies: departures from the mean of a baseline period, per calendar month."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.harmonize.series import add_history, describe, months_of
from climate.sources.readers.calendar import MONTH_NAMES


def calendar_month(time: xr.DataArray) -> np.ndarray:
    """Calendar month 1..12 of each time."""
    return months_of(time).astype(np.int64) % 12 + 1


def climatology(value: xr.DataArray, baseline: tuple[int, int], min_years: int, what: str) -> xr.DataArray:
    """Mean of each calendar month over the years `baseline[0]`..`baseline[1]`, both included: dims (month), 1..12.

    `value` has dim time (months); NaN is left out. Raises ClimateError when a calendar month has fewer than
    `min_years` values in the baseline; `what` names the record in it.
    """
    year = months_of(value["time"]).astype("datetime64[Y]").astype(np.int64) + 1970
    month = calendar_month(value["time"])
    numbers = np.asarray(value.values, dtype=np.float64)
    within = (year >= baseline[0]) & (year <= baseline[1]) & np.isfinite(numbers)
    means = np.empty(12)
    for index in range(12):
        chosen = numbers[within & (month == index + 1)]
        if chosen.size < min_years:
            raise ClimateError(
                f"{what}: found {chosen.size} {MONTH_NAMES[index]} values in the baseline {baseline[0]}-{baseline[1]}, "
                f"expected at least {min_years}; choose another harmonize.baseline, lower baseline_min_years, or "
                f"leave it out"
            )
        means[index] = chosen.mean()
    return xr.DataArray(means, dims="month", coords={"month": np.arange(1, 13)})


def rebase(series: xr.Dataset, baseline: tuple[int, int], min_years: int, what: str) -> xr.Dataset:
    """`series` as anomaly from its own mean over the baseline, per calendar month.

    Absolute temperatures and anomalies from any other baseline come out alike. What was subtracted is kept as
    `climatology` (month) where the record was absolute. Uncertainty stays as published: that of the climatology is
    not added. Only months of the baseline touch the subtracted values.
    """
    removed = climatology(series["value"], baseline, min_years, what)
    month = calendar_month(series["time"])
    anomaly = series["value"].values - removed.values[month - 1]
    span = f"{baseline[0]}-{baseline[1]}"
    rebased = series.assign(value=("time", anomaly))
    before = "absolute values" if series.attrs["kind"] == "absolute" else f"anomaly from {series.attrs['baseline']}"
    if series.attrs["kind"] == "absolute":
        rebased["climatology"] = removed.assign_attrs(
            units=series.attrs["units"], long_name=f"Mean of {span} by calendar month"
        )
    rebased.attrs |= {"kind": "anomaly", "baseline": span} | describe(str(series.attrs["quantity"]), "anomaly")
    if series.attrs["units"] == "K":
        rebased.attrs["units"] = "degC"
    rebased.attrs["baseline_years"] = _years_with_values(series["value"], baseline)
    return add_history(rebased, f"{before} re-based to {span} per calendar month")


def _years_with_values(value: xr.DataArray, baseline: tuple[int, int]) -> str:
    """First and last year of the baseline that have a value, such as 1970-1990."""
    year = months_of(value["time"]).astype("datetime64[Y]").astype(int) + 1970
    used = year[(year >= baseline[0]) & (year <= baseline[1]) & np.isfinite(value.values)]
    return f"{used.min()}-{used.max()}"
