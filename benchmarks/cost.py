"""CPU seconds of one estimation and of one forecast, for every model of params.yaml.

`OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 python -m benchmarks.cost [REGION]` reads
build/series/REGION.nc (the globe without it), lets every model learn from the months up to the first origin ROUNDS
times, after a first round that pays for imports and compilation, and writes the least times to benchmarks/cost.json,
which the report quotes, and to benchmarks/README.md. The forecasters of the planet are charged for what the region
adds, not for the estimations, which all regions share. CPU time of the process, so that other programs disturb it
little. The times belong to one machine and one day; they are not part of the pipeline.
"""

from __future__ import annotations

import datetime
import os
import platform
import sys
import time
from pathlib import Path

import xarray as xr

from benchmarks.readme import put
from climate import paths
from climate.files import read_arrays, read_netcdf, read_parts, write_json
from climate.forecasters.base import Forecaster, as_panel
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.planet.estimation import Estimation
from climate.forecasters.planet.forecaster import refusal
from climate.forecasters.registry import make
from climate.hindcast.rolling import history_of
from climate.params.params import load_params

TARGET = Path(__file__).with_name("cost.json")
ROUNDS = 3


def processor() -> str:
    """Name of the processor, and how many there are."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one of {os.cpu_count()} cores"


def measure(forecaster: Forecaster, history: xr.Dataset, leads: int, rounds: int = 1) -> dict[str, float | str]:
    """One row: least CPU seconds of `rounds` estimations and forecasts, after one that pays for compilation."""
    fits, forecasts = [], []
    for _ in range(1 + rounds):
        start = time.process_time()
        fitted = forecaster.fit(history)
        middle = time.process_time()
        fitted.forecast(history, leads)
        fits.append(middle - start)
        forecasts.append(time.process_time() - middle)
    return {
        "model": forecaster.name,
        "fit_seconds": round(min(fits[1:]), 4),
        "forecast_seconds": round(min(forecasts[1:]), 4),
    }


def early_history(region: str, first_origin: str) -> xr.Dataset:
    """What a forecaster is given at the first origin."""
    whole = history_of(read_netcdf(paths.series_file(region)), read_netcdf(paths.COVARIATES))
    return as_panel(whole.sel(time=slice(None, first_origin)))


def table(rows: list[dict[str, float | str]]) -> str:
    """Markdown."""
    lines = ["| model | estimation | forecast |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| {row['model']} | {row['fit_seconds']} s | {row['forecast_seconds']} s |" for row in rows)]
    )


def main() -> None:
    """Measure all models and write the file."""
    params = load_params()
    region = sys.argv[1] if len(sys.argv) > 1 else "globe"
    history = early_history(region, params.backtest.first_origin)
    forecasters: list[Forecaster] = [make(name) for name in params.baselines.models]
    forecasters += [make(name, params.lstm.settings(NetworkSettings)) for name in params.lstm.models]
    if not refusal(read_netcdf(paths.series_file(region))):
        estimations = [
            Estimation.from_arrays(arrays) for arrays in read_parts(paths.ESTIMATIONS, ".npz", read_arrays)[0]
        ]
        forecasters += [make(name, estimations) for name in params.planet.models]
    rows = []
    for forecaster in forecasters:
        rows.append(measure(forecaster, history, params.backtest.leads, ROUNDS))
        print(*rows[-1].values(), flush=True)
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "region": region,
        "models": rows,
    }
    put("cost", table(rows))
    write_json(result, TARGET)


if __name__ == "__main__":
    main()
