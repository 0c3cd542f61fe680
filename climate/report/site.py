"""The pages: index, one per region and per source, and those on methods, with pictures and the numbers behind them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from climate.report import classical, contest, downloads, evidence, markdown, pages, strata, tables, text, words
from climate.report.figures.base import Picture
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests, hypotheses
from climate.report.palette import style_of
from climate.report.parts import PARTS, Drawn, draw, empty_gallery, parts_of
from climate.report.source_pages import source_page

OWNED = ("figures", "data", "regions", "sources")
"""Folders that belong to the report alone and are emptied before it is written."""


def render(inputs: ReportInputs, destination: Path, drawn: Sequence[Drawn] | None = None) -> Path:
    """Write the report below `destination` and return its index page.

    Writes index.html, which stands alone; the other pages, figures/*.png and data/*.csv. The same inputs give the same
    bytes. Other files in `destination` are left alone.

    `drawn`: `draw` of each of `parts_of(inputs)`, in their order; drawn here without it.

    Raises:
        ClimateError: no region has both a series and a forecast table (raised by ReportInputs).
    """
    if drawn is None:
        drawn = [draw(inputs, part) for part in parts_of(inputs)]
    for name in OWNED:
        shutil.rmtree(destination / name, ignore_errors=True)
        (destination / name).mkdir(parents=True)
    gallery = empty_gallery(inputs)
    for _, own_files in drawn:
        gallery.join(own_files)
    contents = (content for content, _ in drawn)
    parts = {name: next(contents) for name in PARTS}
    places = [next(contents) for _ in inputs.regions]
    shared = _shared(inputs, parts["overview"]["seams"]) | parts | _files(inputs, gallery)
    shared |= {"places": places, "records": [*contents]}
    environment = pages.environment()

    def write(template: str, name: str, **own: Any) -> None:
        page = environment.get_template(template).render(**shared, **{"root": "", "embed": False} | own)
        (destination / name).write_bytes(page.encode("utf-8"))

    write("index.html.j2", "index.html", embed=True)
    for place in places:
        write("region.html.j2", f"regions/{place['name']}.html", root="../", place=place)
    for item in shared["source_pages"]:
        write("source.html.j2", f"sources/{item['key']}.html", root="../", source=item, status=evidence.STATUS)
    for name in ("forecasts", "places", "how-we-know", "learn", "explore", "sources", "data", "architecture"):
        write(f"{name}.html.j2", f"{name}.html")
    gallery.write(destination)
    return destination / "index.html"


def _shared(inputs: ReportInputs, seams: Sequence[Picture | None]) -> dict[str, Any]:
    """What the templates read beside the parts."""
    declared = hypotheses(inputs)
    every_source = [source_page(inputs, entry) for entry in inputs.provenance]
    for item in every_source:
        item["seam_pictures"] = [seams[position] for position in item["seam_places"]]
    headline = contest.headline(inputs, declared)
    frame = pages.frame(span=_span(inputs), standfirst=headline)
    return {name: value for name, value in frame.items() if name not in ("root", "embed")} | {
        "inputs": inputs,
        "title": inputs.title,
        "headline": headline,
        "answers": contest.answers(inputs, declared),
        "opponents": text.opponents(inputs),
        "hindsight": text.hindsight(inputs),
        "eras": strata.era_table(inputs),
        "era_text": text.eras(inputs),
        "calibration": text.calibration(inputs),
        "hypotheses": tables.hypothesis_table(inputs, declared),
        "contests": tables.contest_table(inputs, contests(inputs)),
        "sources": evidence.source_table(inputs.provenance),
        "checks": evidence.check_table(inputs.checks),
        "check_summary": evidence.check_summary(inputs.checks),
        "breaks": evidence.break_table(inputs),
        "caveats": text.caveats(inputs),
        "revisions": evidence.revision_table(inputs),
        "revision_notes": evidence.revision_notes(inputs),
        "seam_table": evidence.seam_table(inputs),
        "models": tables.model_table(inputs),
        "skipped": inputs.skipped,
        "source_pages": every_source,
        "calibrated": words.joined([style_of(name).phrase for name in inputs.calibrated]),
        "classical": classical.part(inputs),
        "document": markdown.to_html(markdown.sections(inputs.architecture)),
    }


def _files(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    """What the page of data shows."""
    files = gallery.downloads
    return {
        "downloads": files,
        "general_files": downloads.general_table(files),
        "place_files": downloads.place_table(files, {name: inputs.title_of(name) for name in gallery.places}),
        "kinds": downloads.kind_table(files),
        "dictionary": downloads.dictionary_table(files),
    }


def _span(inputs: ReportInputs) -> str:
    """From when to when forecasts were made, and how many."""
    table = inputs.forecasts[inputs.regions[0]]
    origins = table["origin"].values[:-1]
    if not origins.size:
        return ""
    last: dict[str, np.datetime64] = {}
    for region in inputs.regions:
        attrs = inputs.series[region].attrs
        quantity = "temperature" if text.is_temperature(attrs) else str(attrs.get("quantity", "other")).upper()
        last[quantity] = max(inputs.last_month(region), last.get(quantity, inputs.last_month(region)))
    until = words.joined([f"{quantity} to {words.month(month)}" for quantity, month in last.items()])
    return (
        f"{words.capital(words.count(len(inputs.regions), 'place'))}, {words.count(len(inputs.models), 'model')}, "
        f"forecasts from {words.count(origins.size, 'origin')} between {words.month(origins[0])} and "
        f"{words.month(origins[-1])}, up to {words.count(table.sizes['lead'], 'month')} ahead; "
        f"data: {until}."
    )
