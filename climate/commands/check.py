"""`climate check`: the truth checks of everything in data/, as a table."""

from __future__ import annotations

import io
from contextlib import suppress

import xarray as xr
from rich import box
from rich.console import Console
from rich.table import Table

from climate import SAME_BYTES
from climate.errors import ClimateError
from climate.harmonize.checks import examine
from climate.params.params import load_params
from climate.sources.pulled import Check, Release, previous, read_sources

SAME = "This machine: results are expected to equal the committed ones byte for byte."
OTHER = "This machine: not Linux on x86-64 with AVX2, so last digits may differ; compare scores with `climate compare`."

WIDTH = 140
"""Columns of the table when no terminal says how wide it is."""


def _against_previous(release: Release, record: xr.Dataset) -> tuple[xr.Dataset, list[Check]]:
    """`examine`, with the older vintage in data/ as what the record may not shrink against, where there is one."""
    older = None
    with suppress(ClimateError):
        older = previous(release.source.key)
    is_older = older is not None and older.vintage in release.source.before(release.vintage)
    return examine(release, record, older.read() if older and is_older else None)


def run() -> tuple[str, bool]:
    """The table and a word on this machine, and whether a check failed or a source could not be read."""
    pulled = read_sources(list(load_params().pull.pinned), _against_previous)
    table = Table("source", "check", "status", "found", "expected", box=box.SIMPLE)
    for row in sorted(pulled.checks, key=lambda check: check.status != "error"):
        table.add_row(row.source, row.check, row.status, row.found, row.expected)
    for key, reason in pulled.unavailable.items():
        table.add_row(key, "can be used", "error", reason, "a readable file that passes its checks")
    console = Console(file=io.StringIO(), width=None if Console().is_terminal else WIDTH)
    with console.capture() as captured:
        console.print(table)
    failed = bool(pulled.unavailable) or any(check.status == "error" for check in pulled.checks)
    return f"{captured.get().rstrip()}\n{SAME if SAME_BYTES else OTHER}", failed
