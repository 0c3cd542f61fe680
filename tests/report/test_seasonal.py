"""The part on seasons and years: sentences from the numbers, tables, pictures and files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from climate.report import pages, seasonal
from climate.report.downloads import meaning
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.verify.seasonal import join_regions, seasonal_scores

MODELS = ["seasonal-naive", "trend-ar1", "ridge-enso", "lstm-direct"]
PARTIAL = "{% import 'macros.html.j2' as m %}{% include 'parts/seasonal.html.j2' %}"


@pytest.fixture(scope="module")
def scored(inputs: ReportInputs) -> ReportInputs:
    """The sample run with its seasonal scores."""
    scores, terciles, quantities = {}, {}, {}
    for region in inputs.regions:
        table = inputs.forecasts[region].sel(model=MODELS)
        quantities[region] = str(inputs.series[region].attrs["quantity"])
        scores[region], terciles[region] = seasonal_scores(table, None, inputs.series[region], MODELS[0], 24)
    return replace(inputs, seasonal=join_regions(scores, terciles, quantities))


def test_part_fills_its_template_and_describes_its_files(scored: ReportInputs) -> None:
    gallery = Gallery([*scored.regions])
    part = seasonal.part(scored, gallery)
    assert part is not None
    page = pages.environment().from_string(PARTIAL).render(seasonal=part, root="", embed=False)
    for name in ("seasonal-start", "seasonal-scores", "seasonal-roc", "seasonal-reliability"):
        assert f"data/{name}.csv" in gallery.files
        assert f"data/{name}.csv" in page
    assert not {column for file in gallery.downloads for column in file.columns if meaning(column) is None}
    assert "nan" not in page.replace("nano", "")


def test_answer_counts_places_by_their_intervals(scored: ReportInputs) -> None:
    for low, high, said in ((0.1, 0.3, "at two of two places"), (-0.1, 0.3, "at none of two places")):
        ends = {
            "crpss_low": xr.full_like(scored.seasonal["crpss_low"], low),
            "crpss_high": xr.full_like(scored.seasonal["crpss_high"], high),
        }
        text = seasonal.answer(replace(scored, seasonal=scored.seasonal.assign(ends)))
        assert said in text
        assert "worse" not in text
    ends = {name: xr.full_like(scored.seasonal[name], -0.2) for name in ("crpss_low", "crpss_high")}
    text = seasonal.answer(replace(scored, seasonal=scored.seasonal.assign(ends)))
    assert "at none of two places for months 1\N{EN DASH}3 (worse at two)" in text
    assert "is above for" in text


def test_files_hold_what_was_scored(scored: ReportInputs) -> None:
    frame = seasonal.scores_frame(scored)
    row = frame[(frame["region"] == "kiel") & (frame["model"] == "lstm-direct") & (frame["leads"] == "1-12")]
    own = scored.seasonal.sel(region="kiel", model="lstm-direct", period="1-12")
    np.testing.assert_allclose(row["crpss"], float(own["crpss"]))
    assert set(frame["model"]) == set(MODELS)


def test_without_scores_or_networks_there_is_no_part(inputs: ReportInputs, scored: ReportInputs) -> None:
    assert seasonal.part(inputs, Gallery()) is None
    without = replace(scored, seasonal=scored.seasonal.sel(model=MODELS[:2]))
    assert seasonal.part(without, Gallery()) is None
