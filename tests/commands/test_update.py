"""`climate update` and `climate retry`: what they show, what they write, and what an interruption leaves."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import climate.params.sections
import climate.sources.catalogue as catalogue
from climate.commands import update as module
from climate.commands.update import Outcome, retry, update
from climate.errors import ClimateError
from climate.sources.catalogue import Source, find_source
from climate.sources.provenance import read_provenance, write_provenance
from climate.sources.pull import pull
from tests.conftest import ROOT, Project
from tests.reader_samples import source

HEADER = "year,month,decimal,average,trend"
WRITES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}


def content(months: int, bump: float = 0.0, header: str = HEADER, first: int = 0) -> str:
    """A file of NOAA's global layout up to `months` after January 2000; `bump` goes onto its first value."""
    rows = []
    for i in range(first, months):
        year, month = 2000 + i // 12, i % 12 + 1
        value = 370 + i / 10 + (bump if i == 0 else 0)
        rows.append(f"{year},{month},{year + (month - 0.5) / 12:.3f},{value:.2f},{value:.2f}")
    return "\n".join(["# made up", header, *rows, ""])


def entry(key: str, vintages: dict[str, dict[str, Any]]) -> Source:
    file = {"name": "co2.csv", "url": "http://127.0.0.1:9/co2.csv", "mirror": f"{key}/co2.csv"}
    changes = {"key": key, "title": key, "quantity": "co2", "kind": "absolute", "unit": "ppm"}
    return source("noaa_co2", **changes, valid_range=(300, 600), files=(file,), vintages=vintages)


