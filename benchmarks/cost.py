"""CPU seconds of one estimation and of one forecast, for every model of params.yaml.

`OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 python benchmarks/cost.py [REGION]` reads
build/series/REGION.nc (the globe without it), lets every model learn from the months up to the first origin twice, and
writes the times of the second round to benchmarks/cost.json, which the report quotes: the first round pays for imports
and compilation. CPU time of the process, so that other programs disturb it little. The times belong to one machine and
one day; they are not part of the pipeline.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
import time
from pathlib import Path

import xarray as xr

from climate import layout
from climate.files import read_netcdf
from climate.forecasters.classical.baselines import BASELINES
from climate.forecasters.common.base import Forecaster
from climate.forecasters.networks.lstm import LSTMS
from climate.params import load_params

TARGET = Path(__file__).with_name("cost.json")
ROUNDS = 2


def processor() -> str:
    """Name of the processor, and how many there are."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, one of {os.cpu_count()} cores"


def measure(forecaster: Forecaster, history: xr.Dataset, leads: int) -> dict[str, float | str]:
    """One row: CPU seconds of the last of ROUNDS estimations and forecasts."""
    fit = forecast = 0.0
    for _ in range(ROUNDS):
        start = time.process_time()
        fitted = forecaster.fit(history)
        middle = time.process_time()
        fitted.forecast(history, leads)
        fit, forecast = middle - start, time.process_time() - middle
    return {"model": forecaster.name, "fit_seconds": round(fit, 4), "forecast_seconds": round(forecast, 4)}


def main() -> None:
    """Measure all models and write the file."""
    params = load_params()
    region = sys.argv[1] if len(sys.argv) > 1 else "globe"
    series = read_netcdf(layout.series_file(region))
    history = xr.Dataset({"value": series["value"].drop_attrs().astype(float)})
    history["covariate"] = read_netcdf(layout.COVARIATES)["covariate"].reindex(time=series["time"])
    history = history.sel(time=slice(None, params.backtest.first_origin))
    forecasters: list[Forecaster] = [BASELINES[name]() for name in params.baselines.models]
    forecasters += [LSTMS[name](params.lstm) for name in params.lstm.models]
    rows = []
    for forecaster in forecasters:
        rows.append(measure(forecaster, history, params.backtest.leads))
        print(*rows[-1].values())
    result = {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "region": region,
        "models": rows,
    }
    TARGET.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
