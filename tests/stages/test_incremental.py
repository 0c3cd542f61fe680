"""Which stages run when something changes: those that it touches, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Project
from tests.reduced import edit

pytestmark = [pytest.mark.slow, pytest.mark.network]

LANDS = {"title": "Lands", "source": "ncep-air", "shapes": "natural-earth"}


@contextmanager
def kept(path: Path) -> Iterator[bytes]:
    """The content of a file, which may be a link into the cache; put back afterwards."""
    before = path.read_bytes()
    path.unlink()
    path.write_bytes(before)
    try:
        yield before
    finally:
        path.write_bytes(before)


def touched(project: Project) -> set[str]:
    """Stages that DVC finds changed, before any of them has run."""
    return set(json.loads(project.run("dvc", "status", "--json").stdout))


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("climate/report/figures/record.py", {"report"}),
        ("climate/report/figures/maps.py", {"report", "panel-page"}),
        ("climate/forecasters/classical/arima.py", {"baselines", "panel", "ceiling", "score"}),
        # a longer file of CO2: no stage that reads the reanalysis alone
        (
            "data/noaa-co2-mlo/co2_mm_mlo.csv",
            {"data.dvc", "harmonize", "project", "revisions", "presentation", "ledger", "report"},
        ),
    ],
)
def test_a_changed_file_touches_what_reads_it(name: str, stages: set[str], reduced: Project) -> None:
    with kept(reduced.folder / name) as content:
        (reduced.folder / name).write_bytes(content + b"\n")
        assert {stage.partition("@")[0] for stage in touched(reduced)} == stages


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        (lambda params: params["compute"].update(workers=3, scheduler="tcp://127.0.0.1:9"), set()),
        (lambda params: params["panels"].update(lands=LANDS), {"panel@lands", "panel-page@lands", "report"}),
    ],
    ids=["where work is done", "one more panel"],
)
def test_changed_parameters_touch_what_depends_on_them(
    change: Callable[[Any], None], stages: set[str], reduced: Project
) -> None:
    path = reduced.folder / "params.yaml"
    with kept(path) as before:
        edit(path, change)
        assert path.read_bytes() != before
        assert touched(reduced) == stages
