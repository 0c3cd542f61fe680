"""Faults in the middle of a run: nothing is lost, one clear message, and the next `dvc repro` ends well."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import NOWHERE, Project
from tests.stages.test_pipeline import digests, stages_run

pytestmark = [pytest.mark.long, pytest.mark.network]

STAGES = {
    "pull@ncep-air": "pull ncep-air",
    "harmonize": "harmonize",
    "baselines@globe": "baselines globe",
    "lstm@globe": "lstm globe",
    "combine@globe": "combine globe",
    "score": "score",
    "revisions": "revisions",
    "report": "report",
}
"""Stage -> its command without `climate`."""


def runs(process: subprocess.Popen[str], words: str) -> bool:
    """Whether a child of `process` is the `climate` command with these words."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        lines = [" ".join(child.cmdline()) for child in children]
    except psutil.Error:
        return False
    return any(line.endswith(f"climate {words}") for line in lines)


@pytest.fixture
def same_results(reduced: Project) -> Iterator[None]:
    """Everything that a run writes is the same again after the test."""

    def found() -> dict[str, str]:
        return {
            f"{name}/{file}": digest
            for name in ("build", "reports", "data", "downloads")
            for file, digest in digests(reduced.folder / name).items()
        }

    before = found()
    yield
    assert found() == before


@pytest.mark.usefixtures("same_results")
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_killed_is_done_again(stage: str, reduced: Project) -> None:
    lock = reduced.read("dvc.lock")
    process = reduced.start("dvc", "repro", "--force", "--single-item", stage)
    end = time.monotonic() + 120
    while not runs(process, STAGES[stage]):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reduced.run("dvc", "repro")
    assert reduced.read("dvc.lock") == lock
    leftovers = [path for path in reduced.folder.rglob("*.partial") if ".dvc" not in path.parts]
    assert not [path for path in leftovers if path.parent != reduced.folder]


@pytest.mark.usefixtures("same_results")
def test_two_runs_at_once_end_well_or_say_who_is_at_work(reduced: Project) -> None:
    both = [reduced.start("dvc", "repro", "--force", "--single-item", "revisions") for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert 0 in [process.returncode for process in both]
    for process, output in zip(both, outputs, strict=True):
        assert process.returncode == 0 or "lock" in output.lower(), output
    assert not stages_run(reduced.run("dvc", "repro").stdout)


@pytest.mark.usefixtures("same_results")
@pytest.mark.parametrize("stage", ["score", "combine@globe", "report"])
def test_a_full_disk_is_one_line(stage: str, reduced: Project) -> None:
    """No file may grow beyond 512 bytes: that is how the shell's limit stands for a full disk."""
    words = STAGES[stage]
    done = reduced.run("bash", "-c", f"ulimit -f 1; exec climate {words}", check=False)
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith("climate: ")]
    assert len(said) == 1
    assert "cannot write" in said[0]
    assert "Traceback" not in done.stderr
    reduced.run("dvc", "repro")


@pytest.mark.usefixtures("same_results")
def test_a_corrupt_cache_is_noticed_and_made_good(reduced: Project) -> None:
    target = reduced.folder / "build" / "seams.nc"
    content = target.read_bytes()
    cached = [path for path in (reduced.folder / ".dvc" / "cache" / "files").rglob("*") if path.is_file()]
    victim = next(path for path in cached if path.stat().st_size == len(content) and path.read_bytes() == content)
    victim.chmod(victim.stat().st_mode | stat.S_IWUSR)
    victim.write_bytes(content[:-10] + b"corrupted!")
    target.unlink()
    ran = stages_run(reduced.run("dvc", "repro").stdout)
    assert ran <= {"harmonize"}
    assert target.read_bytes() == content


def test_a_read_only_checkout_can_be_read_and_says_why_it_cannot_be_written(
    reduced: Project, clone: Callable[[], Project], tmp_path: Path
) -> None:
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write anywhere, and setpriv is not there to be somebody else")
    project = clone()
    shutil.copytree(reduced.folder / "build", project.folder / "build")
    shutil.copy(reduced.folder / "params.yaml", project.folder / "params.yaml")
    subprocess.run(["chmod", "-R", "a+rX,a-w", str(project.folder)], check=True)
    subprocess.run(["chmod", "a+x", *map(str, project.folder.parents[:-2])], check=False)
    somebody = ("setpriv", "--reuid=65534", "--clear-groups") if os.getuid() == 0 else ()
    home = {"HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path)}
    probe = project.run(*somebody, "test", "-r", "params.yaml", check=False)
    if probe.returncode:
        pytest.skip("the temporary folder cannot be read by another user")
    assert "globe" in project.run(*somebody, "climate", "regions", "list", **home).stdout
    done = project.run(*somebody, "climate", "score", check=False, **home)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("climate: cannot write")
    assert "Permission denied" in done.stderr
    subprocess.run(["chmod", "-R", "u+w", str(project.folder)], check=True)


def test_every_publisher_down_on_a_fresh_clone_and_back_again(clone: Callable[[], Project], tmp_path: Path) -> None:
    project = clone()
    dark = {"PIP_INDEX_URL": NOWHERE, "CLIMATE_CACHE": str(tmp_path / "empty")}
    done = project.run("dvc", "repro", "harmonize", check=False, **dark)
    assert done.returncode != 0
    assert "climate: no region can be made: source ncep-air is unavailable" in done.stderr
    assert all(f"{key}: missing: " in done.stderr for key in ("ncep-air", "noaa-co2-mlo", "natural-earth"))
    assert "Traceback" not in done.stderr
    project.run("climate", "retry")
    assert "harmonize" in stages_run(project.run("dvc", "repro", "harmonize").stdout)
    assert (project.folder / "build" / "series" / "globe.nc").exists()


@pytest.mark.usefixtures("same_results")
def test_every_publisher_down_on_a_finished_run_changes_nothing(reduced: Project) -> None:
    dark = {"PIP_INDEX_URL": NOWHERE, "CLIMATE_CACHE": str(reduced.folder / "nothing")}
    done = reduced.run("dvc", "repro", "--force", "pull@noaa-co2-mlo", "pull@ncep-air", **dark)
    assert "is here as pinned" in done.stderr
    assert not stages_run(reduced.run("dvc", "repro", **dark).stdout)
