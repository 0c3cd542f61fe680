"""The planet's cells in chunks: the same bytes by any workers, from a field in memory or on disk, whatever died."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climate.files import read_netcdf, write_netcdf_parts
from climate.forecasters.planet.estimation import Estimation
from climate.parallel.tasks import ALONE
from climate.params.params import Params, load_params
from climate.params.sections import ComputeParams
from climate.stages import planet as stage
from tests.conftest import ROOT
from tests.forecasters.test_planet import field
from tests.hindcast.test_cells import estimations
from tests.parallel.conftest import Cluster

CELLS_OF_A_TASK = 7


@pytest.fixture(scope="module")
def learnt() -> list[Estimation]:
    return estimations(field())


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stage, "TASK_CELLS", CELLS_OF_A_TASK)
    monkeypatch.chdir(tmp_path)


def settings(compute: ComputeParams) -> Params:
    params = load_params(ROOT / "params.yaml")
    backtest = params.backtest.model_copy(update={"first_origin": "1978-12", "every": 1, "origins": 71, "leads": 6})
    cells = {"stride": 1, "short_leads": 2, "long_every": 3, "models": ["ridge-planet", "lstm-planet"]}
    return params.model_copy(
        update={
            "backtest": backtest,
            "planet": params.planet.model_copy(update=cells),
            "score": params.score.model_copy(update={"blocks": {"1": (1, 1), "3-6": (3, 6)}}),
            "compute": compute,
        }
    )


def written(parts: Iterator[xr.Dataset], name: str) -> bytes:
    write_netcdf_parts(parts, "cell", Path(name))
    return Path(name).read_bytes()


def test_the_file_is_the_same_by_any_workers_and_from_disk(learnt: list[Estimation], tmp_path: Path) -> None:
    alone = written(stage.cell_scores(field(), learnt, settings(ALONE)), "alone.nc")
    field().to_dataset(name="value").to_netcdf(tmp_path / "field.nc")
    with xr.open_dataset(tmp_path / "field.nc") as opened:
        shared = written(stage.cell_scores(opened["value"], learnt, settings(ComputeParams(workers=2))), "shared.nc")
    assert shared == alone


def test_a_worker_killed_half_way_changes_no_byte(running: Cluster, learnt: list[Estimation]) -> None:
    alone = written(stage.cell_scores(field(), learnt, settings(ALONE)), "alone.nc")

    def interrupted() -> Iterator[xr.Dataset]:
        for number, part in enumerate(
            stage.cell_scores(field(), learnt, settings(ComputeParams(scheduler=running.address)))
        ):
            if number == 1:
                running.workers[0].send_signal(signal.SIGKILL)
            yield part

    assert written(interrupted(), "interrupted.nc") == alone
    assert running.workers[0].wait(10) == -signal.SIGKILL


def test_cells_with_gaps_are_left_out_and_the_others_keep_their_scores(learnt: list[Estimation]) -> None:
    holed = field().copy()
    holed[50, 2, 3] = np.nan
    written(stage.cell_scores(field(), learnt, settings(ALONE)), "whole.nc")
    written(stage.cell_scores(holed, learnt, settings(ALONE)), "holed.nc")
    whole, some = read_netcdf(Path("whole.nc")), read_netcdf(Path("holed.nc"))
    left = np.delete(np.arange(whole.sizes["cell"]), 2 * field().sizes["lon"] + 3)
    np.testing.assert_array_equal(some["lat"], whole["lat"][left])
    np.testing.assert_allclose(some["crps_by_origin"], whole["crps_by_origin"].isel(cell=left), rtol=1e-3, atol=1e-3)
    total = some["area"] / some["area"].sum()
    means = (some["crps_by_origin"].sel(block="1") * total).sum("cell").groupby("origin.month").mean()
    np.testing.assert_allclose(
        some["zone_crps"].sel(zone="planet", lead=1), means.transpose("forecaster", "month"), rtol=1e-3
    )
