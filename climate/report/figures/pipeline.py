"""The pipeline as a picture: boxes for steps, arrows for files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from climate.report import words
from climate.report.figures.base import INK, SOFT, WIDTH, Drawing, new_figure, style
from climate.report.pipeline import Step, layers

HEIGHT = 0.46
"""Inches of a box."""
GAP = 0.42
"""Inches between layers."""
WIDEST = 1.6
"""Inches of a box in a layer with room."""
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
    width = min(WIDEST, WIDTH / widest - 0.1)
    with style():
        figure = new_figure(HEIGHT * len(rows) + GAP * (len(rows) - 1) + 0.2)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(figure.get_figheight(), 0)
        axes.axis("off")
        top = 0.1
        above: dict[str, tuple[float, float]] = {}
        for row in rows:
            here = {}
            for slot, x in zip(row, _centres(row), strict=True):
                for name in slot.after:
                    _line(axes, above[name], (x, top), arrow=slot.step is not None)
                if slot.step:
                    _box(axes, slot.step, x, top, width)
                else:
                    _line(axes, (x, top), (x, top + HEIGHT), arrow=False)
                here[slot.name] = (x, top + HEIGHT)
            top, above = top + HEIGHT + GAP, here
    data = pd.DataFrame(
        [(name, step.name, step.count) for step in found for name in step.after],
        columns=["from_step", "to_step", "runs"],
    )
    said = f"The pipeline has {words.count(len(found), 'step')}. "
    said += " ".join(f"{step.name} follows {words.joined(list(step.after))}." for step in found if step.after)
    each = [f"{step.name} ({step.count})" for step in found if step.each]
    caption = (
        "The pipeline, drawn from dvc.yaml; an arrow means that files of one step are read by the next. Blue boxes "
        f"run once for each source, region or set: {words.joined(each)}. What each step does stands in the table below."
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


def _box(axes: Axes, step: Step, x: float, top: float, width: float) -> None:
    corner = (x - width / 2, top)
    fill = EACH if step.each else ONCE
    axes.add_patch(
        FancyBboxPatch(corner, width, HEIGHT, boxstyle="round,pad=0,rounding_size=0.06", fc=fill, ec="#8A8A8A", lw=0.8)
    )
    middle = top + HEIGHT / 2
    placed: dict[str, Any] = {"ha": "center", "va": "center"}
    axes.text(x, middle - (0.09 if step.each else 0), step.name, fontsize=10, fontweight="bold", color=INK, **placed)
    if step.each:
        axes.text(x, middle + 0.11, f"each {step.each}", fontsize=8.5, color=SOFT, **placed)


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, arrow: bool) -> None:
    shape = "-|>" if arrow else "-"
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle=shape, mutation_scale=9, color="#6A6A6A", lw=0.9, shrinkA=0, shrinkB=0)
    )
