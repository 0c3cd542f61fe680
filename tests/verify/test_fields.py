"""Comparisons in every cell against a naive computation, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.verify.fields import SIMPLE, STEPS, compare_cells, decompose, planet_losses, planned_pairs
from climate.verify.significance import compare, false_discovery
from tests.records import months

BLOCKS = {"1": (1, 1), "13-60": (13, 60)}
ORIGINS, EVERY = 120, 3
LATITUDES = np.array([-75.0, -45.0, -15.0, 15.0, 45.0, 75.0])
FORECASTERS = [SIMPLE, "ridge-planet", "lstm-planet"]


@pytest.fixture(scope="module")
def scores() -> xr.Dataset:
    """Scores as stage `planet` writes them: far leads at every third origin, none of them at the last ones."""
    random = np.random.default_rng(4)
    shocks = 1 + random.random((len(BLOCKS), ORIGINS, LATITUDES.size))
    level = np.array([1.0, 0.9, 0.9])[:, None] * np.linspace(0.95, 1.2, LATITUDES.size)
    level[0] = 1.0
    losses = shocks * level[:, None, None] + 0.05 * random.random((len(FORECASTERS), 1, ORIGINS, 1))
    losses[:, 1, np.arange(ORIGINS) % EVERY != 0] = np.nan
    losses[:, 1, -20:] = np.nan
    cells = ("forecaster", "cell", "block", "start")
    covered = random.random((len(FORECASTERS), LATITUDES.size, len(BLOCKS), 12)) / 10 + 0.85
    return xr.Dataset(
        {
            "crps_by_origin": (("forecaster", "block", "origin", "cell"), losses),
            "covered90": (cells, covered),
            "pairs": (("block", "start"), np.arange(24.0).reshape(2, 12)),
        },
        coords={
            "forecaster": FORECASTERS,
            "block": list(BLOCKS),
            "origin": months("2005-12", ORIGINS),
            "lat": ("cell", LATITUDES),
            "lon": ("cell", np.zeros(LATITUDES.size)),
            "area": ("cell", np.cos(np.deg2rad(LATITUDES))),
        },
    )


@pytest.fixture(scope="module")
def compared(scores: xr.Dataset) -> xr.Dataset:
    return compare_cells(scores, planned_pairs(FORECASTERS), BLOCKS)


def test_learners_meet_the_simple_model_and_networks_the_linear_ones() -> None:
    expected = [("ridge-planet", SIMPLE), ("lstm-planet", SIMPLE), ("lstm-planet", "ridge-planet")]
    assert planned_pairs(FORECASTERS) == expected


@pytest.mark.parametrize(("block", "overlap"), [("1", 1), ("13-60", 60 // EVERY)])
def test_every_cell_is_compared_at_the_origins_that_it_has(
    scores: xr.Dataset, compared: xr.Dataset, block: str, overlap: int
) -> None:
    weights = np.cos(np.deg2rad(LATITUDES)) / np.cos(np.deg2rad(LATITUDES)).sum()
    for number, pair in enumerate(planned_pairs(FORECASTERS)):
        own = compared.sel(block=block).isel(pair=number)
        first, second = (scores["crps_by_origin"].sel(forecaster=name, block=block).values for name in pair)
        known = np.isfinite(first[:, 0])
        naive = [compare(first[known, cell], second[known, cell], overlap) for cell in range(LATITUDES.size)]
        ratio, p = (np.array([float(getattr(one, name)) for one in naive]) for name in ("ratio", "p"))
        np.testing.assert_allclose(own["ratio"], ratio)
        np.testing.assert_allclose(own["p"], p)
        found = false_discovery(p) < 0.10
        assert float(own["mean_ratio"]) == pytest.approx(np.prod(ratio**weights))
        assert float(own["lower_area"]) == pytest.approx(weights[ratio < 1].sum())
        assert float(own["better_area"]) == pytest.approx(weights[found & (ratio < 1)].sum())
        assert float(own["worse_area"]) == pytest.approx(weights[found & (ratio > 1)].sum())
        whole = compare(first[known] @ weights, second[known] @ weights, overlap)
        for name in ("ratio", "low", "high", "p"):
            assert float(own[f"total_{name}"]) == pytest.approx(float(getattr(whole, name)))
        assert int(own["origins"]) == known.sum()
    both = compared.sel(block="1").isel(pair=0)
    assert 0 < float(both["better_area"]) < 1
    assert float(both["worse_area"]) > 0


def test_coverage_is_a_mean_over_pairs_and_area(scores: xr.Dataset, compared: xr.Dataset) -> None:
    area, pairs = np.cos(np.deg2rad(LATITUDES)), scores["pairs"].values[1]
    covered = (scores["covered90"].values[1, :, 1] * pairs).sum(axis=1) / pairs.sum()
    own = compared.sel(forecaster="ridge-planet", block="13-60")
    assert float(own["coverage"]) == pytest.approx((covered * area).sum() / area.sum())
    assert float(own["calibrated"]) == pytest.approx(area[(covered >= 0.85) & (covered <= 0.95)].sum() / area.sum())


def test_the_mean_over_the_planet_weights_cells_by_area(scores: xr.Dataset) -> None:
    area = np.cos(np.deg2rad(LATITUDES))
    expected = scores["crps_by_origin"].values[2, 0] @ area / area.sum()
    np.testing.assert_allclose(planet_losses(scores).sel(model="lstm-planet", block="1"), expected)


def test_without_learners_there_is_nothing_to_compare(scores: xr.Dataset) -> None:
    assert not compare_cells(scores.sel(forecaster=[SIMPLE]), planned_pairs([SIMPLE]), BLOCKS)


@pytest.fixture(scope="module")
def stepped(scores: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Scores with the line over 30 years too, and the losses of the other steps in the cells of even number."""
    line = scores.sel(forecaster=[SIMPLE]).assign_coords(forecaster=["climatology-trend"])
    some = scores[["crps_by_origin"]].isel(cell=slice(None, None, 2))
    parts = [some.sel(forecaster=[SIMPLE]).assign_coords(forecaster=[name]) * 0.8 for name in STEPS[1:-1]]
    area = {name: some[name] for name in ("lat", "lon", "area")}
    both = xr.concat([scores, line], "forecaster", data_vars="minimal")
    return both, xr.concat(parts, "forecaster").assign_coords(area)


