"""The scene in which forecasts are issued, months come, and the score builds up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.artist import Artist

from climate.film.screen import CAPTION_HEIGHT, Frame, Screen, quiet
from climate.film.story import ISSUED_FROM, Scene, Story
from climate.report import words
from climate.report.figures.base import FAINT, INK, SOFT
from climate.report.numbers import decimal_year
from climate.report.palette import OBSERVED, style_of

HISTORY_YEARS = 4
"""Observed years before the first origin."""

HAIR_MONTHS = 24
"""Months of the median that is drawn of a forecast without a fan."""

TOO_LONG = 2.2
"""A bar longer than this multiple of the best simple model's is cut, and its number says so."""


def contest(story: Story, scene: Scene, screen: Screen, progress: np.ndarray) -> Iterator[Frame]:
    """A month hand moves over the years of the contest; fans open at origins, and bars follow the running score."""
    screen.clear(scene.heading)
    picture = Picture(story, screen)
    bars = Bars(story, screen) if story.tally.sizes["time"] else None
    screen.settle()
    shares = np.linspace(0, 1, progress.size) if progress.size > 1 else np.ones(1)
    for whole, share in zip(progress, shares, strict=True):
        screen.say(scene.caption(float(share)))
        month = picture.at(min(1.0, float(share) / ISSUED_FROM))
        if picture.open_fans(month, issued=share >= ISSUED_FROM):
            screen.settle()
        screen.clock.set_text(words.month(month))
        moving = picture.move(month)
        if bars is not None:
            moving += bars.move(month)
        yield screen.shot(float(whole), moving)


class Picture:
    """Observations up to a month, and the forecasts issued until then."""

    def __init__(self, story: Story, screen: Screen) -> None:
        self.story = story
        self.origins = story.table["origin"].values.astype("datetime64[M]")
        first = max(self.origins[0] - HISTORY_YEARS * 12, story.months[0])
        keep = story.months >= first
        self.months, self.x = story.months[keep], decimal_year(story.months[keep])
        self.values = story.values[keep] - story.reference(self.months)
        self.start = int(np.searchsorted(self.months, self.origins[0]))
        self.opened: set[int] = set()
        self.axes = axes = screen.figure.add_axes((0.072, CAPTION_HEIGHT + 0.075, 0.575, 0.56))
        quiet(axes)
        axes.grid(axis="y", color=FAINT, lw=1)
        ends = decimal_year(story.table["valid_time"].values[-1, -1:])
        axes.set_xlim(self.x[0], float(ends[0]))
        fans = story.table.sel(model=story.shown).isel(origin=story.fans)
        curve = story.reference(fans["valid_time"].transpose("origin", "lead").values)
        bands = fans["forecast"].transpose("model", "quantile", "origin", "lead").values - curve
        low, high = min(self.values.min(), np.nanmin(bands)), max(self.values.max(), np.nanmax(bands))
        axes.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
        less = f", less the season and trend known in {self.origins[0].astype(object).year}"
        what = f"{words.typeset(story.title)}, {story.unit}{'' if story.reference_curve is None else less}"
        axes.set_title(what, loc="left", fontsize=15, fontweight="normal", color=SOFT, pad=40)
        for name in story.shown:
            look = style_of(name)
            axes.plot([], [], color=look.colour, lw=6, label=f"{look.label}, 90% interval")
        axes.plot([], [], color=OBSERVED, lw=2, label="Observed")
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, frameon=False, fontsize=13, columnspacing=1.3,
            handlelength=1.5, handletextpad=0.5, borderaxespad=0.2, labelcolor=INK,
        )  # fmt: skip
        (self.line,) = axes.plot([], [], color=OBSERVED, lw=1.8, animated=True, zorder=6)
        self.hand = axes.axvline(self.x[0], color=INK, lw=1.4, ls=(0, (3, 2)), animated=True, zorder=5)

    def at(self, share: float) -> np.datetime64:
        """The month under the hand."""
        last = self.months.size - 1
        return np.datetime64(self.months[min(last, self.start + round(share * (last - self.start)))])

    def open_fans(self, month: np.datetime64, issued: bool) -> bool:
        """Draw what was issued by now and is not there yet; whether anything was."""
        last = self.origins.size - 1
        due = {
            place for place, origin in enumerate(self.origins) if origin <= month and (place != last or issued)
        } - self.opened
        for place in sorted(due):
            self._fan(place)
        self.opened |= due
        return bool(due)

    def _fan(self, place: int) -> None:
        """One origin: a fan where it is one of those that do not overlap, else the median as a hair."""
        one = self.story.table.isel(origin=place)
        x, curve = decimal_year(one["valid_time"].values), self.story.reference(one["valid_time"].values)
        for name in self.story.shown:
            fan, colour = one["forecast"].sel(model=name), style_of(name).colour
            if place in self.story.fans:
                low, middle, high = (fan.sel(quantile=q, method="nearest").values - curve for q in (0.05, 0.5, 0.95))
                self.axes.fill_between(x, low, high, color=colour, alpha=0.28, lw=0, zorder=2)
                self.axes.plot(x, middle, color=colour, lw=2.4, zorder=4)
            else:
                hair = (fan.sel(quantile=0.5, method="nearest").values - curve)[:HAIR_MONTHS]
                self.axes.plot(x[:HAIR_MONTHS], hair, color=colour, lw=0.9, alpha=0.45, zorder=3)
        if place in self.story.fans:
            self.axes.axvline(x[0] - 1 / 12, color=SOFT, lw=1, ls=(0, (1, 2)), zorder=1)

    def move(self, month: np.datetime64) -> list[Artist]:
        """What changes from frame to frame."""
        upto = int(np.searchsorted(self.months, month, side="right"))
        self.line.set_data(self.x[:upto], self.values[:upto])
        self.hand.set_xdata([self.x[upto - 1]] * 2)
        return [self.hand, self.line]


