"""The page of data files and the architecture page."""

from __future__ import annotations

import pandas as pd

from climate.report import markdown
from climate.report.downloads import meaning
from tests.conftest import ROOT


def test_every_column_of_the_committed_data_is_described() -> None:
    files = sorted((ROOT / "reports" / "data").glob("*.csv"))
    assert files
    for file in files:
        for column in pd.read_csv(file, nrows=0).columns:
            found = meaning(column)
            assert found, f"{file.name}: say in climate/report/downloads.py what {column!r} means"
            assert found[0]


def test_documents_become_pages_whose_tables_and_links_hold() -> None:
    text = "# Title\n\nlead\n\n## What it *holds*\n\n| a | b |\n|---|---|\n| `x` | <y> |\n\n[here](../HERE.md) "
    page = str(markdown.to_html(markdown.sections(text + "[there](https://example.org)\n\n```text\n<b>\n```\n")))
    assert "Title" not in page
    assert '<h2 id="what-it-holds">' in page
    assert '<th scope="col">a</th>' in page
    assert "&lt;y&gt;" in page or "<y>" not in page
    assert "HERE.md" not in page
    assert 'href="https://example.org"' in page
    assert "&lt;b&gt;" in page
