"""The first figure of the report, and the declared hypotheses."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from climate.forecasters.registry import Kind, is_kind
from climate.report import words
from climate.report.contest import PLANET, contest_frame
from climate.report.figures.base import (
    INK,
    PAPER,
    SOFT,
    Drawing,
    fitted,
    for_phones_too,
    label_rows,
    new_figure,
    number_of,
    on_phone,
    outer_legend,
    panel_row,
    style,
    upright_grid,
)
from climate.report.inputs import ReportInputs
from climate.report.numbers import Hypothesis
from climate.report.palette import style_of
from climate.report.text import places_of

LARGEST_DIFFERENCE = 20.0
"""Per cent; intervals of long leads reach further and would hide all others."""


SKILLS = (-10.0, 35.0)
"""Per cent of CRPS saved that the first figure shows; marks beyond are written at the edge."""

ROLES: dict[str, tuple[str, dict[str, Any]]] = {
    "opponent": ("Simple model, chosen beforehand", {"marker": "s", "ms": 9, "color": "#8A8A8A"}),
    "hindsight": ("Best simple model in hindsight", {"marker": "s", "ms": 11, "mfc": "none", "color": "#5A5A5A"}),
    "linear": ("Linear, most information", {"marker": "D", "ms": 9, "color": "#0072B2"}),
    "network": ("LSTM, same information", {"marker": "o", "ms": 8, "color": "#D55E00"}),
}
"""Role in the frame of `contest_frame` -> its name and mark."""


EDGE = 9.0
"""Points between an axis and the labels of its rows, which a mark at the edge of the scale does not reach."""
ABOVE = 0.45
"""Rows from a mark off the scale up to its value: between the marks of two rows."""

SHIFTS = {"opponent": -0.24, "network": 0.24}
"""Of the bars of a panel, in rows, so that none hides another."""


@for_phones_too
def contest_figure(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> Drawing | None:
    """CRPS saved by simple model, linear learner and network at all places; below, the network less the linear."""
    data = contest_frame(inputs)
    if data.empty:
        return None
    places = list(dict.fromkeys(data["place"]))
    tested = [one for one in declared if is_kind(one.better, Kind.NETWORK) and is_kind(one.against, Kind.LINEAR)]
    tested = [one for one in tested if not one.reason]
    compared = list(dict.fromkeys(one.places for one in tested))
    blocks = inputs.headline_blocks
    with style():
        kinds = [len(places), *([len(compared) + 0.6] if compared else [])]
        down, across = (len(blocks), 1) if on_phone() else (1, len(blocks))
        row, margin = (0.34, 0.8) if on_phone() else (0.42, 0.4)
        figure = new_figure(1.5 + down * (row * sum(kinds) + margin * len(kinds)))
        heights = [height for height in kinds for _ in range(down)]
        grid = figure.subplots(len(heights), across, squeeze=False, sharey="row", height_ratios=heights)
        grid = grid.reshape(len(kinds), len(blocks))
        for axes, block in zip(grid[0], blocks, strict=True):
            axes.set_title(words.capital(inputs.when(block)))
            _skill_panel(axes, data[data["block"] == block], places)
            axes.set_xlabel(fitted(f"CRPS saved against {style_of(inputs.reference).phrase} (%)"), fontsize=9.5)
            label_rows(axes, [_row_title(inputs, place) for place in places])
            axes.tick_params(axis="y", pad=EDGE)
        for axes, block in zip(grid[1] if compared else (), blocks, strict=False):
            _difference_panel(axes, [one for one in tested if one.block == block], compared)
            axes.set_title(words.capital(inputs.when(block)) if on_phone() else "")
            label_rows(axes, [_row_title(inputs, place) for place in compared])
        handles = [Line2D([], [], ls="", label=name, **mark) for name, mark in ROLES.values()]
        outer_legend(figure, handles, "upper left", 2, fontsize=10.5, handletextpad=0.3)
    caption = (
        f"CRPS saved against {style_of(inputs.reference).phrase}: to the right of 0, less error. Bars: the middle half "
        "of the places of a panel, with the mark at the median; the planet: all cells of the grid, by area. Below: the "
        "LSTM less the linear forecast with the same information, with the 90% interval of the declared comparisons; "
        "rings: not significant."
    )
    return Drawing("contest", figure, data, _contest_alt(inputs, data), caption)


def _row_title(inputs: ReportInputs, place: str) -> str:
    panel = inputs.params.panels.get(place)
    title = "All cells of the planet" if place == PLANET else panel.title if panel else inputs.title_of(place)
    return "\n".join(wrap(words.typeset(title), 24))


def _skill_panel(axes: Axes, data: pd.DataFrame, places: Sequence[str]) -> None:
    """Marks of one block of leads; those off the scale sit at its edge, with their values beside them."""
    axes.axvline(0, color=INK, lw=1.2, zorder=1)
    upright_grid(axes)
    axes.set_xlim(*SKILLS)
    saved = (
        data[["skill", "lower_quartile", "upper_quartile"]]
        .mul(100)
        .assign(y=data["place"].map(places.index), role=data["role"])
    )
    saved["y"] += saved["role"].map(SHIFTS).fillna(0.0).where(saved["lower_quartile"].notna(), 0.0)
    for role, (_, mark) in ROLES.items():
        own = saved[saved["role"] == role]
        if own.empty:  # a mark that is not clipped would stand at the figure's corner
            continue
        axes.hlines(
            own["y"], own["lower_quartile"], own["upper_quartile"], color=mark["color"], lw=2.4, alpha=0.5, zorder=2
        )
        axes.plot(own["skill"].clip(*SKILLS), own["y"], ls="", mew=1.6, zorder=3, clip_on=False, **mark)
    for edge, side, beyond in (
        (SKILLS[0] + 2, "left", saved[saved["skill"] < SKILLS[0]]),
        (SKILLS[1] - 2, "right", saved[saved["skill"] > SKILLS[1]]),
    ):
        for y, values in beyond.groupby("y")["skill"]:
            ends = dict.fromkeys(words.percent(value / 100, 0, True) for value in (values.min(), values.max()))
            look: dict[str, Any] = {"fontsize": 8.5, "color": SOFT, "bbox": {"fc": PAPER, "ec": "none", "pad": 0.6}}
            axes.text(edge, number_of(y) - ABOVE, " to ".join(ends), ha=side, va="center", **look)


def _difference_panel(axes: Axes, tested: Sequence[Hypothesis], compared: Sequence[str]) -> None:
    """LSTM less linear: difference of CRPS with its interval."""
    axes.axvline(0, color=INK, lw=1.2, zorder=1)
    upright_grid(axes)
    axes.set_xlim(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
    axes.set_xlabel("LSTM less linear (% of CRPS)", fontsize=9.5)
    colour = str(ROLES["network"][1]["color"])
    for one in tested:
        y = compared.index(one.places)
        axes.plot([100 * (one.low - 1), 100 * (one.high - 1)], [y, y], color=colour, lw=2.4, alpha=0.6, zorder=2)
        face = "white" if one.outcome == "same" else colour
        axes.plot(100 * (one.ratio - 1), y, "o", ms=8, mew=2.0, color=colour, mfc=face, zorder=3)


def _contest_alt(inputs: ReportInputs, data: pd.DataFrame) -> str:
    block = inputs.headline_blocks[0]
    parts = []
    for place, rows in data[(data["block"] == block) & (data["role"] != "hindsight")].groupby("place", sort=False):
        marks = zip(rows["model"], rows["skill"], strict=True)
        listing = ", ".join(f"{style_of(model).label} {words.percent(skill, 0, True)}" for model, skill in marks)
        parts.append(f"{_row_title(inputs, str(place))}: {listing}.".replace("\n", " "))
    return f"CRPS saved {inputs.when(block)}. {' '.join(parts)}"


@for_phones_too
def hypothesis_figure(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> Drawing | None:
    """The lead figure: the difference of CRPS of every declared hypothesis with its 90% interval; None without any."""
    tested = [one for one in declared if not one.reason]
    if not tested:
        return None
    columns = ["name", "better", "against", "block", "places", "ratio", "low", "high", "p", "outcome"]
    data = pd.DataFrame([{name: getattr(one, name) for name in columns} for one in tested])
    rows = [
        f"{style_of(one.better).label} against {style_of(one.against).label},\n{inputs.when(one.block)}, "
        f"{places_of(inputs, one)}"
        for one in tested
    ]
    reach = min(1.15 * float(max(abs(100 * (data[["low", "ratio", "high"]] - 1)).max())), LARGEST_DIFFERENCE)
    with style():
        figure, panels = panel_row(1.3 + (0.8 if on_phone() else 0.62) * len(tested), [""])
        axes = panels[0]
        axes.axvspan(-reach, 0, color="#F2F6F9", lw=0, zorder=0)
        axes.axvline(0, color=INK, lw=1.0, zorder=1)
        for y, one in enumerate(tested):
            colour = style_of(one.better).colour
            face = "white" if one.outcome == "same" else colour
            axes.plot([100 * (one.low - 1), 100 * (one.high - 1)], [y, y], color=colour, lw=2.4, alpha=0.6, zorder=2)
            axes.plot(100 * (one.ratio - 1), y, "o", ms=10, mew=2.2, mfc=face, mec=colour, zorder=3)
            if 100 * (one.high - 1) > reach:
                axes.plot(0.98 * reach, y, ">", ms=7, color=colour, zorder=3)
            if 100 * (one.low - 1) < -reach:
                axes.plot(-0.98 * reach, y, "<", ms=7, color=colour, zorder=3)
        axes.set_xlim(-reach, reach)
        axes.set_xlabel("Difference of CRPS (%)")
        label_rows(axes, rows)
        if on_phone():
            axes.set_yticks([])
            axes.set_ylim(len(rows) - 0.6, -0.8)
            for y, row in enumerate(rows):
                beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": 9, "color": INK}
                box = {"fc": PAPER, "ec": "none", "alpha": 0.8, "pad": 0.6}
                axes.text(0.01, y - 0.38, row, va="center", bbox=box, **beside)
    listing = " ".join(
        f"{style_of(one.better).label} against {style_of(one.against).label}, {inputs.when(one.block)}: "
        f"{words.percent(one.ratio - 1, 1, True)}."
        for one in tested
    )
    caption = (
        "The declared hypotheses: difference of CRPS between two forecasters, with its 90% interval; left of 0 the "
        "first is better. Full dots: a "
        "difference beyond chance after Holm's correction for all of them; rings: none shown. Arrows: off scale."
    )
    return Drawing("hypotheses", figure, data, f"Differences of CRPS with intervals. {listing}", caption)
