"""The walkthrough: kept clean, and its page."""

from __future__ import annotations

import ast
import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, Project

COMMITTED = ROOT / "notebooks/walkthrough.ipynb"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

WIDEST = 88
"""Characters of a code line that a page of the site shows without scrolling."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebook_has_names_and_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z-]*", name) for name in names)
    for cell in notebook.cells:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_code_fits_its_page_and_figures_have_a_text(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        assert max(map(len, cell.source.splitlines()), default=0) <= WIDEST, cell.id
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("show", "Image"):
                named = [keyword.arg for keyword in call.keywords]
                assert len(call.args) > 1 or "alt" in named, f"{cell.id}: a figure without a text"
            assert not (isinstance(call, ast.Attribute) and ast.unparse(call) == "plt.show"), cell.id


def test_every_section_of_the_contents_exists() -> None:
    text = "\n".join(cell.source for cell in nbformat.read(COMMITTED, as_version=4).cells)
    listed = re.findall(r"^(\d+\. .*)$", text.partition("\n## ")[0], re.MULTILINE)
    assert listed
    assert listed == re.findall(r"^## (\d+\. .*)$", text, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.network
def test_page_of_the_pipeline_stands_alone_and_its_pictures_have_words(reduced: Project) -> None:
    page = reduced.read("reports/walkthrough.html")
    assert not re.search(r"<script|<link rel=.stylesheet|src=.https?:|url\(http", page)
    pictures = re.findall(r"<img [^>]*>", page)
    assert pictures
    for picture in pictures:
        words = re.search(r'alt="([^"]*)"', picture)
        assert words
        assert re.search(r"\d", words[1])
        data = re.search(r"base64,([^\"]*)", picture)
        assert data
        assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L")).std() > 1
    assert page.count("<h1") == 1
