"""The report: what its sentences say, that its pages hold together, and that its data are what is drawn."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from PIL import Image

from climate.errors import ClimateError
from climate.harmonize.splice import join_seams
from climate.parallel.tasks import run_tasks
from climate.params.sections import ComputeParams
from climate.report import words
from climate.report.evidence import seam_table
from climate.report.figures import contest, forecast, membership, places, record, scores, stripes
from climate.report.figures.base import reduce_colours
from climate.report.figures.seams import seam_figures
from climate.report.inputs import ReportInputs
from climate.report.numbers import annual_means, contests, periods, running_mean, trend
from climate.report.palette import style_of
from climate.report.site import all_contests, draw_place, render
from climate.report.source_pages import seam_places
from climate.report.text import record as record_text
from climate.report.text import standfirst, verdict, winners
from climate.schema import QUANTILES, TIME_DTYPE
from climate.verify.strata import EL_NINO, NEUTRAL, group_scores, join_groups
from tests.conftest import ROOT
from tests.promised import of_other_stages

MODEL_NAMES = ["seasonal-naive", "trend-ar1", "sarima", "ridge-enso", "lstm-tutorial", "lstm-direct"]
LEADS, ORIGINS = 24, 8
BLOCKS = {"1": [1, 1], "1-12": [1, 12], "13-24": [13, 24]}
SHARPNESS = {"seasonal-naive": 1.6, "trend-ar1": 1.0, "sarima": 1.1, "ridge-enso": 0.95, "lstm-tutorial": 4.0}
VOID = {"meta", "link", "img", "br", "hr", "input"}


def make_series(region: str, title: str, quantity: str = "temperature") -> xr.Dataset:
    """A record from 1958-03 to 2026-02 with two collection periods and four interpolated months."""
    months = np.arange("1958-03", "2026-03", dtype="datetime64[M]")
    random = np.random.default_rng(sum(region.encode()))
    t = np.arange(months.size) / 12
    if quantity == "temperature":
        value = 0.02 * t - 0.3 + 0.3 * random.standard_normal(t.size)
        attrs = {"units": "degC", "kind": "anomaly", "baseline": "1961-1990", "long_name": "air temperature"}
    else:
        value = 315 + 1.1 * t + 0.012 * t**2 + 3 * np.sin(2 * np.pi * t) + 0.2 * random.standard_normal(t.size)
        attrs = {"units": "ppm", "kind": "absolute", "baseline": "", "long_name": "CO2 mole fraction"}
    early = months < np.datetime64("1974-05")
    interpolated = np.zeros(t.size, dtype=bool)
    interpolated[70:74] = True
    return xr.Dataset(
        {
            "value": ("time", value),
            "uncertainty": ("time", np.where(early, np.nan, 0.05)),
            "source": ("time", np.where(early, "old-source", "new-source").astype(object)),
            "site": ("time", np.full(t.size, "somewhere", dtype=object)),
            "period": ("time", np.where(early, "Early network", "Modern network").astype(object)),
            "interpolated": ("time", interpolated),
        },
        coords={"time": months.astype(TIME_DTYPE)},
        attrs=attrs | {"region": region, "title": title, "quantity": quantity, "sources": "old-source,new-source"},
    )


def make_table(series: xr.Dataset) -> xr.Dataset:
    """Forecasts whose spread and centre are right but for a factor; the last origin is the issued forecast."""
    values, months = series["value"].values, series["time"].values.astype("datetime64[M]")
    last = months.size - 1
    places = [*(last - LEADS - 6 * k for k in reversed(range(ORIGINS))), last]
    position = np.array(places)[:, None] + np.arange(1, LEADS + 1)
    observed = np.where(position <= last, values[np.minimum(position, last)], np.nan)
    random = np.random.default_rng(5)
    truth = np.where(np.isfinite(observed), observed, values[-12:].mean())
    deviates = np.array([-1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645])
    scale = float(np.std(np.diff(values)))
    forecasts = []
    for model in MODEL_NAMES:
        spread = scale * SHARPNESS.get(model, 0.97) * np.sqrt(np.arange(1, LEADS + 1))[None, :, None] / 4
        noise = random.standard_normal(truth.shape)[..., None]
        forecasts.append(truth[..., None] + spread * (noise + deviates))
    return xr.Dataset(
        {
            "forecast": (("model", "origin", "lead", "quantile"), np.stack(forecasts)),
            "observed": (("origin", "lead"), observed),
            "parameters": ("model", [0, 15, 8, 40, 4000, 5000]),
            "refit_every": ("model", [24, 24, 24, 24, 60, 60]),
        },
        coords={
            "model": np.array(MODEL_NAMES, dtype=object),
            "origin": months[places].astype(TIME_DTYPE),
            "lead": np.arange(1, LEADS + 1),
            "quantile": list(QUANTILES),
            "valid_time": (
                ("origin", "lead"),
                (months[0] + position * np.timedelta64(1, "M")).astype(TIME_DTYPE),
            ),
        },
        attrs={"region": series.attrs["region"], "title": series.attrs["title"], "units": series.attrs["units"]},
    )


def make_scores(ratios: dict[str, float], p: dict[str, float]) -> xr.Dataset:
    """Scores in which `lstm-direct` stands at a given ratio and p value per region; lstm-tutorial is far off."""
    regions, blocks = list(ratios), list(BLOCKS)
    base = np.array([1.5, 1.0, 1.1, 0.97, 4.0, np.nan])
    ratio = np.stack([np.where(np.isnan(base), ratios[region], base) for region in regions])
    by_block = np.repeat(ratio[:, :, None], len(blocks), axis=2)
    lead = np.sqrt(np.arange(1, LEADS + 1))
    by_lead = 0.1 * ratio[:, :, None] * lead
    tested = np.full(by_block.shape, 0.5)
    tested[:, MODEL_NAMES.index("lstm-direct"), :] = np.array([p[region] for region in regions])[:, None]
    dims = ("region", "model", "block")
    return xr.Dataset(
        {
            "crps": (dims, 0.1 * by_block),
            "mae": (dims, 0.14 * by_block),
            "rmse": (dims, 0.18 * by_block),
            "mase": (dims, 0.7 * by_block),
            "coverage90": (dims, np.full(by_block.shape, 0.88)),
            "n": (dims, np.full(by_block.shape, ORIGINS * LEADS)),
            "crps_skill_reference": (dims, 1 - by_block / 1.5),
            "crps_ratio_best": (dims, by_block),
            "crps_ratio_best_low": (dims, 0.93 * by_block),
            "crps_ratio_best_high": (dims, 1.07 * by_block),
            "dm_method": (("region", "block"), np.full((len(regions), len(blocks)), "hln", dtype=object)),
            "dm_p_reference": (dims, tested),
            "dm_p_best": (dims, tested),
            "crps_by_lead": (("region", "model", "lead"), by_lead),
            "mae_by_lead": (("region", "model", "lead"), 1.4 * by_lead),
            "coverage_by_lead": (("region", "model", "lead"), np.full(by_lead.shape, 0.85)),
            "best_classical": (
                ("region", "block"),
                np.full((len(regions), len(blocks)), "trend-ar1", dtype=object),
            ),
        },
        coords={"region": regions, "model": MODEL_NAMES, "block": blocks, "lead": np.arange(1, LEADS + 1)},
    )


def make_revisions() -> dict[str, Any]:
    """One source revised, one not, one that could not be had, one without an older vintage."""
    row = {
        **{"source": "old-source", "title": "The old record", "units": "ppm", "old": "2025-01", "new": "2026-02"},
        **{"shared": 1234, "revised": 12, "filled": 0, "filled_revised": 0, "rows_only_old": 0, "rows_only_new": 3},
        **{"mean_absolute": 0.05, "mean_change": 0.01, "largest": -0.21, "month": "2017-03", "place": "Mauna Loa"},
        **{"changed": "version: 1 -> 2", "words": [], "decades": [{"decade": 2010, "shared": 120, "revised": 12}]},
    }
    row["knew"] = {
        **{"origin": "2024-12", "units": "ppm", "model": "unobserved-components", "verified": 2, "revised_recent": 5},
        **{"change_recent": -0.02, "crps": {"then": 0.31, "now": 0.25}, "observed": [425.1, 426.2, None]},
        **{"then": [[424.0, 425.0, 426.0]] * 3, "now": [[424.1, 425.1, 426.1]] * 3},
        **{"scale_then": "WMO X2007", "scale_now": "WMO X2019"},
    }
    same = row | {"source": "new-source", "title": "The new record", "revised": 0, "largest": 0.0, "changed": ""}
    same["knew"] = row["knew"] | {"now": row["knew"]["then"]}
    same |= {"mean_absolute": None, "month": "", "place": "", "decades": [{"decade": 2010, "shared": 9, "revised": 0}]}
    refused = {"source": "lost-source", "old": "2024", "new": "2025", "reason": "registry: no answer"}
    return {"compared": [row, same], "refused": [refused], "alone": ["new-source"]}


def make_groups(series: dict[str, xr.Dataset]) -> xr.Dataset:
    """Scores of groups of the made-up tables; every other month is an El Nino."""
    parts = []
    for one in series.values():
        states = xr.DataArray(
            np.where(np.arange(one.sizes["time"]) % 2, EL_NINO, NEUTRAL).astype(object),
            dims="time",
            coords={"time": one["time"].values},
        )
        parts.append(group_scores(make_table(one), one, states, {"1-12": (1, 12)}))
    return join_groups(parts)


RATIOS = {"globe": 0.90, "kiel": 1.08, "mauna-loa-co2": 0.99}
P_VALUES = {"globe": 0.0005, "kiel": 0.001, "mauna-loa-co2": 0.62}


def make_seams() -> xr.Dataset:
    """One seam with an overlap of ten years."""
    months = np.arange("1974-01", "1984-01", dtype="datetime64[M]").astype(TIME_DTYPE)
    older = np.linspace(330.0, 344.0, months.size)
    return xr.Dataset(
        {
            "record": ("seam", ["co2-mauna-loa"]),
            "older": ("seam", ["old-source"]),
            "newer": ("seam", ["new-source"]),
            "join": ("seam", np.array(["1974-05"], dtype="datetime64[M]").astype(TIME_DTYPE)),
            "n": ("seam", [120]),
            "units": ("seam", ["ppm"]),
            "offset": ("seam", [0.12]),
            "offset_se": ("seam", [0.01]),
            "step": ("seam", [0.02]),
            "step_se": ("seam", [0.015]),
            "older_value": (("seam", "time"), older[None]),
            "newer_value": (("seam", "time"), older[None] + 0.12),
        },
        coords={"seam": ["co2-mauna-loa: old-source - new-source"], "time": months},
    )


def make_shapes() -> dict[str, geopandas.GeoDataFrame]:
    """Two square countries."""
    squares = [shapely.box(0, 0, 20, 20), shapely.box(-60, -30, -40, 0)]
    table = geopandas.GeoDataFrame({"name": ["Squareland", "Boxland"], "key": ["SQL", "BOX"]}, geometry=squares)
    return {"natural-earth": table}


def make_inputs(**changes: Any) -> ReportInputs:
    """Three regions, one for each outcome, one skipped region, two sources."""
    series = {
        "globe": make_series("globe", "The globe"),
        "kiel": make_series("kiel", "Kiel"),
        "mauna-loa-co2": make_series("mauna-loa-co2", "CO2 at Mauna Loa", "co2"),
    }
    provenance = [
        {
            "key": key,
            "title": f"The {key} <record> & more",
            "publisher": "A publisher",
            "version": "1",
            "vintage": "2026-02",
            "channel": channel,
            "status": "ok",
            "files": {"values.csv": {"url": "https://example.org/v.csv", "sha256": "ab" * 32, "bytes": 1234}},
            "licence": "CC0",
            "licence_url": "https://example.org/licence",
            "citation": "Somebody (2026)",
            "doi": "10.1234/5678",
            "homepage": "https://example.org",
            "reasons": ["mirror: no such file"],
        }
        for key, channel in (("old-source", "registry"), ("new-source", "mirror"))
    ]
    inputs = ReportInputs(
        title="Does the LSTM beat the simple model?",
        params={
            "score": {"blocks": BLOCKS, "reference": "seasonal-naive", "significance": 0.05},
            "backtest": {"every": 6},
            "regions": {name: {"title": one.attrs["title"]} for name, one in series.items()},
        },
        provenance=provenance,
        series=series,
        forecasts={name: make_table(one) for name, one in series.items()},
        scores=make_scores(RATIOS, P_VALUES),
        seams=make_seams(),
        breaks=xr.Dataset(
            {
                "record": ("break", ["kiel"]),
                "time": ("break", np.array(["1988-01"], dtype="datetime64[M]").astype(TIME_DTYPE)),
                "shift": ("break", [0.8]),
                "p_value": ("break", [0.0001]),
                "alone": ("break", [True]),
                "declared": ("break", [""]),
            }
        ),
        checks=[
            {"source": "old-source", "check": "no month twice", "status": "ok", "detail": ""},
            {"source": "new-source", "check": "rows never shrink", "status": "warning", "detail": "two fewer"},
        ],
        skipped={"atlantis": "its source is missing"},
        groups=make_groups(series),
        revisions=make_revisions(),
        readers={"old-source": "climate/sources/readers/gistemp.py"},
        architecture=(ROOT / "docs" / "architecture.md").read_text("utf-8"),
    )
    return replace(inputs, **changes)


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return make_inputs()


@pytest.fixture(scope="module")
def site(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(inputs, tmp_path_factory.mktemp("site")).parent


class Page(HTMLParser):
    """Tags with their attributes, and a complaint for each that is not closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        self.faults += [f"<{tag}> left open" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> at {self.getpos()} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


@pytest.fixture(scope="module")
def pages(site: Path) -> list[Page]:
    return [Page(path) for path in sorted(site.rglob("*.html"))]


def test_every_expected_page_is_written(inputs: ReportInputs, site: Path) -> None:
    found = {str(path.relative_to(site)) for path in site.rglob("*.html")}
    regions = {f"regions/{name}.html" for name in RATIOS}
    sources = {f"sources/{entry['key']}.html" for entry in inputs.provenance}
    names = ("index", "sources", "judging", "methods", "data", "architecture")
    top = {f"{name}.html" for name in names}
    assert found == top | regions | sources


def test_html_is_well_formed_and_ids_are_unique(pages: list[Page]) -> None:
    for page in pages:
        assert page.faults == [], page.path
        assert len(page.ids()) == len(set(page.ids())), page.path


def test_every_image_has_words_with_numbers_a_size_and_a_caption(pages: list[Page]) -> None:
    total = 0
    for page in pages:
        for image in page.of("img"):
            assert re.search(r"\d", image["alt"]), (page.path, image["alt"])
            assert int(image["width"]) > 0
            assert int(image["height"]) > 0
            total += 1
        assert len(page.of("figure")) == len(page.of("figcaption")) == len(page.of("img"))
    assert total >= 3 * 5 + 8


def test_every_link_resolves_and_nothing_is_loaded_from_elsewhere(site: Path, pages: list[Page]) -> None:
    for page in pages:
        for _, attrs in page.tags:
            assert not attrs.get("src", "").startswith(("http", "//")), page.path
        for link in page.of("link"):
            assert link["href"].startswith("data:"), page.path
        scripts = page.of("script")
        assert all("src" not in script for script in scripts)
        assert [script.get("type") for script in scripts].count(None) <= 1
        text = page.path.read_text(encoding="utf-8")
        assert "url(" not in text
        assert "@import" not in text
        for attrs in (*page.of("a"), *page.of("img")):
            target = attrs.get("href") or attrs.get("src") or ""
            assert target, page.path
            if target.startswith(("https://", "data:")):
                continue
            name, _, fragment = target.partition("#")
            file = (page.path.parent / name).resolve() if name else page.path
            if of_other_stages(str(file.relative_to(site.resolve()))):
                continue
            assert file.is_file(), (page.path, target)
            if fragment:
                assert fragment in Page(file).ids(), (page.path, target)


def test_index_stands_alone(site: Path) -> None:
    images = Page(site / "index.html").of("img")
    assert len(images) == 5
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)


