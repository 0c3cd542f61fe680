"""Who imports whom, as docs/architecture.md has it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

ALGORITHMS = (
    "climate.forecasters",
    "climate.backtest",
    "climate.ceiling",
    "climate.scoring",
    "climate.losses",
    "climate.annual",
    "climate.insight",
    "climate.comparison",
    "climate.significance",
    "climate.simulation",
    "climate.forcing",
    "climate.predictive",
    "climate.projection",
    "climate.splice",
    "climate.blend",
    "climate.overlap",
    "climate.baseline",
    "climate.breaks",
    "climate.grid",
    "climate.missing",
    "climate.series",
    "climate.harmonize",
    "climate.sets",
    "climate.compute",
    "climate.cluster",
)

OUTER = ("climate.stages", "climate.commands", "climate.cli")


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Modules of this package that a file imports anywhere, those inside functions and `from x import module` too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "climate"}


IMPORTS = {name_of(path): imports_of(path) for path in sorted((ROOT / "climate").rglob("*.py"))}


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def importers(*packages: str) -> set[str]:
    """Modules outside `packages` that import from them."""
    return {
        module
        for module, imported in IMPORTS.items()
        if not inside(module, *packages) and any(inside(name, *packages) for name in imported)
    }


def test_files_are_read() -> None:
    assert inside("climate.stages.report", "climate.stages")
    assert "climate.layout" in IMPORTS["climate.stages.report"]
    assert set(ALGORITHMS) - {"climate.forecasters", "climate.insight"} <= set(IMPORTS)


def test_nothing_imports_the_command_line() -> None:
    assert not importers("climate.cli")


def test_stages_and_commands_are_imported_by_the_command_line_alone() -> None:
    assert importers("climate.stages", "climate.commands") <= {"climate.cli"}


def test_report_is_imported_by_stages_film_and_slides_alone() -> None:
    allowed = ("climate.stages", "climate.film", "climate.slides")
    assert all(inside(module, *allowed) for module in importers("climate.report"))


def test_film_and_slides_are_imported_by_stages_alone() -> None:
    for package in ("climate.film", "climate.slides"):
        assert all(inside(module, "climate.stages") for module in importers(package))


def test_report_reads_no_file_of_a_stage() -> None:
    for module, imported in IMPORTS.items():
        if inside(module, "climate.report", "climate.film", "climate.slides"):
            assert not {name for name in imported if inside(name, "climate.layout", "climate.files", *OUTER)}, module


@pytest.mark.parametrize("module", [name for name in IMPORTS if inside(name, *ALGORITHMS)])
def test_algorithms_know_no_place_of_files(module: str) -> None:
    forbidden = {name for name in IMPORTS[module] if inside(name, "climate.layout", "climate.files", *OUTER)}
    assert not forbidden


def test_processes_and_machines_are_known_in_one_place() -> None:
    assert importers("climate.cluster") == {"climate.compute"}
    for path in (ROOT / "climate").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if name_of(path) not in ("climate.compute", "climate.cluster"):
            assert "ProcessPoolExecutor" not in text, path
            assert "import distributed" not in text, path


@pytest.mark.parametrize("module", [name for name in IMPORTS if inside(name, "climate.forecasters")])
def test_forecasters_know_of_no_other_stage(module: str) -> None:
    allowed = ("climate.forecasters", "climate.contract", "climate.errors", "climate.params")
    assert all(inside(name, *allowed) or name == "climate" for name in IMPORTS[module])


@pytest.mark.parametrize("module", [name for name in IMPORTS if inside(name, "climate.sources")])
def test_readers_know_nothing_of_what_is_done_with_values(module: str) -> None:
    forbidden = (*ALGORITHMS, *OUTER, "climate.report", "climate.layout", "climate.params")
    assert not {name for name in IMPORTS[module] if inside(name, *forbidden)}
