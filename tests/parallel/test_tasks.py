"""Tasks in processes and on a cluster: the same bits wherever they ran, whatever died meanwhile."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.harmonize.series import join_covariates
from climate.hindcast.rolling import backtest, origins
from climate.parallel import cluster
from climate.parallel import tasks as compute
from climate.parallel.tasks import AHEAD, ALONE, memory_limit, run_tasks, settled, task_results, worker_count
from climate.params.params import load_params
from climate.params.sections import ComputeParams
from climate.schema import TIME_DTYPE
from tests.conftest import ROOT
from tests.parallel.conftest import Cluster
from tests.tasks import DiesOnce, Waits, Watched, dies, fails, grows, own_pid, square

TWO = ComputeParams(workers=2)


@pytest.mark.parametrize("settings", [ALONE, TWO])
def test_results_come_in_the_order_of_the_tasks(settings: ComputeParams) -> None:
    assert run_tasks(square, range(23), settings, "squares") == [number**2 for number in range(23)]
    assert run_tasks(square, [], settings, "squares") == []


class Counting:
    """Numbers that are counted as they are taken."""

    def __init__(self, size: int) -> None:
        self._size, self.taken = size, 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, position: int) -> int:
        self.taken += 1
        return position


@pytest.mark.parametrize(("settings", "most"), [(ALONE, 1), (TWO, AHEAD * 2)])
def test_no_more_tasks_are_made_than_workers_need(settings: ComputeParams, most: int, tmp_path: Path) -> None:
    numbers, go, taken = Counting(400), tmp_path / "go", []

    def release() -> None:
        time.sleep(0.5)
        taken.append(numbers.taken)
        go.touch()

    Thread(target=release, daemon=True).start()
    assert list(task_results(Waits(go), numbers, settings, "squares")) == [number**2 for number in range(400)]
    assert taken[0] <= most
    assert numbers.taken == 400


def test_tasks_apart_share_one_other_process() -> None:
    pids = run_tasks(own_pid, range(4), TWO, "numbers", apart=True)
    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


@pytest.mark.parametrize("settings", [ALONE, TWO])
def test_an_error_in_a_task_is_raised_here(settings: ComputeParams) -> None:
    with pytest.raises(ClimateError, match="three is refused"):
        run_tasks(fails, range(8), settings, "numbers")


def test_a_worker_that_dies_is_replaced_and_its_work_done(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    function = DiesOnce(tmp_path / "died", 5)
    assert run_tasks(function, range(12), TWO, "squares") == [number**2 for number in range(12)]
    assert (tmp_path / "died").exists()
    assert "a worker process died" in caplog.text


def test_workers_that_die_again_and_again_are_an_error() -> None:
    with pytest.raises(ClimateError, match="died 3 times with 4 of 4 tasks left"):
        run_tasks(dies, range(4), TWO, "nothing")


def test_memory_beyond_the_limit_is_met_with_fewer_workers_then_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(compute, "SAMPLE_SECONDS", 0.1)
    alone = 0.7  # GiB: one process of 500 MiB fits, two do not
    done = run_tasks(grows, [500, 500], ComputeParams(workers=2, memory_gib=alone), "arrays")
    assert done == [500 * 2**20] * 2
    assert "going on with 1" in caplog.text
    with pytest.raises(ClimateError, match=r"one worker process uses 0\.\d GiB, expected at most 0\.3 GiB"):
        run_tasks(grows, [500, 500], ComputeParams(workers=2, memory_gib=0.3), "arrays")


def test_number_of_workers_follows_cores_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert worker_count(ComputeParams(), 3 * 2**30) == 3
    assert worker_count(ComputeParams(), 99 * 2**30) == 8
    assert worker_count(ComputeParams(), 2**20) == 1
    assert worker_count(ComputeParams(workers=5), 2**20) == 5
    assert memory_limit(ComputeParams(memory_gib=1.5)) == 3 * 2**29
    assert memory_limit(ComputeParams()) > 0


def test_no_stage_depends_on_where_work_is_done() -> None:
    """The section is commented in params.yaml, read by every stage, and listed by none."""
    assert load_params(ROOT / "params.yaml").compute == ComputeParams()
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    listed = [name for stage in pipeline.values() for name in stage.get("do", stage).get("params", [])]
    assert listed
    assert not [name for name in listed if str(name).startswith("compute")]


def test_dask_settings_name_the_scheduler_where_the_parameters_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    config = pytest.importorskip("dask.config", reason="the extra `cluster` is not installed")
    assert settled(ComputeParams()).scheduler is None
    with config.set({"scheduler-address": "tcp://elsewhere:8786"}):
        assert settled(ComputeParams()).scheduler == "tcp://elsewhere:8786"
        assert settled(ComputeParams(scheduler="tcp://here:1")).scheduler == "tcp://here:1"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://named:1")
    assert settled(ComputeParams()).scheduler == "tcp://named:1"


def test_a_scheduler_without_the_package_or_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ClimateError, match=r"found no scheduler at tcp://127\.0\.0\.1:9"):
        run_tasks(square, [1, 2], ComputeParams(scheduler="tcp://127.0.0.1:9"), "squares")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ClimateError, match="needs the package distributed"):
        run_tasks(square, [1, 2], ComputeParams(scheduler="tcp://127.0.0.1:9"), "squares")


def record(seed: int) -> xr.Dataset:
    values: FloatArray = np.random.default_rng(seed).normal(size=400).cumsum() * 0.1
    time = (np.datetime64("1980-01", "M") + np.arange(values.size)).astype(TIME_DTYPE)
    attrs = {"region": "here", "title": "Here", "units": "K"}
    return xr.Dataset({"value": ("time", values)}, coords={"time": time}, attrs=attrs)


def test_a_worker_killed_half_way_changes_no_bit(running: Cluster, tmp_path: Path) -> None:
    series, covariates = record(1), join_covariates({"enso": record(2)})
    notes = tmp_path / "notes"
    models = [Watched(name, str(notes)) for name in ("seasonal-naive", "trend-ar1", "climatology-trend")]

    def run(settings: ComputeParams) -> xr.Dataset:
        return backtest(series, covariates, models, origins("2005-12", 6, 11), 6, 6, compute=settings)

    alone = run(ALONE)
    expected = sorted(line.split()[1:] for line in notes.read_text().splitlines())
    notes.unlink()
    victim = running.workers[0]

    def half_way() -> bool:
        lines = notes.read_text().splitlines() if notes.exists() else []
        return len(lines) >= len(expected) // 2 and any(line.split()[0] == str(victim.pid) for line in lines)

    def kill_half_way() -> None:
        while not half_way():
            time.sleep(0.02)
        victim.send_signal(signal.SIGKILL)

    killer = Thread(target=kill_half_way, daemon=True)
    killer.start()
    shared = run(ComputeParams(scheduler=running.address))
    killer.join(10)
    assert victim.wait(10) == -signal.SIGKILL
    xr.testing.assert_identical(alone, shared)
    lines = [line.split() for line in notes.read_text().splitlines()]
    assert {int(line[0]) for line in lines} == {worker.pid for worker in running.workers}
    done = [line[1:] for line in lines]
    assert {tuple(one) for one in done} == {tuple(one) for one in expected}
    assert len(done) >= len(expected)


def test_workers_with_other_code_are_refused_and_a_lost_scheduler_is_named(
    running: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ComputeParams(scheduler=running.address)
    monkeypatch.setattr(cluster, "fingerprint", lambda: {**real, "numpy": "1.0"})
    with pytest.raises(ClimateError, match=r"has numpy [\d.]+, expected 1\.0 as here"):
        run_tasks(square, [1, 2], settings, "squares")
    monkeypatch.setattr(cluster, "fingerprint", lambda: real)
    assert run_tasks(square, [1, 2], settings, "squares") == [1, 4]
    running.scheduler.send_signal(signal.SIGKILL)
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ClimateError, match=r"compute\.scheduler: found no scheduler"):
        run_tasks(square, [1, 2], settings, "squares")


def test_tasks_apart_share_one_worker_of_a_machine(running: Cluster) -> None:
    settings = ComputeParams(scheduler=running.address)
    with import_module("distributed").Client(running.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    pids = run_tasks(own_pid, range(6), settings, "numbers", apart=True)
    assert len(set(pids)) == 1
    victim = next(worker for worker in running.workers if worker.pid == pids[0])
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    others = run_tasks(own_pid, range(6), settings, "numbers", apart=True)
    assert set(others) == {worker.pid for worker in running.workers} - set(pids)


real: dict[str, Any] = dict(cluster.fingerprint())


def test_fingerprint_names_code_and_libraries() -> None:
    assert set(real) == {"climate", "python", "tensorflow", *cluster.LIBRARIES}
    assert re.fullmatch("[0-9a-f]{12}", real["climate"])
    assert all(real.values())
