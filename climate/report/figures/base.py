"""What every figure shares: type, size, sharp and small PNG bytes that are the same on every run, and CSV beside."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from textwrap import fill
from typing import Any, Literal, ParamSpec, TypeVar, cast

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial import cKDTree

from climate.report import words

WIDTH = 9.0
"""Inches; with DPI this gives 1152 pixels, a quarter more than a page's column. The report is in git: keep it small."""
DPI = 128
NARROW = 6.5
"""Inches: a figure of at most this width keeps readable letters on a phone and is shown there as it is."""
PHONE = 5.0
"""Inches: width of the drawing of a wider figure for phones, whose letters are about 10 pixels high there."""
LETTERS = 55
"""Letters of a legend or of the label of an axis that fit beside each other on a phone."""
LINE, MARK = 42, 6
"""Letters of a line beside the labels of rows there, and those that the mark of an entry takes."""
EXACT, MIXED = 32, 32
"""Palette of a PNG: its most frequent colours exactly, and more for the edges of lines and letters."""
MIXED_SHADES = 160
"""The same where colours carry the meaning."""

PRECISION = "%.5g"
"""Of numbers in CSV files: 0.01 ppm and far below a thousandth of a degree."""

INK, SOFT, FAINT = "#1A1A1A", "#5A5A5A", "#D9D9D9"
PAPER = "#FFFFFF"

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8.0,
    "axes.labelsize": 10.5,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": "#8A8A8A",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.unicode_minus": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 3.5,
    "ytick.major.size": 0.0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 10.0,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.hashsalt": "climate",
}

Tone = Literal["line", "colour"]

P = ParamSpec("P")
D = TypeVar("D", "Drawing", "Drawing | None")


@dataclass(frozen=True)
class Drawing:
    """A figure with everything that belongs to it."""

    name: str
    """File name without ending, unique in a report."""
    figure: Figure
    data: pd.DataFrame
    """What is drawn, and nothing else: the CSV beside the picture."""
    alt: str
    caption: str
    tone: Tone = "line"
    """'line' may be turned light on dark; 'colour' carries meaning in its lightness and may not."""
    phone: Callable[[], Figure] | None = None
    """Draws the same for a phone; None where the figure itself is narrow."""


@dataclass(frozen=True)
class Picture:
    """A drawing as bytes."""

    name: str
    png: bytes
    csv: bytes
    width: int
    height: int
    alt: str
    caption: str
    tone: Tone
    phone: Picture | None = None
    """The same for a phone; None where this one is narrow."""

    @property
    def data_uri(self) -> str:
        """The picture itself, for use in a page."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


_on_phone: ContextVar[bool] = ContextVar("on_phone", default=False)


def on_phone() -> bool:
    """Whether figures are being drawn for a phone."""
    return _on_phone.get()


def for_phones_too(draw: Callable[P, D]) -> Callable[P, D]:
    """A function that draws a wide figure, which adds its drawing for phones."""

    @wraps(draw)
    def both(*args: P.args, **kwargs: P.kwargs) -> D:
        def phone() -> Figure:
            token = _on_phone.set(True)
            try:
                small = draw(*args, **kwargs)
                assert small is not None
                return small.figure
            finally:
                _on_phone.reset(token)

        drawing = draw(*args, **kwargs)
        return replace(drawing, phone=phone) if drawing else drawing

    return both


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with this report's type and lines, whatever the user's own settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, STYLE))
        yield


def new_figure(height: float, width: float | None = None) -> Figure:
    """An empty figure, in inches, that no global state knows of; of the whole width without one."""
    figure = Figure(figsize=(width or (PHONE if on_phone() else WIDTH), height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def develop(drawing: Drawing, source: str = "") -> Picture:
    """PNG and CSV bytes of a drawing; the same input gives the same bytes. `source` is put after the caption."""
    small = _pixels(drawing.figure, drawing.tone)
    caption = f"{drawing.caption} {source}".strip()
    about = (csv_bytes(drawing.data), *small.size, drawing.alt, caption, drawing.tone)
    if not drawing.phone:
        return Picture(drawing.name, _png(small), *about)
    phone = develop(replace(drawing, name=f"{drawing.name}-phone", figure=drawing.phone(), phone=None), source)
    return Picture(drawing.name, _png(small), *about, phone)


def _pixels(figure: Figure, tone: Tone) -> Image.Image:
    canvas = cast(FigureCanvasAgg, figure.canvas)
    with style():
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    return reduce_colours(pixels, MIXED if tone == "line" else MIXED_SHADES)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()


def csv_bytes(data: pd.DataFrame, precision: str = PRECISION) -> bytes:
    """A table as CSV without its index: UTF-8, LF, floats in `precision`."""
    return data.to_csv(index=False, float_format=precision, lineterminator="\n").encode()


def reduce_colours(pixels: npt.NDArray[np.uint8], mixed: int = MIXED) -> Image.Image:
    """An image with a palette: its most frequent colours stay exactly, every other pixel takes the nearest entry."""
    packed = (pixels[..., 0].astype(np.int64) << 16) | (pixels[..., 1].astype(np.int64) << 8) | pixels[..., 2]
    code, colours = pd.factorize(packed.ravel(), sort=True)
    counts = np.bincount(code)
    by_count = np.argsort(-counts, kind="stable")
    exact = _unpack(colours[by_count[:EXACT]])
    rest = Image.fromarray(_unpack(colours[by_count[EXACT:]])[None]) if colours.size > EXACT else None
    palette = exact
    if rest is not None:
        chosen = rest.quantize(mixed, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).getpalette() or []
        palette = np.concatenate([exact, np.array(chosen[: 3 * mixed], dtype=np.uint8).reshape(-1, 3)])
    nearest = cKDTree(palette.astype(float)).query(_unpack(colours).astype(float))[1]
    small = Image.fromarray(nearest.astype(np.uint8)[code].reshape(packed.shape), mode="P")
    small.putpalette(palette.ravel().tolist())
    return small


def _unpack(colours: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1).astype(np.uint8)


def number_of(value: object) -> float:
    """A field of a table as a float; pandas gives it no narrower type."""
    return float(cast(float, value))


def legend_above(axes: Axes, columns: int = 4, **options: Any) -> None:
    """A legend in the free space over an axes, left aligned."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=legend_columns(columns, axes.get_legend_handles_labels()[1]),
        borderaxespad=0.3,
        handlelength=2.2,
        columnspacing=1.6,
        **options,
    )


