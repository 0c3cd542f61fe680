"""The page of a set: maps, and a row for every place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import pages, words
from climate.report.figures.atlas import map_figure
from climate.report.figures.base import Drawing, csv_bytes, develop
from climate.report.palette import is_network, ordered, style_of
from climate.report.tables import Cell, Column, Table
from climate.verify.comparison import is_classical

HEADLINE_BLOCK = "1-12"
"""Lead block that the page speaks of, where it was scored."""


@dataclass(frozen=True)
class SetInputs:
    """What the page of a set shows.

    Attributes:
        name: key of the set.
        params: the parameters of the run, as nested plain mappings.
        scores: what `climate.hindcast.panels.join` made.
        shapes: polygons with the columns name and geometry.
        cut_out: whether the places are these polygons themselves.
        provenance: of the source of the records.
    """

    name: str
    params: Mapping[str, Any]
    scores: xr.Dataset
    shapes: Any
    cut_out: bool
    provenance: Mapping[str, Any]

    @property
    def block(self) -> str:
        """The lead block that the page speaks of."""
        known = [str(block) for block in self.scores["block"].values]
        return HEADLINE_BLOCK if HEADLINE_BLOCK in known else known[0]

    @property
    def when(self) -> str:
        """The same in words."""
        first, last = self.params["score"]["blocks"][self.block]
        return words.ahead(int(first), int(last))

    @property
    def models(self) -> list[str]:
        """Scored models, in the fixed order."""
        return ordered(self.scores["model"].values.astype(str).tolist())

    @property
    def reference(self) -> str:
        """What skill is measured against: the run's reference, else the first model."""
        wanted = str(self.params["score"]["reference"])
        return wanted if wanted in self.models else self.models[0]

    @property
    def counted(self) -> xr.Dataset:
        """Scores of the places that stand for themselves."""
        return self.scores.isel(series=np.flatnonzero(self.scores["mark"].values.astype(str) == ""))

    @property
    def leader(self) -> str:
        """The model with the lowest mean CRPS over the counted places."""
        mean = self.counted["crps"].sel(block=self.block).mean("series").sel(model=self.models)
        return self.models[int(np.argmin(mean.values))]

    def skill(self, model: str) -> xr.DataArray:
        """1 less the CRPS as a part of the reference's (series)."""
        crps = self.scores["crps"].sel(block=self.block)
        return 1 - crps.sel(model=model, drop=True) / crps.sel(model=self.reference, drop=True)


