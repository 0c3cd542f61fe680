"""Former keys of params.yaml and their replacements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from climate.errors import ClimateError

REPLACED = {
    "sets": "name it `panels`",
    "pool": "name it `planet`; grid_stride and step are field_stride, thin is row_stride; remove shapes, "
    "lattice_degrees, points and fine_tune, since the cells of the grid are learnt from",
    **dict.fromkeys(
        ("baselines.refit_every", "lstm.refit_every", "planet.refit_every"),
        "set backtest.refit_every, which holds for all models",
    ),
    **dict.fromkeys(
        ("combine.calibrate", "combine.uncalibrated"),
        "remove it; climate/forecasters/registry.py says whether a model is calibrated",
    ),
    "notebook": "write `notebooks: {walkthrough: {record: REGION}}`",
    "understand": "write `notebooks: {understanding: {record: REGION, beside: REGION}}`; settings are in it",
    "slides": "write `notebooks: {presentation: {record: REGION}}`",
    "film": "remove it; there is no film",
}
"""Dotted key -> advice."""


def check_renamed(raw: Mapping[str, Any], file: str) -> None:
    """Raise ClimateError for the first key of `raw`, the content of `file`, that has been replaced."""
    for key, advice in REPLACED.items():
        section, _, entry = key.partition(".")
        scope = raw.get(section) if entry else raw
        if isinstance(scope, Mapping) and (entry or section) in scope:
            raise ClimateError(f"{file}: {key} is no longer a parameter: {advice}")
