"""The pipeline itself, on the reduced configuration in a fresh clone."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import Project

pytestmark = [pytest.mark.slow, pytest.mark.network]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stages_run(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.fixture
def params(reduced: Project) -> Iterator[Path]:
    """params.yaml of the reduced project, put back afterwards."""
    path = reduced.folder / "params.yaml"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def test_report_is_rendered(reduced: Project) -> None:
    page = reduced.read("reports/index.html")
    assert "The globe" in page
    assert "Mauna Loa" in page


def test_second_run_does_nothing(reduced: Project) -> None:
    output = reduced.run("dvc", "repro").stdout
    assert not stages_run(output)
    assert "up to date" in output


@pytest.mark.long
def test_forced_run_gives_the_same_lock_and_reports(reduced: Project) -> None:
    lock, reports = reduced.read("dvc.lock"), digests(reduced.folder / "reports")
    pin = reduced.read("data.dvc")
    reduced.run("dvc", "repro", "--force")
    assert reduced.read("dvc.lock") == lock
    assert reduced.read("data.dvc") == pin
    assert digests(reduced.folder / "reports") == reports


@pytest.mark.long
def test_new_region_recomputes_no_other(reduced: Project, tmp_path: Path) -> None:
    project = Project(shutil.copytree(reduced.folder, tmp_path / "copy", symlinks=True))
    params, yaml = project.folder / "params.yaml", YAML()
    content = yaml.load(params)
    content["regions"]["kenya"] = {"title": "Kenya", "source": "ncep-air", "country": "Kenya"}
    yaml.dump(content, params)
    before = digests(project.folder / "build" / "forecasts")
    ran = stages_run(project.run("dvc", "repro").stdout)
    after = digests(project.folder / "build" / "forecasts")
    notebooks = {f"notebook@{name}" for name in ("presentation", "understanding", "walkthrough")}
    collected = {"harmonize", "score", "project", "report"} | notebooks
    assert ran == {*collected, "baselines@kenya", "lstm@kenya", "combine@kenya"}
    assert {name: after[name] for name in before} == before
    assert "Kenya" in project.read("reports/index.html")


def test_unknown_model_is_one_line(reduced: Project, params: Path) -> None:
    yaml = YAML()
    content = yaml.load(params)
    content["baselines"]["models"].append("oracle")
    yaml.dump(content, params)
    done = reduced.run("climate", "baselines", "globe", check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unknown model 'oracle'" in done.stderr
