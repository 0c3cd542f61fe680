"""The verdicts: the one family of tests that is corrected for multiplicity.

Declared here and nowhere else: one network, the challenger, against the best classical model, in every region and each
of JUDGED_BLOCKS. Stage `score` computes it once, and everything that speaks of a verdict reads the result. Any other
p-value is descriptive: it is shown as it is and carries no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import xarray as xr

from climate.forecasters.registry import primary_network
from climate.verify.significance import holm

JUDGED_BLOCKS = ("1-12", "1-60")
"""Blocks of leads that verdicts are given for, where they were scored."""

Outcome = Literal["better", "worse", "same"]
"""Of a comparison: a significant difference, or none."""


def challenger(models: Iterable[str]) -> str | None:
    """The network that verdicts are given on; None where none was run."""
    return primary_network(models)


def judged_blocks(blocks: Iterable[str]) -> list[str]:
    """Those of JUDGED_BLOCKS that were scored; without any of them the last block."""
    scored = [str(block) for block in blocks]
    return [block for block in JUDGED_BLOCKS if block in scored] or scored[-1:]


def verdicts(scores: xr.Dataset, level: float) -> xr.Dataset:
    """Adjusted p-value and outcome of every comparison of the family.

    Args:
        scores: `dm_p_best` and `crps_ratio_best` (region, model, block), see `comparison.compare_blocks`.
        level: family-wise error rate.

    Returns:
        `p_holm` (region, block), NaN outside the family and where no test could be made; `outcome` (region, block), an
        Outcome, "" outside the family.
    """
    models, blocks = scores["model"].values.astype(str), scores["block"].values.astype(str)
    network = challenger(models)
    member = np.isin(blocks, judged_blocks(blocks)) & (network is not None)
    own = scores[["dm_p_best", "crps_ratio_best"]].sel(model=network or models[0], drop=True)
    own = own.transpose("region", "block")
    adjusted = holm(np.where(member, own["dm_p_best"], np.nan))
    found = np.select([~(adjusted < level), own["crps_ratio_best"] < 1], ["same", "better"], "worse")
    outcome = np.where(member, found, "").astype(object)
    return xr.Dataset(
        {"p_holm": (("region", "block"), adjusted), "outcome": (("region", "block"), outcome)}, coords=own.coords
    )
