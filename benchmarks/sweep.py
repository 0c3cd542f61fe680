"""A designed sweep of five settings of the direct LSTM; writes benchmarks/sweep.csv, which the notebook on it reads.

Two levels of each setting and half of all combinations: the last setting's level is the product of the others'
(2^(5-1), resolution V), so that every effect of one setting and of a pair can be estimated separately. Box, Hunter and
Hunter (2005), Statistics for Experimenters, chapter 6.

Usage: python benchmarks/sweep.py, in the repository's top folder after `climate harmonize`
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pandas as pd

from climate import paths
from climate.files import read_netcdf
from climate.forecasters.networks.lstm import DirectLstm
from climate.forecasters.networks.settings import NetworkSettings
from climate.hindcast.rolling import backtest, origins
from climate.parallel.tasks import settled
from climate.params.params import load_params
from climate.params.regions import check_no_lookahead
from climate.schema import MAX_LEADS
from climate.verify.losses import cell_scores

RECORDS = ("mauna-loa-co2", "globe")
SEEDS = (21, 22)
"""Replicates of each combination."""

LEVELS = {
    "units": (8, 32),
    "lookback": (24, 60),
    "epochs": (4, 16),
    "learning_rate": (0.0005, 0.002),
    "batch": (32, 128),
}
"""Low and high level of each setting of `lstm` in params.yaml."""

FIRST_ORIGIN, EVERY, ORIGINS = "1990-12", 12, 10
LAST_MONTH = "2004-12"
"""No later month is read: the contest of the report begins afterwards."""

REFIT_EVERY = 240
"""Months between trainings: one serves all origins."""


def combinations() -> list[dict[str, float]]:
    """Settings of each run."""
    half = [(*signs, prod(signs)) for signs in product((-1, 1), repeat=len(LEVELS) - 1)]
    return [{name: LEVELS[name][sign > 0] for name, sign in zip(LEVELS, signs, strict=True)} for signs in half]


def main() -> None:
    """Run the sweep on every record and write the table."""
    params = load_params()
    check_no_lookahead(params.harmonize, FIRST_ORIGIN)
    settings = params.lstm.settings(NetworkSettings)
    runs: list[dict[str, Any]] = [{"seed": seed, **settings} for settings in combinations() for seed in SEEDS]
    networks = [
        DirectLstm(
            replace(settings, seeds=(int(run["seed"]),), **{name: run[name] for name in LEVELS}),
            name=" ".join(map(str, run.values())),
        )
        for run in runs
    ]
    until = slice(None, LAST_MONTH)
    frames = []
    for record in RECORDS:
        table = backtest(
            read_netcdf(paths.series_file(record)).sel(time=until),
            read_netcdf(paths.COVARIATES).sel(time=until),
            networks,
            origins(FIRST_ORIGIN, EVERY, ORIGINS),
            MAX_LEADS,
            REFIT_EVERY,
            compute=settled(params.compute),
        )
        crps = cell_scores(table)["crps"]
        errors = {
            f"crps_{first}_{last}": crps.sel(lead=slice(first, last)).mean(["origin", "lead"]).values
            for first, last in ((1, 12), (1, MAX_LEADS))
        }
        frames.append(pd.DataFrame(runs).assign(**errors).assign(record=record))
    sweep = pd.concat(frames)[["record", "seed", *LEVELS, *errors]]
    sweep.to_csv(Path("benchmarks/sweep.csv"), index=False, float_format="%.8g", lineterminator="\n")


if __name__ == "__main__":
    main()
