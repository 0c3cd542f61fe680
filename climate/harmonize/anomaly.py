"""Anomalies: departures from the mean of a baseline period, per calendar month."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.harmonize.series import add_history, describe, is_annual, months_of
from climate.sources.readers.calendar import MONTH_NAMES


def calendar_month(time: xr.DataArray) -> np.ndarray:
    """Calendar month 1..12 of each time."""
    return months_of(time).astype(np.int64) % 12 + 1


def climatology(value: xr.DataArray, baseline: tuple[int, int], min_years: int, what: str) -> xr.DataArray:
    """Mean of each calendar month over the years `baseline[0]`..`baseline[1]`, both included: dims (month), 1..12.

    `value` has dim time (months); NaN is left out. Raises ClimateError for annual values, and when a calendar month has
    fewer than `min_years` values in the baseline; `what` names the record in it.
    """
    if is_annual(value):
        raise ClimateError(
            f"{what}: found annual values, expected monthly ones, since anomalies are taken per calendar month; use a "
            f"monthly record"
        )
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
    not added. Only months of the baseline touch the subtracted values. attrs["baseline_note"] says which years these
    are, "" where they are all that the baseline names.
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
    rebased.attrs["baseline_note"] = _baseline_note(series["value"], baseline)
    return add_history(rebased, f"{before} re-based to {span} per calendar month")


def _baseline_note(value: xr.DataArray, baseline: tuple[int, int]) -> str:
    """Which years of the baseline have values, such as "from 1961-1965, 1986-1990"; "" where no month is missing."""
    time = value["time"][np.isfinite(value.values)]
    year = months_of(time).astype("datetime64[Y]").astype(np.int64) + 1970
    within = (year >= baseline[0]) & (year <= baseline[1])
    years = np.unique(year[within])
    counts = np.bincount(calendar_month(time)[within], minlength=13)[1:]
    if counts.min() == baseline[1] - baseline[0] + 1:
        return ""
    runs = np.split(years, np.flatnonzero(np.diff(years) > 1) + 1)
    note = "from " + ", ".join(f"{run[0]}-{run[-1]}" if run.size > 1 else f"{run[0]}" for run in runs)
    if counts.min() < years.size:
        note += f", only {counts.min()} years in {MONTH_NAMES[int(counts.argmin())]}"
    return note


def joint_baseline_note(members: Mapping[str, xr.Dataset]) -> str:
    """The baseline notes of the members of a mean as one: each names its member unless all say the same."""
    notes = {name: str(member.attrs.get("baseline_note", "")) for name, member in members.items()}
    if len(set(notes.values())) == 1:
        return next(iter(notes.values()))
    named = [note if note.startswith("of ") else f"of {name} {note}" for name, note in notes.items() if note]
    return "; ".join(dict.fromkeys(named))
