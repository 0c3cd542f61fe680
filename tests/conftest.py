"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

import climate  # noqa: F401 - before NumPy: it chooses threads and instructions
from tests.reduced import reduce

ROOT = Path(__file__).resolve().parent.parent

FINISHED_RUN = "CLIMATE_FINISHED_RUN"
"""Environment variable: a clone of this tree, reduced and run; tests change files of it and put them back."""


# whether an example is quick depends on the machine
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

NOWHERE = "http://127.0.0.1:9/simple/"
"""A package registry that is down."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pipeline is run once: all tests of it go to one worker."""
    for item in items:
        if "reduced" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("pipeline"))


@pytest.fixture(scope="session")
def mirror() -> Path:
    """The folder with publishers' files; tests that need it are skipped without."""
    setting = os.environ.get("CLIMATE_MIRROR")
    if not setting or not Path(setting).is_dir():
        pytest.skip("CLIMATE_MIRROR names no folder with publishers' files")
    return Path(setting)


class Project:
    """A clone of the repository, run with its own code and the tests' environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self) -> dict[str, str]:
        """Its own package shadows the installed one; no mirror."""
        outer = {name: value for name, value in os.environ.items() if name != "CLIMATE_MIRROR"}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return outer | {"PYTHONPATH": str(self.folder), "PATH": path}

    def run(self, *command: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone."""
        env = self.environment() | environment
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=900)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A command in a process group of its own, not waited for."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read(self, name: str) -> str:
        """The text of one file of the clone."""
        return (self.folder / name).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Project]:
    """Makes fresh clones that hold the working tree's tracked files as they are now."""

    def make() -> Project:
        folder = tmp_path_factory.mktemp("clone")
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
        for name in filter(None, files):
            source, target = ROOT / name, folder / name
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
        project = Project(folder)
        project.run("git", "init", "-q")
        project.run("git", "add", "-A")
        project.run("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qm", "clone")
        return project

    return make


@pytest.fixture(scope="session")
def reduced(clone: Callable[[], Project]) -> Project:
    """A clone with the reduced configuration, its pipeline run once, or the one that FINISHED_RUN names."""
    if FINISHED_RUN in os.environ:
        return Project(Path(os.environ[FINISHED_RUN]))
    project = clone()
    reduce(project.folder)
    project.run("dvc", "repro")
    return project


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, str]]:
    """An S3 server with one bucket; the environment that reaches it."""
    reason = "the extras `s3` and `dev` are not installed"
    pytest.importorskip("dvc_s3", reason=reason)
    server = pytest.importorskip("moto.server", reason=reason).ThreadedMotoServer("127.0.0.1", 0)
    boto3 = pytest.importorskip("boto3", reason=reason)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "team", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="team",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="team")
    yield {"ENDPOINT": f"http://{host}:{port}", **keys}
    server.stop()
