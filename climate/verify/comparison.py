"""Comparisons on the CRPS per block of leads: skill, ratio to the best classical model, tests and bootstrap."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.forecasters.registry import Kind, is_kind
from climate.verify.losses import at_leads
from climate.verify.significance import (
    bootstrap_ratio,
    dm_hln,
    dm_test,
    model_confidence_set,
    origin_differences,
    origin_spacing,
    overlapping_origins,
    suits_hln,
)

RATIO_LEVEL = 0.9
"""Coverage of the bootstrap interval of a ratio of scores."""


def compare_blocks(cells: xr.Dataset, blocks: Mapping[str, tuple[int, int]], reference: str) -> xr.Dataset:
    """Skill and significance (model, block) on the CRPS, against `reference` and the best classical model.

    Variables: `crps_skill_reference` (1 - ratio), `crps_ratio_best` with bootstrap bounds `crps_ratio_best_low` and
    `_high`; `dm_p_reference` and `dm_p_best`, p-values by the test that `dm_method` (block) names; `dm_hln_p_best`,
    the HLN test whatever its size; `mcs_p`, membership of the model confidence set; `best_classical` (block). The
    best classical model is chosen on the same sample, which favours it. A model has no p-value against itself. The
    p-values are descriptive; see `verdicts` for the tests that are corrected.

    Args:
        cells: `losses.cell_scores` of one region.
        blocks: name -> first and last lead.
        reference: the model that skill is measured against.

    Raises:
        ClimateError: `reference` is not among the models.
    """
    models = [str(model) for model in cells["model"].values]
    if reference not in models:
        raise ClimateError(
            f"score.reference: found '{reference}', expected one of the models that were run: {', '.join(models)}"
        )
    spacing = origin_spacing(cells["origin"])
    per_block = [
        _compare(
            at_leads(cells, leads)["crps"].values, models, reference, overlapping_origins(leads[1], spacing)
        ).expand_dims(block=[name])
        for name, leads in blocks.items()
    ]
    return xr.concat(per_block, "block").transpose("model", "block", ...)


def _compare(losses: FloatArray, models: list[str], reference: str, shared: int) -> xr.Dataset:
    """Comparisons of one block, from losses (model, origin, lead) and the overlap of its origins."""
    known = np.isfinite(losses[0]).any(axis=1)
    means = np.array([np.nanmean(loss) if known.any() else math.nan for loss in losses])
    classical = [i for i, model in enumerate(models) if is_kind(model, Kind.CLASSICAL) and math.isfinite(means[i])]
    best = min(classical, key=lambda i: means[i], default=None)
    opponents = {"reference": models.index(reference), "best": best}
    missing = np.full(len(models), math.nan)
    # a model does not differ from itself, for which the tests give NaN
    differences = {
        name: np.stack([origin_differences(loss, losses[opponent]) for loss in losses])
        for name, opponent in opponents.items()
        if opponent is not None
    }
    tested = {f"dm_p_{name}": dm_test(values, shared).p for name, values in differences.items()}
    low, high = missing, missing
    if best is not None:
        tested["dm_hln_p_best"] = dm_hln(differences["best"], shared).p
        bounds = [bootstrap_ratio(loss, losses[best], shared, level=RATIO_LEVEL) for loss in losses]
        low, high = (np.array(side) for side in zip(*bounds, strict=True))
    confidence = missing
    if known.sum() > shared:
        confidence = model_confidence_set(np.nanmean(losses[:, known], axis=2), shared)
    columns = {
        "crps_skill_reference": 1 - means / means[opponents["reference"]],
        "crps_ratio_best": missing if best is None else means / means[best],
        "crps_ratio_best_low": low,
        "crps_ratio_best_high": high,
        "dm_p_reference": missing,
        "dm_p_best": missing,
        "dm_hln_p_best": missing,
        **tested,
        "mcs_p": confidence,
    }
    return xr.Dataset(
        {name: ("model", values) for name, values in columns.items()}
        | {
            "best_classical": ((), "" if best is None else models[best]),
            "dm_method": ((), "hln" if suits_hln(int(known.sum()), shared) else "fixed-smoothing"),
        },
        coords={"model": np.array(models, dtype=object)},
    )
