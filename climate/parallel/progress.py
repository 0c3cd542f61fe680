"""Progress of many tasks: a bar on a terminal, else a line in the log from time to time."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Any

LINE_SECONDS = 60.0
"""Time between two lines of the log."""

log = logging.getLogger("climate")


class TaskProgress:
    """Context manager whose `done` is called once per finished task."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._count = what, total, 0
        self._bar: Any = None
        self._logged = time.monotonic()

    def __enter__(self) -> TaskProgress:
        if sys.stderr.isatty() and self._total > 1:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

            columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._row = self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        return self

    def done(self) -> None:
        """Count one finished task."""
        self._count += 1
        if self._bar is not None:
            self._bar.update(self._row, completed=self._count)
        elif time.monotonic() - self._logged > LINE_SECONDS and self._count < self._total:
            self._logged = time.monotonic()
            log.info("%s: %d of %d tasks done", self._what, self._count, self._total)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
