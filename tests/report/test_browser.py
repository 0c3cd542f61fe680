"""The rendered report in a real browser: no complaint, no request outside its folder, no fault of access."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from climate.report.figures.base import DPI, NARROW
from tests.browser import CHROMIUM, Browser
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")


@pytest.fixture(scope="module")
def every_kind(site: Path) -> list[Path]:
    """One page of every kind, the walkthrough and the slides among them."""
    own = [path for path in site.rglob("*.html") if path.parent == site]
    one_each = [next(iter(sorted((site / name).iterdir()))) for name in ("regions", "sources")]
    return [*own, *one_each, *(ROOT / "reports" / f"{name}.html" for name in ("walkthrough", "presentation"))]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


WIDE_FIGURES = """[...document.querySelectorAll("figure img")].filter(one =>
    one.getBoundingClientRect().right > {0} || {0} < 736 && one.naturalWidth > {1}).map(one => one.currentSrc)"""
"""Addresses of pictures that are cut off, or whose letters are too small on a phone, in a window of some width."""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_load_quietly_from_their_folder_and_fit_the_window(
    browser: Browser, site: Path, width: int, scheme: str
) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 6
    for page in pages:
        browser.open(page, width=width, scheme=scheme)
        assert browser.complaints() == [], page
        wanted = [url for url in browser.requests() if not url.startswith("data:")]
        assert wanted, page
        for url in wanted:
            assert url.startswith("file:"), (page, url)
            assert Path(unquote(urlparse(url).path)).is_relative_to(site.resolve()), (page, url)
        assert browser.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)"), page
        assert browser.evaluate("document.documentElement.scrollWidth") <= width, page
        assert browser.evaluate(WIDE_FIGURES.format(width, NARROW * DPI)) == [], page


PAPER = 718
"""Pixels (CSS) between the margins of a sheet of A4: what is wider is cut off or makes all letters smaller."""


def test_pages_fit_paper_and_are_printed_dark_on_white(browser: Browser, site: Path) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    for page in sorted(site.rglob("*.html")):
        browser.open(page)
        browser.call("Emulation.setEmulatedMedia", media="print", features=dark)
        browser.call("Emulation.setDeviceMetricsOverride", width=PAPER, height=900, deviceScaleFactor=1, mobile=False)
        assert browser.evaluate("document.documentElement.scrollWidth") <= PAPER, page
        assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", page
        shown = (
            "[...document.querySelectorAll('figure img')].map(one => [one.naturalWidth, getComputedStyle(one).filter])"
        )
        for width, treatment in browser.evaluate(shown):
            assert width > PAPER, page
            assert treatment == "none", page
    browser.call("Emulation.setEmulatedMedia", media="", features=[])


AXE = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
    one => `${one.id}: ${one.nodes.length} times, first ${one.nodes[0].html.slice(0, 200)}`))"""
"""All rules of axe-core: WCAG 2.1 A and AA and its best practices."""


def axe(browser: Browser) -> list[str]:
    """Violations on the open page."""
    browser.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + ";0")
    return list(browser.evaluate(AXE))


def test_faults_are_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    page.write_text(
        '<html><body><img src="absent.png"><img src="http://example.org/x.png"><script>absent()</script>'
        '<p style="color: #ccc">pale</p></body></html>'
    )
    browser.open(page)
    assert any("absent" in text for text in browser.complaints())
    assert "http://example.org/x.png" in browser.requests()
    found = " ".join(axe(browser))
    assert all(rule in found for rule in ("image-alt", "color-contrast", "html-has-lang"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing(browser: Browser, every_kind: list[Path], width: int, scheme: str) -> None:
    assert len(every_kind) >= 10
    for page in every_kind:
        browser.open(page, width=width, scheme=scheme)
        assert axe(browser) == [], page
