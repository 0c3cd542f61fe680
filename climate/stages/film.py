"""Stage `film`: the story of one record as MP4 and GIF, with captions and a page."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from climate import layout
from climate.files import write_text
from climate.film import video
from climate.film.frames import draw, transcript, webvtt
from climate.film.screen import HEIGHT, WIDTH, Frame
from climate.film.story import Story, scenes
from climate.params import load_params
from climate.report import pages, words
from climate.report.inputs import ReportInputs
from climate.stages.media import read_inputs

log = logging.getLogger("climate")

GIF_EVERY = 2
"""Of the frames of the film, one in so many is in the GIF."""

PAGE = layout.REPORTS / "film.html"


def run() -> None:
    """Render reports/film and reports/film.html. Where the record was skipped, the page says why."""
    params = load_params()
    record = params.film.record or params.notebook.record
    shutil.rmtree(layout.FILM, ignore_errors=True)
    layout.FILM.mkdir(parents=True)
    inputs = read_inputs(params)
    if record not in inputs.regions:
        reason = inputs.skipped.get(record, f"'{record}' is no region of params.yaml")
        log.warning("Film: skipped, %s", reason)
        _write_page({"reason": reason}, "The story of one record, in pictures that move.", inputs)
        return
    story = Story(inputs, record)
    seconds, fps = params.film.seconds, params.film.fps
    frames: list[Frame] = []
    poster: Frame | None = None

    def watched() -> Any:
        # one pass: x264 reads the frames as they are drawn, and the GIF keeps some of them
        nonlocal poster
        for place, (scene, frame) in enumerate(draw(story, seconds, fps)):
            if place % GIF_EVERY == 0:
                frames.append(frame)
            if scene == "contest" or poster is None:
                poster = frame
            yield frame

    film = video.mp4(watched(), fps)
    moving = video.gif(frames, GIF_EVERY / fps)
    told = scenes(story, seconds)
    (layout.FILM / "film.mp4").write_bytes(film)
    (layout.FILM / "film.gif").write_bytes(moving)
    if poster is not None:
        (layout.FILM / "film.png").write_bytes(video.png(poster))
    write_text(webvtt(told), layout.FILM / "film.vtt")
    context = {
        "reason": "",
        "about": f"{story.title}, in {round(seconds)} seconds.",
        "transcript": transcript(told),
        "size_mp4": words.number(len(film) / 1e6, 1),
        "size_gif": words.number(len(moving) / 1e6, 1),
        "width": WIDTH,
        "height": HEIGHT,
    }
    standfirst = f"The record grows, seams appear, forecasts are issued and verified: {words.inner(story.title)}."
    _write_page(context, standfirst, inputs)
    log.info("Film: %s, %.1f MB", layout.FILM / "film.mp4", len(film) / 1e6)


def _write_page(context: dict[str, Any], standfirst: str, inputs: ReportInputs) -> None:
    frame = pages.frame(inputs.params, span="", standfirst=standfirst)
    write_text(pages.page_text("film.html.j2", frame | context), PAGE)
