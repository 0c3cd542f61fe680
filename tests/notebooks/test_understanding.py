"""The chapter on what the direct LSTM depends on: its origins, its probe, and the sweep that it reads."""

from __future__ import annotations

import runpy
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from climate.errors import ClimateError
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "understanding.ipynb"


def cells() -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}


def run(*names: str, replace: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """What the code of some cells defines."""
    space: dict[str, Any] = {}
    for name in names:
        exec(cells()[name].replace(*replace), space)
    return space


def test_origins_neither_precede_the_baseline_nor_reach_the_contest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    space = run("imports", "plan")
    sweep = runpy.run_path(str(ROOT / "benchmarks" / "sweep.py"))
    names = ("FIRST_ORIGIN", "EVERY", "ORIGINS", "LAST_MONTH")
    assert [space[name] for name in names] == [sweep[name] for name in names]
    assert space["LAST_MONTH"] < space["params"].backtest.first_origin
    with pytest.raises(ClimateError, match=r"harmonize\.baseline ends in 1990"):
        run("imports", "plan", replace=("1990-12", "1989-12"))
    with pytest.raises(AssertionError):
        run("imports", "plan", replace=("12, 10, 60", "12, 11, 60"))


def test_probe_finds_what_is_held_and_nothing_else() -> None:
    explained = run("imports", "recover")["explained"]
    random = np.random.default_rng(1)
    memory = random.normal(size=(600, 8))
    held = 2 * memory[:, :1] + random.normal(0, 0.1, (600, 1))
    assert explained(memory, held, penalty=1) > 0.98
    assert explained(memory, random.normal(size=(600, 1)), penalty=1) < 0.05
    # neighbours alone tell the level of a walk; a probe that learnt from them would find it
    walk = random.normal(size=(600, 1)).cumsum(axis=0)
    near = np.arange(600)[:, None] // 24 == np.arange(25)
    assert explained(near.astype(float), walk, penalty=1) < 0.05


def test_committed_sweep_is_the_design() -> None:
    sweep = runpy.run_path(str(ROOT / "benchmarks" / "sweep.py"))
    table = pd.read_csv(ROOT / "benchmarks" / "sweep.csv")
    wanted = [{"seed": seed, **one} for one in sweep["combinations"]() for seed in sweep["SEEDS"]]
    for record in sweep["RECORDS"]:
        found = table.loc[table["record"] == record, list(wanted[0])].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, pd.DataFrame(wanted), check_dtype=False)
