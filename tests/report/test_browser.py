"""The rendered report in a real browser: no complaint, no request outside its folder, every link leads somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from climate.report.site import render
from tests.browser import CHROMIUM, Browser
from tests.conftest import ROOT
from tests.promised import of_other_stages
from tests.report.samples import make_inputs

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(make_inputs(), tmp_path_factory.mktemp("browser")).parent


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


def test_the_browser_itself_sees_faults(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    page.write_text('<img src="absent.png"><img src="http://example.org/x.png"><script>absent()</script>')
    browser.open(page)
    assert any("absent" in text for text in browser.complaints())
    assert "http://example.org/x.png" in browser.requests()


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


def test_every_link_leads_to_a_file_and_a_heading(browser: Browser, site: Path) -> None:
    ids: dict[Path, set[str]] = {}
    links: list[tuple[Path, str]] = []
    for page in sorted(site.rglob("*.html")):
        browser.open(page)
        ids[page.resolve()] = set(browser.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)"))
        links += [(page, url) for url in browser.evaluate("[...document.links].map(one => one.href)")]
    assert len(links) > 50
    for page, url in links:
        parts = urlparse(url)
        if parts.scheme == "https":
            continue
        target = Path(unquote(parts.path))
        assert parts.scheme == "file", (page, url)
        if of_other_stages(str(target.relative_to(site.resolve()))):
            continue
        assert target.is_file(), (page, url)
        if parts.fragment:
            assert parts.fragment in ids[target], (page, url)


AXE = """axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations.map(
    one => `${one.id}: ${one.nodes.length} times, first ${one.nodes[0].html.slice(0, 200)}`))"""
"""All rules of axe-core: WCAG 2.1 A and AA and its best practices."""


def test_axe_sees_faults(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    page.write_text('<html><body><img src="data:,"><p style="color: #ccc">pale</p></body></html>')
    browser.open(page)
    browser.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + ";0")
    found = " ".join(browser.evaluate(AXE))
    assert "image-alt" in found
    assert "color-contrast" in found
    assert "html-has-lang" in found


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing(browser: Browser, every_kind: list[Path], width: int, scheme: str) -> None:
    engine = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
    assert len(every_kind) >= 10
    for page in every_kind:
        browser.open(page, width=width, scheme=scheme)
        browser.evaluate(engine + ";0")
        assert browser.evaluate(AXE) == [], page
