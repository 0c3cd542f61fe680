"""Forecasting libraries behind this project's protocol, so that the same backtest runs them.

Each gets the same history, the same origins and the same quantile levels. Settings that were chosen are named here;
the choice was made on origins whose forecasts were all verified before 2005 (`peers.py --tune`).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.base import EachPlace, FloatArray, fill_gaps, history_values
from climate.forecasters.features import filled_covariates
from climate.schema import QUANTILES

SEASON = 12
LEVELS = [20, 40, 60, 80, 90]
"""Central intervals (per cent) whose bounds are all quantiles of the contract but the median."""

WINDOWS = 64
"""Training windows that a neural peer sees per step, as many rows as this project's LSTM has in a batch."""

SAMPLES = 1000
"""Prophet's draws per forecast."""

SEED = 11

CURVE_DEGREE = 2
"""Degree of the polynomial that is taken off before a network is trained on departures."""

Names = Mapping[str, Any]


def from_intervals(result: Mapping[str, Any]) -> FloatArray:
    """Quantiles (lead, quantile) from statsforecast's mean and bounds."""
    lower = [np.asarray(result[f"lo-{level}"], dtype=float) for level in reversed(LEVELS)]
    upper = [np.asarray(result[f"hi-{level}"], dtype=float) for level in LEVELS]
    table = np.column_stack([*lower, np.asarray(result["mean"], dtype=float), *upper])
    return np.maximum.accumulate(table, axis=1)


@dataclass(frozen=True)
class FittedStats:
    """A fitted statsforecast model; new months are filtered with its parameters kept."""

    model: Any
    parameters: int = 0
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `climate.forecasters.base.FittedPlace`."""
        result = self.model.forward(y=fill_gaps(history_values(history)), h=leads, level=LEVELS)
        return from_intervals(result)


@dataclass(frozen=True)
class StatsPeer(EachPlace):
    """One model class of statsforecast."""

    name: str
    make: Callable[[], Any]

    def fit_place(self, history: xr.Dataset) -> FittedStats:
        """Estimate, with the library's own selection where it has one."""
        model = self.make()
        model.fit(fill_gaps(history_values(history)))
        return FittedStats(model)


@dataclass
class FittedProphet:
    """Prophet cannot take new months without estimating anew, so it does at every origin: more often than the rest."""

    settings: Names
    parameters: int = 0
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `climate.forecasters.base.FittedPlace`."""
        from prophet import Prophet

        model = Prophet(
            yearly_seasonality=10,
            weekly_seasonality=False,
            daily_seasonality=False,
            uncertainty_samples=SAMPLES,
            **self.settings,
        )
        frame = pd.DataFrame({"ds": pd.to_datetime(history["time"].values), "y": history_values(history)})
        model.fit(frame, seed=SEED)
        np.random.seed(SEED)
        future = model.make_future_dataframe(leads, freq="MS", include_history=False)
        draws = model.predictive_samples(future)["yhat"]
        return np.asarray(np.quantile(draws, QUANTILES, axis=1).T)


@dataclass(frozen=True)
class ProphetPeer(EachPlace):
    """Prophet with yearly seasonality alone."""

    settings: Names = field(default_factory=dict)
    name: str = "prophet"

    def fit_place(self, history: xr.Dataset) -> FittedProphet:  # noqa: ARG002
        """Nothing: see `FittedProphet`."""
        return FittedProphet(self.settings)


def curve(months: FloatArray, size: int, degree: int) -> FloatArray:
    """Columns of a polynomial and of the annual cycle's harmonics, for least squares; months since the start."""
    scaled = months / size
    angle = 2 * np.pi * months[:, None] * np.arange(1, 5) / SEASON
    return np.column_stack([scaled[:, None] ** np.arange(degree + 1), np.sin(angle), np.cos(angle)])


