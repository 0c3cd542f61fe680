"""Frames as bytes: MP4 with the FFmpeg libraries that the package `av` carries, GIF and PNG with Pillow."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction

import av
import numpy as np
from av.codec.context import Flags
from PIL import Image

from climate.film.screen import Frame
from climate.report.figures.base import MIXED_SHADES, reduce_colours

CRF = 22
"""Constant rate factor of x264: sharp letters at a small size."""

KEY_SECONDS = 5
"""Between frames from which a player can start."""

GIF_WIDTH = 640
GIF_SHADES = 64
"""Of its palette, beside the most frequent colours."""
GIF_SAMPLES = 24
"""Frames that the palette of the GIF is made from."""


def mp4(frames: Iterable[Frame], fps: int) -> bytes:
    """H.264 in MP4; the same frames give the same bytes, for there is one thread, no clock and no name of the encoder.

    Frames need an even width and height.
    """
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.thread_count = 1
        context.flags |= Flags.bitexact
        context.options = {"crf": str(CRF), "preset": "medium", "tune": "stillimage", "g": str(KEY_SECONDS * fps)}
        for place, frame in enumerate(frames):
            if place == 0:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = place, Fraction(1, fps)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return out.getvalue()


def gif(frames: Sequence[Frame], seconds_per_frame: float) -> bytes:
    """An animated GIF of `GIF_WIDTH` pixels that loops for ever, with one palette for all frames."""
    small = [_smaller(frame) for frame in frames]
    sample = small[:: max(1, len(small) // GIF_SAMPLES)]
    palette = reduce_colours(np.concatenate([np.asarray(one) for one in sample]), GIF_SHADES)
    indexed = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in small]
    out = io.BytesIO()
    indexed[0].save(
        out,
        format="GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=round(1000 * seconds_per_frame),
        loop=0,
        optimize=False,
    )
    return out.getvalue()


def png(frame: Frame) -> bytes:
    """One frame as PNG with a palette."""
    out = io.BytesIO()
    reduce_colours(frame, MIXED_SHADES).save(out, format="PNG", optimize=True)
    return out.getvalue()


def _smaller(frame: Frame) -> Image.Image:
    image = Image.fromarray(frame)
    return image.resize((GIF_WIDTH, round(GIF_WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
