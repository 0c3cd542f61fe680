"""Compare the report's scores with the committed ones."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import pandas as pd

from climate import paths
from climate.errors import ClimateError
from climate.files import read_text
from climate.forecasters.registry import Kind, is_kind
from climate.verify.reproducibility import differences

SCORES_TABLE = paths.REPORTS / "data" / "scores.csv"


def run(revision: str) -> list[str]:
    """Lines that name the scores that differ from those of `revision` by more than the tolerance."""
    shown = subprocess.run(["git", "show", f"{revision}:./{SCORES_TABLE}"], capture_output=True, text=True, check=False)
    if shown.returncode:
        raise ClimateError(f"{SCORES_TABLE} is not in git at {revision}: {shown.stderr.strip()}; name another revision")
    ours, reference = pd.read_csv(io.StringIO(read_text(SCORES_TABLE))), pd.read_csv(io.StringIO(shown.stdout))
    networks = frozenset(model for model in ours["model"].unique() if not is_kind(model, Kind.CLASSICAL, Kind.LINEAR))
    return differences(_crps(ours), _crps(reference), networks)


def _crps(table: pd.DataFrame) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for region, block, model, crps in table[["region", "block", "model", "crps"]].dropna().itertuples(index=False):
        tree.setdefault(f"{region}, leads {block}", {})[model] = crps
    return tree
