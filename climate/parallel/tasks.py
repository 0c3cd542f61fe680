"""Running tasks in processes of this machine, or on the workers of a Dask scheduler.

A task is a picklable argument of a function of this package. Results are in the order of the tasks and bit-identical
wherever and beside whichever other tasks they ran; a worker that dies costs time only. Workers serve all tasks of a
call, since starting TensorFlow takes longer than many tasks.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import logging
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Event, Thread
from typing import Generic, Protocol, TypeVar

import psutil

from climate.errors import ClimateError
from climate.parallel.progress import TaskProgress
from climate.params.sections import ComputeParams

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

ALONE = ComputeParams(workers=1)
"""All tasks in this process, one after another."""

WORKER_GIB = 1.0
"""Memory assumed per worker (GiB): a process that trains a network uses 0.7."""

SHARE_OF_MACHINE = 0.75
"""Share of the machine's memory that all workers may use together unless a limit is set."""

SAMPLE_SECONDS = 1.0
"""Interval at which the memory of the workers is measured."""

AHEAD = 2
"""Tasks per worker that are given out at once, so that no worker waits for its next one."""

DEATHS = 3
"""Consecutive deaths of worker processes without a finished task after which the run fails."""

log = logging.getLogger("climate")


class Tasks(Protocol[T_co]):
    """A list of tasks, or what makes each task when it is asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, position: int, /) -> T_co: ...


def settled(compute: ComputeParams) -> ComputeParams:
    """`compute` with the scheduler from Dask's own settings if params.yaml names none."""
    if compute.scheduler is not None:
        return compute
    if importlib.util.find_spec("dask") is None:
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    else:
        import dask.config

        address = dask.config.get("scheduler-address", None)
    return compute.model_copy(update={"scheduler": address or None})


def run_tasks(
    function: Callable[[T], R], tasks: Sequence[T], compute: ComputeParams, what: str, *, apart: bool = False
) -> list[R]:
    """All of `task_results`."""
    return list(task_results(function, tasks, compute, what, apart=apart))


def task_results(
    function: Callable[[T], R], tasks: Tasks[T], compute: ComputeParams, what: str, *, apart: bool = False
) -> Iterator[R]:
    """`function` of every task, in the order of `tasks`; `what` names the work where progress is shown.

    A task is taken from `tasks` when it is its turn, at most a few per worker in advance, and its result is not kept
    once it was given out: a sequence that makes its tasks needs little memory however long it is.

    `apart`: all tasks run in one further process of this machine, or on one worker of each machine of the scheduler,
    since each needs so much memory that this process must not keep it, nor two of a machine hold it at once.

    Raises any exception of a task, and ClimateError if workers die repeatedly or need more memory than
    `compute.memory_gib`, or the scheduler cannot be reached.
    """
    with TaskProgress(what, len(tasks)) as progress:
        if compute.scheduler is not None:
            from climate.parallel.cluster import run_on_cluster

            yield from in_order(run_on_cluster(function, tasks, compute.scheduler, progress.done, apart=apart))
            return
        limit = memory_limit(compute)
        workers = 1 if apart else min(worker_count(compute, limit), len(tasks))
        if workers > 1 or apart:
            yield from in_order(_Pool(function, tasks, workers, limit, progress.done).run())
            return
        for position in range(len(tasks)):
            result = function(tasks[position])
            progress.done()
            yield result


def in_order(numbered: Iterable[tuple[int, R]]) -> Iterator[R]:
    """Results in the order of their positions, from 0 on, each as soon as all before it are there."""
    ready: dict[int, R] = {}
    following = 0
    for position, result in numbered:
        ready[position] = result
        while following in ready:
            yield ready.pop(following)
            following += 1


def memory_limit(compute: ComputeParams) -> int:
    """Memory limit of all workers together (bytes)."""
    if compute.memory_gib is not None:
        return int(compute.memory_gib * 2**30)
    return int(SHARE_OF_MACHINE * psutil.virtual_memory().total)


