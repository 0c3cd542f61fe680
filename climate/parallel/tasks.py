"""Running tasks in processes of this machine, or on the workers of a Dask scheduler.

A task is a picklable argument of a function of this package. Results are in the order of the tasks and bit-identical
wherever and beside whichever other tasks they ran; a worker that dies costs time only. Workers serve all tasks of a
call, since starting TensorFlow takes longer than many tasks.
"""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Event, Thread
from typing import Generic, TypeVar

import psutil

from climate.errors import ClimateError
from climate.parallel.progress import TaskProgress
from climate.params.sections import ComputeParams

T = TypeVar("T")
R = TypeVar("R")

ALONE = ComputeParams(workers=1)
"""All tasks in this process, one after another."""

WORKER_GIB = 1.0
"""Memory assumed per worker (GiB): a process that trains a network uses 0.7."""

SHARE_OF_MACHINE = 0.75
"""Share of the machine's memory that all workers may use together unless a limit is set."""

SAMPLE_SECONDS = 1.0
"""Interval at which the memory of the workers is measured."""

DEATHS = 3
"""Consecutive deaths of worker processes without a finished task after which the run fails."""

log = logging.getLogger("climate")


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
    """`function` of every task, in the order of `tasks`; `what` names the work where progress is shown.

    `apart`: all tasks run in one further process of this machine, or on the scheduler, since each needs so much memory
    that this process must not keep it, nor two hold it at once.

    Raises any exception of a task, and ClimateError if workers die repeatedly or need more memory than
    `compute.memory_gib`, or the scheduler cannot be reached.
    """
    with TaskProgress(what, len(tasks)) as progress:
        if compute.scheduler is not None:
            from climate.parallel.cluster import run_on_cluster

            return run_on_cluster(function, tasks, compute.scheduler, progress.done)
        limit = memory_limit(compute)
        workers = 1 if apart else min(worker_count(compute, limit), len(tasks))
        if workers > 1 or apart:
            return _Pool(function, tasks, workers, limit, progress.done).run()
        results = []
        for task in tasks:
            results.append(function(task))
            progress.done()
        return results


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


class _Pool(Generic[T, R]):
    """Worker processes; they are replaced when they die, and halved in number when they use too much memory."""

    def __init__(
        self, function: Callable[[T], R], tasks: Sequence[T], workers: int, limit: int, done: Callable[[], None]
    ) -> None:
        self._function, self._tasks, self._workers, self._limit, self._done = function, tasks, workers, limit, done
        self._results: dict[int, R] = {}
        self._seen = 0
        """Memory of all workers when it exceeded the limit (bytes), else 0."""

    def run(self) -> list[R]:
        """All results; see `run_tasks`."""
        deaths = 0
        while len(self._results) < len(self._tasks):
            before = len(self._results)
            try:
                self._round()
            except BrokenProcessPool:
                left = len(self._tasks) - len(self._results)
                deaths = deaths + 1 if len(self._results) == before else 1
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
        return [self._results[position] for position in range(len(self._tasks))]

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

    def _round(self) -> None:
        """Run one pool until all tasks are done or a worker dies; results of finished tasks remain in either case."""
        # spawn: forked children of a process with threads may hang
        context = multiprocessing.get_context("spawn")
        over = Event()
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:
            waiting: dict[Future[R], int] = {
                pool.submit(self._function, task): position
                for position, task in enumerate(self._tasks)
                if position not in self._results
            }
            Thread(target=self._watch, args=(over,), daemon=True).start()
            try:
                for future in as_completed(waiting):
                    if isinstance(future.exception(), BrokenProcessPool):
                        continue
                    self._results[waiting[future]] = future.result()
                    self._done()
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)
            if any(future.exception() for future in waiting):
                raise BrokenProcessPool

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
