"""The page of data files, the architecture page, the values under the pointer and the reference of the code."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import griffe
import numpy as np
import pandas as pd
import pytest
import yaml

from climate.report import api_pages, markdown
from climate.report.downloads import meaning
from climate.report.figures import contest, record
from climate.report.figures.base import develop
from climate.report.figures.pipeline import pipeline_figure, slots
from climate.report.inputs import ReportInputs
from climate.report.numbers import contests
from climate.report.pipeline import layers, steps
from tests.conftest import ROOT
from tests.promised import promised
from tests.report.test_report import make_inputs

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def inputs() -> ReportInputs:
    return make_inputs()


def test_every_column_of_the_committed_data_is_described() -> None:
    files = sorted((ROOT / "reports" / "data").glob("*.csv"))
    assert files
    for file in files:
        for column in pd.read_csv(file, nrows=0).columns:
            found = meaning(column)
            assert found, f"{file.name}: say in climate/report/downloads.py what {column!r} means"
            assert found[0]


def test_stops_under_the_pointer_stand_where_the_values_are_drawn(inputs: ReportInputs) -> None:
    drawing = record.record_figure(inputs, "kiel")
    picture = develop(drawing)
    stops = json.loads(picture.stops)
    assert len(stops) == 69
    assert stops[0][2].startswith("1958: ")
    assert [x for x, _, _ in stops] == sorted(x for x, _, _ in stops)
    by_year = drawing.data.groupby(drawing.data["month"].str[:4])["value"].mean()
    heights = [height for _, height, _ in stops]
    np.testing.assert_allclose(np.corrcoef(heights, by_year.to_numpy())[0, 1], -1, atol=0.001)
    assert all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y, _ in stops)


def test_stops_of_the_contest_say_ratio_interval_and_p(inputs: ReportInputs) -> None:
    drawing = contest.contest_figure(inputs, contests(inputs, "lstm-direct"))
    texts = [text for _, _, text in json.loads(develop(drawing).stops)]
    own = [text for text in texts if text.startswith("Kiel: LSTM 1.08")]
    assert len(own) == 1
    assert re.search(r"90% interval 1\.00 to 1\.16; p.=.0\.00\d", own[0])
    assert "<" not in develop(drawing).stops


def test_pipeline_is_drawn_from_what_stages_read_and_write() -> None:
    found = {step.name: step for step in steps(PIPELINE, PARAMS)}
    assert set(found) == {*PIPELINE["stages"], "data.dvc"}
    assert found["harmonize"].after == ["data.dvc"]
    assert found["data.dvc"].after == ["pull"]
    assert {"baselines", "lstm"} <= set(found["combine"].after)
    assert found["baselines"].count == len(PARAMS["regions"])
    assert found["baselines"].each == "region"
    assert found["score"].each == ""
    order = list(found)
    for step in found.values():
        assert all(order.index(name) < order.index(step.name) for name in step.after)


def test_committed_picture_of_the_pipeline_is_that_of_dvc_yaml() -> None:
    """DVC takes no dependency on dvc.yaml, so that a change of it alone draws no new picture."""
    file = ROOT / "reports" / "data" / "pipeline.csv"
    if not file.exists():
        pytest.skip("no rendered report with a picture of the pipeline")
    drawn = pipeline_figure(steps(PIPELINE, PARAMS)).data
    pd.testing.assert_frame_equal(pd.read_csv(file), drawn, obj="run `dvc repro --force --single-item report`")


def test_layers_hold_every_step_once_and_arrows_lead_one_layer_down() -> None:
    found = steps(PIPELINE, PARAMS)
    assert sorted(step.name for row in layers(found) for step in row) == sorted(step.name for step in found)
    rows = slots(found)
    for above, row in pairwise(rows):
        assert all(set(slot.after) <= {other.name for other in above} for slot in row)
    drawing = pipeline_figure(found)
    assert "harmonize follows data.dvc." in drawing.alt
    assert develop(drawing).png == develop(pipeline_figure(found)).png


def test_documents_become_pages_whose_tables_and_links_hold() -> None:
    text = "# Title\n\nlead\n\n## What it *holds*\n\n| a | b |\n|---|---|\n| `x` | <y> |\n\n[here](../HERE.md) "
    page = str(markdown.to_html(markdown.sections(text + "[there](https://example.org)\n\n```text\n<b>\n```\n")))
    assert "Title" not in page
    assert '<h2 id="what-it-holds">' in page
    assert '<th scope="col">a</th>' in page
    assert "&lt;y&gt;" in page or "<y>" not in page
    assert "HERE.md" not in page
    assert 'href="https://example.org"' in page
    assert "&lt;b&gt;" in page


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    package = griffe.load("climate", search_paths=[ROOT], allow_inspection=False, resolve_aliases=False)
    assert isinstance(package, griffe.Module)
    return api_pages.api_pages(package, PARAMS)


def test_reference_has_every_module_and_links_that_hold(reference: dict[str, str]) -> None:
    text = "\n".join(reference.values())
    for path in (ROOT / "climate").rglob("*.py"):
        if path.name != "__init__.py" and not path.name.startswith("_"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            assert f'id="{name}"' in text, name
    assert reference["index.html"].count('href="climate.') > 50
    assert "climate.stages.api" in text
    ids = {name: set(re.findall(r' id="([^"]+)"', page)) for name, page in reference.items()}
    for name, page in reference.items():
        assert len(ids[name]) == len(re.findall(r' id="', page)), name
        for target in re.findall(r' href="([^"]+)"', page):
            file, _, fragment = target.partition("#")
            if file.startswith("../"):
                assert file[3:] in promised(), (name, target)
            elif not file.startswith("data:"):
                assert file in reference or not file, (name, target)
                assert not fragment or fragment in ids[file or name], (name, target)
    assert re.search(r"render\(inputs: ReportInputs, destination: Path, drawn: [^)]*= None\) -&gt; Path", text)
    assert "<li><code>ClimateError</code>: no region has both" in text


def test_docstrings_are_set_as_text() -> None:
    said = api_pages.prose("One `x < 1`.\n\nRaises:\n    A: when <b>\n        it breaks.\n    B: never.")
    assert said == (
        "<p>One <code>x &lt; 1</code>.</p>\n<p>Raises:</p><ul><li><code>A</code>: when &lt;b&gt; it breaks.</li>"
        "<li><code>B</code>: never.</li></ul>"
    )
    assert api_pages.prose("") == ""


def test_pages_of_the_reference_are_written_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from climate.stages import api

    (tmp_path / "climate").mkdir()
    (tmp_path / "climate" / "__init__.py").write_text('"""A package."""\n\nLIMIT = 3\n"""The limit."""\n')
    (tmp_path / "params.yaml").write_text("{}")
    (tmp_path / "reports" / "api").mkdir(parents=True)
    (tmp_path / "reports" / "api" / "old.html").write_text("old")
    monkeypatch.chdir(tmp_path)
    api.run()
    assert sorted(path.name for path in (tmp_path / "reports" / "api").iterdir()) == ["climate.html", "index.html"]
    assert "The limit." in (tmp_path / "reports" / "api" / "climate.html").read_text("utf-8")
