"""Stage `slides`: a deck from the numbers of the report, turned by reveal.js, that needs no network."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from climate import paths
from climate.files import write_text
from climate.params.params import load_params
from climate.report import pages, text
from climate.report.figures.base import Picture, develop
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests
from climate.slides import library
from climate.slides.deck import KEYS, deck, span
from climate.stages.media import read_inputs

log = logging.getLogger("climate")


def run() -> None:
    """Write reports/slides.html with its pictures and the library beside it.

    Where the record that it looks at was skipped, the first place that was not takes its place.
    """
    params = load_params()
    inputs = read_inputs(params)
    record = params.slides.record or params.notebook.record
    if record not in inputs.regions:
        reason = inputs.skipped.get(record, "no region of that name")
        log.warning("Slides: %s left out (%s), %s instead", record, reason, inputs.regions[0])
        record = inputs.regions[0]
    log.info("Slides: %s", render(inputs, record, paths.REPORTS))


def render(inputs: ReportInputs, record: str, destination: Path) -> Path:
    """Write slides.html and the folder slides below `destination`; the same inputs give the same bytes.

    Where the library cannot be had, the slides stand one below the other, and say so.
    """
    folder = destination / "slides"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    missing = library.fetch(folder)
    if missing:
        log.warning("Slides: no reveal.js: %s", missing)
    slides = deck(inputs, record)
    pictures: dict[str, Picture] = {}
    for slide in slides:
        if slide.drawing is not None:
            pictures[slide.name] = picture = develop(slide.drawing)
            (folder / f"{slide.name}.png").write_bytes(picture.png)
    found = contests(inputs, inputs.primary) if inputs.primary else []
    context = {
        "title": inputs.title,
        "span": span(inputs),
        "keys": KEYS,
        "title_notes": [text.standfirst(inputs, found)],
        "reason": missing,
        "slides": slides,
        "pictures": pictures,
    }
    page = destination / "slides.html"
    write_text(pages.page_text("slides.html.j2", context), page)
    return page