@dataclass(frozen=True)
class FittedNeural:
    """A trained neuralforecast model and the curve that was taken off."""

    network: Any
    coefficients: FloatArray | None
    size: int
    degree: int
    parameters: int
    fallbacks: int = 0

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `climate.forecasters.base.FittedPlace`."""
        frame = neural_frame(history, self.coefficients, self.size, self.degree)
        predicted = self.network.predict(df=frame).iloc[:leads, 2:].to_numpy(dtype=float)
        months = np.arange(history.sizes["time"], history.sizes["time"] + leads, dtype=float)
        trend = 0.0 if self.coefficients is None else curve(months, self.size, self.degree) @ self.coefficients
        return np.asarray(np.sort(predicted, axis=1) + np.reshape(trend, (-1, 1)))


def neural_frame(history: xr.Dataset, coefficients: FloatArray | None, size: int, degree: int) -> pd.DataFrame:
    """The history as neuralforecast wants it: the record, less the curve if there is one, and Nino 3.4."""
    values = fill_gaps(history_values(history))
    if coefficients is not None:
        values = values - curve(np.arange(values.size, dtype=float), size, degree) @ coefficients
    covariates = filled_covariates(history)
    frame = pd.DataFrame({"unique_id": "series", "ds": pd.to_datetime(history["time"].values), "y": values})
    if covariates.shape[1]:
        frame["nino34"] = covariates[:, 0]
    return frame


@dataclass(frozen=True)
class NeuralPeer(EachPlace):
    """A model class of neuralforecast: all leads at once, pinball loss over the same quantile levels.

    With `detrend` a least-squares polynomial of that degree and four harmonics are fitted to the history and taken off
    before training, as analysts do by hand; the curve is extrapolated and put back.
    """

    name: str
    kind: str
    lookback: int = 36
    steps: int = 200
    scaler: str = "robust"
    detrend: int | None = None
    enso: bool = False

    def fit_place(self, history: xr.Dataset) -> FittedNeural:
        """Train once with one seed."""
        from neuralforecast import NeuralForecast, models
        from neuralforecast.losses.pytorch import MQLoss

        quiet()
        size, degree = history.sizes["time"], self.detrend or 0
        coefficients = None
        if self.detrend is not None:
            months = np.arange(size, dtype=float)
            coefficients = np.linalg.lstsq(curve(months, size, degree), fill_gaps(history_values(history)), rcond=None)[
                0
            ]
        extra: dict[str, Any] = {} if self.kind == "NBEATS" or not self.enso else {"hist_exog_list": ["nino34"]}
        if self.kind == "LSTM":
            extra |= {"encoder_hidden_size": 32, "encoder_n_layers": 1, "decoder_hidden_size": 32}
        model = getattr(models, self.kind)(
            h=60,
            input_size=self.lookback,
            loss=MQLoss(quantiles=list(QUANTILES)),
            scaler_type=self.scaler,
            max_steps=self.steps,
            windows_batch_size=WINDOWS,
            inference_windows_batch_size=1,
            random_seed=SEED,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            **extra,
        )
        network = NeuralForecast(models=[model], freq="MS")
        network.fit(neural_frame(history, coefficients, size, degree))
        weights = sum(parameter.numel() for parameter in network.models[0].parameters())
        return FittedNeural(network, coefficients, size, degree, int(weights))


def quiet() -> None:
    """Keep the libraries' progress out of the way."""
    import torch

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    for name in ("pytorch_lightning", "lightning", "lightning.pytorch", "lightning_fabric", "cmdstanpy", "prophet"):
        logging.getLogger(name).setLevel(logging.ERROR)


def stats_candidates() -> dict[str, list[tuple[str, Callable[[], Any]]]]:
    """Settings to choose from for each model of statsforecast; one where its own selection does the choosing."""
    from statsforecast import models

    def mstl(trend: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: models.MSTL(season_length=SEASON, trend_forecaster=trend())

    return {
        "AutoARIMA": [("AICc over orders", lambda: models.AutoARIMA(season_length=SEASON))],
        "AutoETS": [("AICc over forms", lambda: models.AutoETS(season_length=SEASON))],
        "AutoTheta": [
            ("additive season", lambda: models.AutoTheta(season_length=SEASON, decomposition_type="additive"))
        ],
        "AutoCES": [("partial season", lambda: models.AutoCES(season_length=SEASON, model="P"))],
        "MSTL": [
            ("ETS for the rest", mstl(lambda: models.AutoETS(model="ZZN"))),
            ("ARIMA for the rest", mstl(lambda: models.AutoARIMA(season_length=1))),
        ],
    }


def prophet_candidates() -> list[tuple[str, Names]]:
    """Flexibility of Prophet's trend to choose from; the first is its default."""
    return [
        (
            f"changepoint prior {prior:g}, range {share:g}",
            {"changepoint_prior_scale": prior, "changepoint_range": share},
        )
        for prior, share in ((0.05, 0.8), (0.5, 0.95))
    ]


def neural_candidates(kind: str) -> list[tuple[str, NeuralPeer]]:
    """Settings to choose from for a neural peer: level or departures from a curve, steps, ENSO where it has a place."""
    level = NeuralPeer(kind, kind)
    curved = NeuralPeer(kind, kind, scaler="standard", detrend=CURVE_DEGREE, enso=True)
    plans = {
        "level, robust scaling, 200 steps": level,
        "departures from a curve, 200 steps": curved,
        "departures from a curve, 60 steps": replace(curved, steps=60),
    }
    return list(plans.items())


NEURAL = ("LSTM", "NHITS", "NBEATS")
