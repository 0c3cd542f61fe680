"""Size and power of the tests, on simulated forecasts of known quality.

`python -m benchmarks.simulation` simulates the design of params.yaml (origins, their distance, blocks of leads, level)
and writes benchmarks/simulation.json, which the report shows while the design is that of its run. It takes less than
a minute, is the same on each run, and depends on no record: run it again after a change of the design or of a test.

Two models make monthly errors that are partly the same, since they forecast the same weather, and that are correlated
from month to month. The error of a month is the same from every origin, so that neighbouring origins are as dependent
as they can be.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from climate.verify.comparison import RATIO_LEVEL
from scipy.signal import lfilter

from climate import paths
from climate.files import write_json
from climate.forecasters.base import FloatArray
from climate.params.params import load_params
from climate.verify.significance import (
    bootstrap_ratio,
    dm_fixed_smoothing,
    dm_hln,
    dm_test,
    holm,
    model_confidence_set,
    overlapping_origins,
)

RATIOS = (1.0, 0.95, 0.9, 0.8)
"""True ratios of mean losses; at 1 both models are equally good and every rejection is false."""

SHARED = 0.8
"""Share of the variance of an error that all models have in common."""

MEMORY = 0.5
"""Autocorrelation of an error from one month to the next."""

WARM_UP = 24
"""Months before the first origin, after which the errors have forgotten their start."""

REPEATS = 300
"""Simulated records for each true ratio."""

FAMILY_REPEATS = 100
"""Simulated records for many models at once."""

FAMILY = 12
"""Models that are compared with one opponent, or that compete for the confidence set."""

FAMILY_RATIO = 0.9
"""Loss of the best model of a family over that of the others, where one is better."""

MCS_LEVEL = 0.1
"""A model with a p-value above this belongs to the model confidence set, which holds the best in 9 of 10 cases."""

SEED = 20051231

TESTS = ("hln", "fixed-smoothing", "used", "bootstrap")
"""The two forms of the Diebold-Mariano test, the one of both that the project uses, and the bootstrap interval."""


def block_losses(
    random: np.random.Generator, repeats: int, scales: FloatArray, origins: int, every: int, leads: tuple[int, int]
) -> FloatArray:
    """Mean absolute errors (repeat, model, origin) over a block of leads, of models whose errors have given scales."""
    first, last = leads
    months = WARM_UP + (origins - 1) * every + last
    shocks = random.standard_normal((repeats, scales.size + 1, months))
    errors = lfilter([np.sqrt(1 - MEMORY**2)], [1.0, -MEMORY], shocks, axis=-1)
    mixed = np.sqrt(SHARED) * errors[:, :1] + np.sqrt(1 - SHARED) * errors[:, 1:]
    loss = np.abs(mixed) * scales[:, None]
    total = np.concatenate([np.zeros((*loss.shape[:2], 1)), np.cumsum(loss, axis=-1)], axis=-1)
    start = WARM_UP + every * np.arange(origins)
    return np.asarray((total[..., start + last] - total[..., start + first - 1]) / (last - first + 1))


def excludes_one(losses: FloatArray, shared: int) -> bool:
    """Whether the bootstrap interval of the ratio of two models' losses (model, origin) leaves 1 out."""
    low, high = bootstrap_ratio(losses[0][:, None], losses[1][:, None], shared, level=RATIO_LEVEL)
    return not low <= 1 <= high


def simulate(
    origins: int,
    every: int,
    blocks: Mapping[str, tuple[int, int]],
    level: float,
    *,
    repeats: int = REPEATS,
    family_repeats: int = FAMILY_REPEATS,
) -> xr.Dataset:
    """Size and power of the tests, for the design of a backtest.

    Args:
        origins: verified origins.
        every: months between them.
        blocks: name -> first and last lead.
        level: of the tests.
        repeats: simulated records for each of RATIOS; twice its standard error is at most 1 / sqrt(repeats).
        family_repeats: the same for many models.

    Returns:
        `rejected` (block, ratio, test), the share of records in which the test called the models different; `nominal`
        (test), what it should be at a ratio of 1; `any_raw` and `any_holm` (block), the share in which any of FAMILY
        models that are no different from their opponent was called so, without and with Holm's correction; `set_keeps`
        (block, case), the share in which the model confidence set kept every best model, and `set_size` (block, case),
        how many it kept, where all are `equal` and where `one-better` by FAMILY_RATIO.
    """
    random = np.random.default_rng(SEED)
    rejected = np.zeros((len(blocks), len(RATIOS), len(TESTS)))
    family = np.zeros((len(blocks), 2))
    keeps, sizes = np.zeros((len(blocks), 2)), np.zeros((len(blocks), 2))
    for i, leads in enumerate(blocks.values()):
        shared = overlapping_origins(leads[1], every)
        for j, ratio in enumerate(RATIOS):
            scales = np.array([ratio, 1.0])
            losses = block_losses(random, repeats, scales, origins, every, leads)
            differences = losses[:, 0] - losses[:, 1]
            for k, test in enumerate((dm_hln, dm_fixed_smoothing, dm_test)):
                rejected[i, j, k] = (test(differences, shared).p < level).sum()
            rejected[i, j, 3] = sum(excludes_one(one, shared) for one in losses)
        same = block_losses(random, family_repeats, np.ones(FAMILY + 1), origins, every, leads)
        scales = np.r_[FAMILY_RATIO, np.ones(FAMILY - 1)]
        parted = block_losses(random, family_repeats, scales, origins, every, leads)
        for equal, better in zip(same, parted, strict=True):
            p = dm_test(equal[1:] - equal[0], shared).p
            family[i] += [bool((p < level).any()), bool((holm(p) < level).any())]
            for k, losses in enumerate((equal[1:], better)):
                kept = model_confidence_set(losses, shared) > MCS_LEVEL
                keeps[i, k] += kept.all() if k == 0 else kept[0]
                sizes[i, k] += kept.sum()
    names = list(blocks)
    return xr.Dataset(
        {
            "rejected": (("block", "ratio", "test"), rejected / repeats),
            "nominal": ("test", [level, level, level, 1 - RATIO_LEVEL]),
            "any_raw": ("block", family[:, 0] / family_repeats),
            "any_holm": ("block", family[:, 1] / family_repeats),
            "set_keeps": (("block", "case"), keeps / family_repeats),
            "set_size": (("block", "case"), sizes / family_repeats),
        },
        coords={"block": names, "ratio": list(RATIOS), "test": list(TESTS), "case": ["equal", "one-better"]},
        attrs={
            "origins": origins,
            "every": every,
            "repeats": repeats,
            "family_repeats": family_repeats,
            "family": FAMILY,
            "family_ratio": FAMILY_RATIO,
        },
    )


def run() -> None:
    """Simulate the design of params.yaml and write the result."""
    params = load_params()
    plan, score = params.backtest, params.score
    simulated = simulate(plan.origins, plan.every, score.blocks, score.significance)
    write_json(
        simulated.assign_attrs(leads=[list(leads) for leads in score.blocks.values()]).to_dict(), paths.SIMULATION
    )


if __name__ == "__main__":
    run()