class Place:
    """A folder with params.yaml and a mirror of two invented sources, `alpha` and `beta`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.params = folder / "params.yaml"

    def publish(self, key: str, vintage: str, text: str) -> None:
        path = self.folder / "mirror" / vintage / key / "co2.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    @property
    def vintages(self) -> dict[str, str]:
        loaded = yaml.safe_load(self.params.read_text())["pull"]["sources"]
        return {key: value["vintage"] for key, value in loaded.items()}

    def pull(self, key: str, vintage: str) -> None:
        mirror = str(self.folder / "mirror")
        pull(find_source(key), vintage, self.folder / "data" / key, mirror=mirror, last_good=None)

    def update(self, *keys: str, answer: bool = True, **options: Any) -> tuple[Outcome, str]:
        lines: list[str] = []
        outcome = update(keys, ask=lambda _question: answer, say=lines.append, **options)
        return outcome, "\n".join(lines)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    here = Place(tmp_path)
    releases = {"2020-01": content(24), "2021-01": content(36, bump=0.5)}
    sources = {}
    for key in ("alpha", "beta"):
        for name, text in releases.items():
            here.publish(key, name, text)
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in releases.items()}
        named = {name: {"mirror": name, "sha256": {"co2.csv": digest}} for name, digest in digests.items()}
        sources[key] = entry(key, {"latest": {"mirror": ""}, **named})
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["regions"] = {"a": {"title": "A", "source": "alpha", "series": "co2"}}
    params["notebooks"], params["ceiling"] = {}, {}
    params["records"], params["covariates"], params["panels"] = {}, {}, {}
    params["score"]["hypotheses"] = {}
    params["score"]["opponent"]["regions"] = []
    params["harmonize"]["splices"], params["harmonize"]["combinations"] = {}, {}
    del params["pull"]
    pulled = (
        'pull:  # here\n  sources:\n    # first\n    alpha: {vintage: "2020-01"}  # A\n    beta: {vintage: "2021-01"}\n'
    )
    here.params.write_text(f"{pulled}\n{yaml.safe_dump(params, sort_keys=False)}")
    for target in (catalogue, climate.params.sections):
        monkeypatch.setattr(target, "load_catalogue", lambda: sources)
    monkeypatch.setenv("CLIMATE_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("CLIMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return here


def test_moves_to_the_newest_named_vintage_and_nothing_else(place: Place) -> None:
    before = place.params.read_text()
    outcome, text = place.update()
    assert outcome.moved == ["alpha"]
    assert outcome.failed == []
    assert place.params.read_text() == before.replace('"2020-01"', '"2021-01"')
    assert "alpha: 2020-01 -> 2021-01" in text
    assert "Rows: 12 only in 2021-01 (2002-01 to 2002-12), none only in 2020-01" in text
    assert "Revised: 1 of 24 shared values (4.2%), on average by 0.5 ppm, at most +0.5 ppm in 2000-01" in text
    assert re.search(r"Checks: \d of \d passed", text)
    assert "beta: 2021-01 is the newest available (latest unavailable)" in text
    assert not (place.folder / "downloads").exists()


def test_dry_run_and_no_write_nothing(place: Place) -> None:
    before = place.params.read_bytes()
    for outcome, text in (place.update(dry_run=True), place.update(answer=False)):
        assert outcome.moved == []
        assert "alpha: 2020-01 -> 2021-01" in text
    assert place.params.read_bytes() == before


def test_one_source_alone(place: Place) -> None:
    place.publish("beta", "", content(48))
    place.update("alpha")
    assert place.vintages == {"alpha": "2021-01", "beta": "2021-01"}
    with pytest.raises(ClimateError, match=r"'gamma' is not under pull\.sources .*alpha, beta"):
        place.update("gamma")


@pytest.mark.parametrize(
    ("key", "months", "taken", "line"),
    [
        ("alpha", 48, "latest", "alpha: 2020-01 -> latest"),
        ("alpha", 36, "2021-01", "alpha: 2020-01 -> 2021-01"),  # known by its name
        ("beta", 30, "2021-01", "beta: 2021-01 is the newest available"),  # never backwards
    ],
)
def test_latest_is_taken_when_it_is_newer_than_every_named_one(
    place: Place, key: str, months: int, taken: str, line: str
) -> None:
    place.publish(key, "", content(months, bump=0.5))
    shutil.rmtree(place.folder / "mirror" / "2021-01" / "alpha")
    outcome, text = place.update(key)
    assert place.vintages[key] == taken
    assert outcome.moved == (["alpha"] if key == "alpha" else [])
    assert line in text
    assert ("`latest` moves with its publisher" in text) == (taken == "latest")


def test_the_copy_in_data_is_what_changes_are_told_from(place: Place) -> None:
    place.pull("alpha", "2020-01")
    shutil.rmtree(place.folder / "mirror" / "2020-01")
    _, text = place.update("alpha")
    assert "Revised: 1 of 24 shared values" in text


def test_a_moved_latest_is_pulled_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(module, "pull_again", lambda keys: asked.append(list(keys)))
    place.publish("alpha", "", content(48))
    place.params.write_text(place.params.read_text().replace('"2020-01"', "latest"))
    place.pull("alpha", "latest")
    before = place.params.read_bytes()
    assert place.update("alpha")[0].moved == []
    place.publish("alpha", "", content(49))
    outcome, text = place.update("alpha")
    assert outcome.moved == ["alpha"]
    assert asked == [["alpha"]]
    assert "Rows: 1 only in latest (2004-01)" in text
    assert place.params.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "read", "why"),
    [
        (content(48, header="year,month,decimal,trend,average"), True, "found 'year,month,decimal,trend,average'"),
        (content(48, bump=700.0), True, "check 'values in physical range'"),
        (content(48)[:-300], True, "row"),
        (content(60, first=6), True, "check 'rows never shrink': found 6 values fewer"),
        ("<html>sorry</html>" * 9, False, "alpha: 2020-01 is the newest available (2021-01, latest unavailable)"),
    ],
    ids=["header", "range", "cut short", "rows lost", "web page"],
)
def test_a_release_that_cannot_be_trusted_is_not_taken_up(place: Place, text: str, read: bool, why: str) -> None:
    before = place.params.read_bytes()
    place.publish("alpha", "", text)
    shutil.rmtree(place.folder / "mirror" / "2021-01")
    outcome, said = place.update()
    assert place.params.read_bytes() == before
    assert outcome.moved == []
    assert ("alpha" in outcome.failed) == read
    assert why in said
    assert "beta: 2021-01 is the newest available" not in said  # it too has gone from the mirror


def test_no_source_to_be_had_stops_no_other(place: Place) -> None:
    shutil.rmtree(place.folder / "mirror" / "2020-01" / "alpha")
    shutil.rmtree(place.folder / "mirror" / "2021-01" / "alpha")
    place.params.write_text(
        place.params.read_text().replace('beta: {vintage: "2021-01"}', 'beta: {vintage: "2020-01"}')
    )
    outcome, said = place.update()
    assert outcome.failed == ["alpha"]
    assert outcome.moved == ["beta"]
    assert "alpha: not updated: " in said
    assert place.vintages == {"alpha": "2020-01", "beta": "2021-01"}


def test_edits_made_while_the_question_stands_are_kept(place: Place) -> None:
    def answer(_question: str) -> bool:
        place.params.write_text(place.params.read_text() + "# added meanwhile\n")
        return True

    update(["alpha"], ask=answer, say=lambda _line: None)
    assert place.params.read_text().endswith("# added meanwhile\n")
    assert place.vintages["alpha"] == "2021-01"


def test_a_params_file_that_cannot_be_written(place: Place) -> None:
    (place.folder / "params.yaml.partial").mkdir()
    before = place.params.read_bytes()
    outcome, said = place.update("alpha")
    assert outcome.failed == ["alpha"]
    assert "params.yaml" in said
    assert "nothing was replaced" in said
    assert place.params.read_bytes() == before


def in_a_child(work: Callable[[], None], kill_at: int) -> tuple[int, int]:
    """Run `work` in a fork that kills itself at its `kill_at`-th change to the disk: (signal, changes seen)."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        seen = 0

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal seen
            if event == "open":
                writes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
                if not writes or str(arguments[0]).startswith("/dev/"):
                    return
            elif event not in WRITES:
                return
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        status = 1
        try:
            sys.addaudithook(watch)
            work()
            os.write(send, str(seen).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(send)
    _, ended = os.waitpid(child, 0)
    with os.fdopen(receive) as pipe:
        seen_there = pipe.read()
    return os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else -os.WEXITSTATUS(ended), int(seen_there or 0)


def test_killed_at_any_change_to_the_disk(place: Place) -> None:
    """params.yaml is as before or as after, whole, and the next update ends well."""
    before = place.params.read_text()
    after = before.replace('"2020-01"', '"2021-01"')
    state = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}

    def work() -> None:
        update(["alpha"], ask=lambda _question: True, say=lambda _line: None)

    def reset() -> None:
        for name in ("cache", "downloads", "data"):
            shutil.rmtree(place.folder / name, ignore_errors=True)
        for path, text in state.items():
            path.write_bytes(text)

    ended, changes = in_a_child(work, kill_at=0)
    assert ended == 0
    assert changes > 10
    assert place.params.read_text() == after
    found = set()
    for kill_at in [*range(1, changes, 4), changes - 1, changes, changes + 1]:
        reset()
        ended, _ = in_a_child(work, kill_at)
        assert ended == (signal.SIGKILL if kill_at <= changes else 0), kill_at
        found.add(place.params.read_text())
        assert found <= {before, after}
        place.update("alpha")
        assert place.params.read_text() == after
    assert found == {before, after}


