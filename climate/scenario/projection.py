"""Temperature of a region to mid-century under pathways of CO2, and CO2 extrapolated from its own past.

Annual means are regressed on the forcing of CO2, which the temperature follows with a lag; the residual (weather and
internal variability) is ARMA(1, 1). The intervals include the uncertainty of the coefficients, the lag and the errors
(`regression`), but not that of the form of the regression. It is not a climate model: CO2 stands in for everything that
has risen along with it, and no pathway's aerosols, methane, eruptions or circulation enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, IntArray
from climate.scenario.forcing import COMMON_UNTIL, DOUBLING, driven, forcing, lagged, matched_years, site_offset
from climate.scenario.regression import Regression, regress
from climate.schema import QUANTILES
from climate.verify.losses import LOWER, MEDIAN, UPPER, crps_from_quantiles

RESPONSE_YEARS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Lags of the response (years), with equal prior weight.

Two-box fits to climate models have a fast response of about 4 years and a slow one of centuries; Geoffroy et al.
(2013), doi:10.1175/JCLI-D-12-00195.1. The record can hardly tell them apart, and the intervals show it.
"""

MIN_YEARS = 30
"""Complete years that a fit needs: the length of a climatological normal (WMO-No. 1203)."""

TREND_YEARS = 30
"""Years of the straight line that hindcasts are measured against."""

DECADE = 10
"""Years of the means at the end of the record and of the projection."""

CO2_FROM = 1959
"""First year whose CO2 is used to extrapolate it: the first whole one of the direct record."""

METHODS = ("observed", "extrapolated", "trend")
"""Hindcasts: with the CO2 that was observed later (no forecast), with CO2 as it could be extrapolated, and a straight
line without CO2."""


def years_of(data: xr.DataArray) -> IntArray:
    """The years of an annual record as integers."""
    return np.asarray(data["year"].values, dtype=np.int64)


def fit_response(temperature: xr.DataArray, driver: xr.DataArray) -> tuple[Regression, FloatArray, FloatArray]:
    """Regression of annual means (year) on the lagged forcing (year, in W m-2), one design per RESPONSE_YEARS.

    Returns:
        The regression, and centre and scale (design) of the lagged forcing over the years of the fit.
    """
    years = years_of(temperature)
    responses = np.stack([lagged(driver.values, lag)[years - int(driver["year"][0])] for lag in RESPONSE_YEARS])
    centre, scale = responses.mean(axis=1), responses.std(axis=1)
    return regress(years, temperature.values.astype(float), future_designs(driver, years, centre, scale)), centre, scale


def future_designs(driver: xr.DataArray, years: IntArray, centre: FloatArray, scale: FloatArray) -> list[FloatArray]:
    """The designs of `fit_response` in other years; `driver` starts with the years of the fit."""
    return [
        _columns((lagged(driver.values, lag)[years - int(driver["year"][0])] - c) / s)
        for lag, c, s in zip(RESPONSE_YEARS, centre, scale, strict=True)
    ]


def _columns(regressor: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(regressor.size), regressor])


