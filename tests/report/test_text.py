"""Sentences: what they say of each outcome, and numbers in words."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from climate.params.regions import Caveat, PublishedYears
from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import annual_means, contests, periods, trend
from climate.report.text import against_opponent, caveats, hindsight, opponents, record
from climate.schema import TIME_DTYPE
from tests.records import months
from tests.report.samples import RATIOS, make_inputs, make_scores


def said(inputs: ReportInputs, region: str) -> str:
    return next(against_opponent(inputs, one) for one in contests(inputs) if one.region == region)


@pytest.mark.parametrize(
    ("region", "facts"),
    [
        ("globe", ("10% lower than that of", "\u221216% to \u22124%", "p\u00a0<\u00a00.001, not corrected")),
        ("kiel", ("8% higher than that of", "trend with AR(1), the opponent")),
        ("mauna-loa-co2", ("1% lower", "\u22128% to +6%", "p\u00a0=\u00a00.62, not corrected")),
    ],
)
def test_comparison_at_a_place_is_described_without_a_verdict(
    inputs: ReportInputs, region: str, facts: tuple[str, ...]
) -> None:
    text = said(inputs, region)
    assert [fact for fact in facts if fact not in text] == []
    assert not re.search("significan|better|worse", text)


def test_comparison_without_a_test_says_so() -> None:
    inputs = make_inputs(scores=make_scores(RATIOS, dict.fromkeys(RATIOS, np.nan)))
    assert "too few forecasts to test" in said(inputs, "globe")


def test_opponents_are_named_with_their_margin(inputs: ReportInputs) -> None:
    text = opponents(inputs)
    assert "1 to 12 months ahead trend with AR(1) (1.2% ahead of the second, 27 origins)" in text
    assert "the first candidate, for want of earlier origins" in text
    assert "verified before 2005-01" in text
    assert "ratio of CRPS of the LSTM is 1.007 instead of 0.987" in hindsight(inputs)


def test_caveat_puts_published_values_beside_those_of_the_record(inputs: ReportInputs) -> None:
    assert caveats(inputs) == []
    doubt = Caveat(
        text="In doubt.", years=PublishedYears(by="an office", baseline=(1991, 2020), values={2024: 9.0, 1900: 1.0})
    )
    globe = inputs.params.regions["globe"].model_copy(update={"caveat": doubt})
    regions = inputs.params.regions | {"globe": globe}
    marked = replace(inputs, params=inputs.params.model_copy(update={"regions": regions}))
    ((name, title, text),) = caveats(marked)
    annual = annual_means(inputs.series["globe"])
    own = words.number(annual[2024] - annual.loc[1991:2020].mean(), 2, True)
    assert (name, title) == ("globe", inputs.title_of("globe"))
    assert text == f"In doubt. 2024: {own} °C from the mean of 1991\u20132020 here, +9.00 according to an office."


def with_record(inputs: ReportInputs, first: str) -> ReportInputs:
    """The globe with a record from `first` on that is flat but for one degree more since 1991."""
    time = months(first, 12 * (2026 - int(first[:4])))
    value = np.where(time >= np.datetime64("1991-01"), 1.0, 0.0) + np.arange(time.size) % 12
    series = inputs.series["globe"]
    columns = {name: ("time", np.full(time.size, series[name].values[0])) for name in series.data_vars}
    made = xr.Dataset(
        columns | {"value": ("time", value)}, coords={"time": time.astype(TIME_DTYPE)}, attrs=series.attrs
    )
    return replace(inputs, series=inputs.series | {"globe": made})


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("1850-01", "2016\u20132025 is +1.00 \u00b0C from the mean of 1850\u20131900."),
        ("1880-01", "It begins too late to give the warming since 1850\u20131900."),
    ],
)
def test_end_of_a_record_from_other_baselines(inputs: ReportInputs, first: str, said: str) -> None:
    text = " ".join(record(with_record(inputs, first), "globe"))
    assert text.endswith(said)
    assert "From the mean of 1991\u20132020: 0.00 \u00b0C in December 2025, 0.00 in 2025." in text


def test_growth_of_co2_is_given_in_place_of_a_straight_line(inputs: ReportInputs) -> None:
    text = " ".join(record(inputs, "mauna-loa-co2"))
    assert re.search(r"From 2015 to 2025 the annual mean changed by \+2\.\d\d ppm a year", text)
    assert re.search(r"February 2026: \d+\.\d\d ppm\.", text)
    assert "Trend" not in text
    assert "Trend of annual means 1996" in " ".join(record(inputs, "kiel"))


def test_trend_recovers_a_line_and_its_interval_covers_the_truth() -> None:
    random = np.random.default_rng(3)
    hits, runs = 0, 200
    for _ in range(runs):
        values = 0.002 * np.arange(360) + np.repeat(0.1 * random.standard_normal(30), 12)
        line = trend(annual_means(xr.Dataset({"value": ("time", values)}, {"time": months("1990-01", 360)})))
        assert line is not None
        hits += abs(line.per_decade - 0.24) <= line.half_width
    assert 0.90 <= hits / runs <= 0.99


def test_periods_split_where_the_collection_changes(inputs: ReportInputs) -> None:
    found = periods(inputs.series["globe"])
    assert [(one.name, words.iso_month(one.first), words.iso_month(one.last), one.interpolated) for one in found] == [
        ("Early network", "1958-03", "1974-04", 4),
        ("Modern network", "1974-05", "2026-02", 0),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.004, "0.00"), (-1.5, "\u22121.50"), (1.5, "+1.50"), (float("nan"), "n/a"), (1234.5, "+1,234.50")],
)
def test_numbers_in_words(value: float, text: str) -> None:
    assert words.number(value, 2, sign=True) == text


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


def test_quotes_open_and_close() -> None:
    text = words.typeset("'No difference' is the LSTM's result (see 'test'), at 400 ppm of CO2")
    assert text == "\u2018No difference\u2019 is the LSTM\u2019s result (see \u2018test\u2019), at 400 ppm of CO\u2082"
