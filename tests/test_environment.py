"""The three lists of dependencies say the same."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.imports import MODULES

CONDA_NAMES = {"matplotlib-base": "matplotlib"}
"""Packages that conda-forge calls something else. TensorFlow's processor-only build is `tensorflow-cpu` in both."""


RUN_BUT_NOT_IMPORTED = {"dvc", "ipykernel", "ruamel-yaml-clib", "netcdf4", "pint"}
"""The pipeline, the notebooks' kernel, the fast half of DVC's YAML reader, what xarray reads NetCDF with, and what
cf_xarray's registry of units is made of."""


def imported() -> set[str]:
    """Distributions that climate/ imports, the standard library and this package left out."""
    names = set()
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module).partition(".")[0])
    distributions = packages_distributions()
    return {
        canonicalize_name(distribution)
        for name in names - sys.stdlib_module_names - {"climate"}
        for distribution in distributions[name]
    }


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [Requirement(line) for line in project["dependencies"]]
    on_linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
    return {
        canonicalize_name(requirement.name): requirement
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(on_linux)
    }


def conda() -> dict[str, str]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pairs = [line.partition(" ")[::2] for line in listed if isinstance(line, str)]
    return {canonicalize_name(CONDA_NAMES.get(name, name)): bounds for name, bounds in pairs}


def test_conda_environment_agrees_with_pyproject() -> None:
    wanted = {name: requirement.specifier for name, requirement in declared().items()}
    found = {name: Requirement(f"{name}{bounds}").specifier for name, bounds in conda().items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert found.pop("python") == Requirement(f"python{project['requires-python']}").specifier
    assert not found.pop("pip")
    assert found == wanted


def test_lock_pins_and_hashes_every_dependency_without_a_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", lock, flags=re.MULTILINE))
    for name, requirement in declared().items():
        assert requirement.specifier.contains(pins[name]), f"{name} {pins[name]}"
    assert "://" not in lock
    blocks = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_dependencies_are_what_the_package_imports() -> None:
    """And nothing is imported that neither stands there nor comes with what does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = {canonicalize_name(Requirement(line).name) for line in project["optional-dependencies"]["cluster"]}
    assert set(declared()) - RUN_BUT_NOT_IMPORTED <= imported()
    named = set(declared()) | optional
    brought = {canonicalize_name(Requirement(line).name) for name in named for line in requires(name) or ()}
    assert imported() <= named | brought
