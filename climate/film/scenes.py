"""The scenes of the film, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import fill, shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from climate.film.contest import contest
from climate.film.screen import ACCENT, CAPTION_HEIGHT, Frame, Screen, quiet
from climate.film.story import Scene, Story
from climate.report import words
from climate.report.figures.base import FAINT, INK, SOFT
from climate.report.numbers import decimal_year, running_mean
from climate.report.palette import OBSERVED, PERIOD_TINTS, style_of

Painter = Callable[[Story, Scene, Screen, np.ndarray], Iterator[Frame]]
"""Yields one frame for each share of the film in the array; the scene's own share runs from 0 to 1."""

PERIODS_LISTED = 6
"""Collection periods that are named in the picture."""

SOURCES_NAMED = 4

OUTCOME = {"better": "#00664b", "worse": "#a3400a", "same": SOFT}


def _shares(progress: np.ndarray) -> np.ndarray:
    return np.linspace(0, 1, progress.size) if progress.size > 1 else np.ones(1)


def title(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """The question over a faint picture of the record."""
    screen.clear("")
    axes = screen.figure.add_axes((0, CAPTION_HEIGHT, 1, 0.42))
    axes.set_axis_off()
    x = decimal_year(story.months)
    axes.fill_between(x, story.values, story.values.min(), color="#F1E3D3", lw=0)
    axes.plot(x, story.values, color=ACCENT, lw=1.5, alpha=0.55)
    axes.set_xlim(x[0], x[-1])
    screen.figure.text(
        0.5,
        0.80,
        _balanced(story.inputs.title, 30),
        fontsize=36,
        fontweight="bold",
        color=INK,
        ha="center",
        va="center",
    )
    table = story.table
    facts = (
        f"{words.typeset(story.title)}  ·  {words.count(len(story.inputs.models), 'model')}  ·  "
        f"forecasts from {words.count(table.sizes['origin'] - 1, 'origin')}"
    )
    screen.figure.text(0.5, 0.655, facts, fontsize=19, color=SOFT, ha="center", va="center")
    screen.say(scene.caption(0))
    frame = screen.shot(float(progress[0]))
    for share in progress:
        yield frame if share == progress[0] else screen.shot(float(share))


def _balanced(sentence: str, letters: int) -> str:
    """Lines of at most `letters`, about equally long."""
    lines = -(-len(sentence) // letters)
    return fill(sentence, len(sentence) // lines + 4)


def _record_axes(story: Story, screen: Screen) -> Axes:
    """Empty axes on which the whole record has room."""
    axes = screen.figure.add_axes((0.072, CAPTION_HEIGHT + 0.075, 0.896, 0.65))
    quiet(axes)
    axes.grid(axis="y", color=FAINT, lw=1)
    axes.set_axisbelow(True)
    x = decimal_year(story.months)
    low, high = story.values.min(), story.values.max()
    axes.set_xlim(x[0], x[-1] + 0.02 * (x[-1] - x[0]))
    axes.set_ylim(low - 0.06 * (high - low), high + 0.1 * (high - low))
    axes.set_title(
        f"{words.typeset(story.title)}, {story.unit}", loc="left", fontsize=15, fontweight="normal", color=SOFT, pad=10
    )
    return axes


def record(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """The record, month after month."""
    screen.clear(scene.heading)
    axes = _record_axes(story, screen)
    x, smooth = decimal_year(story.months), running_mean(story.values)
    (thin,) = axes.plot([], [], color="#9A9A9A", lw=1.2, animated=True)
    (thick,) = axes.plot([], [], color=OBSERVED, lw=3, animated=True)
    (tip,) = axes.plot([], [], "o", color=ACCENT, ms=11, animated=True)
    tag = axes.text(0, 0, "", fontsize=19, fontweight="bold", color=ACCENT, ha="right", animated=True)
    length, height = x[-1] - x[0], story.values.max() - story.values.min()
    screen.settle()
    for whole, share in zip(progress, _shares(progress), strict=True):
        screen.say(scene.caption(float(share)))
        # the second caption finds the record complete
        last = max(1, min(x.size, round(x.size * share / 0.62)))
        thin.set_data(x[:last], story.values[:last])
        thick.set_data(x[:last], smooth[:last])
        tip.set_data([x[last - 1]], [story.values[last - 1]])
        tag.set_text(f"{words.number(float(story.values[last - 1]), 1)} {story.unit}")
        place = max(x[last - 1] - 0.012 * length, x[0] + 0.12 * length)
        tag.set_position((place, story.values[last - 1] + 0.045 * height))
        screen.clock.set_text(words.month(story.months[last - 1]))
        yield screen.shot(float(whole), (thin, thick, tip, tag))


def seams(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """Collection periods one after the other, then the overlap of the records that were joined."""
    screen.clear(scene.heading)
    axes = _record_axes(story, screen)
    x = decimal_year(story.months)
    axes.plot(x, story.values, color=OBSERVED, lw=1.2, zorder=4)
    found, drawn, opened = story.periods, 0, -1
    parts = max(1, len(scene.cues))
    screen.settle()
    for whole, share in zip(progress, _shares(progress), strict=True):
        screen.say(scene.caption(float(share)))
        due = min(len(found), 1 + int(len(found) * share * parts / 0.75))
        if due > drawn:
            for place in range(drawn, due):
                _period(axes, story, place)
            drawn = due
            screen.settle()
        seam = min(int(share * parts + 1e-9), parts - 1) - 1
        if seam > opened and seam < len(story.seams):
            _overlap(story, screen, seam)
            opened = seam
            screen.settle()
        yield screen.shot(float(whole))


def _period(axes: Axes, story: Story, place: int) -> None:
    """One collection period: a tint, a line where it begins, and its name in a list."""
    one = story.periods[place]
    kinds = list(dict.fromkeys((period.name, period.site) for period in story.periods))
    tint = PERIOD_TINTS[kinds.index((one.name, one.site)) % len(PERIOD_TINTS)]
    start, end = decimal_year(np.array([one.first, one.last]))
    axes.axvspan(start - 1 / 24, end + 1 / 24, color=tint, lw=0, zorder=0)
    if place:
        axes.axvline(start - 1 / 24, color=INK, lw=1.6, ls=(0, (3, 2)), zorder=3)
    if place >= PERIODS_LISTED:
        return
    y = 0.93 - 0.083 * place
    back = Rectangle(
        (0.006, y - 0.0415), 0.53, 0.083, transform=axes.transAxes, color="white", alpha=0.9, lw=0, zorder=5
    )
    axes.add_artist(back)
    box = Rectangle(
        (0.016, y - 0.024), 0.022, 0.048, transform=axes.transAxes, facecolor=tint, edgecolor=SOFT, lw=1, zorder=6
    )
    axes.add_artist(box)
    when = f"{words.iso_month(one.first)} to {words.iso_month(one.last)}"
    where = "" if not one.site or one.site in one.name else f", {one.site}"
    name = shorten(words.typeset(f"{one.name}{where}"), 34, placeholder="…")
    axes.text(0.05, y, f"{when}   {name}", transform=axes.transAxes, fontsize=15, color=INK, va="center", zorder=6)


def _overlap(story: Story, screen: Screen, place: int) -> None:
    """The difference of two records while both ran, and the offset that joins them."""
    seam = story.seams[place]
    frame = Rectangle(
        (0.508, CAPTION_HEIGHT + 0.085),
        0.458,
        0.335,
        transform=screen.figure.transFigure,
        facecolor="white",
        edgecolor="#B8B8B8",
        lw=1.2,
        zorder=5,
    )
    screen.figure.add_artist(frame)
    axes = screen.figure.add_axes((0.572, CAPTION_HEIGHT + 0.135, 0.378, 0.205), zorder=6)
    quiet(axes)
    axes.set_facecolor("white")
    axes.tick_params(labelsize=12.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(axis="y", color=FAINT, lw=1)
    x = decimal_year(seam.when)
    axes.axhspan(seam.offset - 2 * seam.offset_se, seam.offset + 2 * seam.offset_se, color="#F1E3D3", lw=0)
    axes.axhline(seam.offset, color=ACCENT, lw=2.2)
    axes.plot(x, seam.difference, "o", color=style_of("trend-ar1").colour, ms=4.5)
    older, newer = (shorten(words.typeset(name), 42, placeholder="…") for name in (seam.older, seam.newer))
    axes.set_title(
        f"{newer}\nminus {older} ({story.unit})",
        loc="left",
        fontsize=12.5,
        fontweight="normal",
        color=INK,
        pad=8,
        linespacing=1.25,
    )


def verdict(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """How much better or worse, how sure, range of leads after range of leads."""
    screen.clear(scene.heading)
    found, drawn = story.contests, 0
    axes = screen.figure.add_axes((0.575, CAPTION_HEIGHT + 0.115, 0.39, 0.585))
    quiet(axes)
    spans = [_interval(story, place) for place in range(len(found))]
    edges = [edge for span in spans for edge in span if np.isfinite(edge)] + [0.9, 1.1]
    room = 0.08 * (max(edges) - min(edges))
    axes.set_xlim(min(edges) - room, max(edges) + room)
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_yticks([])
    axes.axvline(1, color=INK, lw=2)
    axes.axvspan(min(edges) - room, 1, color="#F0F4F7", lw=0, zorder=0)
    axes.set_xlabel("CRPS of the LSTM ÷ CRPS of the best simple model", fontsize=13.5, color=SOFT, labelpad=8)
    for side, where, label in ((0.0, "left", "← LSTM better"), (1.0, "right", "simple better →")):
        axes.text(side, 1.02, label, transform=axes.transAxes, ha=where, fontsize=14, color=SOFT)
    screen.settle()
    for whole, share in zip(progress, _shares(progress), strict=True):
        screen.say(scene.caption(float(share)))
        due = min(len(found), 1 + int(len(found) * share / 0.5))
        if due > drawn:
            for place in range(drawn, due):
                _outcome(axes, story, screen, place, spans[place])
            drawn = due
            screen.settle()
        yield screen.shot(float(whole))


def _interval(story: Story, place: int) -> tuple[float, float, float]:
    """Ratio of the LSTM's error to that of the best simple model, with its 90% interval."""
    one = story.contests[place]
    row = story.inputs.scores.sel(region=one.region, model=one.model, block=one.block)
    low, high = (float(row[f"crps_ratio_best_{end}"]) for end in ("low", "high"))
    return low, one.ratio, high


def _outcome(axes: Axes, story: Story, screen: Screen, place: int, span: tuple[float, float, float]) -> None:
    one = story.contests[place]
    low, ratio, high = span
    colour = style_of(one.model).colour
    axes.plot([low, high], [place, place], color=colour, lw=6, alpha=0.35, solid_capstyle="round")
    sure = one.outcome != "same"
    axes.plot(ratio, place, "o", ms=19, mfc=colour if sure else "white", mec=colour, mew=4, zorder=5)
    best, top = axes.transData.transform((1, place)), screen.figure.transFigure.inverted()
    y = float(top.transform(best)[1])
    gain = abs(one.gain)
    size = f"{words.percent(gain)} {'lower' if one.gain > 0 else 'higher'} error" if gain >= 0.005 else "the same error"
    sense = {"better": "significantly better", "worse": "significantly worse", "same": "not significant"}[one.outcome]
    after = f" after correction for {story.tests} comparisons" if story.tests > 1 else ""
    draw = screen.figure.text
    draw(0.036, y + 0.088, words.capital(words.ahead(*story.inputs.leads_of(one.block))), fontsize=16, color=SOFT)
    draw(0.036, y + 0.022, f"LSTM: {size}", fontsize=25, fontweight="bold", color=INK)
    draw(0.036, y - 0.024, f"than {style_of(one.opponent).phrase}", fontsize=16, color=INK)
    draw(0.036, y - 0.075, f"{words.p_value(one.p_holm)}{after}:", fontsize=14.5, color=OUTCOME[one.outcome])
    draw(0.036, y - 0.115, sense, fontsize=16, fontweight="bold", color=OUTCOME[one.outcome])


def end(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """Whose measurements these are."""
    screen.clear("Made from")
    y = 0.835
    for entry in story.inputs.sources_of(story.region)[:SOURCES_NAMED]:
        screen.figure.text(0.036, y, words.typeset(str(entry.get("title") or entry.get("key"))), fontsize=19, color=INK)
        facts = [str(entry.get("publisher") or ""), f"vintage {entry.get('vintage', 'unknown')}"]
        facts.append(shorten(str(entry.get("licence") or ""), 48, placeholder="…"))
        screen.figure.text(0.036, y - 0.045, "  ·  ".join(filter(None, facts)), fontsize=15, color=SOFT)
        y -= 0.125
    steps = ("pull", "harmonize", "hindcast", "score", "report")
    screen.figure.text(0.036, CAPTION_HEIGHT + 0.155, "and made by", fontsize=21, fontweight="bold", color=INK)
    screen.figure.text(0.036, CAPTION_HEIGHT + 0.07, "   →   ".join(steps), fontsize=21, color=ACCENT)
    screen.say(scene.caption(0))
    for share in progress:
        yield screen.shot(float(share))


PAINTERS: dict[str, Painter] = {
    "title": title,
    "record": record,
    "seams": seams,
    "contest": contest,
    "verdict": verdict,
    "end": end,
}