def test_headings_are_in_order_and_tables_have_captions_and_scopes(pages: list[Page]) -> None:
    for page in pages:
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), page.path
        # tables of a document have the heading above them
        assert len(page.of("table")) == len(page.of("caption")) or page.path.name == "architecture.html"
        assert all(head.get("scope") in ("col", "row") for head in page.of("th"))
        assert len(page.of("main")) == 1
        assert page.of("html")[0]["lang"] == "en"


def test_two_renders_give_the_same_bytes(inputs: ReportInputs, site: Path, tmp_path: Path) -> None:
    render(inputs, tmp_path)
    first = {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    second = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_places_drawn_in_processes_give_the_same_bytes(inputs: ReportInputs, site: Path, tmp_path: Path) -> None:
    draw = partial(draw_place, inputs, all_contests(inputs))
    render(inputs, tmp_path, run_tasks(draw, inputs.regions, ComputeParams(workers=2), "places"))
    for path in site.rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(site)).read_bytes() == path.read_bytes(), path


def test_a_drawing_of_a_name_that_was_taken_is_refused(inputs: ReportInputs) -> None:
    _, one = draw_place(inputs, all_contests(inputs), inputs.regions[0])
    _, other = draw_place(inputs, all_contests(inputs), inputs.regions[0])
    with pytest.raises(ValueError, match=f"named alike: data/{inputs.regions[0]}-"):
        one.join(other)


