"""Which month each field of a grid belongs to, from any of the ways that time is written."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.schema import TIME_DTYPE
from climate.sources.readers.grid.values import MISSING

CALENDARS = {"360": "360_day", "365": "noleap", "366": "all_leap", "": "standard"}
"""Calendars as some programs write them -> their CF name."""

HALF_A_MINUTE = timedelta(seconds=30)
"""A stamp may lie this much before its month, since stamps are often rounded."""

ROUNDING = 1e-6
"""Of counted months and decimal years."""

UNEQUAL = 0.1
"""Months. In months of equal length, the first day of March or the last of January is 0.06 from an edge."""

FIRST_YEAR, LAST_YEAR = 2, 2999
"""Years before the first are those of climatologies, which have no date."""

SEASONS = {"Dec-Jan-Feb": 1, "Mar-Apr-May": 4, "Jun-Jul-Aug": 7, "Sep-Oct-Nov": 10}
"""A season is dated by its middle month."""
MONTHS = {
    **{"January": 1, "February": 2, "March": 3, "April": 4, "May": 5, "June": 6, "July": 7, "August": 8},
    **{"September": 9, "October": 10, "November": 11, "December": 12},
}


def months(time: xr.DataArray, bounds: NDArray[Any] | None, name: str) -> NDArray[np.datetime64]:
    """Month starts (time) of a time coordinate as it stands in the file, with its attributes `units` and `calendar`.

    A field belongs to the month of the middle of its bounds, and without bounds to that of its stamp. Understood are
    the units of CF, months and years since a date, decimal years, YYYYMM, and YYYYMMDD with or without a fraction.

    Raises:
        ClimateError: a climatology, a missing stamp, means over more than a month, or units that say no date.
    """
    if "climatology" in time.attrs:
        raise ClimateError(f"{name}: found a climatology, expected dated fields; give a file of single months")
    units, calendar = (str(time.attrs.get(key, "")).strip() for key in ("units", "calendar"))
    if re.search(r"since\s+0+-", units):
        raise ClimateError(
            f"{name}: found a climatology ({units}), expected dated fields; give a file of single months"
        )
    if not time.size:
        raise ClimateError(f"{name}: found no time step, expected at least one; give a file with fields")
    values = np.atleast_1d(time.values)
    if values.dtype.kind not in "iuf":
        raise ClimateError(
            f"{name}: found times that are no numbers, such as '{values[0]}', expected numbers in a unit such as days "
            "since 1900-01-01; correct its time axis, such as by `cdo settaxis,1948-01-15,12:00,1mon`"
        )
    absent = _absent(values, time)
    if absent.any():
        raise ClimateError(
            f"{name}, time step {int(np.flatnonzero(absent)[0]) + 1}: found no date (time is missing), expected one "
            "for each field; correct the file"
        )
    numbers = values.astype(np.float64)
    if values.dtype == np.float32:
        numbers = numbers + np.spacing(np.abs(values)).astype(np.float64)
    try:
        if bounds is not None:
            lower, upper = np.sort(np.asarray(bounds, dtype=np.float64).reshape(-1, 2), axis=1).T
            length = _months_between(lower, upper, units, calendar)
            if length > 1:
                raise ClimateError(
                    f"{name}: found means over {length} months in the bounds of time, expected monthly ones: seasonal "
                    "and annual means cannot be used"
                )
            numbers = (lower + upper) / 2
        year, month = _decode(numbers, units, calendar)
    except (ValueError, OverflowError, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        raise ClimateError(
            f"{name}: found times in '{units or 'no unit'}' ({reason}), expected dates such as days since 1900-01-01; "
            "correct its time axis, such as by `cdo settaxis,1948-01-15,12:00,1mon`"
        ) from None
    if (year < FIRST_YEAR).all():
        raise ClimateError(f"{name}: found a climatology (year {year[0]}), expected dated fields; give single months")
    return np.asarray(((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype(TIME_DTYPE))


def month_of_title(title: str, name: str) -> NDArray[np.datetime64]:
    """The month, or the middle month of the season, that a title names; for maps without any time coordinate."""
    named = re.findall(rf"({'|'.join([*MONTHS, *SEASONS])}) (\d{{4}})\b", title)
    if len(named) != 1:
        found = "several months" if named else "neither a time axis nor a month"
        raise ClimateError(f"{name}: found {found} in the title '{title}', expected a time axis or one month")
    month, year = named[0]
    number = MONTHS.get(month) or SEASONS[month]
    return np.array([np.datetime64(f"{year}-{number:02d}", "M")]).astype(TIME_DTYPE)


def check_order(time: NDArray[np.datetime64], cadence: str, name: str) -> None:
    """ClimateError unless ascending `time` holds each month once, and none is left out of a monthly record."""
    at = time.astype("datetime64[M]")
    step = np.diff(at).astype(np.int64)
    if step.size > 1 and (step == 0).mean() > 0.5:
        raise ClimateError(
            f"{name}: found several fields a month, such as daily ones, expected monthly means; average first"
        )
    if cadence == "monthly" and step.size and (step == 12).all():
        raise ClimateError(f"{name}: found one field a year, expected monthly ones: annual means cannot be used")
    bad = np.flatnonzero((step < 1) | ((step > 1) & (cadence == "monthly")))
    if bad.size:
        first = int(bad[0])
        found = f"{at[first + 1]} twice" if step[first] < 1 else f"{at[first + 1]} after {at[first]}"
        raise ClimateError(
            f"{name}, time step {first + 2}: found {found}, expected each month once and none left out; give all files "
            "of the record"
        )


def _absent(values: NDArray[Any], time: xr.DataArray) -> NDArray[np.bool_]:
    absent = ~np.isfinite(values.astype(np.float64))
    for key in MISSING:
        if key in time.attrs:
            absent |= values == np.asarray(time.attrs[key]).ravel()[0]
    return np.asarray(absent)


def _months_between(lower: NDArray[np.float64], upper: NDArray[np.float64], units: str, calendar: str) -> int:
    """Months from the lower to the upper bounds, in the median; 1 for a whole month."""
    first, last = (year * 12 + month for year, month in (_decode(ends, units, calendar) for ends in (lower, upper)))
    return int(np.median(last - first))


def _decode(numbers: NDArray[np.float64], units: str, calendar: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Year and month of each number. ValueError where the units tell no date."""
    since = re.fullmatch(r"(month|year)s?\s+since\s+(\d{1,4})-(\d{1,2})(-\d{1,2})?.*", units, re.IGNORECASE)
    if since:
        per_unit = 12 if since[1].casefold() == "year" else 1
        count = int(since[2]) * 12 + int(since[3]) - 1 + np.floor(numbers * per_unit + ROUNDING).astype(np.int64)
        return count // 12, count % 12 + 1
    if "since" in units:
        calendar = CALENDARS.get(calendar.casefold(), calendar)
        dates = cftime.num2date(numbers, units, calendar, only_use_cftime_datetimes=True) + HALF_A_MINUTE
        return np.array([date.year for date in dates]), np.array([date.month for date in dates])
    whole = np.floor(numbers + ROUNDING).astype(np.int64)
    if "year" in units.casefold() and ((whole > 0) & (whole <= LAST_YEAR)).all():
        count, at_edges = _whole_months(numbers * 12)
        if at_edges and count[0] % 12 == 1 and count[-1] % 12 == 0:
            count = count - 1
        elif at_edges and count[0] % 12:
            raise ValueError("decimal years between two months, of which either may be meant")
        return count // 12, count % 12 + 1
    for divisor in (1, 100):  # YYYYMM, YYYYMMDD
        year, month = np.divmod(whole // divisor, 100)
        if ((year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12)).all():
            return year, month
    raise ValueError("neither a date to count from nor dates such as 195001")


def _whole_months(months: NDArray[np.float64]) -> tuple[NDArray[np.int64], bool]:
    """The month that each stamp, in months, lies in; and whether stamps lie at edges of months.

    Programs make fractions of years from days or from months of equal length, so that a stamp may be up to a tenth of a
    month (`UNEQUAL`) from where the others are in theirs.
    """
    turn = np.angle(np.exp(2j * np.pi * months).mean()) / (2 * np.pi)
    offset = turn if abs(turn) < UNEQUAL else turn % 1
    count = np.round(months - offset)
    if np.abs(months - offset - count).max() > UNEQUAL:
        return np.floor(months + ROUNDING).astype(np.int64), False
    return count.astype(np.int64), bool(abs(offset) < UNEQUAL)
