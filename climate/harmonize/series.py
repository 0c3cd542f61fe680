"""The shape that every harmonized record has: a gap-free month axis with values and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.schema import SERIES_VARIABLES, TIME_DTYPE

EMPTY: dict[str, Any] = {
    "value": np.nan,
    "uncertainty": np.nan,
    "source": "",
    "site": "",
    "period": "",
    "interpolated": False,
}
"""What a month without a value holds."""

STANDARD_NAMES = {
    ("temperature", "absolute"): "air_temperature",
    ("temperature", "anomaly"): "air_temperature_anomaly",
    ("co2", "absolute"): "mole_fraction_of_carbon_dioxide_in_air",
}
"""CF standard names by quantity and kind; other records have none."""

LONG_NAMES = {
    ("temperature", "absolute"): "Temperature",
    ("temperature", "anomaly"): "Temperature anomaly",
    ("co2", "absolute"): "CO2 mole fraction in dry air",
}

ANNUAL_SPACING = 6
"""Median spacing in months from which a record counts as annual."""

UNLIKE = {
    "quantity": "remove the odd one",
    "units": "use records in one unit; only temperatures are converted",
    "kind": "remove the odd one: only temperatures are brought to one kind, as anomalies from harmonize.baseline",
    "baseline": "remove the odd one: only temperatures are brought to one baseline, that of harmonize.baseline",
}
"""Attribute in which records must agree before they are joined or averaged -> what to do where they do not."""


def months_of(time: xr.DataArray | NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """`time` as whole months (datetime64[M])."""
    return np.asarray(time).astype("datetime64[M]")


def month(value: Any) -> Any:
    """A date or "YYYY-MM" as a whole month (datetime64[M])."""
    return np.datetime64(value, "M")


def month_axis(first: Any, last: Any) -> NDArray[np.datetime64]:
    """Every month start from `first` to `last`, both included."""
    start, stop = month(first), month(last)
    return np.arange(start, stop + 1, dtype="datetime64[M]").astype(TIME_DTYPE)


def make_series(
    time: NDArray[np.datetime64],
    value: NDArray[np.float64],
    attrs: Mapping[str, Any],
    *,
    source: str | NDArray[np.str_] = "",
    site: str | NDArray[np.str_] = "",
    period: str | NDArray[np.str_] = "",
    uncertainty: NDArray[np.float64] | None = None,
    interpolated: NDArray[np.bool_] | None = None,
) -> xr.Dataset:
    """A Dataset (time) with `climate.schema.SERIES_VARIABLES`; where there is no value nothing else is claimed."""
    absent = ~np.isfinite(value)
    variables: dict[str, Any] = {"value": np.where(absent, np.nan, value)}
    variables["uncertainty"] = np.where(absent, np.nan, np.nan if uncertainty is None else uncertainty)
    for name, text in (("source", source), ("site", site), ("period", period)):
        variables[name] = np.where(absent, "", text)
    variables["interpolated"] = ~absent & (np.zeros(absent.shape, dtype=bool) if interpolated is None else interpolated)
    return xr.Dataset(
        {name: ("time", variables[name]) for name in SERIES_VARIABLES},
        coords={"time": months_of(time).astype(TIME_DTYPE)},
        attrs=dict(attrs),
    )


def gap_free(series: xr.Dataset, first: Any = None, last: Any = None) -> xr.Dataset:
    """`series` on every month from `first` to `last`; by default from its first to its last value.

    A series without any value comes back with no month.
    """
    months = months_of(series["time"])
    valued = months[np.isfinite(series["value"].values)]
    if not valued.size:
        return series.isel(time=slice(0, 0))
    axis = month_axis(valued[0] if first is None else first, valued[-1] if last is None else last)
    if months.size == axis.size and (months == months_of(axis)).all():
        return series
    fill = {name: EMPTY.get(str(name), np.nan) for name in series.data_vars if "time" in series[name].dims}
    return series.reindex(time=axis, fill_value=fill)


def limit(series: xr.Dataset, start: str | None, end: str | None) -> xr.Dataset:
    """Months of `series` from `start` to `end` ("YYYY-MM"), both included, None for open."""
    months = months_of(series["time"])
    keep = np.ones(months.size, dtype=bool)
    if start is not None:
        keep &= months >= month(start)
    if end is not None:
        keep &= months <= month(end)
    return series.isel(time=np.flatnonzero(keep))


def cut(series: xr.Dataset, start: str | None, end: str | None) -> xr.Dataset:
    """Months from `start` to `end` as `limit` takes them, then from first to last value, gap-free."""
    return gap_free(limit(series, start, end))


def label_periods(time: xr.DataArray, periods: Sequence[Mapping[str, str]]) -> NDArray[np.str_]:
    """Name of the collection period of each month; `periods` are {name, from} with `from` as "YYYY-MM", ascending."""
    months = months_of(time)
    labels: NDArray[np.str_] = np.full(months.shape, "", dtype=f"<U{max((len(p['name']) for p in periods), default=1)}")
    for period in periods:
        labels[months >= month(period["from"])] = period["name"]
    return labels


def describe(quantity: str, kind: str) -> dict[str, str]:
    """CF `long_name` and, where one exists, `standard_name`."""
    names = {"long_name": LONG_NAMES.get((quantity, kind), quantity.capitalize())}
    if (quantity, kind) in STANDARD_NAMES:
        names["standard_name"] = STANDARD_NAMES[quantity, kind]
    return names


def add_history(series: xr.Dataset, step: str) -> xr.Dataset:
    """`series` with one more line in attrs["history"]; no clock, so that equal inputs give equal bytes."""
    before = str(series.attrs.get("history", ""))
    return series.assign_attrs(history=f"{before}\n{step}" if before else step)


def is_annual(value: xr.DataArray) -> bool:
    """Whether the values (time) of a month axis lie half a year apart or more, NaN left out."""
    return spacing(value) >= ANNUAL_SPACING


def spacing(value: xr.DataArray) -> float:
    """Median months between the values (time) of a month axis, NaN left out; 0 for fewer than two."""
    months = months_of(value["time"])[np.isfinite(value.values)]
    return float(np.median(np.diff(months).astype(np.int64))) if months.size > 1 else 0.0


def require_alike(what: str, series: Mapping[str, xr.Dataset], attributes: Sequence[str]) -> None:
    """ClimateError unless all of `series` have the same `attributes`, which are among those of UNLIKE."""
    for attribute in attributes:
        values = {name: str(record.attrs.get(attribute) or "none") for name, record in series.items()}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{name}: {value}" for name, value in values.items())
            raise ClimateError(f"{what}: found {listed}, expected records of the same {attribute}; {UNLIKE[attribute]}")


def join_covariates(series: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Several series as one Dataset with `covariate` (time, predictor), NaN where a series has no value."""
    columns = [record["value"].drop_attrs().expand_dims(predictor=[name]) for name, record in series.items()]
    joined = xr.concat(columns, dim="predictor", join="outer").transpose("time", "predictor")
    return joined.to_dataset(name="covariate")
