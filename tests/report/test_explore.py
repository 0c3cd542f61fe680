"""The page Explore: its numbers, its bytes, and that it works from disk, by keyboard and by pointer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climate.report import explore, pages
from climate.report.downloads import meaning
from climate.report.figures.explore import LEVELS, NEWEST
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.verify.losses import cell_scores
from tests.browser import CHROMIUM, Browser
from tests.report.test_browser import AXE

SIZE = 3_000_000
"""Bytes that the page stays below."""

browsing = pytest.mark.skipif(not CHROMIUM, reason="no chromium or google-chrome on PATH")


def make_planet(step: float = 2.5, blocks: tuple[str, ...] = ("1", "1-12", "13-24")) -> xr.Dataset:
    """Scores of a whole grid; the learnt forecaster saves 10% everywhere but in one missing cell."""
    lat, lon = np.meshgrid(np.arange(-90, 90.1, step), np.arange(0, 360, step), indexing="ij")
    cells = lat.size
    simple = np.random.default_rng(3).uniform(0.5, 1.5, (cells, len(blocks), 12))
    simple[0] = np.nan
    return xr.Dataset(
        {
            "crps": (("forecaster", "cell", "block", "start"), np.stack([simple, 0.9 * simple])),
            "pairs": (("block", "start"), np.arange(12.0 * len(blocks)).reshape(len(blocks), 12) + 1),
        },
        coords={
            "forecaster": [explore.SIMPLE, explore.LEARNT],
            "block": list(blocks),
            "start": np.arange(1, 13),
            "lat": ("cell", lat.ravel()),
            "lon": ("cell", lon.ravel()),
            "area": ("cell", np.cos(np.deg2rad(lat.ravel())) + 1e-3),
        },
    )


@pytest.fixture(scope="module")
def planetary(inputs: ReportInputs) -> ReportInputs:
    """The sample run with scores of every cell."""
    return replace(inputs, cells=make_planet())


def filled(inputs: ReportInputs) -> str:
    """The page as the site renders it."""
    own = {"title": "A title", "caveats": [], "explore": explore.page(inputs, Gallery([*inputs.regions]))}
    return pages.page_text("explore.html.j2", pages.frame(span="", standfirst="") | own)


@pytest.fixture(scope="module")
def text(planetary: ReportInputs) -> str:
    return filled(planetary)


def test_page_is_small_and_equal_on_every_run(planetary: ReportInputs, text: str) -> None:
    assert len(text.encode()) < SIZE
    assert filled(planetary) == text


def test_library_is_inlined_once_and_nothing_is_loaded(text: str) -> None:
    assert text.count("window.vegaEmbed=") + text.count("window.vegaEmbed =") == 1
    markup = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"(?:src|srcset|data)\s*=\s*\"(?!data:)", markup)
    assert "http" not in markup
    assert "<script src" not in text
    assert '"url":' not in explore_specifications(text)


def explore_specifications(text: str) -> str:
    """The script that holds the charts."""
    return text[text.rindex("<script>") :]


def test_files_hold_the_numbers_of_the_charts(planetary: ReportInputs, text: str) -> None:
    gallery = Gallery([*planetary.regions])
    explore.page(planetary, gallery)
    for name in ("explore-scores", "explore-cells"):
        assert f"data/{name}.csv" in gallery.files
        assert f"data/{name}.csv" in text[text.index("<noscript>") : text.index("</noscript>")]
    assert not {column for file in gallery.downloads for column in file.columns if meaning(column) is None}


def test_cases_are_the_forecasts_and_their_mean_score(inputs: ReportInputs) -> None:
    cases = explore.forecast_cases(inputs)
    assert {case["place"] for case in cases} == set(inputs.regions)
    for case in cases:
        table = inputs.forecasts[case["place"]].sel(model=case["model"])
        one = table.isel(origin=-1) if case["origin"] == NEWEST else table.sel(origin=case["origin"])
        one = one.squeeze("origin", drop=True) if "origin" in one.dims else one
        for name, level in LEVELS.items():
            np.testing.assert_allclose(case[name], one["forecast"].sel(quantile=level)[: explore.LEADS], atol=0.0051)
        if case["origin"] == NEWEST:
            assert case["crps"] is None
            assert case["verdict"].endswith("no score yet.")
        else:
            crps = cell_scores(inputs.forecasts[case["place"]])["crps"].sel(model=case["model"], origin=case["origin"])
            assert case["crps"] == pytest.approx(float(crps[..., : explore.LEADS].mean()), abs=0.0006)
            assert case["months"] == explore.LEADS


@pytest.mark.parametrize(
    ("own", "against", "said"),
    [
        (0.09, 0.1, "against 0.100 for {}: 10% less error."),
        (0.12, 0.1, "against 0.100 for {}: 20% more error."),
        (0.1001, 0.1, "against 0.100 for {}: as much error."),
        (0.1, np.nan, "CRPS 0.100 °C over 14 months."),
    ],
)
def test_verdict_follows_the_numbers(inputs: ReportInputs, own: float, against: float, said: str) -> None:
    phrase = explore.style_of(inputs.reference).phrase
    assert explore.verdict(inputs, "lstm-direct", own, against, 14, "°C").endswith(said.format(phrase))
    assert explore.verdict(inputs, "lstm-direct", own, against, 0, "°C").endswith("no score yet.")


def test_model_without_forecasts_of_a_place_says_so(inputs: ReportInputs) -> None:
    place = inputs.regions[0]
    without = inputs.forecasts[place].drop_sel(model="lstm-direct")
    cases = explore.forecast_cases(replace(inputs, forecasts={**inputs.forecasts, place: without}))
    said = {case["verdict"] for case in cases if case["place"] == place and case["model"] == "lstm-direct"}
    assert said == {"This model has no forecast of this place."}


@pytest.mark.parametrize("step", [2.5, 2.0, 10.0])
def test_boxes_tile_the_planet_and_sum_their_cells(step: float) -> None:
    planet = make_planet(step)
    frame = explore.coarse_cells(planet, ["1-12"])
    area = (frame["east"] - frame["west"]) * (np.sin(np.deg2rad(frame["north"])) - np.sin(np.deg2rad(frame["south"])))
    assert area.sum() == pytest.approx(720)
    assert (frame["south"] < frame["north"]).all()
    np.testing.assert_allclose(frame["1-12"].dropna(), 0.1)
    assert frame["1-12"].isna().sum() == (1 if step == 10.0 else 0)


def test_boxes_equal_a_plain_sum() -> None:
    planet = make_planet(10.0)
    planet["crps"][1] *= xr.DataArray(np.random.default_rng(1).uniform(0.5, 1.5, planet.sizes["cell"]), dims="cell")
    frame = explore.coarse_cells(planet, ["1-12"]).set_index(["lat", "lon"])["1-12"]
    for cell in (40, 200, 500):
        one = planet.isel(cell=cell).sel(block="1-12")
        sums = [sum(float(c) * float(n) for c, n in zip(row, one["pairs"], strict=True)) for row in one["crps"].values]
        where = float(one["lat"]), (float(one["lon"]) + 180) % 360 - 180
        assert frame[where] == pytest.approx(1 - sums[1] / sums[0])


def test_months_that_one_forecaster_lacks_count_for_neither() -> None:
    planet = make_planet(10.0)
    planet["crps"].loc[{"forecaster": explore.LEARNT, "start": 1}] = np.nan
    np.testing.assert_allclose(explore.coarse_cells(planet, ["1-12"])["1-12"].dropna(), 0.1)


def test_specification_refuses_values_that_are_not_json() -> None:
    class Chart:
        def to_dict(self) -> dict[str, str]:
            return {"title": "</script>"}

    assert json.loads(explore.specification(Chart(), rows=[1])) == {"title": "</script>", "datasets": {"rows": [1]}}
    assert "</" not in explore.specification(Chart())
    with pytest.raises(ValueError, match="JSON"):
        explore.specification(Chart(), rows=[np.nan])


def test_without_scores_of_the_planet_there_is_no_map(inputs: ReportInputs) -> None:
    assert explore.page(inputs, Gallery([*inputs.regions]))["cells"] is None
    without = filled(inputs)
    assert "chart-planet" not in without
    assert "explore-cells" not in without


@pytest.fixture(scope="module")
def page(text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as running:
        yield running


KEYS = {"ArrowDown": 40, "ArrowLeft": 37, "ArrowUp": 38, "Tab": 9}

READY = """new Promise(done => {
    const look = () => [...document.querySelectorAll('.reading')].every(one => one.textContent)
        ? done(document.querySelectorAll('.reading').length) : setTimeout(look, 20);
    look(); })"""
CHANGED = """new Promise(done => {
    const look = () => document.getElementById('reading-%s').textContent !== %s ? done(0) : setTimeout(look, 20);
    look(); })"""


def press(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])


def reading(browser: Browser, name: str) -> str:
    return str(browser.evaluate(f"document.getElementById('reading-{name}').textContent"))


def after(browser: Browser, name: str, before: str) -> str:
    """The sentence below a choice once it is no longer `before`."""
    browser.evaluate(CHANGED % (name, json.dumps(before)))
    return reading(browser, name)


@browsing
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_page_works_from_disk_and_axe_finds_nothing(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.open(page, width=width, scheme=scheme)
    assert browser.evaluate(READY) == 2
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.resolve().as_uri()]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    controls = "[...document.querySelectorAll('.choices select, .choices input')]"
    assert browser.evaluate(f"{controls}.length") == 6
    assert browser.evaluate(f"{controls}.every(one => one.labels.length === 1 && one.labels[0].innerText.trim())")
    browser.evaluate(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + ";0")
    assert browser.evaluate(AXE) == []


@browsing
def test_keys_choose_a_forecast_and_a_cell(browser: Browser, page: Path, planetary: ReportInputs) -> None:
    browser.open(page)
    browser.evaluate(READY)
    known = {(case["place"], case["verdict"]) for case in explore.forecast_cases(planetary)}
    seen = reading(browser, "forecast")
    assert (planetary.regions[0], seen) in known
    browser.evaluate("document.querySelector('#choices-forecast select').focus()")
    press(browser, "ArrowDown")
    seen = after(browser, "forecast", seen)
    assert (planetary.regions[1], seen) in known
    press(browser, "Tab")
    assert browser.evaluate("document.activeElement.name") == "model"
    press(browser, "ArrowUp")
    assert (planetary.regions[1], after(browser, "forecast", seen)) in known

    seen = reading(browser, "planet")
    assert seen == "56.25°N, 11.25°E: 10.0% less error."
    browser.evaluate("document.querySelector('#choices-planet input[name=cell_lat]').focus()")
    press(browser, "ArrowLeft")
    assert after(browser, "planet", seen) == "51.25°N, 11.25°E: 10.0% less error."


@browsing
def test_pointer_reads_a_cell_and_a_click_chooses_it(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate(READY)
    seen = reading(browser, "planet")
    canvas = "document.querySelector('#chart-planet canvas')"
    browser.evaluate(f"{canvas}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = browser.evaluate(f"(box => [box.x, box.y, box.width, box.height])({canvas}.getBoundingClientRect())")
    at = {"x": box[0] + 0.3 * box[2], "y": box[1] + 0.3 * box[3]}
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", button="none", **at)
    browser.evaluate(
        "new Promise(done => { const look = () => document.querySelector('#vg-tooltip-element.visible')"
        " ? done(0) : setTimeout(look, 20); look(); })"
    )
    tip = str(browser.evaluate("document.querySelector('#vg-tooltip-element').innerText"))
    assert "10.0% less error" in tip
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
    where = after(browser, "planet", seen).split(":")[0]
    assert where in tip
    shown = "[...document.querySelectorAll('#choices-planet input')].map(one => Math.abs(one.value))"
    assert all(f"{value:g}°" in where for value in browser.evaluate(shown))
