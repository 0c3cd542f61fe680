"""The declared hypotheses."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from climate.report import words
from climate.report.figures.base import INK, Drawing, label_rows, panel_row, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import Hypothesis
from climate.report.palette import style_of
from climate.report.text import places_of

LARGEST_DIFFERENCE = 20.0
"""Per cent; intervals of long leads reach further and would hide all others."""


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
        figure, panels = panel_row(1.3 + 0.62 * len(tested), [""])
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
