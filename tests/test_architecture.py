"""Import rules, as docs/architecture.md states them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

LAYERS: tuple[tuple[str, ...], ...] = (
    ("schema", "errors", "paths"),
    ("files", "sources.catalogue", "forecasters.registry"),
    ("params",),
    ("parallel",),
    ("sources",),
    ("harmonize",),
    ("forecasters",),
    ("scenario", "verify", "hindcast"),
    ("report",),
    ("stages", "commands"),
    ("cli",),
)
"""Parts of climate/, from the bottom up: each imports from its own part and from those before it."""

ON_DISK = ("sources", "stages", "commands", "files", "params", "cli")
"""Parts that read or write files; the others are given what they need."""


def name_of(path: Path) -> str:
    """Dotted name below climate/, "" for the package itself."""
    parts = path.relative_to(ROOT / "climate").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Modules below climate/ that a file imports anywhere, inside functions and by `from x import module` too."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("climate.") for name in modules if name.startswith("climate.")}


IMPORTS = {name_of(path): imports_of(path) for path in sorted((ROOT / "climate").rglob("*.py"))}


def inside(name: str, *parts: str) -> bool:
    """Whether a module is one of `parts` or below one."""
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def layer_of(name: str) -> int | None:
    """Position in LAYERS by the longest part that holds a module; None for what is no module."""
    fitting = [(len(part), row) for row, parts in enumerate(LAYERS) for part in parts if inside(name, part)]
    return max(fitting)[1] if fitting else None


def test_every_module_has_a_layer() -> None:
    assert not [name for name in IMPORTS if name and layer_of(name) is None]


def test_root_holds_packages_and_five_modules() -> None:
    modules = {path.stem for path in (ROOT / "climate").glob("*.py")}
    assert modules == {"__init__", "cli", "schema", "paths", "errors", "files"}


@pytest.mark.parametrize("module", [name for name in IMPORTS if name])
def test_imports_point_down(module: str) -> None:
    own = layer_of(module)
    assert own is not None
    upward = {name for name in IMPORTS[module] if (layer_of(name) or 0) > own}
    assert not upward


@pytest.mark.parametrize("module", [name for name in IMPORTS if inside(name, "forecasters", "verify")])
def test_forecasters_and_verification_are_given_their_settings(module: str) -> None:
    assert not {name for name in IMPORTS[module] if inside(name, "sources", "params")}


@pytest.mark.parametrize("package", ["stages", "commands"])
def test_stages_import_no_stage(package: str) -> None:
    for module in IMPORTS:
        if inside(module, "stages"):
            assert not {name for name in IMPORTS[module] if inside(name, package)}, module


@pytest.mark.parametrize("module", [name for name in IMPORTS if name and not inside(name, *ON_DISK)])
def test_algorithms_touch_no_files(module: str) -> None:
    assert not {name for name in IMPORTS[module] if inside(name, "paths", "files")}


def test_processes_and_machines_are_known_in_one_place() -> None:
    for path in (ROOT / "climate").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not inside(name_of(path), "parallel"):
            assert "ProcessPoolExecutor" not in text, path
            assert "import distributed" not in text, path