def project_region(temperature: xr.DataArray, concentration: xr.DataArray, until: int) -> xr.Dataset:
    """Annual means to the year `until` under every pathway.

    Args:
        temperature: annual means (year), complete years only, see `forcing.annual_means`.
        concentration: CO2 (scenario, year) in ppm without gaps, equal in all scenarios up to the last year of
            `temperature`, see `forcing.driven`.
        until: last year.

    Returns:
        `projection` (scenario, year, quantile) from the year after the record on; `last_decade` (scenario, quantile),
        the mean of the ten years up to `until`; `observed` and `fitted` (past); `lag_weight` (lag) and `per_doubling`
        (quantile), the response to a doubling of CO2 once the lag is over; all in the unit of the record.

    Raises:
        ClimateError: fewer than MIN_YEARS complete years, or `until` is not DECADE years after the last one.
    """
    years = years_of(temperature)
    _check_years(years)
    coming = np.arange(years[-1] + 1, until + 1)
    if coming.size < DECADE:
        raise ClimateError(
            f"project.until: found {until}, expected at least {years[-1] + DECADE}, ten years after the last complete "
            "year; choose a later one"
        )
    drivers = forcing(concentration.sel(year=slice(None, until)))
    fit, centre, scale = fit_response(temperature, drivers.isel(scenario=0))
    sums = np.vstack([np.eye(coming.size), np.where(coming > until - DECADE, 1 / DECADE, 0.0)])
    designs = [future_designs(driver, coming, centre, scale) for driver in drivers]
    quantiles = np.stack([fit.predict(coming, design, sums).quantiles(QUANTILES) for design in designs])
    per_doubling = fit.coefficient(1, (DOUBLING / scale).tolist()).quantiles(QUANTILES)[0]
    return xr.Dataset(
        {
            "projection": (("scenario", "year", "quantile"), quantiles[:, :-1]),
            "last_decade": (("scenario", "quantile"), quantiles[:, -1]),
            "observed": ("past", np.asarray(temperature.values, dtype=float)),
            "fitted": ("past", fit.fitted()),
            "lag_weight": ("lag", fit.design_weights()),
            "per_doubling": ("quantile", per_doubling),
        },
        coords={
            "scenario": concentration["scenario"].values,
            "year": coming,
            "past": years,
            "lag": list(RESPONSE_YEARS),
            "quantile": list(QUANTILES),
        },
        attrs={"units": temperature.attrs.get("units", "")},
    )


def project_co2(observed: xr.DataArray, until: int) -> xr.DataArray:
    """CO2 to the year `until` as its own past has it: the rise per year on a straight line, with ARMA errors.

    Args:
        observed: annual means (year) in ppm, without gaps from CO2_FROM on.
        until: last year.

    Returns:
        Quantiles (year, quantile) in ppm.
    """
    recent = observed.sel(year=slice(CO2_FROM, None))
    years = years_of(recent)
    _check_years(years)
    if (np.diff(years) != 1).any():
        gap = int(years[:-1][np.diff(years) != 1][0])
        raise ClimateError(
            f"project.co2: after the year {gap} comes a gap, expected complete years; choose another record"
        )
    coming = np.arange(years[-1] + 1, until + 1)
    rises = _extrapolate(years[1:], np.diff(recent.values.astype(float)), coming, np.tri(coming.size))
    return (float(recent.values[-1]) + rises).assign_attrs(units="ppm")


def project_trend(values: xr.DataArray, until: int) -> xr.DataArray:
    """Quantiles (year, quantile) to `until` of a straight line through the last TREND_YEARS, with ARMA errors."""
    recent = values.isel(year=slice(-TREND_YEARS, None))
    years = years_of(recent)
    return _extrapolate(years, recent.values.astype(float), np.arange(years[-1] + 1, until + 1))


def _extrapolate(years: IntArray, values: FloatArray, coming: IntArray, sums: FloatArray | None = None) -> xr.DataArray:
    """Quantiles (year, quantile) of a straight line in time, or of `sums` of its years, see `Regression.predict`."""
    middle, width = years.mean(), years.std()
    fit = regress(years, values, [_columns((years - middle) / width)])
    quantiles = fit.predict(coming, [_columns((coming - middle) / width)], sums).quantiles(QUANTILES)
    return xr.DataArray(quantiles, dims=("year", "quantile"), coords={"year": coming, "quantile": list(QUANTILES)})


def extrapolations(concentration: xr.DataArray, origins: Sequence[int]) -> dict[int, xr.DataArray]:
    """CO2 (year) in ppm as it was up to each origin, and from there the median of `project_co2`."""
    last = int(concentration["year"].max())
    known = {origin: concentration.sel(year=slice(None, origin)) for origin in origins}
    coming = {origin: project_co2(past, last).sel(quantile=MEDIAN, drop=True) for origin, past in known.items()}
    return {origin: xr.concat([known[origin], coming[origin]], "year").drop_attrs() for origin in origins}


