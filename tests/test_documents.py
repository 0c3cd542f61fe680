"""Documents: commands exist, examples run, links and paths resolve, and the README agrees with the report."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dvc.cli import DvcParserError
from dvc.cli.parser import get_main_parser
from typer.main import get_command

from climate.cli import app
from climate.files import read_json
from climate.forecasters.registry import Kind, find_model
from climate.paths import CLASSICAL
from climate.sources.catalogue import load_catalogue
from tests.conftest import ROOT, Project
from tests.documents import Example, examples, inline_commands

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks/README.md"])
PLACEHOLDERS = {"NAME": "globe", "SOURCE": "ncep-air", "REGION": "globe", "A": "2024-04", "B": "2026-02"}
"""Values for the placeholders in commands."""

SHELL = {"cd", "conda", "dask", "env", "git", "gh", "export", "pip", "python", "uv", "."}
"""Programs of others; their arguments are not checked."""

COMMANDS = [
    pytest.param(command, id=f"{path.name}: {command[:70]}")
    for path in DOCUMENTS
    for command in dict.fromkeys(
        [part for example in examples(path) for part in example.commands] + inline_commands(path)
    )
]


def parts_of(command: str) -> list[list[str]]:
    """Commands of a line as lists of words, without variable assignments and redirections."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="&|;<>")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    redirected = False
    for word in lexer:
        if redirected:
            redirected = False
        elif set(word) <= set("&|;"):
            found.append([])
        elif set(word) <= set("<>"):
            redirected = True
        elif found[-1] or not re.fullmatch(r"[A-Z_]+=.*", word):
            found[-1].append(PLACEHOLDERS.get(word, word))
    return [words for words in found if words]


def without_effect(command: Any) -> Any:
    """The command line with commands that do nothing."""
    for inner in getattr(command, "commands", {}).values():
        without_effect(inner)
    if not hasattr(command, "commands"):
        command.callback = lambda **_: None
    return command


def status_of(words: list[str]) -> int:
    """Exit status of `climate` when a line is parsed but not run."""
    with pytest.raises(SystemExit) as ended:
        without_effect(get_command(app)).main(words, prog_name="climate")
    return int(ended.value.code or 0)


def dvc_status_of(words: list[str]) -> int:
    """Exit status of DVC's parser for a line."""
    try:
        get_main_parser().parse_args(words)
    except DvcParserError:
        return 2
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize("command", COMMANDS)
def test_command_exists(command: str) -> None:
    for program, *given in parts_of(command):
        # a group of commands, named in the text
        words = [*given, "--help"] if program in ("climate", "dvc") and len(given) == 1 else given
        if program == "climate":
            assert status_of(words) == 0, command
        elif program == "dvc":
            assert dvc_status_of(words) == 0, command
        elif program == "make":
            done = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        elif program == "python":
            assert words[0] == "-m" or (ROOT / words[0]).exists(), command
        else:
            assert program in SHELL, f"{program}: expected a command of this project or one of {sorted(SHELL)}"


@pytest.mark.parametrize("words", [["nonsense"], ["pull"], ["check", "--nonsense"], ["regions", "add", "x"]])
def test_unknown_commands_are_rejected(words: list[str]) -> None:
    assert status_of(words) == 2


@pytest.mark.parametrize("words", [["nonsense"], ["repro", "--nonsense"]])
def test_unknown_dvc_commands_are_rejected(words: list[str]) -> None:
    assert dvc_status_of(words) == 2


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("reports/"):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_paths_in_the_text_exist() -> None:
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        created = {example.settings.get("file") for example in examples(path)}
        for name in re.findall(r"`((?:climate|tests|docs|benchmarks|notebooks)/[\w./-]+)`", path.read_text("utf-8")):
            assert name in created or (ROOT / name).exists(), f"{path.name}: {name}"


def section(title: str) -> list[Example]:
    """The examples of one section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert part, title
    bodies = set(re.findall(r"^```[^\n]*\n(.*?)^```", part[1], re.MULTILINE | re.DOTALL))
    return [example for example in examples(ROOT / "CONTRIBUTING.md") if example.body in bodies]


def work(project: Project, shown: list[Example], *, slow: bool) -> None:
    """Apply the examples in order and run their commands."""
    for example in shown:
        example.apply(project.folder)
        if slow or "slow" not in example.settings:
            for command in example.commands:
                project.run("bash", "-c", command)
    changed = {example.settings.get("file", example.settings.get("add", "")) for example in shown}
    python = sorted(name for name in changed if name.endswith(".py"))
    if python:
        project.run("ruff", "check", *python)
        project.run("ruff", "format", "--check", *python)
        if slow:
            project.run("mypy", *(name for name in python if name.startswith("climate/")))


def test_region_example(clone: Callable[[], Project]) -> None:
    project = clone()
    work(project, section("Add a region"), slow=False)
    assert "kenya  " in project.run("climate", "regions", "list").stdout
    comments = [line for line in (ROOT / "params.yaml").read_text("utf-8").splitlines() if "#" in line]
    assert all(line in project.read("params.yaml") for line in comments)


def test_source_example(clone: Callable[[], Project]) -> None:
    project = clone()
    work(project, section("Add a source"), slow=False)
    assert "harbour" not in load_catalogue()
    kept = project.read("downloads/harbour/monthly.csv")
    assert kept == project.read("mirror/harbour/monthly.csv")
    assert '"status": "ok"' in project.read("downloads/harbour/provenance.json")
    assert "harbour" in project.run("climate", "regions", "list").stdout


@pytest.mark.slow
@pytest.mark.parametrize("title", ["Add a forecaster", "Add a figure"])
def test_code_example_passes_the_tests_and_appears(title: str, clone: Callable[[], Project]) -> None:
    work(clone(), section(title), slow=True)


def test_changelog_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_short_answer_agrees_with_the_committed_report() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    answer = re.search(
        r"has ([\d.]+)% lower errors in the first year .*\(90% interval ([\d.]+)% to ([\d.]+)%, p = ([\d.]+), "
        r"significant after .* errors are ([\d.]+)% lower, but .* not significant\. "
        r".* by ([\d.]+)% in the first year and ([\d.]+)%",
        readme,
    )
    assert answer
    declared = pd.read_csv(ROOT / "reports" / "data" / "hypotheses.csv").set_index("name")
    near, far = declared.loc["planet-near"], declared.loc["planet-far"]
    networks = declared.loc[["network-near", "network-far"], "ratio"]
    lower = [100 * (1 - value) for value in (near["ratio"], near["high"], near["low"])]
    assert [float(number) for number in answer.groups()] == [
        *(round(value, 1) for value in lower),
        round(near["p"], 5),
        round(100 * (1 - far["ratio"]), 1),
        *(round(100 * abs(ratio - 1), 1) for ratio in networks),
    ]
    assert list(declared["outcome"][["planet-near", "planet-far"]]) == ["better", "same"]
    crps = pd.DataFrame(read_json(ROOT / CLASSICAL)["crps"]).loc[["1-12", "13-60"]]
    classical = [name for name in crps if find_model(str(name)).kind is Kind.CLASSICAL]
    higher = 100 * (crps[classical].min(axis=1) / crps["ridge-planet"] - 1)
    assert "at least {:.1f}% and {:.1f}% higher than the planet's".format(*higher) in readme
    scores = pd.read_csv(ROOT / "reports" / "data" / "scores.csv").set_index(["region", "model", "block"])
    assert "for the global mean, the regression has a larger error than the simple model" in readme
    assert (scores["ratio"].loc[("globe", "ridge-planet", ["1-12", "13-60"])] > 1).all()
