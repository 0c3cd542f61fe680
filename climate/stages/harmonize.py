"""Stage `harmonize`: from the pinned bytes to one series per region."""

from __future__ import annotations

import logging
from dataclasses import asdict

import xarray as xr

from climate import paths
from climate.files import write_json, write_netcdf
from climate.harmonize import caveats
from climate.harmonize.breaks import break_table_of
from climate.harmonize.build import harmonize
from climate.harmonize.checks import examine
from climate.harmonize.series import join_covariates
from climate.params.params import load_params
from climate.params.regions import required_sources
from climate.sources.pulled import read_sources

log = logging.getLogger("climate")


def run() -> None:
    """Read every source that a region or covariate needs, harmonize, and write what the next stages read."""
    params = load_params()
    names = params.definitions
    required = {key for name in names for key in required_sources(name, names, params.harmonize)}
    needed = [key for key in params.pull.pinned if key in required]
    pulled = read_sources(needed, examine)
    made = harmonize(
        pulled.records,
        params.definitions,
        params.harmonize,
        shapes=pulled.shapes,
        periods={key: params.pull.source(key).periods for key in pulled.records},
        unavailable=pulled.unavailable,
    )
    for name, reason in made.skipped.items():
        log.warning("%s: skipped, %s", name, reason)
    for region in params.regions:
        write_netcdf(made.series[region], paths.series_file(region))
    paths.RECORDS.mkdir(parents=True, exist_ok=True)  # expected by DVC, even where no record is listed
    for name in params.records:
        write_netcdf(made.series[name], paths.record_file(name))
    known = {name: made.series[name] for name in params.covariates if name not in made.skipped}
    write_netcdf(join_covariates(known) if known else xr.Dataset(), paths.COVARIATES)
    write_netcdf(made.seams, paths.SEAMS)
    write_netcdf(break_table_of(made), paths.BREAKS)
    doubts = [
        check
        for name, definition in params.regions.items()
        if definition.caveat and name not in made.skipped
        for check in caveats.checks(made.series[name], definition.caveat, str(definition.source))
    ]
    write_json([asdict(check) for check in [*pulled.checks, *doubts]], paths.CHECKS)
