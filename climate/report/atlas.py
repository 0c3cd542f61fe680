"""The page of a panel: maps, and a row for every place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.registry import Kind, is_kind, ordered
from climate.params.sections import ScoreParams
from climate.report import pages, words
from climate.report.figures.atlas import map_figure
from climate.report.figures.base import Drawing
from climate.report.gallery import Gallery, credit
from climate.report.palette import LESS_ERROR, MORE_ERROR, style_of
from climate.report.tables import Cell, Table, make_table, numeric
from climate.verify.contest import against, opponent_among
from climate.verify.significance import FALSE_DISCOVERY, false_discovery

HEADLINE_BLOCK = "1-12"
"""Lead block of the page's sentences and maps, where it was scored."""


@dataclass(frozen=True)
class PanelInputs:
    """What the page of a panel shows.

    Attributes:
        score: blocks of leads and reference of the run.
        scores: what `climate.hindcast.panels.join` made.
        shapes: polygons with the columns name and geometry.
        provenance: of the source of the records.
        opponents: see `climate.verify.contest.choose_opponents`.
        caveat: what to know of the records.
        land: countries, whose outlines are the coasts; None draws none.
    """

    score: ScoreParams
    scores: xr.Dataset
    shapes: Any
    provenance: Mapping[str, Any]
    opponents: xr.Dataset
    caveat: str = ""
    land: Any = None

    @property
    def cut_out(self) -> bool:
        """Whether the places are the polygons themselves."""
        return bool(self.scores.attrs["cut_out"])

    @property
    def unit(self) -> str:
        """Unit of the records as printed."""
        return words.unit(str(self.scores.attrs["units"]))

    @property
    def block(self) -> str:
        """The lead block of the sentences and maps."""
        known = [str(block) for block in self.scores["block"].values]
        return HEADLINE_BLOCK if HEADLINE_BLOCK in known else known[0]

    @property
    def when(self) -> str:
        """The same in words."""
        return words.ahead(*self.score.blocks[self.block])

    @property
    def models(self) -> list[str]:
        """Scored models, in the fixed order."""
        return ordered(self.scores["model"].values.astype(str).tolist())

    @property
    def reference(self) -> str:
        """What skill is measured against: the run's reference, else the first model."""
        return self.score.reference if self.score.reference in self.models else self.models[0]

    @property
    def opponent(self) -> str:
        """The opponent of the quantity and block among the models that were run; "" where no candidate was."""
        return opponent_among(self.opponents, str(self.scores.attrs["quantity"]), self.block, self.models)

    @property
    def counted(self) -> xr.Dataset:
        """Scores of the places that are no duplicates or groups of others."""
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


def render(inputs: PanelInputs, folder: Path) -> Path:
    """Write the page, its pictures and their data into `folder`."""
    source, gallery = credit([inputs.provenance]), Gallery()
    pictures = [gallery.add(drawing, source) for drawing in drawings(inputs)]
    gallery.table("scores", "All scores of all places.", data_table(inputs))
    gallery.write(folder)
    return _write(
        folder,
        standfirst(inputs),
        heading=str(inputs.scores.attrs["title"]),
        facts=facts(inputs),
        pictures=pictures,
        table=place_table(inputs),
        skipped=list(zip(inputs.scores["skipped"].values, inputs.scores["reason"].values, strict=True)),
        caveat=inputs.caveat,
        marked=int((inputs.scores["mark"].values.astype(str) != "").sum()),
        credit=source,
        provenance=inputs.provenance,
    )


def render_skipped(title: str, reason: str, folder: Path) -> Path:
    """A page that says why there is nothing to show."""
    return _write(folder, f"This panel was skipped: {reason}.", heading=title, caveat="", pictures=[], table=None)


