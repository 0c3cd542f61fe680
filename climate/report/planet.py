"""The part on the planet: where its forecasters are better, by latitude, lead and month, and which goals they reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xarray as xr

from climate.forecasters.registry import Kind, is_kind
from climate.params.sections import LAND
from climate.report import words
from climate.report.figures import planet as figures
from climate.report.figures.planet import pairs_in, row_of, share_of_area
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Table, make_table, numeric
from climate.verify.fields import NEAR_NOMINAL, SIMPLE
from climate.verify.significance import FALSE_DISCOVERY

AREA_COLUMNS = (
    *("mean_ratio", "lower_area", "better_area", "worse_area"),
    *("total_ratio", "total_low", "total_high", "total_p", "origins"),
)
"""Columns of the file of sums over the area."""


@dataclass(frozen=True)
class Goal:
    """What a forecaster of the planet should reach against SIMPLE in a lead block, set before it was written."""

    ratio: float
    """Largest geometric mean of the cells' ratios of CRPS."""
    better: float | None = None
    """Smallest share of the area that is significantly better."""


GOALS: Mapping[str, Goal] = {"1": Goal(0.945, 0.75), "1-12": Goal(0.93, 0.55), "13-60": Goal(0.94)}
"""Lead block -> goal."""
MOST_WORSE = 0.01
"""Goal of all blocks: largest share of the area that is significantly worse."""
COVERAGE = (0.88, 0.92)
"""Goal of all blocks: share of observations inside the 90% interval."""
LEAST_CALIBRATED = 0.9
"""Goal of all blocks: smallest share of the area with a coverage in NEAR_NOMINAL."""

AT_MOST, AT_LEAST = f"\u2264{words.NO_BREAK}", f"\u2265{words.NO_BREAK}"

SAME = 0.01
"""Difference in CRPS (share) above which a network would be news."""


def part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """What parts/planet.html.j2 shows; None where the planet was not scored or has no learner."""
    compared = inputs.planet
    pairs = pairs_in(compared) if "pair" in compared.dims else []
    gain = next((pair for pair in pairs if pair[1] == SIMPLE and is_kind(pair[0], Kind.LINEAR)), None)
    gain = gain or next((pair for pair in pairs if pair[1] == SIMPLE), None)
    if gain is None:
        return None
    network = next((pair for pair in pairs if is_kind(pair[1], Kind.LINEAR)), None)
    source = credit([entry for entry in inputs.provenance if entry["key"] == inputs.params.planet.source])
    months = {block: inputs.when(block) for block in figures.blocks_in(compared)}
    shapes = inputs.shapes.get(LAND)
    steps = figures.steps_drawing(compared, months) if "step" in compared.dims else None
    gallery.table("planet-area", "Comparisons over the whole area of the planet, by lead block.", area_frame(compared))
    return {
        "answer": [answer(inputs, gain), *([network_answer(inputs, network)] if network else [])],
        "gain": gallery.add(figures.map_drawing(compared, gain, months, "planet-gain", shapes), source),
        "goals": goal_table(inputs),
        "goals_text": goals_text(inputs),
        "network": network
        and gallery.add(figures.map_drawing(compared, network, months, "planet-network", shapes), source),
        "steps": steps and gallery.add(steps, source),
        "steps_text": steps and steps_text(inputs),
        "latitude": gallery.add(figures.latitude_drawing(compared, gain), source),
        "start": gallery.add(figures.start_drawing(compared, gain), source),
        "method": method(inputs),
    }


def area_frame(compared: xr.Dataset) -> pd.DataFrame:
    """AREA_COLUMNS, a row for each pair and block."""
    frame = compared[list(AREA_COLUMNS)].to_dataframe().reset_index()
    return frame[["model", "against", "block", *AREA_COLUMNS]]


def answer(inputs: ReportInputs, pair: tuple[str, str]) -> str:
    """How much lower the error is on average over the area, and on how much of it."""
    rows, parts = row_of(inputs.planet, pair), []
    for block in figures.blocks_in(inputs.planet):
        row = rows.sel(block=block)
        change, (lower, better) = float(row["mean_ratio"]) - 1, _shares(row, "lower_area", "better_area")
        parts.append(
            f"{words.percent(abs(change), 1)} {'lower' if change < 0 else 'higher'} {inputs.when(block)} (lower on "
            f"{lower} of the area, significantly on {better})"
        )
    one, other = (style_of(name).phrase for name in pair)
    return f"Compared with {other}, the CRPS of {one} is on average over the area {words.joined(parts)}."


def _shares(row: xr.Dataset, *names: str) -> list[str]:
    return [share_of_area(float(row[name])) for name in names]


def network_answer(inputs: ReportInputs, pair: tuple[str, str]) -> str:
    """Whether the network changes anything, given the same information."""
    rows = row_of(inputs.planet, pair)
    blocks = figures.blocks_in(inputs.planet)
    change = {block: float(rows["mean_ratio"].sel(block=block)) - 1 for block in blocks}
    network, linear = (style_of(name).phrase for name in pair)
    news = [block for block in blocks if abs(change[block]) >= SAME]
    most = max(blocks, key=lambda block: abs(change[block]))
    if not news:
        return (
            f"With the same information, the CRPS of {network} is within {words.percent(SAME)} of that of {linear} in "
            f"every range of leads (most apart: {words.percent(change[most], 2, True)}, {inputs.when(most)})."
        )
    listing = words.joined([f"{words.percent(change[block], 1, True)} {inputs.when(block)}" for block in news])
    return f"With the same information, the CRPS of {network} differs from that of {linear} by {listing}."