def test_a_second_render_removes_pages_of_regions_that_are_gone(inputs: ReportInputs, tmp_path: Path) -> None:
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "gone.html").write_text("old")
    (tmp_path / "metrics.json").write_text("{}")
    series = {"globe": inputs.series["globe"]}
    render(replace(inputs, series=series, forecasts={"globe": inputs.forecasts["globe"]}), tmp_path)
    assert [path.name for path in (tmp_path / "regions").iterdir()] == ["globe.html"]
    assert (tmp_path / "metrics.json").exists()


def test_skipped_regions_sources_seams_and_checks_are_named(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "atlantis" in text
    assert "its source is missing" in text
    assert "The old-source &lt;record&gt; &amp; more" in text
    assert "new-source, rows never shrink: warning" in text
    sources = (site / "sources.html").read_text(encoding="utf-8")
    source = (site / "sources" / "old-source.html").read_text(encoding="utf-8")
    assert "no month twice" in source
    assert "two fewer" not in source
    assert "climate/sources/readers/gistemp.py" in source
    assert 'href="new-source.html"' in source
    assert 'src="../figures/seam-1.png"' in source
    assert "12 of 120" in source
    assert "12 of 120" not in (site / "sources" / "new-source.html").read_text(encoding="utf-8")
    assert "0.120 ± 0.010" in sources
    assert "two fewer" in sources
    assert "none declared near it" in sources
    for fact in (
        "CC0",
        "Somebody (2026)",
        "https://doi.org/10.1234/5678",
        "registry",
        "mirror: no such file",
        "ab" * 32,
    ):
        assert fact in source


def test_each_seam_keeps_its_own_unit(inputs: ReportInputs) -> None:
    co2 = make_seams()
    warm = co2.assign(units=("seam", ["degC"])).assign_coords(seam=["global-records: combination - without late"])
    both = replace(inputs, seams=join_seams([co2, warm]))
    drawn = [drawing for drawing in seam_figures(both) if drawing]
    assert [axes.get_ylabel() for one in drawn for axes in one.figure.axes[:1]] == ["Value (ppm)", "Value (°C)"]
    table = seam_table(both)
    assert table is not None
    assert [row[5].text for row in table.rows] == ["0.120 ± 0.010 ppm", "0.120 ± 0.010 °C"]


def test_a_source_shows_the_seam_where_it_leaves_a_combination(inputs: ReportInputs) -> None:
    left = make_seams().assign(newer=("seam", ["without late-source"]))
    assert seam_places(replace(inputs, seams=left), "late-source") == [0]
    assert seam_places(replace(inputs, seams=left), "late") == []


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-0.0024, 0.0034, f"{words.MINUS}0.0024 ± 0.0034"),
        (0.2234, 0.14, "0.22 ± 0.14"),
        (1.5, 3.2, "1.50 ± 3.20"),
        (0.1, 0.0, "0.10 ± 0.00"),
        (0.1, float("nan"), "0.10 ± n/a"),
        (float("nan"), 0.1, words.NONE),
    ],
)
def test_an_estimate_has_two_figures_of_its_error(value: float, error: float, text: str) -> None:
    assert words.with_error(value, error) == text


