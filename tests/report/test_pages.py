"""The menu of the site."""

from __future__ import annotations

import pytest

from climate.report import pages
from climate.report.pages import Page, menu
from tests.promised import promised


def test_every_page_of_the_menu_is_promised_by_a_stage() -> None:
    files = promised()
    for page in pages.PAGES:
        assert page.file.partition("#")[0] in files or page.file.partition("/")[0] in files, page
    assert len({page.name for page in pages.PAGES}) == len(pages.PAGES)


def test_menu_leaves_out_what_the_parameters_do_not_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    some = (Page("index", "Overview", "index.html"), Page("panels", "Panels", "panels.html", needs="panels.chosen"))
    monkeypatch.setattr(pages, "PAGES", some)
    for params in ({}, {"panels": None}, {"panels": {"chosen": []}}):
        assert [page.name for page in menu(params)] == ["index"]
    assert [page.name for page in menu({"panels": {"chosen": ["ar6"]}})] == ["index", "panels"]
