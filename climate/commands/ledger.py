"""`climate vintages issue`: the forecasts that the models make from an older release, added to the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate import paths
from climate.errors import ClimateError, counted
from climate.files import read_arrays, read_netcdf, read_parts, write_text
from climate.forecasters.base import Forecaster
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.planet.estimation import Estimation
from climate.forecasters.registry import find_model, make
from climate.hindcast.issued_earlier import issued_at
from climate.params.params import Params, load_params
from climate.params.regions import required_sources
from climate.sources.catalogue import find_source
from climate.sources.releases import release
from climate.sources.revisions import revisions
from climate.stages.ledger import ledger_models, lines_of, read_ledger
from climate.verify.ledger import LATER, append, render, stamp


def issue(key: str, vintage: str) -> str:
    """Add the forecasts from the last month of an older release of source `key` to reports/ledger.csv.

    They are marked as made later. Regions whose records rest on another source that grows are left out. The models
    run on the series of build/, cut at that month, so the release in data/ must hold all values of the older one.

    Raises:
        ClimateError: it does not, a vintage is unavailable, or no region rests on the source alone.
    """
    params = load_params()
    chosen = regions_of(key, params)
    with release(key, vintage) as older, release(key, params.pull.sources[key].vintage) as newer:
        month = last_month(older.read(), newer.read(), f"{key} {vintage}")
        made = stamp({key: (older.vintage, older.digests)}, LATER)
    ledger, covariates = read_ledger(), read_netcdf(paths.COVARIATES)
    before = len(ledger)
    for region in chosen:
        table, series = read_netcdf(paths.forecast_file("combined", region)), read_netcdf(paths.series_file(region))
        if "skipped" in table.attrs:
            continue
        wanted = [name for name in ledger_models(params, str(series.attrs["quantity"])) if name in table["model"]]
        forecasters = make_forecasters(wanted, params)
        then = issued_at(month, table, series, covariates, forecasters, params.backtest, params.combine.min_verified)
        ledger = append(ledger, lines_of(params, region, then, series, made))
    write_text(render(ledger), paths.LEDGER)
    return (
        f"{paths.LEDGER}: {counted(len(ledger) - before, 'line')} added, forecasts of {counted(len(chosen), 'region')} "
        f"from {str(month)[:7]}, made later"
    )


def regions_of(key: str, params: Params) -> list[str]:
    """Regions that, with the covariates, rest on source `key` and on sources that do not grow. ClimateError without."""
    if key not in params.pull.sources:
        raise ClimateError(f"{key}: not in params.yaml, expected a source of pull.sources, {[*params.pull.sources]}")

    def growing(name: str) -> set[str]:
        needed = required_sources(name, params.definitions, params.harmonize)
        return {one for one in needed if one in params.pull.own or find_source(one).cadence != "static"}

    shared = {one for name in params.covariates for one in growing(name)}
    chosen = [name for name in params.regions if growing(name) | shared == {key}]
    if not chosen:
        raise ClimateError(
            f"{key}: found no region that rests on it alone, expected one; `climate vintages as-of MONTH` runs the "
            "whole pipeline on earlier data"
        )
    return chosen


def last_month(old: xr.Dataset, new: xr.Dataset, name: str) -> np.datetime64:
    """The month in which the older release ends. ClimateError unless the newer one holds all of its values."""
    table = revisions(old, new)
    changed = sum(int(table[what].sum()) for what in ("revised", "filled_revised", "only_old"))
    if changed:
        raise ClimateError(
            f"{name}: found {counted(changed, 'value')} that the release in data/ revises or lacks, expected none; "
            f"`climate vintages as-of {str(old['time'].values[-1])[:7]}` runs the whole pipeline on earlier data"
        )
    last: np.datetime64 = old["time"].values[-1]
    return last


def make_forecasters(names: Sequence[str], params: Params) -> list[Forecaster]:
    """The models, each with the settings of its section."""
    settings: dict[str, tuple[object, ...]] = {"lstm": (params.lstm.settings(NetworkSettings),)}
    sections = {name: find_model(name).section or "baselines" for name in names}
    if "planet" in sections.values():
        parts, _ = read_parts(paths.ESTIMATIONS, ".npz", read_arrays)
        settings["planet"] = ([Estimation.from_arrays(arrays) for arrays in parts],)
    return [make(name, *settings.get(section, ())) for name, section in sections.items()]