def test_pictures_are_sharp_small_and_carry_no_date(site: Path) -> None:
    files = sorted((site / "figures").glob("*.png"))
    assert len(files) >= 3 * 5 + 5
    for file in files:
        image = Image.open(io.BytesIO(file.read_bytes()))
        assert image.size[0] == 1152, file.name
        assert image.mode == "P"
        assert not set(image.info) & {"Software", "Creation Time", "date"}
        assert file.stat().st_size < 110_000, file.name
        assert (site / "data" / f"{file.stem}.csv").is_file()


def test_verdict_of_each_outcome(inputs: ReportInputs) -> None:
    found = {one.region: one for one in contests(inputs, "lstm-direct")}
    said = {region: verdict(one, *inputs.leads_of(one.block), tests=3, level=0.05) for region, one in found.items()}
    assert found["globe"].outcome == "better"
    assert said["globe"] == (
        "1 to 12 months ahead, the LSTM wins: its error (CRPS) is 10% lower than that of the best simple model, "
        "trend with AR(1) (p\u00a0=\u00a00.002 after correction for 3 comparisons)."
    )
    assert found["kiel"].outcome == "worse"
    assert "the LSTM loses: its error (CRPS) is 8% higher than" in said["kiel"]
    assert found["mauna-loa-co2"].outcome == "same"
    assert "the LSTM neither wins nor loses significantly" in said["mauna-loa-co2"]
    assert "1% lower than that of the best simple model, trend with AR(1)" in said["mauna-loa-co2"]