def held(folder: Path, key: str, status: str) -> None:
    """A provenance of a pull that ended with `status`."""
    provenance = read_provenance(Path("data") / key.partition("/")[0])
    target = folder / "downloads" / key
    target.mkdir(parents=True, exist_ok=True)
    changes = {"status": status, "reasons": ("publisher: no connection",)}
    write_provenance(provenance.model_copy(update=changes), target)


class Retry:
    """`climate retry` on `place` with a pull that the test provides: what it asked for and what it printed."""

    def __init__(self, place: Place, monkeypatch: pytest.MonkeyPatch, *helped: str) -> None:
        self.asked: list[str] = []
        self.lines: list[str] = []

        def again(keys: list[str]) -> None:
            self.asked.extend(keys)
            for key in helped:
                held(place.folder, key, "ok")

        monkeypatch.setattr(module, "pull_again", again)
        self.well = retry(self.lines.append)


@pytest.mark.parametrize(
    ("statuses", "retried", "well"),
    [
        ({"alpha": "ok", "beta": "ok"}, [], True),
        ({"alpha": "ok", "beta": "missing"}, ["beta"], True),
        ({"alpha": "last-good", "beta": "missing"}, ["alpha", "beta"], True),
        ({"alpha": "ok"}, [], False),
    ],
)
def test_retry_pulls_what_was_not_well(
    place: Place, monkeypatch: pytest.MonkeyPatch, statuses: dict[str, str], retried: list[str], well: bool
) -> None:
    place.pull("alpha", "2020-01")
    place.pull("beta", "2021-01")
    for key, status in statuses.items():
        held(place.folder, key, status)
    done = Retry(place, monkeypatch, *retried)
    assert done.well is well
    assert done.asked == retried
    assert ("Run `dvc repro` to take up what is new." in done.lines) == bool(retried)
    assert any("Not pulled yet: beta" in line for line in done.lines) == ("beta" not in statuses)


