"""Scores of every cell: those that a naive computation finds, in any chunks, on what was known at each origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.planet.estimation import REDUCED, Estimation
from climate.forecasters.planet.field import planet, thinned
from climate.forecasters.planet.forecaster import PlanetForecaster
from climate.forecasters.registry import make
from climate.hindcast import cells
from climate.hindcast.cells import CellPlan, CellTask, Scores, cell_dataset, joined, score_cells, zone_dataset
from climate.schema import QUANTILES, TIME_DTYPE
from climate.verify.losses import crps_from_quantiles
from tests.forecasters.models import PLANET, estimated, reduced
from tests.forecasters.test_planet import field

LEADS = 6
ESTIMATED = (np.datetime64("1978-12", "s"), np.datetime64("1980-12", "s"))
FORECASTERS = ("climatology-trend", "trend-ar1", "ridge-planet", "lstm-planet")


def estimations(one: xr.DataArray) -> list[Estimation]:
    world = planet(one, 2, 1, LEADS)
    return [estimated(world, month, PLANET, LEADS) for month in ESTIMATED]


def make_plan() -> CellPlan:
    first = int(ESTIMATED[0].astype("datetime64[M]").astype(int))
    return CellPlan(np.arange(first, first + 71), LEADS, 2, 3, {"1": (1, 1), "1-2": (1, 2), "3-6": (3, 6)})


def task_of(one: xr.DataArray, learnt: list[Estimation]) -> CellTask:
    flat = thinned(one, 2)
    start = int(one["time"].values[0].astype("datetime64[M]").astype(int))
    values = np.asarray(flat.values, dtype=np.float64)
    return CellTask(values, start, np.asarray(flat["lat"].values), learnt, make_plan(), FORECASTERS)


def dataset_of(task: CellTask, scores: Scores) -> xr.Dataset:
    last = task.start + len(task.values) - 1
    one = cell_dataset(scores, task.plan, last, task.latitude, task.latitude, FORECASTERS)
    return one.merge(zone_dataset(scores.zones, task.plan, last, task.latitude, FORECASTERS))


@pytest.fixture(scope="module")
def task() -> CellTask:
    return task_of(field(), estimations(field()))


@pytest.fixture(scope="module")
def scores(task: CellTask) -> Scores:
    return score_cells(task)


def naive(task: CellTask, name: str, cell: int) -> tuple[FloatArray, FloatArray]:
    """Quantiles (origin, lead, quantile) by the forecasters' protocol, and observations (origin, lead)."""
    months = (task.start + np.arange(len(task.values))).astype("datetime64[M]").astype(TIME_DTYPE)
    record = xr.Dataset({"value": (("place", "time"), task.values[:, [cell]].T)}, coords={"time": months})
    forecaster = PlanetForecaster(task.estimations, name == "lstm-planet") if "planet" in name else make(name)
    quantiles, observed = [], []
    for origin in task.plan.origins:
        estimation = max(each.month for each in task.estimations if each.month <= origin)
        known = record.isel(time=slice(0, int(origin) - task.start + 1))
        fitted = forecaster.fit(record.isel(time=slice(0, estimation - task.start + 1)))
        quantiles.append(fitted.forecast(known, LEADS)[0])
        ahead = int(origin) - task.start + np.arange(1, LEADS + 1)
        inside = np.minimum(ahead, len(task.values) - 1)
        observed.append(np.where(ahead < len(task.values), task.values[inside, cell], np.nan))
    return np.stack(quantiles), np.stack(observed)


@pytest.mark.parametrize("name", FORECASTERS)
def test_scores_are_those_of_the_protocol(task: CellTask, scores: Scores, name: str) -> None:
    result = dataset_of(task, scores).sel(forecaster=name)
    quantiles, observed = naive(task, name, 2)
    forecast = xr.DataArray(quantiles, dims=("origin", "lead", "quantile"), coords={"quantile": result["quantile"]})
    crps = crps_from_quantiles(forecast, xr.DataArray(observed, dims=("origin", "lead"))).values
    means = crps[:, :2].mean(axis=1)
    np.testing.assert_allclose(result["crps_by_origin"].sel(block="1-2").isel(cell=2), means, rtol=2e-3, atol=1e-4)
    march = task.plan.origins % 12 == 2
    expected = np.nanmean(crps[march, :2])
    assert result["crps"].sel(block="1-2", start=3).isel(cell=2).item() == pytest.approx(expected, rel=2e-3)
    inside = (observed >= quantiles[..., 0]) & (observed <= quantiles[..., -1])
    long = np.arange(len(crps)) % 3 == 0
    known = np.isfinite(observed[:, 2:]) & long[:, None]
    block = result.sel(block="3-6").isel(cell=2)
    assert float(block["pairs"].sum()) == known.sum()
    covered = float((block["covered90"] * block["pairs"]).sum() / block["pairs"].sum())
    assert covered == pytest.approx(inside[:, 2:][known].mean(), abs=1.5 / known.sum())
    np.testing.assert_array_equal(np.isfinite(block["crps_by_origin"].values), known.all(axis=1))