def test_a_difference_that_only_correction_undoes_is_said_to_be_so() -> None:
    p = {"globe": 0.03, "kiel": 0.6, "mauna-loa-co2": 0.9}
    inputs = make_inputs(scores=make_scores(RATIOS, p))
    one = contests(inputs, "lstm-direct")[0]
    assert one.outcome == "same"
    assert "p\u00a0=\u00a00.030 if this were the only one" in verdict(one, 1, 12, tests=3, level=0.05)


def test_contest_without_a_test_is_no_win() -> None:
    inputs = make_inputs(scores=make_scores(RATIOS, dict.fromkeys(RATIOS, np.nan)))
    one = contests(inputs, "lstm-direct")[0]
    assert one.outcome == "same"
    assert "too few forecasts to test" in verdict(one, 1, 12, tests=3, level=0.05)


def test_standfirst_answers_first_and_counts_the_outcomes(inputs: ReportInputs) -> None:
    said = standfirst(inputs, contests(inputs, "lstm-direct"))
    assert said.startswith("Seldom: of ")
    assert "the LSTM is significantly better than the best simple model in one and significantly worse in" in said
    assert "1 to 12 months ahead it wins in one and loses in one of three places" in said
    assert "In the median of three places" in said
    assert "its error (CRPS) is 1% lower 1 to 12 months ahead" in said


@pytest.mark.parametrize(
    ("p", "ratio", "answer"),
    [
        (
            0.0001,
            0.8,
            "Yes: of three comparisons, the LSTM is significantly better than the best simple model in three",
        ),
        (0.0001, 1.2, "No: of three comparisons, the LSTM is significantly better than the best simple model in none"),
        (0.9, 0.8, "No: the LSTM is nowhere significantly better than the best simple model, nor significantly worse."),
    ],
)
def test_standfirst_says_plainly_whether_the_network_wins(p: float, ratio: float, answer: str) -> None:
    inputs = make_inputs(scores=make_scores(dict.fromkeys(RATIOS, ratio), dict.fromkeys(RATIOS, p)))
    assert standfirst(inputs, contests(inputs, "lstm-direct")).startswith(answer)


def test_the_winner_of_all_models_is_named_even_if_it_is_no_contestant() -> None:
    said = winners(make_inputs(scores=make_scores(RATIOS, P_VALUES)))
    assert "1 to 12 months ahead ridge regression with ENSO (in two of three places)" in said


def with_pooled(scores: xr.Dataset) -> xr.Dataset:
    ratio = np.repeat(np.array([1.5, 1.02, 1.1, 0.95, 4.0, 1.03])[:, None], len(BLOCKS), axis=1)
    columns = {
        "pooled_ratio_best": ratio,
        "pooled_ratio_best_low": ratio - 0.04,
        "pooled_ratio_best_high": ratio + 0.05,
    }
    columns["pooled_p_best"] = np.full(ratio.shape, 0.04)
    return scores.assign({name: (("model", "block"), value) for name, value in columns.items()})


def test_all_places_together_are_set_against_their_best_simple_models() -> None:
    inputs = make_inputs(scores=with_pooled(make_scores(RATIOS, P_VALUES)))
    said = standfirst(inputs, contests(inputs, "lstm-direct"))
    assert "Over all three places, set against the best simple model of each, its error (CRPS) is 3% higher" in said
    assert "1 to 12 months ahead (90% interval \u22121% to +8%; p\u00a0=\u00a00.040)" in said
    assert "ridge regression with ENSO (5% lower than the best simple models, 90% interval" in winners(inputs)
    assert "picked after the event" in winners(inputs)


