"""The screen of the film: heading, clock, caption and progress around a picture, and its pixels."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import fill

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from climate.report.figures.base import FAINT, INK, PAPER, SOFT
from climate.report.palette import style_of

WIDTH, HEIGHT, DPI = 1280, 720, 100
"""Pixels of the film, and of an inch of it."""

CAPTION_LETTERS = 96
"""In a line of the caption, which holds two."""

CAPTION_HEIGHT = 0.15
"""Share of the screen below the picture."""

ACCENT = style_of("lstm-direct").colour

Frame = npt.NDArray[np.uint8]
"""Height, width and red, green, blue."""


class Screen:
    """Draws the parts that stand still once and those that move in every frame."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
        self.canvas = FigureCanvasAgg(self.figure)
        self._caption = ""

    def clear(self, heading: str) -> None:
        """An empty screen with a heading."""
        self.figure.clear()
        self._caption = ""
        self.figure.text(0.036, 0.945, heading, fontsize=21, fontweight="bold", color=INK, va="center")
        band = Rectangle((0, 0), 1, CAPTION_HEIGHT, transform=self.figure.transFigure, color="#F4F4EF", lw=0)
        self.figure.add_artist(band)
        self._words = self.figure.text(0.036, 0.082, "", fontsize=17, color=INK, va="center", linespacing=1.35)
        self.clock = self.figure.text(
            0.968, 0.945, "", fontsize=23, fontweight="bold", color=INK, va="center", ha="right", animated=True
        )
        groove = Rectangle((0, 0), 1, 0.009, transform=self.figure.transFigure, color=FAINT, lw=0)
        self.figure.add_artist(groove)
        self._progress = Rectangle(
            (0, 0), 0, 0.009, transform=self.figure.transFigure, color=ACCENT, lw=0, animated=True
        )
        self.figure.add_artist(self._progress)

    def settle(self) -> None:
        """Draw everything that stands still."""
        self.canvas.draw()  # type: ignore[no-untyped-call]
        self._background = self.canvas.copy_from_bbox(self.figure.bbox)  # type: ignore[no-untyped-call]

    def say(self, caption: str) -> None:
        """Change the caption; redraws what stands still where it is another one."""
        if caption != self._caption:
            self._caption = caption
            self._words.set_text(fill(caption, CAPTION_LETTERS, break_long_words=False))
            self.settle()

    def shot(self, progress: float, moving: Iterable[Artist] = ()) -> Frame:
        """The screen as it is now, with `moving` on top and `progress` (0 to 1) of the film behind it."""
        self.canvas.restore_region(self._background)  # type: ignore[no-untyped-call]
        self._progress.set_width(progress)
        for artist in (*moving, self.clock, self._progress):
            self.figure.draw_artist(artist)
        pixels = np.asarray(self.canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        return pixels[..., :3].copy()


def quiet(axes: object) -> None:
    """Axes in the film's type: large figures, no frame."""
    axes.tick_params(labelsize=15, colors=SOFT, length=0, pad=6)  # type: ignore[attr-defined]
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)  # type: ignore[attr-defined]
