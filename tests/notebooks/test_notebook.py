"""All notebooks: kept clean, and reading only what their stage lists; and the page of the walkthrough."""

from __future__ import annotations

import ast
import re
from typing import Any

import nbformat
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project
from tests.documents import pictures

NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]

WIDEST = 88
"""Characters of a code line that a page of the site shows without scrolling."""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_notebook_has_named_cells_and_no_outputs(name: str) -> None:
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z-]*", name) for name in names)
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_code_fits_its_page_and_figures_have_a_text(name: str) -> None:
    for cell in NOTEBOOKS[name].cells:
        if cell.cell_type != "code":
            continue
        assert max(map(len, cell.source.splitlines()), default=0) <= WIDEST, cell.id
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("show", "Image"):
                named = [keyword.arg for keyword in call.keywords]
                assert len(call.args) > 1 or "alt" in named, f"{cell.id}: a figure without a text"
            assert not (isinstance(call, ast.Attribute) and ast.unparse(call) == "plt.show"), cell.id


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_parameters_and_results_that_a_notebook_reads_are_listed(name: str) -> None:
    code = "\n".join(cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "code")
    code = re.sub(r"^(from|import) .*$", "", code, flags=re.MULTILINE)
    stage = STAGES[name]
    listed = {key.partition(".")[0] for key in stage["params"]}
    assert set(re.findall(r"\bparams(?:\.(?!yaml)|\[\")(\w+)", code)) <= listed
    for read in re.findall(r"\b((?:build|benchmarks)/[\w./-]*\w)", code):
        # a record's name is filled in by the notebook, and by the stage
        assert any(read.startswith(dep) or dep.startswith(f"{read}/") for dep in stage["deps"]), read


def test_every_section_of_the_contents_exists() -> None:
    text = "\n".join(cell.source for cell in NOTEBOOKS["walkthrough"].cells)
    listed = re.findall(r"^(\d+\. .*)$", text.partition("\n## ")[0], re.MULTILINE)
    assert listed
    assert listed == re.findall(r"^## (\d+\. .*)$", text, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.network
def test_page_of_the_pipeline_stands_alone_and_its_pictures_have_words(reduced: Project) -> None:
    page = reduced.read("reports/walkthrough.html")
    assert not re.search(r"<script|<link rel=.stylesheet|src=.https?:|url\(http", page)
    shown = pictures(page)
    assert shown
    for words, image in shown:
        assert re.search(r"\d", words)
        assert image.std() > 1
