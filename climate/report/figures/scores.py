"""Scores by bands of leads, and reliability of the stated probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from climate.report import words
from climate.report.figures.base import (
    FAINT,
    INK,
    SOFT,
    Drawing,
    for_phones_too,
    label_rows,
    number_of,
    outer_labels,
    outer_legend,
    panel_grid,
    panel_row,
    shared_legend,
    style,
)
from climate.report.figures.contest import ROLES
from climate.report.inputs import ReportInputs
from climate.report.lead_bands import BANDS, ENDS, band_frame
from climate.report.palette import style_of
from climate.report.text import TOLERANCE

SKILL_FLOOR, SKILL_ROOM = -60.0, 5.0
"""Lowest end of an interval that an axis of skill reaches to, and the room beyond it (per cent)."""
NOMINAL = 0.9
"""Probability of the interval between the outer quantiles."""
SHIFTS = {"opponent": -0.27, "hindsight": -0.27, "linear": 0.0, "network": 0.27}
"""Of the marks of a band, in bands; the best in hindsight surrounds the opponent where it is the same."""
MARK = 0.5
"""Size of marks as a share of those of the first figure."""
BARS = (
    "Bars: 90% intervals; those that reach the edge of a panel go beyond it. Simple model: chosen beforehand on "
    "earlier origins. Hollow: the simple model with the lowest error at these very leads, chosen in hindsight, which "
    "overstates its skill."
)


def lead_table(inputs: ReportInputs, region: str) -> pd.DataFrame:
    """CRPS, skill and coverage by model and lead."""
    scores = inputs.scores.sel(region=region, model=inputs.models)
    crps = scores["crps_by_lead"]
    skill = 1 - crps / crps.sel(model=inputs.reference, drop=True)
    table = xr.Dataset({"crps": crps, "skill": skill, "coverage90": scores["coverage_by_lead"]})
    frame = table.to_dataframe(dim_order=["model", "lead"]).reset_index()
    return frame[["region", "model", "lead", "crps", "skill", "coverage90"]]


def skill_limits(data: pd.DataFrame) -> tuple[float, float]:
    """Ends of an axis of skill (per cent) that holds all marks and intervals down to SKILL_FLOOR."""
    known = 100 * data[[f"skill{end}" for end in ENDS]].to_numpy(dtype=float)
    inside = np.clip(known[np.isfinite(known)], SKILL_FLOOR, None)
    return min([0.0, *inside]) - SKILL_ROOM, max([0.0, *inside]) + SKILL_ROOM


def _bands(axes: Axes, frame: pd.DataFrame, score: str, factor: float = 1.0) -> None:
    """Marks of each role by band of leads, side by side, with their 90% intervals; those off the scale at its edge."""
    bands = list(dict.fromkeys(frame["leads"]))
    bottom, top = axes.get_ylim()
    for role, own in frame.groupby("role", sort=False):
        mark = ROLES[str(role)][1]
        x = own["leads"].map(bands.index) + SHIFTS[str(role)]
        middle, low, high = (factor * own[f"{score}{end}"] for end in ENDS)
        axes.vlines(x, low.clip(lower=bottom), high.clip(upper=top), color=mark["color"], lw=1.6, alpha=0.6, zorder=3)
        size = mark["ms"] * MARK
        axes.plot(x, middle.clip(bottom, top), ls="", zorder=4, clip_on=False, mew=1.1, **{**mark, "ms": size})
    axes.set_xticks(range(len(bands)), [band.replace("-", words.EN_DASH) for band in bands], fontsize=9)
    axes.set_xlim(-0.6, len(bands) - 0.4)
    for edge in range(1, len(bands)):
        axes.axvline(edge - 0.5, color=FAINT, lw=0.6, zorder=0)


def _roles_legend(figure: Figure, frame: pd.DataFrame, side: str, columns: int) -> None:
    """The marks of the roles of a figure outside its panels."""
    marks = [
        Line2D([], [], ls="", label=ROLES[role][0], **{**ROLES[role][1], "ms": 1.6 * MARK * ROLES[role][1]["ms"]})
        for role in ROLES
        if role in set(frame["role"])
    ]
    outer_legend(figure, marks, side, columns, handletextpad=0.3)


@for_phones_too
def leads_figure(inputs: ReportInputs, region: str) -> Drawing:
    """CRPS by band of leads, and skill against the reference, with 90% intervals."""
    data, unit, title = band_frame(inputs, region), inputs.unit(region), inputs.title_of(region)
    with style():
        titles = ["Error (CRPS): lower is better", "Skill: higher is better"]
        figure, (left, right) = panel_row(4.2, titles, sharey=False)
        left.set_ylim(0, 1.08 * float(np.nanmax(data[["crps", "crps_high"]])))
        _bands(left, data, "crps")
        left.set_ylabel(f"CRPS ({unit})")
        right.axhline(0, color=INK, lw=1.2, zorder=1)
        right.set_ylim(*skill_limits(data))
        _bands(right, data, "skill", 100.0)
        right.set_ylabel(f"CRPS saved against {style_of(inputs.reference).phrase} (%)", fontsize=9.5)
        for axes in (left, right):
            axes.set_xlabel("Lead (months ahead)")
        _roles_legend(figure, data, "lower", 2)
    bands = list(dict.fromkeys(data["leads"]))
    alt = f"Skill for {title} against {style_of(inputs.reference).phrase} by lead. " + " ".join(
        f"{words.capital(words.ahead(*BANDS[band]))}: "
        + ", ".join(
            f"{style_of(str(row.model)).label} {_with_interval(row)}"
            for row in data[(data["leads"] == band) & (data["role"] != "hindsight")].itertuples()
        )
        + "."
        for band in dict.fromkeys((bands[0], bands[-1]))
    )
    caption = f"{title}: error (CRPS) and skill against {style_of(inputs.reference).phrase} by lead. {BARS}"
    return Drawing(f"{region}-scores", figure, data, alt, caption)


def reliability(table: xr.Dataset, models: list[str]) -> pd.DataFrame:
    """Share of verified months below each quantile, which should equal the quantile's level."""
    observed, forecast = table["observed"], table["forecast"].sel(model=models)
    valid = observed.notnull() & forecast.notnull().all("quantile")
    below = (observed <= forecast).where(valid).mean(["origin", "lead"]).rename("share_below", quantile="level")
    return below.to_dataframe(dim_order=["model", "level"]).reset_index()[["model", "level", "share_below"]]


