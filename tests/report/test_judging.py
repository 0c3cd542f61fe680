"""Observation error, seeds, calibration, the simulation of the tests, and the pages that show them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from benchmarks.simulation import block_losses, simulate, verified_origins
from climate import paths
from climate.files import read_json
from climate.forecasters.base import FloatArray, Seeded
from climate.forecasters.combine.ensemble import join_tables
from climate.hindcast.rolling import backtest, origins
from climate.params.params import load_params
from climate.params.regions import RegionDefinition
from climate.report import judging, projection, words
from climate.report.assessed import ASSESSED, on_record
from climate.report.figures import projection as figures
from climate.report.figures.base import Drawing
from climate.report.figures.judging import pit_table
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs, same_design
from climate.report.pages import frame, page_text
from climate.scenario.forcing import annual_means
from climate.scenario.projection import project_regions
from climate.schema import QUANTILES
from climate.verify.across_regions import join_scores
from climate.verify.losses import cell_scores, crps_from_quantiles
from climate.verify.scores import score, score_seeds, score_widened
from tests.conftest import ROOT
from tests.records import months
from tests.scenario.test_projection import co2, pathways
from tests.tables import forecast_table

BLOCKS = {"1": (1, 1), "1-12": (1, 12)}


def table(origins: int, seed: int = 0, leads: int = 12) -> xr.Dataset:
    """Two models, one calibrated and one too sharp, of a record of white noise."""
    random = np.random.default_rng(seed)
    centre = random.standard_normal((origins, leads))
    observed = centre + random.standard_normal((origins, leads))
    forecast = np.stack([centre[..., None] + spread * norm.ppf(QUANTILES) for spread in (1.0, 0.5)])
    return forecast_table(forecast, observed, ["trend-ar1", "lstm-direct"], months("2000-01", 6 * origins)[::6])


def test_widened_scores_stand_beside_and_repair_the_coverage() -> None:
    made = table(200)
    certain = xr.full_like(made["observed"], 0.0)
    doubted = xr.full_like(made["observed"], np.sqrt(0.75))  # what a deviation of 0.5 lacks to 1
    plain, none = score_widened(made, certain, BLOCKS), score_widened(made, certain * np.nan, BLOCKS)
    assert none["crps_widened"].isnull().all()
    cells = cell_scores(made)["crps"].sel(lead=slice(1, 12)).mean(("origin", "lead"))
    np.testing.assert_allclose(plain["crps_widened"].sel(block="1-12"), cells)
    repaired = score_widened(made, doubted, BLOCKS).sel(model="lstm-direct", block="1-12")
    assert float(plain["coverage90_widened"].sel(model="lstm-direct", block="1-12")) < 0.7
    assert float(repaired["coverage90_widened"]) == pytest.approx(0.9, abs=0.03)


@dataclass(frozen=True)
class Single:
    """A forecaster without seeds: the mean of three networks, each a unit apart."""

    name: str = "trend-ar1"
    parameters: int = 6
    fallbacks: int = 0

    def fit(self, _: xr.Dataset) -> Self:
        return self

    def three(self, history: xr.Dataset, leads: int) -> FloatArray:
        last = float(history["value"][0, -1])
        table = np.broadcast_to(norm.ppf(QUANTILES), (1, leads, len(QUANTILES)))
        return np.asarray(last + np.arange(3.0)[:, None, None, None] + table)

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        return self.three(history, leads).mean(axis=0)


@dataclass(frozen=True)
class ThreeSeeds(Single, Seeded):
    """The same with its seeds."""

    name: str = "lstm-direct"

    def seed_hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        return np.stack([self.three(history.isel(time=slice(0, end)), leads) for end in ends], axis=2)


def test_seeds_are_kept_scored_and_left_behind() -> None:
    time = months("1980-01", 384)
    series = xr.Dataset({"value": ("time", np.random.default_rng(1).standard_normal(time.size))}, {"time": time})
    kept = backtest(series, None, [ThreeSeeds(), Single()], origins("2005-12", 6, 6), 12, 12)
    assert kept["seeds"].sel(model="trend-ar1").isnull().all()
    seeds = kept["seeds"].sel(model="lstm-direct")
    np.testing.assert_allclose(seeds.mean("seed"), kept["forecast"].sel(model="lstm-direct"), rtol=1e-6)
    found = score_seeds(kept, kept, BLOCKS)
    assert found["model"].values.tolist() == ["lstm-direct"]
    expected = [
        np.mean([crps_from_quantiles(seeds[seed, origin, 0], kept["observed"][origin, 0]) for origin in range(6)])
        for seed in range(3)
    ]
    np.testing.assert_allclose(found["crps_seed"].sel(block="1", model="lstm-direct"), expected)
    whole = cell_scores(kept)["crps"].sel(model="lstm-direct", lead=1).mean()
    assert float(found["crps_seed_mean"].sel(block="1", model="lstm-direct")) == pytest.approx(float(whole), rel=1e-5)
    assert "seeds" not in join_tables([kept])
    assert "seeds" not in backtest(series, None, [Single()], origins("2005-12", 6, 2), 12, 12)
    assert not score_seeds(kept, kept.drop_vars("seeds"), BLOCKS)


def test_pit_of_a_calibrated_and_of_a_sharp_model() -> None:
    made = table(300, seed=3)
    scored = score(
        made, made.rename(origin="time").isel(lead=0).rename(observed="value")[["value"]], BLOCKS, "trend-ar1"
    )
    data = pit_table(scored, ["here"], ["trend-ar1", "lstm-direct"], (1, 12)).set_index("model")
    assert data.loc["trend-ar1", "density"].between(0.85, 1.15).all()
    sharp = data.loc["lstm-direct", "density"].to_numpy()
    assert sharp[0] > 2
    assert sharp[-1] > 2
    np.testing.assert_allclose(data.groupby("model")["share"].sum(), 1)


def test_simulated_losses_have_the_stated_ratio() -> None:
    losses = block_losses(np.random.default_rng(5), np.array([0.8, 1.0]), 0.5, 39, 6, (1, 12))
    assert losses[:, 0].mean() / losses[:, 1].mean() == pytest.approx(0.8, abs=0.02)
    assert [verified_origins(231, 1, last) for last in (1, 12, 60)] == [231, 231, 183]
    assert verified_origins(39, 6, 60) == 31


def test_simulation_tells_size_from_power_and_is_the_same_twice() -> None:
    first, again = (simulate(39, 6, {"1-12": (1, 12)}, 0.05) for _ in range(2))
    assert first.identical(again)
    one = first.sel(block="1-12", memory=0.5)
    assert 0.87 <= float(one["covered"].sel(ratio=1.0)) <= 0.93
    assert float(one["rejected"].sel(ratio=1.0)) < 0.07
    assert float(one["rejected"].sel(ratio=0.8)) > 0.5


def test_committed_intervals_hold_what_they_say() -> None:
    """By the committed simulation, the nominal 90% within 87 to 93 in every block that a hypothesis is about.

    Averaged over the true ratios, on which coverage does not depend: one alone has a sampling error of 0.6 points.
    """
    committed, score = xr.Dataset.from_dict(read_json(ROOT / paths.SIMULATION)), load_params(ROOT / "params.yaml").score
    judged = sorted({one.block for one in score.hypotheses.values()})
    held = committed["covered"].sel(block=judged).mean("ratio")
    assert ((held >= 0.87) & (held <= 0.93)).all()


def test_committed_simulation_is_of_the_design_of_the_parameters() -> None:
    """Else the report leaves it out: run `python -m benchmarks.simulation`."""
    committed, params = xr.Dataset.from_dict(read_json(ROOT / paths.SIMULATION)), load_params(ROOT / "params.yaml")
    assert same_design(committed, params) is not None
    for section, key, value in (("backtest", "every", 7), ("score", "significance", 0.01)):
        own = getattr(params, section).model_copy(update={key: value})
        assert same_design(committed, params.model_copy(update={section: own})) is None


def projected(series: xr.Dataset) -> dict[str, xr.Dataset]:
    """What the stage writes, of sample records."""
    both = pathways().assign_coords(scenario=["ssp119", "ssp585"])
    return project_regions({"globe": annual_means(series)}, both, co2(), "mauna-loa-co2", 2050, [1990])


def with_globe(inputs: ReportInputs) -> ReportInputs:
    """The same with the region `globe` as a box around the Earth."""
    box = {"lat": [-90, 90], "lon": [-180, 180]}
    globe = RegionDefinition.model_validate({"title": "The globe", "source": "ncep-air", "box": box})
    regions = inputs.params.regions | {"globe": globe}
    return replace(inputs, params=inputs.params.model_copy(update={"regions": regions}))


def test_the_globe_stands_beside_the_assessed_warming(inputs: ReportInputs) -> None:
    result = projected(inputs.series["globe"])["temperature"]
    assert projection.assessed_table(inputs, result) is None  # no region of the samples is a box
    table = projection.assessed_table(with_globe(inputs), result)
    assert table is not None
    change = float(result["last_decade"].sel(region="globe", scenario="ssp585", quantile=0.5))
    recent = float(result["observed"].sel(region="globe", past=slice(1995, 2014)).mean())
    ((_, own, assessed),) = [row for row in table.rows if row[0].text == "SSP5-8.5"]
    assert own.text.startswith(words.number(change - recent + 0.85, 1, True))
    assert assessed.text == "+2.4 (+1.9 to +3.0)"


def test_assessed_ranges_are_put_onto_the_record_where_years_and_place_are_assessed(inputs: ReportInputs) -> None:
    projections = projected(inputs.series["globe"])["temperature"]
    result = projections.sel(region="globe")
    recent = float(result["observed"].sel(past=slice(1995, 2014)).mean())
    ranges = on_record(with_globe(inputs), "globe", result)
    assert {(one.first, one.last) for one in ranges} == {(2021, 2040), (2041, 2060)}  # projections end in 2050
    assert {one.scenario for one in ranges} == {"ssp119", "ssp585"}
    (mid,) = [one for one in ranges if (one.first, one.scenario) == (2041, "ssp585")]
    above_recent = np.array([mid.low, mid.best, mid.high]) - recent
    np.testing.assert_allclose(above_recent, np.array([1.9, 2.4, 3.0]) - 0.85)
    drawing = figures.fans_figure(with_globe(inputs), projections, "globe")
    assert "table SPM.1" in drawing.caption
    assert drawing.data["assessed"].notna().sum() == len(ranges)
    assert len({axes.get_ylim() for axes in drawing.figure.axes if axes.get_visible()}) == 1

    elsewhere = figures.fans_figure(inputs, projections, "globe")  # no region of the samples is a box
    assert "SPM" not in elsewhere.caption
    later = result.assign_coords(past=result["past"] + 40)  # begins after 1995
    assert on_record(with_globe(inputs), "globe", later) == []
    assert on_record(with_globe(inputs), "globe", result.assign_coords(year=result["year"] + 200)) == []


@pytest.mark.parametrize("period", ASSESSED)
def test_assessed_ranges_hold_their_best_estimate_and_rise_with_the_pathway(period: tuple[int, int]) -> None:
    values = np.array([ASSESSED[period][name] for name in ("ssp119", "ssp126", "ssp245", "ssp370", "ssp585")])
    assert (np.diff(values, axis=1) > 0).all()
    assert (np.diff(values, axis=0) >= 0).all()


def test_a_region_with_a_caveat_is_named_with_its_reason(inputs: ReportInputs) -> None:
    both = pathways().assign_coords(scenario=["ssp119", "ssp585"])
    means = annual_means(inputs.series["globe"])
    made = project_regions({"globe": means}, both, co2(), "mauna-loa-co2", 2050, [1990], {"kiel": "in doubt: no"})
    assert made["temperature"]["region"].values.tolist() == ["globe"]
    assert projection.left_out(inputs, made["temperature"]) == [(inputs.title_of("kiel"), "in doubt: no")]


@dataclass
class Kept(Gallery):
    """A gallery that keeps drawings undeveloped."""

    drawn: dict[str, Drawing] = field(default_factory=dict)

    def add(self, drawing: Drawing | None, _: str) -> None:
        assert drawing is not None
        self.drawn[drawing.name] = drawing


def test_pages_show_it_all(inputs: ReportInputs) -> None:
    blocks = inputs.params.score.blocks
    scored = []
    for region, made in inputs.forecasts.items():
        seeds = made[["forecast"]].sel(model=["lstm-direct"]).rename(forecast="seeds").drop_vars("valid_time")
        seeds = xr.concat([seeds["seeds"], seeds["seeds"] + 0.1], "seed").to_dataset()
        one = score(made, inputs.series[region], blocks, "seasonal-naive")
        opponent = xr.DataArray(["trend-ar1"] * len(blocks), dims="block", coords={"block": list(blocks)})
        one = one.assign(opponent=opponent.expand_dims(region=[region]))
        scored.append(one.merge(score_seeds(made, seeds, blocks).expand_dims(region=[region]), join="left"))
    joined = join_scores(scored)
    cost = {"model": "lstm-direct", "fit_seconds": 12.5, "forecast_seconds": 0.25}
    full = replace(
        inputs,
        scores=joined,
        projection=projected(inputs.series["globe"]),
        simulation=simulate(8, 6, blocks, 0.05),
        cost={"date": "2026-01-01", "machine": "an abacus", "region": "globe", "models": [cost]},
    )
    gallery = Kept()
    shown = judging.page(full, gallery, "") | {"region": judging.region_pictures(full, "globe", gallery, "")}
    expected = {"reliability", "pit", "seed-spread", "test-power", "globe-pit", "globe-interval-parts"}
    assert "an abacus" in shown["cost_text"]
    assert re.search(r"beats the best seed in \w+ of three", shown["seed_text"])
    assert "On simulated records the 90% interval contains" in shown["simulation_text"]
    assert [row[2].text for row in shown["cost"].rows if row[0].text == "LSTM"] == ["12"]
    places = [
        {"name": region, "title": "", "forecast": None, "projection": projection.region_part(full, region, gallery)}
        for region in full.regions
    ]
    told = projection.page(full, gallery)
    expected |= {"globe-projection", "projection-co2", "projection-changes", "projection-hindcasts"}
    assert expected <= set(gallery.drawn)
    assert "SSP5-8.5" in told["standfirst"]
    context = frame(span="", standfirst="") | {"inputs": full, "title": "", "places": places, "skipped": {}}
    text = page_text("forecasts.html.j2", context | {"projection": told})
    assert "nan" not in re.sub("<[^>]*>", "", text).lower().split()
    for drawing in gallery.drawn.values():
        assert drawing.alt
        assert not drawing.data.empty
        assert "nan" not in drawing.caption


def test_pages_without_projection_say_so(inputs: ReportInputs) -> None:
    gallery = Kept()
    skipped = replace(inputs, projection={"temperature": xr.Dataset(attrs={"skipped": "no pathways"})})
    assert all(projection.region_part(skipped, region, gallery) is None for region in inputs.regions)
    assert projection.page(skipped, gallery) == {"skipped": "no pathways"}
    assert "not run" in projection.page(inputs, gallery)["skipped"]
    assert not gallery.drawn
