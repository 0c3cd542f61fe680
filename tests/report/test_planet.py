"""The part on the planet: sentences and verdicts from the numbers, pictures with their data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from climate.report import pages, planet
from climate.report.downloads import meaning
from climate.report.figures import planet as figures
from climate.report.figures.base import DPI, NARROW
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.verify.fields import SIMPLE, STEPS, compare_cells, decompose, planned_pairs
from tests.records import months
from tests.report.samples import BLOCKS, make_inputs, make_shapes

FORECASTERS = [SIMPLE, "ridge-planet", "lstm-planet", "climatology-trend"]
LEVELS = {"climatology-trend": 1.2, "ridge-normal": 1.1, "ridge-windows": 1.0, "ridge-place": 0.95}
"""Mean losses of the steps, as multiples of that of the simple model."""
PARTIAL = "{% import 'macros.html.j2' as m %}{% include 'parts/planet.html.j2' %}"
LAT, LON = np.arange(-75.0, 90, 30), np.arange(-180.0, 180, 30)


def make_planet(ridge: float, lstm: float) -> xr.Dataset:
    """Comparisons on a coarse grid: losses of the learners as multiples of those of the simple model."""
    random = np.random.default_rng(8)
    lat, lon = (each.ravel() for each in np.meshgrid(LAT, LON, indexing="ij"))
    level = np.array([1.0, ridge, lstm, LEVELS["climatology-trend"]])
    spread = level[:, None, None, None]
    losses = spread * (1 + random.random((len(BLOCKS), 60, lat.size)))
    losses = losses + 0.02 * random.random((4, 1, 60, 1))
    by_start = np.full((4, lat.size, len(BLOCKS), 12), 0.9)
    lead = np.arange(1, 25)
    scores = xr.Dataset(
        {
            "crps_by_origin": (("forecaster", "block", "origin", "cell"), losses),
            "covered90": (("forecaster", "cell", "block", "start"), by_start),
            "pairs": (("block", "start"), np.ones((len(BLOCKS), 12))),
            "zone_crps": (
                ("forecaster", "zone", "start", "lead"),
                spread * np.ones((4, 4, 12, 24)),
            ),
            "zonal_loss": (
                ("forecaster", "lead_band", "start", "band"),
                spread * np.ones((4, 2, 12, 6)),
            ),
        },
        coords={
            "forecaster": FORECASTERS,
            "block": list(BLOCKS),
            "origin": months("2005-12", 60),
            "zone": list(figures.ZONES),
            "start": np.arange(1, 13),
            "lead": lead,
            "lead_band": ["1", "2-3"],
            "band": LAT,
            "lat": ("cell", lat),
            "lon": ("cell", lon),
            "area": ("cell", np.cos(np.deg2rad(lat))),
        },
    )
    shown = scores[["zone_crps", "zonal_loss"]]
    reduced = [scores[["crps_by_origin"]].sel(forecaster=SIMPLE) * LEVELS[name] for name in STEPS[1:-1]]
    reduced = xr.concat(reduced, xr.Variable("forecaster", list(STEPS[1:-1])))
    compared = compare_cells(scores, planned_pairs(FORECASTERS), BLOCKS)
    return compared.merge(shown).merge(decompose(scores, reduced, BLOCKS))


@pytest.fixture(scope="module")
def with_planet() -> ReportInputs:
    return make_inputs(planet=make_planet(0.9, 0.902), shapes=make_shapes())


def with_ratios(ridge: float, lstm: float) -> ReportInputs:
    return make_inputs(planet=make_planet(ridge, lstm))


def test_part_fills_its_template_and_describes_its_files(with_planet: ReportInputs) -> None:
    gallery = Gallery([*with_planet.regions])
    part = planet.part(with_planet, gallery)
    assert part is not None
    page = pages.environment().from_string(PARTIAL).render(planet=part, root="", embed=False)
    for name in ("planet-gain", "planet-network", "planet-latitude", "planet-start", "planet-area", "planet-steps"):
        assert f"data/{name}.csv" in gallery.files
        assert f"data/{name}.csv" in page
    assert not {column for file in gallery.downloads for column in file.columns if meaning(column) is None}
    assert "nan" not in page.replace("nano", "")


def test_pictures_are_whole_on_a_phone(with_planet: ReportInputs) -> None:
    part = planet.part(with_planet, Gallery())
    assert part is not None
    names = ("gain", "network", "latitude", "start", "steps")
    assert all(part[name].width <= NARROW * DPI for name in names)


def test_without_scores_of_the_planet_there_is_no_part(inputs: ReportInputs) -> None:
    assert planet.part(inputs, Gallery()) is None
    assert planet.part(replace(inputs, planet=xr.Dataset(attrs={"skipped": "no source"})), Gallery()) is None
    page = pages.environment().from_string(PARTIAL).render(planet=None, root="", embed=False)
    assert not page.strip()


@pytest.mark.parametrize(("ridge", "said"), [(0.9, "lower one month ahead"), (1.1, "higher one month ahead")])
def test_answer_follows_the_sign_of_the_difference(ridge: float, said: str) -> None:
    assert said in planet.answer(with_ratios(ridge, ridge), ("ridge-planet", SIMPLE))


@pytest.mark.parametrize(
    ("ridge", "said"),
    [
        (0.94, "one month ahead with other windows and trends (\N{MINUS SIGN}9.1%)"),
        (0.5, "one month ahead with the planet's field ("),
    ],
)
def test_the_largest_step_is_named(ridge: float, said: str) -> None:
    assert said in planet.steps_text(with_ratios(ridge, ridge))


def test_without_the_steps_their_figure_is_left_out(with_planet: ReportInputs) -> None:
    part = planet.part(replace(with_planet, planet=with_planet.planet.drop_dims("step")), Gallery())
    assert part is not None
    assert part["steps"] is None
    page = pages.environment().from_string(PARTIAL).render(planet=part, root="", embed=False)
    assert "Where the gain comes from" not in page


@pytest.mark.parametrize(
    ("lstm", "said"), [(0.902, "is within 1% of that"), (0.8, "differs from that of"), (0.99, "differs from that of")]
)
def test_a_network_is_news_from_one_percent_on(lstm: float, said: str) -> None:
    text = planet.network_answer(with_ratios(0.9, lstm), ("lstm-planet", "ridge-planet"))
    assert said in text


def test_goals_are_missed_where_the_numbers_miss_them() -> None:
    rows = {ratio: planet.goal_table(with_ratios(ratio, ratio)).rows[0] for ratio in (0.9, 1.1)}
    verdicts = {ratio: [cell.note.rpartition(": ")[2] for cell in row[1:]] for ratio, row in rows.items()}
    assert verdicts[0.9] == ["reached"] * 5
    assert verdicts[1.1] == ["missed", "reached", "reached", "missed", "missed"]
    text = planet.goals_text(with_ratios(1.1, 1.1))
    assert text.startswith("The planet's ridge regression reaches four of ten goals.")


def test_a_block_without_a_goal_on_the_area_is_not_judged_by_it(with_planet: ReportInputs) -> None:
    compared = with_planet.planet.assign_coords(block=["1", "1-12", "13-60"])
    params = with_planet.params
    score = params.score.model_copy(update={"blocks": {"1": (1, 1), "1-12": (1, 12), "13-60": (13, 60)}})
    inputs = replace(with_planet, planet=compared, params=params.model_copy(update={"score": score}))
    far = planet.goal_table(inputs).rows[2]
    assert far[0].note == "13 to 60 months ahead"
    assert far[-1].note == "<\N{NO-BREAK SPACE}1%: reached"
    assert far[-2].note == "no goal"
    assert "reaches 14 of 14 goals" in planet.goals_text(inputs)


def test_maps_draw_what_their_file_holds(with_planet: ReportInputs) -> None:
    pair, block = ("ridge-planet", SIMPLE), "1-12"
    drawing = figures.map_drawing(with_planet.planet, pair, {name: name for name in BLOCKS}, "map", None)
    own = with_planet.planet.isel(pair=0).sel(block=block)
    np.testing.assert_allclose(drawing.data[f"percent_saved_{block}"], 100 * (1 - own["ratio"]), atol=0.051)
    assert drawing.data[f"different_{block}"].tolist() == (own["p_fdr"] < 0.10).astype(int).values.tolist()
    row = drawing.data[(drawing.data["lat"] == 15) & (drawing.data["lon"] == -60)]
    assert len(row) == 1


def test_zones_without_cells_are_left_out(with_planet: ReportInputs) -> None:
    without = with_planet.planet.copy()
    without["zone_crps"] = without["zone_crps"].where(without["zone"] != "tropics")
    drawing = figures.start_drawing(without, ("ridge-planet", SIMPLE))
    assert "tropics" not in drawing.data["zone"].to_list()
    assert "n/a" not in drawing.caption


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0%"), (0.0002, "less than 0.1%"), (0.021, "2.1%"), (0.4, "40%"), (1.0, "100%")]
)
def test_small_shares_are_not_rounded_to_nothing(share: float, said: str) -> None:
    assert figures.share_of_area(share) == said
