"""What the film tells: scenes, their captions and the numbers in them, all from the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from climate.film.tally import running_scores
from climate.report import text, words
from climate.report.figures.forecast import hindcast_origins, shown_models
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest, Period, best_model, contests, periods
from climate.report.palette import ordered, style_of

SECONDS = {"title": 4.0, "record": 11.0, "seams": 11.0, "contest": 20.0, "verdict": 10.0, "end": 4.0}
"""How long each scene takes in a film of a minute; a film of another length keeps the proportions."""

ISSUED_FROM = 0.72
"""Share of the scene of the contest at which the record ends and the issued forecast is drawn."""

CONTEST_STARTS = (0.0, 0.3, ISSUED_FROM)
"""When its captions begin."""

MONTHS_PER_DECADE = 120

TALLIED = 6
"""Models in the tally, so that each line can be read."""


@dataclass(frozen=True)
class Seam:
    """Two records that were joined: which, when, by what offset, and their difference while both ran."""

    older: str
    newer: str
    join: np.datetime64
    months: int
    offset: float
    offset_se: float
    drifts: bool
    when: np.ndarray
    difference: np.ndarray


@dataclass(frozen=True)
class Cue:
    """A caption from a share of its scene on, until the next one."""

    start: float
    text: str


@dataclass(frozen=True)
class Scene:
    """A part of the film."""

    name: str
    heading: str
    seconds: float
    cues: Sequence[Cue]

    def caption(self, share: float) -> str:
        """The caption at a share of the scene."""
        return [cue.text for cue in self.cues if cue.start <= share + 1e-9][-1]


@dataclass(frozen=True)
class Story:
    """The results that the film shows of one region."""

    inputs: ReportInputs
    region: str

    @property
    def title(self) -> str:
        """Name of the record."""
        return self.inputs.title_of(self.region)

    @property
    def unit(self) -> str:
        """Unit of the record, as printed."""
        return words.unit(str(self.series.attrs.get("units", "")))

    @property
    def series(self) -> xr.Dataset:
        """The record."""
        return self.inputs.series[self.region]

    @property
    def table(self) -> xr.Dataset:
        """Its forecasts."""
        return self.inputs.forecasts[self.region]

    @cached_property
    def months(self) -> np.ndarray:
        """Months that have a value."""
        known = np.isfinite(self.series["value"].values)
        return np.asarray(self.series["time"].values[known].astype("datetime64[M]"))

    @cached_property
    def values(self) -> np.ndarray:
        """Their values."""
        value = self.series["value"].values.astype(float)
        return np.asarray(value[np.isfinite(value)])

    @cached_property
    def periods(self) -> list[Period]:
        """Stretches of collection."""
        return periods(self.series)

    @cached_property
    def seams(self) -> list[Seam]:
        """Joins of two records inside this one, oldest first."""
        seams = self.inputs.seams
        if seams is None or "seam" not in seams.dims:
            return []
        own = {key.strip() for key in str(self.series.attrs.get("sources", "")).split(",")}
        found = []
        for place in range(seams.sizes["seam"]):
            one = seams.isel(seam=place)
            names = {str(one["older"].item()), str(one["newer"].item())}
            join: Any = one["join"].values.astype("datetime64[M]")[()]
            if not names <= own or not self.months[0] < join <= self.months[-1]:
                continue
            difference = one["newer_value"].values - one["older_value"].values
            there = np.isfinite(difference)
            found.append(
                Seam(
                    self.inputs.source_title(str(one["older"].item())),
                    self.inputs.source_title(str(one["newer"].item())),
                    join,
                    int(one["n"].item()),
                    float(one["offset"].item()),
                    float(one["offset_se"].item()),
                    text.drifts(one),
                    one["time"].values[there].astype("datetime64[M]"),
                    difference[there],
                )
            )
        return sorted(found, key=lambda seam: seam.join)

    @cached_property
    def reference_curve(self) -> np.ndarray | None:
        """Season and trend per calendar month and per month since 1970, or None for anomalies, which have neither.

        Fitted on months up to the first origin alone: coefficients of a parabola in decades since 1970, and twelve
        departures from it.
        """
        if text.is_anomaly(self.series.attrs):
            return None
        past = self.months <= self.table["origin"].values[0].astype("datetime64[M]")
        steps = self.months[past].astype(int)
        parabola = np.polyfit(steps / MONTHS_PER_DECADE, self.values[past], 2)
        rest = self.values[past] - np.polyval(parabola, steps / MONTHS_PER_DECADE)
        return np.concatenate([parabola, [rest[steps % 12 == month].mean() for month in range(12)]])

    def reference(self, months: np.ndarray) -> np.ndarray:
        """The reference curve at some months, zero for anomalies."""
        steps = months.astype("datetime64[M]").astype(int)
        if self.reference_curve is None:
            return np.zeros(steps.shape)
        trend, season = self.reference_curve[:3], self.reference_curve[3:]
        return np.asarray(np.polyval(trend, steps / MONTHS_PER_DECADE) + season[steps % 12])

    @cached_property
    def shown(self) -> list[str]:
        """Models whose fans are drawn: the best simple one and the LSTM."""
        return shown_models(self.inputs, self.region)[::-1]

    @cached_property
    def fans(self) -> list[int]:
        """Positions of the origins whose fans are drawn: some that do not overlap, and the issued forecast."""
        last = self.table.sizes["origin"] - 1
        return [place for place in hindcast_origins(self.table) if place != last] + [last]

    @cached_property
    def tally(self) -> xr.Dataset:
        """Scores by month."""
        return running_scores(self.table)

    @cached_property
    def tallied(self) -> list[str]:
        """Models of the tally, in the fixed order."""
        block = self.inputs.headline_blocks[-1]
        wanted = [
            *self.shown,
            self.inputs.reference,
            best_model(self.inputs, self.region, block),
            "lstm-tutorial",
            "ridge-enso",
            *self.inputs.models,
        ]
        present = [name for name in dict.fromkeys(wanted) if name in self.table["model"].values]
        return ordered(present[:TALLIED])

    @cached_property
    def contests(self) -> list[Contest]:
        """The LSTM against the best simple model of this record, corrected with all others of the report."""
        if self.inputs.primary is None:
            return []
        return [one for one in contests(self.inputs, self.inputs.primary) if one.region == self.region]

    @property
    def tests(self) -> int:
        """Comparisons that the correction allows for."""
        return len(self.inputs.regions) * len(self.inputs.headline_blocks)


def scenes(story: Story, seconds: float) -> list[Scene]:
    """The scenes of a film of `seconds`, in order."""
    factor = seconds / sum(SECONDS.values())
    told = {
        "title": ("", [_title(story)]),
        "record": ("The record grows", _record(story)),
        "seams": ("How it was collected changes", _seams(story)),
        "contest": ("Forecasts are issued and verified", _contest(story)),
        "verdict": ("The verdict", _verdict(story)),
        "end": ("", ["Every number goes back to the publishers' bytes; dvc repro makes this film again."]),
    }
    found = []
    for name, (heading, lines) in told.items():
        starts = CONTEST_STARTS if name == "contest" else np.arange(len(lines)) / len(lines)
        cues = [Cue(float(start), words.typeset(line)) for start, line in zip(starts, lines, strict=False)]
        found.append(Scene(name, words.typeset(heading), SECONDS[name] * factor, cues))
    return found


def _title(story: Story) -> str:
    return f"One record from its first month to the verdict: {words.inner(story.title)}."


def _record(story: Story) -> list[str]:
    """Length and extremes of the record."""
    digits, sign = 1, text.is_anomaly(story.series.attrs)
    first, last = (f"{words.number(float(value), digits, sign)} {story.unit}" for value in story.values[[0, -1]])
    grown = (
        f"{story.title}: {story.values.size:,} months, from {first} in {words.month(story.months[0])} "
        f"to {last} in {words.month(story.months[-1])}."
    )
    said = text.record(story.inputs, story.region)
    return [grown, said[1] if len(said) > 1 else said[0]]


def _seams(story: Story) -> list[str]:
    """How often collection changed, and what each seam amounts to."""
    changes = len(story.periods) - 1
    if changes < 1:
        return ["The publisher declares no change of collection in this record; a break test looks for hidden ones."]
    lines = [
        f"How it was collected changed {'once' if changes == 1 else f'{words.spell(changes)} times'}. "
        "A step that a change left behind would look like climate to a network."
    ]
    for seam in story.seams:
        size = f"{words.number(seam.offset, 3, True)} ± {words.number(seam.offset_se, 3)} {story.unit}"
        drift = " The difference drifts, so the join is only as good as these months." if seam.drifts else ""
        lines.append(
            f"{words.count(seam.months, 'month')} that both records cover give the offset between them: {size}.{drift}"
        )
    return lines


def _contest(story: Story) -> list[str]:
    """How forecasts are made and scored."""
    leads = story.table.sizes["lead"]
    lines = [
        f"At each origin a model knows the past alone. It gives the next {leads} months as a spread: "
        "the band should hold nine in ten."
    ]
    if story.tally.sizes["time"]:
        cells = int(story.tally["cells"].values[-1])
        lines.append(
            "Then the months come. CRPS is the error of the whole spread: the shorter the bar, the better the forecast."
        )
        inside = [
            f"{words.percent(float(story.tally['covered90'].sel(model=name).values[-1]))} for {style_of(name).phrase}"
            for name in story.shown
        ]
        lines.append(
            f"{cells:,} forecasts of every model verified. Inside the 90% interval: {words.joined(inside)}. "
            "The last forecast still waits."
        )
    return lines


def _verdict(story: Story) -> list[str]:
    """Who won, and how sure that is."""
    if not story.contests:
        return ["No LSTM was run, so simple models are compared with each other alone."]
    better = [one for one in story.contests if one.outcome == "better"]
    worse = [one for one in story.contests if one.outcome == "worse"]
    if not better and not worse:
        said = "For this record chance alone could make differences of this size: no winner."
    else:
        parts = [
            f"{'better' if one.outcome == 'better' else 'worse'} {words.ahead(*story.inputs.leads_of(one.block))}"
            for one in better + worse
        ]
        said = f"For this record the LSTM is significantly {words.joined(parts)}."
    lines = [said, text.best_overall(story.inputs, story.region, story.inputs.headline_blocks[-1])]
    places = words.count(len(story.inputs.regions), "place")
    together = [
        f"{found[0]} {words.ahead(*story.inputs.leads_of(block))}"
        for block in story.inputs.headline_blocks
        if (found := text.pooled(story.inputs, story.contests[0].model, block))
    ]
    if together and len(story.inputs.regions) > 1:
        lines.append(
            f"Over all {places}, against the best simple model of each, the LSTM's error is {words.joined(together)}."
        )
    return lines