@for_phones_too
def calibration_figure(inputs: ReportInputs, region: str) -> Drawing:
    """Reliability of the quantiles, and coverage of the 90% interval by band of leads."""
    bands = band_frame(inputs, region)
    bands = bands[bands["role"] != "hindsight"]
    roles = bands.drop_duplicates(["model", "role"]).set_index("model")["role"]
    reliable = reliability(inputs.forecasts[region], [str(model) for model in roles.index])
    with style():
        titles = ["Quantiles: right on the diagonal", "Coverage: right at 90%"]
        figure, (left, right) = panel_row(4.2, titles, sharey=False)
        left.plot([0, 100], [0, 100], color=SOFT, lw=1.0, ls=(0, (3, 2)))
        for model, role in roles.items():
            rows, look = reliable[reliable["model"] == model], ROLES[role][1]
            dash = "-" if roles[roles == role].index[0] == model else "--"
            label = style_of(str(model)).label
            left.plot(100 * rows["level"], 100 * rows["share_below"], color=look["color"], ls=dash, label=label)
        left.set(xlim=(0, 100), ylim=(0, 100), xlabel="Stated probability (%)", ylabel="Months below (%)")
        left.legend(loc="upper left", fontsize=9)
        right.axhspan(100 * TOLERANCE[0], 100 * TOLERANCE[1], color="#E3EEE6", lw=0, zorder=0)
        right.axhline(100 * NOMINAL, color=SOFT, lw=1.0, ls=(0, (3, 2)))
        right.set_ylim(max(0.0, 100 * float(np.nanmin(bands["coverage90"])) - 12), 100)
        _bands(right, bands, "coverage90", 100.0)
        right.set(xlabel="Lead (months ahead)", ylabel="Inside the 90% interval (%)")
        _roles_legend(figure, bands, "lower", 2)
    title, columns = inputs.title_of(region), [f"coverage90{end}" for end in ENDS]
    data = pd.concat(
        [reliable.assign(panel="reliability"), bands[["role", "model", "leads", *columns]].assign(panel="coverage")],
        ignore_index=True,
    )[["panel", "model", "level", "share_below", "role", "leads", *columns]]
    ends = [str(bands["leads"].iloc[position]) for position in (0, -1)]
    text = "; ".join(
        f"{words.ahead(*BANDS[band])} "
        + words.joined(
            [
                f"{words.percent(number_of(row.coverage90))} with {style_of(str(row.model)).phrase}"
                for row in bands[bands["leads"] == band].itertuples()
            ]
        )
        for band in dict.fromkeys(ends)
    )
    alt = f"Calibration for {title}. Share of the months inside the 90% interval: {text}."
    caption = (
        f"{title}: reliability of the stated probabilities. Share of the months inside the 90% interval: {text}. Bars: "
        "90% intervals of these shares; those that reach the edge of the panel go beyond it."
    )
    return Drawing(f"{region}-calibration", figure, data, alt, caption)


