"""Means from incomplete data: rules by name that say how much may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.harmonize.series import months_of
from climate.schema import TIME_DTYPE

Cadence = Literal["daily", "weekly", "monthly"]


@dataclass(frozen=True)
class MissingRule:
    """A mean is made only if no more than `missing` values are absent, no more than `in_a_row` of them in a row."""

    missing: int
    in_a_row: int
    about: str


RULES: dict[str, MissingRule] = {
    "complete": MissingRule(0, 0, "no value may be missing"),
    "one-missing": MissingRule(1, 1, "one value may be missing"),
    "wmo-5/3": MissingRule(5, 3, "monthly mean of days: at most 5 missing, at most 3 in a row (WMO/TD-No. 341, 1989)"),
    "wmo-11/5": MissingRule(10, 4, "monthly mean of days: fewer than 11 missing, fewer than 5 in a row (WMO-No. 1203)"),
    "nine-months": MissingRule(3, 3, "annual mean of months: at least 9 of 12"),
}
"""Rules that `harmonize.missing` may name."""


def rule(name: str) -> MissingRule:
    """The rule called `name`; ClimateError when there is none."""
    if name not in RULES:
        raise ClimateError(f"harmonize.missing: unknown rule '{name}', expected one of {', '.join(RULES)}")
    return RULES[name]


def allowed(present: NDArray[np.bool_], which: MissingRule) -> bool:
    """Whether a mean may be made from a span of which `present` says, in order, what is there."""
    longest = run = 0
    for there in present:
        run = 0 if there else run + 1
        longest = max(longest, run)
    absent = int((~present).sum())
    return bool(present.any()) and absent <= which.missing and longest <= which.in_a_row


def means(values: xr.DataArray, cadence: Cadence, to: Literal["month", "year"], which: MissingRule) -> xr.Dataset:
    """Means over whole months or years of `values` (time; daily, weekly by the week's first day, or monthly starts).

    Returns `value`, `present` and `expected` (counts) on time = start of each month or year. `expected` comes from the
    calendar, so a year that the record ends in is incomplete, never silently shorter. NaN where the rule forbids a
    mean; absent rows and NaN count alike.
    """
    step = {"daily": "D", "weekly": "D", "monthly": "M"}[cadence]
    at = np.asarray(values["time"].values).astype(f"datetime64[{step}]")
    numbers = np.asarray(values.values, dtype=np.float64)
    if at.size and not (np.diff(at).astype(np.int64) > 0).all():
        raise ClimateError(f"means of {cadence} values: times must ascend, found one twice or out of order")
    unit = "M" if to == "month" else "Y"
    spans = np.unique(at.astype(f"datetime64[{unit}]"))
    value = np.full(spans.size, np.nan)
    present, expected = np.zeros(spans.size, dtype=np.int64), np.zeros(spans.size, dtype=np.int64)
    for i, span in enumerate(spans):
        slots = _slots(span, step, cadence, at)
        filled = np.isin(slots, at[np.isfinite(numbers)])
        present[i], expected[i] = filled.sum(), slots.size
        if allowed(filled, which):
            inside = (at >= slots[0]) & (at <= slots[-1]) & np.isfinite(numbers)
            value[i] = numbers[inside].mean()
    coords = {"time": spans.astype(TIME_DTYPE)}
    columns = {"value": value, "present": present, "expected": expected}
    return xr.Dataset({name: ("time", column) for name, column in columns.items()}, coords=coords)


def _slots(span: Any, step: str, cadence: Cadence, at: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """The times at which a value is due within `span`."""
    slots: NDArray[np.datetime64] = np.arange(
        span.astype(f"datetime64[{step}]"), (span + 1).astype(f"datetime64[{step}]")
    )
    if cadence != "weekly":
        return slots
    weekday = at[0].astype(np.int64) % 7
    due: NDArray[np.datetime64] = slots[slots.astype(np.int64) % 7 == weekday]
    return due


def annual_means(series: xr.DataArray, which: MissingRule, first_month: int = 1) -> xr.Dataset:
    """Means of twelve months that begin with calendar month `first_month`, labelled by that first month's start.

    `series` has monthly starts; NaN counts as missing. See `means` for what comes back.
    """
    shift = first_month - 1
    months = months_of(series["time"])
    shifted = xr.DataArray(series.values, dims="time", coords={"time": (months - shift).astype(TIME_DTYPE)})
    result = means(shifted, "monthly", "year", which)
    return result.assign_coords(time=(months_of(result["time"]) + shift).astype(TIME_DTYPE))
