"""The presentation: what its slides hold, that they turn in a browser without a network, and that they stand without
the library."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest

from climate.files import write_netcdf
from climate.report import notebooks
from tests.browser import CHROMIUM, Browser
from tests.conftest import ROOT
from tests.documents import pictures
from tests.report.samples import make_inputs

SOURCE = ROOT / "notebooks" / "presentation.ipynb"
LIBRARY = {
    "reveal.js": "const Reveal = {initialize: options => Promise.resolve(options)};",
    "reveal.css": ".reveal { margin: 0 }",
    "notes.js": "const RevealNotes = {};",
    "LICENSE": "Permission is hereby granted",
}
"""Stand-ins for the released files."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the results of a run as the notebook reads them."""
    folder, inputs = tmp_path_factory.mktemp("results"), make_inputs()
    shutil.copy(ROOT / "params.yaml", folder)
    for region, series in inputs.series.items():
        write_netcdf(series, folder / "build" / "series" / f"{region}.nc")
        write_netcdf(inputs.forecasts[region], folder / "build" / "forecasts" / "combined" / f"{region}.nc")
    assert inputs.seams is not None
    write_netcdf(inputs.scores, folder / "build" / "scores.nc")
    write_netcdf(inputs.seams, folder / "build" / "seams.nc")
    return folder


def rendered(folder: Path, library: dict[str, str], reason: str = "") -> str:
    notebook = notebooks.parse(SOURCE.read_text("utf-8"), SOURCE.name)
    notebooks.execute(notebook, SOURCE.name, folder)
    return notebooks.slides(notebook, library, reason)


@pytest.fixture(scope="module")
def plain(results: Path) -> str:
    """The slides as they are where the library is unavailable."""
    return rendered(results, {}, "no route to the registry")


def test_every_slide_has_notes_and_no_code() -> None:
    cells = nbformat.read(SOURCE, as_version=4).cells
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in cells]
    assert kinds.count("notes") == kinds.count("slide") >= 10
    assert all(notebooks.HIDDEN in cell.metadata["tags"] for cell in cells if cell.cell_type == "code")


def test_slides_stand_without_the_library_and_say_so(plain: str) -> None:
    assert "reveal.js is unavailable" in plain
    assert "no route to the registry" in plain
    assert "<script" not in plain
    assert plain.count('<aside class="notes">') == plain.count("<section") // 2


def test_pictures_have_words_and_code_is_hidden(plain: str) -> None:
    shown = pictures(plain)
    assert len(shown) >= 5
    assert all(re.search(r"\d", words) for words, _ in shown)
    assert "import numpy" not in plain


def test_numbers_on_the_slides_are_those_of_the_scores(plain: str) -> None:
    inputs = make_inputs()
    ratio = inputs.scores["ratio"].sel(model="lstm-direct")
    for block, months in (("1-12", "1–12 months ahead"), ("13-24", "13–24 months ahead")):  # noqa: RUF001
        for region in inputs.regions:
            assert f"{float(ratio.sel(region=region, block=block)):.2f} {months}" in plain
    crps = inputs.scores["crps"].sel(region=inputs.regions[:-1], block="13-24")
    for model in ("ridge-enso", "lstm-direct"):
        change = np.exp(np.log(crps.sel(model=model) / crps.sel(model="trend-ar1")).mean()) - 1
        assert f"{float(change):+.1%}".replace("-", "\N{MINUS SIGN}") in plain


def test_same_slides_twice_with_the_library_inside_and_no_network_address(results: Path) -> None:
    first, second = (rendered(results, LIBRARY) for _ in range(2))
    assert first == second
    assert not re.search(r"(src|href)=.https?:|url\(http|@import", first)
    for text in LIBRARY.values():
        assert text in first


@pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")
def test_slides_turn_in_a_browser_fit_and_print(results: Path, tmp_path: Path) -> None:
    released = ROOT / "data" / "reveal-js"
    if not (released / "reveal.js").exists():
        pytest.skip("data/reveal-js is not pulled")
    page = tmp_path / "presentation.html"
    library = {name: (released / name).read_text("utf-8") for name in notebooks.LIBRARY}
    page.write_text(rendered(results, library), encoding="utf-8")
    with Browser() as browser:
        browser.open(page, width=1280, height=720)
        assert browser.complaints() == []
        assert all(url.startswith(("file:", "data:")) for url in browser.requests())
        total = browser.evaluate("Reveal.getTotalSlides()")
        assert total >= 10
        for number in range(total):
            over = browser.evaluate(
                "(one => Math.max(one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight))"
                "(Reveal.getCurrentSlide())"
            )
            assert over <= 0, number
            assert browser.evaluate("Reveal.getIndices().h") == number
            for kind in ("keyDown", "keyUp"):
                browser.call(
                    "Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39
                )
        browser.open(page, query="?print-pdf")
        # the library lays out one page per slide some time after the page has loaded
        browser.evaluate(
            "new Promise(done => { const look = () => document.querySelectorAll('.pdf-page').length === "
            f"{total} ? setTimeout(() => done(0), 200) : setTimeout(look, 50); look(); }})"
        )
        printed = base64.b64decode(
            browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
        )
        assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == total
