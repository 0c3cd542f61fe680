"""Stage `ledger`: the issued forecasts, written down once; earlier lines are checked and stay as they are."""

from __future__ import annotations

import hashlib
import logging

import numpy as np
import pandas as pd
import xarray as xr

from climate import paths
from climate.files import read_netcdf, write_text
from climate.params.params import load_params
from climate.params.sections import OPPONENT
from climate.sources.provenance import read_provenance
from climate.verify.ledger import AT_ISSUE, COLUMNS, LATER, LEADS, Stamp, append, issue, parse, render
from climate.verify.losses import Blocks

log = logging.getLogger("climate")


def run() -> None:
    """Append the forecasts from the last month of each region to reports/ledger.csv, unless they are in it."""
    params = load_params()
    ledger = pd.DataFrame(columns=list(COLUMNS), dtype=str)
    if paths.LEDGER.exists():
        ledger = parse(paths.LEDGER.read_text(encoding="utf-8"))
    else:
        log.warning("%s not found: a new one begins; `git checkout` restores lines that were committed", paths.LEDGER)
    before, opponents = len(ledger), read_netcdf(paths.OPPONENTS)
    for region in params.regions:
        table, series = read_netcdf(paths.forecast_file("combined", region)), read_netcdf(paths.series_file(region))
        if "skipped" in table.attrs:
            continue
        simple = opponent(opponents, str(series.attrs["quantity"]), params.score.blocks)
        models = [simple if name == OPPONENT else name for name in params.ledger.models]
        made = stamp(series, table["origin"].values[-1])
        ledger = append(ledger, issue(table, series, models, made, params.combine.min_verified))
    write_text(render(ledger), paths.LEDGER)
    log.info("Ledger: %d lines, %d of them new", len(ledger), len(ledger) - before)


def opponent(opponents: xr.Dataset, quantity: str, blocks: Blocks) -> str:
    """The opponent of a quantity in the block of leads nearest to those of the ledger; "" where none was chosen."""
    first, last = np.array([*blocks.values()]).T
    nearest = list(blocks)[int(np.argmin(abs(first - 1) + abs(last - LEADS)))]
    known = quantity in opponents["quantity"].values
    return str(opponents["opponent"].sel(quantity=quantity, block=nearest).item()) if known else ""


def stamp(series: xr.Dataset, origin: np.datetime64) -> Stamp:
    """The bytes behind a series whose last value is that of `origin`."""
    used = ",".join(filter(None, np.unique(series["source"].values.astype(str))))
    keys = sorted(set(used.split(",")))
    sources = {key: read_provenance(paths.DATA / key) for key in keys}
    digest = hashlib.sha256()
    for key, source in sources.items():
        for name, file in sorted(source.files.items()):
            digest.update(f"{key}/{name} {file.sha256}\n".encode())
    newest = str(series["source"].sel(time=origin).item()).split(",")
    dated = {key: sources[key].source.dated for key in newest}
    older = any(sources[key].vintage in names[:-1] for key, names in dated.items())
    vintage = "+".join(f"{key}@{source.vintage}" for key, source in sources.items())
    return Stamp(vintage, digest.hexdigest()[:12], LATER if older else AT_ISSUE)