def steps_text(inputs: ReportInputs) -> str:
    """Which kind of information changes the error most, and what the last one brings."""
    most, ends, last = [], [], ""
    for block in figures.blocks_in(inputs.planet):
        changes = figures.step_changes(inputs.planet, block)
        greatest, last = max(changes, key=lambda step: abs(changes[step])), list(changes)[-1]
        change, end = (words.percent(changes[step], 1, True) for step in (greatest, last))
        most.append(f"{inputs.when(block)} with {figures.STEPS[greatest][1]} ({change})")
        ends.append(end)
    subject = words.capital(figures.STEPS[last][1])
    return (
        f"Largest change of the CRPS from one row to the next: {words.joined(most)}. {subject}: {words.joined(ends)}."
    )


@dataclass(frozen=True)
class Judged:
    """A number beside its goal, both as printed; without a goal `wanted` is empty."""

    text: str
    wanted: str
    reached: bool


def judge(inputs: ReportInputs) -> dict[tuple[str, str], list[Judged]]:
    """The numbers of each learner and lead block: ratio, coverage, and the area calibrated, better and worse."""
    compared = inputs.planet
    pairs = [pair for pair in pairs_in(compared) if pair[1] == SIMPLE]
    blocks = [block for block in GOALS if block in compared["block"].values]
    return {(pair[0], block): _judge(compared, pair, block) for pair in pairs for block in blocks}


def _judge(compared: xr.Dataset, pair: tuple[str, str], block: str) -> list[Judged]:
    goal, row = GOALS[block], row_of(compared, pair).sel(block=block)
    own = compared.sel(forecaster=pair[0], block=block)
    ratio, better, worse = (float(row[key]) for key in ("mean_ratio", "better_area", "worse_area"))
    coverage, calibrated = float(own["coverage"]), float(own["calibrated"])
    spread = " to ".join(words.percent(end) for end in COVERAGE)
    least = "" if goal.better is None else f"{AT_LEAST}{words.percent(goal.better)}"
    return [
        Judged(words.number(ratio, 3), f"{AT_MOST}{words.number(goal.ratio, 3)}", ratio <= goal.ratio),
        Judged(words.percent(coverage, 1), spread, COVERAGE[0] <= coverage <= COVERAGE[1]),
        Judged(
            words.percent(calibrated), f"{AT_LEAST}{words.percent(LEAST_CALIBRATED)}", calibrated >= LEAST_CALIBRATED
        ),
        Judged(share_of_area(better), least, better >= (goal.better or 0.0)),
        Judged(share_of_area(worse), f"<{words.NO_BREAK}{words.percent(MOST_WORSE)}", worse < MOST_WORSE),
    ]


def goal_table(inputs: ReportInputs) -> Table:
    """A row for each learner and lead block: what it reached, with the goal beneath."""
    rows = [
        [
            Cell(style_of(name).label, kind="whole", note=inputs.when(block)),
            *(Cell(one.text, note=_verdict(one)) for one in judged),
        ]
        for (name, block), judged in judge(inputs).items()
    ]
    low, high = (words.percent(end) for end in NEAR_NOMINAL)
    return make_table(
        f"CRPS as a multiple of that of {style_of(SIMPLE).phrase} (geometric mean over the area), coverage of "
        "90% intervals, and shares of the area that differ significantly "
        f"(false discovery rate {words.percent(FALSE_DISCOVERY)}), each with the goal that was set.",
        [
            "Forecaster",
            *numeric("Ratio", "In 90% interval", f"Area with {low} to {high}", "Area better", "Area worse"),
        ],
        rows,
    )


def goals_text(inputs: ReportInputs) -> str:
    """How many goals each learner reaches."""
    counts: dict[str, list[bool]] = {}
    for (name, _), judged in judge(inputs).items():
        counts.setdefault(name, []).extend(one.reached for one in judged if one.wanted)
    sentences = [
        f"{words.capital(style_of(name).phrase)} reaches {words.how_many(sum(met))} of {words.count(len(met), 'goal')}."
        for name, met in counts.items()
    ]
    return " ".join(sentences)


def _verdict(one: Judged) -> str:
    return f"{one.wanted}: {'reached' if one.reached else 'missed'}" if one.wanted else "no goal"


def method(inputs: ReportInputs) -> str:
    """On how many origins the tests rest, and what a missing dot means."""
    rows = inputs.planet.isel(pair=0)
    blocks = figures.blocks_in(inputs.planet)
    counts = [f"{int(rows['origins'].sel(block=block))} for {inputs.when(block)}" for block in blocks]
    return (
        f"Every cell is tested on its origins ({words.joined(counts)}), and the {rows.sizes['cell']:,} p values of a "
        "map are adjusted for the false discovery rate (Benjamini and Hochberg 1995; Wilks 2016). Neighbouring origins "
        "overlap, so that far leads rest on few independent spans: there, no dot means that the record is too short to "
        "tell, and not that the forecasts are equal. These maps are descriptive and carry no verdict."
    )
