"""Settings of the pool, as the section `pool` of params.yaml has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PoolSettings:
    """What is estimated from the field and the series, and how the network is trained."""

    components: int
    """Principal components of the field."""
    row_stride: int
    """The network learns from one month in so many of each series."""
    seeds: tuple[int, ...]
    """A network is trained from each; their quantiles are averaged."""
    units: int
    epochs: int
    batch: int
    learning_rate: float
