"""Where tasks run: in processes of this machine, or on the workers of a Dask scheduler.

A task is a picklable object that is given to a function of this package. Results come back in the order of the tasks
and do not depend, to the last bit, on where or beside what a task ran; a worker that dies costs time and nothing else.
Workers are kept for all tasks of a call, since starting TensorFlow takes longer than many a task.
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
"""Everything in this process, one task after another."""

WORKER_GIB = 1.0
"""Memory to reckon with per worker (GiB): a process that trains a network was measured at 0.7."""

SHARE_OF_MACHINE = 0.75
"""Part of the machine's memory that workers may fill together where no limit is set."""

SAMPLE_SECONDS = 1.0
"""Between two looks at the memory of the workers."""

DEATHS = 3
"""How often worker processes may die without finishing any task before the work is given up."""

log = logging.getLogger("climate")


def settled(compute: ComputeParams) -> ComputeParams:
    """`compute` with the scheduler that Dask's own settings name, where params.yaml names none."""
    if compute.scheduler is not None:
        return compute
    if importlib.util.find_spec("dask") is None:
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    else:
        import dask.config

        address = dask.config.get("scheduler-address", None)
    return compute.model_copy(update={"scheduler": address or None})


def run_tasks(function: Callable[[T], R], tasks: Sequence[T], compute: ComputeParams, what: str) -> list[R]:
    """`function` of every task, in the order of `tasks`; `what` names the work where progress is shown.

    Raises what a task raises, and ClimateError when workers die again and again, need more memory than
    `compute.memory_gib`, or the scheduler cannot be reached.
    """
    with TaskProgress(what, len(tasks)) as progress:
        if compute.scheduler is not None:
            from climate.parallel.cluster import run_on_cluster

            return run_on_cluster(function, tasks, compute.scheduler, progress.done)
        limit = memory_limit(compute)
        workers = min(worker_count(compute, limit), len(tasks))
        if workers > 1:
            return _Pool(function, tasks, workers, limit, progress.done).run()
        results = []
        for task in tasks:
            results.append(function(task))
            progress.done()
        return results


def memory_limit(compute: ComputeParams) -> int:
    """Bytes that all workers may use together."""
    if compute.memory_gib is not None:
        return int(compute.memory_gib * 2**30)
    return int(SHARE_OF_MACHINE * psutil.virtual_memory().total)


def worker_count(compute: ComputeParams, limit: int) -> int:
    """Processes: as many as are set, else as there are cores and memory for."""
    if compute.workers is not None:
        return compute.workers
    return max(1, min(os.cpu_count() or 1, int(limit / (WORKER_GIB * 2**30))))


def memory_of(pid: int) -> int:
    """Bytes of one process, pages shared with others in parts where the system tells; 0 when it is gone."""
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss))


class _Pool(Generic[T, R]):
    """Worker processes that are replaced when they die, and are fewer when they need too much memory."""

    def __init__(
        self, function: Callable[[T], R], tasks: Sequence[T], workers: int, limit: int, done: Callable[[], None]
    ) -> None:
        self._function, self._tasks, self._workers, self._limit, self._done = function, tasks, workers, limit, done
        self._results: dict[int, R] = {}
        self._seen = 0
        """Most bytes that all workers were seen to use together."""

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
                        "them to finish; was the memory of the machine full? Set compute.workers or "
                        "compute.memory_gib lower and run again"
                    ) from None
                else:
                    log.warning("a worker process died; its work begins again, %d tasks are left", left)
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
            "worker processes use %.1f GiB, allowed are %.1f: going on with %d, %d tasks are left",
            *(used, allowed, self._workers, left),
        )

    def _round(self) -> None:
        """One pool, until everything is done or a worker dies; finished tasks are kept in either case."""
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
        """Kill all workers when they use more memory than is allowed."""
        while not over.wait(SAMPLE_SECONDS):
            workers = [child for child in multiprocessing.active_children() if child.pid is not None]
            used = sum(memory_of(child.pid) for child in workers if child.pid is not None)
            if used > self._limit:
                self._seen = used
                for child in workers:
                    child.kill()
                return
