"""The ledger in the report: sentences from the numbers, whatever these are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from climate.report import ledger, pages
from climate.report.downloads import meaning
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.words import EN_DASH
from climate.verify.ledger import AT_ISSUE, BOUNDS, LATER, numbers

PARTIAL = "{% import 'macros.html.j2' as m %}{% include 'parts/ledger.html.j2' %}"
MODEL = "trend-ar1"


def altered(inputs: ReportInputs, **changes: str) -> ReportInputs:
    """The same run with other fields in all lines."""
    return replace(inputs, ledger=inputs.ledger.assign(**changes))


def said(inputs: ReportInputs, place: str = "kiel") -> str:
    return ledger.sentence(inputs, numbers(inputs.ledger), place, MODEL)


def normal(inputs: ReportInputs, place: str) -> float:
    """Mean of 1991-2020, whose months all count alike in a mean of twelve months."""
    return float(inputs.series[place]["value"].sel(time=slice("1991", "2020")).mean())


def test_part_fills_its_template_and_describes_its_files(inputs: ReportInputs) -> None:
    gallery = Gallery([*inputs.regions])
    part = ledger.part(inputs, gallery)
    assert part is not None
    page = pages.environment().from_string(PARTIAL).render(ledger=part, root="", embed=False)
    assert {"data/ledger-months.csv", "data/ledger-scores.csv", "figures/ledger-months.png"} <= {*gallery.files}
    assert not {column for file in gallery.downloads for column in file.columns if meaning(column) is None}
    assert "nan" not in page
    assert len(part["sentences"]) == len(inputs.regions)
    assert f"whose {len(inputs.ledger)} lines never change" in page


def test_without_forecasts_there_is_no_part(inputs: ReportInputs) -> None:
    for lines in (pd.DataFrame(), inputs.ledger.assign(place="elsewhere")):
        assert ledger.part(replace(inputs, ledger=lines), Gallery([])) is None


@pytest.mark.parametrize(
    ("departures", "expected"),
    [
        ((0.31, 1.02, 1.98), ("1.0 °C above", "0.3 to 2.0 °C above")),
        ((-0.31, 1.02, 1.98), ("1.0 °C above", "0.3 °C below to 2.0 °C above")),
        ((-2.21, -1.02, -0.08), ("1.0 °C below", "2.2 to 0.1 °C below")),
        ((-0.04, 0.0, 0.04), ("0.0 °C above", "0.0 to 0.0 °C above")),
    ],
)
def test_sentence_gives_departures_from_the_standard_normal(
    departures: tuple[float, float, float], expected: tuple[str, str], inputs: ReportInputs
) -> None:
    values = {
        name: f"{normal(inputs, 'kiel') + value:.6f}" for name, value in zip(BOUNDS[::2], departures, strict=True)
    }
    middle, interval = expected
    assert said(altered(inputs, **values)).startswith(
        f"Kiel: March 2026 to February 2027 is expected to average {middle} 1991{EN_DASH}2020, "
        f"with a 9 in 10 chance of {interval}."
    )


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        ("0.00", "1.00", "highest third of those years is over 99%."),
        ("0.80", "0.05", "lowest third of those years is 80%."),
        ("0.20", "0.30", "middle third of those years is 50%."),
    ],
)
def test_sentence_names_the_likeliest_third(below: str, above: str, expected: str, inputs: ReportInputs) -> None:
    assert said(altered(inputs, below=below, above=above)).endswith(f"The chance of a value in the {expected}")


def test_sentence_of_a_record_without_baseline_gives_its_own_values(inputs: ReportInputs) -> None:
    text = said(altered(inputs, **{"q0.05": "429.04", "q0.5": "430.26", "q0.95": "431.2"}), "mauna-loa-co2")
    assert text.endswith("is expected to average 430.3 ppm, with a 9 in 10 chance of 429.0 to 431.2 ppm.")


def test_summary_says_what_was_made_later_and_what_can_be_scored(inputs: ReportInputs) -> None:
    part = ledger.part(inputs, Gallery([*inputs.regions]))
    assert part is not None
    issues = sorted(inputs.ledger["issued"].unique())
    assert issues == ["2024-02", "2026-02"]
    assert "Two issues since February 2024" in part["text"]
    assert "Those of February 2024 were made later" in part["text"]
    assert [row[1].text for row in part["table"].rows] == ["Later", "Later"]
    at_issue = replace(inputs, ledger=inputs.ledger[inputs.ledger["made"] == AT_ISSUE])
    fresh = ledger.part(at_issue, Gallery([*inputs.regions]))
    assert fresh is not None
    assert fresh["text"].endswith("No month that was forecast has been observed yet.")
    assert LATER not in fresh["text"]
    assert fresh["table"] is None


def test_ratio_to_the_reference_is_a_geometric_mean_over_places(inputs: ReportInputs) -> None:
    gallery = Gallery([*inputs.regions])
    score = inputs.params.score.model_copy(update={"reference": "trend-ar1"})
    chosen = replace(inputs, params=inputs.params.model_copy(update={"score": score}))
    part = ledger.part(chosen, gallery)
    assert part is not None
    scores = ledger.scored(inputs.ledger, inputs.series)
    mean = scores[~scores["leads"].str.contains("-")].groupby(["model", "place"])["crps"].mean()
    ratio = np.exp(np.log(mean["lstm-direct"] / mean["trend-ar1"]).mean())
    assert {row[0].text: row[3].text for row in part["table"].rows}["LSTM"] == f"{ratio:.2f}"
