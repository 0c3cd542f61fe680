"""Who beats whom on the CRPS: skill, ratio to the best classical model, tests and bootstrap, per block of leads."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.forecasters.registry import Kind, is_kind
from climate.verify.losses import cell_scores
from climate.verify.significance import (
    bootstrap_ratio,
    dm_hln_each,
    dm_test_each,
    model_confidence_set,
    origin_differences,
    overlap,
    suits_hln,
)

COMPARED = ("reference", "best")
"""Opponents of every model: the reference, and the best classical model of the block."""

RATIO_LEVEL = 0.9
"""Coverage of the bootstrap interval of a ratio of scores."""


def compare_blocks(table: xr.Dataset, blocks: Mapping[str, tuple[int, int]], reference: str) -> xr.Dataset:
    """Skill and significance (model, block) on the CRPS, against `reference` and the best classical model.

    Variables: `crps_skill_reference` (1 - ratio), `crps_ratio_best` with bootstrap bounds `crps_ratio_best_low` and
    `_high`; `dm_p_reference` and `dm_p_best`, p-values by the test that `dm_method` (block) names; `dm_hln_p_best`,
    the HLN test whatever its size; `mcs_p`, membership of the model confidence set; `best_classical` (block). The
    best classical model is chosen on the same sample, which favours it. A model has no p-value against itself.

    Raises:
        ClimateError: `reference` is not in the table.
    """
    models = [str(model) for model in table["model"].values]
    if reference not in models:
        raise ClimateError(
            f"score.reference: found '{reference}', expected one of the models that were run: {', '.join(models)}"
        )
    crps = cell_scores(table)["crps"]
    months = np.unique(table["origin"].values.astype("datetime64[M]")).astype(int)
    spacing = int(np.median(np.diff(months))) if months.size > 1 else 1
    per_block = [
        _compare(crps.sel(lead=slice(first, last)).values, models, reference, overlap(last, spacing)).expand_dims(
            block=[name]
        )
        for name, (first, last) in blocks.items()
    ]
    return xr.concat(per_block, "block").transpose("model", "block", ...)


def _compare(losses: FloatArray, models: list[str], reference: str, shared: int) -> xr.Dataset:
    """Comparisons of one block, from losses (model, origin, lead) and the overlap of its origins."""
    known = np.isfinite(losses[0]).any(axis=1)
    means = np.array([np.nanmean(loss) if known.any() else math.nan for loss in losses])
    classical = [i for i, model in enumerate(models) if is_kind(model, Kind.CLASSICAL) and math.isfinite(means[i])]
    opponents = {"reference": models.index(reference), "best": min(classical, key=lambda i: means[i], default=-1)}
    best = opponents["best"]
    results = {name: np.full(len(models), math.nan) for name in ("dm_p_reference", "dm_p_best", "dm_hln_p_best")}
    low, high = np.full(len(models), math.nan), np.full(len(models), math.nan)
    for name, opponent in opponents.items():
        if opponent >= 0:
            # a model does not differ from itself, for which the tests give NaN
            differences = np.stack([origin_differences(loss, losses[opponent]) for loss in losses])
            results[f"dm_p_{name}"] = np.array([test.p for test in dm_test_each(differences, shared)])
    if best >= 0:
        results["dm_hln_p_best"] = np.array([test.p for test in dm_hln_each(differences, shared)])
        bounds = [bootstrap_ratio(loss, losses[best], shared, level=RATIO_LEVEL) for loss in losses]
        low, high = (np.array(side) for side in zip(*bounds, strict=True))
    method = "hln" if suits_hln(int(known.sum()), shared) else "fixed-smoothing"
    confidence = np.full(len(models), math.nan)
    if known.sum() > shared:
        confidence = model_confidence_set(np.nanmean(losses[:, known], axis=2), shared)
    ratio = means / means[best] if best >= 0 else np.full(len(models), math.nan)
    columns = {
        "crps_skill_reference": 1 - means / means[opponents["reference"]],
        "crps_ratio_best": ratio,
        "crps_ratio_best_low": low,
        "crps_ratio_best_high": high,
        **results,
        "mcs_p": confidence,
    }
    return xr.Dataset(
        {name: ("model", values) for name, values in columns.items()}
        | {"best_classical": ((), models[best] if best >= 0 else ""), "dm_method": ((), method)},
        coords={"model": np.array(models, dtype=object)},
    )
