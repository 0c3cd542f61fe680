"""Parameters and hyperparameters of the models: what is estimated from the record, and what somebody chose.

A parameter is estimated from each history. A hyperparameter stands in params.yaml or in the code and was chosen by a
person; some choices are left to the record itself, inside the fold. The values listed are read from where they are
used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from climate.forecasters import features
from climate.forecasters.networks import dense, tutorial

FROM_PARAMS = {
    "lstm-direct": ("lookback", "units", "epochs", "batch", "learning_rate", "seeds"),
    "lstm-tutorial": ("lookback", "units", "batch", "seeds"),
    "dense-numpy": ("units", "batch", "seeds"),
}
"""Numbers of `lstm` in params.yaml that each network uses."""


def _features() -> dict[str, Any]:
    return {
        "harmonics of the season": features.HARMONICS,
        "months before the first row": features.WARM_UP,
        "trailing means (months)": features.MEAN_MONTHS,
        "windows of ENSO (length, lag)": features.COVARIATE_WINDOWS,
        "trend chosen among (months)": features.TREND_MONTHS,
        "season chosen among (years)": features.SEASON_YEARS,
    }


IN_CODE: dict[str, dict[str, Any]] = {
    "lstm-direct": _features(),
    "lstm-tutorial": {"epochs": tutorial.EPOCHS, "learning_rate": tutorial.LEARNING_RATE},
    "dense-numpy": {
        **_features(),
        "epochs": dense.EPOCHS,
        "learning_rate": dense.LEARNING_RATE,
        "hidden layers": dense.HIDDEN_LAYERS,
    },
}
"""Settings that are constants of the code."""


def hyperparameters(lstm: Mapping[str, Any]) -> pd.DataFrame:
    """One row per setting of each network: `model`, `setting`, `value`, `where` it stands."""
    rows = []
    for model, names in FROM_PARAMS.items():
        rows += [{"model": model, "setting": name, "value": lstm[name], "where": "params.yaml"} for name in names]
        rows += [
            {"model": model, "setting": name, "value": value, "where": "code"} for name, value in IN_CODE[model].items()
        ]
    frame = pd.DataFrame(rows)
    frame["value"] = [_plain(value) for value in frame["value"]]
    return frame


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(f"({_plain(item)})" if isinstance(item, (list, tuple)) else _plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
