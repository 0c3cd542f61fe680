"""Stages `sets` and `set-page`: every place of a source, forecast and scored together."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_netcdf
from climate.forecasters.classical.baselines import BASELINES
from climate.forecasters.classical.batch import BATCHES, BatchForecaster
from climate.forecasters.planet.batch import PooledBatch
from climate.forecasters.planet.forecaster import POOLED
from climate.harmonize.checks import examine
from climate.harmonize.series import months_of
from climate.hindcast.panels import Chunk, Members, chunks, drop_short, join, members, score_chunk, set_origins
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import Params, load_params
from climate.params.regions import check_no_lookahead
from climate.sources.pulled import read_sources
from climate.stages.pool import read_pools

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Forecast and score the set `name` of params.yaml."""
    params = load_params()
    if name not in params.sets:
        raise ClimateError(f"unknown set '{name}': expected a key of `sets` in params.yaml ({', '.join(params.sets)})")
    definition = params.sets[name]
    pulled = read_sources(definition.sources, examine)
    gone = [
        f"source {key} could not be had ({pulled.unavailable[key]})"
        for key in definition.sources
        if key in pulled.unavailable
    ]
    if gone:
        log.warning("%s: skipped, %s", name, "; ".join(gone))
        write_netcdf(xr.Dataset(attrs={"title": definition.title, "skipped": "; ".join(gone)}), paths.set_file(name))
        return
    found = members(pulled.records[definition.source], definition, pulled.shapes[definition.shapes], params.harmonize)
    write_netcdf(score_set(name, found, params), paths.set_file(name))


def score_set(name: str, found: Members, params: Params) -> xr.Dataset:
    """Scores of every place that is long enough, see `climate.hindcast.panels.join`."""
    definition, plan = params.sets[name], params.backtest
    value = found.dataset["value"]
    batches, earliest = forecasters(name, definition.models, value)
    months = months_of(value["time"])
    wanted = set_origins(definition, plan, value, earliest)
    check_no_lookahead(params.harmonize.alone, str(wanted[0]))
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
    """The forecasters of many series among `models`, and the first month that they can forecast from.

    ClimateError for a name that no baseline and no pooled forecaster has.
    """
    made: dict[str, BatchForecaster] = {}
    earliest = None
    for model in models:
        if model in BATCHES:
            made[model] = BATCHES[model]()
        elif model in POOLED:
            pools, reason = read_pools()
            if reason:
                raise ClimateError(f"params.yaml: sets.{name}.models: {model} cannot be run: {reason}; leave it out")
            start = int(months_of(value["time"])[0].astype(np.int64))
            made[model] = PooledBatch(pools, model == "lstm-pooled", start)
            earliest = np.datetime64(pools[0].month, "M")
        elif model not in BASELINES:
            known = ", ".join([*BASELINES, *POOLED])
            raise ClimateError(f"params.yaml: sets.{name}.models: unknown model '{model}', expected some of {known}")
    return made, earliest
