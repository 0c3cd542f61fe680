"""The walkthrough: kept clean, and its page."""

from __future__ import annotations

import base64
import io
import re

import nbformat
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, Project

COMMITTED = ROOT / "notebooks" / "walkthrough.ipynb"


def test_committed_notebook_has_names_and_no_outputs() -> None:
    notebook = nbformat.read(COMMITTED, as_version=4)
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z-]*", name) for name in names)
    for cell in notebook.cells:
        assert not cell.metadata
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


def test_every_section_of_the_contents_exists() -> None:
    text = "\n".join(cell.source for cell in nbformat.read(COMMITTED, as_version=4).cells)
    listed = re.findall(r"^(\d\. .*)$", text.partition("\n## ")[0], re.MULTILINE)
    assert len(listed) == 9
    assert listed == re.findall(r"^## (.*)$", text, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.network
def test_page_of_the_pipeline_stands_alone_and_its_pictures_have_words(reduced: Project) -> None:
    page = reduced.read("reports/walkthrough.html")
    assert not re.search(r"<script|<link rel=.stylesheet|src=.https?:|url\(http", page)
    pictures = re.findall(r"<img [^>]*>", page)
    assert len(pictures) == 6
    for picture in pictures:
        words = re.search(r'alt="([^"]*)"', picture)
        assert words
        assert re.search(r"\d", words[1])
        data = re.search(r"base64,([^\"]*)", picture)
        assert data
        assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L")).std() > 1
    assert "all 6 gradients agree" in page
    assert page.count("<h1") == 1