def _write(folder: Path, standfirst: str, **context: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    frame = pages.frame(span="", standfirst=standfirst, root="../../")
    target = folder / "index.html"
    target.write_bytes(pages.page_text("panel.html.j2", frame | context).encode("utf-8"))
    return target


def standfirst(inputs: PanelInputs) -> str:
    """What the panel shows, in words."""
    counted, leader = inputs.counted, inputs.leader
    crps = counted["crps"].sel(block=inputs.block).sel(model=inputs.models)
    wins = int((crps.argmin("model").values == inputs.models.index(leader)).sum())
    skill = inputs.skill(leader).sel(series=counted["series"])
    low, high = (float(np.nanquantile(skill, share)) for share in (0.05, 0.95))
    return (
        f"{words.capital(style_of(leader).phrase)} has the lowest error {inputs.when} in {wins} of "
        f"{counted.sizes['series']} places. Its CRPS is {words.percent(float(skill.median()))} below that of "
        f"{style_of(inputs.reference).phrase} (median; 90% range over places {words.percent(low)} to "
        f"{words.percent(high)})."
    )


def facts(inputs: PanelInputs) -> list[str]:
    """How the numbers were made."""
    attrs, leader = inputs.scores.attrs, inputs.leader
    first, last, end = (words.month(np.datetime64(attrs[key])) for key in ("first_origin", "last_origin", "last_month"))
    of_planet = any("planet" in str(model) for model in inputs.scores["model"].values)
    learnt = " The models of the planet may have been trained on the past of these places." if of_planet else ""
    coverage = inputs.counted["covered90"].sel(block=inputs.block, model=leader)
    return [
        f"{words.capital(words.count(int(attrs['origins']), 'origin'))} from {first} to {last}, up to "
        f"{words.count(int(attrs['leads']), 'month')} ahead; records to {end}, as anomalies from {attrs['baseline']}.",
        "Every forecast uses what was known at its origin and nothing later. Models are estimated as in the "
        "comparison of the overview; intervals are not calibrated." + learnt,
        f"The 90% interval of {style_of(leader).phrase} contains {words.percent(float(coverage.mean()))} of the "
        f"observations {inputs.when}.",
    ]


def drawings(inputs: PanelInputs) -> list[Drawing]:
    """Maps of the leader's skill and error, and of how learners compare with the opponent."""
    leader, reference = style_of(inputs.leader), style_of(inputs.reference)
    crps = inputs.scores["crps"].sel(block=inputs.block)
    maps = []
    if leader != reference:
        label = f"CRPS saved by {leader.label} against {reference.label} (%)"
        caption = (
            f"Error (CRPS) that {leader.phrase} saves against {reference.phrase}, {inputs.when}: {LESS_ERROR} where it "
            f"has less, {MORE_ERROR} where it has more."
        )
        maps.append(map_figure(inputs, "skill", 100 * inputs.skill(leader.name), label, caption, difference=True))
    maps.append(
        map_figure(
            inputs,
            "crps",
            crps.sel(model=leader.name, drop=True),
            f"CRPS of {leader.label} ({inputs.unit})",
            f"CRPS of {leader.phrase}, {inputs.when}: large where months vary most.",
        )
    )
    opponent = inputs.opponent
    learners = [name for name in inputs.models if opponent and not is_kind(name, Kind.CLASSICAL)]
    if learners:
        chosen = xr.DataArray([opponent], dims="block", coords={"block": [inputs.block]})
        compared = against(inputs.scores["loss"], chosen, {inputs.block: inputs.score.blocks[inputs.block]})
        for model in map(style_of, learners):
            one = compared.sel(model=model.name, block=inputs.block)
            found = false_discovery(one["p"].values) < FALSE_DISCOVERY
            sure = one["series"].values[found].astype(str).tolist()
            caption = (
                f"Error (CRPS) that {model.phrase} saves against {style_of(opponent).phrase}, {inputs.when}: "
                f"{LESS_ERROR} where it has less, {MORE_ERROR} where it has more. Dots: different at a false discovery "
                f"rate of {words.percent(FALSE_DISCOVERY)}, in {words.how_many(len(sure))} of "
                f"{words.count(one.sizes['series'], 'place')}."
            )
            label = f"CRPS saved by {model.label} against {style_of(opponent).label} (%)"
            saved = 100 * (1 - one["ratio"])
            maps.append(map_figure(inputs, f"saved-{model.name}", saved, label, caption, difference=True, sure=sure))
    return maps


def place_table(inputs: PanelInputs) -> Table:
    """A row per place: error of every model in the headline block, skill and coverage of the leader."""
    block, leader = inputs.block, inputs.leader
    crps = inputs.scores["crps"].sel(block=block).sel(model=inputs.models).transpose("series", "model").values
    skill = inputs.skill(leader).values
    covered = inputs.scores["covered90"].sel(block=block, model=leader).values
    marks = inputs.scores["mark"].values.astype(str)
    rows: list[list[Cell | str]] = []
    for position, name in enumerate(inputs.scores["series"].values.astype(str)):
        best = int(np.argmin(crps[position]))
        cells = [
            Cell(words.number(value, 3), kind="winner" if model == best else "")
            for model, value in enumerate(crps[position])
        ]
        last = [words.number(100 * skill[position], 0), words.number(100 * covered[position], 0)]
        rows.append([Cell(name, note=marks[position]), *cells, *last])
    headings = [*(style_of(model).label for model in inputs.models), f"Skill of {style_of(leader).label}, %"]
    return make_table(
        f"CRPS {inputs.when} in {inputs.unit}; the lowest of each row is marked. Headings sort by their column.",
        ["Place", *numeric(*headings, "In its 90% interval, %")],
        rows,
    )


def data_table(inputs: PanelInputs) -> pd.DataFrame:
    """Every score of every place, for the CSV file of the page."""
    scores = inputs.scores[["crps", "covered90"]].sel(model=inputs.models)
    frame = scores.to_dataframe(dim_order=["series", "model", "block"]).reset_index()
    return frame[["series", "mark", "latitude", "longitude", "model", "block", "crps", "covered90"]]
