"""CO2 as a driver: concentration by year, its radiative forcing, and a response that lags behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.signal import lfilter

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, IntArray
from climate.harmonize import completeness

FORCING_PER_LOG = 5.35
"""W m-2 per unit of ln(C / C0). Source: Myhre et al. (1998), doi:10.1029/98GL01908, table 3."""

PREINDUSTRIAL = 1750
"""Year whose concentration is C0."""

DOUBLING = FORCING_PER_LOG * math.log(2)
"""W m-2 of a doubled concentration."""

COMMON_UNTIL = 2014
"""Last year of the past that all pathways share (Meinshausen et al. 2020, doi:10.5194/gmd-13-3571-2020)."""

MATCHED_YEARS = 10
"""Last common years over which the observed record is matched to the pathways' past."""


def annual_means(series: xr.Dataset) -> xr.DataArray:
    """Means of `value` (time) over complete calendar years: (year), in the unit of the record.

    A year with a missing month is left out, so that the axis may have gaps.
    """
    means = completeness.annual_means(series["value"], completeness.rule("complete"))["value"]
    coords, attrs = {"year": means["time"].dt.year.values}, {"units": series.attrs.get("units", "")}
    return xr.DataArray(means.values, dims="year", coords=coords, attrs=attrs).dropna("year")


def select_pathways(record: xr.Dataset, scenarios: Sequence[str]) -> xr.DataArray:
    """Concentration (scenario, year) in ppm of some series of a record with `value` (series, time).

    Raises:
        ClimateError: the record lacks a scenario.
    """
    known = record["series"].values.astype(str).tolist()
    missing = [name for name in scenarios if name not in known]
    if missing:
        raise ClimateError(f"project.scenarios: found '{missing[0]}', expected some of {', '.join(known)}")
    values = record["value"].assign_coords(series=known).sel(series=list(scenarios)).transpose("series", "time").values
    coords = {"scenario": list(scenarios), "year": record["time"].dt.year.values}
    return xr.DataArray(values, dims=("scenario", "year"), coords=coords)


def matched_years(until: int) -> IntArray:
    """The MATCHED_YEARS years up to `until`, or up to COMMON_UNTIL where that is earlier."""
    last = min(until, COMMON_UNTIL)
    return np.arange(last - MATCHED_YEARS + 1, last + 1)


def site_offset(pathways: xr.DataArray, observed: xr.DataArray, until: int = COMMON_UNTIL) -> float:
    """Observed record minus the pathways' past in ppm, mean over `matched_years(until)`.

    A site is no global mean; Mauna Loa lies a little above it. A hindcast passes its last year as `until`, so that
    nothing later enters.

    Raises:
        ClimateError: the record lacks one of these years.
    """
    years = matched_years(until)
    missing = sorted(set(years.tolist()) - set(observed["year"].values.tolist()))
    if missing:
        raise ClimateError(
            f"project.co2: found no complete year {missing[0]} in the CO2 record, expected all of {years[0]} to "
            f"{years[-1]}, over which it is matched to the pathways; choose another record"
        )
    return float((observed.sel(year=years) - pathways.isel(scenario=0).sel(year=years)).mean())


def driven(pathways: xr.DataArray, observed: xr.DataArray, until: int = COMMON_UNTIL) -> xr.DataArray:
    """Concentration (scenario, year) in ppm: the common past, then what was observed, then each pathway as published.

    Where the observed years end a pathway may begin with a step: its error by then.

    Args:
        pathways: annual means (scenario, year) in ppm, years without a gap.
        observed: annual means (year) of a site, complete years; moved by `site_offset`.
        until: see `site_offset`.
    """
    offset = site_offset(pathways, observed, until)
    last = int(observed["year"].max())
    known = (observed - offset).reindex(year=pathways["year"])
    seen = (pathways["year"] > COMMON_UNTIL) & (pathways["year"] <= last) & known.notnull()
    return pathways.where(~seen, known).transpose("scenario", "year").assign_attrs(units="ppm", offset=offset)


def forcing(concentration: xr.DataArray) -> xr.DataArray:
    """Radiative forcing of CO2 in W m-2 against the year PREINDUSTRIAL: 5.35 ln(C / C0)."""
    start = concentration.sel(year=PREINDUSTRIAL, drop=True)
    result: xr.DataArray = FORCING_PER_LOG * xr.apply_ufunc(np.log, concentration / start)
    return result.assign_attrs(units="W m-2", long_name="CO2 forcing")


def lagged(driver: FloatArray, years: float) -> FloatArray:
    """Response that closes 1 - exp(-1 / years) of its distance to the driver each year; the driver itself for 0.

    The one-box response to a forcing (Hasselmann 1976). `driver` (..., year) starts where it is zero.
    """
    if years <= 0:
        return np.asarray(driver, dtype=float)
    memory = math.exp(-1 / years)
    return np.asarray(lfilter([1 - memory], [1, -memory], driver))
