"""The pages: index, one per region, sources and methods, with pictures and the numbers behind them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

from climate.report import (
    downloads,
    evidence,
    judging,
    markdown,
    pages,
    parts,
    projection,
    tables,
    text,
    understanding,
    words,
)
from climate.report.figures import contest, forecast, membership, record, scores, seams, skill, stripes, vintages
from climate.report.figures import places as places_map
from climate.report.figures.base import PRECISION
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, contests
from climate.report.palette import style_of
from climate.report.source_pages import source_page

TEST_NAMES = {"hln": "Harvey, Leybourne and Newbold", "fixed-smoothing": "fixed-smoothing asymptotics"}
"""What the methods page calls the forms of the Diebold-Mariano test."""
OWNED = ("figures", "data", "regions", "sources")
"""Folders that belong to the report alone and are emptied before it is written."""


DrawnPlace = tuple[dict[str, Any], Gallery]
"""What the pages say of a place, and the files that belong to it."""


def render(inputs: ReportInputs, destination: Path, drawn: Sequence[DrawnPlace] | None = None) -> Path:
    """Write the report below `destination` and return its index page.

    Writes index.html, which stands alone; regions/<name>.html, sources.html, methods.html, figures/*.png and
    data/*.csv. The same inputs give the same bytes. Other files in `destination` are left alone.

    `drawn`: `draw_place` of each region, in the order of `inputs.regions`; drawn here without it.

    Raises:
        ClimateError: no region has both a series and a forecast table (raised by ReportInputs).
    """
    found = all_contests(inputs)
    if drawn is None:
        drawn = [draw_place(inputs, found, region) for region in inputs.regions]
    for name in OWNED:
        shutil.rmtree(destination / name, ignore_errors=True)
        (destination / name).mkdir(parents=True)
    gallery = Gallery([*inputs.regions, *inputs.records])
    places = [place for place, _ in drawn]
    for _, own_files in drawn:
        gallery.join(own_files)
    records = [_record(inputs, name, gallery) for name in inputs.records if "value" in inputs.records[name]]
    whole = _credit_all(inputs, inputs.regions)
    temperatures = [region for region in inputs.regions if text.is_temperature(inputs.series[region].attrs)]
    overview: dict[str, Any] = {
        "contest": gallery.add(contest.contest_figure(inputs, found), whole),
        "stripes": gallery.add(stripes.stripes_figure(inputs), _credit_all(inputs, temperatures)),
        "warming": gallery.add(places_map.warming_map(inputs), _credit_all(inputs, temperatures)),
        "skill_map": gallery.add(places_map.skill_map(inputs, found), whole),
        "skills": [gallery.add(skill.skill_figure(inputs, block), whole) for block in inputs.headline_blocks],
        "by_lead": gallery.add(scores.all_leads_figure(inputs), whole),
        "coverage": gallery.add(scores.coverage_figure(inputs), whole),
        "vintages": [gallery.add(drawing, "") for drawing in vintages.vintage_figures(inputs)],
        "seams": [gallery.add(drawing, "") if drawing else None for drawing in seams.seam_figures(inputs)],
    }
    by_block = inputs.scores[_by_block(inputs)].to_dataframe().reset_index()
    gallery.table("scores", "All scores by place, model and block of leads.", by_block, PRECISION)
    gallery.table("issued", "The issued forecasts of all models.", tables.issued_data(inputs), "%g")
    every_source = [source_page(inputs, entry) for entry in inputs.provenance]
    for one in every_source:
        one["seam_pictures"] = [overview["seams"][place] for place in one["seam_places"]]
    environment = pages.environment()
    span, standfirst = _span(inputs), text.standfirst(inputs, found)
    shared: dict[str, Any] = pages.frame(inputs.params, span=span, standfirst=standfirst) | {
        "inputs": inputs,
        "title": inputs.title,
        "places": places,
        "records": records,
        "overview": overview,
        "winners": text.winners(inputs),
        "eras": parts.era_table(inputs),
        "era_text": text.eras(inputs),
        "calibration": text.calibration(inputs),
        "verdicts": tables.verdict_table(inputs, found),
        "sources": evidence.source_table(inputs.provenance),
        "checks": evidence.check_table(inputs.checks),
        "check_summary": evidence.check_summary(inputs.checks),
        "breaks": evidence.break_table(inputs),
        "revisions": evidence.revision_table(inputs),
        "revision_notes": evidence.revision_notes(inputs),
        "seam_table": evidence.seam_table(inputs),
        "models": tables.model_table(inputs),
        "skipped": inputs.skipped,
        "source_pages": every_source,
        "downloads": gallery.downloads,
        "methods": _test_methods(inputs),
        "calibrated": words.joined([style_of(name).phrase for name in inputs.calibrated]),
    }
    projected = [place["projection"] for place in places if place["projection"]]
    shared["projection"] = projection.page(inputs, projected, gallery.add, _credit)
    shared["judging"] = judging.page(inputs, gallery.add, whole)
    shared |= understanding.page(inputs, gallery.add, whole)
    index = destination / "index.html"
    _write(environment, "index.html.j2", index, shared | {"root": "", "embed": True})
    for place in places:
        target = destination / "regions" / f"{place['name']}.html"
        _write(environment, "region.html.j2", target, shared | {"root": "../", "embed": False, "place": place})
    _write(environment, "sources.html.j2", destination / "sources.html", shared | {"root": "", "embed": False})
    for one in every_source:
        own = {"source": one, "status": evidence.STATUS, "root": "../", "embed": False}
        _write(environment, "source.html.j2", destination / "sources" / f"{one['key']}.html", shared | own)
    design = {"document": markdown.to_html(markdown.sections(inputs.architecture)), "root": "", "embed": False}
    _write(environment, "architecture.html.j2", destination / "architecture.html", shared | design)
    listed = gallery.downloads
    tables_of_data = {
        "general_files": downloads.general_table(listed),
        "place_files": downloads.place_table(listed, {name: inputs.title_of(name) for name in gallery.places}),
        "kinds": downloads.kind_table(listed),
        "dictionary": downloads.dictionary_table(listed),
    }
    _write(
        environment, "data.html.j2", destination / "data.html", shared | tables_of_data | {"root": "", "embed": False}
    )
    settings = yaml.safe_dump(_without_mirror(_plain(inputs.params)), sort_keys=False, allow_unicode=True, width=90)
    _write(
        environment,
        "methods.html.j2",
        destination / "methods.html",
        shared | {"settings": settings, "root": "", "embed": False},
    )
    _write(
        environment, "understanding.html.j2", destination / "understanding.html", shared | {"root": "", "embed": False}
    )
    _write(environment, "judging.html.j2", destination / "judging.html", shared | {"root": "", "embed": False})
    if shared["projection"]:
        target = destination / "projection.html"
        _write(environment, "projection.html.j2", target, shared | {"root": "", "embed": False})
    gallery.write(destination)
    return index


def draw_place(inputs: ReportInputs, found: Sequence[Contest], region: str) -> DrawnPlace:
    """Sentences, pictures and tables of one region; `found` are `all_contests`."""
    gallery = Gallery([*inputs.regions, *inputs.records])
    source = _credit(inputs.sources_of(region) or inputs.provenance)
    own = [one for one in found if one.region == region]
    place = {
        "name": region,
        "title": inputs.title_of(region),
        "verdicts": [
            text.verdict(one, *inputs.leads_of(one.block), tests=len(found), level=inputs.significance) for one in own
        ]
        or ["No LSTM was run for this place."],
        "best": [text.best_overall(inputs, region, block) for block in inputs.headline_blocks],
        "record_text": text.record(inputs, region),
        "record": gallery.add(record.record_figure(inputs, region), source),
        "members": gallery.add(membership.membership_figure(inputs, region), source),
        "hindcasts": gallery.add(forecast.hindcast_figure(inputs, region), source),
        "forecast": gallery.add(forecast.issued_figure(inputs, region), source),
        "scores": gallery.add(scores.leads_figure(inputs, region), source),
        "calibration": gallery.add(scores.calibration_figure(inputs, region), source),
        "judging": judging.region_pictures(inputs, region, gallery.add, source),
        "projection": projection.region_part(inputs, region, gallery.add, _credit),
        "periods": evidence.period_table(inputs, region),
        "enso": parts.enso_table(inputs, region),
        "ceiling": parts.ceiling_table(inputs, region),
        "period_text": parts.period_errors(inputs, region)[0],
        "period_errors": parts.period_errors(inputs, region)[1],
        "tests": sum(int(inputs.scores[name].notnull().sum()) for name in ("dm_p_best",))
        // inputs.scores.sizes["block"],
        "issued": tables.issued_table(inputs, region, forecast.shown_models(inputs, region)),
        "score_tables": [tables.score_table(inputs, region, str(b)) for b in inputs.scores["block"].values],
        "last_month": words.month(inputs.last_month(region)),
        "sources": evidence.source_table(inputs.sources_of(region), prefix="../"),
    }
    return place, gallery


def all_contests(inputs: ReportInputs) -> list[Contest]:
    """The LSTM against the best classical model of every region; none without an LSTM."""
    return contests(inputs, inputs.primary) if inputs.primary else []


def _record(inputs: ReportInputs, name: str, gallery: Gallery) -> dict[str, Any]:
    """Sentences, picture and periods of a record that is not forecast."""
    source = _credit(inputs.sources_of(name))
    return {
        "name": name,
        "title": inputs.title_of(name),
        "text": text.record(inputs, name),
        "picture": gallery.add(record.record_figure(inputs, name), source),
        "members": gallery.add(membership.membership_figure(inputs, name), source),
        "periods": evidence.period_table(inputs, name, root=""),
    }


def _credit(entries: Any) -> str:
    """Source and vintage of a picture."""
    parts = [
        f"{entry.get('title', entry.get('key', ''))}, vintage {entry.get('vintage', 'unknown')}"
        for entry in entries
        if entry.get("status", "ok") != "missing"
    ]
    return f"Source: {'; '.join(parts)}." if parts else ""


def _credit_all(inputs: ReportInputs, regions: list[str]) -> str:
    """Keys and vintages of the sources of several regions; their titles stand in the table of sources."""
    entries = {str(entry["key"]): entry for region in regions for entry in inputs.sources_of(region)}
    parts = [f"{key}, vintage {entry.get('vintage', 'unknown')}" for key, entry in entries.items()]
    return f"Sources: {'; '.join(parts)}." if parts else ""


def _span(inputs: ReportInputs) -> str:
    """From when to when forecasts were made, and how many."""
    table = inputs.forecasts[inputs.regions[0]]
    verified = table["origin"].values[:-1]
    if not verified.size:
        return ""
    last = max(inputs.last_month(region) for region in inputs.regions)
    return (
        f"{words.capital(words.count(len(inputs.regions), 'place'))}, {words.count(len(inputs.models), 'model')}, "
        f"forecasts from {words.count(verified.size, 'origin')} between {words.month(verified[0])} and "
        f"{words.month(verified[-1])}, up to {words.count(table.sizes['lead'], 'month')} ahead; "
        f"data to {words.month(last)}."
    )


def _test_methods(inputs: ReportInputs) -> str:
    """Which form of the test served which block of leads, where the scores say so."""
    if "dm_method" not in inputs.scores:
        return ""
    parts = []
    for block in inputs.scores["block"].values:
        used = sorted({str(name) for name in inputs.scores["dm_method"].sel(block=block).values.ravel()} - {""})
        if used:
            names = [TEST_NAMES.get(name, name) for name in used]
            parts.append(f"{words.ahead(*inputs.leads_of(str(block)))}: {words.joined(names)}")
    return "; ".join(parts)


def _by_block(inputs: ReportInputs) -> list[str]:
    dims = {"region", "model", "block"}
    return [str(name) for name in inputs.scores.data_vars if set(inputs.scores[name].dims) == dims]


def _plain(value: Any) -> Any:
    """Nested mappings and sequences as YAML knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _without_mirror(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters without the folder of a user's machine, which is nobody else's business."""
    pull = {key: value for key, value in params.get("pull", {}).items() if key != "mirror"}
    return params | {"pull": pull} if pull else params


def _write(environment: Environment, template: str, target: Path, context: dict[str, Any]) -> None:
    page = environment.get_template(template).render(**context)
    target.write_bytes(page.encode("utf-8"))
