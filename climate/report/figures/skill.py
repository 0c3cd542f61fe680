"""Skill of every model in every region."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import Normalize

from climate.forecasters.base import FloatArray
from climate.report import words
from climate.report.figures.base import INK, Drawing, for_phones_too, new_figure, on_phone, style
from climate.report.inputs import ReportInputs
from climate.report.palette import DIFFERENCE, style_of

SKILL_LIMIT = 0.6
"""Skill at which the colours of the heat map end."""


def readable(background: Sequence[float]) -> str:
    """Ink or white, whichever has the higher contrast on a colour (WCAG 2.2, relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in background[:3]]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if (luminance + 0.05) ** 2 > 1.05 * 0.06 else "white"


def ties(skill: FloatArray) -> npt.NDArray[np.bool_]:
    """The best of a row, and those that are printed with the same whole per cent."""
    shown = np.round(100 * skill)
    return np.asarray(shown == np.nanmax(shown, initial=-np.inf))


@for_phones_too
def skill_figure(inputs: ReportInputs, block: str) -> Drawing:
    """Heat map of CRPS skill against the reference, regions by models; the best of each row and its ties are framed."""
    models = [model for model in inputs.models if model != inputs.reference]
    skill = inputs.scores["skill"].sel(block=block, region=inputs.regions, model=models)
    grid = skill.transpose("region", "model").values.astype(float)
    data = skill.to_dataframe(dim_order=["region", "model"]).reset_index()
    data = data[["region", "block", "model", "skill"]]
    with style():
        labels = [inputs.title_of(region) for region in inputs.regions], [style_of(model).label for model in models]
        # a phone has room for more rows, not for more columns
        down, across = labels[::-1] if on_phone() else labels
        figure = new_figure(1.75 + (0.3 if on_phone() else 0.36) * len(down))
        axes = figure.subplots()
        axes.grid(False)
        colours = mpl.colormaps[DIFFERENCE].with_extremes(bad="#EEEEEE")
        shade = Normalize(-SKILL_LIMIT, SKILL_LIMIT)
        axes.imshow(grid.T if on_phone() else grid, cmap=colours, norm=shade, aspect="auto")
        for i in range(len(inputs.regions)):
            best = ties(grid[i])
            for j in range(len(models)):
                x, y = (i, j) if on_phone() else (j, i)
                axes.text(
                    x,
                    y,
                    words.number(100 * grid[i, j], 0),
                    ha="center",
                    va="center",
                    fontsize=9.5,
                    color=readable(colours(shade(grid[i, j]))),
                    fontweight="bold" if best[j] else "normal",
                )
                if best[j]:
                    frame = readable(colours(shade(grid[i, j])))
                    axes.add_patch(
                        mpl.patches.Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, ec=frame, lw=1.8)
                    )
        axes.set_yticks(range(len(down)), down, color=INK)
        axes.set_xticks(
            range(len(across)),
            across,
            color=INK,
            rotation=60 if on_phone() else 28,
            ha="left",
            rotation_mode="anchor",
            fontsize=9.5,
        )
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    when = inputs.when(block)
    best_of = [models[int(np.nanargmax(row))] if np.isfinite(row).any() else "" for row in grid]
    reference = style_of(inputs.reference).phrase
    alt = f"Table coloured by CRPS skill in per cent against {reference}, {when}: " + " ".join(
        f"{inputs.title_of(region)} is led by {style_of(model).label} with {words.percent(np.nanmax(row))}."
        for region, model, row in zip(inputs.regions, best_of, grid, strict=True)
        if model
    )
    caption = (
        f"CRPS skill against {reference}, {when}, in per cent: 100 is a perfect forecast, 0 no better than the "
        "reference, below 0 worse. The best of each row, and its ties, are framed."
    )
    return Drawing(f"skill-{block}", figure, data, alt, caption, "colour")
