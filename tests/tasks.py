"""Tasks for worker processes, in a module that is quickly imported."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import Fitted, Forecaster
from climate.forecasters.classical.naive import SeasonalNaive
from climate.forecasters.classical.trend import ClimatologyTrend

MODELS: dict[str, Forecaster] = {
    model.name: model for model in (SeasonalNaive(), ClimatologyTrend(), ClimatologyTrend(residual=True))
}


def square(number: int) -> int:
    return number**2


@dataclass(frozen=True)
class Waits:
    """Squares numbers once the file `signal` exists."""

    signal: Path

    def __call__(self, number: int) -> int:
        while not self.signal.exists():
            time.sleep(0.01)
        return number**2


@dataclass(frozen=True)
class DiesOnce:
    """Squares numbers; the first process that is given `victim` ends itself without a word."""

    marker: Path
    victim: int

    def __call__(self, number: int) -> int:
        if number == self.victim and not self.marker.exists():
            self.marker.write_text("died")
            os.kill(os.getpid(), signal.SIGKILL)
        return number**2


def dies(_number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def fails(number: int) -> int:
    if number == 3:
        raise ClimateError("three is refused")
    return number


def grows(mebibytes: int) -> int:
    """Holds so much memory for a while."""
    held = bytearray(mebibytes * 2**20)
    held[::4096] = b"1" * len(held[::4096])
    time.sleep(1.0)
    return len(held)


@dataclass(frozen=True)
class Watched:
    """A forecaster that tells which process estimated it, slowly enough to be interrupted."""

    name: str
    notes: str

    def fit(self, history: xr.Dataset) -> Fitted:
        """Estimate the model of the same name."""
        fitted = MODELS[self.name].fit(history)
        time.sleep(0.05)
        with Path(self.notes).open("a") as notes:
            notes.write(f"{os.getpid()} {self.name} {history.sizes['time']}\n")
        return fitted


def own_pid(_: int) -> int:
    """The process that it runs in."""
    return os.getpid()
