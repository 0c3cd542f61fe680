"""Stage `panel`: all regions of a panel, forecast and scored together."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_arrays, read_netcdf, read_parts, write_netcdf
from climate.forecasters.base import Forecaster
from climate.forecasters.planet.estimation import Estimation
from climate.forecasters.registry import find_model, make
from climate.harmonize.checks import examine
from climate.hindcast.panels import cut_panel, score_panel
from climate.params.params import load_params
from climate.sources.pulled import read_sources

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Forecast and score the panel `name` of params.yaml."""
    params = load_params()
    if name not in params.panels:
        raise ClimateError(f"unknown panel '{name}': expected a key of `panels` in params.yaml, {[*params.panels]}")
    definition, target = params.panels[name], paths.panel_file(name)
    pulled = read_sources(definition.sources, examine)
    reason = "; ".join(f"source {key} is unavailable ({why})" for key, why in pulled.unavailable.items())
    if reason:
        log.warning("%s: skipped, %s", name, reason)
        write_netcdf(xr.Dataset(attrs={"title": definition.title, "skipped": reason}), target)
        return
    forecasters, earliest = make_forecasters(name, definition.models)
    record, shapes = pulled.records[definition.source], pulled.shapes[definition.shapes]
    panel = cut_panel(record, definition, shapes, params.harmonize)
    scores = score_panel(name, panel, forecasters, params, earliest, read_netcdf(paths.COVARIATES))
    for region in scores["skipped"].values:
        log.info("%s: %s left out, %s", name, region, scores["reason"].sel(skipped=region).item())
    write_netcdf(scores, target)


def make_forecasters(name: str, models: Sequence[str]) -> tuple[list[Forecaster], np.datetime64 | None]:
    """The models of a panel, and the first month that all of them can forecast from."""
    of_planet = {model for model in models if find_model(model).section == "planet"}
    estimations: list[Estimation] = []
    if of_planet:
        parts, reason = read_parts(paths.ESTIMATIONS, ".npz", read_arrays)
        if reason:
            raise ClimateError(
                f"params.yaml: panels.{name}.models: planet's models cannot be run: {reason}; remove them"
            )
        estimations = [Estimation.from_arrays(arrays) for arrays in parts]
    earliest = np.datetime64(estimations[0].month, "M") if estimations else None
    return [make(model, estimations) if model in of_planet else make(model) for model in models], earliest
