"""The pages: that they hold together, what they name, and that two renders are the same."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from climate.errors import ClimateError
from climate.harmonize.splice import join_seams
from climate.parallel.tasks import run_tasks
from climate.params.sections import ComputeParams
from climate.report import markdown, pages, words
from climate.report.downloads import meaning
from climate.report.evidence import seam_table
from climate.report.figures.seams import seam_figures
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests, hypotheses
from climate.report.parts import draw, parts_of
from climate.report.site import render
from climate.report.source_pages import seam_places
from climate.report.tables import contest_table, hypothesis_table, score_table
from climate.report.text import against_opponent
from climate.verify.strata import EL_NINO
from tests.conftest import ROOT
from tests.promised import of_other_stages, promised
from tests.report.samples import LEADS, MODEL_NAMES, make_seams

VOID = {"meta", "link", "img", "br", "hr", "input", "source"}


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
def parsed(site: Path) -> list[Page]:
    return [Page(path) for path in sorted(site.rglob("*.html"))]


def test_every_page_of_the_menu_is_promised_by_a_stage() -> None:
    files = promised()
    every = (*pages.MENU, *pages.REPRODUCE)
    assert [entry for entry in every if entry.file not in files] == []
    names = [name for entry in every for name in entry.pages]
    assert len(set(names)) == len(names)


def test_html_is_well_formed_and_loads_nothing_from_elsewhere(parsed: list[Page]) -> None:
    for page in parsed:
        assert page.faults == [], page.path
        assert len(page.ids()) == len(set(page.ids())), page.path
        for image in page.of("img"):
            assert re.search(r"\d", image["alt"]), (page.path, image["alt"])
            assert int(image["width"]) > 0
            assert int(image["height"]) > 0
        assert len(page.of("figure")) == len(page.of("figcaption")) == len(page.of("img"))
        levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(levels)), page.path
        # tables of a document have the heading above them
        assert len(page.of("table")) == len(page.of("caption")) or page.path.name == "architecture.html"
        assert all(head.get("scope") in ("col", "row") for head in page.of("th"))
        assert not [attrs for _, attrs in page.tags if attrs.get("src", "").startswith(("http", "//"))], page.path
        assert not page.of("script") or page.path.name == "explore.html", page.path
        assert all(link["href"].startswith("data:") for link in page.of("link"))
        text = re.sub(r"<script>.*?</script>", "", page.path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert "url(" not in text
        assert "@import" not in text


def test_every_link_resolves(site: Path, parsed: list[Page]) -> None:
    for page in parsed:
        for attrs in (*page.of("a"), *page.of("img"), *page.of("source")):
            target = attrs.get("href") or attrs.get("src") or attrs.get("srcset") or ""
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
    page = Page(site / "index.html")
    addresses = [image["src"] for image in page.of("img")] + [source["srcset"] for source in page.of("source")]
    assert page.of("source")
    assert all(address.startswith("data:image/png;base64,") for address in addresses)


def test_renders_in_one_process_or_several_and_on_any_machine_give_the_same_bytes(
    inputs: ReportInputs, site: Path, tmp_path: Path
) -> None:
    """Nothing of `compute` and of the user's mirror is printed: no stage of dvc.yaml lists them."""
    pull = inputs.params.pull.model_copy(update={"mirror": "/somewhere"})
    elsewhere = inputs.params.model_copy(update={"compute": ComputeParams(workers=7), "pull": pull})
    inputs = replace(inputs, params=elsewhere)
    drawn = run_tasks(partial(draw, inputs), parts_of(inputs), ComputeParams(workers=2), "report")
    render(inputs, tmp_path, drawn)
    first, second = (
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (site, tmp_path)
    )
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_a_drawing_of_a_name_that_was_taken_is_refused(inputs: ReportInputs) -> None:
    _, one = draw(inputs, parts_of(inputs)[0])
    with pytest.raises(ValueError, match="share a name: data/"):
        one.join(one)


