"""Forecasts of many series at once are those of each series alone."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.forecasters.classical.batch import BATCHES
from climate.forecasters.planet.batch import PooledBatch
from climate.forecasters.planet.estimation import Pool
from climate.forecasters.planet.trailing import WINDOWS
from climate.forecasters.registry import make, names_of
from climate.hindcast.rolling import backtest, batch_hindcasts
from climate.schema import TIME_DTYPE

START = np.datetime64("1950-01", "M")


def sample(seed: int, count: int, length: int, gaps: float) -> FloatArray:
    """Seasonal series with a trend and red noise, some of which begin later, all with months missing."""
    generator = np.random.default_rng(seed)
    time = np.arange(length)
    noise = generator.normal(size=(count, length))
    for month in range(1, length):
        noise[:, month] += generator.uniform(0.1, 0.9) * noise[:, month - 1]
    values = 0.002 * time + 4 * np.sin(2 * np.pi * (time + generator.integers(12, size=(count, 1))) / 12) + noise
    values[generator.random(values.shape) < gaps] = np.nan
    for row in range(count):
        values[row, : generator.integers(0, length // 4)] = np.nan
    values[:, -1] = generator.normal(size=count)
    return values


def single(values: FloatArray) -> xr.Dataset:
    first = int(np.flatnonzero(np.isfinite(values))[0])
    time = (START + np.arange(values.size)).astype(TIME_DTYPE)
    series = xr.Dataset({"value": ("time", values)}, coords={"time": time}, attrs={"region": "here", "units": "K"})
    return series.isel(time=slice(first, None))


@pytest.mark.parametrize("name", list(BATCHES))
@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.05, 0.3]), st.sampled_from([200, 420, 500]))
def test_batch_and_single_forecasters_agree(name: str, seed: int, gaps: float, length: int) -> None:
    values = sample(seed, 3, length, gaps)
    months = np.arange(length) % 12
    wanted = [start.astype(TIME_DTYPE) for start in START + np.array([length - 40, length - 34, length - 28]) - 1]
    ends = [length - 40, length - 34, length - 28]
    many = batch_hindcasts(values, months, BATCHES[name](), ends, 24, 12)
    assert many.shape == (3, 3, 24, 11)
    for row, own in enumerate(values):
        table = backtest(single(own), None, [make(name)], wanted, 24, 12, min_history=60)
        np.testing.assert_allclose(many[row], table["forecast"].values[0, :3], rtol=1e-6, atol=1e-7)


def made_up_pool(month: int) -> Pool:
    """An estimation with random numbers in the place of learnt ones."""
    generator = np.random.default_rng(month)
    leads, units, functions, inputs, known = 24, 3, 5, 3, 9
    predictors = 12 + len(WINDOWS) - 1 + 2
    shapes = {
        "memory/kernel": (inputs, 4 * units),
        "memory/recurrent_kernel": (units, 4 * units),
        "memory/bias": (4 * units,),
        "change/kernel": (units + 6, leads),
        "change/bias": (leads,),
        "spread/kernel": (units + 6, leads * 10),
        "spread/bias": (leads * 10,),
    }
    member = {name: 0.1 * generator.normal(size=shape) for name, shape in shapes.items()}
    return Pool(
        month=month,
        first=month - 400,
        components=generator.normal(size=(460, functions)),
        slope=0.01 * generator.normal(size=460),
        coefficients=0.1 * generator.normal(size=(leads, predictors)),
        share=generator.uniform(size=leads),
        residual=np.sort(generator.normal(size=(leads, known + 2)), axis=1),
        members=(member, {name: -weights for name, weights in member.items()}),
    )


@pytest.mark.parametrize("name", names_of("pool"))
def test_pooled_batch_and_single_forecasters_agree(name: str) -> None:
    length = 560
    values = sample(7, 4, length, 0.02)
    values[1] = np.where(np.isfinite(values[0]), values[1], np.nan)
    start = int(START.astype(np.int64))
    pools = [made_up_pool(start + months) for months in (480, 500)]
    ends = [490, 505, 530]
    batch = PooledBatch(pools, name == "lstm-pooled", start)
    many = batch_hindcasts(values, np.arange(length) % 12, batch, ends, 24, 12)
    wanted = [(START + end - 1).astype(TIME_DTYPE) for end in ends]
    for row, own in enumerate(values):
        table = backtest(single(own), None, [make(name, pools)], wanted, 24, 12, min_history=60)
        np.testing.assert_allclose(many[row], table["forecast"].values[0, :3], rtol=1e-9, atol=1e-9)
    with pytest.raises(ClimateError, match="later than the origin"):
        batch_hindcasts(values, np.arange(length) % 12, batch, [470], 24, 12)


@pytest.mark.parametrize("name", list(BATCHES))
def test_canary_nothing_after_an_origin_changes_a_batch(name: str) -> None:
    values = sample(3, 4, 400, 0.1)
    changed = values.copy()
    changed[:, 360:] = 1e3
    months = np.arange(400) % 12
    true, canary = (
        batch_hindcasts(data, months, BATCHES[name](), [340, 350, 360], 36, 24) for data in (values, changed)
    )
    assert np.array_equal(true, canary)


@pytest.mark.parametrize("name", list(BATCHES))
def test_a_series_does_not_depend_on_its_company(name: str) -> None:
    values, months = sample(4, 5, 400, 0.1), np.arange(400) % 12
    together = batch_hindcasts(values, months, BATCHES[name](), [380], 12, 24)
    alone = batch_hindcasts(values[2:3], months, BATCHES[name](), [380], 12, 24)
    np.testing.assert_allclose(together[2:3], alone, rtol=1e-9, atol=1e-9)