def test_issued_data_hold_median_and_intervals_of_every_model(site: Path, inputs: ReportInputs) -> None:
    csv = pd.read_csv(site / "data" / "issued.csv")
    assert len(csv) == 3 * len(MODEL_NAMES) * LEADS
    assert set(csv["origin"]) == {"2026-02"}
    row = csv[(csv["region"] == "kiel") & (csv["model"] == "sarima") & (csv["lead"] == 7)].iloc[0]
    levels = [float(name[1:]) for name in csv.columns if name.startswith("q")]
    assert levels == [0.05, 0.2, 0.5, 0.8, 0.95]
    expected = inputs.forecasts["kiel"]["forecast"].isel(origin=-1).sel(model="sarima", lead=7, quantile=levels).values
    np.testing.assert_allclose([row[f"q{level:g}"] for level in levels], expected, atol=0.0051)


def test_growth_of_co2_is_given_in_place_of_a_straight_line(inputs: ReportInputs) -> None:
    said = " ".join(record_text(inputs, "mauna-loa-co2"))
    assert re.search(r"From 2015 to 2025 the annual mean changed by \+2\.\d\d ppm a year", said)
    assert "Trend" not in said
    assert "Trend of annual means 1996" in " ".join(record_text(inputs, "kiel"))


def test_report_without_a_network_still_stands(inputs: ReportInputs, tmp_path: Path) -> None:
    classical = ["seasonal-naive", "trend-ar1", "sarima"]
    less = replace(
        inputs,
        series={"kiel": inputs.series["kiel"]},
        scores=inputs.scores.sel(model=classical),
        forecasts={"kiel": inputs.forecasts["kiel"].sel(model=classical)},
    )
    text = render(less, tmp_path).read_text(encoding="utf-8")
    assert "No LSTM was run" in text


def test_no_region_at_all_is_an_error(inputs: ReportInputs) -> None:
    with pytest.raises(ClimateError, match="found no region"):
        replace(inputs, series={}, forecasts={})


def lines(axes: Any) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()}


def test_csv_of_the_record_is_what_is_drawn(inputs: ReportInputs, site: Path) -> None:
    drawing = record.record_figure(inputs, "globe")
    csv = pd.read_csv(site / "data" / "globe-record.csv", keep_default_na=True)
    drawn = lines(drawing.figure.axes[0])
    np.testing.assert_allclose(csv["value"], drawn["Month"], rtol=1e-4)
    np.testing.assert_allclose(csv["twelve_month_mean"], drawn["Twelve-month mean"], rtol=1e-4)
    np.testing.assert_allclose(csv["value"], inputs.series["globe"]["value"], rtol=1e-4)
    assert csv["month"].iloc[0] == "1958-03"


def test_csv_of_the_forecast_is_what_is_drawn(inputs: ReportInputs, site: Path) -> None:
    drawing = forecast.issued_figure(inputs, "kiel")
    assert drawing is not None
    csv = pd.read_csv(site / "data" / "kiel-forecast.csv")
    drawn = lines(drawing.figure.axes[0])
    table = inputs.forecasts["kiel"].isel(origin=-1)
    for model in ("lstm-direct", "trend-ar1"):
        rows = csv[csv["model"] == model]
        np.testing.assert_allclose(rows["q0.5"], drawn[f"{style_of(model).label}, median and 90% interval"], rtol=1e-4)
        np.testing.assert_allclose(rows["q0.05"], table["forecast"].sel(model=model, quantile=0.05), rtol=1e-4)
        assert set(rows["origin"]) == {"2026-02"}
    np.testing.assert_allclose(csv[csv["model"] == "observed"]["observed"], drawn["Observed"], rtol=1e-4)


def test_csv_of_the_scores_is_what_is_drawn(inputs: ReportInputs, site: Path) -> None:
    drawing = scores.leads_figure(inputs, "kiel")
    csv = pd.read_csv(site / "data" / "kiel-scores.csv")
    drawn = lines(drawing.figure.axes[0])
    for model in MODEL_NAMES:
        rows = csv[csv["model"] == model]
        np.testing.assert_allclose(rows["crps"], drawn[style_of(model).label], rtol=1e-4)
        np.testing.assert_allclose(
            rows["crps"], inputs.scores["crps_by_lead"].sel(region="kiel", model=model), rtol=1e-4
        )


def test_csv_of_a_seam_holds_both_records_and_their_difference(site: Path) -> None:
    csv = pd.read_csv(site / "data" / "seam-1.csv")
    assert len(csv) == 120
    np.testing.assert_allclose(csv["newer"] - csv["older"], csv["newer_minus_older"], atol=2e-3)
    np.testing.assert_allclose(csv["newer_minus_older"], 0.12, atol=2e-3)


def test_frequent_colours_survive_the_palette_exactly() -> None:
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (60, 60, 3)).astype(np.uint8)
    pixels[:30] = (213, 94, 0)
    small = np.asarray(reduce_colours(pixels).convert("RGB"))
    assert (small[:30] == pixels[:30]).all()


