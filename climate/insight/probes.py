"""What a network's hidden state holds: linear probes, scored on blocks of months that they were not fitted on.

A probe is a ridge regression from the hidden state to something known of the month, such as its season. That it works
does not say that the network uses it, and a recurrent layer with random weights holds much of its input too. So each
probe stands beside the same probe of the untrained network, and beside what chance gives: the quantity shifted in time
against the states, which keeps the persistence of both. Alain and Bengio (2017), arXiv:1610.01644; Hewitt and Liang
(2019), doi:10.18653/v1/D19-1275.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray

BLOCKS = 6
"""Contiguous blocks of months; each is predicted from the others."""

PENALTY = 1.0
"""Ridge penalty on states of unit variance, in months."""

SHIFTS = 100
"""Shifts in time, or shuffles, that the null distribution is made of."""

SEED = 20051231
"""Seed of the shuffles."""


def block_hats(states: FloatArray, gap: int) -> list[tuple[slice, FloatArray, FloatArray]]:
    """For each block its rows, the rows to learn from, and the matrix (row, learnt row) that turns targets to guesses.

    Rows nearer than `gap` months to a block are left out of its learning: neighbouring states share their input.
    """
    rows = states.shape[0]
    parts = []
    for block in np.array_split(np.arange(rows), BLOCKS):
        first, last = int(block[0]), int(block[-1])
        known = np.concatenate([np.arange(max(first - gap, 0)), np.arange(min(last + 1 + gap, rows), rows)])
        inner = states[known]
        centre, spread = inner.mean(axis=0), inner.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        learnt, asked = (inner - centre) / spread, (states[block] - centre) / spread
        solved = np.linalg.solve(learnt.T @ learnt + PENALTY * np.eye(learnt.shape[1]), learnt.T)
        weights = asked @ (solved - solved.mean(axis=1, keepdims=True)) + 1 / known.size
        parts.append((slice(first, last + 1), known, weights))
    return parts


def explained(
    states: FloatArray, wanted: FloatArray, gap: int, draws: int = 0, *, periodic: bool = False
) -> tuple[float, FloatArray]:
    """Share of the variance of `wanted` (row, quantity) that a probe of `states` (row, unit) explains out of sample.

    1 less the squared error over that of the learning rows' mean; below 0 the probe is worse than that mean. Neither
    may hold NaN.

    Returns:
        The share, and the shares with `wanted` shifted in time, wrapped around, by about `draws` even steps. What is
        `periodic` is shuffled instead: a shifted season is still the season.
    """
    hats = block_hats(states, gap)
    rows = states.shape[0]

    def share(target: FloatArray) -> float:
        error = sum(float(((target[block] - hat @ target[known]) ** 2).sum()) for block, known, hat in hats)
        plain = sum(float(((target[block] - target[known].mean(axis=0)) ** 2).sum()) for block, known, _ in hats)
        return 1 - error / plain if plain > 0 else float("nan")

    if periodic:
        random = np.random.default_rng(SEED)
        moved = [wanted[random.permutation(rows)] for _ in range(draws)]
    else:
        steps = np.unique(np.linspace(gap, rows - gap, draws + 2).astype(int)[1:-1])
        moved = [np.roll(wanted, step, axis=0) for step in steps[:draws]]
    return share(wanted), np.array([share(one) for one in moved])
