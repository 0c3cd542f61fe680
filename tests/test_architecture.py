"""Import rules, as docs/architecture.md states them."""

from __future__ import annotations

import pytest

from tests.imports import MODULES, imports_of, inside

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


def layer_of(name: str) -> int | None:
    """Position in LAYERS by the longest part that holds a module; None for what is no module."""
    fitting = [(len(part), row) for row, parts in enumerate(LAYERS) for part in parts if inside(name, part)]
    return max(fitting)[1] if fitting else None


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_module_has_a_layer_and_imports_point_down(module: str) -> None:
    own = layer_of(module)
    assert own is not None
    upward = {name for name in imports_of(module) if (layer_of(name) or 0) > own}
    assert not upward


@pytest.mark.parametrize("module", [name for name in MODULES if inside(name, "forecasters", "verify")])
def test_forecasters_and_verification_are_given_their_settings(module: str) -> None:
    assert not {name for name in imports_of(module) if inside(name, "sources", "params")}


@pytest.mark.parametrize("package", ["stages", "commands"])
def test_stages_import_no_stage(package: str) -> None:
    for module in MODULES:
        if inside(module, "stages"):
            assert not {name for name in imports_of(module) if inside(name, package)}, module


@pytest.mark.parametrize("module", [name for name in MODULES if name and not inside(name, *ON_DISK)])
def test_algorithms_touch_no_files(module: str) -> None:
    assert not {name for name in imports_of(module) if inside(name, "paths", "files")}


def test_processes_and_machines_are_known_in_one_place() -> None:
    for module, path in MODULES.items():
        text = path.read_text(encoding="utf-8")
        if not inside(module, "parallel"):
            assert "ProcessPoolExecutor" not in text, path
            assert "import distributed" not in text, path
