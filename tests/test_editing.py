"""`climate regions add` changes one line of params.yaml and nothing else."""

from __future__ import annotations

import difflib

import pytest
import yaml

from climate.editing import with_region
from climate.errors import ClimateError
from tests.conftest import ROOT

ENTRY = {"title": "Kenya", "source": "ncep-air", "box": {"lat": [-5, 5], "lon": [34, 42]}}


def test_only_the_new_line_differs() -> None:
    before = (ROOT / "params.yaml").read_text()
    after = with_region(before, "kenya", ENTRY)
    changes = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]
    assert changes == ["+   kenya: {title: Kenya, source: ncep-air, box: {lat: [-5, 5], lon: [34, 42]}}"]
    assert yaml.safe_load(after)["regions"]["kenya"] == ENTRY


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ClimateError, match=r"regions\.globe exists already"):
        with_region((ROOT / "params.yaml").read_text(), "globe", ENTRY)
