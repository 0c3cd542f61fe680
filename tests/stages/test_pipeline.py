"""The pipeline itself, on the reduced configuration in a fresh clone."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.conftest import Project
from tests.reduced import edit

pytestmark = [pytest.mark.slow, pytest.mark.network]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def stages_run(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


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
    kenya = {"title": "Kenya", "source": "ncep-air", "country": "Kenya"}
    edit(project.folder / "params.yaml", lambda params: params["regions"].update(kenya=kenya))
    before = digests(project.folder / "build" / "forecasts")
    ran = stages_run(project.run("dvc", "repro").stdout)
    after = digests(project.folder / "build" / "forecasts")
    forecast = {"baselines@kenya", "lstm@kenya", "combine@kenya"}
    assert ran == {"harmonize", "score", "seasonal", "project", "presentation", "report"} | forecast
    assert {name: after[name] for name in before} == before
    assert "Kenya" in project.read("reports/index.html")
