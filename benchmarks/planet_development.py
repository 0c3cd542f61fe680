"""Variants of the planet's forecasters on origins verified before 2005.

No later month is read, so that settings chosen from this table have not seen the months that the report judges. Every
variant is estimated anew every 36 months and scores every 4th cell along both axes. The table gives the area-weighted
geometric mean, over cells, of the ratio of CRPS to that of trend + AR(1), coverage of the 90% interval, and the share
of the area where it is between 85% and 95%, by block of leads.

Usage: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.planet_development [VARIANT ...] after
`climate pull`, in the repository's top folder; updates benchmarks/planet_development.json and benchmarks/README.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import xarray as xr

from benchmarks.readme import put
from climate.harmonize.checks import examine
from climate.parallel.tasks import ALONE
from climate.params.params import Params, load_params
from climate.sources.pulled import read_sources
from climate.stages.planet import cell_scores, estimations

RESULT = Path(__file__).with_suffix(".json")

LAST_MONTH = "2004-12"
"""No later month is read."""

FIRST_ORIGIN, ORIGINS = "1986-12", 216
STRIDE = 4
SEEDS = (21, 22, 23)
"""Other seeds than those of the reference run; their quantiles are averaged as there."""

OPPONENT = "trend-ar1"
CALIBRATED = (0.85, 0.95)
"""Range of a cell's coverage that counts as calibrated."""

SHOWN = ("1", "1-12", "13-60")
"""Blocks of leads in the printed table."""

PACKAGE = "climate.forecasters.planet."

LINEAR: dict[str, dict[str, Any]] = {
    "adopted": {},
    "shared penalty 1000": {"estimation.PENALTY": 1000.0},
    "shared penalty 5000": {"estimation.PENALTY": 5000.0},
    "shared penalty 20000": {"estimation.PENALTY": 20_000.0},
    "mean's penalty 50": {"estimation.MEAN_PENALTY": 50.0},
    "mean's penalty 200": {"estimation.MEAN_PENALTY": 200.0},
    "mean's penalty 1000": {"estimation.MEAN_PENALTY": 1000.0},
    "learnt from every 3rd point": {"train_stride": 3, "estimation.PENALTY": 10_000.0 * (4 / 3) ** 2},
    "80 components": {"components": 80},
    "300 components": {"components": 300},
    "field of this month, to lead 12": {
        "regression.SEASONAL": 0.0,
        "regression.FIELD_MEANS": (),
        "regression.FIELD_LEADS": 12,
    },
    "field of this month": {"regression.FIELD_MEANS": ()},
    "field not by season": {"regression.SEASONAL": 0.0},
    "field to lead 12": {"regression.FIELD_LEADS": 12},
    "field penalty 1000": {"regression.FIELD_PENALTY": 1000.0},
    "field penalty 4000": {"regression.FIELD_PENALTY": 4000.0},
    "100 prior rows": {"places.PRIOR_ROWS": 100.0},
    "10 prior rows": {"places.PRIOR_ROWS": 10.0},
}
"""Variant of `ridge-planet` -> constant, as `module.NAME`, or setting of params.yaml -> value."""

NETWORK: dict[str, dict[str, Any]] = {
    "network": {},
    "network, rate 0.002": {"learning_rate": 0.002},
    "network, rate 0.002, 4 epochs": {"learning_rate": 0.002, "epochs": 4},
    "network, rate 0.002, every 8th row": {"learning_rate": 0.002, "row_stride": 8},
    "network, rate 0.002, from the normal": {"learning_rate": 0.002, "linear_start": False},
    "network, 8 units": {"units": 8},
    "network, 32 units": {"units": 32},
    "network, every 8th row": {"row_stride": 8},
}
"""The same of `lstm-planet`."""


def main() -> None:
    """Evaluate the variants named, or all, and update their rows of the table."""
    for name in sys.argv[1:] or [*LINEAR, *NETWORK]:
        network = name in NETWORK
        result = evaluated((NETWORK if network else LINEAR)[name], network)
        print(name, json.dumps(result), flush=True)
        table = json.loads(RESULT.read_text(encoding="utf-8")) | {name: result}
        RESULT.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        put("planet-development", markdown(table))


def markdown(table: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The table by variant, in the order of LINEAR and NETWORK, of those that have been evaluated."""
    lines = [
        f"| variant | CRPS over that of `{OPPONENT}` | coverage of the 90% interval | calibrated share of the area |",
        "|---|---|---|---|",
    ]
    for name in (*LINEAR, *NETWORK):
        if name in table:
            blocks = [table[name][block] for block in SHOWN]
            cells = (
                " / ".join(f"{block[column]:.{digits}f}" for block in blocks)
                for column, digits in (("ratio", 4), ("coverage", 3), ("calibrated", 2))
            )
            lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def evaluated(changes: Mapping[str, Any], network: bool) -> dict[str, dict[str, float]]:
    """Ratio, coverage and calibrated share of the area by block of one variant."""
    params = load_params()
    constants = {name: value for name, value in changes.items() if "." in name}
    settings = {name: value for name, value in changes.items() if name not in constants}
    model = "lstm-planet" if network else "ridge-planet"
    settings |= {"stride": STRIDE, "models": [model], "seeds": SEEDS}
    field = read_sources([params.planet.source], examine).records[params.planet.source]["value"]
    field = field.sel(time=slice(None, LAST_MONTH)).load()
    with ExitStack() as stack:
        for name, value in constants.items():
            module, constant = name.rsplit(".", 1)
            stack.enter_context(patch.object(import_module(PACKAGE + module), constant, value))
        changed = changed_params(params, settings)
        *cells, _ = cell_scores(field, estimations(field, changed)[0], changed)
    return summary(xr.concat(cells, "cell", data_vars="minimal"), model)


def changed_params(params: Params, settings: Mapping[str, Any]) -> Params:
    """Parameters of a run on development origins in this process, which alone has the changed constants."""
    backtest = {"first_origin": FIRST_ORIGIN, "every": 1, "origins": ORIGINS}
    return params.model_copy(
        update={
            "planet": params.planet.model_copy(update=dict(settings)),
            "backtest": params.backtest.model_copy(update=backtest),
            "compute": ALONE,
        }
    )


def summary(scores: xr.Dataset, model: str) -> dict[str, dict[str, float]]:
    """See `evaluated`, from a dataset of stage `planet`."""
    area, pairs = scores["area"], scores["pairs"].fillna(0)
    crps, covered = (scores[name].fillna(0).weighted(pairs).mean("start") for name in ("crps", "covered90"))
    logarithm: xr.DataArray = xr.apply_ufunc(np.log, crps.sel(forecaster=model) / crps.sel(forecaster=OPPONENT))
    covered = covered.sel(forecaster=model)
    calibrated = (covered >= CALIBRATED[0]) & (covered <= CALIBRATED[1])
    columns: dict[str, xr.DataArray] = {
        "ratio": xr.apply_ufunc(np.exp, logarithm.weighted(area).mean("cell")),
        "coverage": covered.weighted(area).mean("cell"),
        "calibrated": calibrated.weighted(area).mean("cell"),
    }
    return {
        str(block): {name: round(float(column.sel(block=block)), 4) for name, column in columns.items()}
        for block in scores["block"].values
    }


if __name__ == "__main__":
    main()
