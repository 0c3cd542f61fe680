"""Stage `project`: temperature to mid-century under the pathways of CO2, and CO2 itself."""

from __future__ import annotations

import logging

import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf, write_netcdf
from climate.harmonize.checks import examine
from climate.params.params import Params, load_params
from climate.scenario.forcing import annual_means, select_pathways
from climate.scenario.projection import project_regions
from climate.sources.pulled import read_sources

log = logging.getLogger("climate")


def run() -> None:
    """Write build/projection: temperature.nc, hindcasts.nc, co2.nc and co2-hindcasts.nc.

    Without pathways or without CO2 only temperature.nc is written, with the attribute `skipped` and the reason. A
    region that cannot be projected, or whose record has a caveat, is left out, and named with its reason in the
    attribute `left_out`.
    """
    params = load_params()
    plan = params.project
    try:
        pathways = select_pathways(_pathways(params), plan.scenarios)
        series = {region: read_netcdf(paths.series_file(region)) for region in params.regions}
        if plan.co2 not in series:
            raise ClimateError(f"project.co2: found '{plan.co2}', expected a key of regions ({', '.join(series)})")
        if "skipped" in series[plan.co2].attrs:
            raise ClimateError(f"project.co2: {plan.co2} was skipped, {series[plan.co2].attrs['skipped']}")
        records = {
            region: record
            for region, record in series.items()
            if record.attrs.get("quantity") == "temperature" and "skipped" not in record.attrs
        }
        doubtful = {
            region: str(record.attrs["caveat"]) for region, record in records.items() if "caveat" in record.attrs
        }
        temperatures = {region: annual_means(record) for region, record in records.items() if region not in doubtful}
        observed = annual_means(series[plan.co2])
        results = project_regions(temperatures, pathways, observed, plan.co2, plan.until, plan.hindcasts, doubtful)
    except ClimateError as error:
        log.warning("projection: skipped, %s", error)
        results = {"temperature": xr.Dataset(attrs={"skipped": str(error)})}
    for reason in str(results["temperature"].attrs.get("left_out", "")).splitlines():
        log.warning("projection: left out, %s", reason)
    for name, dataset in results.items():
        write_netcdf(dataset, paths.PROJECTION / f"{name}.nc")


def _pathways(params: Params) -> xr.Dataset:
    """The record of the pathways."""
    key = params.project.pathways
    if key not in params.pull.sources:
        raise ClimateError(f"project.pathways: source '{key}' is not under pull.sources; add it there")
    pulled = read_sources([key], examine)
    if key in pulled.unavailable:
        raise ClimateError(f"project.pathways: {key}: {pulled.unavailable[key]}")
    return pulled.records[key]
