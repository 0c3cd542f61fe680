"""The page of the contest on observed records: scores and text, and no value of a publisher's file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.registry import Kind, is_kind, ordered, primary_network
from climate.report import pages, words
from climate.report.figures.base import INK, Drawing, for_phones_too, label_rows, panel_row, shared_legend, style
from climate.report.gallery import Gallery
from climate.report.inputs import HEADLINE_BLOCKS
from climate.report.palette import style_of
from climate.report.tables import Cell, Table, make_table, numeric


@dataclass(frozen=True)
class ObservedInputs:
    """What the page shows.

    Attributes:
        titles: of the regions, by key.
        blocks: name -> first and last lead.
        scores: what stage `score` wrote: `ratio`, `crps`, `opponent` over (region, model, block).
        hypotheses: see `climate.verify.contest.assess`.
        panels: name -> what stage `panel` wrote; its page is in the folder of that name.
        provenance: one mapping per source, as `pull` writes it.
    """

    titles: Mapping[str, str]
    blocks: Mapping[str, tuple[int, int]]
    scores: xr.Dataset
    hypotheses: xr.Dataset
    panels: Mapping[str, xr.Dataset]
    provenance: Sequence[Mapping[str, Any]]

    @property
    def declared(self) -> pd.DataFrame:
        """A row per hypothesis."""
        return self.hypotheses.to_dataframe().reset_index()

    @property
    def counted(self) -> dict[str, xr.Dataset]:
        """The panels without places that repeat others."""
        return {
            name: panel.isel(series=np.flatnonzero(panel["mark"].values.astype(str) == ""))
            for name, panel in self.panels.items()
        }

    @property
    def rows(self) -> list[Any]:
        """The same as records with the attributes of `climate.verify.contest.assess`."""
        return list(self.declared.itertuples())

    @property
    def models(self) -> list[str]:
        """Models of the hypotheses, and the network that knows a region's own past alone."""
        named = {*self.declared["better"], *self.declared["against"], primary_network(self.known)}
        return [model for model in self.known if model in named]

    @property
    def known(self) -> list[str]:
        """All scored models."""
        return ordered(self.scores["model"].values.astype(str).tolist())

    @property
    def regions(self) -> list[str]:
        """Regions with scores, in the order of their titles."""
        return [name for name in self.titles if name in self.scores["region"].values]


def render(inputs: ObservedInputs, folder: Path) -> Path:
    """Write index.html, figures/ and data/ into `folder`, which stands beside the report's own pages."""
    gallery = Gallery()
    picture = gallery.add(ratio_figure(inputs), "")
    gallery.table("hypotheses", "The declared hypotheses and their tests.", inputs.declared)
    scored = inputs.scores[["crps", "ratio", "low", "high", "p", "coverage90"]].sel(region=inputs.regions)
    gallery.table("scores", "All scores by record, model and block of leads.", scored.to_dataframe().reset_index())
    gallery.table("files", "The files of this run.", files(inputs))
    gallery.write(folder)
    frame = pages.frame(span="", standfirst=standfirst(inputs), root="../")
    context = {
        "picture": picture,
        "hypotheses": hypothesis_table(inputs),
        "panel_errors": panel_table(inputs),
        "errors": error_table(inputs),
        "files": file_table(inputs),
        "panels": {name: str(panel.attrs["title"]) for name, panel in inputs.panels.items()},
        "credits": [f"{entry['citation']} {entry['licence']}." for entry in inputs.provenance],
    }
    target = folder / "index.html"
    target.write_bytes(pages.page_text("observed.html.j2", frame | context).encode("utf-8"))
    return target


def verdict(row: Any) -> str:
    """The outcome of one hypothesis in words."""
    better, against = words.capital(style_of(row.better).phrase), style_of(row.against).phrase
    if row.reason:
        return f"{better} could not be compared with {against}: {row.reason}."
    change = f"{words.percent(abs(row.ratio - 1), 1)} {'lower' if row.ratio < 1 else 'higher'}"
    if row.outcome == "same":
        return f"{better} and {against} do not differ beyond chance ({change} CRPS)."
    return f"{better} has a {change} CRPS than {against}."


def standfirst(inputs: ObservedInputs) -> str:
    """What is compared, and the outcome at near leads."""
    near = [row for row in inputs.rows if row.block == HEADLINE_BLOCKS[0]]
    places = {row.places for row in near}
    sizes = {name: panel.sizes["series"] for name, panel in inputs.counted.items() if name in places}
    about = words.joined([f"{size} {name}" for name, size in sizes.items()]) or "Observed records"
    when = words.ahead(*inputs.blocks[HEADLINE_BLOCKS[0]])
    simple = [in_hindsight(panel) for name, panel in inputs.counted.items() if name in places]
    return " ".join([f"{about}, {when}.", *(verdict(row) for row in near), *simple])


def in_hindsight(panel: xr.Dataset) -> str:
    """How the best simple model compares with the best of all others at near leads."""
    crps = panel["crps"].sel(block=HEADLINE_BLOCKS[0]).mean("series").to_series()
    classical = [name for name in crps.index if is_kind(name, Kind.CLASSICAL)]
    if not classical or len(classical) == crps.size:
        return ""
    best, other = str(crps[classical].idxmin()), str(crps.drop(classical).idxmin())
    ratio = crps[other] / crps[best] - 1
    return (
        f"Against the best simple model in hindsight, {style_of(best).phrase}, the best of the others, "
        f"{style_of(other).phrase}, has a {words.percent(abs(ratio), 1)} {'lower' if ratio < 0 else 'higher'} CRPS."
    )


