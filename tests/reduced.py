"""A configuration small enough for a test: two regions, four origins, few models, one seed, one epoch, one process.

`python -m tests.reduced FOLDER` rewrites params.yaml of a clone and forgets its finished run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

REGIONS = ("globe", "mauna-loa-co2")
PANEL = "ar6-regions"
OVERRIDES = {
    "compute": {"workers": 1},
    "backtest": {"first_origin": "2018-12", "every": 12, "origins": 4, "leads": 24, "refit_every": 72},
    "baselines": {"models": ["seasonal-naive", "climatology-trend", "trend-ar1", "sarima", "ridge-enso"]},
    "lstm": {
        "seeds": [11],
        "lookback": 12,
        "epochs": 1,
        "batch": 256,
        "units": 8,
        "models": ["lstm-direct", "dense-numpy"],
    },
    "planet": {
        "stride": 24,
        "train_stride": 12,
        "field_stride": 8,
        "components": 10,
        "seeds": [11],
        "units": 4,
        "epochs": 1,
        "row_stride": 40,
    },
    "combine": {"min_verified": 24},
    "ceiling": {"regions": ["mauna-loa-co2"], "models": ["trend-arma-enso"]},
    "score": {
        "blocks": {"1": [1, 1], "1-12": [1, 12], "1-24": [1, 24]},
        "opponent": {"candidates": ["climatology-trend", "trend-ar1"], "every": 12},
        "hypotheses": {
            "information": {
                **{"quantity": "temperature", "better": "lstm-planet", "against": "opponent"},
                **{"block": "1-12", "places": PANEL},
            },
            "co2-network": {
                **{"quantity": "co2", "better": "lstm-direct", "against": "ridge-enso"},
                **{"block": "1-24", "places": "mauna-loa-co2"},
            },
        },
    },
}


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change the content of params.yaml and keep its comments."""
    yaml = YAML()
    params = yaml.load(path)
    change(params)
    yaml.dump(params, path)


def shrink(params: Any) -> None:
    """Drop regions and panels, and override settings."""
    for section, kept in (("regions", REGIONS), ("panels", (PANEL,))):
        for name in [name for name in params[section] if name not in kept]:
            del params[section][name]
    params["panels"][PANEL]["models"] = ["seasonal-naive", "climatology-trend", "trend-ar1", "lstm-planet"]
    for section, changes in OVERRIDES.items():
        params[section].update(changes)


def reduce(clone: Path) -> None:
    """Rewrite the parameters of a clone and remove its lock, which takes DVC seconds to read at each stage."""
    edit(clone / "params.yaml", shrink)
    (clone / "dvc.lock").unlink()


if __name__ == "__main__":
    reduce(Path(sys.argv[1]))
