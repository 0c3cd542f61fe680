"""Every registered forecaster with small settings, and synthetic histories for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from climate.forecasters import registry
from climate.forecasters.base import FloatArray, Forecaster, as_panel
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.planet.estimation import Estimation, estimate, followed, with_network
from climate.forecasters.planet.predictors import COUNT
from climate.forecasters.planet.settings import PlanetSettings
from climate.forecasters.registry import MODELS, names_of
from climate.hindcast.rolling import known_at
from climate.schema import QUANTILES, TIME_DTYPE

START = "1960-01"
MONTHS = 264
PLANET_LEADS = 24

NETWORK = NetworkSettings(seeds=(1, 2), lookback=12, units=4, epochs=2, batch=64, learning_rate=0.001)
PLANET = PlanetSettings(components=5, row_stride=4, seeds=(1, 2), units=3, epochs=1, batch=64, learning_rate=0.002)

BASELINES = names_of("baselines")
NAMES = names_of("baselines", "lstm", "planet")
OF_PLANET = names_of("planet")
LIMITED = [name for name in NAMES if MODELS[name].longest_lead]
VECTORISED = ("seasonal-naive", "seasonal-naive-drift", "climatology-trend", "trend-ar1", *OF_PLANET)
SLOW = ("ets", "sarima", "unobserved-components", "trend-arma")
MARKS = {"sarima-auto": pytest.mark.long}
"""Searching for an order takes minutes."""


def params(names: Any = NAMES, *, slow: bool = False) -> list[Any]:
    """Names with their marks; `slow` marks those too that take seconds per fit."""
    marked = dict.fromkeys(SLOW, pytest.mark.slow) | MARKS if slow else MARKS
    return [pytest.param(name, marks=marked.get(name, ())) for name in names]


def make(name: str, start: str = START) -> Forecaster:
    """A registered forecaster; the planet's estimations are 18 and 20 years after `start`."""
    first = int(np.datetime64(start, "M").astype(np.int64))
    settings: dict[str, list[Any]] = {
        "baselines": [],
        "lstm": [NETWORK],
        "planet": [[random_estimation(first + years * 12) for years in (18, 20)]],
    }
    model: Forecaster = registry.make(name, *settings[MODELS[name].section or ""])
    return model


def random_estimation(month: int) -> Estimation:
    """An estimation of the planet with random numbers."""
    draw = np.random.default_rng(month)
    units, functions, channels, traits = 3, 5, 3, 6
    shapes = {
        "memory/kernel": (channels, 4 * units),
        "memory/recurrent_kernel": (units, 4 * units),
        "memory/bias": (4 * units,),
        "planet/kernel": (functions, 4 * units),
        "planet/recurrent_kernel": (units, 4 * units),
        "planet/bias": (4 * units,),
        "change/kernel": (2 * units + traits, PLANET_LEADS),
        "change/bias": (PLANET_LEADS,),
        "pattern/kernel": (units, PLANET_LEADS * functions),
        "pattern/bias": (PLANET_LEADS * functions,),
        "spread/kernel": (2 * units + traits, PLANET_LEADS * (len(QUANTILES) - 1)),
        "spread/bias": (PLANET_LEADS * (len(QUANTILES) - 1),),
    }
    member = {name: 0.1 * draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Estimation(
        month=month,
        first=month - 400,
        components=draw.normal(size=(900, functions)),
        slope=0.01 * draw.normal(size=900),
        coefficients=0.1 * draw.normal(size=(PLANET_LEADS, COUNT)),
        common=0.1 * draw.normal(size=(900, PLANET_LEADS)),
        power=1 + draw.uniform(size=(PLANET_LEADS, 2)),
        share=draw.uniform(size=PLANET_LEADS),
        residual=np.sort(draw.normal(size=(PLANET_LEADS, len(QUANTILES))), axis=1),
        members=(member, {name: -weights for name, weights in member.items()}),
    )


def record(seed: int, months: int = MONTHS, persistence: float = 0.7, trend: float = 0.01) -> FloatArray:
    """Trend, season and AR(1) noise of unit innovations."""
    generator = np.random.default_rng(seed)
    noise = np.zeros(months + 100)
    for i, shock in enumerate(generator.normal(size=months + 100)):
        noise[i] = persistence * noise[i - 1] + shock
    time = np.arange(months)
    return np.asarray(trend * time + 4 * np.sin(2 * np.pi * time / 12) + noise[100:])


def driven(
    months: int = 420, *, seed: int = 0, strength: float = 1.0, lag: int = 2, noise: float = 0.3
) -> tuple[FloatArray, FloatArray]:
    """A record (trend, season, noise) and the index that drives it after `lag` months with the given strength."""
    draw = np.random.default_rng(seed)
    index = np.zeros(months)
    for month in range(1, months):
        index[month] = 0.9 * index[month - 1] + draw.normal()
    steps = np.arange(months)
    lagged = np.concatenate([np.zeros(lag), index[:-lag]])
    weather = noise * draw.normal(size=months)
    return 0.01 * steps + 2 * np.sin(2 * np.pi * steps / 12) + strength * lagged + weather, index


def history(values: FloatArray, covariate: FloatArray | None = None, start: str = START) -> xr.Dataset:
    """History of one place."""
    time = (np.datetime64(start, "M") + np.arange(values.size)).astype(TIME_DTYPE)
    dataset = xr.Dataset({"value": ("time", values)}, coords={"time": time})
    if covariate is not None:
        dataset["covariate"] = (("time", "predictor"), covariate.reshape(values.size, -1))
    return dataset


def panel(values: FloatArray, start: str = START) -> xr.Dataset:
    """History of several places (place, time)."""
    return xr.concat([as_panel(history(row, start=start)) for row in values], "place")


def forecast_table(
    names: Sequence[str], origins: npt.NDArray[np.datetime64], forecast: FloatArray, observed: FloatArray
) -> xr.Dataset:
    """Forecast table of `forecast` (model, origin, lead, quantile) and `observed` (origin, lead)."""
    lead = np.arange(1, forecast.shape[2] + 1)
    return xr.Dataset(
        {
            "forecast": (("model", "origin", "lead", "quantile"), forecast),
            "observed": (("origin", "lead"), observed),
            "parameters": ("model", 1 + np.arange(len(names))),
            "fallbacks": ("model", np.zeros(len(names), dtype=int)),
        },
        coords={
            "model": np.array(names, dtype=object),
            "origin": origins.astype(TIME_DTYPE),
            "lead": lead,
            "quantile": list(QUANTILES),
            "valid_time": (("origin", "lead"), (origins[:, None] + lead).astype(TIME_DTYPE)),
        },
        attrs={"region": "somewhere"},
    )


def quantiles_of(forecaster: Forecaster, known: xr.Dataset, leads: int) -> FloatArray:
    """Quantiles (lead, quantile) of one place, estimated on `known` and forecast from its end."""
    known = as_panel(known)
    return np.asarray(forecaster.fit(known).forecast(known, leads)[0])


def estimated(world: xr.Dataset, month: np.datetime64, settings: PlanetSettings, leads: int) -> Estimation:
    """The estimation of a month with its networks, followed to the end of the planet's record."""
    learnt = estimate(known_at(world, month), settings, leads)
    return followed(with_network(learnt.estimation, learnt.sample, settings), world)


def reduced(world: xr.Dataset, month: np.datetime64, settings: PlanetSettings, leads: int) -> dict[str, Estimation]:
    """The estimations of a month with less information, by name, followed to the end of the planet's record."""
    learnt = estimate(known_at(world, month), settings, leads)
    return {name: followed(each, world) for name, each in learnt.reduced.items()}
