"""Stage `film`: the story of one record as MP4 and GIF, with captions and a page."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from climate import paths
from climate.files import write_text
from climate.film import video
from climate.film.frames import draw, transcript, webvtt
from climate.film.screen import HEIGHT, WIDTH, Frame
from climate.film.story import Story, scenes
from climate.params.params import load_params
from climate.report import pages, words
from climate.report.inputs import ReportInputs
from climate.stages.media import read_inputs

log = logging.getLogger("climate")

GIF_EVERY = 2
"""Of the frames of the film, one in so many is in the GIF."""

POSTER_SCENE = "contest"
"""Whose last frame stands for the film while it does not run."""


def run() -> None:
    """Render reports/film and reports/film.html."""
    params = load_params()
    record = params.film.record or params.notebook.record
    page = render(read_inputs(params), record, params.film.seconds, params.film.fps, paths.REPORTS)
    log.info("Film: %s", page)


def render(inputs: ReportInputs, record: str, seconds: float, fps: int, destination: Path) -> Path:
    """Write film.html and the folder film below `destination`; the same inputs give the same bytes.

    Where the record was skipped there is no film, and the page says why.
    """
    folder, page = destination / "film", destination / "film.html"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if record not in inputs.regions:
        reason = inputs.skipped.get(record, f"'{record}' is no region of params.yaml")
        log.warning("Film: skipped, %s", reason)
        _write_page(page, inputs, "The story of one record, in pictures that move.", {"reason": reason})
        return page
    story = Story(inputs, record)
    kept: list[Frame] = []
    poster: list[Frame] = []

    def watched() -> Iterator[Frame]:
        # one pass: x264 takes the frames as they are drawn, and those that the GIF and the poster need are kept
        for place, (scene, frame) in enumerate(draw(story, seconds, fps)):
            if place % GIF_EVERY == 0:
                kept.append(frame)
            if scene == POSTER_SCENE or not poster:
                poster[:] = [frame]
            yield frame

    film = video.mp4(watched(), fps)
    moving = video.gif(kept, GIF_EVERY / fps)
    told = scenes(story, seconds)
    (folder / "film.mp4").write_bytes(film)
    (folder / "film.gif").write_bytes(moving)
    (folder / "film.png").write_bytes(video.png(poster[0]))
    write_text(webvtt(told), folder / "film.vtt")
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
    _write_page(page, inputs, standfirst, context)
    return page


def _write_page(page: Path, inputs: ReportInputs, standfirst: str, context: dict[str, Any]) -> None:
    frame = pages.frame(inputs.params, span="", standfirst=standfirst)
    write_text(pages.page_text("film.html.j2", frame | context), page)
