"""The film: what it says agrees with the scores, its bytes are the same twice, and a player can play it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import xarray as xr
from PIL import Image

from climate.film.contest import Bars
from climate.film.frames import cues, draw, webvtt
from climate.film.screen import CAPTION_LETTERS, HEIGHT, WIDTH, Screen
from climate.film.story import SECONDS, Story, scenes
from climate.film.tally import running_scores
from climate.params.params import FilmParams
from climate.report.inputs import ReportInputs
from climate.stages.film import render
from climate.verify.scores import score
from tests.conftest import ROOT
from tests.report.test_report import LEADS, make_inputs, make_series, make_table

SECONDS_SHORT, FPS = 6.0, 1
LIMIT = 8_000_000
"""Bytes of MP4 and GIF together."""


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return make_inputs()


@pytest.fixture(scope="module")
def folder(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(inputs, inputs.regions[0], SECONDS_SHORT, FPS, tmp_path_factory.mktemp("film")).parent


def test_tally_ends_at_the_scores_of_the_whole_sample() -> None:
    series = make_series("co2", "CO2", "co2")
    table = make_table(series)
    tally = running_scores(table)
    scored = score(table, series, {"all": (1, LEADS)}, "seasonal-naive").isel(region=0).sel(block="all")
    np.testing.assert_allclose(tally["crps"].isel(time=-1).values, scored["crps"].values)
    np.testing.assert_allclose(tally["covered90"].isel(time=-1).values, scored["coverage90"].values)


def test_tally_of_a_month_knows_nothing_later() -> None:
    table = make_table(make_series("co2", "CO2", "co2"))
    whole = running_scores(table)
    month = whole["time"].values[whole.sizes["time"] // 2]
    earlier = table.assign(observed=table["observed"].where(table["valid_time"] <= month))
    part = running_scores(earlier)
    assert part["time"].values[-1] == month
    xr.testing.assert_allclose(part, whole.sel(time=slice(None, month)))


def test_reference_curve_knows_nothing_after_the_first_origin(inputs: ReportInputs) -> None:
    region = next(name for name in inputs.regions if inputs.series[name].attrs["kind"] == "absolute")
    before = Story(inputs, region).reference_curve
    series = inputs.series[region].copy(deep=True)
    later = series["time"].values > inputs.forecasts[region]["origin"].values[0]
    series["value"] = series["value"] + np.where(later, 50.0, 0.0)
    changed = Story(replace(inputs, series={**inputs.series, region: series}), region).reference_curve
    assert before is not None
    np.testing.assert_array_equal(before, changed)


def test_the_default_film_takes_a_minute() -> None:
    assert sum(SECONDS.values()) == FilmParams().seconds == 60


def test_every_caption_fits_and_the_track_follows_the_scenes(inputs: ReportInputs) -> None:
    for region in inputs.regions:
        told = scenes(Story(inputs, region), 60)
        found = cues(told)
        assert found[0][0] == 0
        assert found[-1][1] == pytest.approx(60)
        for (_, end, text), (start, _, _) in pairwise(found):
            assert end == pytest.approx(start)
            assert end - start < 20
            assert 0 < len(text) <= 2 * CAPTION_LETTERS - 12, text
        track = webvtt(told)
        assert track.startswith("WEBVTT\n\n00:00:00.000 --> ")
        assert "00:01:00.000\n" in track


def test_two_runs_give_the_same_bytes(inputs: ReportInputs, folder: Path, tmp_path: Path) -> None:
    again = render(inputs, inputs.regions[0], SECONDS_SHORT, FPS, tmp_path).parent

    def digests(top: Path) -> dict[str, str]:
        return {
            str(path.relative_to(top)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(top.rglob("*"))
            if path.is_file()
        }

    assert set(digests(folder)) == {"film.html", *(f"film/film.{end}" for end in ("gif", "mp4", "png", "vtt"))}
    assert digests(folder) == digests(again)


def test_mp4_decodes_to_frames_of_the_promised_size_and_number(folder: Path) -> None:
    content = (folder / "film" / "film.mp4").read_bytes()
    with av.open(io.BytesIO(content)) as container:
        assert not container.metadata.get("encoder")
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == SECONDS_SHORT * FPS
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert any(np.abs(one.astype(int) - other).max() > 100 for one, other in pairwise(frames))


def test_gif_and_poster(folder: Path) -> None:
    with Image.open(folder / "film" / "film.gif") as gif:
        assert gif.size == (640, 360)
        assert gif.n_frames == SECONDS_SHORT * FPS / 2
        assert gif.info["duration"] == 2000
    with Image.open(folder / "film" / "film.png") as poster:
        assert poster.size == (WIDTH, HEIGHT)


def test_a_skipped_record_leaves_a_page_that_says_why(inputs: ReportInputs, tmp_path: Path) -> None:
    page = render(replace(inputs, skipped={"atlantis": "the source is down"}), "atlantis", 6, 2, tmp_path)
    assert "the source is down" in page.read_text("utf-8")
    assert not list((tmp_path / "film").iterdir())


def test_film_without_network_seams_or_verified_month(inputs: ReportInputs) -> None:
    region = inputs.regions[0]
    simple = [name for name in inputs.models if not name.startswith("lstm")]
    table = inputs.forecasts[region].sel(model=simple)
    bare = replace(
        inputs,
        forecasts={region: table.assign(observed=table["observed"] * np.nan)},
        series={region: inputs.series[region].drop_vars("period")},
        scores=inputs.scores.sel(model=simple),
        seams=None,
    )
    frames = list(draw(Story(bare, region), 6, 1))
    assert len(frames) == 6


def test_bars_show_the_running_score(inputs: ReportInputs) -> None:
    story = Story(inputs, inputs.regions[0])
    screen = Screen()
    screen.clear("")
    bars = Bars(story, screen)
    bars.move(story.tally["time"].values[-1].astype("datetime64[M]"))
    shown = story.shown[-1]
    final = float(story.tally["crps"].sel(model=shown).values[-1])
    assert bars.bars[story.tallied.index(shown)].get_width() == pytest.approx(min(final, bars.longest))


def test_committed_film_is_small_enough() -> None:
    films = [ROOT / "reports" / "film" / f"film.{end}" for end in ("mp4", "gif")]
    if not all(film.exists() for film in films):
        pytest.skip("reports/film is not rendered yet")
    assert sum(film.stat().st_size for film in films) < LIMIT
    with av.open(str(films[0])) as container:
        assert container.duration is not None
        assert 50 <= container.duration / av.time_base <= 70
