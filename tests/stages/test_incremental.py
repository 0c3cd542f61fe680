"""Which stages run when something changes: those that it touches, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.network]


@contextmanager
def changed(path: Path, content: bytes) -> Iterator[None]:
    """A file with other content for a while; it may be a link into the cache."""
    before = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def touched(project: Project) -> set[str]:
    """Stages that DVC finds changed, before any of them has run."""
    return set(json.loads(project.run("dvc", "status", "--json").stdout))


def test_nothing_is_changed_after_a_run(reduced: Project) -> None:
    assert touched(reduced) == set()


def test_a_figure_runs_pages_alone(reduced: Project) -> None:
    figure = reduced.folder / "climate" / "report" / "figures" / "record.py"
    with changed(figure, figure.read_bytes() + b"# another line\n"):
        assert touched(reduced) == {"report"}


def test_a_map_runs_pages_and_no_forecast(reduced: Project) -> None:
    figure = reduced.folder / "climate" / "report" / "figures" / "places.py"
    with changed(figure, figure.read_bytes() + b"# another line\n"):
        found = touched(reduced)
    assert {name.partition("@")[0] for name in found} == {"report", "panel-page"}


def test_a_source_runs_what_reads_it(reduced: Project) -> None:
    """A longer file of CO2: no stage that reads the reanalysis alone is touched."""
    file = next(path for path in (reduced.folder / "data" / "noaa-co2-mlo").iterdir() if path.suffix == ".csv")
    with changed(file, file.read_bytes() + b"\n"):
        found = touched(reduced)
    assert {"harmonize", "revisions", "report"} <= found
    assert not {name.partition("@")[0] for name in found} & {"baselines", "lstm", "pool", "panel", "panel-page"}


@contextmanager
def parameters(project: Project) -> Iterator[tuple[Any, Callable[[], None]]]:
    """The content of params.yaml, and what writes it there after a change; put back afterwards."""
    path, yaml = project.folder / "params.yaml", YAML()
    before = path.read_bytes()
    content = yaml.load(path)

    def write() -> None:
        yaml.dump(content, path)

    try:
        yield content, write
    finally:
        path.write_bytes(before)


def test_where_work_is_done_runs_nothing(reduced: Project) -> None:
    with parameters(reduced) as (content, write):
        content["compute"] |= {"workers": 3, "scheduler": "tcp://127.0.0.1:9"}
        write()
        assert "tcp://127.0.0.1:9" in reduced.read("params.yaml")
        assert touched(reduced) == set()


def test_one_more_set_runs_that_set(reduced: Project) -> None:
    with parameters(reduced) as (content, write):
        content["panels"]["lands"] = {"title": "Lands", "source": "ncep-air", "shapes": "natural-earth"}
        write()
        assert touched(reduced) == {"panel@lands", "panel-page@lands", "report"}
