"""Stage `panel`: all regions of a panel, forecast and scored together."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_netcdf
from climate.forecasters.classical.batch import BATCHES, BatchForecaster
from climate.forecasters.planet.batch import PooledBatch
from climate.forecasters.registry import MODELS, Kind
from climate.harmonize.series import months_of
from climate.hindcast.panels import Chunk, Members, chunks, drop_short, join, members, panel_origins, score_chunk
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import Params, load_params
from climate.params.regions import check_no_lookahead
from climate.stages.harmonize import read_sources
from climate.stages.pool import read_pools

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Forecast and score the panel `name` of params.yaml."""
    params = load_params()
    if name not in params.panels:
        raise ClimateError(f"unknown panel '{name}': expected a key of `panels` in params.yaml, {[*params.panels]}")
    definition = params.panels[name]
    pulled = read_sources(definition.sources)
    gone = [
        f"source {key} could not be had ({pulled.unavailable[key]})"
        for key in definition.sources
        if key in pulled.unavailable
    ]
    if gone:
        log.warning("%s: skipped, %s", name, "; ".join(gone))
        write_netcdf(xr.Dataset(attrs={"title": definition.title, "skipped": "; ".join(gone)}), paths.panel_file(name))
        return
    found = members(pulled.records[definition.source], definition, pulled.shapes[definition.shapes], params.harmonize)
    write_netcdf(score_panel(name, found, params), paths.panel_file(name))


def score_panel(name: str, found: Members, params: Params) -> xr.Dataset:
    """Scores of every place that is long enough, see `climate.hindcast.panels.join`."""
    definition, plan = params.panels[name], params.backtest
    value = found.dataset["value"]
    batches, earliest = forecasters(name, definition.models, value)
    months = months_of(value["time"])
    wanted = panel_origins(definition, plan, value, earliest)
    check_no_lookahead(params.harmonize.alone, str(wanted[0]), f"panels.{name}")
    ends = tuple(int(end) for end in np.searchsorted(months, np.array(wanted)) + 1)
    found = drop_short(found, ends, plan.min_history)
    for place, reason in found.skipped.items():
        log.info("%s: %s left out, %s", name, place, reason)
    template = Chunk(
        values=np.empty((0, 0)),
        time=found.dataset["time"].values,
        models=definition.models,
        batches=batches,
        ends=ends,
        leads=plan.leads,
        refit_every=params.baselines.refit_every,
        blocks=tuple(params.score.blocks.values()),
    )
    parts = run_tasks(score_chunk, chunks(found.dataset, template), settled(params.compute), name)
    return join(found, parts, template, list(params.score.blocks))


def forecasters(
    name: str, models: Sequence[str], value: xr.DataArray
) -> tuple[dict[str, BatchForecaster], np.datetime64 | None]:
    """The forecasters of many series among `models`, and the first month that they can forecast from."""
    made: dict[str, BatchForecaster] = {}
    earliest = None
    for model in models:
        if model in BATCHES:
            made[model] = BATCHES[model]()
        elif MODELS[model].section == "pool":
            pools, reason = read_pools()
            if reason:
                raise ClimateError(f"params.yaml: panels.{name}.models: {model} cannot be run: {reason}; leave it out")
            start = int(months_of(value["time"])[0].astype(np.int64))
            made[model] = PooledBatch(pools, MODELS[model].kind is Kind.NETWORK, start)
            earliest = np.datetime64(pools[0].month, "M")
    return made, earliest