@pytest.mark.parametrize("information", REDUCED)
def test_less_information_is_scored_like_the_protocol(task: CellTask, information: str) -> None:
    world = planet(field(), 2, 1, LEADS)
    learnt = [reduced(world, month, PLANET, LEADS)[information] for month in ESTIMATED]
    less = replace(task, estimations=learnt, forecasters=("ridge-planet",))
    quantiles, observed = naive(less, "ridge-planet", 2)
    forecast = xr.DataArray(quantiles, dims=("origin", "lead", "quantile"), coords={"quantile": list(QUANTILES)})
    crps = crps_from_quantiles(forecast, xr.DataArray(observed, dims=("origin", "lead"))).values
    result = score_cells(less).by_origin[0, 1, :, 2]
    np.testing.assert_allclose(result, crps[:, :2].mean(axis=1), rtol=2e-3, atol=1e-4)


def test_mean_squared_error_follows_from_the_means(task: CellTask, scores: Scores) -> None:
    result = dataset_of(task, scores).sel(block="1-2", start=6).isel(cell=1)
    june = task.plan.origins % 12 == 5
    for name in FORECASTERS:
        quantiles, observed = naive(task, name, 1)
        one = result.sel(forecaster=name)
        error = one["forecast_square"] - 2 * one["product"] + result["observed_square"]
        expected = np.nanmean((quantiles[june][:, :2, 5] - observed[june][:, :2]) ** 2)
        assert float(error) == pytest.approx(expected, rel=5e-3)


def test_chunks_change_nothing(task: CellTask, scores: Scores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CELLS_AT_ONCE", 5)
    other = joined([score_cells(task)])
    for name in ("sums", "observed", "by_origin", "zones", "issued"):
        np.testing.assert_allclose(getattr(other, name), getattr(scores, name), rtol=1e-3, atol=1e-3)


def test_zones_add_up_to_the_planet(task: CellTask, scores: Scores) -> None:
    result = dataset_of(task, scores)
    weights = [cells.zone_weights(task.latitude)[row].sum() for row in range(4)]
    parts = sum(weight * result["zone_crps"].isel(zone=row) for row, weight in enumerate(weights[1:], 1) if weight)
    np.testing.assert_allclose(parts, weights[0] * result["zone_crps"].sel(zone="planet"), rtol=1e-4)


def test_bands_of_latitude_add_up_to_the_planet(task: CellTask, scores: Scores) -> None:
    result = dataset_of(task, scores)
    weight = xr.DataArray(cells.zone_weights(task.latitude)[len(cells.ZONES) :].sum(axis=1), dims="band")
    short = result["zonal_loss"].sel(lead_band="2").weighted(weight).mean("band")
    np.testing.assert_allclose(short, result["zone_crps"].sel(zone="planet", lead=2), rtol=1e-4)
    assert result["zonal_loss"].sel(lead_band="13-24").isnull().all()


def test_no_score_knows_what_came_after_its_month(task: CellTask, scores: Scores) -> None:
    """Forecasts from the last estimation's month, and all scores verified up to it, keep their bits."""
    changed = field()
    changed[changed["time"].values > ESTIMATED[1]] = 500.0
    other = score_cells(task_of(changed, estimations(changed)))
    verified = task.plan.origins + 2 <= int(ESTIMATED[1].astype("datetime64[M]").astype(int))
    np.testing.assert_array_equal(other.by_origin[:, :2, verified], scores.by_origin[:, :2, verified])
    assert not np.array_equal(other.by_origin[:, :2], scores.by_origin[:, :2])
