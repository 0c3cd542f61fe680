"""Stage `project`: temperature to mid-century under the pathways of CO2, and CO2 itself."""

from __future__ import annotations

import logging

import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf, write_netcdf
from climate.harmonize.checks import examine
from climate.params.params import Params, load_params
from climate.scenario.forcing import annual_means, driven, matched_years
from climate.scenario.projection import (
    concentration_until,
    extrapolations,
    hindcast_co2,
    hindcast_region,
    pathways_beside,
    project_co2,
    project_region,
)
from climate.sources.pulled import read_sources

log = logging.getLogger("climate")

TEMPERATURE = "temperature"


def run() -> None:
    """Write build/projection: temperature.nc, hindcasts.nc, co2.nc and co2-hindcasts.nc.

    Without pathways or without CO2 only temperature.nc is written, with the attribute `skipped` and the reason. A
    region that cannot be projected is left out, and named with its reason in the attribute `left_out`.
    """
    params = load_params()
    try:
        pathways, observed = _pathways(params), _observed(params)
        results = _project(params, pathways, observed)
    except ClimateError as error:
        log.warning("projection: skipped, %s", error)
        results = {TEMPERATURE: xr.Dataset(attrs={"skipped": str(error)})}
    for name, dataset in results.items():
        write_netcdf(dataset, paths.PROJECTION / f"{name}.nc")


def _pathways(params: Params) -> xr.DataArray:
    """Concentration (scenario, year) in ppm of the scenarios of params.yaml."""
    key, wanted = params.project.pathways, params.project.scenarios
    if key not in params.pull.sources:
        raise ClimateError(f"project.pathways: source '{key}' is not under pull.sources; add it there")
    pulled = read_sources([key], examine)
    if key in pulled.unavailable:
        raise ClimateError(f"project.pathways: {key}: {pulled.unavailable[key]}")
    record = pulled.records[key]
    known = record["series"].values.astype(str).tolist()
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ClimateError(f"project.scenarios: found '{missing[0]}', expected some of {', '.join(known)}")
    years = record["time"].dt.year.values
    values = record["value"].assign_coords(series=known).sel(series=wanted).transpose("series", "time").values
    return xr.DataArray(values, dims=("scenario", "year"), coords={"scenario": wanted, "year": years})


def _observed(params: Params) -> xr.DataArray:
    """Annual means (year) of the observed CO2 in ppm."""
    name = params.project.co2
    if name not in params.regions:
        raise ClimateError(f"project.co2: found '{name}', expected a key of regions ({', '.join(params.regions)})")
    series = read_netcdf(paths.series_file(name))
    if "skipped" in series.attrs:
        raise ClimateError(f"project.co2: {name} was skipped, {series.attrs['skipped']}")
    return annual_means(series)


def _project(params: Params, pathways: xr.DataArray, observed: xr.DataArray) -> dict[str, xr.Dataset]:
    plan = params.project
    concentration, last = driven(pathways, observed), int(observed["year"].max())
    first = int(observed["year"].min())
    # a hindcast may match the site to the pathways over years before its origin alone
    past = {
        origin: concentration_until(pathways, observed, origin)
        for origin in plan.hindcasts
        if matched_years(origin)[0] >= first
    }
    extrapolated = {origin: extrapolations(known, [origin])[origin] for origin, known in past.items()}
    projections, hindcasts, left_out = [], [], []
    for region in params.regions:
        series = read_netcdf(paths.series_file(region))
        if "skipped" in series.attrs or series.attrs.get("quantity") != TEMPERATURE:
            continue
        temperature = annual_means(series).sel(year=slice(None, last))
        try:
            projected = project_region(temperature, concentration, plan.until)
        except ClimateError as error:
            log.warning("%s: not projected, %s", region, error)
            left_out.append(f"{region}: {error}")
            continue
        projections.append(projected.expand_dims(region=[region]))
        checked = hindcast_region(temperature, past, extrapolated)
        if checked.sizes["origin"]:
            hindcasts.append(checked.expand_dims(region=[region]))
    if not projections:
        raise ClimateError(f"no region could be projected: {'; '.join(left_out) or 'none holds a temperature'}")
    shown = {"year": slice(first, plan.until)}
    co2 = xr.Dataset(
        {"forecast": project_co2(observed, plan.until), "observed": observed.rename(year="past")}
        | {"pathway": pathways_beside(pathways, observed).sel(shown).rename(year="pathway_year")},
        attrs={"region": plan.co2, "offset": concentration.attrs["offset"], "units": "ppm"},
    )
    results = {
        TEMPERATURE: xr.concat(projections, "region", join="outer").assign_attrs(left_out="; ".join(left_out)),
        "co2": co2,
        "co2-hindcasts": hindcast_co2(observed, plan.hindcasts),
    }
    return results | ({"hindcasts": xr.concat(hindcasts, "region", join="outer")} if hindcasts else {})
