"""The parts of the report, which are drawn apart, so that several processes can share the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from climate.report import (
    evidence,
    explore,
    judging,
    ledger,
    planet,
    projection,
    seasonal,
    strata,
    tables,
    text,
    words,
)
from climate.report.figures import contest as contest_figures
from climate.report.figures import forecast, membership, scores, seams, skill, stripes, vintages
from climate.report.figures import places as places_map
from climate.report.figures.record import record_figure
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests, hypotheses

Part = Callable[[ReportInputs, Gallery], Any]
"""Returns what templates read, and puts the files that belong to it into the gallery."""

Drawn = tuple[Any, Gallery]
"""What a part returned, and its gallery."""


def parts_of(inputs: ReportInputs) -> list[Part]:
    """The parts of a report: PARTS, `place` for each region, `record` for each of `records_of`."""
    return [
        *PARTS.values(),
        *(partial(place, region=region) for region in inputs.regions),
        *(partial(record, name=name) for name in records_of(inputs)),
    ]


def records_of(inputs: ReportInputs) -> list[str]:
    """Names of the records that are shown and not forecast."""
    return [name for name in inputs.records if "value" in inputs.records[name]]


def draw(inputs: ReportInputs, part: Part) -> Drawn:
    """Draw one part."""
    gallery = empty_gallery(inputs)
    return part(inputs, gallery), gallery


def empty_gallery(inputs: ReportInputs) -> Gallery:
    """A gallery that knows the places of the report."""
    return Gallery([*inputs.regions, *inputs.records])


def place(inputs: ReportInputs, gallery: Gallery, region: str) -> dict[str, Any]:
    """Sentences, pictures and tables of one region."""
    compared = contests(inputs)
    source = credit(inputs.sources_of(region) or inputs.provenance)
    gallery.table(
        f"{region}-leads", "Error, skill and coverage of every model by lead.", scores.lead_table(inputs, region)
    )
    period_text, period_errors = strata.period_errors(inputs, region)
    return {
        "name": region,
        "title": inputs.title_of(region),
        "compared": [text.against_opponent(inputs, item) for item in compared if item.region == region]
        or ["No LSTM was run for this place."],
        "best": [text.best_overall(inputs, region, block) for block in inputs.headline_blocks],
        "caveat": text.caveat(inputs, region),
        "record_text": text.record(inputs, region),
        "record": gallery.add(record_figure(inputs, region), source),
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


def overview(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    """Pictures of all places together, and the tables of all scores and of the issued forecasts."""
    declared, whole = hypotheses(inputs), _credit_all(inputs, inputs.regions)
    temperatures = _credit_all(
        inputs, [name for name in inputs.regions if text.is_temperature(inputs.series[name].attrs)]
    )
    dims = {"region", "model", "block"}
    by_block = inputs.scores[[name for name, values in inputs.scores.data_vars.items() if set(values.dims) == dims]]
    gallery.table("scores", "All scores by place, model and block of leads.", by_block.to_dataframe().reset_index())
    gallery.table("issued", "The issued forecasts of all models.", tables.issued_data(inputs), "%g")
    return {
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


def record(inputs: ReportInputs, gallery: Gallery, name: str) -> dict[str, Any]:
    """Sentences, picture and periods of a record that is not forecast."""
    source = credit(inputs.sources_of(name))
    return {
        "name": name,
        "title": inputs.title_of(name),
        "text": text.record(inputs, name),
        "picture": gallery.add(record_figure(inputs, name), source),
        "members": gallery.add(membership.membership_figure(inputs, name), source),
        "periods": evidence.period_table(inputs, name, root=""),
    }


def _credit_all(inputs: ReportInputs, regions: list[str]) -> str:
    """Keys and vintages of the sources of several regions; their titles are in the table of sources."""
    entries = {str(entry["key"]): entry for region in regions for entry in inputs.sources_of(region)}
    return credit(list(entries.values()), titles=False)


def _judging(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    return judging.page(inputs, gallery, _credit_all(inputs, inputs.regions))


PARTS: Mapping[str, Part] = {
    "overview": overview,
    "projection": projection.page,
    "explore": explore.page,
    "judging": _judging,
    "planet": planet.part,
    "seasonal": seasonal.part,
    "ledger": ledger.part,
}
"""Name that the templates know a part under -> part."""