def worker_count(compute: ComputeParams, limit: int) -> int:
    """Number of processes: as set, else by the number of cores and the memory `limit` (bytes)."""
    if compute.workers is not None:
        return compute.workers
    return max(1, min(os.cpu_count() or 1, int(limit / (WORKER_GIB * 2**30))))


def memory_of(pid: int) -> int:
    """Memory of one process (bytes), shared pages in proportion where the system reports it; 0 if it has ended."""
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss))


def release_memory() -> None:
    """Collect cycles, and give the system what glibc keeps for every thread that once needed memory."""
    gc.collect()
    if sys.platform == "linux":
        getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)(0)


class _Pool(Generic[T, R]):
    """Worker processes; they are replaced when they die, and halved in number when they use too much memory."""

    def __init__(
        self, function: Callable[[T], R], tasks: Tasks[T], workers: int, limit: int, done: Callable[[], None]
    ) -> None:
        self._function, self._tasks, self._workers, self._limit, self._done = function, tasks, workers, limit, done
        self._left = deque(range(len(tasks)))
        """Positions of the tasks that are neither finished nor given to a worker."""
        self._seen = 0
        """Memory of all workers when it exceeded the limit (bytes), else 0."""

    def run(self) -> Iterator[tuple[int, R]]:
        """The position of every task and its result, as they come; see `task_results`."""
        deaths = 0
        while self._left:
            before = len(self._left)
            try:
                yield from self._round()
            except BrokenProcessPool:
                left = len(self._left)
                deaths = deaths + 1 if left == before else 1
                if self._seen > self._limit:
                    self._fewer(left)
                elif deaths == DEATHS:
                    raise ClimateError(
                        f"worker processes died {DEATHS} times with {left} of {len(self._tasks)} tasks left, expected "
                        "them to finish; if the machine ran out of memory, lower compute.workers or "
                        "compute.memory_gib and run again"
                    ) from None
                else:
                    log.warning("a worker process died; its tasks start again, %d tasks are left", left)

    def _fewer(self, left: int) -> None:
        used, allowed = self._seen / 2**30, self._limit / 2**30
        if self._workers == 1:
            raise ClimateError(
                f"one worker process uses {used:.1f} GiB, expected at most {allowed:.1f} GiB (compute.memory_gib, or "
                "three quarters of the machine's memory); allow more, or choose smaller models"
            )
        self._workers, self._seen = max(1, self._workers // 2), 0
        log.warning(
            "worker processes use %.1f GiB, the limit is %.1f: going on with %d, %d tasks are left",
            *(used, allowed, self._workers, left),
        )

    def _round(self) -> Iterator[tuple[int, R]]:
        """Run one pool until all tasks are done or a worker dies."""
        # spawn: forked children of a process with threads may hang
        context = multiprocessing.get_context("spawn")
        over = Event()
        running: dict[Future[R], int] = {}
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:
            Thread(target=self._watch, args=(over,), daemon=True).start()
            try:
                while self._left or running:
                    while self._left and len(running) < AHEAD * self._workers:
                        future = pool.submit(self._function, self._tasks[self._left[0]])
                        running[future] = self._left.popleft()
                    finished = wait(running, return_when=FIRST_COMPLETED).done
                    # those without an exception first, which are lost otherwise
                    for future in sorted(finished, key=lambda one: one.exception() is not None):
                        result = future.result()
                        position = running.pop(future)
                        self._done()
                        yield position, result
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)
                self._left.extendleft(sorted(running.values(), reverse=True))

    def _watch(self, over: Event) -> None:
        """Kill all workers when they exceed the memory limit."""
        while not over.wait(SAMPLE_SECONDS):
            workers = [child for child in multiprocessing.active_children() if child.pid is not None]
            used = sum(memory_of(child.pid) for child in workers if child.pid is not None)
            if used > self._limit:
                self._seen = used
                for child in workers:
                    child.kill()
                return
