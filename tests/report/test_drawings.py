"""Key figures look as they did when somebody last looked at them."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

from climate.report.inputs import ReportInputs
from tests.drawings import BASELINE, FIGURES, draw

TOLERANCE = 4.0
"""Root mean square difference in levels of 255 that other fonts and versions of matplotlib may make."""


@pytest.mark.parametrize("name", FIGURES)
def test_figure_looks_as_before(name: str, inputs: ReportInputs, tmp_path: Path) -> None:
    drawn = draw(name, inputs, "kiel", tmp_path / f"{name}.png")
    difference = compare_images(str(BASELINE / f"{name}.png"), str(drawn), TOLERANCE)
    assert difference is None, f"{difference}\nIf this is wanted: python -m tests.drawings"


@pytest.mark.parametrize("name", ["record", "hindcasts", "scores"])
def test_another_place_would_be_told_apart(name: str, inputs: ReportInputs, tmp_path: Path) -> None:
    drawn = draw(name, inputs, "mauna-loa-co2", tmp_path / f"{name}.png")
    assert compare_images(str(BASELINE / f"{name}.png"), str(drawn), TOLERANCE)
