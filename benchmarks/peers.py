"""Forecasting libraries on this project's series and origins, scored beside its own models.

    pip install -e '.[peers]'
    dvc repro score
    python -m benchmarks.peers tune     # settings, on origins verified before 2005
    python -m benchmarks.peers run      # every origin of params.yaml
    python -m benchmarks.peers score    # -> benchmarks/peers.json and the table of benchmarks/README.md

`run` leaves one table per model and series in build/peers, so that it can be stopped and go on. This project's own
scores are read from build/scores.nc; seconds per fit of both are measured by `speed.py` in one run.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks import peer_models as peers
from benchmarks.readme import put
from climate import paths
from climate.errors import ClimateError
from climate.files import read_json, read_netcdf, write_json, write_netcdf
from climate.hindcast.rolling import backtest, origins
from climate.params.params import load_params
from climate.verify.losses import cell_scores
from climate.verify.scores import score_blocks

SERIES = ("mauna-loa-co2", "globe")
TABLES = Path("build/peers")
CHOICES = Path("benchmarks/peer_choices.json")
RESULT = Path("benchmarks/peers.json")

EARLY = ("1989-12", 12, 11)
"""First origin, months between, number: the last forecast of 60 months is verified in 2004-12."""
EARLY_REFIT = 1200
"""One estimation serves all early origins: choosing shall be cheap."""
STATISTICAL = ("AutoARIMA", "AutoETS", "AutoTheta", "MSTL", "prophet", "AutoCES")
OWN = ("lstm-direct", "ridge-enso", "unobserved-components", "sarima", "ets")
"""This project's models that stand in the table of benchmarks/README.md beside the libraries'."""
PACKAGES = ("statsforecast", "neuralforecast", "prophet", "torch", "statsmodels", "tensorflow-cpu", "keras", "numpy")


def candidates(name: str) -> list[tuple[str, Any]]:
    """Labels and forecasters to choose from."""
    if name == "prophet":
        return [(label, peers.ProphetPeer(settings)) for label, settings in peers.prophet_candidates()]
    if name in peers.NEURAL:
        return list(peers.neural_candidates(name))
    return [(label, peers.StatsPeer(name, make)) for label, make in peers.stats_candidates()[name]]


def data(region: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Series and covariates."""
    return read_netcdf(paths.series_file(region)), read_netcdf(paths.COVARIATES)


def crps(table: xr.Dataset, blocks: dict[str, tuple[int, int]]) -> dict[str, float]:
    """Mean CRPS of the only model of a table."""
    scores = score_blocks(cell_scores(table), blocks)["crps"].isel(model=0)
    return {str(block): float(scores.sel(block=block)) for block in blocks}


def tune(names: list[str]) -> None:
    """Choose each peer's settings on early origins and write them to CHOICES."""
    found = read_json(CHOICES) if CHOICES.exists() else {}
    for region in SERIES:
        series, covariates = data(region)
        # nothing after 2004 is even loaded
        early = series.sel(time=slice(None, "2004-12"))
        for name in names:
            options = candidates(name)
            if name in found.get(region, {}) or len(options) == 1:
                continue
            tried: list[dict[str, Any]] = []
            for label, forecaster in options:
                start = time.perf_counter()
                table = backtest(
                    early, covariates.sel(time=slice(None, "2004-12")), [forecaster], origins(*EARLY), 60, EARLY_REFIT
                )
                tried.append({"settings": label, **crps(table, {"1-12": (1, 12), "1-60": (1, 60)})})
                print(region, name, tried[-1], f"{time.perf_counter() - start:.0f} s", flush=True)
            best = min(tried, key=lambda one: np.log(one["1-12"]) + np.log(one["1-60"]))
            found.setdefault(region, {})[name] = {"chosen": best["settings"], "tried": tried}
            write_json(found, CHOICES)


