"""Stages `sets` and `set-page`: every place of a source, forecast and scored together."""

from __future__ import annotations

import logging

import numpy as np
import xarray as xr

from climate import layout
from climate.backtest import origins
from climate.compute import run_tasks, settled
from climate.definitions import check_no_lookahead
from climate.errors import ClimateError
from climate.files import write_netcdf
from climate.forecasters.baselines import BASELINES
from climate.params import Params, load_params
from climate.series import months_of
from climate.sets import Chunk, Members, chunks, drop_short, first_origin, join, members, score_chunk
from climate.stages.harmonize import read_sources

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Forecast and score the set `name` of params.yaml."""
    params = load_params()
    if name not in params.sets:
        raise ClimateError(f"unknown set '{name}': expected a key of `sets` in params.yaml ({', '.join(params.sets)})")
    definition = params.sets[name]
    pulled = read_sources(definition.sources)
    gone = [
        f"source {key} could not be had ({pulled.unavailable[key]})"
        for key in definition.sources
        if key in pulled.unavailable
    ]
    if gone:
        log.warning("%s: skipped, %s", name, "; ".join(gone))
        write_netcdf(xr.Dataset(attrs={"title": definition.title, "skipped": "; ".join(gone)}), layout.set_file(name))
        return
    found = members(pulled.records[definition.source], definition, pulled.shapes[definition.shapes], params.harmonize)
    write_netcdf(score_set(name, found, params), layout.set_file(name))


def score_set(name: str, found: Members, params: Params) -> xr.Dataset:
    """Scores of every place that is long enough, see `climate.sets.join`."""
    definition, plan = params.sets[name], params.backtest
    for model in definition.models:
        if model not in BASELINES:
            raise ClimateError(
                f"params.yaml: sets.{name}.models: unknown model '{model}', expected some of {', '.join(BASELINES)}"
            )
    first = first_origin(definition, plan, found.dataset["value"])
    check_no_lookahead(params.harmonize.alone, first)
    months = months_of(found.dataset["time"])
    wanted = months_of(np.array(origins(first, plan.every, plan.origins)))
    if wanted[0] < months[0] or wanted[-1] >= months[-1]:
        raise ClimateError(
            f"params.yaml: sets.{name}: origins {wanted[0]} to {wanted[-1]} are outside the records {months[0]} to "
            f"{months[-1]}; change sets.{name}.first_origin"
        )
    ends = tuple(int(end) for end in np.searchsorted(months, wanted) + 1)
    found = drop_short(found, ends, plan.min_history)
    for place, reason in found.skipped.items():
        log.info("%s: %s left out, %s", name, place, reason)
    template = Chunk(
        values=np.empty((0, 0)),
        time=found.dataset["time"].values,
        models=definition.models,
        ends=ends,
        leads=plan.leads,
        refit_every=params.baselines.refit_every,
        blocks=tuple(params.score.blocks.values()),
    )
    parts = run_tasks(score_chunk, chunks(found.dataset, template), settled(params.compute), name)
    return join(found, parts, template, list(params.score.blocks))
