"""Sections of params.yaml, one model each; those of regions and of harmonizing are in `regions`."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import Field, field_validator

from climate.forecasters.registry import MODELS
from climate.params.regions import Month, Strict, pair
from climate.sources.catalogue import find_source

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""Key of a region, panel, notebook or model."""


class ComputeParams(Strict):
    """Where work is done; no number depends on it, so no stage of dvc.yaml lists it."""

    scheduler: str | None = Field(default=None, pattern=r"^(tcp|tls|ws|wss|ucx)://.+")
    """Address of a Dask scheduler; None: processes of this machine, unless Dask's own settings name one."""
    workers: int | None = Field(default=None, ge=1)
    """Processes of this machine; None: one per core."""
    memory_gib: float | None = Field(default=None, gt=0)
    """What all of them may use together (GiB); None: three quarters of the machine's memory."""


class Pinned(Strict):
    """The vintage of one source."""

    vintage: str = "latest"
    path: str | None = Field(default=None, min_length=1)
    """A copy of the user's own: a folder, a zip or the file itself."""


class PullParams(Strict):
    """What to fetch."""

    mirror: str | None = None
    sources: dict[str, Pinned] = Field(min_length=1)

    @property
    def chosen_mirror(self) -> str | None:
        """The mirror that CLIMATE_MIRROR names, else that of the parameters."""
        return os.environ.get("CLIMATE_MIRROR") or self.mirror

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, Pinned]) -> dict[str, Pinned]:
        for key in sources:
            find_source(key)
        return sources


class PanelDefinition(Strict):
    """Many regions of one source, forecast and scored together."""

    title: str = Field(min_length=1)
    source: str
    shapes: str
    """Source of polygons: the regions themselves where `source` is a grid, else what they are drawn on."""
    first_origin: Month | None = None
    """As backtest.first_origin; None: so that the last origin lies a year before the end of the records."""
    models: tuple[Name, ...] = tuple(model.name for model in MODELS.values() if model.on_panels)

    _tuples = field_validator("models", mode="before")(pair)

    @property
    def sources(self) -> list[str]:
        """Catalogue keys that the panel needs."""
        return [self.source, self.shapes]


class BacktestParams(Strict):
    """When forecasts are issued and how far they reach."""

    first_origin: Month
    every: int = Field(ge=1, le=120)
    """Months between origins."""
    origins: int = Field(ge=1, le=1200)
    leads: int = Field(ge=1, le=240)
    """Months ahead; every chosen model has to reach as far."""
    min_history: int = Field(ge=36)
    """Months with a value that a record needs up to its first origin."""


class BaselineParams(Strict):
    """Which models run that need no training, and how often they are estimated anew."""

    refit_every: int = Field(ge=1)
    models: list[Name] = Field(min_length=1)


class LstmParams(Strict):
    """The networks and their training."""

    refit_every: int = Field(ge=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    lookback: int = Field(ge=12, le=240)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=4096)
    learning_rate: float = Field(gt=0, lt=1)

    _tuples = field_validator("seeds", mode="before")(pair)


class PoolParams(Strict):
    """What the pooled forecasters are trained on, and how."""

    source: str
    shapes: str
    lattice_degrees: int | None = Field(ge=5, le=90)
    """Degrees between the grid points that are trained on beside the regions; null for none."""
    grid_stride: int = Field(ge=1, le=12)
    """One in so many cells of the field, along both axes, counts for its principal components."""
    components: int = Field(ge=1, le=500)
    refit_every: int = Field(ge=1)
    models: list[Name] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=8192)
    learning_rate: float = Field(gt=0, lt=1)
    row_stride: int = Field(ge=1)
    """The network is trained on one month in so many of each series."""

    _tuples = field_validator("seeds", mode="before")(pair)


class CombineParams(Strict):
    """Combination and calibration of forecasts."""

    min_verified: int = Field(ge=2)
    uncalibrated: tuple[Name, ...] = tuple(model.name for model in MODELS.values() if not model.calibrated)
    """Models whose intervals stay as they are."""

    _tuples = field_validator("uncalibrated", mode="before")(pair)


class ScoreParams(Strict):
    """Lead blocks and references."""

    blocks: dict[str, tuple[int, int]] = Field(min_length=1, strict=False)
    reference: Name
    significance: float = Field(gt=0, lt=0.5)

    @field_validator("blocks", mode="before")
    @classmethod
    def _pairs(cls, blocks: Any) -> Any:
        return {key: pair(leads) for key, leads in blocks.items()} if isinstance(blocks, dict) else blocks

    @field_validator("blocks")
    @classmethod
    def _ordered(cls, blocks: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (first, last) in blocks.items():
            if not 1 <= first <= last:
                raise ValueError(f"block '{name}' must run from a first lead >= 1 to a last lead not before it")
        return blocks


class ProjectParams(Strict):
    """Projections to the middle of the century."""

    pathways: str = "ssp-co2"
    """A source of the catalogue that holds concentrations by scenario; without it under pull.sources none is made."""
    co2: Name = "mauna-loa-co2"
    """The region whose CO2 is observed."""
    scenarios: list[str] = Field(default=["ssp119", "ssp126", "ssp245", "ssp370", "ssp585"], min_length=1)
    until: int = Field(default=2050, ge=1990, le=2100)
    hindcasts: tuple[Annotated[int, Field(ge=1000, le=9999)], ...] = (1990, 2000, 2010)
    """Last years of earlier projections that are compared with what happened."""

    _tuples = field_validator("hindcasts", mode="before")(pair)


class RevisionsParams(Strict):
    """Which vintages are compared beside those that packages carry."""

    against: dict[str, str] = Field(default_factory=dict)


class CeilingParams(Strict):
    """Where the value of perfectly known covariates is measured; without regions nowhere."""

    regions: list[Name] = Field(default_factory=list)
    models: list[Name] = Field(default_factory=list)


class NotebookParams(Strict):
    """What one notebook of notebooks/ is about."""

    record: Name
    """A region."""


class ReportParams(Strict):
    """What the report is called."""

    title: str