def hypothesis_table(inputs: ObservedInputs) -> Table:
    """A row per hypothesis."""
    rows: list[list[Cell | str]] = []
    for row in inputs.rows:
        what = Cell(f"{style_of(row.better).label} against {style_of(row.against).label}")
        ends = " to ".join(words.percent(end - 1, 1, True) for end in (row.low, row.high))
        tested = [words.percent(row.ratio - 1, 1, True), ends, words.p_number(row.p_holm), f"{row.origins:.0f}"]
        shown = {"better": "Lower error", "worse": "Higher error", "same": "No difference shown"}[row.outcome]
        fields = [*[words.NONE] * 4, Cell("Not tested", note=row.reason)] if row.reason else [*tested, shown]
        rows.append([what, row.block, words.capital(row.places), *fields])
    return make_table(
        "Declared hypotheses: difference of CRPS with its 90% interval, p after Holm's correction for all of them.",
        ["Comparison", "Leads", "Records", *numeric("Difference", "90% interval", "p", "Origins"), "Outcome"],
        rows,
    )


def panel_table(inputs: ObservedInputs) -> Table:
    """A row per panel and model: mean CRPS at near leads, and where its forecasts begin and end."""
    rows: list[list[Cell | str]] = []
    for name, panel in inputs.counted.items():
        first, last = (words.month(np.datetime64(panel.attrs[key])) for key in ("first_origin", "last_origin"))
        crps = panel["crps"].sel(block=HEADLINE_BLOCKS[0]).mean("series")
        for model in ordered(panel["model"].values.astype(str).tolist()):
            value = words.number(crps.sel(model=model).item(), 3)
            rows.append([Cell(words.capital(name)), style_of(model).label, value, f"{first} to {last}"])
    when = words.ahead(*inputs.blocks[HEADLINE_BLOCKS[0]])
    return make_table(
        f"Mean CRPS {when} (K), every place alike.", ["Records", "Model", *numeric("CRPS"), "Origins"], rows
    )


def error_table(inputs: ObservedInputs) -> Table:
    """A row per record and block: CRPS of the opponent, and the ratio of each model to it."""
    rows: list[list[Cell | str]] = []
    for region in inputs.regions:
        for block in HEADLINE_BLOCKS:
            one = inputs.scores.sel(region=region, block=block)
            opponent = str(one["opponent"].item())
            crps = words.number(one["crps"].sel(model=opponent).item(), 3)
            ratios = [words.number(one["ratio"].sel(model=model).item()) for model in inputs.models]
            rows.append([Cell(inputs.titles[region]), block, style_of(opponent).label, crps, *ratios])
    return make_table(
        "CRPS of the opponent (K), and that of other models as a multiple of it.",
        ["Record", "Leads", "Opponent", *numeric("CRPS", *(style_of(model).label for model in inputs.models))],
        rows,
    )


@for_phones_too
def ratio_figure(inputs: ObservedInputs) -> Drawing:
    """CRPS of each model as a multiple of the opponent's, a row per global record."""
    chosen = inputs.scores["ratio"].sel(region=inputs.regions, model=inputs.models, block=list(HEADLINE_BLOCKS))
    data = chosen.to_dataframe(dim_order=["block", "region", "model"]).reset_index()
    data = data[["block", "region", "model", "ratio"]]
    offsets = np.linspace(-0.24, 0.24, len(inputs.models))
    with style():
        titles = [words.capital(words.ahead(*inputs.blocks[block])) for block in HEADLINE_BLOCKS]
        figure, panels = panel_row(1.6 + 0.55 * len(inputs.regions), titles)
        for axes, block in zip(panels, HEADLINE_BLOCKS, strict=True):
            axes.axvline(1, color=INK, lw=1)
            for model, offset in zip(inputs.models, offsets, strict=True):
                look, values = style_of(model), chosen.sel(model=model, block=block).values
                heights = np.arange(len(inputs.regions)) + offset
                axes.plot(values, heights, "o", ms=6, color=look.colour, mew=0, label=look.label)
            axes.set_xlabel("CRPS ÷ CRPS of the opponent")
            label_rows(axes, [inputs.titles[region] for region in inputs.regions])
        shared_legend(figure, panels[0], "lower", 3)
    caption = (
        "CRPS as a multiple of the opponent's on the global records; left of 1 is better. The opponent is the simple "
        "model chosen on earlier origins of these records. Descriptive: the records share most of their stations."
    )
    alt = " ".join(
        f"{inputs.titles[region]}, {block}, {model}: {ratio:.2f}."
        for block, region, model, ratio in data.itertuples(index=False, name=None)
    )
    return Drawing("ratios", figure, data, alt, caption)


def files(inputs: ObservedInputs) -> pd.DataFrame:
    """A row per file: source, vintage and digest."""
    return pd.DataFrame(
        [
            {"source": entry["key"], "vintage": entry["vintage"], "file": name, **file}
            for entry in inputs.provenance
            for name, file in entry["files"].items()
        ]
    )[["source", "vintage", "file", "sha256", "bytes", "url"]]


def file_table(inputs: ObservedInputs) -> Table:
    """The same, digests shortened."""
    return make_table(
        "Files of this run, with the first twelve digits of their SHA-256.",
        ["Source", "Vintage", "File", "SHA-256", *numeric("Bytes")],
        [
            [str(row.source), str(row.vintage), str(row.file), str(row.sha256)[:12], f"{row.bytes:,}"]
            for row in files(inputs).itertuples()
        ],
    )
