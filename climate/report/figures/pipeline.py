"""The pipeline as a picture: boxes for steps, arrows for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from climate.report import words
from climate.report.figures.base import INK, SOFT, WIDTH, Drawing, new_figure, style
from climate.report.pipeline import Step, layers

LINE = 0.17
"""Inches from line to line of a box's text."""
GAP = 0.42
"""Inches between layers."""
LETTER = 0.074
"""Inches that a letter of the small type takes."""
PASSING = 0.35
"""Width of an arrow that passes a layer, as a share of a step's."""
EACH, ONCE = "#E3EDF5", "#F4F4EF"
"""Fill of a step that runs for each source or region, and of one that runs once."""


@dataclass(frozen=True)
class Slot:
    """A place in a layer: of a step, or of an arrow that passes by."""

    name: str
    step: Step | None
    after: tuple[str, ...]
    """Slots of the layer above that lead to it."""


def pipeline_figure(found: Sequence[Step]) -> Drawing:
    """Steps from top to bottom in the order of their data."""
    rows = _untangled(slots(found))
    widest = max(sum(1.0 if slot.step else PASSING for slot in row) for row in rows)
    width = min(2.5, WIDTH / widest - 0.2)
    texts = {step.name: wrap(step.about, int((width - 0.16) / LETTER)) for step in found}
    heights = [0.42 + LINE * max(len(texts[slot.name]) for slot in row if slot.step) for row in rows]
    with style():
        figure = new_figure(sum(heights) + GAP * (len(rows) - 1) + 0.2)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(figure.get_figheight(), 0)
        axes.axis("off")
        top = 0.1
        above: dict[str, tuple[float, float]] = {}
        for row, height in zip(rows, heights, strict=True):
            here = {}
            for slot, x in zip(row, _centres(row), strict=True):
                for name in slot.after:
                    _line(axes, above[name], (x, top), arrow=slot.step is not None)
                if slot.step:
                    _box(axes, slot.step, texts[slot.name], x, top, width, height)
                else:
                    _line(axes, (x, top), (x, top + height), arrow=False)
                here[slot.name] = (x, top + height)
            top, above = top + height + GAP, here
    data = pd.DataFrame(
        [(name, step.name, step.count) for step in found for name in step.after],
        columns=["from_step", "to_step", "runs"],
    )
    said = f"The pipeline has {words.count(len(found), 'step')}. "
    said += " ".join(f"{step.name} follows {words.joined(list(step.after))}." for step in found if step.after)
    each = [f"{step.name} ({step.count})" for step in found if step.each]
    caption = (
        "The pipeline, drawn from dvc.yaml; an arrow means that files of one step are read by the next. Blue boxes "
        f"run once for each source or region: {words.joined(each)}."
    )
    return Drawing("pipeline", figure, data, said, caption)


def slots(found: Sequence[Step]) -> list[list[Slot]]:
    """The layers, with a slot in each layer that an arrow passes on its way."""
    rows = layers(found)
    depth = {step.name: level for level, row in enumerate(rows) for step in row}
    made: list[list[Slot]] = [[] for _ in rows]
    for level, row in enumerate(rows):
        for step in row:
            before = []
            for name in step.after:
                last = name
                for between in range(depth[name] + 1, level):
                    passing = f"{name} to {step.name} at {between}"
                    made[between].append(Slot(passing, None, (last,)))
                    last = passing
                before.append(last)
            made[level].append(Slot(step.name, step, tuple(before)))
    return made


def _untangled(rows: Sequence[Sequence[Slot]]) -> list[list[Slot]]:
    """The slots of each layer in the order of those above that lead to them."""
    where: dict[str, float] = {}
    ordered = []
    for row in rows:
        best = sorted(row, key=lambda slot: _mean([where[name] for name in slot.after]))
        where |= {slot.name: x for slot, x in zip(best, _centres(best), strict=True)}
        ordered.append(best)
    return ordered


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else WIDTH


def _centres(row: Sequence[Slot]) -> list[float]:
    """Where the slots of a layer stand, in inches from the left."""
    shares = np.array([1.0 if slot.step else PASSING for slot in row])
    ends = np.cumsum(shares)
    return [float(x) for x in WIDTH * (ends - shares / 2) / ends[-1]]


def _box(axes: Axes, step: Step, lines: Sequence[str], x: float, top: float, width: float, height: float) -> None:
    corner = (x - width / 2, top)
    fill = EACH if step.each else ONCE
    axes.add_patch(
        FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=0.06", fc=fill, ec="#8A8A8A", lw=0.8)
    )
    name = f"{step.name}@{step.each}" if step.each else step.name
    axes.text(
        x, top + 0.1, name, ha="center", va="top", fontsize=10.5 if len(name) < 15 else 9, fontweight="bold", color=INK
    )
    axes.text(x, top + 0.33, "\n".join(lines), ha="center", va="top", fontsize=8.5, color=SOFT, linespacing=1.25)


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, arrow: bool) -> None:
    shape = "-|>" if arrow else "-"
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle=shape, mutation_scale=9, color="#6A6A6A", lw=0.9, shrinkA=0, shrinkB=0)
    )
