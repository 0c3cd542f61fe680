"""The verdicts: the one family of tests that is corrected for multiplicity.

Declared here and nowhere else: CHALLENGER against the best classical model, in every region and each of JUDGED_BLOCKS.
Stage `score` computes it once, and everything that speaks of a verdict reads the result. Any other p-value is
descriptive: it is shown as it is and carries no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import xarray as xr

from climate.verify.significance import holm

CHALLENGER = "lstm-direct"
"""The model that verdicts are given on."""

JUDGED_BLOCKS = ("1-12", "1-60")
"""Blocks of leads that verdicts are given for, where they were scored."""

Outcome = Literal["better", "worse", "same"]
"""Of a comparison: a significant difference, or none."""


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
    inside = xr.DataArray(
        np.isin(scores["block"].values.astype(str), judged_blocks(scores["block"].values)), dims="block"
    )
    if CHALLENGER not in scores["model"].values:
        inside = xr.zeros_like(inside)
    own = scores.reindex(model=[CHALLENGER]).isel(model=0, drop=True)
    p = own["dm_p_best"].where(inside).transpose("region", "block")
    adjusted = p.copy(data=holm(p.values))
    ratio = own["crps_ratio_best"].transpose("region", "block")
    found = np.select([~(adjusted < level), ratio < 1], ["same", "better"], "worse")
    return xr.Dataset(
        {"p_holm": adjusted, "outcome": (p.dims, np.where(inside.values, found, "").astype(object))},
        attrs={"challenger": CHALLENGER, "level": level},
    )
