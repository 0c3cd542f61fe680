"""Tasks on the workers of a Dask scheduler (the optional extra `cluster`).

A worker must run this code with the same libraries, else results would depend on where they were computed: each task
carries a fingerprint that the worker compares with its own. A worker process runs one task at a time, since the seeds
of Keras are global to the process. Dask reassigns the tasks of a worker that dies.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import climate
from climate.errors import ClimateError
from climate.parallel.tasks import AHEAD, Tasks

T = TypeVar("T")
R = TypeVar("R")

CONNECT_SECONDS = 30
"""Time limit for reaching a scheduler, and then for its first worker."""

LIBRARIES = ("numpy", "scipy", "pandas", "xarray", "statsmodels", "keras")
"""Libraries whose version may change results."""

_TURN = threading.Lock()

log = logging.getLogger("climate")


@cache
def fingerprint() -> dict[str, str]:
    """Versions that results depend on: hash of this package's code, interpreter and libraries; "" if not installed."""
    root = Path(climate.__file__).parent
    code = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        code.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    libraries = {name: _version(name) for name in LIBRARIES}
    libraries["tensorflow"] = next(filter(None, map(_version, climate.TENSORFLOW)), "")
    return {"climate": code.hexdigest()[:12], "python": platform.python_version(), **libraries}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True)
class OnWorker(Generic[T, R]):
    """A function and the fingerprint of its sender, sent to a worker."""

    function: Callable[[T], R]
    expected: dict[str, str]

    def __call__(self, task: T) -> R:
        """Run one task. Raises ClimateError if the fingerprint of this worker differs."""
        own = fingerprint()
        for name, expected in self.expected.items():
            if own.get(name) != expected:
                raise ClimateError(
                    f"the worker on {socket.gethostname()} has {name} {own.get(name) or 'not at all'}, expected "
                    f"{expected or 'none'} as here; install the same commit and requirements.lock on all workers"
                )
        with _TURN:
            return self.function(task)


def run_on_cluster(
    function: Callable[[T], R], tasks: Tasks[T], address: str, done: Callable[[], None], *, apart: bool = False
) -> Iterator[tuple[int, R]]:
    """The position of every task and its result, as they come from the workers of the scheduler at `address`.

    `apart`: on one worker of each machine, since two tasks at once may need more memory than a machine has.

    Raises any exception of a task, and ClimateError without the package, the scheduler or any worker.
    """
    try:
        distributed = import_module("distributed")
    except ImportError:
        raise ClimateError(
            f"compute.scheduler is {address}, which needs the package distributed; install it "
            "(pip install distributed) or set compute.scheduler to null"
        ) from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClimateError(
            f"compute.scheduler: found no scheduler at {address} ({type(error).__name__}), expected one; start it with "
            "`dask scheduler`, or set compute.scheduler to null"
        ) from None
    with client:
        yield from _gathered(distributed, client, function, tasks, address, done, apart)


def _one_of_each_machine(addresses: Iterable[str]) -> list[str]:
    return list({urlsplit(address).hostname: address for address in sorted(addresses, reverse=True)}.values())


def _gathered(
    distributed: Any,
    client: Any,
    function: Callable[[T], R],
    tasks: Tasks[T],
    address: str,
    done: Callable[[], None],
    apart: bool,
) -> Iterator[tuple[int, R]]:
    position: dict[str, int] = {}
    given = 0
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        checked = OnWorker(function, fingerprint())
        running = distributed.as_completed(loop=client.loop)
        while given < len(tasks) or position:
            threads = client.nthreads()
            chosen = _one_of_each_machine(threads) if apart else None
            at_once = max(1, len(chosen) if chosen is not None else AHEAD * sum(threads.values()))
            while given < len(tasks) and len(position) < at_once:
                # pure=False: every task has a unique key, so that no result of another run is reused
                with warnings.catch_warnings():
                    # a task carries the values that it works on
                    warnings.filterwarnings("ignore", message="Sending large graph")
                    future = client.submit(checked, tasks[given], pure=False, workers=chosen, allow_other_workers=apart)
                position[future.key] = given
                running.add(future)
                given += 1
                del future
            future = next(running)
            result = future.result()
            number = position.pop(future.key)
            future.release()
            done()
            yield number, result
    except distributed.KilledWorker as error:
        raise ClimateError(
            f"workers of {address} died repeatedly while they ran the same task ({error.last_worker.address} was "
            "the last); give them more memory (`dask worker --memory-limit`) or choose smaller models"
        ) from None
    except ModuleNotFoundError as error:
        raise ClimateError(
            f"the workers of {address} cannot import {error.name}; install this project and requirements.lock there"
        ) from None
    except (CancelledError, OSError, TimeoutError) as error:
        raise ClimateError(
            f"the scheduler at {address} was lost or has no workers ({type(error).__name__}) with "
            f"{len(tasks) - given + len(position)} of {len(tasks)} tasks left; restart it and run `dvc repro` again"
        ) from None
