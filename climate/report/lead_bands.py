"""Scores of a few models by bands of leads, with intervals."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import xarray as xr

from climate.forecasters.registry import learner_pair
from climate.report.inputs import ReportInputs
from climate.verify.contest import against, in_hindsight
from climate.verify.losses import Blocks, by_block, cell_scores
from climate.verify.significance import mean_interval, origin_spacing, overlapping_origins

BANDS: Blocks = {
    **{"1": (1, 1), "2-3": (2, 3), "4-6": (4, 6), "7-12": (7, 12)},
    **{"13-24": (13, 24), "25-36": (25, 36), "37-60": (37, 60)},
}
"""First and last lead in months. Bands widen with the lead, as errors change less from month to month."""

ENDS = ("", "_low", "_high")
"""Suffixes of a score and of the ends of its 90% interval."""


def bands_of(inputs: ReportInputs) -> Blocks:
    """The BANDS that end within the leads of the forecasts."""
    return {name: leads for name, leads in BANDS.items() if leads[1] <= inputs.longest_lead}


@lru_cache(maxsize=64)
def band_frame(inputs: ReportInputs, region: str) -> pd.DataFrame:
    """Mean scores over the origins of the sample that all models share: one row per role and band.

    Roles: those of `report.contest.contest_frame`. The opponent is that of the headline block of the band; `hindsight`
    is the simple model with the lowest CRPS of the band, which has no interval since it was picked for its score.

    Returns:
        `region`, `role`, `model`, `leads` (the band); `crps` in the unit of the record, `skill` (1 minus the ratio of
        CRPS to the reference's) and `coverage90`, each with its 90% interval `_low` to `_high`: of a ratio see
        `significance.compare`, of a mean `significance.mean_interval`. NaN where a band is not verified.
    """
    bands = bands_of(inputs)
    cells = cell_scores(inputs.forecasts[region])[["crps", "covered90"]]
    means = by_block(cells, bands, lambda part: part.mean("lead"))
    reference = xr.DataArray([inputs.reference] * len(bands), coords={"block": [*bands]}, dims="block")
    skill = against(means["crps"], reference, bands)
    best = in_hindsight(means["crps"])["hindsight"]
    pair = learner_pair(means["model"].values.tolist())
    learners = dict(zip(("linear", "network"), pair, strict=True)) if pair else {}
    rows = []
    for band, leads in bands.items():
        roles = {"opponent": opponent_of(inputs, region, leads), "hindsight": str(best.sel(block=band).item())}
        for role, model in (roles | learners).items():
            if model not in means["model"].values:
                continue
            own, ratio = means.sel(model=model, block=band), skill.sel(model=model, block=band)
            scores = {
                "crps": _mean(own["crps"], leads[1]),
                "skill": tuple(1 - float(ratio[name]) for name in ("ratio", "high", "low")),
                "coverage90": tuple(min(max(end, 0.0), 1.0) for end in _mean(own["covered90"], leads[1])),
            }
            columns = {
                f"{name}{end}": np.nan if end and role == "hindsight" else value
                for name, values in scores.items()
                for end, value in zip(ENDS, values, strict=True)
            }
            rows.append({"region": region, "role": role, "model": model, "leads": band, **columns})
    return pd.DataFrame(rows)


def opponent_of(inputs: ReportInputs, region: str, leads: tuple[int, int]) -> str:
    """The opponent in the first headline block that holds a band; beyond all of them, in the last."""
    blocks = inputs.headline_blocks
    return inputs.opponent(region, next((one for one in blocks if leads[1] <= inputs.leads_of(one)[1]), blocks[-1]))


def _mean(values: xr.DataArray, last_lead: int) -> tuple[float, float, float]:
    """Mean over origins and its interval; NaN with fewer than two origins."""
    known = values.dropna("origin")
    if known.sizes["origin"] < 2:
        return float(known.mean()), np.nan, np.nan
    low, high = mean_interval(known.values, overlapping_origins(last_lead, origin_spacing(known["origin"])))
    return float(known.mean()), float(low), float(high)
