"""All frames of the film, and its captions as a text track."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from climate.film.scenes import PAINTERS
from climate.film.screen import Frame, Screen
from climate.film.story import Scene, Story, scenes
from climate.report.figures.base import style


def draw(story: Story, seconds: float, fps: int) -> Iterator[tuple[str, Frame]]:
    """Name of the scene and pixels of every frame; the same story gives the same pixels."""
    told = scenes(story, seconds)
    ends = np.round(np.cumsum([scene.seconds for scene in told]) * fps).astype(int)
    total, first = int(ends[-1]), 0
    with style():
        screen = Screen()
        for scene, last in zip(told, ends, strict=True):
            progress = np.arange(first + 1, int(last) + 1) / total
            if progress.size:
                for frame in PAINTERS[scene.name](story, scene, screen, progress):
                    yield scene.name, frame
            first = int(last)


def cues(told: list[Scene]) -> list[tuple[float, float, str]]:
    """Start and end in seconds, and text, of every caption."""
    found, start = [], 0.0
    for scene in told:
        edges = [cue.start for cue in scene.cues] + [1.0]
        for cue, end in zip(scene.cues, edges[1:], strict=True):
            found.append((start + cue.start * scene.seconds, start + end * scene.seconds, cue.text))
        start += scene.seconds
    return found


def transcript(told: list[Scene]) -> list[tuple[str, str, str]]:
    """Minute and second, heading of the scene where it begins, and text of every caption."""
    found, start = [], 0.0
    for scene in told:
        for place, cue in enumerate(scene.cues):
            second = int(start + cue.start * scene.seconds)
            found.append((f"{second // 60}:{second % 60:02d}", "" if place else scene.heading, cue.text))
        start += scene.seconds
    return found


def webvtt(told: list[Scene]) -> str:
    """The captions as a WebVTT track."""
    blocks = ["WEBVTT"]
    blocks += [f"{_clock(start)} --> {_clock(end)}\n{text}" for start, end, text in cues(told)]
    return "\n\n".join(blocks) + "\n"


def _clock(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