def shared_legend(figure: Figure, axes: Axes, side: str, columns: int) -> None:
    """A legend outside the panels of a figure ("upper" or "lower"), with the entries of one of them."""
    outer_legend(figure, axes.get_legend_handles_labels()[0], side, columns)


def outer_legend(figure: Figure, handles: Sequence[Artist], place: str, columns: int, **options: Any) -> None:
    """A legend outside the panels of a figure: "upper", "lower" or the name of a corner."""
    where: Any = f"outside {place if ' ' in place else f'{place} center'}"
    columns = legend_columns(columns, [str(handle.get_label()) for handle in handles])
    figure.legend(handles=list(handles), loc=where, ncols=columns, **{"fontsize": 9.5} | options)


def legend_columns(columns: int, labels: Sequence[str]) -> int:
    """Entries of a legend side by side: `columns`, fewer on a phone."""
    if not on_phone():
        return columns
    return max(1, min(columns, LETTERS // (MARK + max(map(len, labels)))))


def fitted(text: str, letters: int = LINE) -> str:
    """A label, on a phone in lines of so many letters."""
    return fill(text, letters) if on_phone() else text


def label_rows(axes: Axes, labels: Sequence[str], **options: Any) -> None:
    """One row for each label, the first on top."""
    axes.set_yticks(range(len(labels)), labels, **{"color": INK} | options)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def upright_grid(axes: Axes) -> None:
    """Grid lines for the values of rows, and none between the rows."""
    axes.grid(True, axis="x")
    axes.grid(False, axis="y")


def panel_row(
    height: float, titles: Sequence[str], *, sharex: bool = False, sharey: bool = True, **title: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with panels of `height` side by side, each with its title; below each other on a phone."""
    count = len(titles)
    rows, columns = (count, 1) if on_phone() else (1, count)
    figure = new_figure(height * rows)
    panels = list(figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False).flat)
    for axes, text in zip(panels, titles, strict=True):
        axes.set_title(text, **title)
        axes.tick_params(labelbottom=True)
    return figure, panels


def panel_grid(
    titles: Sequence[str], margin: float, height: float, columns: int = 3, width: float | None = None, **share: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with small panels in rows of `height` inches, each with its title, and `margin` inches around them.

    On a phone there are two columns.
    """
    columns = min(columns, len(titles), 2 if on_phone() else columns)
    rows = -(-len(titles) // columns)
    figure = new_figure(margin + height * rows, width)
    panels = list(figure.subplots(rows, columns, squeeze=False, **share).flat)
    for axes, text in zip(panels, titles, strict=False):
        axes.set_title(text, fontsize=10.5)
        axes.tick_params(labelsize=9)
    for axes in panels[len(titles) :]:
        axes.set_visible(False)
    return figure, panels[: len(titles)]


def start_panel(axes: Axes, grid: npt.NDArray[Any], norm: Normalize, colours: Colormap) -> None:
    """Colour values (start month, lead), from lead 1 on."""
    leads = grid.shape[1]
    axes.imshow(grid, cmap=colours, norm=norm, aspect="auto", extent=(0.5, leads + 0.5, 12.5, 0.5))
    axes.grid(False)
    axes.set_yticks([1, 4, 7, 10], [words.MONTHS[month - 1][:3] for month in (1, 4, 7, 10)])
    axes.set_xticks([lead for lead in (1, 3, 6, 9, 12) if lead <= leads])


def outer_labels(figure: Figure, x: str = "", y: str = "") -> None:
    """Labels of the axes that all panels share."""
    for write, text in ((figure.supxlabel, x), (figure.supylabel, y)):
        if text:
            write(text, fontsize=10.5, color=SOFT)


def colour_bar(
    figure: Figure, axes: Axes | Sequence[Axes], norm: Normalize, colours: Colormap, label: str, **options: Any
) -> Colorbar:
    """The scale of colours below a map, or below several panels."""
    mappable = ScalarMappable(norm, colours)
    bar = figure.colorbar(
        mappable, ax=cast(Any, axes), orientation="horizontal", shrink=0.5, aspect=36, pad=0.02, **options
    )
    bar.set_label(label, color=SOFT)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return bar
