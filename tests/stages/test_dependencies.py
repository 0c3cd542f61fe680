"""The `deps` of dvc.yaml cover the code that each stage runs, and name no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from climate.forecasters.registry import ENTRIES, Model
from tests.conftest import ROOT
from tests.imports import MODULES, PACKAGE, REGISTRY, imports_of, inside, notebook_imports

PLUMBING = ("cli", "errors", "files", "paths", "params", "parallel")
"""What decides no number: messages, reading and writing, and where work is done. Parameters are tracked by value."""

STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def command_modules() -> dict[str, set[str]]:
    """Stage modules that each command of the command line imports."""
    tree = ast.parse((PACKAGE / "cli.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {
        function.name.rstrip("_").replace("_", "-"): {
            str(node.module).removeprefix("climate.") for node in ast.walk(function) if isinstance(node, ast.ImportFrom)
        }
        for function in functions
    }


def with_packages(module: str) -> set[str]:
    """A module and the packages that hold it, whose __init__ Python runs first."""
    parts = module.split(".")
    return {".".join(parts[: length + 1]) for length in range(len(parts))}


def closure(start: set[str], made: set[str]) -> set[str]:
    """Modules that are imported from `start`, directly or not; plumbing is neither listed nor followed.

    `made` are modules of forecasters that whoever makes forecasters by name may run.
    """
    reached: set[str] = set()
    waiting = {module for name in start for module in with_packages(name)}
    if f"{REGISTRY}.make" in start:
        waiting |= made
    while waiting:
        module = waiting.pop()
        if module in reached or module not in MODULES or inside(module, *PLUMBING):
            continue
        reached.add(module)
        names = imports_of(module, types=False)
        if f"{REGISTRY}.make" in names:
            waiting |= made
        waiting |= {part for name in names for part in with_packages(name)}
    return {module for module in reached if MODULES[module].name != "__init__.py"}


def definition(stage: str) -> dict[str, Any]:
    """The stage's entry, that of one item under foreach."""
    entry: dict[str, Any] = STAGES[stage]
    return dict(entry.get("do", entry))


def maker_module(model: Model) -> str:
    """The module below climate/ that makes a model."""
    return model.maker.partition(":")[0].removeprefix("climate.")


def makers(entry: dict[str, Any]) -> set[str]:
    """Modules of the forecasters that the keys of params.yaml among a stage's `params` may list."""
    keys = {str(key).partition(".")[0] for key in entry["params"]}
    sections = keys & {"baselines", "lstm", "planet"}
    if "panels" in keys:
        sections |= {"baselines", "planet"}
    known = "ceiling.models" in entry["params"]
    return {maker_module(model) for model in ENTRIES if model.section in sections or (known and model.known_covariates)}


def runs(stage: str) -> set[str]:
    """Modules below climate/ that a stage runs."""
    entry = definition(stage)
    start, made = set(command_modules()[entry["cmd"].split()[1]]), makers(entry)
    for notebook in [ROOT / dep for dep in entry["deps"] if dep.endswith(".ipynb")]:
        start |= notebook_imports(notebook)
        named = re.findall(r'make\(\\"([a-z0-9-]+)', notebook.read_text(encoding="utf-8"))
        made |= {maker_module(model) for model in ENTRIES if model.name in named}
    return closure(start, made)


def code_deps(stage: str) -> set[str]:
    """The `deps` of a stage that are code of this package, relative to climate/."""
    return {dep.removeprefix("climate/") for dep in definition(stage)["deps"] if dep.startswith("climate/")}


def covered(path: Path, dep: str) -> bool:
    """Whether a dependency is a file or a folder that holds it."""
    relative = path.relative_to(PACKAGE)
    return Path(dep) in (relative, *relative.parents)


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_what_the_stage_runs(stage: str) -> None:
    missing = {module for module in runs(stage) if not any(covered(MODULES[module], dep) for dep in code_deps(stage))}
    assert not missing


@pytest.mark.parametrize("stage", STAGES)
def test_deps_name_only_what_the_stage_runs(stage: str) -> None:
    modules = {dep for dep in code_deps(stage) if dep.endswith(".py") or "." not in dep}
    assert not {dep for dep in modules if not any(covered(MODULES[module], dep) for module in runs(stage))}


def test_the_lock_names_no_stage_that_is_gone() -> None:
    """DVC keeps them for ever, and reads and writes the whole lock at every stage."""
    locked = YAML(typ="safe").load(ROOT / "dvc.lock")["stages"]
    assert {stage.partition("@")[0] for stage in locked} <= set(STAGES)