def test_hindcasts_do_not_overlap_and_show_the_newest_complete_one(inputs: ReportInputs) -> None:
    table = inputs.forecasts["kiel"]
    places = forecast.hindcast_origins(table)
    months = table["origin"].values[places].astype("datetime64[M]").astype(int)
    assert places[-1] == ORIGINS - 1
    assert (np.diff(months) >= LEADS).all()


def test_reliability_is_the_share_below_each_quantile(inputs: ReportInputs) -> None:
    table = inputs.forecasts["globe"]
    rows = scores.reliability(table, ["trend-ar1"])
    naive = []
    for q in range(len(QUANTILES)):
        hits = [
            float(table["observed"].values[i, j] <= table["forecast"].sel(model="trend-ar1").values[i, j, q])
            for i in range(ORIGINS)
            for j in range(LEADS)
        ]
        naive.append(np.mean(hits))
    np.testing.assert_allclose(rows["share_below"], naive)


def test_ratio_table_is_sorted_by_the_first_block(inputs: ReportInputs) -> None:
    rows = contest.ratio_table(inputs, contests(inputs, "lstm-direct"))
    assert list(dict.fromkeys(rows["region"])) == ["globe", "mauna-loa-co2", "kiel"]


def test_stripes_leave_out_records_that_are_no_temperature_anomaly(inputs: ReportInputs) -> None:
    drawing = stripes.stripes_figure(inputs)
    assert drawing is not None
    assert set(drawing.data["region"]) == {"globe", "kiel"}
    assert drawing.data["year"].max() == 2025


def test_maps_show_belts_points_and_countries_and_leave_out_what_has_no_place() -> None:
    params = dict(make_inputs().params) | {
        "regions": {
            "globe": {"box": {"lat": [-90, 90], "lon": [-180, 180]}},
            "kiel": {"country": "boxland"},
            "mauna-loa-co2": {"splice": "co2"},
        }
    }
    inputs = make_inputs(params=params, shapes=make_shapes())
    by_region = {place.region: place for place in places.locate(inputs)}
    assert by_region.keys() == {"globe", "kiel"}
    assert by_region["globe"].is_belt
    assert by_region["kiel"].lat == (-30, 0)
    warming = places.warming_map(inputs)
    assert warming is not None
    line = trend(annual_means(inputs.series["kiel"]))
    assert line is not None
    assert warming.data.set_index("region").loc["kiel", "trend_per_decade"] == pytest.approx(line.per_decade)
    skill = places.skill_map(inputs, contests(inputs, "lstm-direct"))
    assert skill is not None
    assert "Kiel 1.08, LSTM worse" in skill.alt


def test_annual_means_leave_out_partial_years() -> None:
    months = np.arange("2000-01", "2002-07", dtype="datetime64[M]")
    series = xr.Dataset(
        {"value": ("time", np.arange(months.size, dtype=float))}, coords={"time": months.astype(TIME_DTYPE)}
    )
    series["value"][3] = np.nan
    annual = annual_means(series)
    assert annual.years.tolist() == [2001]
    assert annual.means.tolist() == [17.5]


def test_years_before_1677_keep_their_numbers() -> None:
    months = np.arange("0013-01", "0025-01", dtype="datetime64[M]")
    series = xr.Dataset({"value": ("time", np.arange(144.0))}, coords={"time": months.astype(TIME_DTYPE)})
    assert annual_means(series).years.tolist() == list(range(13, 25))


def test_trend_recovers_a_line_and_its_interval_covers_the_truth() -> None:
    random = np.random.default_rng(3)
    hits, runs = 0, 200
    for _ in range(runs):
        values = 0.002 * np.arange(360) + np.repeat(0.1 * random.standard_normal(30), 12)
        months = np.arange("1990-01", "2020-01", dtype="datetime64[M]").astype(TIME_DTYPE)
        line = trend(annual_means(xr.Dataset({"value": ("time", values)}, coords={"time": months})))
        assert line is not None
        hits += abs(line.per_decade - 0.24) <= line.half_width
    assert 0.90 <= hits / runs <= 0.99


def test_running_mean_removes_a_season_and_keeps_a_line() -> None:
    t = np.arange(120.0)
    smooth = running_mean(t + 5 * np.sin(2 * np.pi * t / 12))
    np.testing.assert_allclose(smooth[6:-6], t[6:-6])
    assert np.isnan(smooth[:6]).all()
    assert np.isnan(smooth[-6:]).all()


def test_a_sparse_record_is_drawn_and_listed_value_by_value() -> None:
    months = np.arange("0013-01", "0213-01", dtype="datetime64[M]")
    value = np.where(np.arange(months.size) % 120 == 0, 280.0, np.nan)
    sparse = xr.Dataset(
        {"value": ("time", value)},
        coords={"time": months.astype(TIME_DTYPE)},
        attrs={"units": "ppm", "title": "CO2 long ago", "quantity": "co2", "kind": "absolute"},
    )
    inputs = make_inputs(records={"long-ago": sparse})
    drawing = record.record_figure(inputs, "long-ago")
    assert len(drawing.data) == 20
    np.testing.assert_allclose(lines(drawing.figure.axes[0])["Value"], 280.0)
    assert "20 values from January 13 CE to January 203 CE" in " ".join(record_text(inputs, "long-ago"))


