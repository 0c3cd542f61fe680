"""Processor seconds per series of this project's models, of statsmodels alone and of forecasting libraries, in one run.

    pip install -e '.[peers]'
    dvc repro harmonize
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 python -m benchmarks.speed

Every model learns from the months up to the first origin and forecasts from there, ROUNDS times after a first round
that pays for imports and compilation; the least is kept. Written to benchmarks/speed.json and to the table of
benchmarks/README.md, there beside the CRPS that each had over all origins (benchmarks/peers.json), for a fast model
that forecasts badly is no rival. `--table` makes the table again and measures nothing.
"""

from __future__ import annotations

import datetime
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from benchmarks import peer_models as peers
from benchmarks.cost import early_history, measure, processor
from benchmarks.peers import RESULT as PEERS
from benchmarks.peers import SERIES, chosen
from benchmarks.readme import put
from climate.files import read_json, write_json
from climate.forecasters.base import EachPlace, FittedPlace, FloatArray, fill_gaps, history_values
from climate.forecasters.classical.statespace import Sarima
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import make
from climate.params.params import load_params
from climate.schema import MONTHS_PER_YEAR

TARGET = Path(__file__).with_name("speed.json")
ROUNDS = 3
OWN = ("trend-ar1", "trend-arma", "ets", "sarima", "unobserved-components", "sarimax-enso", "ridge-enso")


@dataclass(frozen=True)
class Plain(EachPlace):
    """A statsmodels model as its manual shows it, without this project's options."""

    name: str
    make: Callable[[pd.Series], Any]

    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """Estimate with default options."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Plain.Fitted(self.make(pd.Series(fill_gaps(history_values(history)))).fit(disp=False))

    @dataclass(frozen=True)
    class Fitted:
        """What statsmodels returned."""

        result: Any
        parameters: int = 0
        fallbacks: int = 0

        def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
            """Mean and intervals of all levels, from the months that were fitted."""
            end = history.sizes["time"]
            return np.asarray(self.result.get_prediction(end, end + leads - 1).summary_frame())


def plain() -> Iterator[Plain]:
    """The two models that this project has with other options."""
    yield Plain(
        "SARIMAX (statsmodels)",
        lambda values: SARIMAX(values, order=Sarima.order, seasonal_order=(*Sarima.seasonal_order, MONTHS_PER_YEAR)),
    )
    yield Plain(
        "ETSModel (statsmodels)",
        lambda values: ETSModel(
            values, error="add", trend="add", damped_trend=True, seasonal="add", seasonal_periods=MONTHS_PER_YEAR
        ),
    )


def libraries(region: str) -> Iterator[tuple[str, Any]]:
    """Package and forecaster, with the settings of benchmarks/peers.json; and the ARIMA of this project's order."""
    from statsforecast import models

    for name in ("AutoARIMA", "AutoETS", "AutoTheta", "AutoCES", "MSTL", *peers.NEURAL):
        yield "neuralforecast" if name in peers.NEURAL else "statsforecast", chosen(region, name)[1]
    fixed = peers.StatsPeer(
        "ARIMA, same order (statsforecast)",
        lambda: models.ARIMA(order=Sarima.order, seasonal_order=Sarima.seasonal_order, season_length=MONTHS_PER_YEAR),
    )
    yield "statsforecast", fixed


def crps_of_all() -> dict[tuple[str, str], dict[str, float]]:
    """(series, model) -> CRPS by block, of this project's models and of the libraries'."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for region, one in read_json(PEERS)["series"].items():
        found |= {(region, model): scores["crps"] for model, scores in (one["own"] | one["models"]).items()}
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: the models of one series below one another, best CRPS at leads 1-12 first."""
    lines = ["| series | package | model | seconds to fit | to forecast | CRPS 1-12 | CRPS 1-60 |", "|---" * 7 + "|"]
    every = crps_of_all()

    def crps(row: dict[str, Any]) -> dict[str, float]:
        return every.get((row["series"], row["model"]), {})

    for row in sorted(rows, key=lambda row: (row["series"], crps(row).get("1-12", float("inf")))):
        scores = [f"{crps(row)[block]:.3f}" if crps(row) else "" for block in ("1-12", "1-60")]
        seconds = [f"{row[name]:.4f}" for name in ("fit_seconds", "forecast_seconds")]
        lines.append(f"| {' | '.join([row['series'], row['package'], row['model'], *seconds, *scores])} |")
    return "\n".join(lines)


def measure_all() -> list[dict[str, Any]]:
    """One row per series and model."""
    peers.quiet()
    params = load_params()
    rows: list[dict[str, Any]] = []
    for region in SERIES:
        history = early_history(region, params.backtest.first_origin)
        entries: list[tuple[str, Any]] = [("here", make(name)) for name in OWN]
        entries.append(("here", make("lstm-direct", params.lstm.settings(NetworkSettings))))
        entries += [("statsmodels", one) for one in plain()]
        entries += libraries(region)
        for package, forecaster in entries:
            seconds = measure(forecaster, history, params.backtest.leads, ROUNDS)
            rows.append({"series": region, "package": package, **seconds})
            print(*rows[-1].values(), flush=True)
    return rows


def main(arguments: list[str]) -> None:
    """Measure, unless the table alone is asked for, and write."""
    if "--table" not in arguments:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        write_json({"date": today, "machine": processor(), "models": measure_all()}, TARGET)
    put("speed", table(read_json(TARGET)["models"]))


if __name__ == "__main__":
    main(sys.argv[1:])