def hindcast_region(
    temperature: xr.DataArray,
    concentration: Mapping[int, xr.DataArray],
    extrapolated: Mapping[int, xr.DataArray],
) -> xr.Dataset:
    """`project_region` from earlier years, and its scores against what followed.

    Args:
        temperature: annual means (year), complete years only.
        concentration: origin, the last year that a fit may use -> CO2 (year) in ppm as it was, up to the last year of
            `temperature` at least, matched to the site by years up to the origin, see `concentration_until`. An origin
            with fewer than MIN_YEARS before or no year after it is left out.
        extrapolated: origin -> CO2 (year) as it was known and could be extrapolated then, see `extrapolations`.

    Returns:
        `hindcast` (origin, method, year, quantile), NaN up to the origin, see METHODS; `observed` (year); and over
        (origin, method) `crps`, `coverage90`, `bias` (median minus observed) and `n` years. Without an origin that
        can be used, a Dataset with none.
    """
    years = years_of(temperature)
    last = int(years[-1])
    forecasts: dict[int, list[FloatArray]] = {}
    for origin in concentration:
        if (years <= origin).sum() < MIN_YEARS or origin >= last:
            continue
        past, coming = temperature.sel(year=slice(None, origin)), np.arange(origin + 1, last + 1)
        drivers = {"observed": forcing(concentration[origin]), "extrapolated": forcing(extrapolated[origin])}
        fit, centre, scale = fit_response(past, drivers["extrapolated"])
        forecasts[origin] = [
            project_trend(past, last).values
            if method == "trend"
            else fit.predict(coming, future_designs(drivers[method], coming, centre, scale)).quantiles(QUANTILES)
            for method in METHODS
        ]
    return _hindcasts(forecasts, METHODS, temperature)


def hindcast_co2(observed: xr.DataArray, origins: Sequence[int]) -> xr.Dataset:
    """`project_co2` from earlier years against a straight line, scored as in `hindcast_region`, without "observed"."""
    years = years_of(observed)
    last = int(years[-1])
    forecasts = {}
    for origin in origins:
        if ((years >= CO2_FROM) & (years <= origin)).sum() >= MIN_YEARS and origin < last:
            past = observed.sel(year=slice(None, origin))
            forecasts[origin] = [project_co2(past, last).values, project_trend(past, last).values]
    return _hindcasts(forecasts, METHODS[1:], observed)


def _hindcasts(
    forecasts: Mapping[int, Sequence[FloatArray]], methods: Sequence[str], observed: xr.DataArray
) -> xr.Dataset:
    """Quantiles (year after the origin, quantile) by origin and method as one table with its scores."""
    last = int(observed["year"].max())
    every = np.arange(min(forecasts, default=last) + 1, last + 1)
    quantiles = np.full((len(forecasts), len(methods), every.size, len(QUANTILES)), np.nan)
    for row, (origin, by_method) in enumerate(forecasts.items()):
        quantiles[row, :, origin + 1 - every[0] if every.size else 0 :] = np.stack(by_method)
    table = xr.Dataset(
        {
            "hindcast": (("origin", "method", "year", "quantile"), quantiles),
            "observed": observed.reindex(year=every).drop_attrs(),
        },
        coords={"origin": list(forecasts), "method": list(methods), "year": every, "quantile": list(QUANTILES)},
    )
    return table.assign(_scores(table))


