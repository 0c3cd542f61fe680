"""The walkthrough: kept clean, run by this interpreter, and a page like the others."""

from __future__ import annotations

import ast
import base64
import io
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import xarray as xr
from markupsafe import Markup
from PIL import Image

from climate import paths
from climate.errors import ClimateError
from climate.files import write_netcdf
from climate.stages import notebook as stage
from tests.conftest import ROOT, Project

COMMITTED = ROOT / "notebooks/walkthrough.ipynb"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

WIDEST = 88
"""Characters of a code line that a page of the site shows without scrolling."""


def made(*code: str) -> Any:
    """A notebook of a heading and some code cells."""
    cells = [nbformat.v4.new_markdown_cell("# Heading", id="heading")]
    cells += [nbformat.v4.new_code_cell(source, id=f"code-{i}") for i, source in enumerate(code)]
    return nbformat.v4.new_notebook(cells=cells)


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


def test_runs_with_this_interpreter_in_the_folder(tmp_path: Path) -> None:
    done = stage.execute(made("import os, sys\nprint(sys.executable)\nprint(os.getcwd())"), tmp_path)
    assert done.cells[1].outputs[0].text.split("\n")[:2] == [sys.executable, str(tmp_path)]


def test_same_page_twice_without_stderr_scripts_or_addresses(tmp_path: Path) -> None:
    code = "import sys\nprint('seen')\nprint('hidden', file=sys.stderr)\n{'a': 1}"
    bodies = [stage.to_html(stage.execute(made(code), tmp_path)) for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert "seen" in bodies[0]
    assert "hidden</pre>" not in re.sub(r"\s", "", bodies[0])
    assert not re.search(r"<script|<link|src=.https?:", bodies[0])


def test_failing_cell_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=r"cell 'code-1': ValueError: two lines; mend the cell") as caught:
        stage.execute(made("1", "raise ValueError('two\\nlines')", "2"), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "no json", '{"cells": 1}'])
def test_broken_notebook_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(content)
    with pytest.raises(ClimateError, match=r"broken\.ipynb is no notebook"):
        stage.read_notebook(path)


def test_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match="not found"):
        stage.read_notebook(tmp_path / "absent.ipynb")


def test_outputs_of_an_editor_are_left_out(tmp_path: Path) -> None:
    notebook = made("1")
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="old")]
    path = tmp_path / "used.ipynb"
    nbformat.write(notebook, path)
    assert stage.read_notebook(path).cells[1].outputs == []


def test_page_is_one_of_the_site() -> None:
    page = stage.page(Markup("<p>walk</p>"), {})
    assert "<p>walk</p>" in page
    assert 'href="index.html"' in page
    assert 'href="walkthrough.html" aria-current="page"' in page
    assert page.count("<h1") <= 1


def test_skipped_record_gives_a_page_that_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    write_netcdf(xr.Dataset(attrs={"skipped": "its source is <missing>"}), paths.series_file("mauna-loa-co2"))
    stage.run()
    assert "its source is &lt;missing&gt;" in paths.WALKTHROUGH.read_text("utf-8")


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
