"""Stage `understand`: what the direct LSTM depends on and what it holds, shown on a few records of the run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf, write_json, write_text
from climate.forecasters.base import FloatArray
from climate.hindcast.rolling import origins
from climate.insight import design, training
from climate.insight.trial import LEAD_SPANS, Trial, groups_by_shape, run_trials, variants
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import LstmParams, Params, UnderstandParams, load_params
from climate.stages.study import read_study

log = logging.getLogger("climate")

TABLES = ("sweep", "shares", "ablation", "probes", "curves", "layers")
"""Files of this stage below build/understanding, as CSV."""


ERRORS = ("crps_1_12", "crps_1_60")
"""Columns of mean CRPS, one per span of LEAD_SPANS."""


def run() -> None:
    """Write one CSV per question, all records in each, and the error of the settings in use on early origins."""
    params = load_params()
    paths.UNDERSTANDING.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    metrics = {}
    plan = params.understand
    records = read_study(params, plan.records, "understand.records") if plan is not None else {}
    if plan is not None and records:
        covariates = read_netcdf(paths.COVARIATES)
        early, known = _before(records, plan), covariates.sel(time=covariates["time"].values < _month(plan.before))
        sweep = _sweep(params, plan, early, known) if plan.run_sweep else _committed(plan, records)
        tables["sweep"].append(sweep)
        tables["shares"] += _shares(plan, sweep)
        ablation = _ablation(params, plan, early, known)
        tables["ablation"].append(ablation)
        full = ablation[ablation["variant"] == "full"]
        metrics = {
            str(record): {name: round(float(one[name].iloc[0]), 6) for name in ERRORS}
            for record, one in full.groupby("record")
        }
        for record, series in records.items():
            log.info("%s: probes and learning curves", record)
            opened = training.open_training(series, covariates, params.lstm, _month(params.backtest.first_origin))
            found = {
                "probes": training.probe_table(opened, params.lstm.lookback),
                "curves": training.curve_table(opened),
                "layers": training.layers(opened),
            }
            for name, frame in found.items():
                tables[name].append(frame.assign(record=record))
    for name, frames in tables.items():
        joined = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        text = joined.to_csv(index=False, float_format="%.8g", lineterminator="\n")
        write_text(text, paths.UNDERSTANDING / f"{name}.csv")
    write_json(metrics, paths.EARLY_METRICS)


def _month(text: str) -> np.datetime64:
    return np.datetime64(f"{text}-01", "s")


def _before(records: dict[str, xr.Dataset], plan: UnderstandParams) -> dict[str, xr.Dataset]:
    """Series without the months that no trial may see."""
    return {name: series.sel(time=series["time"].values < _month(plan.before)) for name, series in records.items()}


def _trial(
    params: Params, plan: UnderstandParams, series: xr.Dataset, covariates: xr.Dataset, forecasters: Sequence[Any]
) -> Trial:
    wanted = tuple(origins(plan.first_origin, plan.every, plan.origins))
    return Trial(series, covariates, tuple(forecasters), wanted, plan.refit_every, params.backtest.min_history)


def _sweep(
    params: Params, plan: UnderstandParams, early: dict[str, xr.Dataset], covariates: xr.Dataset
) -> pd.DataFrame:
    """Errors of every setting of the design."""
    from climate.forecasters.networks.lstm import DirectLstm

    signs = design.half_fraction(len(plan.levels))
    chosen = design.settings_of(signs, plan.levels)
    whole = {name: type(getattr(params.lstm, name)) for name in plan.levels}
    settings = [
        params.lstm.model_copy(update={name: whole[name](value) for name, value in one.items()}) for one in chosen
    ]
    groups = groups_by_shape(settings)
    tasks = []
    for group in groups:
        networks = [(DirectLstm(_with_seed(settings[place], seed)), True) for place in group for seed in plan.seeds]
        tasks.append([_trial(params, plan, series, covariates, networks) for series in early.values()])
    results = run_tasks(run_trials, tasks, settled(params.compute), "sweep")
    errors: dict[str, FloatArray] = {
        record: np.zeros((len(settings), len(plan.seeds), len(LEAD_SPANS))) for record in early
    }
    for group, result in zip(groups, results, strict=True):
        for record, values in zip(early, result, strict=True):
            errors[record][group] = values.reshape(len(group), len(plan.seeds), -1)
    rows = []
    for record, error in errors.items():
        for number, one in enumerate(chosen):
            for replicate, seed in enumerate(plan.seeds):
                scores = dict(zip(ERRORS, error[number, replicate], strict=True))
                rows.append({"record": record, "seed": seed, **one, **scores})
    return pd.DataFrame(rows)


def _committed(plan: UnderstandParams, records: dict[str, xr.Dataset]) -> pd.DataFrame:
    """The sweep that was run before, of the records of this run. Raises ClimateError where it has other levels."""
    sweep = pd.read_csv(paths.SWEEP)
    for name, levels in plan.levels.items():
        found = sorted(float(value) for value in sweep[name].unique()) if name in sweep else []
        if found != sorted(map(float, levels)):
            raise ClimateError(
                f"{paths.SWEEP}: levels of {name} are {found}, expected {list(levels)} as in params.yaml; set "
                "understand.run_sweep to true"
            )
    return sweep[sweep["record"].isin(records)]


def _shares(plan: UnderstandParams, sweep: pd.DataFrame) -> list[pd.DataFrame]:
    """Shares of variance of the design's effects for each record and span of leads, from rows in the design's order."""
    signs, frames = design.half_fraction(len(plan.levels)), []
    for record, one in sweep.groupby("record", sort=False):
        for span, column in zip(LEAD_SPANS, ERRORS, strict=True):
            response = np.log(one[column].to_numpy(dtype=float).reshape(len(signs), -1))
            frames.append(design.variance_shares(signs, list(plan.levels), response).assign(record=record, leads=span))
    return frames


def _with_seed(settings: LstmParams, seed: int) -> LstmParams:
    return settings.model_copy(update={"seeds": [seed]})


def _ablation(
    params: Params, plan: UnderstandParams, early: dict[str, xr.Dataset], covariates: xr.Dataset
) -> pd.DataFrame:
    """Errors of the network in use and of the same with something taken away."""
    named = variants(params.lstm, plan.short_lookback)
    tasks = [[_trial(params, plan, series, covariates, list(named.values()))] for series in early.values()]
    rows = []
    for record, (result,) in zip(early, run_tasks(run_trials, tasks, settled(params.compute), "ablation"), strict=True):
        for variant, errors in zip(named, result, strict=True):
            rows.append({"record": record, "variant": variant, **dict(zip(ERRORS, errors, strict=True))})
    return pd.DataFrame(rows)
