"""The page of the contest on observed records, and its parameters."""

from __future__ import annotations

import re
from functools import reduce
from operator import getitem
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from benchmarks.observed import changed
from climate.params.params import parse_params
from climate.report.observed import ObservedInputs, render, verdict
from tests.conftest import ROOT

BLOCKS = {"1-12": (1, 12), "13-60": (13, 60)}
MODELS = ["trend-ar1", "ridge-enso", "ridge-planet", "lstm-direct"]


def hypotheses(**changes: object) -> xr.Dataset:
    """Two hypotheses; `changes` of the first."""
    row = {"quantity": "temperature", "better": "ridge-planet", "against": "ridge-enso", "block": "1-12"}
    row |= {"places": "countries", "reason": "", "outcome": "better", "ratio": 0.97, "low": 0.95, "high": 0.99}
    row |= {"p": 0.01, "p_holm": 0.02, "origins": 81.0}
    table = pd.DataFrame([row | changes, row | {"block": "13-60"}], index=pd.Index(["near", "far"], name="hypothesis"))
    return table.to_xarray()


def inputs(declared: xr.Dataset) -> ObservedInputs:
    """One region, one panel, one file."""
    shape = (1, len(MODELS), len(BLOCKS))
    coords = {"region": ["gistemp"], "model": MODELS, "block": list(BLOCKS)}
    names = ("crps", "ratio", "low", "high", "p", "coverage90")
    scores = xr.Dataset({name: (tuple(coords), np.full(shape, 0.5)) for name in names}, coords)
    scores["opponent"] = (("region", "block"), [["trend-ar1", "trend-ar1"]])
    about = {"title": "Countries", "first_origin": "2005-12", "last_origin": "2012-08"}
    crps = (("series", "model", "block"), [[[0.5, 0.6]], [[9.0, 9.0]]])
    places = {"series": ["Kenya", "Africa"], "model": ["trend-ar1"], "block": list(BLOCKS)}
    panel = xr.Dataset({"mark": ("series", ["", "continent"]), "crps": crps}, places, about)
    file = {"sha256": "ab" * 32, "bytes": 12, "url": "https://example.org/a.csv", "via": "mirror", "file_date": ""}
    source = {"key": "gistemp-global", "vintage": "2025-03", "citation": "Team.", "licence": "Open"}
    return ObservedInputs(
        {"gistemp": "GISTEMP"}, BLOCKS, scores, declared, {"countries": panel}, [source | {"files": {"a.csv": file}}]
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"outcome": "better", "ratio": 0.97}, "3.0% lower CRPS than"),
        ({"outcome": "worse", "ratio": 1.02}, "2.0% higher CRPS than"),
        ({"outcome": "same", "ratio": 0.99}, "do not differ beyond chance (1.0% lower CRPS)"),
        ({"reason": "countries was not scored", "ratio": np.nan}, "could not be compared"),
    ],
)
def test_the_sentence_follows_from_the_outcome(changes: dict[str, object], expected: str) -> None:
    row = {"better": "ridge-planet", "against": "ridge-enso", "reason": "", "outcome": "same", "ratio": 1.0}
    assert expected in verdict(SimpleNamespace(**row | changes))


@pytest.mark.parametrize("changes", [{}, {"reason": "0 verified origins", "ratio": np.nan, "outcome": "same"}])
def test_the_page_names_outcomes_places_and_files(tmp_path: Path, changes: dict[str, object]) -> None:
    text = render(inputs(hypotheses(**changes)), tmp_path).read_text(encoding="utf-8")
    assert ("Not tested" in text) == bool(changes)
    assert "nan" not in text
    assert all(part in text for part in ("Lower error", "GISTEMP", "countries/index.html", "0.500", "1 countries"))
    assert pd.read_csv(tmp_path / "data" / "files.csv")["sha256"].tolist() == ["ab" * 32]


def test_its_parameters_are_valid() -> None:
    values = changed(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")))
    params = parse_params(values, ROOT)
    pipeline = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    for name in re.findall(r"\$\{((?!key|item)[\w.-]+)\}", pipeline):
        reduce(getitem, name.split("."), values)
    assert {one.places for one in params.score.hypotheses.values()} <= {*params.panels, *params.regions}
    assert all(source.vintage != "latest" for source in params.pull.sources.values())
