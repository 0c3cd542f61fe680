"""Panels: every region of a source, from its file to a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import xarray as xr
import yaml
from shapely.geometry import box

from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf
from climate.forecasters.registry import make
from climate.hindcast import panels
from climate.hindcast.panels import Panel, cut_panel, last_month, panel_origins, reasons_not_counted, score_panel
from climate.hindcast.rolling import backtest
from climate.parallel.tasks import ALONE
from climate.params.params import Params, load_params, parse_params
from climate.params.regions import HarmonizeParams
from climate.params.sections import BacktestParams, PanelDefinition, ScoreParams
from climate.report.atlas import PanelInputs, render, render_skipped
from climate.schema import TIME_DTYPE
from climate.stages import panel_page
from climate.stages import panels as stage
from climate.stages import pull as pull_stage
from climate.verify.contest import choose_opponents
from climate.verify.losses import cell_scores
from tests import records
from tests.conftest import ROOT

BASE = HarmonizeParams(baseline=(1961, 1990), baseline_min_years=20, min_coverage=0.5)
DEFINITION = PanelDefinition(title="Some places", source="somewhere", shapes="natural-earth")
PLAN = BacktestParams(first_origin="2005-12", every=6, origins=5, leads=12, min_history=240, refit_every=24)
START, MONTHS = np.datetime64("1955-01", "M"), 700
BLOCKS = {"1": [1, 1], "1-12": [1, 12]}


def table(names: list[str], seed: int = 1) -> xr.Dataset:
    generator = np.random.default_rng(seed)
    season = 8 * np.sin(2 * np.pi * np.arange(MONTHS) / 12)
    values = 10 + season + generator.normal(size=(len(names), MONTHS)) + 0.002 * np.arange(MONTHS)
    return xr.Dataset(
        {"value": (("series", "time"), values)},
        coords={"series": names, "time": (START + np.arange(MONTHS)).astype(TIME_DTYPE)},
        attrs={"units": "degC", "quantity": "temperature", "kind": "absolute"},
    )


def grid() -> xr.Dataset:
    lat, lon = np.arange(-87.5, 90, 5.0), np.arange(0, 360, 5.0)
    generator = np.random.default_rng(2)
    values = generator.normal(size=(MONTHS, lat.size, lon.size))
    return records.grid(values, (START + np.arange(MONTHS)).astype(TIME_DTYPE), lat, lon)


def shapes() -> geopandas.GeoDataFrame:
    boxes = {"North": box(10, 20, 60, 60), "South": box(-60, -50, -20, -10), "Pinhead": box(0.1, 0.1, 0.10001, 0.10001)}
    return geopandas.GeoDataFrame({"name": list(boxes), "key": list("NSP")}, geometry=list(boxes.values()), crs=4326)


def run_params(definition: PanelDefinition) -> Params:
    """Parameters of one panel with few origins."""
    params = load_params(ROOT / "params.yaml")
    blocks = {name: (first, last) for name, (first, last) in BLOCKS.items()}
    return params.model_copy(
        update={
            "panels": {"some": definition},
            "backtest": PLAN,
            "compute": ALONE,
            "score": params.score.model_copy(update={"blocks": blocks}),
        }
    )


def scored(record: xr.Dataset, definition: PanelDefinition = DEFINITION) -> tuple[xr.Dataset, Panel]:
    panel, params = cut_panel(record, definition, shapes(), BASE), run_params(definition)
    return score_panel("some", panel, stage.make_forecasters("some", definition.models)[0], params), panel


def test_scores_are_those_of_each_place_alone() -> None:
    record = table(["Here", "There", "Elsewhere"])
    record["value"][1, :100] = np.nan
    record["value"][2, 650] = np.nan
    scores, panel = scored(
        record, DEFINITION.model_copy(update={"models": ("seasonal-naive", "trend-ar1", "persistence")})
    )
    months = panel.dataset["time"].values.astype("datetime64[M]")
    first = np.flatnonzero(months == np.datetime64(scores.attrs["first_origin"], "M"))[0]
    wanted = [panel.dataset["time"].values[first + PLAN.every * step] for step in range(PLAN.origins)]
    for place in ("Here", "There", "Elsewhere"):
        one = panel.dataset[["value"]].sel(series=place, drop=True)
        known = np.flatnonzero(np.isfinite(one["value"].values))
        one = one.isel(time=slice(known[0], None)).assign_attrs(region=place, units="degC")
        models = [make(str(name)) for name in scores["model"].values]
        cells = cell_scores(
            backtest(one, None, models, wanted, PLAN.leads, 24, compute=ALONE).isel(origin=slice(0, -1))
        )
        for name, variable in (("crps", "crps"), ("covered90", "covered90")):
            alone = cells[variable].mean(("origin", "lead")).values
            np.testing.assert_allclose(scores[name].sel(series=place, block="1-12").values, alone, rtol=1e-6)


def test_scores_do_not_depend_on_how_regions_are_dealt_out(monkeypatch: pytest.MonkeyPatch) -> None:
    record = table(list("abcdefg"))
    whole = scored(record)[0]
    monkeypatch.setattr(panels, "REGIONS_PER_TASK", 2)
    xr.testing.assert_allclose(scored(record)[0], whole, rtol=1e-9)


def test_continents_twins_and_copies_are_marked() -> None:
    names = [
        "Africa",
        "Denmark",
        "Denmark (Europe)",
        "Guernsey",
        "Jersey",
        "Congo",
        "Congo (Brazzaville)",
    ]
    record = table(names)
    record["value"][4] = record["value"][3]
    marks = dict(zip(names, reasons_not_counted(record), strict=True))
    assert marks == {
        "Africa": "continent",
        "Denmark": "",
        "Denmark (Europe)": "twin of Denmark",
        "Guernsey": "",
        "Jersey": "same values as Guernsey",
        "Congo": "",
        "Congo (Brazzaville)": "",
    }


def test_places_that_cannot_be_forecast_are_named() -> None:
    record = table(["Good", "Empty", "Young", "Old"])
    record["value"][1] = np.nan
    record["value"][2, :500] = np.nan
    record["value"][3, 600:] = np.nan
    scores, _ = scored(record)
    assert scores["series"].values.tolist() == ["Good"]
    reasons = dict(zip(scores["skipped"].values.tolist(), scores["reason"].values.tolist(), strict=True))
    assert "found 0 Jan values in the baseline" in reasons["Empty"]
    assert set(reasons) == {"Empty", "Young", "Old"}
    assert "ends in 2004-12, before the last origin" in reasons["Old"]
    record["value"][[0, 3]] = np.nan
    with pytest.raises(ClimateError, match="panel 'Some places'"):
        scored(record)


def test_last_origin_is_a_year_before_most_records_end() -> None:
    record = table(["a", "b", "c"])
    record["value"][:2, -1] = np.nan
    assert last_month(record["value"]) == START + MONTHS - 2
    wanted = panel_origins(DEFINITION, PLAN, record["value"])
    assert (len(wanted), wanted[-1]) == (5, START + MONTHS - 2 - 12)
    late = START + MONTHS - 2 - 12 - 8
    assert panel_origins(DEFINITION, PLAN, record["value"], late) == wanted[-2:]
    own = DEFINITION.model_copy(update={"first_origin": str(late + 1)})
    assert panel_origins(own, PLAN, record["value"]) == [late + 1, late + 7]
    with pytest.raises(ClimateError, match="no origin between"):
        panel_origins(own.model_copy(update={"first_origin": "2050-01"}), PLAN, record["value"])


def test_months_before_the_start_are_not_used() -> None:
    panel = cut_panel(table(["a"]), DEFINITION.model_copy(update={"start": "1960-01"}), shapes(), BASE)
    assert str(panel.dataset["time"].values[0])[:7] == "1960-01"
    assert panel.dataset.sizes["time"] == MONTHS - 60


def test_polygons_of_a_grid_are_places() -> None:
    scores, panel = scored(grid())
    assert scores["series"].values.tolist()[:2] == ["North", "South"]
    assert scores.attrs["cut_out"] == 1
    assert panel.dataset["latitude"].sel(series="North") == 40


def test_losses_per_origin_average_to_the_score() -> None:
    """Where no month is missing and every origin reaches the last lead of the block."""
    scores, panel = scored(table(["North", "South"]))
    assert scores["loss"].dims == ("series", "model", "block", "origin")
    for block, (_, last) in BLOCKS.items():
        loss = scores["loss"].sel(block=block)
        counted = loss.notnull().all(("series", "model")).values
        reached = scores["origin"].values.astype("datetime64[M]") + last <= panel.dataset["time"].values[-1]
        assert counted.tolist() == reached.tolist()
        if counted.all():
            np.testing.assert_allclose(loss.mean("origin"), scores["crps"].sel(block=block))
    assert (scores["area"] > 0).all()


def test_covariates_reach_the_models_of_a_panel() -> None:
    made = table(["North", "South"])
    index = np.random.default_rng(4).standard_normal((made.sizes["time"], 1))
    covariates = xr.Dataset(
        {"covariate": (("time", "predictor"), index)}, coords={"time": made["time"].values, "predictor": ["nino34"]}
    )
    panel = cut_panel(made, DEFINITION, shapes(), BASE)
    same, other = (
        score_panel("some", panel, [make("ridge-enso")], run_params(DEFINITION), covariates=one)
        for one in (covariates, -3 * covariates**2)
    )
    assert not np.allclose(same["crps"], other["crps"])


def score_params() -> ScoreParams:
    return ScoreParams(blocks=BLOCKS, reference="seasonal-naive", significance=0.05)


def test_page_has_a_row_for_every_place_and_the_same_bytes_twice(tmp_path: Path) -> None:
    record = table(["North", "South", "Africa", "Nowhere"])
    scores, _ = scored(record)
    entry = {"title": "Somewhere", "vintage": "2020", "citation": "Somebody (2020).", "licence": "CC BY 4.0"}
    opponents = choose_opponents({}, {"any": "temperature"}, ["trend-ar1"], score_params().blocks)
    inputs = PanelInputs(score_params(), scores, shapes(), entry, opponents)
    page = render(inputs, tmp_path / "one").read_text(encoding="utf-8")
    assert page == render(inputs, tmp_path / "two").read_text(encoding="utf-8")
    assert len(re.findall(r'<th scope="row"', page)) == 4
    assert "in 3 places" in page or "of 3 places" in page
    assert "continent" in page
    assert "Somebody (2020)." in page
    assert "http" not in re.sub(r'href="https?://[^"]*"', "", page)
    for name in ("figures/crps.png", "data/crps.csv", "data/scores.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "was skipped: no data" in render_skipped("Some", "no data", tmp_path / "three").read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": "kaggle-countries"},
            "panels.here needs source 'kaggle-countries', which is not under pull.sources",
        ),
        ({"first_origin": "1985-01"}, "harmonize.baseline ends in 1990-12, after the first origin 1985-01"),
        ({"title": ""}, "panels.here.title"),
    ],
)
def test_wrong_entries_are_named(change: dict[str, Any], message: str) -> None:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["panels"] = {"here": {"title": "Here", "source": "ncep-air", "shapes": "natural-earth"} | change}
    with pytest.raises(ClimateError, match=re.escape(message)):
        parse_params(raw, Path("params.yaml"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("key", "source", "places", "left_out"),
    [
        ("kaggle-countries", "kaggle-countries", 242, ["Antarctica"]),
        ("kaggle-cities", "kaggle-major-cities", 100, []),
    ],
)
def test_kaggle_sets_run_by_one_entry(
    key: str,
    source: str,
    places: int,
    left_out: list[str],
    mirror: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All entries of the download, with two origins, from the user's own file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIMATE_MIRROR", str(mirror))
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    files = {"kaggle-countries": "ByCountry", "kaggle-major-cities": "ByMajorCity"}
    own = mirror / f"kaggle/GlobalLandTemperatures{files[source]}.csv"
    raw["pull"]["sources"][source] = {"vintage": "latest", "path": str(own)}
    raw["panels"] = {key: {"title": "From Kaggle", "source": source, "shapes": "natural-earth"}}
    raw["backtest"] |= {"origins": 2, "leads": 12}
    raw["score"]["blocks"] = BLOCKS
    raw["compute"] = {"workers": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    for name in (source, "natural-earth"):
        pull_stage.run(name)
    (tmp_path / "downloads").rename(tmp_path / "data")
    stage.run(key)
    scores = read_netcdf(paths.panel_file(key))
    assert scores.sizes["series"] == places
    assert scores["skipped"].values.tolist() == left_out
    assert scores.attrs["last_origin"] == "2012-08"
    assert np.isfinite(scores["crps"]).all()
    if key == "kaggle-countries":
        marked = dict(zip(scores["series"].values.tolist(), scores["mark"].values.tolist(), strict=True))
        assert marked["Europe"] == "continent"
        assert marked["Denmark (Europe)"] == "twin of Denmark"
        assert sum(mark == "continent" for mark in marked.values()) == 6
    panel_page.run(key)
    page = (paths.PANEL_PAGES / key / "index.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<th scope="row"', page)) == places


def test_unknown_panels_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(ClimateError, match="unknown panel 'nowhere': expected a key of `panels`"):
        stage.run("nowhere")