class Bars:
    """The mean error of each model over all forecasts verified by a month."""

    def __init__(self, story: Story, screen: Screen) -> None:
        self.story, self.tally = story, story.tally.sel(model=story.tallied)
        self.times = story.tally["time"].values.astype("datetime64[M]")
        final = self.tally["crps"].values[-1]
        simple = float(story.tally["crps"].sel(model=story.shown[0]).values[-1])
        self.longest = float(np.max(final[final <= TOO_LONG * simple], initial=simple)) * 1.12
        self.axes = axes = screen.figure.add_axes((0.69, CAPTION_HEIGHT + 0.075, 0.278, 0.56))
        axes.set_axis_off()
        axes.set_xlim(0, self.longest * 1.22)
        count = len(story.tallied)
        axes.set_ylim(count - 0.35, -0.65)
        self.artists: list[Artist] = []
        self.bars, self.numbers = [], []
        for place, name in enumerate(story.tallied):
            look = style_of(name)
            strong = name in story.shown
            axes.text(
                0, place - 0.27, look.label, fontsize=14.5, color=INK, fontweight="bold" if strong else "normal",
                va="center",
            )  # fmt: skip
            (bar,) = axes.barh(place + 0.12, 0, 0.34, color=look.colour, animated=True)
            number = axes.text(0, place + 0.12, "", fontsize=14.5, color=INK, va="center", animated=True)
            self.bars.append(bar)
            self.numbers.append(number)
        axes.text(0, 1.085, f"Mean error so far, {story.unit}", transform=axes.transAxes, fontsize=15, color=SOFT)
        self.count = axes.text(0, 1.02, "", transform=axes.transAxes, fontsize=13, color=SOFT, animated=True)

    def move(self, month: np.datetime64) -> list[Artist]:
        """Bars, their numbers and the count of forecasts, as of a month."""
        place = int(np.searchsorted(self.times, month, side="right")) - 1
        if place < 0:
            return []
        self.count.set_text(f"{int(self.tally['cells'].values[place]):,} forecasts of each verified")
        row = self.tally["crps"].values[place]
        for bar, number, value in zip(self.bars, self.numbers, row, strict=True):
            width = min(float(value), self.longest)
            bar.set_width(width)
            number.set_x(width + 0.02 * self.longest)
            number.set_text(f"{'→ ' if value > self.longest else ''}{words.significant(float(value))}")
        return [*self.bars, *self.numbers, self.count]
