"""The slides: what they say, that they turn in a browser without a network, and that they stand without the library."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from climate.report import text
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests
from climate.report.words import typeset
from climate.slides import library
from climate.slides.deck import deck
from climate.sources.channels import Refused, registry
from climate.stages.slides import render
from tests.browser import CHROMIUM, Browser
from tests.report.test_report import make_inputs

REGION = "mauna-loa-co2"


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return make_inputs()


@pytest.fixture(scope="module")
def plain(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as it is where the library cannot be had."""

    def refuse(*_: object, **__: object) -> None:
        raise Refused("sphinx-revealjs: found no route to it, expected the registry's page")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "unpack", refuse)
        return render(inputs, REGION, tmp_path_factory.mktemp("plain"))


def test_the_deck_tells_the_whole_story_with_notes(inputs: ReportInputs) -> None:
    slides = deck(inputs, REGION)
    names = [slide.name for slide in slides]
    assert len(set(names)) == len(names)
    assert 11 <= len(slides) <= 15
    for name in ("question", "record", "collection", "honest", "network", "lstm", "results", "unknown", "sources"):
        assert name in names
    assert all(slide.notes for slide in slides if slide.name not in ("unknown", "sources"))
    assert all(slide.drawing is None or slide.drawing.alt for slide in slides)


def test_the_verdict_on_the_slides_is_that_of_the_report(inputs: ReportInputs) -> None:
    slides = {slide.name: slide for slide in deck(inputs, REGION)}
    found = contests(inputs, "lstm-direct")
    assert text.standfirst(inputs, found) in slides["significance"].text
    tally = slides["significance"].notes[0]
    counts = [sum(one.outcome == outcome for one in found) for outcome in ("better", "worse", "same")]
    assert sum(counts) == len(found)
    assert "worse in none" in tally if counts[1] == 0 else "worse in none" not in tally


def test_a_deck_without_network_or_seams(inputs: ReportInputs) -> None:
    simple = [name for name in inputs.models if not name.startswith("lstm")]
    bare = replace(
        inputs,
        forecasts={name: table.sel(model=simple) for name, table in inputs.forecasts.items()},
        scores=inputs.scores.sel(model=simple),
        seams=None,
    )
    names = [slide.name for slide in deck(bare, REGION)]
    assert "lstm" not in names
    assert "seam" not in names
    assert "results" in names


def test_without_the_library_the_slides_stand_one_below_the_other(inputs: ReportInputs, plain: Path) -> None:
    page = plain.read_text("utf-8")
    assert "found no route to it" in page
    assert "<script" not in page
    assert "reveal.css" not in page
    assert page.count("<section") == len(deck(inputs, REGION)) + 1
    assert not [path for path in (plain.parent / "slides").iterdir() if path.suffix != ".png"]


@pytest.mark.network
@pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")
def test_slides_turn_in_a_browser_print_and_ask_no_network(inputs: ReportInputs, plain: Path, tmp_path: Path) -> None:
    page = render(inputs, REGION, tmp_path)
    assert {path.name for path in (tmp_path / "slides").iterdir()} >= set(library.RELEASE.members)
    assert "Permission is hereby granted" in (tmp_path / "slides" / "LICENSE").read_text("utf-8")
    pictures = sorted((tmp_path / "slides").glob("*.png"))
    assert [one.read_bytes() for one in pictures] == [
        (plain.parent / "slides" / one.name).read_bytes() for one in pictures
    ]
    with Browser() as browser:
        browser.open(page, width=1280, height=720)
        assert browser.complaints() == []
        for url in browser.requests():
            assert url.startswith(("file:", "data:")), url
            if url.startswith("file:"):
                assert Path(unquote(urlparse(url).path)).is_relative_to(tmp_path.resolve())
        total = browser.evaluate("Reveal.getTotalSlides()")
        assert total == len(deck(inputs, REGION)) + 1
        for number in range(total):
            size = browser.evaluate(
                "(one => [one.id, one.scrollWidth - one.clientWidth, one.scrollHeight - one.clientHeight])"
                "(Reveal.getCurrentSlide())"
            )
            assert size[1] <= 0, size
            assert size[2] <= 0, size
            assert browser.evaluate("Reveal.getIndices().h") == number
            for kind in ("keyDown", "keyUp"):
                browser.call(
                    "Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39
                )
        assert browser.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0 && one.alt)")
        browser.events.clear()
        browser.call("Page.navigate", url=page.resolve().as_uri() + "?print-pdf")
        while not any(event.get("method") == "Page.loadEventFired" for event in browser.events):
            browser.events.append(browser._receive())
        # the library lays out one page per slide some time after the page has loaded
        browser.evaluate(
            "new Promise(done => { const look = () => document.querySelectorAll('.pdf-page').length === "
            f"{total} ? setTimeout(() => done(0), 200) : setTimeout(look, 50); look(); }})"
        )
        printed = base64.b64decode(
            browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]
        )
        assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == total


def test_headings_are_typeset(inputs: ReportInputs) -> None:
    assert any("CO₂" in typeset(slide.heading) for slide in deck(inputs, REGION))
