"""All classical models on the reference regions of the IPCC, beside the linear models that know more.

Measured by benchmarks/classical_regions.py, since the costly ones would double the time of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Column, Table, make_table, numeric

MOST_INFORMATION = "ridge-planet"
"""The model that the others are compared with."""


def part(inputs: ReportInputs) -> dict[str, Any] | None:
    """The table, and in one sentence the best model that knows less; None where it was not measured."""
    found = inputs.classical
    blocks = [block for block in inputs.headline_blocks if block in found.get("crps", {}).get(MOST_INFORMATION, {})]
    if not blocks:
        return None
    return {"table": _table(inputs, found, blocks), "text": _text(inputs, found, blocks)}


def _ordered(found: Mapping[str, Any], block: str) -> list[str]:
    return sorted(found["crps"], key=lambda model: float(found["crps"][model][block]))


def _table(inputs: ReportInputs, found: Mapping[str, Any], blocks: list[str]) -> Table:
    crps = found["crps"]
    rows = []
    for model in _ordered(found, blocks[0]):
        row = [style_of(model).label]
        for block in blocks:
            own, other = float(crps[model][block]), float(crps[MOST_INFORMATION][block])
            row += [words.number(own, 3), words.NONE if model == MOST_INFORMATION else words.number(own / other, 3)]
        rows.append(row)
    columns: list[Column | str] = ["Model"]
    for block in blocks:
        when = inputs.when(block)
        columns += numeric(f"CRPS (K), {when}", f"÷ {style_of(MOST_INFORMATION).label}, {when}")
    return make_table(
        f"Mean over the area of {found['regions']} regions and {found['origins']} origins from "
        f"{found['first_origin']} to {found['last_origin']}; lowest CRPS {inputs.when(blocks[0])} first. Intervals are "
        "not calibrated afterwards.",
        columns,
        rows,
    )


def _text(inputs: ReportInputs, found: Mapping[str, Any], blocks: list[str]) -> str:
    crps, parts = found["crps"], []
    for block in blocks:
        nearest = next(model for model in _ordered(found, block) if model != MOST_INFORMATION)
        change = float(crps[nearest][block]) / float(crps[MOST_INFORMATION][block]) - 1
        parts.append(f"{style_of(nearest).label} {words.percent(change, 1, True)} {inputs.when(block)}")
    return (
        f"Of {words.count(len(crps) - 1, 'model')} with less information, the nearest in error to "
        f"{style_of(MOST_INFORMATION).phrase}: {words.joined(parts)}. Measured once by "
        "benchmarks/classical_regions.py, not in this run; these differences are not tested."
    )