def render(inputs: SetInputs, folder: Path) -> Path:
    """Write the page, its pictures and their data into `folder`."""
    for name in ("figures", "data"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    source = credit(inputs.provenance)
    pictures = []
    for drawing in drawings(inputs):
        picture = develop(drawing, source)
        (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)
        (folder / "data" / f"{picture.name}.csv").write_bytes(picture.csv)
        pictures.append(picture)
    (folder / "data" / "scores.csv").write_bytes(csv_bytes(data_table(inputs)))
    frame = pages.frame(span="", standfirst=standfirst(inputs), root="../../")
    context = frame | {
        "heading": str(inputs.scores.attrs["title"]),
        "facts": facts(inputs),
        "pictures": pictures,
        "table": place_table(inputs),
        "skipped": list(zip(inputs.scores["skipped"].values, inputs.scores["reason"].values, strict=True)),
        "marked": int((inputs.scores["mark"].values.astype(str) != "").sum()),
        "credit": source,
        "provenance": inputs.provenance,
    }
    target = folder / "index.html"
    target.write_bytes(pages.page_text("set.html.j2", context).encode("utf-8"))
    return target


def render_skipped(title: str, reason: str, folder: Path) -> Path:
    """A page that says why there is nothing to show."""
    folder.mkdir(parents=True, exist_ok=True)
    context = pages.frame(span="", standfirst=f"This set was skipped: {reason}.", root="../../")
    empty: dict[str, Any] = {
        "facts": [],
        "pictures": [],
        "table": None,
        "skipped": [],
        "marked": 0,
        "credit": "",
        "provenance": {},
    }
    target = folder / "index.html"
    target.write_bytes(pages.page_text("set.html.j2", context | empty | {"heading": title}).encode("utf-8"))
    return target


def standfirst(inputs: SetInputs) -> str:
    """What the set shows, in words."""
    counted, leader = inputs.counted, inputs.leader
    crps = counted["crps"].sel(block=inputs.block).sel(model=inputs.models)
    best = crps.argmin("model").values
    wins = int((best == inputs.models.index(leader)).sum())
    skill = inputs.skill(leader).sel(series=counted["series"])
    low, high = (float(np.nanquantile(skill, share)) for share in (0.05, 0.95))
    return (
        f"{words.capital(style_of(leader).phrase)} has the lowest error {inputs.when} in {wins} of "
        f"{counted.sizes['series']} places. Its CRPS is {words.percent(float(skill.median()))} below that of "
        f"{style_of(inputs.reference).phrase} in the middle of all places, and between {words.percent(low)} and "
        f"{words.percent(high)} in nine of ten."
    )


def facts(inputs: SetInputs) -> list[str]:
    """How the numbers came about."""
    attrs = inputs.scores.attrs
    first, last, end = (words.month(np.datetime64(attrs[key])) for key in ("first_origin", "last_origin", "last_month"))
    pooled = any("pooled" in str(model) for model in inputs.scores["model"].values)
    learnt = " What the pooled models learnt from may include the past of these places." if pooled else ""
    coverage = inputs.counted["covered90"].sel(block=inputs.block, model=inputs.leader)
    return [
        f"{words.capital(words.count(int(attrs['origins']), 'origin'))} from {first} to {last}, up to "
        f"{words.count(int(attrs['leads']), 'month')} ahead; records to {end}, as anomalies from {attrs['baseline']}.",
        "Every forecast uses what was known at its origin and nothing later. Models are estimated as in the contest of "
        "the overview; intervals are not calibrated." + learnt,
        f"The 90% interval of {style_of(inputs.leader).phrase} held {words.percent(float(coverage.mean()))} of what "
        f"was observed {inputs.when}.",
    ]


def drawings(inputs: SetInputs) -> list[Drawing]:
    """Maps of the leader's skill and error, and of how a network compares where one was run."""
    leader, unit = inputs.leader, words.unit(str(inputs.scores.attrs["units"]))
    phrase, reference = style_of(leader).phrase, style_of(inputs.reference).phrase
    crps = inputs.scores["crps"].sel(block=inputs.block)
    made = []
    if leader != inputs.reference:
        made.append(
            map_figure(
                inputs,
                "skill",
                inputs.skill(leader),
                f"CRPS skill of {style_of(leader).label} against {style_of(inputs.reference).label}",
                f"How much of the error of {reference} {phrase} saves, {inputs.when}: 0 is none, 1 would be all of it.",
            )
        )
    made.append(
        map_figure(
            inputs,
            "crps",
            crps.sel(model=leader, drop=True),
            f"CRPS of {style_of(leader).label} ({unit})",
            f"The error of {phrase} itself, {inputs.when}: where the weather of single months is hard to foresee.",
        )
    )
    classical = [model for model in inputs.models if is_classical(model)]
    for model in inputs.models:
        if is_network(model) and classical:
            ratio = crps.sel(model=model, drop=True) / crps.sel(model=classical).min("model")
            made.append(
                map_figure(
                    inputs,
                    f"ratio-{model}",
                    ratio,
                    f"CRPS of {style_of(model).label} ÷ CRPS of the best simple model",
                    f"Below 1, {style_of(model).phrase} has the lower error, {inputs.when}. The best simple model of "
                    "each place is known afterwards only, which favours it.",
                    middle=1.0,
                )
            )
    return made


def place_table(inputs: SetInputs) -> Table:
    """A row per place: error of every model in the headline block, skill and coverage of the leader."""
    block, leader = inputs.block, inputs.leader
    crps = inputs.scores["crps"].sel(block=block).sel(model=inputs.models).transpose("series", "model").values
    skill = inputs.skill(leader).values
    covered = inputs.scores["covered90"].sel(block=block, model=leader).values
    marks = inputs.scores["mark"].values.astype(str)
    columns = [
        Column("Place"),
        *(Column(style_of(model).label, numeric=True) for model in inputs.models),
        Column(f"Skill of {style_of(leader).label}, %", numeric=True),
        Column("In its 90% interval, %", numeric=True),
    ]
    rows = []
    for place, name in enumerate(inputs.scores["series"].values.astype(str)):
        best = int(np.argmin(crps[place]))
        cells = [
            Cell(words.number(value, 3), kind="winner" if model == best else "")
            for model, value in enumerate(crps[place])
        ]
        last = [Cell(words.number(100 * skill[place], 0)), Cell(words.number(100 * covered[place], 0))]
        rows.append([Cell(name, note=marks[place]), *cells, *last])
    unit = words.unit(str(inputs.scores.attrs["units"]))
    caption = f"CRPS {inputs.when} in {unit}, lowest of each row marked. A button in the heading sorts by its column."
    return Table(caption, columns, rows)


def data_table(inputs: SetInputs) -> pd.DataFrame:
    """Every score of every place, as the file of the page holds it."""
    scores = inputs.scores[["crps", "covered90"]].sel(model=inputs.models)
    frame = scores.to_dataframe(dim_order=["series", "model", "block"]).reset_index()
    return frame[["series", "mark", "latitude", "longitude", "model", "block", "crps", "covered90"]]


def credit(entry: Mapping[str, Any]) -> str:
    """Source and vintage of a picture."""
    return f"Source: {entry.get('title', '')}, vintage {entry.get('vintage', 'unknown')}." if entry else ""