def test_steps_are_geometric_means_over_their_own_cells(stepped: tuple[xr.Dataset, xr.Dataset]) -> None:
    whole, reduced = stepped
    result = decompose(whole, reduced, BLOCKS)
    same = compare_cells(whole.isel(cell=slice(None, None, 2)), [("ridge-planet", SIMPLE)], BLOCKS)
    own = result.sel(step="ridge-planet")
    np.testing.assert_allclose(own["step_ratio"], same["mean_ratio"].isel(pair=0))
    assert (own["step_low"] < own["step_ratio"]).all()
    assert (own["step_high"] > own["step_ratio"]).all()
    # in one cell the interval is nearly that of a ratio of means
    one = decompose(whole, reduced.isel(cell=[1]), BLOCKS).sel(step="ridge-planet")
    ratio = compare_cells(whole.isel(cell=[2]), [("ridge-planet", SIMPLE)], BLOCKS).isel(pair=0)
    for name in ("ratio", "low", "high"):
        np.testing.assert_allclose(one[f"step_{name}"], ratio[f"total_{name}"], rtol=0.01)
    assert int(result["step_cells"]) == 3


def test_a_constant_factor_has_no_interval(stepped: tuple[xr.Dataset, xr.Dataset]) -> None:
    result = decompose(*stepped, BLOCKS).sel(step="ridge-windows")
    for name in ("ratio", "low", "high"):
        np.testing.assert_allclose(result[f"step_{name}"], 0.8)


def test_without_a_step_there_is_no_decomposition(stepped: tuple[xr.Dataset, xr.Dataset]) -> None:
    whole, reduced = stepped
    assert not decompose(whole, xr.Dataset(), BLOCKS)
    assert not decompose(whole.drop_sel(forecaster="ridge-planet"), reduced, BLOCKS)
