"""Breakpoints found by test, to stand beside the declared changes of collection, so that undeclared ones show.

A break in the difference of two records of one place is a change of collection. In a single record it may as well be
the climate: what is found there is a hint, not a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.harmonize.completeness import RULES, annual_means
from climate.harmonize.series import month, months_of
from climate.schema import TIME_DTYPE

if TYPE_CHECKING:
    from climate.harmonize.build import Harmonized

SIGNIFICANCE = 0.01
"""Level of each test; lower than usual, for a record is tested many times over."""

MIN_YEARS = 8
"""Years on each side of a break; shorter ones cannot be distinguished from weather."""

OUTLIER = 4.0
"""Standard deviations from which a year-to-year change counts as a jump."""

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation."""

NEAR_MONTHS = 24
"""A declared change this close to a found break explains it: annual means place a break no finer."""


@dataclass(frozen=True)
class Break:
    """A change of mean."""

    year: int
    """First year after it."""
    shift: float
    """Mean of the stretch after it less that before it, within the stretch that was tested."""
    p_value: float


def find_breaks(series: xr.DataArray, trend: bool = False) -> list[Break]:
    """Changes of mean in the annual means (complete years) of a monthly `series` (time), in order of time.

    Binary segmentation by the OLS-CUSUM test of Ploberger and Kraemer (1992), Econometrica 60, 271-285, in the
    implementation of statsmodels, on residuals whitened as a first-order autoregression. `trend` takes out a straight
    line first. Years without a complete mean are left out.
    """
    annual = annual_means(series, RULES["complete"])["value"]
    known = np.isfinite(annual.values)
    years = months_of(annual["time"])[known].astype("datetime64[Y]").astype(np.int64) + 1970
    values = annual.values[known]
    if trend and values.size > 2:
        values = values - np.polyval(np.polyfit(years, values, 1), years)
    return sorted(_segment(years, values), key=lambda change: change.year)


def _segment(years: NDArray[np.int64], values: NDArray[np.float64]) -> list[Break]:
    if values.size < 2 * MIN_YEARS:
        return []
    from statsmodels.stats.diagnostic import breaks_cusumolsresid  # seconds to import; few callers need it

    centred = values - values.mean()
    if not centred.any():
        return []
    path = np.abs(np.cumsum(centred))[MIN_YEARS - 1 : values.size - MIN_YEARS]
    at = MIN_YEARS + int(np.argmax(path))
    rho = _autocorrelation(values)
    white = centred[1:] - rho * centred[:-1]
    p_value = float(breaks_cusumolsresid(white - white.mean(), ddof=1)[1])
    if p_value >= SIGNIFICANCE:
        return []
    shift = Break(int(years[at]), float(values[at:].mean() - values[:at].mean()), p_value)
    return [
        *_segment(years[:at], values[:at]),
        shift,
        *_segment(years[at:], values[at:]),
    ]


def _autocorrelation(values: NDArray[np.float64]) -> float:
    """Coefficient of a first-order autoregression that breaks do not inflate: from ordinary year-to-year changes.

    Changes of such a process have lag-1 correlation -(1 - rho) / 2; jumps are left out as outliers.
    """
    change = np.diff(values)
    away = np.abs(change - np.median(change))
    usual = away <= OUTLIER * MAD_TO_SIGMA * np.median(away)
    pairs = usual[1:] & usual[:-1]
    variance = float((change[usual] ** 2).mean())
    if pairs.sum() < MIN_YEARS or variance == 0:
        return 0.0
    correlation = float((change[1:] * change[:-1])[pairs].mean()) / variance
    return float(np.clip(1 + 2 * correlation, 0.0, 0.9))


def declared_changes(series: xr.Dataset) -> list[tuple[np.datetime64, str]]:
    """Months in which source, site or collection period of a series (time) change, and from what to what."""
    present = np.flatnonzero(np.isfinite(series["value"].values))
    months = months_of(series["time"])[present]
    changes: dict[np.datetime64, list[str]] = {}
    for name in ("source", "site", "period"):
        texts = series[name].values[present]
        for at in np.flatnonzero(texts[1:] != texts[:-1]) + 1:
            changes.setdefault(months[at], []).append(f"{name}: {texts[at - 1] or 'none'} to {texts[at] or 'none'}")
    return [(when, "; ".join(changes[when])) for when in sorted(changes)]


Changes = Sequence[tuple[np.datetime64, str]]
"""Months and words, as of `declared_changes`."""


def break_table(
    differences: Mapping[str, xr.DataArray],
    records: Mapping[str, xr.Dataset] | None = None,
    declared: Mapping[str, Changes] | None = None,
) -> xr.Dataset:
    """Found breaks beside the declared change within NEAR_MONTHS, dims (break).

    `differences` of two records (see `harmonize.build.Harmonized.comparisons`) are tested as they are, and `declared`
    has the changes of either; `records` (time), on their own, less a straight line. `record`, `time` (January of the
    first year after the break), `shift`, `p_value`, `alone` (True where no second record stands against it: the break
    may be the climate's own) and `declared` ("" where no change of source, site or period was).
    """
    rows: list[tuple[Any, ...]] = []
    for name, difference in differences.items():
        changes = (declared or {}).get(name, ())
        rows += [(name, shift, False, _near(shift, changes)) for shift in find_breaks(difference)]
    for name, record in (records or {}).items():
        changes = declared_changes(record)
        rows += [(name, shift, True, _near(shift, changes)) for shift in find_breaks(record["value"], trend=True)]
    years = np.array([f"{row[1].year:04d}-01" for row in rows], dtype="datetime64[M]")
    return xr.Dataset(
        {
            "record": ("break", np.array([row[0] for row in rows], dtype=str)),
            "time": ("break", years.astype(TIME_DTYPE)),
            "shift": ("break", np.array([row[1].shift for row in rows], dtype=float)),
            "p_value": ("break", np.array([row[1].p_value for row in rows], dtype=float)),
            "alone": ("break", np.array([row[2] for row in rows], dtype=bool)),
            "declared": ("break", np.array([row[3] for row in rows], dtype=str)),
        }
    )


def break_table_of(harmonized: Harmonized) -> xr.Dataset:
    """The table for everything that harmonizing made: its comparisons, and each temperature record on its own."""
    alone = {
        name: series
        for name, series in harmonized.series.items()
        if "value" in series and series.attrs.get("quantity") == "temperature"
    }
    declared = {name: _changes_of(name, harmonized) for name in harmonized.comparisons}
    return break_table(harmonized.comparisons, alone, declared)


def _near(shift: Break, changes: Changes) -> str:
    """The declared changes that explain a break."""
    when = month(f"{shift.year:04d}-01")
    return "; ".join(dict.fromkeys(text for at, text in changes if abs((at - when).astype(np.int64)) <= NEAR_MONTHS))


def _changes_of(comparison: str, harmonized: Harmonized) -> list[tuple[np.datetime64, str]]:
    """Declared changes of all that was made of the sources that a comparison, "SOURCE - SOURCE", is named by."""
    named = {part.split()[0] for part in comparison.split(" - ")}
    changes = {
        change
        for series in harmonized.series.values()
        if named & set(str(series.attrs.get("sources", "")).split(","))
        for change in declared_changes(series)
    }
    return sorted(changes)
