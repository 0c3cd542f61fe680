"""Settings of the networks trained on one record, from the section `lstm` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkSettings:
    """Shape and training of a network; not every network uses all of them."""

    seeds: tuple[int, ...]
    """One network is trained per seed; their quantiles are averaged."""
    lookback: int
    """Months that the recurrent layer reads."""
    units: int
    epochs: int
    batch: int
    learning_rate: float