def test_p_is_printed_as_it_is_and_verdicts_are_those_of_the_declared_hypotheses(
    site: Path, inputs: ReportInputs
) -> None:
    data = pd.read_csv(site / "data" / "scores.csv", keep_default_na=False).set_index(["region", "block", "model"])
    every = contests(inputs)
    table = contest_table(inputs, every)
    assert table is not None
    by_title = {str(row[0].text): row for row in table.rows}
    for one in every:
        raw, row, sentence = (
            words.p_value(one.p),
            by_title[inputs.title_of(one.region)][1],
            against_opponent(inputs, one),
        )
        page = (site / "regions" / f"{one.region}.html").read_text("utf-8")
        for text in (row.note, sentence, page):
            assert raw in text or raw.replace("<", "&lt;") in text
        shown = next(row for row in score_table(inputs, one.region, one.block).rows if row[0].text == "LSTM")
        assert words.p_number(one.p) in [cell.text for cell in shown]
        assert float(data.loc[(one.region, one.block, one.model), "p"]) == pytest.approx(one.p)
    declared = hypotheses(inputs)
    own = hypothesis_table(inputs, declared)
    assert own is not None
    assert [row[-1].text for row in own.rows] == ["Better", *["No difference shown"] * 2, "Not tested"]
    assert [row[5].text for row in own.rows[:3]] == [words.p_number(one.p) for one in declared[:3]]
    index = (site / "index.html").read_text("utf-8")
    assert "Declared hypotheses" in index
    for page in site.rglob("*.html"):
        text = re.sub("<[^>]*>", " ", page.read_text("utf-8"))
        assert not re.search(r"Diebold|confidence set|bootstrap|significantly (better|worse)|p = 1\.0", text), page
    for name in ("scores", "hypotheses"):
        assert not [column for column in pd.read_csv(site / "data" / f"{name}.csv").columns if "holm" in column]


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("how-we-know", ("four origins from",)),
        ("places", ("atlantis", "its source is missing")),
        ("sources", ("new-source, rows never shrink: warning", "The old-source &lt;record&gt; &amp; more")),
        ("sources", ("0.120 ± 0.010", "two fewer", "none declared near it")),
        # revisions, and forecasts with older vintages
        (
            "sources",
            ("2025-01 to 2026-02", "1,234", "0.0500 ppm", "\u22120.210 ppm", "2017-03, Mauna Loa", "version: 1"),
        ),
        ("sources", ("no value changed", "registry: no answer", "2010s 12 of 120", "WMO X2007", "WMO X2019")),
        ("sources", ("December 2024", "unobserved-components", "\u22120.0200 ppm", "0.310 ppm", "0.250 ppm")),
        ("sources", ("is identical with vintage 2026-02",)),
        ("sources/old-source", ("CC0", "Somebody (2026)", "https://doi.org/10.1234/5678", "registry", "ab" * 32)),
        ("sources/old-source", ("mirror: no such file", "no month twice", "climate/sources/readers/gistemp.py")),
        ("sources/old-source", ('href="new-source.html"', "12 of 120", 'src="../figures/seam-1.png"')),
        ("regions/kiel", ("El Niño", "known only afterwards", "Modern network, somewhere", "only one occurs")),
    ],
)
def test_pages_name_what_was_skipped_revised_seamed_and_checked(name: str, facts: tuple[str, ...], site: Path) -> None:
    text = (site / f"{name}.html").read_text(encoding="utf-8")
    assert [fact for fact in facts if fact not in text] == []


def test_a_source_tells_nothing_of_another(site: Path) -> None:
    assert "two fewer" not in (site / "sources" / "old-source.html").read_text(encoding="utf-8")
    assert "12 of 120" not in (site / "sources" / "new-source.html").read_text(encoding="utf-8")
    assert not (site / "figures" / "vintages-new-source.png").exists()


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


def test_pictures_are_sharp_small_and_carry_no_date(site: Path) -> None:
    files = sorted((site / "figures").glob("*.png"))
    assert files
    for file in files:
        image = Image.open(io.BytesIO(file.read_bytes()))
        assert image.size[0] == (640 if file.stem.endswith("-phone") else 1152), file.name
        assert image.mode == "P"
        assert not set(image.info) & {"Software", "Creation Time", "date"}
        assert file.stat().st_size < 110_000, file.name
        assert (site / "data" / f"{file.stem.removesuffix('-phone')}.csv").is_file()


