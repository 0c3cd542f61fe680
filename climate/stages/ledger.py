"""Stage `ledger`: the issued forecasts, written down once; earlier lines are checked and stay as they are."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import xarray as xr

from climate import paths
from climate.files import read_netcdf, read_text, write_text
from climate.hindcast.early import calibrated_early
from climate.params.params import Params, load_params
from climate.params.sections import OPPONENT
from climate.sources.provenance import read_provenance
from climate.verify.ledger import AT_ISSUE, LATER, Stamp, append, empty, issue, opponent, parse, render, stamp

log = logging.getLogger("climate")


def run() -> None:
    """Append the forecasts from the last month of each region to reports/ledger.csv, unless they are in it."""
    params = load_params()
    ledger = read_ledger()
    before = len(ledger)
    for region in params.regions:
        table, series = read_netcdf(paths.forecast_file("combined", region)), read_netcdf(paths.series_file(region))
        if "skipped" not in table.attrs:
            made = stamp_of(series, table["origin"].values[-1])
            ledger = append(ledger, lines_of(params, region, table, series, made))
    write_text(render(ledger), paths.LEDGER)
    log.info("Ledger: %d lines, %d of them new", len(ledger), len(ledger) - before)


def read_ledger() -> pd.DataFrame:
    """The ledger, whose lines are checked; empty, with a warning, where there is none."""
    if paths.LEDGER.exists():
        return parse(read_text(paths.LEDGER))
    log.warning("%s not found: a new one begins; `git checkout` restores lines that were committed", paths.LEDGER)
    return empty()


def lines_of(params: Params, region: str, table: xr.Dataset, series: xr.Dataset, made: Stamp) -> pd.DataFrame:
    """Lines of the forecasts from the last origin of `table`, by the models of params.yaml."""
    models = ledger_models(params, str(series.attrs["quantity"]))
    early = calibrated_early(read_netcdf(paths.forecast_file("early", region)), params)
    return issue(table, early, series, models, made, params.combine.min_verified)


def ledger_models(params: Params, quantity: str) -> list[str]:
    """`ledger.models`, with the name of the opponent."""
    simple = opponent(read_netcdf(paths.OPPONENTS), quantity, params.score.blocks)
    return [simple if name == OPPONENT else name for name in params.ledger.models]


def stamp_of(series: xr.Dataset, origin: np.datetime64) -> Stamp:
    """The bytes behind a series whose last value is that of `origin`."""
    used = ",".join(filter(None, np.unique(series["source"].values.astype(str)))).split(",")
    sources = {key: read_provenance(paths.DATA / key) for key in sorted(set(used))}
    newest = str(series["source"].sel(time=origin).item()).split(",")
    older = any(sources[key].vintage in sources[key].source.dated[:-1] for key in newest)
    files = {
        key: (source.vintage, {name: file.sha256 for name, file in source.files.items()})
        for key, source in sources.items()
    }
    return stamp(files, LATER if older else AT_ISSUE)