@for_phones_too
def all_leads_figure(inputs: ReportInputs) -> Drawing:
    """Small multiples: skill by band of leads, with 90% intervals, one panel per region on a common scale."""
    data = pd.concat([band_frame(inputs, region) for region in inputs.regions], ignore_index=True)
    with style():
        titles = [inputs.title_of(region) for region in inputs.regions]
        figure, panels = panel_grid(titles, 1.2, 2.2, sharex=True, sharey=True)
        panels[0].set_ylim(*skill_limits(data))
        for axes, region in zip(panels, inputs.regions, strict=True):
            axes.axhline(0, color=INK, lw=1.2, zorder=1)
            _bands(axes, data[data["region"] == region], "skill", 100.0)
            axes.tick_params(axis="x", labelsize=8, labelrotation=45)
        reference = style_of(inputs.reference).phrase
        outer_labels(figure, "Lead (months ahead)", f"CRPS saved against {reference} (%)")
        _roles_legend(figure, data, "upper", 2)
    ends = [str(data["leads"].iloc[position]) for position in (0, -1)]
    alt = f"CRPS saved against {reference} by lead in {words.count(len(inputs.regions), 'place')}. " + " ".join(
        f"{words.capital(words.ahead(*BANDS[band]))}: " + "; ".join(_skills(inputs, data[data["leads"] == band])) + "."
        for band in dict.fromkeys(ends)
    )
    caption = f"CRPS saved against {reference} (0: as good), by lead, on one scale. {BARS}"
    return Drawing("skill-by-lead", figure, data.drop(columns=_COVERAGE), alt, caption)


_COVERAGE = [f"coverage90{end}" for end in ENDS]


def _skills(inputs: ReportInputs, rows: pd.DataFrame) -> list[str]:
    """'The globe LSTM +3% (-2% to +8%), ...' for each place."""
    return [
        f"{inputs.title_of(str(region))} "
        + ", ".join(
            f"{style_of(str(row.model)).label} {_with_interval(row)}"
            for row in own[own["role"] != "hindsight"].itertuples()
        )
        for region, own in rows.groupby("region", sort=False)
    ]


def _with_interval(row: Any) -> str:
    """'+3% (-2% to +8%)'; without an interval where none is known."""
    middle, *ends = (number_of(getattr(row, f"skill{end}")) for end in ENDS)
    bounds = f" ({' to '.join(words.percent(end, 0, True) for end in ends)})" if np.isfinite(ends).all() else ""
    return f"{words.percent(middle, 0, True)}{bounds}"


@for_phones_too
def coverage_figure(inputs: ReportInputs) -> Drawing:
    """Coverage of the 90% interval in every region, near and far leads, LSTM and opponent."""
    blocks = inputs.headline_blocks
    rows = []
    for region in inputs.regions:
        for block in blocks:
            for role, model in (("LSTM", inputs.primary), ("opponent", inputs.opponent(region, block))):
                if model is not None:
                    value = float(inputs.scores["coverage90"].sel(region=region, block=block, model=model))
                    rows.append({"region": region, "block": block, "role": role, "model": model, "coverage90": value})
    data = pd.DataFrame(rows)
    with style():
        titles = [words.capital(inputs.when(block)) for block in blocks]
        figure, panels = panel_row(1.5 + 0.34 * len(inputs.regions), titles, sharex=True)
        for axes, block in zip(panels, blocks, strict=True):
            axes.axvspan(100 * TOLERANCE[0], 100 * TOLERANCE[1], color="#E3EEE6", lw=0, zorder=0)
            axes.axvline(100 * NOMINAL, color=SOFT, lw=1.0, ls=(0, (3, 2)))
            for y, region in enumerate(inputs.regions):
                part = data[(data["region"] == region) & (data["block"] == block)].set_index("role")
                axes.plot(100 * part["coverage90"], [y] * len(part), color="#BBBBBB", lw=1.5, zorder=2)
                for role, mark in (("LSTM", "o"), ("opponent", "s")):
                    if role in part.index:
                        colour = style_of(str(part.loc[role, "model"])).colour if role == "LSTM" else "#0072B2"
                        face = colour if role == "LSTM" else "white"
                        label = words.capital(role) if y == 0 else None
                        covered = 100 * number_of(part.loc[role, "coverage90"])
                        axes.plot(covered, y, mark, ls="", zorder=4, label=label, mfc=face, mec=colour, ms=8, mew=1.8)
            axes.set_xlabel("Inside the 90% interval (%)")
            label_rows(axes, [inputs.title_of(region) for region in inputs.regions])
        panels[0].set_xlim(min(78.0, 100 * float(data["coverage90"].min()) - 2), 100.5)
        shared_legend(figure, panels[0], "lower", 2)
    alt = "Coverage of the 90% interval. " + " ".join(
        f"{inputs.title_of(str(row.region))}, {inputs.when(str(row.block))}, "
        f"{row.role}: {words.percent(number_of(row.coverage90))}."
        for row in data.itertuples()
    )
    caption = (
        "Share of the verified months inside the 90% interval. On the dashed line the interval is right; in the tinted "
        f"band ({words.percent(TOLERANCE[0])} to {words.percent(TOLERANCE[1])}) it is within our tolerance; left of "
        "it, too narrow."
    )
    return Drawing("coverage", figure, data, alt, caption)
