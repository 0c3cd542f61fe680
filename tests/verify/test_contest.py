"""The opponent that is fixed beforehand, comparisons with it, and the declared hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.forecasters.registry import make
from climate.hindcast.rolling import early_backtest
from climate.parallel.tasks import ALONE
from climate.params.sections import BacktestParams, OpponentParams
from climate.verify.contest import against, assess, choose_opponents, deciding_regions, in_hindsight, over_places
from climate.verify.losses import block_losses, cell_scores
from climate.verify.significance import compare, holm
from tests.records import months

BLOCKS = {"1": (1, 1), "1-12": (1, 12)}
MODELS = ["trend-ar1", "ets", "lstm-direct"]


def losses(levels: dict[str, float], origins: int = 60, seed: int = 1) -> xr.DataArray:
    """Mean losses (model, block, origin) at monthly origins, the same shocks for all models."""
    random = np.random.default_rng(seed)
    shocks = 1 + 0.3 * random.random((len(BLOCKS), origins)) + 0.05 * random.random((len(levels), 1, origins))
    return xr.DataArray(
        shocks * np.array(list(levels.values()))[:, None, None],
        dims=("model", "block", "origin"),
        coords={"model": list(levels), "block": list(BLOCKS), "origin": months("2006-01", origins)},
    )


def test_opponent_is_the_best_on_average_over_places_whatever_their_variance() -> None:
    made = {
        "here": losses({"trend-ar1": 1.0, "ets": 1.2}),
        "there": losses({"trend-ar1": 100.0, "ets": 90.0}, seed=2),
        "co2": losses({"trend-ar1": 3.0, "ets": 2.0}, seed=3),
    }
    quantities = {"here": "temperature", "there": "temperature", "co2": "co2", "short": "salinity"}
    chosen = choose_opponents(made, quantities, ["trend-ar1", "ets"], BLOCKS)
    names = chosen["opponent"].sel(block="1-12").to_series().to_dict()
    assert names == {"temperature": "trend-ar1", "co2": "ets", "salinity": "trend-ar1"}
    margin = chosen["margin"].sel(block="1-12")
    expected = np.exp(np.mean([np.log(1.2), np.log(0.9)])) - 1
    assert float(margin.sel(quantity="temperature")) == pytest.approx(expected, abs=0.02)
    assert np.isnan(margin.sel(quantity="salinity"))
    assert chosen["regions"].sel(block="1").values.tolist() == [2, 1, 0]
    assert chosen["origins"].sel(block="1").values.tolist() == [60, 60, 0]


def test_comparison_with_the_opponent_is_that_of_the_losses() -> None:
    made = losses({"trend-ar1": 1.0, "ets": 1.1, "lstm-direct": 0.8})
    made[:, 1, -11:] = np.nan
    opponent = xr.DataArray(["ets", "trend-ar1"], dims="block", coords={"block": list(BLOCKS)})
    found = against(made, opponent, BLOCKS)
    one = compare(made.values[2, 1, :-11], made.values[0, 1, :-11], 12)
    for name, value in one._asdict().items():
        assert float(found[name].sel(model="lstm-direct", block="1-12")) == pytest.approx(float(value))
    assert float(found["ratio"].sel(model="ets", block="1")) == 1
    assert np.isnan(found["p"].sel(model="ets", block="1"))
    assert in_hindsight(made)["hindsight"].values.tolist() == ["trend-ar1", "trend-ar1"], "a network is no simple model"
    assert float(in_hindsight(made)["ratio_hindsight"].sel(model="trend-ar1", block="1")) == 1
    alone = in_hindsight(made.sel(model=["lstm-direct"]))
    assert alone["hindsight"].values.tolist() == ["", ""]
    assert alone["ratio_hindsight"].isnull().all()


def test_places_weigh_by_area_and_only_where_all_models_are_scored() -> None:
    made = xr.concat([losses({"trend-ar1": 1.0, "ets": 1.0}), losses({"trend-ar1": 3.0, "ets": 2.0})], "series")
    made = made.transpose("series", "model", "block", "origin").copy()
    made[1, 0, 0, 5] = np.nan
    found = over_places(made, xr.DataArray([1.0, 3.0], dims="series"))
    np.testing.assert_allclose(found[:, 0, 4], (made[0, :, 0, 4] + 3 * made[1, :, 0, 4]) / 4)
    np.testing.assert_allclose(found[:, 0, 5], made[0, :, 0, 5])


def test_hypotheses_are_one_family_and_untested_ones_no_members() -> None:
    made = {"panel": losses({"trend-ar1": 1.0, "ets": 1.01, "lstm-direct": 0.7})}
    opponents = choose_opponents({}, {"panel": "temperature"}, ["trend-ar1"], BLOCKS)
    common = {"quantity": "temperature", "block": "1-12"}
    declared = {
        "wins": common | {"better": "lstm-direct", "against": "opponent", "places": "panel"},
        "open": common | {"better": "ets", "against": "ets", "places": "panel"},
        "loses": common | {"better": "ets", "against": "lstm-direct", "places": "panel"},
        "elsewhere": common | {"better": "ets", "against": "trend-ar1", "places": "atlantis"},
        "skipped": common | {"quantity": "co2", "better": "ets", "against": "opponent", "places": "co2"},
        "unknown": common | {"better": "theta", "against": "trend-ar1", "places": "panel"},
    }
    found = assess(declared, made, opponents, BLOCKS, 0.05)
    assert found["outcome"].values.tolist() == ["better", "same", "worse", "same", "same", "same"]
    assert found["against"].sel(hypothesis="wins").item() == "trend-ar1"
    reasons = ["atlantis was not scored", "co2 was not scored", "theta was not run there"]
    assert found["reason"].values.tolist() == ["", "", "", *reasons]
    tested = found.sel(hypothesis=["wins", "loses"])
    np.testing.assert_allclose(tested["p_holm"], holm(tested["p"].values))
    assert found["p_holm"].isnull().values.tolist() == [False, True, False, True, True, True]
    assert (float(found["origins"][0]), float(found["independent"][0]), float(found["cosines"][0])) == (60, 5, 2)
    assert assess({}, made, opponents, BLOCKS, 0.05).identical(xr.Dataset())


def series_of(seed: int) -> xr.Dataset:
    """A trend, a season and noise from 1958 to 2025."""
    time = months("1958-01", 816)
    random = np.random.default_rng(seed)
    value = 0.002 * np.arange(816) + np.sin(np.arange(816) * np.pi / 6) + 0.4 * random.standard_normal(816)
    return xr.Dataset({"value": ("time", value)}, coords={"time": time}, attrs={"region": f"place-{seed}"})


def chosen_on(made: xr.Dataset) -> xr.Dataset:
    plan = BacktestParams(first_origin="2005-12", every=6, origins=10, leads=12, min_history=240, refit_every=36)
    choice = OpponentParams(candidates=["climatology-trend", "trend-ar1"], every=12)
    forecasters = [make(name) for name in choice.candidates]
    table = early_backtest(made, xr.Dataset(), forecasters, plan, choice, ALONE)
    early = {"here": block_losses(cell_scores(table), BLOCKS)} if "forecast" in table else {}
    return choose_opponents(early, {"here": "temperature"}, choice.candidates, BLOCKS)


def test_another_region_has_no_say_in_the_opponent() -> None:
    listed, before = ["globe", "co2"], {"globe": "temperature", "co2": "co2"}
    assert deciding_regions(listed, before) == listed
    assert deciding_regions(listed, {"kenya": "temperature", **before}) == listed


def test_quantity_without_a_listed_region_takes_all_of_its_own() -> None:
    measured = {"kenya": "temperature", "globe": "temperature", "co2": "co2", "barrow": "co2"}
    assert deciding_regions(["globe"], measured) == ["globe", "co2", "barrow"]
    assert deciding_regions([], measured) == [*measured]


def test_choice_of_the_opponent_sees_no_month_that_is_judged() -> None:
    """Leakage canary: whatever happens from 2005 on, the same bits."""
    made = series_of(1)
    changed = made.copy(deep=True)
    changed["value"][changed["time"].values >= np.datetime64("2005-01-01")] = 1e6
    cut = made.isel(time=made["time"].values < np.datetime64("2005-01-01"))
    first = chosen_on(made)
    assert int(first["origins"].sel(block="1-12").item()) == 14
    assert first.identical(chosen_on(changed))
    assert first.identical(chosen_on(cut))
    before = made.copy(deep=True)
    before["value"][before["time"].values == np.datetime64("2004-06-01")] = 1e3
    assert not first.identical(chosen_on(before)), "the canary must be able to sing"


def test_records_too_short_for_early_origins_leave_the_first_candidate() -> None:
    late = series_of(2).isel(time=slice(300, None))
    found = chosen_on(late)
    assert found["opponent"].values.ravel().tolist() == ["climatology-trend"] * 2
    assert found["origins"].values.ravel().tolist() == [0, 0]