@pytest.mark.parametrize("helps", [True, False])
@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("alpha/previous", "alpha, previous vintage: missing, publisher: no connection"),
        ("alpha", "alpha: missing, publisher: no connection"),
    ],
)
def test_retry_covers_the_previous_vintage_and_says_what_did_not_help(
    key: str, line: str, helps: bool, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in ("alpha", "beta"):
        place.pull(each, "2021-01")
        held(place.folder, each, "ok")
    shutil.copytree("downloads/alpha", "downloads/alpha/previous")
    held(place.folder, key, "missing")
    done = Retry(place, monkeypatch, *([key] if helps else []))
    assert done.well is helps
    assert done.asked == ["alpha"]
    assert (line in done.lines) is not helps


@pytest.mark.slow
def test_retry_in_a_real_project(clone: Callable[[], Project], mirror: Path) -> None:
    project = clone()
    path = project.folder / "params.yaml"
    text = path.read_text()
    path.write_text(text.replace("  sources:\n", "  sources:\n    gistemp-global: {vintage: latest}\n", 1))
    offline = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    project.run("dvc", "repro", "pull@gistemp-global", **offline)
    assert '"status": "missing"' in project.read("downloads/gistemp-global/provenance.json")
    done = project.run("climate", "retry", check=False, CLIMATE_MIRROR=str(mirror), **offline)
    assert "gistemp-global: ok, latest from mirror" in done.stdout
    assert "Run `dvc repro`" in done.stdout
    assert '"status": "ok"' in project.read("downloads/gistemp-global/provenance.json")


def test_command_line_asks_and_tells_by_its_status(place: Place) -> None:
    from typer.testing import CliRunner

    from climate.cli import app

    runner = CliRunner()
    before = place.params.read_bytes()
    for arguments, given, status in (
        (["update", "--dry-run"], "", 0),
        (["update", "alpha"], "n\n", 0),
        (["update", "alpha"], "", 1),  # nobody there to answer
    ):
        done = runner.invoke(app, arguments, input=given)
        assert done.exit_code == status, done.output
        assert "alpha: 2020-01 -> 2021-01" in done.output
        assert place.params.read_bytes() == before
    assert "Move alpha to 2021-01? [y/N]" in runner.invoke(app, ["update", "alpha"], input="y\n").output
    assert place.vintages["alpha"] == "2021-01"
    assert "alpha: 2021-01 is the newest" in runner.invoke(app, ["update", "--yes"]).output


def shell_blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)


def test_the_scheduled_recipe_is_sound() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/refresh.yml").read_text())
    steps = workflow["jobs"]["refresh"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert any("climate update" in script and "--yes" in script for script in scripts)
    assert any("dvc repro" in script for script in scripts)
    for script in [*scripts, *shell_blocks((ROOT / "docs/refresh.md").read_text())]:
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "${{" not in script  # such text is put in before the shell sees it