def chosen(region: str, name: str) -> tuple[str, Any]:
    """The settings that `tune` chose; else the first of the candidates, marked as not tuned."""
    options = dict(candidates(name))
    if len(options) == 1:
        return next(iter(options.items()))
    tuned = read_json(CHOICES).get(region, {}).get(name) if CHOICES.exists() else None
    if tuned is None:
        label, forecaster = next(iter(options.items()))
        return f"{label} (not tuned)", forecaster
    return str(tuned["chosen"]), options[tuned["chosen"]]


def run(names: list[str]) -> None:
    """Backtest every peer on all origins; tables go to TABLES."""
    params = load_params()
    plan = params.backtest
    for name in names:
        for region in SERIES:
            target = TABLES / region / f"{name}.nc"
            if target.exists():
                continue
            label, forecaster = chosen(region, name)
            series, covariates = data(region)
            start = time.perf_counter()
            table = backtest(
                series,
                covariates,
                [forecaster],
                origins(plan.first_origin, plan.every, plan.origins),
                plan.leads,
                plan.refit_every,
            )
            table.attrs["settings"] = label
            write_netcdf(table, target)
            print(region, name, f"{time.perf_counter() - start:.0f} s", flush=True)


def score() -> None:
    """Score the peers on every verified forecast and write RESULT, with this project's scores on the same sample.

    Raises:
        ClimateError: a peer has not as many verified forecasts as this project's models.
    """
    blocks = load_params().score.blocks
    scores = read_netcdf(paths.SCORES)
    result: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "versions": {name: found for name in PACKAGES if (found := installed(name))},
        "series": {},
    }
    for region in SERIES:
        series, _ = data(region)
        own = scores.sel(region=region)
        own = own.isel(model=own["crps"].notnull().all("block").values)
        rows = {}
        for path in sorted((TABLES / region).glob("*.nc")):
            table = read_netcdf(path)
            one = score_blocks(cell_scores(table), blocks).isel(model=0)
            if not np.array_equal(one["n"], own["n"].sel(block=one["block"])):
                raise ClimateError(
                    f"{path}: {one['n'].values} verified forecasts by block, expected {own['n'].values} as in "
                    f"{paths.SCORES}; run both on the same origins and records"
                )
            settings = {"settings": str(table.attrs["settings"]), "refit_every": int(table.attrs["refit_every"])}
            rows[path.stem] = settings | by_block(one)
        result["series"][region] = {
            "title": str(series.attrs["title"]),
            "units": str(series.attrs["units"]),
            "n": {str(block): int(own["n"].sel(block=block)) for block in blocks},
            "models": rows,
            "own": {str(name): by_block(own.sel(model=name)) for name in own["model"].values},
        }
    write_json(result, RESULT)
    put("peers", markdown(result["series"]))


def by_block(one: xr.Dataset) -> dict[str, dict[str, float]]:
    """CRPS and coverage of one model, by block."""
    return {
        key: {str(block): round(float(one[key].sel(block=block)), 5) for block in one["block"].values}
        for key in ("crps", "coverage90")
    }


def markdown(series: dict[str, Any]) -> str:
    """Both packages' models of one series below one another, best CRPS at leads 1-12 first."""
    lines = ["| series | model | leads 1-12 | leads 1-60 | 90% interval covers, 1-12 | settings |", "|---" * 6 + "|"]
    for region, one in series.items():
        rows = one["models"] | {name: one["own"][name] | {"settings": "this project"} for name in OWN}
        for name, row in sorted(rows.items(), key=lambda item: item[1]["crps"]["1-12"]):
            crps = " | ".join(f"{row['crps'][block]:.3f}" for block in ("1-12", "1-60"))
            lines.append(f"| {region} | {name} | {crps} | {row['coverage90']['1-12']:.0%} | {row['settings']} |")
    return "\n".join(lines)


def installed(name: str) -> str | None:
    """Version of a package, None where it is absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    """Run one of the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=("tune", "run", "score"))
    parser.add_argument("--models", nargs="*", default=[*STATISTICAL, *peers.NEURAL])
    given = parser.parse_args()
    peers.quiet()
    if given.step == "tune":
        tune(given.models)
    elif given.step == "run":
        run(given.models)
    else:
        score()


if __name__ == "__main__":
    main()
