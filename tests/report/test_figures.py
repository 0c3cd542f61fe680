"""Figures: that their data are what is drawn, and what they leave out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from climate.params.regions import Box, RegionDefinition
from climate.report import words
from climate.report.figures import forecast, membership, places, record, scores, stripes
from climate.report.figures.base import (
    DPI,
    PHONE,
    WIDTH,
    Drawing,
    csv_bytes,
    develop,
    for_phones_too,
    legend_columns,
    new_figure,
    on_phone,
    reduce_colours,
)
from climate.report.figures.seams import seam_figures
from climate.report.inputs import ReportInputs
from climate.report.lead_bands import band_frame, bands_of
from climate.report.numbers import annual_means, trend
from climate.report.palette import style_of
from climate.report.text import record as record_text
from climate.report.words import MINUS
from climate.schema import QUANTILES, TIME_DTYPE
from climate.verify.losses import cell_scores
from tests.report.samples import ORIGINS, make_inputs, make_seams, make_shapes


def lines(axes: Any) -> dict[str, np.ndarray]:
    return {str(line.get_label()): np.asarray(line.get_ydata(), dtype=float) for line in axes.get_lines()}


def test_data_of_the_record_are_what_is_drawn(inputs: ReportInputs) -> None:
    drawing = record.record_figure(inputs, "globe")
    drawn = lines(drawing.figure.axes[0])
    np.testing.assert_allclose(drawing.data["value"], drawn["Month"])
    np.testing.assert_allclose(drawing.data["twelve_month_mean"], drawn["Twelve-month mean"])
    np.testing.assert_allclose(drawing.data["value"], inputs.series["globe"]["value"])
    assert drawing.data["month"].iloc[0] == "1958-03"


def test_data_of_the_forecast_are_what_is_drawn(inputs: ReportInputs) -> None:
    drawing = forecast.issued_figure(inputs, "kiel")
    assert drawing is not None
    rows, drawn = drawing.data.set_index("model"), lines(drawing.figure.axes[0])
    table = inputs.forecasts["kiel"].isel(origin=-1)
    for model in ("lstm-direct", "trend-ar1"):
        np.testing.assert_allclose(rows.loc[model, "q0.5"], drawn[f"{style_of(model).label}, median and 90% interval"])
        np.testing.assert_allclose(rows.loc[model, "q0.05"], table["forecast"].sel(model=model, quantile=0.05))
        assert set(rows.loc[model, "origin"]) == {"2026-02"}
    np.testing.assert_allclose(rows.loc["observed", "observed"], drawn["Observed"])


def test_marks_of_the_scores_are_the_data_and_stay_on_the_axis(inputs: ReportInputs) -> None:
    drawing = scores.leads_figure(inputs, "kiel")
    bands = list(dict.fromkeys(drawing.data["leads"]))
    assert bands == ["1", "2-3", "4-6", "7-12", "13-24"]
    for axes, score, factor in zip(drawing.figure.axes, ("crps", "skill"), (1, 100), strict=True):
        bottom, top = axes.get_ylim()
        marks = {str(line.get_marker()): line for line in axes.get_lines() if len(line.get_xdata()) == len(bands)}
        for role, marker in (("linear", "D"), ("network", "o")):
            expected = factor * drawing.data.loc[drawing.data["role"] == role, score]
            np.testing.assert_allclose(marks[marker].get_ydata(), np.clip(expected, bottom, top))
        for segment in axes.collections[0].get_segments():
            assert (segment[:, 1] >= bottom).all()
            assert (segment[:, 1] <= top).all()


def test_scores_of_all_places_share_their_axis_and_its_zero(inputs: ReportInputs) -> None:
    drawing = scores.all_leads_figure(inputs)
    assert set(drawing.data["region"]) == set(inputs.regions)
    panels = drawing.figure.axes[: len(inputs.regions)]
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].get_ylim()[0] < 0 < panels[0].get_ylim()[1]


@pytest.mark.parametrize(
    ("skill", "expected"),
    [([0.1, 0.0, 0.2], (-5, 25)), ([-0.3, -np.inf, 1.0], (-35, 105)), ([-0.3, -0.9, 0.1], (-65, 15))],
)
def test_an_axis_of_skill_holds_zero_and_ends_at_its_floor(skill: list[float], expected: tuple[float, float]) -> None:
    data = pd.DataFrame([skill], columns=["skill", "skill_low", "skill_high"])
    assert scores.skill_limits(data) == pytest.approx(expected)


def test_scores_by_band_are_means_over_origins_that_reached_its_end(inputs: ReportInputs) -> None:
    table, frame = inputs.forecasts["kiel"], band_frame(inputs, "kiel").set_index(["role", "leads"])
    cells = cell_scores(table)
    for band, (first, last) in bands_of(inputs).items():
        means = {}
        for model in table["model"].values:
            own = cells["crps"].sel(model=model).values[:, first - 1 : last]
            means[str(model)] = np.mean([row for row in own if np.isfinite(row[-1])])
        simple = {name: means[name] for name in ("seasonal-naive", "trend-ar1", "sarima")}
        for role, model in (
            ("opponent", "trend-ar1"),
            ("hindsight", min(simple, key=lambda name: simple[name])),
            ("linear", "ridge-enso"),
            ("network", "lstm-direct"),
        ):
            row = frame.loc[(role, band)]
            assert row["model"] == model
            assert row["crps"] == pytest.approx(means[model])
            assert row["skill"] == pytest.approx(1 - means[model] / means[inputs.reference])
        assert frame.loc[("linear", band), "crps_low"] < frame.loc[("linear", band), "crps"]
    assert frame.loc["hindsight", "skill_low"].isna().all()
    assert frame["coverage90_high"].max() <= 1


def test_data_of_a_seam_hold_both_records_and_their_difference(inputs: ReportInputs) -> None:
    [drawing] = [one for one in seam_figures(inputs) if one]
    assert len(drawing.data) == 120
    np.testing.assert_allclose(drawing.data["newer"] - drawing.data["older"], drawing.data["newer_minus_older"])
    np.testing.assert_allclose(drawing.data["newer_minus_older"], 0.12)


def test_a_seam_of_temperature_shows_the_offset_of_each_calendar_month(inputs: ReportInputs) -> None:
    by_month = np.linspace(-1, 1, 12)
    warm = make_seams().assign(units=("seam", ["degC"]), offset_by_month=(("seam", "month"), by_month[None]))
    [drawing] = [one for one in seam_figures(replace(inputs, seams=warm)) if one]
    np.testing.assert_allclose(drawing.data["offset"], by_month[drawing.data["month"].str[5:].astype(int) - 1])
    assert f"added to the older record by calendar month, from {MINUS}1.0 to 1.0 °C" in drawing.caption


def test_frequent_colours_survive_the_palette_exactly() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    pixels[:30] = (213, 94, 0)
    small = np.asarray(reduce_colours(pixels).convert("RGB"))
    assert (small[:30] == pixels[:30]).all()


def test_reliability_is_the_share_below_each_quantile(inputs: ReportInputs) -> None:
    table = inputs.forecasts["globe"]
    observed = table["observed"].values[:ORIGINS]
    below = observed[..., None] <= table["forecast"].sel(model="trend-ar1").values[:ORIGINS]
    rows = scores.reliability(table, ["trend-ar1"])
    np.testing.assert_allclose(rows["share_below"], [below[..., q].mean() for q in range(len(QUANTILES))])


def test_stripes_leave_out_records_that_are_no_temperature_anomaly(inputs: ReportInputs) -> None:
    drawing = stripes.stripes_figure(inputs)
    assert drawing is not None
    assert set(drawing.data["region"]) == {"globe", "kiel"}
    assert drawing.data["year"].max() == 2025


def with_regions(**regions: RegionDefinition) -> ReportInputs:
    plain = make_inputs(shapes=make_shapes())
    return replace(plain, params=plain.params.model_copy(update={"regions": plain.params.regions | regions}))


def boxed(lon: tuple[float, float]) -> RegionDefinition:
    return RegionDefinition(title="Kiel", source="ncep-air", box=Box(lat=(-10, 10), lon=lon))


def test_maps_show_belts_points_and_countries_and_leave_out_what_has_no_place() -> None:
    globe = RegionDefinition(title="The globe", source="ncep-air", box=Box(lat=(-90, 90), lon=(-180, 180)))
    inputs = with_regions(globe=globe, kiel=RegionDefinition(title="Kiel", source="ncep-air", country="boxland"))
    by_region = {place.region: place for place in places.locate(inputs)}
    assert by_region.keys() == {"globe", "kiel"}
    assert by_region["globe"].is_belt
    assert by_region["kiel"].lat == (-30, 0)
    warming = places.warming_map(inputs)
    assert warming is not None
    line = trend(annual_means(inputs.series["kiel"]))
    assert line is not None
    assert warming.data.set_index("region").loc["kiel", "trend_per_decade"] == pytest.approx(line.per_decade)
    assert f"Kiel {words.number(line.per_decade, 2, True)}" in warming.alt


@pytest.mark.parametrize(
    ("lon", "inside", "outside"),
    [
        ((170, -120), (-179, -121, 171, 179), (0, 169, -119)),
        ((350, 20), (-9, 0, 19), (180, 21)),
        ((10, 20), (15,), (0,)),
    ],
)
def test_a_box_is_drawn_eastward_also_across_the_date_line(
    lon: tuple[float, float], inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    inputs = with_regions(kiel=boxed(lon))
    place = next(place for place in places.locate(inputs) if place.region == "kiel")
    drawn = place.outline
    assert places.warming_map(inputs) is not None
    assert drawn.area == pytest.approx(20 * ((lon[1] - lon[0]) % 360))
    for degrees in inside:
        assert drawn.contains(shapely.Point(degrees, 0)), degrees
    for degrees in outside:
        assert not drawn.contains(shapely.Point(degrees, 0)), degrees


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
    assert "20 values from c. 13 CE to c. 203 CE" in " ".join(record_text(inputs, "long-ago"))


def test_members_and_spread_of_a_combination_are_drawn(inputs: ReportInputs) -> None:
    series = inputs.series["globe"]
    early = np.arange(series.sizes["time"]) < 240
    combined = series.assign(
        source=("time", np.where(early, "one", "one,two").astype(object)),
        spread=("time", np.where(early, np.nan, 0.04)),
        members=("time", np.where(early, 1, 2)),
    ).assign_attrs(left_out="three")
    drawing = membership.membership_figure(replace(inputs, series={**inputs.series, "globe": combined}), "globe")
    assert drawing is not None
    assert "1958-03 to 1978-02 one member; 1978-03 to 2026-02 two members" in drawing.caption
    assert "(from 1978-03): 0.040 \u00b0C; in the last 10 years (to 2026-02): 0.040 \u00b0C" in drawing.caption
    assert "Left out, starting too late for an overlap: three." in drawing.caption
    assert drawing.data["members"].value_counts().to_dict() == {2: 576, 1: 240}
    assert membership.membership_figure(inputs, "globe") is None


def test_a_model_without_an_entry_is_drawn_under_its_name() -> None:
    assert style_of("new-model").label == "new-model"


def test_tables_are_written_with_one_line_end_and_five_figures() -> None:
    assert csv_bytes(pd.DataFrame({"a": [1.23456789]})) == b"a\n1.2346\n"


def test_a_wide_figure_is_drawn_again_for_phones(inputs: ReportInputs) -> None:
    picture = develop(record.record_figure(inputs, "kiel"))
    assert picture.phone is not None
    assert (picture.width, picture.phone.width) == (WIDTH * DPI, PHONE * DPI)
    assert picture.phone.csv == picture.csv
    assert develop(record.record_figure(inputs, "kiel")).phone == picture.phone
    assert not on_phone()  # whatever is drawn next is wide


def test_panels_stand_below_each_other_on_a_phone(inputs: ReportInputs) -> None:
    drawing = scores.leads_figure(inputs, "kiel")
    assert drawing.phone is not None
    for figure, across in ((drawing.figure, True), (drawing.phone(), False)):
        first, second = (axes.get_subplotspec() for axes in figure.axes)
        assert first is not None
        assert second is not None
        assert (first.rowspan == second.rowspan) == across


@pytest.mark.parametrize(("labels", "columns"), [(["a"] * 5, 4), (["a" * 15, "b"], 2), (["a" * 80], 1)])
def test_a_legend_has_fewer_columns_on_a_phone(labels: list[str], columns: int) -> None:
    found = []

    @for_phones_too
    def draw() -> Drawing:
        found.append(legend_columns(4, labels))
        return Drawing("any", new_figure(1.0), pd.DataFrame(), "", "")

    drawing = draw()
    assert drawing.phone is not None
    drawing.phone()
    assert found == [4, columns]
