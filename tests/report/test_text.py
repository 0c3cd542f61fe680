"""Sentences: what they say of each outcome, and numbers in words."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import annual_means, contests, periods, running_mean, trend
from climate.report.text import record, standfirst, verdict, winners
from tests.records import months
from tests.report.samples import BLOCKS, P_VALUES, RATIOS, make_inputs, make_scores


def with_p(p: dict[str, float], ratios: dict[str, float] = RATIOS) -> ReportInputs:
    return make_inputs(scores=make_scores(ratios, p))


def said(inputs: ReportInputs, region: str) -> str:
    return next(verdict(inputs, one, tests=3) for one in contests(inputs) if one.region == region)


@pytest.mark.parametrize(
    ("region", "facts"),
    [
        (
            "globe",
            ("significantly better", "three comparisons", "10% lower", "\u221216% to \u22124%", "p\u00a0<\u00a00.001"),
        ),
        ("kiel", ("significantly worse", "three comparisons", "8% higher", "trend with AR(1)")),
        ("mauna-loa-co2", ("cannot be distinguished", "1% lower", "\u22128% to +6%", "p\u00a0=\u00a00.62")),
    ],
)
def test_verdict_of_each_outcome(inputs: ReportInputs, region: str, facts: tuple[str, ...]) -> None:
    assert [fact for fact in facts if fact not in said(inputs, region)] == []


def test_a_difference_that_only_correction_undoes_is_said_to_be_so() -> None:
    inputs = with_p({"globe": 0.03, "kiel": 0.6, "mauna-loa-co2": 0.9})
    assert "cannot be distinguished" in said(inputs, "globe")
    assert "p\u00a0=\u00a00.030, not significant after Holm's correction for three comparisons" in said(inputs, "globe")


def test_comparison_without_a_test_is_no_win() -> None:
    inputs = with_p(dict.fromkeys(RATIOS, np.nan))
    assert contests(inputs)[0].outcome == "same"
    assert "too few forecasts to test" in said(inputs, "globe")


@pytest.mark.parametrize(
    ("p", "ratio", "answer", "count"),
    [
        (0.0001, 0.8, "Yes:", "significantly better than the best simple model in three"),
        (0.0001, 1.2, "No:", "significantly better than the best simple model in none"),
        (0.9, 0.8, "No:", "nowhere significantly better"),
    ],
)
def test_standfirst_answers_first(p: float, ratio: float, answer: str, count: str) -> None:
    inputs = with_p(dict.fromkeys(RATIOS, p), dict.fromkeys(RATIOS, ratio))
    text = standfirst(inputs, contests(inputs))
    assert text.startswith(answer)
    assert count in text


def test_standfirst_counts_the_outcomes(inputs: ReportInputs) -> None:
    text = standfirst(inputs, contests(inputs))
    assert text.startswith("Rarely: in three comparisons")
    assert "1 to 12 months ahead it wins in one and loses in one of three places" in text
    assert "Over all three places" in text
    assert "its error (CRPS) is 1% lower 1 to 12 months ahead" in text


def test_all_places_together_are_compared_with_their_best_simple_models() -> None:
    ratio = np.repeat(np.array([1.5, 1.02, 1.1, 0.95, 4.0, 1.03])[:, None], len(BLOCKS), axis=1)
    columns = {"ratio_best": ratio, "ratio_best_low": ratio - 0.04, "ratio_best_high": ratio + 0.05}
    columns["p_best"] = np.full(ratio.shape, 0.04)
    scores = make_scores(RATIOS, P_VALUES)
    pooled = scores.assign({f"pooled_{name}": (("model", "block"), value) for name, value in columns.items()})
    inputs = make_inputs(scores=pooled)
    text = standfirst(inputs, contests(inputs))
    assert "Over all three places, against the best simple model of each, its error (CRPS) is 3% higher" in text
    assert "1 to 12 months ahead (90% interval \u22121% to +8%; uncorrected p\u00a0=\u00a00.040)" in text
    assert "ridge regression with ENSO (5% lower than that of the best simple models, 90% interval" in winners(inputs)
    assert "chosen in hindsight" in winners(inputs)


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


def test_running_mean_removes_a_season_and_keeps_a_line() -> None:
    t = np.arange(120.0)
    smooth = running_mean(t + 5 * np.sin(2 * np.pi * t / 12))
    np.testing.assert_allclose(smooth[6:-6], t[6:-6])
    assert np.isnan(smooth[[*range(6), *range(-6, 0)]]).all()


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
