"""The menu of the site."""

from __future__ import annotations

from climate.report import pages
from tests.promised import promised


def test_every_page_of_the_menu_is_promised_by_a_stage() -> None:
    files = promised()
    for page in pages.PAGES:
        assert page.file.partition("#")[0] in files or page.file.partition("/")[0] in files, page
    assert len({page.name for page in pages.PAGES}) == len(pages.PAGES)
