"""Stage `planet`: which cells are scored with less information."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import xarray as xr

from climate.forecasters.planet.estimation import REDUCED
from climate.params.params import Params, load_params
from climate.stages.planet import cell_scores, estimations, reduced_scores
from tests.conftest import ROOT
from tests.forecasters.test_planet import field


def with_planet(models: Sequence[str], stride: int) -> Params:
    """Parameters for a grid of 6 x 8 cells, of which every second one is learnt from."""
    params = load_params(ROOT / "params.yaml")
    small = {"components": 5, "seeds": (), "train_stride": 2, "field_stride": 1, "short_leads": 1, "models": models}
    return params.model_copy(
        update={
            "compute": params.compute.model_copy(update={"workers": 1}),
            "planet": params.planet.model_copy(update=small | {"stride": stride}),
            "backtest": params.backtest.model_copy(update={"first_origin": "1979-12", "origins": 3, "leads": 2}),
            "score": params.score.model_copy(update={"blocks": {"1": (1, 1)}}),
        }
    )


@pytest.mark.parametrize(("stride", "cells"), [(1, 12), (3, 2)])
def test_less_information_is_scored_where_cells_are_both_learnt_from_and_scored(stride: int, cells: int) -> None:
    params, grid = with_planet(["ridge-planet"], stride), field()
    learnt, reduced = estimations(grid, params)
    *parts, _ = cell_scores(grid, learnt, params)
    whole, less = xr.concat(parts, "cell", data_vars="minimal"), reduced_scores(grid, reduced, params)
    assert less["forecaster"].values.tolist() == list(REDUCED)
    assert less.sizes["cell"] == cells
    places = [{*zip(each["lat"].values, each["lon"].values, strict=True)} for each in (whole, less)]
    assert places[1] <= places[0]
    assert less["crps_by_origin"].notnull().all()
    xr.testing.assert_equal(less["origin"], whole["origin"])


def test_without_the_linear_forecaster_there_is_nothing_less() -> None:
    assert not reduced_scores(field(), {}, with_planet(["lstm-planet"], 1))