def test_issued_data_hold_median_and_intervals_of_every_model(site: Path, inputs: ReportInputs) -> None:
    csv = pd.read_csv(site / "data" / "issued.csv")
    assert len(csv) == 3 * len(MODEL_NAMES) * LEADS
    assert set(csv["origin"]) == {"2026-02"}
    row = csv[(csv["region"] == "kiel") & (csv["model"] == "sarima") & (csv["lead"] == 7)].iloc[0]
    levels = [float(name[1:]) for name in csv.columns if name.startswith("q")]
    assert levels == [0.05, 0.2, 0.5, 0.8, 0.95]
    expected = inputs.forecasts["kiel"]["forecast"].isel(origin=-1).sel(model="sarima", lead=7, quantile=levels).values
    np.testing.assert_allclose([row[f"q{level:g}"] for level in levels], expected, atol=0.0051)


def test_every_column_of_the_data_is_described(site: Path) -> None:
    for file in sorted([*(site / "data").glob("*.csv"), *(ROOT / "reports" / "data").glob("*.csv")]):
        for column in pd.read_csv(file, nrows=0).columns:
            found = meaning(column)
            assert found, f"{file.name}: say in climate/report/downloads.py what {column!r} means"
            assert found[0]


def test_report_of_less_still_stands_prints_no_p_of_one_and_removes_pages_of_regions_that_are_gone(
    inputs: ReportInputs, tmp_path: Path
) -> None:
    (tmp_path / "regions").mkdir()
    (tmp_path / "regions" / "gone.html").write_text("old")
    (tmp_path / "metrics.json").write_text("{}")
    classical = ["seasonal-naive", "trend-ar1", "sarima"]
    certain = inputs.scores["p"].sel(model=classical) * 0 + 0.9999
    less = replace(
        inputs,
        series={"kiel": inputs.series["kiel"]},
        scores=inputs.scores.sel(model=classical).assign(p=certain),
        forecasts={"kiel": inputs.forecasts["kiel"].sel(model=classical)},
        strata=xr.Dataset(),
        revisions={},
    )
    render(less, tmp_path)
    assert "No LSTM was run" in (tmp_path / "regions" / "kiel.html").read_text("utf-8")
    assert 'id="eras"' not in (tmp_path / "how-we-know.html").read_text("utf-8")
    assert 'id="revisions"' not in (tmp_path / "sources.html").read_text(encoding="utf-8")
    assert "known only afterwards" not in (tmp_path / "regions" / "kiel.html").read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "regions").iterdir()] == ["kiel.html"]
    assert (tmp_path / "metrics.json").exists()
    assert words.p_number(0.9999) in (tmp_path / "regions" / "kiel.html").read_text("utf-8").replace("&gt;", ">")
    for page in tmp_path.rglob("*.html"):  # no p of one
        text = re.sub("<[^>]*>", " ", page.read_text("utf-8")).replace("\u00a0", " ")
        assert not re.search(r"p = 1\.0|\b1\.00\b(?= {0,3}\n? *<)", text), page


def test_no_region_at_all_is_an_error(inputs: ReportInputs) -> None:
    with pytest.raises(ClimateError, match="found no region"):
        replace(inputs, series={}, forecasts={})


def test_data_of_a_forecast_with_an_older_vintage(site: Path) -> None:
    data = pd.read_csv(site / "data" / "vintages-old-source.csv")
    assert data["month"].to_list() == ["2025-01", "2025-02", "2025-03"]
    assert data["now_median"].to_list() == [425.1] * 3


def test_errors_by_stratum_stand_on_the_page_of_a_place(site: Path, inputs: ReportInputs) -> None:
    rows = inputs.strata
    chosen = (rows["region"] == "kiel") & (rows["factor"] == "enso") & (rows["stratum"] == EL_NINO)
    crps = float(rows["crps"].isel(row=int(np.flatnonzero(chosen.values)[0])).sel(model="lstm-direct"))
    assert words.significant(crps) in (site / "regions" / "kiel.html").read_text(encoding="utf-8")


def test_documents_become_pages_whose_tables_and_links_hold() -> None:
    text = "# Title\n\nlead\n\n## What it *holds*\n\n| a | b |\n|---|---|\n| `x` | <y> |\n\n[here](../HERE.md) "
    page = str(markdown.to_html(markdown.sections(text + "[there](https://example.org)\n\n```text\n<b>\n```\n")))
    for part in ('<h2 id="what-it-holds">', '<th scope="col">a</th>', 'href="https://example.org"', "&lt;b&gt;"):
        assert part in page
    for part in ("Title", "<y>", "HERE.md"):
        assert part not in page
