"""What intervals and tests hold, on simulated forecasts of known quality.

`python -m benchmarks.simulation` simulates the design of params.yaml (origins, their distance, blocks of leads, level),
prints the table of benchmarks/README.md and writes benchmarks/simulation.json, which the report shows while the design
is that of its run. It takes about a minute, is the same on each run, and depends on no record: run it again after a
change of the design or of the inference.

Two models make monthly errors that are partly the same, since they forecast the same weather, and that are correlated
from month to month. The error of a month is the same from every origin, so that neighbouring origins are as dependent
as they can be.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from scipy.signal import lfilter

from climate import paths
from climate.files import write_json
from climate.forecasters.base import FloatArray
from climate.params.params import load_params
from climate.schema import MONTHS_PER_YEAR
from climate.verify.significance import compare, cosines, overlapping_origins

RATIOS = (1.0, 0.98, 0.95, 0.9, 0.8)
"""True ratios of mean losses; at 1 both models are equally good and every rejection is false."""

SHARED = 0.8
"""Share of the variance of an error that all models have in common."""

MEMORIES = (0.5, 0.8)
"""Autocorrelation of an error from one month to the next: about that of land and of ocean."""

WARM_UP = 60
"""Months before the first origin, after which the errors have forgotten their start."""

REPEATS = 3000
"""Simulated records; twice the standard error of a share of 90% is 1.1%."""

AHEAD = MONTHS_PER_YEAR
"""Months between the last origin and the end of the record; blocks that reach further have fewer origins."""

SEED = 20051231


def block_losses(
    random: np.random.Generator, scales: FloatArray, memory: float, origins: int, every: int, leads: tuple[int, int]
) -> FloatArray:
    """Mean absolute errors (repeat, model, origin) over a block of leads, of models whose errors have given scales."""
    first, last = leads
    months = WARM_UP + (origins - 1) * every + last
    shocks = random.standard_normal((REPEATS, scales.size + 1, months))
    errors = lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], shocks, axis=-1)
    mixed = np.sqrt(SHARED) * errors[:, :1] + np.sqrt(1 - SHARED) * errors[:, 1:]
    loss = np.abs(mixed) * scales[:, None]
    total = np.concatenate([np.zeros((*loss.shape[:2], 1)), np.cumsum(loss, axis=-1)], axis=-1)
    start = WARM_UP + every * np.arange(origins)
    return np.asarray((total[..., start + last] - total[..., start + first - 1]) / (last - first + 1))


def verified_origins(origins: int, every: int, last: int) -> int:
    """Origins whose lead `last` is reached, AHEAD months after the last of them."""
    return max(2, origins - -(-max(0, last - AHEAD) // every))


def simulate(origins: int, every: int, blocks: Mapping[str, tuple[int, int]], level: float) -> xr.Dataset:
    """Coverage of the intervals and size and power of the test, for the design of a backtest.

    Args:
        origins: origins.
        every: months between them.
        blocks: name -> first and last lead.
        level: of the test.

    Returns:
        `covered` (block, memory, ratio), the share of records whose interval contains the true ratio; `rejected`, the
        share in which the test called the models different; `origins` and `cosines` (block).
    """
    random = np.random.default_rng(SEED)
    covered, rejected = np.zeros((2, len(blocks), len(MEMORIES), len(RATIOS)))
    counts = np.zeros((2, len(blocks)), dtype=int)
    for i, leads in enumerate(blocks.values()):
        verified, overlap = verified_origins(origins, every, leads[1]), overlapping_origins(leads[1], every)
        counts[:, i] = verified, cosines(verified, overlap)
        for j, memory in enumerate(MEMORIES):
            for k, ratio in enumerate(RATIOS):
                losses = block_losses(random, np.array([ratio, 1.0]), memory, verified, every, leads)
                found = compare(losses[:, 0], losses[:, 1], overlap)
                covered[i, j, k] = ((found.low <= ratio) & (ratio <= found.high)).mean()
                rejected[i, j, k] = (found.p < level).mean()
    dims = ("block", "memory", "ratio")
    return xr.Dataset(
        {
            "covered": (dims, covered),
            "rejected": (dims, rejected),
            "origins": ("block", counts[0]),
            "cosines": ("block", counts[1]),
        },
        coords={"block": list(blocks), "memory": list(MEMORIES), "ratio": list(RATIOS)},
        attrs={"origins": origins, "every": every, "level": level, "repeats": REPEATS},
    )


def table(simulated: xr.Dataset) -> str:
    """The table of benchmarks/README.md."""
    gains = " | ".join(f"rejects {1 - ratio:.0%}" for ratio in RATIOS[1:])
    lines = [
        f"| leads | memory | origins | cosines | 90% interval holds | rejects no gain | {gains} |",
        "|---" * 10 + "|",
    ]
    for block in simulated["block"].values:
        for memory in MEMORIES:
            one = simulated.sel(block=block, memory=memory)
            shares = [float(one["covered"].sel(ratio=1.0)), *one["rejected"].values.tolist()]
            about = f"| {block} | {memory} | {int(one['origins'])} | {int(one['cosines'])} | "
            lines.append(about + " | ".join(f"{share:.1%}" for share in shares) + " |")
    return "\n".join(lines)


def run() -> None:
    """Simulate the design of params.yaml, print the table and write the result."""
    params = load_params()
    plan, score = params.backtest, params.score
    simulated = simulate(plan.origins, plan.every, score.blocks, score.significance)
    print(table(simulated))
    leads = [list(leads) for leads in score.blocks.values()]
    write_json(simulated.assign_attrs(leads=leads).to_dict(), paths.SIMULATION)


if __name__ == "__main__":
    run()
