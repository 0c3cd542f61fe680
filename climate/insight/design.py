"""Which setting matters: a two-level fractional factorial design and the shares of variance of its effects.

Five factors take 16 runs instead of 32: the fifth is set to the product of the others (2^(5-1), resolution V). Every
main effect and every interaction of two factors can then be told apart; they are confused with interactions of three
or four factors alone. Box, Hunter and Hunter (2005), Statistics for Experimenters, chapter 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from climate.forecasters.base import FloatArray, IntArray

NOISE = "seed"
"""Name of what differs between replicates of one setting."""


def half_fraction(factors: int) -> IntArray:
    """Design (run, factor) of -1 and +1: all combinations of all but the last factor, which is their product."""
    full = np.array(list(product((-1, 1), repeat=factors - 1)))
    return np.column_stack([full, full.prod(axis=1)])


def settings_of(design: IntArray, levels: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Settings of each run, from the low and the high level of each factor."""
    return [{name: levels[name][int(sign > 0)] for name, sign in zip(levels, run, strict=True)} for run in design]


def variance_shares(design: IntArray, names: Sequence[str], response: FloatArray) -> pd.DataFrame:
    """Functional ANOVA of a two-level design by plain sums of squares.

    Args:
        design: -1 and +1 (run, factor), orthogonal for main effects and interactions of two.
        names: of the factors.
        response: (run, replicate), for instance the logarithm of an error, whose effects then multiply.

    Returns:
        One row per term (`factor`, `factor x factor`, NOISE and, if there are more runs than terms, `rest`) with
        `effect`, the mean response at high less that at low, NaN for the last two, and `share` of the total sum of
        squares; shares sum to 1. All shares are 0 where the response does not vary.
    """
    runs, replicates = response.shape
    means = response.mean(axis=1)
    total = float(((response - response.mean()) ** 2).sum())
    unit = total or 1.0
    columns = {name: design[:, place] for place, name in enumerate(names)}
    terms = dict(columns) | {
        f"{first} × {second}": columns[first] * columns[second]  # noqa: RUF001
        for first, second in combinations(names, 2)
    }
    rows = []
    for name, column in terms.items():
        effect = 2 * float(column @ means) / runs
        rows.append({"term": name, "effect": effect, "share": runs * replicates * (effect / 2) ** 2 / unit})
    within = float(((response - means[:, None]) ** 2).sum()) / unit
    rows.append({"term": NOISE, "effect": np.nan, "share": within})
    rest = total / unit - sum(row["share"] for row in rows)
    if runs - 1 > len(terms):
        rows.append({"term": "rest", "effect": np.nan, "share": max(rest, 0.0)})
    return pd.DataFrame(rows)
