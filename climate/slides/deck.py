"""What the slides say: every number from the results of the run."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from climate.forecasters.networks import dense
from climate.report import evidence, tables, text, words
from climate.report.figures import contest, forecast, record, scores, seams
from climate.report.figures.base import Drawing
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, contests, periods
from climate.report.palette import style_of
from climate.report.tables import Table
from climate.verify.comparison import is_classical

MODELS_SHOWN = 9
"""Rows of the table of simple models that a slide has room for."""

PLUS_MINUS = f"{words.NO_BREAK}±{words.NO_BREAK}"

KEYS = "Arrow keys turn the slides, Esc shows all of them, S opens the speaker's view, ? lists the keys."


@dataclass(frozen=True)
class Slide:
    """One slide; what is empty is left out."""

    name: str
    heading: str
    text: Sequence[str] = ()
    points: Sequence[str] = ()
    drawing: Drawing | None = None
    table: Table | None = None
    code: str = ""
    notes: Sequence[str] = ()
    layout: str = "usual"
    """How the parts stand to each other: usual, wide, picture, beside or statement."""


def deck(inputs: ReportInputs, region: str) -> list[Slide]:
    """The slides, in order. `region` is the record that is looked at closely."""
    found = contests(inputs, inputs.primary) if inputs.primary else []
    own = [one for one in found if one.region == region]
    slides = [
        _question(inputs),
        _record(inputs, region),
        _collection(inputs, region),
        _seams(inputs, region),
        _honest(inputs, region),
        _baselines(inputs),
        _network(),
        _lstm(inputs, region, own, len(found)),
        _results(inputs, found),
        _verdicts(inputs, found),
        _calibration(inputs),
        _unknown(inputs),
        _run(),
        _sources(inputs),
    ]
    return [slide for slide in slides if slide is not None]


def _question(inputs: ReportInputs) -> Slide:
    table = inputs.forecasts[inputs.regions[0]]
    verified = int(np.isfinite(table["observed"].values).any(axis=1).sum())
    return Slide(
        "question",
        "The question",
        points=[
            "Does a neural network forecast a climate record better than a simple statistical model, "
            "and how sure can we be?",
            "A network is easy to make look good: let it see the future, set it against a weak opponent, "
            "or show one lucky start.",
            f"Here {words.count(len(inputs.models), 'model')} forecast {words.count(len(inputs.regions), 'place')} "
            f"from the same {words.count(verified, 'origin')}, up to {words.count(table.sizes['lead'], 'month')} "
            "ahead, from the past alone.",
            "Every number goes back to a publisher's bytes.",
        ],
        notes=[
            "Ask the audience which model they would bet on, and at which range.",
            "The best simple model is picked after the event for each place, which favours it over the network.",
        ],
    )


def _record(inputs: ReportInputs, region: str) -> Slide:
    said = text.record(inputs, region)
    return Slide(
        "record",
        f"The record: {words.inner(inputs.title_of(region))}",
        text=said[1:2] or said[:1],
        drawing=record.record_figure(inputs, region),
        notes=said,
    )


def _collection(inputs: ReportInputs, region: str) -> Slide | None:
    found = periods(inputs.series[region])
    if not found:
        return None
    table = evidence.period_table(inputs, region)
    changes = len(found) - 1
    how = (
        "never changed" if not changes else "changed once" if changes == 1 else f"changed {words.spell(changes)} times"
    )
    return Slide(
        "collection",
        "How it was collected, and what changed",
        text=[f"As far as the publishers declare, the way of collection {how}."],
        table=table,
        notes=[
            "A long record is hardly ever one instrument in one place.",
            "A step that a change of collection leaves looks like climate to a network, so each value says where it "
            "comes from, and a break test looks for steps that nobody declared.",
        ],
    )


def _seams(inputs: ReportInputs, region: str) -> Slide | None:
    if inputs.seams is None or "seam" not in inputs.seams.dims:
        return None
    sources = {str(entry["key"]) for entry in inputs.sources_of(region)}
    drawings = seams.seam_figures(inputs)
    for place, drawing in reversed(list(enumerate(drawings))):
        one = inputs.seams.isel(seam=place)
        if drawing is None or not {str(one["older"].item()), str(one["newer"].item())} <= sources:
            continue
        unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
        offset, error = (float(one[name]) for name in ("offset", "offset_se"))
        size = f"{words.number(offset, 3, True)}{PLUS_MINUS}{words.number(error, 3)}{words.NO_BREAK}{unit}"
        return Slide(
            "seam",
            "Where two records meet",
            text=[
                f"{words.capital(words.count(int(one['n']), 'month'))} that both cover give the offset that joins "
                f"them: {size}.{' They drift apart, so no single number joins them well.' if text.drifts(one) else ''}"
            ],
            drawing=drawing,
            notes=["The overlap ends before the first origin: a forecast must not know of a join made later."],
        )
    return None


def _honest(inputs: ReportInputs, region: str) -> Slide:
    # intervals are narrow beside a rise of decades; those of a temperature can be seen
    temperatures = [name for name in inputs.regions if text.is_temperature(inputs.series[name].attrs)]
    shown = (temperatures or [region])[0]
    return Slide(
        "honest",
        "What forecasting honestly means",
        points=[
            "An origin is the last month that may be known. Season, trend, scaling and weights come from before it.",
            "A forecast is a spread, not a number. It is scored as a whole (CRPS).",
            "Many origins, the same for all models; the same months are scored.",
            "Could it be chance? The answer allows for the number of comparisons.",
        ],
        drawing=forecast.hindcast_figure(inputs, shown),
        layout="beside",
        notes=[
            "Only one module of this project cuts time, and a test changes the future and compares bits.",
            "Covariates such as ENSO are used up to the origin as well.",
        ],
    )


def _baselines(inputs: ReportInputs) -> Slide:
    simple = [style_of(name) for name in inputs.models if is_classical(name)]
    rows = [[tables.Cell(one.label), tables.Cell(one.about)] for one in simple if one.about][:MODELS_SHOWN]
    return Slide(
        "baselines",
        "The simple models",
        table=Table("", [tables.Column("Model"), tables.Column("What it does")], rows),
        notes=[
            "Simple does not mean weak: each is estimated anew as time goes on, and gives quantiles too.",
            "SARIMA with ENSO gets the same index as the network; without it the contest would be rigged.",
        ],
    )


def _network() -> Slide:
    code = "\n\n".join(inspect.getsource(function).rstrip() for function in (dense.forward, dense.backward))
    return Slide(
        "network",
        "A network, written by hand",
        text=["Forward, and back by the chain rule: this is all of it. Keras agrees, loss and gradients alike."],
        code=code,
        notes=[
            "The walkthrough checks each gradient by nudging a weight, and then against Keras.",
            "The code on this slide is the code that ran.",
        ],
    )


def _lstm(inputs: ReportInputs, region: str, own: Sequence[Contest], tests: int) -> Slide | None:
    if inputs.primary is None:
        return None
    notes = [text.verdict(one, *inputs.leads_of(one.block), tests=tests, level=inputs.significance) for one in own] or [
        "The formulation decides, not the network."
    ]
    said = []
    if "lstm-tutorial" in inputs.models:
        block = inputs.headline_blocks[-1]
        crps = inputs.scores["crps"].sel(region=region, block=block)
        times = float(crps.sel(model="lstm-tutorial")) / float(crps.sel(model=inputs.primary))
        said = [
            f"As tutorials write it, the LSTM's error for {words.inner(inputs.title_of(region))} is "
            f"{words.number(times, 1)} times that of the same layer that forecasts changes, all leads at once, "
            f"as quantiles ({words.ahead(*inputs.leads_of(block))})."
        ]
    return Slide(
        "lstm",
        "The LSTM: what goes in and out decides",
        text=said,
        drawing=scores.leads_figure(inputs, region),
        layout="wide",
        notes=notes,
    )


def _results(inputs: ReportInputs, found: Sequence[Contest]) -> Slide:
    drawing = contest.contest_figure(inputs, list(found))
    return Slide(
        "results",
        "Who won?",
        drawing=drawing,
        layout="picture",
        notes=[
            text.standfirst(inputs, found),
            "Left of the line the LSTM is better; bars are 90% intervals by bootstrap; filled marks are significant.",
            text.winners(inputs),
        ],
    )


def _verdicts(inputs: ReportInputs, found: Sequence[Contest]) -> Slide | None:
    if not found:
        return None
    level = words.number(inputs.significance, 2)
    counts = [sum(one.outcome == outcome for one in found) for outcome in ("better", "worse", "same")]
    better, worse, same = (words.spell(count) if count else "none" for count in counts)
    tally = (
        f"Of {words.count(len(found), 'comparison')}, the LSTM is significantly better in {better}, worse in {worse} "
        f"and not to be told apart in {same} (p < {level} after Holm's correction)."
    )
    return Slide(
        "significance",
        "Is that more than chance?",
        text=[text.standfirst(inputs, found), text.winners(inputs)],
        notes=[tally]
        + [
            f"{inputs.title_of(one.region)}: "
            + text.verdict(one, *inputs.leads_of(one.block), tests=len(found), level=inputs.significance)
            for one in sorted(found, key=lambda one: one.p_holm)[:3]
        ]
        + ["'No significant difference' is a result: it does not mean that both are equally good."],
        layout="statement",
    )


def _calibration(inputs: ReportInputs) -> Slide | None:
    said = text.calibration(inputs)
    drawing = scores.coverage_figure(inputs)
    if not said and drawing is None:
        return None
    return Slide(
        "calibration",
        "Can the intervals be trusted?",
        text=[said] if said else [],
        drawing=drawing,
        layout="wide",
        notes=["A 90% interval should hold nine in ten. Widths are corrected by errors known at each origin alone."],
    )


def _unknown(inputs: ReportInputs) -> Slide:
    points = [
        "Neighbouring origins share months: there are far fewer independent forecasts than cells in the table.",
        "The period of the contest is one stretch of history. Other decades may judge otherwise.",
        "The best simple model and the best of all are picked after the event, which flatters them.",
        "A statistical continuation knows nothing of emissions, volcanoes or policy to come.",
    ]
    eras = text.eras(inputs)
    if any("reanalysis" in str(entry.get("title", "")).lower() for entry in inputs.provenance):
        points.append("A reanalysis is a weather model fed with the observations of its day, not a homogenised record.")
    if inputs.skipped:
        names = words.joined([inputs.title_of(name) for name in inputs.skipped])
        points.append(f"Left out of this run, for want of a source: {names}.")
    return Slide("unknown", "What is not known", points=points, notes=[eras] if eras else [])


def _run() -> Slide:
    return Slide(
        "run",
        "Run it, and add a place",
        text=["A region is one entry in params.yaml; no other region is computed again."],
        code=(
            "make report\n\n"
            "climate regions add kenya --title Kenya \\\n    --source ncep-air --country Kenya\n"
            "dvc repro"
        ),
        notes=[
            "The records of the reference run come from the package registry, pinned by digest.",
            "Two runs on the same kind of processor give the same report byte for byte; climate compare tells.",
        ],
    )


def _sources(inputs: ReportInputs) -> Slide:
    used = {str(entry["key"]): entry for one in inputs.regions for entry in inputs.sources_of(one)}
    rows = [
        [
            tables.Cell(words.typeset(str(entry.get("title") or key))),
            tables.Cell(str(entry.get("publisher") or words.NONE)),
            tables.Cell(str(entry.get("vintage") or words.NONE)),
            tables.Cell(str(entry.get("licence") or words.NONE)),
        ]
        for key, entry in used.items()
    ]
    columns = [tables.Column(name) for name in ("Source", "Publisher", "Vintage", "Licence")]
    return Slide(
        "sources",
        "Sources and licences",
        table=Table("", columns, rows),
        notes=[str(entry["citation"]) for entry in used.values() if entry.get("citation")],
    )


def span(inputs: ReportInputs) -> str:
    """The run in one line, for the title."""
    last = max(inputs.last_month(region) for region in inputs.regions)
    return (
        f"{words.capital(words.count(len(inputs.regions), 'place'))}, {words.count(len(inputs.models), 'model')}, "
        f"data to {words.month(last)}"
    )
