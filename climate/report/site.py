"""The pages: index, one per region and per source, and those on methods, with pictures and the numbers behind them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from climate.report import (
    classical,
    contest,
    downloads,
    evidence,
    explore,
    judging,
    ledger,
    markdown,
    pages,
    planet,
    projection,
    seasonal,
    strata,
    tables,
    text,
    words,
)
from climate.report.figures import contest as contest_figures
from climate.report.figures import forecast, membership, record, scores, seams, skill, stripes, vintages
from climate.report.figures import places as places_map
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests, hypotheses
from climate.report.palette import style_of
from climate.report.source_pages import source_page

OWNED = ("figures", "data", "regions", "sources")
"""Folders that belong to the report alone and are emptied before it is written."""

DrawnRegion = tuple[dict[str, Any], Gallery]
"""What the pages say of a place, and the files that belong to it."""


def render(inputs: ReportInputs, destination: Path, drawn: Sequence[DrawnRegion] | None = None) -> Path:
    """Write the report below `destination` and return its index page.

    Writes index.html, which stands alone; the other pages, figures/*.png and data/*.csv. The same inputs give the same
    bytes. Other files in `destination` are left alone.

    `drawn`: `draw_region` of each region, in the order of `inputs.regions`; drawn here without it.

    Raises:
        ClimateError: no region has both a series and a forecast table (raised by ReportInputs).
    """
    if drawn is None:
        drawn = [draw_region(inputs, region) for region in inputs.regions]
    for name in OWNED:
        shutil.rmtree(destination / name, ignore_errors=True)
        (destination / name).mkdir(parents=True)
    gallery = Gallery([*inputs.regions, *inputs.records])
    for _, own_files in drawn:
        gallery.join(own_files)
    shared = _shared(inputs, gallery, [place for place, _ in drawn])
    environment = pages.environment()

    def write(template: str, name: str, **own: Any) -> None:
        page = environment.get_template(template).render(**shared, **{"root": "", "embed": False} | own)
        (destination / name).write_bytes(page.encode("utf-8"))

    write("index.html.j2", "index.html", embed=True)
    for place, _ in drawn:
        write("region.html.j2", f"regions/{place['name']}.html", root="../", place=place)
    for item in shared["source_pages"]:
        write("source.html.j2", f"sources/{item['key']}.html", root="../", source=item, status=evidence.STATUS)
    for name in ("forecasts", "places", "how-we-know", "learn", "explore", "sources", "data", "architecture"):
        write(f"{name}.html.j2", f"{name}.html")
    gallery.write(destination)
    return destination / "index.html"


def _shared(inputs: ReportInputs, gallery: Gallery, places: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the templates read."""
    compared, declared = contests(inputs), hypotheses(inputs)
    whole = _credit_all(inputs, inputs.regions)
    temperatures = _credit_all(
        inputs, [name for name in inputs.regions if text.is_temperature(inputs.series[name].attrs)]
    )
    records = [_record(inputs, name, gallery) for name in inputs.records if "value" in inputs.records[name]]
    overview: dict[str, Any] = {
        "contest": gallery.add(contest_figures.contest_figure(inputs, declared), whole),
        "hypotheses": gallery.add(contest_figures.hypothesis_figure(inputs, declared), whole),
        "stripes": gallery.add(stripes.stripes_figure(inputs), temperatures),
        "warming": gallery.add(places_map.warming_map(inputs), temperatures),
        "skills": [gallery.add(skill.skill_figure(inputs, block), whole) for block in inputs.headline_blocks],
        "by_lead": gallery.add(scores.all_leads_figure(inputs), whole),
        "coverage": gallery.add(scores.coverage_figure(inputs), whole),
        "vintages": [gallery.add(drawing, "") for drawing in vintages.vintage_figures(inputs)],
        "seams": [gallery.add(drawing, "") for drawing in seams.seam_figures(inputs)],
    }
    dims = {"region", "model", "block"}
    by_block = inputs.scores[[name for name, values in inputs.scores.data_vars.items() if set(values.dims) == dims]]
    gallery.table("scores", "All scores by place, model and block of leads.", by_block.to_dataframe().reset_index())
    gallery.table("issued", "The issued forecasts of all models.", tables.issued_data(inputs), "%g")
    every_source = [source_page(inputs, entry) for entry in inputs.provenance]
    for item in every_source:
        item["seam_pictures"] = [overview["seams"][position] for position in item["seam_places"]]
    projected = [place["projection"] for place in places if place["projection"]]
    shared = {
        "inputs": inputs,
        "title": inputs.title,
        "places": places,
        "records": records,
        "overview": overview,
        "opponents": text.opponents(inputs),
        "hindsight": text.hindsight(inputs),
        "eras": strata.era_table(inputs),
        "era_text": text.eras(inputs),
        "calibration": text.calibration(inputs),
        "hypotheses": tables.hypothesis_table(inputs, declared),
        "contests": tables.contest_table(inputs, compared),
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
        "projection": projection.page(inputs, projected, gallery),
        "explore": explore.page(inputs, gallery),
        "judging": judging.page(inputs, gallery, whole),
        "classical": classical.part(inputs),
        "planet": planet.part(inputs, gallery),
        "seasonal": seasonal.part(inputs, gallery),
        "ledger": ledger.part(inputs, gallery),
        "document": markdown.to_html(markdown.sections(inputs.architecture)),
    }
    files = gallery.downloads
    shared |= {
        "downloads": files,
        "general_files": downloads.general_table(files),
        "place_files": downloads.place_table(files, {name: inputs.title_of(name) for name in gallery.places}),
        "kinds": downloads.kind_table(files),
        "dictionary": downloads.dictionary_table(files),
    }
    headline = contest.headline(inputs, declared)
    shared |= {"headline": headline, "answers": contest.answers(inputs, declared)}
    frame = pages.frame(span=_span(inputs), standfirst=headline)
    return {name: value for name, value in frame.items() if name not in ("root", "embed")} | shared


def draw_region(inputs: ReportInputs, region: str) -> DrawnRegion:
    """Sentences, pictures and tables of one region."""
    gallery, compared = Gallery([*inputs.regions, *inputs.records]), contests(inputs)
    source = credit(inputs.sources_of(region) or inputs.provenance)
    gallery.table(
        f"{region}-leads", "Error, skill and coverage of every model by lead.", scores.lead_table(inputs, region)
    )
    period_text, period_errors = strata.period_errors(inputs, region)
    place = {
        "name": region,
        "title": inputs.title_of(region),
        "compared": [text.against_opponent(inputs, item) for item in compared if item.region == region]
        or ["No LSTM was run for this place."],
        "best": [text.best_overall(inputs, region, block) for block in inputs.headline_blocks],
        "caveat": text.caveat(inputs, region),
        "record_text": text.record(inputs, region),
        "record": gallery.add(record.record_figure(inputs, region), source),
        "members": gallery.add(membership.membership_figure(inputs, region), source),
        "hindcasts": gallery.add(forecast.hindcast_figure(inputs, region), source),
        "forecast": gallery.add(forecast.issued_figure(inputs, region), source),
        "scores": gallery.add(scores.leads_figure(inputs, region), source),
        "calibration": gallery.add(scores.calibration_figure(inputs, region), source),
        "judging": judging.region_pictures(inputs, region, gallery, source),
        "projection": projection.region_part(inputs, region, gallery),
        "periods": evidence.period_table(inputs, region),
        "enso": strata.enso_table(inputs, region),
        "ceiling": strata.ceiling_table(inputs, region),
        "period_text": period_text,
        "period_errors": period_errors,
        "issued": tables.issued_table(inputs, region, forecast.shown_models(inputs, region)),
        "score_tables": [tables.score_table(inputs, region, block) for block in inputs.blocks],
        "last_month": words.month(inputs.last_month(region)),
        "sources": evidence.source_table(inputs.sources_of(region), prefix="../"),
    }
    return place, gallery


def _record(inputs: ReportInputs, name: str, gallery: Gallery) -> dict[str, Any]:
    """Sentences, picture and periods of a record that is not forecast."""
    source = credit(inputs.sources_of(name))
    return {
        "name": name,
        "title": inputs.title_of(name),
        "text": text.record(inputs, name),
        "picture": gallery.add(record.record_figure(inputs, name), source),
        "members": gallery.add(membership.membership_figure(inputs, name), source),
        "periods": evidence.period_table(inputs, name, root=""),
    }


def _credit_all(inputs: ReportInputs, regions: list[str]) -> str:
    """Keys and vintages of the sources of several regions; their titles are in the table of sources."""
    entries = {str(entry["key"]): entry for region in regions for entry in inputs.sources_of(region)}
    return credit(list(entries.values()), titles=False)


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