def _scores(table: xr.Dataset) -> dict[str, xr.DataArray]:
    """CRPS, coverage of the 90% interval, bias and number of years (origin, method)."""
    forecast, observed = table["hindcast"], table["observed"]
    known = forecast.notnull().all("quantile") & observed.notnull()
    low, high = forecast.sel(quantile=LOWER, drop=True), forecast.sel(quantile=UPPER, drop=True)
    inside = ((observed >= low) & (observed <= high)).where(known)
    error = (forecast.sel(quantile=MEDIAN, drop=True) - observed).where(known)
    return {
        "crps": crps_from_quantiles(forecast, observed).where(known).mean("year"),
        "coverage90": inside.mean("year"),
        "bias": error.mean("year"),
        "n": known.sum("year"),
    }


def concentration_until(pathways: xr.DataArray, observed: xr.DataArray, until: int = COMMON_UNTIL) -> xr.DataArray:
    """`forcing.driven` without the scenarios, up to the last observed year: CO2 as it was, at the global mean."""
    known = driven(pathways, observed, until).isel(scenario=0, drop=True)
    return known.sel(year=slice(None, int(observed["year"].max())))


def _check_years(years: IntArray) -> None:
    if years.size < MIN_YEARS:
        raise ClimateError(
            f"projection: found {years.size} complete years, expected at least {MIN_YEARS}; use a longer record"
        )


def project_regions(
    temperatures: Mapping[str, xr.DataArray],
    pathways: xr.DataArray,
    observed: xr.DataArray,
    site: str,
    until: int,
    origins: Sequence[int],
    withheld: Mapping[str, str] | None = None,
) -> dict[str, xr.Dataset]:
    """Projections and hindcasts of all regions and of CO2 itself.

    Args:
        temperatures: region -> annual means (year), complete years only.
        pathways: CO2 (scenario, year) in ppm.
        observed: annual means of CO2 (year) in ppm at `site`.
        site: the region of `observed`.
        until: last year.
        origins: last years of hindcasts; left out where the CO2 record is too short to be matched before them.
        withheld: further region -> why it is not projected.

    Returns:
        `temperature`, see `project_region`, with the attribute `left_out`: the regions that are not projected, one a
        line, each with its reason; `hindcasts`, see `hindcast_region`, unless there are none; `co2`, and
        `co2-hindcasts`, see `hindcast_co2`.

    Raises:
        ClimateError: no region can be projected.
    """
    concentration = driven(pathways, observed)
    first, last = int(observed["year"].min()), int(observed["year"].max())
    # a hindcast may match the site to the pathways over years before its origin alone
    past = {
        origin: concentration_until(pathways, observed, origin)
        for origin in origins
        if matched_years(origin)[0] >= first
    }
    extrapolated = {origin: extrapolations(known, [origin])[origin] for origin, known in past.items()}
    projections, hindcasts = [], []
    left_out = [f"{region}: {reason}" for region, reason in (withheld or {}).items()]
    for region, record in temperatures.items():
        temperature = record.sel(year=slice(None, last))
        try:
            projections.append(project_region(temperature, concentration, until).expand_dims(region=[region]))
        except ClimateError as error:
            left_out.append(f"{region}: {error}")
            continue
        checked = hindcast_region(temperature, past, extrapolated)
        if checked.sizes["origin"]:
            hindcasts.append(checked.expand_dims(region=[region]))
    if not projections:
        raise ClimateError(f"no region could be projected: {'; '.join(left_out) or 'none is a temperature'}")
    beside = (pathways + site_offset(pathways, observed)).assign_attrs(units="ppm").sel(year=slice(first, until))
    co2 = xr.Dataset(
        {"forecast": project_co2(observed, until), "observed": observed.rename(year="past")}
        | {"pathway": beside.rename(year="pathway_year")},
        attrs={"region": site, "offset": concentration.attrs["offset"], "units": "ppm"},
    )
    results = {
        "temperature": xr.concat(projections, "region", join="outer").assign_attrs(left_out="\n".join(left_out)),
        "co2": co2,
        "co2-hindcasts": hindcast_co2(observed, origins),
    }
    return results | ({"hindcasts": xr.concat(hindcasts, "region", join="outer")} if hindcasts else {})
