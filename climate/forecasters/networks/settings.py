"""Settings of the networks that one record trains, as the section `lstm` of params.yaml has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkSettings:
    """Shape and training of a network; a network may use some of them alone."""

    seeds: tuple[int, ...]
    """A network is trained from each; their quantiles are averaged."""
    lookback: int
    """Months that the network sees."""
    units: int
    epochs: int
    batch: int
    learning_rate: float
