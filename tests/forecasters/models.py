"""Every registered forecaster with small settings, and synthetic histories for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climate.forecasters.base import FloatArray, Forecaster, as_panel
from climate.forecasters.classical.baselines import BASELINES
from climate.forecasters.networks.lstm import LSTMS
from climate.forecasters.planet.estimation import Pool
from climate.forecasters.planet.forecaster import POOLED
from climate.forecasters.planet.trailing import WINDOWS
from climate.params.params import LstmParams, PoolParams
from climate.schema import QUANTILES, TIME_DTYPE

MEDIAN = QUANTILES.index(0.5)
START = "1960-01"
MONTHS = 264
POOL_LEADS = 24

NETWORK = LstmParams(
    refit_every=12,
    seeds=[1, 2],
    models=["lstm-direct"],
    lookback=12,
    units=4,
    epochs=2,
    batch=64,
    learning_rate=0.001,
)
POOL = PoolParams(
    source="ncep-air",
    shapes="ar6-regions",
    points=None,
    step=1,
    components=5,
    refit_every=24,
    models=["ridge-pooled", "lstm-pooled"],
    seeds=[1, 2],
    units=3,
    epochs=1,
    batch=64,
    learning_rate=0.002,
    thin=4,
    fine_tune=0,
)

NAMES = [*BASELINES, *LSTMS, *POOLED]
VECTORISED = ("seasonal-naive", "seasonal-naive-drift", "climatology-trend", "trend-ar1", *POOLED)
LIMITED = ("ridge-hybrid", "lstm-direct", "lstm-hybrid", "dense-numpy", *POOLED)
"""Models with a longest lead."""
SLOW = ("ets", "sarima", "unobserved-components", "trend-arma")
MARKS = {"sarima-auto": pytest.mark.long}
"""Searching for an order takes minutes."""


def params(names: Any = NAMES, *, slow: bool = False) -> list[Any]:
    """Names with their marks; `slow` marks those too that take seconds per fit."""
    marked = dict.fromkeys(SLOW, pytest.mark.slow) | MARKS if slow else MARKS
    return [pytest.param(name, marks=marked.get(name, ())) for name in names]


def make(name: str, start: str = START) -> Forecaster:
    """A registered forecaster; the pool's estimations are of 18 and 20 years after `start`."""
    if name in BASELINES:
        return BASELINES[name]()
    if name in LSTMS:
        return LSTMS[name](NETWORK)
    first = int(np.datetime64(start, "M").astype(np.int64))
    return POOLED[name]([random_pool(first + years * 12) for years in (18, 20)], POOL)


def random_pool(month: int) -> Pool:
    """An estimation with random numbers in the place of learnt ones."""
    draw = np.random.default_rng(month)
    units, functions, channels, traits = 3, 5, 3, 6
    predictors = 12 + len(WINDOWS) - 1 + 2
    shapes = {
        "memory/kernel": (channels, 4 * units),
        "memory/recurrent_kernel": (units, 4 * units),
        "memory/bias": (4 * units,),
        "change/kernel": (units + traits, POOL_LEADS),
        "change/bias": (POOL_LEADS,),
        "spread/kernel": (units + traits, POOL_LEADS * (len(QUANTILES) - 1)),
        "spread/bias": (POOL_LEADS * (len(QUANTILES) - 1),),
    }
    member = {name: 0.1 * draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return Pool(
        month=month,
        first=month - 400,
        components=draw.normal(size=(900, functions)),
        slope=0.01 * draw.normal(size=900),
        coefficients=0.1 * draw.normal(size=(POOL_LEADS, predictors)),
        share=draw.uniform(size=POOL_LEADS),
        residual=np.sort(draw.normal(size=(POOL_LEADS, len(QUANTILES))), axis=1),
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
    """A record (trend, season, noise) and the index that it follows after `lag` months with the given strength."""
    draw = np.random.default_rng(seed)
    index = np.zeros(months)
    for month in range(1, months):
        index[month] = 0.9 * index[month - 1] + draw.normal()
    steps = np.arange(months)
    followed = np.concatenate([np.zeros(lag), index[:-lag]])
    weather = noise * draw.normal(size=months)
    return 0.01 * steps + 2 * np.sin(2 * np.pi * steps / 12) + strength * followed + weather, index


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


def quantiles_of(forecaster: Forecaster, known: xr.Dataset, leads: int) -> FloatArray:
    """Quantiles (lead, quantile) of one place, estimated on `known`, which they are forecast from."""
    known = as_panel(known)
    return np.asarray(forecaster.fit(known).forecast(known, leads)[0])
