"""Notebooks: run by this interpreter, and made into pages that are the same on every run."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import xarray as xr

from climate import paths
from climate.errors import ClimateError
from climate.files import write_json, write_netcdf
from climate.report import notebooks
from climate.stages import notebook as stage
from tests.conftest import ROOT

REGION = "mauna-loa-co2"


def made(*code: str, slides: bool = False) -> Any:
    """A notebook of a heading and some code cells."""
    kinds = {"slideshow": {"slide_type": "slide"}} if slides else {}
    cells = [nbformat.v4.new_markdown_cell("# Heading", id="heading", metadata=kinds)]
    cells += [nbformat.v4.new_code_cell(source, id=f"code-{i}") for i, source in enumerate(code)]
    return nbformat.v4.new_notebook(cells=cells)


def executed(folder: Path, *code: str) -> Any:
    notebook = made(*code)
    notebooks.execute(notebook, "some.ipynb", folder)
    return notebook


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run the stage in, with a record."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    write_netcdf(xr.Dataset(), paths.series_file(REGION))
    paths.NOTEBOOKS.mkdir()
    return tmp_path


def test_runs_with_this_interpreter_in_the_folder_without_the_users_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "matplotlibrc"
    own.write_text("font.size: 99\n")
    monkeypatch.setenv("MATPLOTLIBRC", str(own))
    folder = tmp_path / "work"
    folder.mkdir()
    code = "import os, sys, matplotlib\nprint(sys.executable)\nprint(os.getcwd())\n"
    done = executed(folder, code + "print(matplotlib.rcParams['font.size'])")
    assert done.cells[1].outputs[0].text.splitlines() == [sys.executable, str(folder), "10.0"]


def test_same_page_twice_without_stderr_scripts_or_addresses(tmp_path: Path) -> None:
    code = "import sys\nprint('seen')\nprint('hidden', file=sys.stderr)\n{'a': 1}"
    bodies = [notebooks.page(executed(tmp_path, code), "walkthrough") for _ in range(2)]
    assert bodies[0] == bodies[1]
    assert "seen" in bodies[0]
    assert "hidden</pre>" not in re.sub(r"\s", "", bodies[0])
    assert not re.search(r"<script|<link rel=.stylesheet|src=.https?:", bodies[0])


def test_warnings_of_libraries_are_no_part_of_a_page(tmp_path: Path) -> None:
    """TensorFlow's hold addresses in memory, and it prints them to stdout in a notebook."""
    code = "import tensorflow as tf\ntf.get_logger().warning('hidden')\nprint('seen')"
    body = notebooks.page(executed(tmp_path, code), "walkthrough")
    assert '<pre tabindex="0">seen' in body
    assert "hidden</pre>" not in re.sub(r"\s", "", body)
    assert ">hidden" not in body


def test_output_that_comes_in_pieces_is_one_block(tmp_path: Path) -> None:
    """When pieces of text arrive depends on how busy the machine is."""
    pause = "import time\nprint('first', flush=True)\ntime.sleep({})\nprint('second')"
    slow, fast = (executed(tmp_path, pause.format(seconds)).cells[1].outputs for seconds in (0.5, 0))
    assert [output.text for output in slow] == [output.text for output in fast] == ["first\nsecond\n"]


def test_hidden_code_leaves_its_output(tmp_path: Path) -> None:
    notebook = executed(tmp_path, "print('out' + 'put')", "print('shown')")
    notebook.cells[1].metadata["tags"] = [notebooks.HIDDEN]
    page = notebooks.page(notebook, "walkthrough")
    assert "output" in page
    assert "&#39;out&#39;" not in page
    assert "shown" in page


def test_failing_cell_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=r"some.ipynb: cell 'code-1': ValueError: two lines; fix the cell") as caught:
        executed(tmp_path, "1", "raise ValueError('two\\nlines')", "2")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "no json", '{"cells": 1}'])
def test_broken_notebook_is_named(content: str) -> None:
    with pytest.raises(ClimateError, match=r"broken\.ipynb is not a notebook"):
        notebooks.parse(content, "broken.ipynb")


def test_outputs_of_an_editor_are_left_out() -> None:
    notebook = made("1")
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="old")]
    parsed = notebooks.parse(nbformat.writes(notebook), "used.ipynb")
    assert parsed.cells[1].outputs == []
    assert parsed.cells[1].source == "1"


def test_page_is_one_of_the_site() -> None:
    page = notebooks.page(made("1"), "walkthrough")
    assert 'href="index.html"' in page
    assert 'href="learn.html" aria-current="true"' in page
    assert page.count("<h1") == 1


def test_skipped_record_gives_a_page_that_says_why(project: Path) -> None:
    write_netcdf(xr.Dataset(attrs={"skipped": "its source is <missing>"}), paths.series_file(REGION))
    nbformat.write(made("raise ValueError"), project / "notebooks" / "walkthrough.ipynb")
    stage.run("walkthrough")
    page = (project / "reports" / "walkthrough.html").read_text("utf-8")
    assert "its source is &lt;missing&gt;" in page
    assert "<h1>Heading</h1>" in page


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (None, "add reveal-js there and run dvc repro"),
        ("missing", "the registry did not answer; run climate retry"),
        ("ok", "licence text"),
    ],
)
def test_slides_say_why_the_library_is_unavailable(project: Path, status: str | None, said: str) -> None:
    folder = paths.DATA / "reveal-js"
    if status:
        write_json({"status": status, "reasons": ["the registry did not answer"]}, folder / "provenance.json")
    if status == "ok":
        for name in notebooks.LIBRARY:
            (folder / name).write_text("licence text" if name == "LICENSE" else "/* */", encoding="utf-8")
    nbformat.write(made("1", slides=True), project / "notebooks" / "presentation.ipynb")
    stage.run("presentation")
    page = (project / "reports" / "presentation.html").read_text("utf-8")
    assert said in page
    assert ("Reveal.initialize" in page) == (status == "ok")


@pytest.mark.parametrize(("name", "said"), [("absent", "expected one of"), ("walkthrough", "not found")])
def test_unknown_and_missing_notebooks_are_named(project: Path, name: str, said: str) -> None:  # noqa: ARG001
    with pytest.raises(ClimateError, match=said):
        stage.run(name)