def test_periods_split_where_the_collection_changes(inputs: ReportInputs) -> None:
    found = periods(inputs.series["globe"])
    assert [(one.name, words.iso_month(one.first), words.iso_month(one.last)) for one in found] == [
        ("Early network", "1958-03", "1974-04"),
        ("Modern network", "1974-05", "2026-02"),
    ]
    assert found[0].interpolated == 4


def test_a_model_without_an_entry_is_drawn_under_its_name() -> None:
    assert style_of("new-model").label == "new-model"


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.004, "0.00"), (-1.5, "\u22121.50"), (1.5, "+1.50"), (float("nan"), "n/a"), (1234.5, "+1,234.50")],
)
def test_numbers_in_words(value: float, text: str) -> None:
    assert words.number(value, 2, sign=True) == text


def test_revisions_say_what_how_many_how_much_and_where(site: Path) -> None:
    text = (site / "sources.html").read_text(encoding="utf-8")
    for fact in ("2025-01 to 2026-02", "1,234", "0.0500 ppm", "\u22120.210 ppm", "2017-03, Mauna Loa", "version: 1"):
        assert fact in text, fact
    assert "no value changed" in text
    assert "registry: no answer" in text
    assert "2010s 12 of 120" in text
    assert "No package carries an older vintage of these" in text


def test_what_a_forecast_issued_then_knew_stands_beside_what_is_known_now(site: Path) -> None:
    text = (site / "sources.html").read_text(encoding="utf-8")
    assert (
        "The old record: a forecast from December 2024, where vintage 2025-01 ends, by one classical model, "
        "the unobserved-components model, beside one"
    ) in text
    assert "Vintage 2025-01 is on the scale WMO X2007 and vintage 2026-02 on WMO X2019: part of the revision" in text
    assert "five months of the last twelve before it revised since, on average by \u22120.0200 ppm" in text
    assert "0.310 ppm with what was known then and 0.250 ppm with what is known now" in text
    assert "The new record: a forecast from December 2024" in text
    assert "is the same to the last digit with vintage 2026-02" in text
    data = pd.read_csv(site / "data" / "vintages-old-source.csv")
    assert data["month"].to_list() == ["2025-01", "2025-02", "2025-03"]
    assert data["now_median"].to_list() == [425.1] * 3
    assert not (site / "figures" / "vintages-new-source.png").exists()


def test_members_and_spread_of_a_combination_are_drawn(inputs: ReportInputs) -> None:
    series = inputs.series["globe"]
    early = np.arange(series.sizes["time"]) < 240
    running = np.where(early, "one", "one,two").astype(object)
    spread = np.where(early, np.nan, 0.04)
    combined = series.assign(
        source=("time", running), spread=("time", spread), members=("time", np.where(early, 1, 2))
    ).assign_attrs(left_out="three")
    drawing = membership.membership_figure(replace(inputs, series={**inputs.series, "globe": combined}), "globe")
    assert drawing is not None
    assert "1958-03 to 1978-02 one member; 1978-03 to 2026-02 two members" in drawing.caption
    assert "by a spread of 0.040 \u00b0C, in the last 10 years (to 2026-02) by 0.040 \u00b0C" in drawing.caption
    assert "Left out, for they begin too late for an overlap: three." in drawing.caption
    assert drawing.data["members"].value_counts().to_dict() == {2: 576, 1: 240}
    assert membership.membership_figure(inputs, "globe") is None


def test_errors_by_enso_state_and_collection_period_stand_on_the_page_of_a_place(
    site: Path, inputs: ReportInputs
) -> None:
    text = (site / "regions" / "kiel.html").read_text(encoding="utf-8")
    assert "El Niño" in text
    assert "known only afterwards" in text
    assert "Of the two ways in which the record was collected, only one occurs" in text
    assert "Modern network, somewhere" in text
    assert inputs.groups is not None
    rows = inputs.groups
    chosen = (rows["region"] == "kiel") & (rows["grouping"] == "enso") & (rows["label"] == EL_NINO)
    crps = float(rows["crps"].isel(row=int(np.flatnonzero(chosen.values)[0])).sel(model="lstm-direct"))
    assert words.significant(crps) in text


def test_eras_stand_apart_on_the_overview(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "four origins from" in text
    assert re.search(r"the LSTM has the lower error in \w+ of three places in the first half", text)


def test_a_report_without_groups_and_revisions_still_stands(inputs: ReportInputs, tmp_path: Path) -> None:
    text = render(replace(inputs, groups=None, revisions=None), tmp_path).read_text(encoding="utf-8")
    assert 'id="eras"' not in text
    assert 'id="revisions"' not in (tmp_path / "sources.html").read_text(encoding="utf-8")
    assert "known only afterwards" not in (tmp_path / "regions" / "kiel.html").read_text(encoding="utf-8")


def test_quotes_open_and_close() -> None:
    said = words.typeset("'No difference' is the LSTM's result (see 'test'), at 400 ppm of CO2")
    assert said == "\u2018No difference\u2019 is the LSTM\u2019s result (see \u2018test\u2019), at 400 ppm of CO\u2082"
