"""Comparisons in every cell against a naive computation, and what they add up to."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.verify.fields import SIMPLE, compare_cells, planet_losses, planned_pairs
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
