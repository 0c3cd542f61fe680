"""A team's remote: what one machine computed, another one downloads. The S3 server is a package, on the loopback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import NOWHERE, Project
from tests.promised import promised
from tests.stages.test_pipeline import digests, stages_run

pytestmark = [pytest.mark.long, pytest.mark.network]

UNCACHED = set(promised().values())
"""Stages with files that are kept in git and not in DVC's cache: DVC runs them again where dvc.lock is gone."""


def connect(project: Project, endpoint: str) -> None:
    """The commands of docs/remotes.md."""
    project.run("dvc", "remote", "add", "--force", "--default", "team", "s3://team/climate")
    project.run("dvc", "remote", "modify", "team", "endpointurl", endpoint)


@pytest.fixture(scope="module")
def pushed(reduced: Project, bucket: dict[str, str]) -> dict[str, str]:
    """The finished run on the server; the environment of a second machine without any other network."""
    config = reduced.folder / ".dvc" / "config"
    before = config.read_bytes()
    connect(reduced, bucket["ENDPOINT"])
    reduced.run("dvc", "push", "--run-cache", **bucket)
    config.write_bytes(before)
    return bucket


@pytest.fixture
def second(
    reduced: Project, clone: Callable[[], Project], pushed: dict[str, str], tmp_path: Path
) -> tuple[Project, dict[str, str]]:
    """Another machine: a fresh clone of what the first one committed, with nothing in its caches."""
    project = clone()
    for name in ("params.yaml", "dvc.lock", "data.dvc"):
        shutil.copy(reduced.folder / name, project.folder / name)
    shutil.rmtree(project.folder / "reports")
    shutil.copytree(reduced.folder / "reports", project.folder / "reports")
    connect(project, pushed["ENDPOINT"])
    (project.folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("bin/activate", ".ready"):
        (project.folder / ".venv" / name).touch()
    return project, {**pushed, "PIP_INDEX_URL": NOWHERE, "CLIMATE_CACHE": str(tmp_path / "empty")}


def test_make_report_on_the_second_machine_is_a_download(
    reduced: Project, second: tuple[Project, dict[str, str]]
) -> None:
    project, environment = second
    done = project.run("make", "report", **environment)
    assert not stages_run(done.stdout)
    assert "is cached" not in done.stdout
    for folder in ("build", "data", "reports"):
        assert digests(project.folder / folder) == digests(reduced.folder / folder)


def test_without_a_lock_the_run_cache_serves_every_stage_that_has_one(
    reduced: Project, second: tuple[Project, dict[str, str]]
) -> None:
    project, environment = second
    (project.folder / "dvc.lock").unlink()
    ran = stages_run(project.run("make", "report", **environment).stdout)
    assert {name.partition("@")[0] for name in ran} <= UNCACHED
    assert digests(project.folder / "build") == digests(reduced.folder / "build")
    assert digests(project.folder / "reports") == digests(reduced.folder / "reports")


def test_a_remote_that_is_down_is_named_and_work_goes_on_here(second: tuple[Project, dict[str, str]]) -> None:
    project, environment = second
    project.run("dvc", "remote", "modify", "team", "endpointurl", "http://127.0.0.1:9")
    project.run("dvc", "remote", "modify", "team", "connect_timeout", "1")
    shutil.copy(project.folder / "dvc.yaml", project.folder / "whole.yaml")
    (project.folder / "dvc.yaml").write_text("stages:\n  here:\n    cmd: echo computed here\n")
    done = project.run("make", "report", **environment)
    assert "The remote did not answer; computing here." in done.stderr
    assert "computed here" in done.stdout
