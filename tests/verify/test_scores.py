"""Scores: each against a naive re-implementation with loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.integrate import quad

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.schema import QUANTILES
from climate.verify.across_regions import join_scores
from climate.verify.losses import (
    block_losses,
    cell_scores,
    common_sample,
    crps_from_quantiles,
    observation_floor,
    widen,
)
from climate.verify.reproducibility import differences
from climate.verify.scores import naive_scale, score
from tests.records import months
from tests.tables import forecast_table

LEVELS = np.array(QUANTILES)
MODELS = ["seasonal-naive", "sarima", "trend-ar1", "lstm-direct"]
BLOCKS = {"1": (1, 1), "1-3": (1, 3), "1-6": (1, 6)}
ORIGINS, LEADS = 14, 6


def forecast_array(values: FloatArray) -> xr.DataArray:
    return xr.DataArray(values, dims=("quantile",), coords={"quantile": LEVELS})


@pytest.fixture
def table() -> xr.Dataset:
    """Four models with errors of different size; one forecast and some observations are missing."""
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(ORIGINS, LEADS))
    centre = truth + generator.normal(size=(4, ORIGINS, LEADS)) * np.array([2.0, 1.0, 1.1, 0.9])[:, None, None]
    forecast = centre[..., None] + stats.norm.ppf(LEVELS)
    forecast[1, 4, 2] = np.nan
    truth[12, 3:], truth[13] = np.nan, np.nan
    made = forecast_table(forecast, truth, MODELS, months("2005-12", 6 * ORIGINS)[::6])
    return made.assign(parameters=("model", [1, 4, 15, 900]), fallbacks=("model", [0, 1, 0, 0]))


@pytest.fixture
def series() -> xr.Dataset:
    values = np.random.default_rng(2).normal(size=500).cumsum()
    return xr.Dataset({"value": ("time", values)}, coords={"time": months("1980-01", 500)}, attrs={"region": "here"})


def cells_of(table: xr.Dataset, first: int, last: int) -> list[tuple[int, int]]:
    """Cells that every model and the observation fill, by loops, of origins whose last lead is observed."""
    found = []
    observed = [6 * o + i for o in range(ORIGINS) for i in range(LEADS) if np.isfinite(table["observed"].values[o, i])]
    for origin in range(ORIGINS):
        for lead in range(first - 1, last if 6 * origin + last - 1 <= max(observed) else 0):
            shown = [np.isfinite(table["forecast"].values[m, origin, lead]).all() for m in range(len(MODELS))]
            if all(shown) and np.isfinite(table["observed"].values[origin, lead]):
                found.append((origin, lead))
    return found


def naive_crps(quantiles: FloatArray, truth: float) -> float:
    edges = [0.0, *[(a + b) / 2 for a, b in itertools.pairwise(QUANTILES)], 1.0]
    total = 0.0
    for i, (level, value) in enumerate(zip(QUANTILES, quantiles, strict=True)):
        loss = level * (truth - value) if truth >= value else (1 - level) * (value - truth)
        total += 2 * (edges[i + 1] - edges[i]) * loss
    return total


def loop_scores(table: xr.Dataset, model: int, cells: list[tuple[int, int]]) -> dict[str, float]:
    """Scores of one model over some cells, by a loop."""
    rows = []
    for origin, lead in cells:
        quantiles, truth = table["forecast"].values[model, origin, lead], table["observed"].values[origin, lead]
        low, high = quantiles[0], quantiles[-1]
        below, above = max(low - truth, 0) * 2 / 0.1, max(truth - high, 0) * 2 / 0.1
        rows.append(
            {
                "mae": abs(quantiles[5] - truth),
                "rmse": (quantiles[5] - truth) ** 2,
                "bias": quantiles[5] - truth,
                "crps": naive_crps(quantiles, truth),
                "coverage90": low <= truth <= high,
                "width90": high - low,
                "below90": below,
                "above90": above,
                "interval_score90": high - low + below + above,
            }
        )
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | {"rmse": means["rmse"] ** 0.5}


@pytest.mark.parametrize("block", list(BLOCKS))
def test_block_scores_agree_with_loops(table: xr.Dataset, series: xr.Dataset, block: str) -> None:
    scores = score(table, series, BLOCKS, "seasonal-naive")
    cells = cells_of(table, *BLOCKS[block])
    history = series["value"].values[: 12 * 25 + 12]  # 1980-01 to 2005-12
    scale = sum(abs(history[t] - history[t - 12]) for t in range(12, history.size)) / (history.size - 12)
    for m, model in enumerate(MODELS):
        expected = loop_scores(table, m, cells)
        for name, value in (expected | {"mase": expected["mae"] / scale}).items():
            found = scores[name].sel(region="here", model=model, block=block).item()
            assert found == pytest.approx(value), f"{name} of {model}"
    assert scores["n"].sel(region="here", block=block).item() == len(cells)


def test_lead_scores_agree_with_loops(table: xr.Dataset, series: xr.Dataset) -> None:
    scores = score(table, series, BLOCKS, "seasonal-naive").sel(region="here")
    for lead in range(LEADS):
        cells = cells_of(table, lead + 1, lead + 1)
        for m, model in enumerate(MODELS):
            at, expected = scores.sel(model=model, lead=lead + 1), loop_scores(table, m, cells)
            for name in ("crps", "mae", "coverage"):
                value = expected["coverage90" if name == "coverage" else name]
                assert at[f"{name}_by_lead"].item() == pytest.approx(value)
            below = [table["observed"].values[cell] <= table["forecast"].values[m][cell] for cell in cells]
            np.testing.assert_allclose(at["pit"].values, np.mean(below, axis=0))
        assert scores["n_by_lead"].sel(lead=lead + 1).item() == len(cells)


def test_skill_is_against_the_reference(table: xr.Dataset, series: xr.Dataset) -> None:
    scores = score(table, series, BLOCKS, "seasonal-naive").sel(region="here")
    crps = scores["crps"].sel(block="1-6")
    for model in MODELS:
        skill = scores["skill"].sel(model=model, block="1-6").item()
        assert skill == pytest.approx(1 - crps.sel(model=model).item() / crps.sel(model="seasonal-naive").item())
    assert scores["parameters"].values.tolist() == [1, 4, 15, 900]


def test_losses_per_origin_are_those_of_the_block_scores(table: xr.Dataset, series: xr.Dataset) -> None:
    """An origin counts once its last lead is observed; a missing month inside leaves the mean of the others."""
    losses = block_losses(cell_scores(table), BLOCKS)
    assert losses.dims == ("model", "block", "origin")
    assert losses.notnull().all("model").sum("origin").values.tolist() == [13, 13, 12]
    crps = score(table, series, BLOCKS, "seasonal-naive")["crps"].sel(region="here")
    np.testing.assert_allclose(losses.sel(block="1").mean("origin"), crps.sel(block="1"))
    counted = cell_scores(table)["crps"].isel(origin=4, lead=[0, 1]).mean("lead")
    np.testing.assert_allclose(losses.sel(block="1-3").isel(origin=4), counted)


def test_only_shared_cells_are_scored(table: xr.Dataset) -> None:
    sample = common_sample(table)
    assert not sample.values[4, 2], "one model has no forecast there"
    assert not sample.values[13].any()
    assert sample.sum() == 12 * LEADS + 3 - 1
    worse = table.copy(deep=True)
    worse["forecast"][0, 4, 2] = 1e9
    assert cell_scores(worse)["crps"].max() < 1e3


def test_no_verified_cell_gives_nan_and_no_error(table: xr.Dataset, series: xr.Dataset) -> None:
    table["observed"][:] = np.nan
    scores = score(table, series, BLOCKS, "seasonal-naive")
    assert (scores["n"] == 0).all()
    assert np.isnan(scores["crps"]).all()
    assert block_losses(cell_scores(table), BLOCKS).isnull().all()


def test_unknown_reference_and_block_are_named(table: xr.Dataset, series: xr.Dataset) -> None:
    with pytest.raises(
        ClimateError, match=r"score\.reference: found 'arima', expected one of .*seasonal-naive, sarima"
    ):
        score(table, series, BLOCKS, "arima")
    with pytest.raises(ClimateError, match=r"score\.blocks 'far': found leads 4 to 60, expected a range within 1 to 6"):
        score(table, series, {"far": (4, 60)}, "sarima")


def test_regions_are_joined(table: xr.Dataset, series: xr.Dataset) -> None:
    other = table.sel(model=MODELS[:3]).assign_attrs(region="there")
    joined = join_scores([score(one, series, BLOCKS, "seasonal-naive") for one in (table, other)])
    assert joined["region"].values.tolist() == ["here", "there"]
    assert joined["model"].values.tolist() == MODELS
    assert np.isnan(joined["crps"].sel(region="there", model="lstm-direct")).all()
    with pytest.raises(ClimateError, match="no region with scores"):
        join_scores([])


def test_mase_scale_looks_at_no_month_after_the_first_origin(series: xr.Dataset) -> None:
    before = naive_scale(series, np.datetime64("2005-12-01"))
    series["value"][312:] = 1e9
    assert naive_scale(series, np.datetime64("2005-12-01")) == before


@pytest.mark.parametrize(("mean", "spread", "truth"), [(0, 1, 0.3), (0, 1, -2.5), (1, 0.5, 0), (0, 2, 1)])
def test_crps_is_near_the_integral_it_stands_for(mean: float, spread: float, truth: float) -> None:
    exact, _ = quad(lambda x: (stats.norm.cdf(x, mean, spread) - (x >= truth)) ** 2, -30, 30, points=[truth], limit=200)
    found = crps_from_quantiles(forecast_array(stats.norm.ppf(LEVELS, mean, spread)), xr.DataArray(float(truth)))
    assert found.item() == pytest.approx(exact, rel=0.05)


def test_uncertain_observations_widen_the_forecast() -> None:
    forecast = forecast_array(stats.norm.ppf(LEVELS, 2, 3))
    found = widen(forecast, xr.DataArray(4.0))
    np.testing.assert_allclose(found, stats.norm.ppf(LEVELS, 2, 5))
    np.testing.assert_allclose(widen(forecast_array(np.full(11, 2.0)), xr.DataArray(4.0)), stats.norm.ppf(LEVELS, 2, 4))
    xr.testing.assert_allclose(widen(forecast, xr.DataArray(math.nan)), forecast)


def test_floor_is_the_score_of_who_knows_the_truth() -> None:
    generator = np.random.default_rng(5)
    errors = xr.DataArray(generator.normal(0, 0.7, 20000), dims="case")
    expected = crps_from_quantiles(forecast_array(stats.norm.ppf(LEVELS, 0, 0.7)), errors).mean().item()
    assert observation_floor(xr.DataArray(0.7)).item() == pytest.approx(expected, rel=0.03)


def test_differences_between_runs_count_nan_on_one_side() -> None:
    ours = {"here": {"sarima": 1.0, "lstm-direct": 1.04, "ets": math.nan, "theta": math.nan, "trend-ar1": 1.0}}
    reference = {"here": {"sarima": 1.03, "lstm-direct": 1.0, "ets": 1.0, "theta": math.nan, "trend-ar1": math.nan}}
    found = differences(ours, reference, frozenset({"lstm-direct"}))
    assert [line.partition(":")[0] for line in found] == ["here.ets", "here.sarima", "here.trend-ar1"]
    assert differences({"a": {"b": 1.0}}, {"a": {"c": 1.0}}, frozenset()) == [
        "a.b: not in the reference",
        "a.c: only in the reference",
    ]
