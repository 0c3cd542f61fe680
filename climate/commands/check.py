"""`climate check`: the truth checks of everything in data/, as a table."""

from __future__ import annotations

import io
import logging

import xarray as xr
from rich import box
from rich.console import Console
from rich.table import Table

from climate.errors import ClimateError
from climate.params.params import load_params
from climate.sources.catalogue import Source
from climate.sources.releases import at_hand, release
from climate.stages.harmonize import read_sources

log = logging.getLogger("climate")

WIDTH = 140
"""Columns of the table when no terminal says how wide it is."""


def previous(source: Source, vintage: str) -> xr.Dataset | None:
    """The record of the newest older vintage that this machine holds, without any transfer; None where it has none."""
    for older in reversed(source.before(vintage)):
        try:
            if at_hand(source.key, older):
                with release(source.key, older) as found:
                    return found.read()
        except ClimateError:
            continue
    return None


def run() -> tuple[str, bool]:
    """The table, and whether a check failed or a source could not be read."""
    level = log.level
    log.setLevel(logging.WARNING)  # of releases that are at hand nobody asked to hear
    try:
        pulled = read_sources(list(load_params().pull.sources), previous)
    finally:
        log.setLevel(level)
    table = Table("source", "check", "status", "found", "expected", box=box.SIMPLE)
    for row in sorted(pulled.checks, key=lambda check: check.status != "error"):
        table.add_row(row.source, row.check, row.status, row.found, row.expected)
    for key, reason in pulled.unavailable.items():
        table.add_row(key, "can be used", "error", reason, "a readable file that passes its checks")
    console = Console(file=io.StringIO(), width=None if Console().is_terminal else WIDTH)
    with console.capture() as captured:
        console.print(table)
    failed = bool(pulled.unavailable) or any(check.status == "error" for check in pulled.checks)
    return captured.get().rstrip(), failed
