"""Settings of the planet's forecasters, from the section `planet` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanetSettings:
    """Size of the estimation, and training of the network."""

    components: int
    """Principal components of the field."""
    row_stride: int
    """The network is trained on one month in this many of each cell."""
    seeds: tuple[int, ...]
    """One network is trained per seed; their quantiles are averaged."""
    units: int
    epochs: int
    batch: int
    learning_rate: float
    linear_start: bool = True
    """Whether training begins at the linear forecast, which the network then changes; otherwise at the normal."""
