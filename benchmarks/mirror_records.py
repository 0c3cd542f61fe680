"""The contest on the publishers' own records: GISTEMP's global temperature and NOAA's Mauna Loa CO2.

    CLIMATE_MIRROR=/path/to/mirror python -m benchmarks.mirror_records [--series gistemp] [--models sarima,lstm-hybrid]

Same forecasters, origins and scores as the reference run (params.yaml), on records that the reference run does not
rest on; Nino 3.4 is that of NOAA PSL (sea surface temperature). The script writes the table of ratios to standard
output and, with `--readme`, between the two marks of benchmarks/README.md. Nothing of the mirror is written anywhere.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from benchmarks.readme import put
from climate.forecasters.base import Forecaster
from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.combine.ensemble import MEMBERS, combine, join_tables
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import calibrated, find_model, make, names_of
from climate.harmonize.series import join_covariates
from climate.hindcast.rolling import backtest, origins
from climate.params.params import Params, load_params
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read
from climate.verify.contest import in_hindsight
from climate.verify.losses import block_losses, cell_scores
from climate.verify.scores import score_blocks

ROOT = Path(__file__).resolve().parent.parent

RECORDS = {
    "co2": ("noaa-co2-mlo", "noaa-gml", None, "NOAA, Mauna Loa CO2"),
    "gistemp": ("gistemp-global", "nasa-giss", "global", "GISTEMP, global temperature"),
}
"""Key -> source, its folder in the mirror, series, title."""

ENSO = ("nino34", "noaa-psl")
"""Source of the covariate, and its folder."""

BLOCKS = {"1": (1, 1), "1-12": (1, 12), "1-60": (1, 60)}


def record(mirror: Path, key: str, folder: str, series: str | None) -> xr.Dataset:
    """One series of a source (time), on a month axis without gaps."""
    data = read(find_source(key), mirror / folder)
    one = data.sel(series=series) if series else data.isel(series=0)
    known = one["value"].notnull().values
    first, last = np.flatnonzero(known)[[0, -1]]
    one = one.isel(time=slice(first, last + 1))
    months = one["time"].values.astype("datetime64[M]")
    whole = np.arange(months[0], months[-1] + 1).astype(one["time"].dtype)
    kept = one[["value", "uncertainty"]].drop_vars("series", errors="ignore").reindex(time=whole)
    return kept.assign_attrs(region=key, title=key, units=str(data.attrs.get("units", "")))


def forecasters(params: Params, wanted: Sequence[str]) -> list[Forecaster]:
    """Those of params.yaml, or the wanted ones."""
    names = list(wanted) or [*params.baselines.models, *params.lstm.models]
    models = [find_model(name, names_of("baselines", "lstm"), "--models") for name in names]
    settings = params.lstm.settings(NetworkSettings)
    return [make(model.name, *([settings] if model.section == "lstm" else [])) for model in models]


def ratios(series: xr.Dataset, covariates: xr.Dataset, params: Params, wanted: Sequence[str]) -> xr.Dataset:
    """Ratio of CRPS to the best classical model, and coverage of the 90% interval (model, block)."""
    plan = params.backtest
    months = origins(plan.first_origin, plan.every, plan.origins)
    made = forecasters(params, wanted)
    table = backtest(series, covariates, made, months, plan.leads, plan.refit_every)
    if sum(forecaster.name in MEMBERS for forecaster in made) > 1:
        table = join_tables([table, combine(table, params.combine.min_verified)])
    table = calibrate(table, calibrated(table["model"].values), params.combine.min_verified)
    cells = cell_scores(table)
    return in_hindsight(block_losses(cells, BLOCKS)).merge(score_blocks(cells, BLOCKS)[["crps", "coverage90"]])


def rows(title: str, found: xr.Dataset) -> list[str]:
    """The table of one record as Markdown."""
    best = ", ".join(
        f"{block}: {found['hindsight'].sel(block=block).item()} "
        f"{found['crps'].sel(model=found['hindsight'].sel(block=block).item(), block=block).item():.4g}"
        for block in BLOCKS
    )
    lines = [f"**{title}** (best classical model of each block and its CRPS: {best})", ""]
    lines += [
        "| model | " + " | ".join(f"leads {block}" for block in BLOCKS) + " | covered, 1-12 |",
        "|---|" + "---|" * 4,
    ]
    order = found["ratio_hindsight"].sel(block="1-60").argsort().values
    for model in found["model"].values[order]:
        one = found.sel(model=model)
        values = " | ".join(f"{one['ratio_hindsight'].sel(block=block).item():.3f}" for block in BLOCKS)
        lines.append(f"| {model} | {values} | {100 * one['coverage90'].sel(block='1-12').item():.0f}% |")
    return [*lines, ""]


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--series", choices=list(RECORDS), action="append")
    parser.add_argument("--models", default="", help="names, separated by commas; those of params.yaml if absent")
    parser.add_argument("--readme", action="store_true", help="write the table into benchmarks/README.md")
    chosen = parser.parse_args(arguments)
    if "CLIMATE_MIRROR" not in os.environ:
        sys.exit("CLIMATE_MIRROR is not set: it has to name a folder laid out like the publishers' mirror")
    mirror = Path(os.environ["CLIMATE_MIRROR"])
    params = load_params(ROOT / "params.yaml")
    covariates = join_covariates({"nino34": record(mirror, *ENSO, None)})
    wanted = [name for name in chosen.models.split(",") if name]
    lines: list[str] = []
    for name in chosen.series or RECORDS:
        key, folder, series, title = RECORDS[name]
        lines += rows(title, ratios(record(mirror, key, folder, series), covariates, params, wanted))
    text = "\n".join(lines)
    print(text)
    if chosen.readme:
        put("mirror records", text)


if __name__ == "__main__":
    main(sys.argv[1:])
