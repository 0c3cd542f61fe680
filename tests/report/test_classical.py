"""All classical models on the reference regions: the best is named whatever the numbers are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from climate.report import classical
from climate.report.inputs import ReportInputs


def measured(simple: float) -> dict[str, object]:
    crps = {"ridge-planet": 1.0, "ets": 1.5, "sarima": simple}
    return {
        "crps": {model: {"1-12": value, "13-60": 2 * value} for model, value in crps.items()},
        "origins": 39,
        "regions": 58,
        "first_origin": "2005-12",
        "last_origin": "2024-12",
    }


@pytest.mark.parametrize(("simple", "order", "said"), [(1.1, 1, "SARIMA +10.0%"), (0.9, 0, "SARIMA \u221210.0%")])
def test_the_nearest_is_named_better_or_worse(inputs: ReportInputs, simple: float, order: int, said: str) -> None:
    part = classical.part(replace(inputs, classical=measured(simple)))
    assert part is not None
    assert f"{said} 1 to 12 months ahead" in part["text"]
    assert part["text"].startswith("Of two models with less information")
    assert [row[0].text for row in part["table"].rows].index("SARIMA") == order


def test_without_measurements_there_is_no_part(inputs: ReportInputs) -> None:
    assert classical.part(inputs) is None
