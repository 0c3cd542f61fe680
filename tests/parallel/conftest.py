"""A real scheduler, with workers in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT


class Cluster:
    """A scheduler and two workers, each a process started as a user starts it."""

    def __init__(self, folder: Path) -> None:
        distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
        self._folder = folder
        self._file = folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        local = ("--host", "127.0.0.1", "--port", "0")
        self.scheduler = self._start("scheduler", *local, "--no-dashboard", "--scheduler-file", str(self._file))
        self._wait(self._file.exists)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self.worker(), self.worker()]
        with distributed.Client(self.address) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """A worker of two threads, to show that tasks do not share a process at the same time."""
        return self._start(
            *("worker", self.address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"),
            *("--death-timeout", "20", "--local-directory", str(self._folder / "scratch")),
            **environment,
        )

    def _start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=self._folder,
            env={**os.environ, **one_thread, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / f"{len(self.processes)}.log").open("wb"),
        )
        self.processes.append(process)
        return process

    def _wait(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, "the scheduler did not start"
            time.sleep(0.05)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Cluster]:
    cluster_of_two = Cluster(tmp_path)
    yield cluster_of_two
    cluster_of_two.close()
