"""Sections of params.yaml, one class each; those of regions and of harmonizing are in `regions`."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from climate.forecasters.registry import MODELS
from climate.params.keys import Name
from climate.params.own import LATEST, OwnSource, check_keys
from climate.params.regions import Month, Strict, as_tuple
from climate.sources.catalogue import Source, find_source, load_catalogue

OPPONENT = "opponent"
"""In lists of models: the simple model that was chosen as the opponent."""


class ComputeParams(Strict):
    """Processes and memory; results do not depend on them, so no stage of dvc.yaml lists this section."""

    scheduler: str | None = Field(default=None, pattern=r"^(tcp|tls|ws|wss|ucx)://.+")
    """Address of a Dask scheduler; None: processes of this machine, unless Dask's own settings name one."""
    workers: int | None = Field(default=None, ge=1)
    """Processes of this machine; None: one per core."""
    memory_gib: float | None = Field(default=None, gt=0)
    """Memory limit of all of them together (GiB); None: three quarters of the machine's memory."""


class Pinned(Strict):
    """Vintage of one source."""

    vintage: str = "latest"
    path: str | None = Field(default=None, min_length=1)
    """The user's own copy: a folder, a zip or the file itself."""


class PullParams(Strict):
    """Sources to download."""

    mirror: str | None = None
    sources: dict[str, Pinned] = Field(min_length=1)
    """Of the catalogue."""
    own: dict[Name, OwnSource] = Field(default_factory=dict)
    """Files of the user's own."""

    @property
    def pinned(self) -> dict[str, Pinned]:
        """Every source by key, those of the catalogue first."""
        own = {key: Pinned(vintage=LATEST, path=entry.path) for key, entry in self.own.items()}
        return {**self.sources, **own}

    def source(self, key: str) -> Source:
        """What params.yaml says of a file of the user's own, what the catalogue says of other sources.

        Raises ClimateError with near names for an unknown key.
        """
        return self.own[key].source(key) if key in self.own else find_source(key)

    def known(self) -> set[str]:
        """Keys that a region may name: of the catalogue and of the user's own files."""
        return {*load_catalogue(), *self.own}

    @property
    def chosen_mirror(self) -> str | None:
        """The environment variable CLIMATE_MIRROR, else the mirror of the parameters."""
        return os.environ.get("CLIMATE_MIRROR") or self.mirror

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, Pinned]) -> dict[str, Pinned]:
        for key in sources:
            find_source(key)
        return sources

    @model_validator(mode="after")
    def _own_keys(self) -> PullParams:
        check_keys(self.own, self.sources)
        return self


LAND = "natural-earth"
"""Source of the coasts on maps."""


class PanelDefinition(Strict):
    """Many regions of one source, forecast and scored together."""

    title: str = Field(min_length=1)
    source: str
    shapes: str
    """Source of polygons: the regions themselves if `source` is a grid, else the background of their map."""
    first_origin: Month | None = None
    """As backtest.first_origin; None: such that the last origin is a year before the end of the records."""
    start: Month | None = None
    """First month of the records that is used; None: all."""
    models: tuple[Name, ...] = tuple(model.name for model in MODELS.values() if model.on_panels)
    caveat: str = ""
    """What to know of the records before reading the scores; shown above them."""

    _tuples = field_validator("models", mode="before")(as_tuple)

    @property
    def sources(self) -> list[str]:
        """Catalogue keys of its records and polygons; its page needs LAND too."""
        return [self.source, self.shapes]


class BacktestParams(Strict):
    """Origins and leads of the hindcasts."""

    first_origin: Month
    every: int = Field(ge=1, le=120)
    """Months between origins."""
    origins: int = Field(ge=1, le=1200)
    leads: int = Field(ge=1, le=240)
    """Longest lead (months); every chosen model has to reach it."""
    min_history: int = Field(ge=36)
    """Months with a value that a record needs up to its first origin."""
    refit_every: int = Field(ge=1)
    """Months between estimations, the same for all models, so that none has more data."""


class BaselineParams(Strict):
    """Models without network training."""

    models: list[Name] = Field(min_length=1)


class LstmParams(Strict):
    """The networks and their training."""

    seeds: tuple[int, ...] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    lookback: int = Field(ge=12, le=240)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=4096)
    learning_rate: float = Field(gt=0, lt=1)

    _tuples = field_validator("seeds", mode="before")(as_tuple)


class PlanetParams(Strict):
    """Learning from the planet, and the cells that are forecast."""

    source: str
    """A grid of temperature."""
    stride: int = Field(ge=1, le=36)
    """Stride, along both axes, of the cells that are forecast and scored."""
    train_stride: int = Field(ge=1, le=12)
    """Stride of the cells that the shared regressions and the network learn from."""
    field_stride: int = Field(ge=1, le=12)
    """Stride of the cells of the field of which principal components are made."""
    short_leads: int = Field(ge=1, le=240)
    """Leads to which cells are forecast from every origin (months)."""
    long_every: int = Field(ge=1, le=120)
    """Cells are forecast to the longest lead from one origin in this many."""
    components: int = Field(ge=1, le=500)
    models: list[Name] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=8192)
    learning_rate: float = Field(gt=0, lt=1)
    row_stride: int = Field(ge=1)
    """The network is trained on one month in this many of each cell."""
    linear_start: bool = True
    """Whether the network changes the linear forecast; otherwise it forecasts alone."""

    _tuples = field_validator("seeds", mode="before")(as_tuple)


class CombineParams(Strict):
    """Combination and calibration of forecasts."""

    min_verified: int = Field(ge=2)
    """Months that verified origins must span before anything is learnt from their errors."""


class OpponentParams(Strict):
    """How the simple model that all others are compared with is chosen, one for each quantity and block of leads."""

    candidates: list[Name] = Field(default=["climatology-trend", "trend-ar1"], min_length=1)
    regions: list[Name] = Field(default_factory=list)
    """Regions that the choice rests on, so that adding another changes no opponent; all of a quantity without any."""
    first_origin: Month = "1990-12"
    every: int = Field(default=6, ge=1, le=120)
    """Months between origins."""
    verified_before: Month = "2005-01"
    """The choice sees no value from this month on."""


class HypothesisParams(Strict):
    """One declared hypothesis: a forecaster is better than another at some leads, over some places."""

    quantity: Literal["temperature", "co2"]
    better: Name
    against: Name
    """A model, or `OPPONENT`."""
    block: str
    places: Name
    """A panel, averaged over its area at each origin, or one region."""


class ScoreParams(Strict):
    """Lead blocks, reference of skill, opponent and declared hypotheses."""

    blocks: dict[str, tuple[int, int]] = Field(min_length=1, strict=False)
    reference: Name
    significance: float = Field(gt=0, lt=0.5)
    """Family-wise error rate of the hypotheses."""
    opponent: OpponentParams = OpponentParams()
    hypotheses: dict[Name, HypothesisParams] = Field(default_factory=dict)

    @field_validator("blocks", mode="before")
    @classmethod
    def _pairs(cls, blocks: Any) -> Any:
        return {key: as_tuple(leads) for key, leads in blocks.items()} if isinstance(blocks, dict) else blocks

    @field_validator("blocks")
    @classmethod
    def _ordered(cls, blocks: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (first, last) in blocks.items():
            if not 1 <= first <= last:
                raise ValueError(f"block '{name}' must run from a first lead >= 1 to a last lead not before it")
        return blocks


class LedgerParams(Strict):
    """The forecasts that are written down when they are issued."""

    models: tuple[Name, ...] = ("climatology-trend", OPPONENT, "ridge-planet", "lstm-planet", "lstm-direct")
    """Those that a place lacks are left out."""

    _tuples = field_validator("models", mode="before")(as_tuple)


class ProjectParams(Strict):
    """Projections to the middle of the century."""

    pathways: str = "ssp-co2"
    """Source of concentrations by scenario; if it is not under pull.sources there are no projections."""
    co2: Name = "mauna-loa-co2"
    """The region whose CO2 is observed."""
    scenarios: list[str] = Field(default=["ssp119", "ssp126", "ssp245", "ssp370", "ssp585"], min_length=1)
    until: int = Field(default=2050, ge=1990, le=2100)
    hindcasts: tuple[Annotated[int, Field(ge=1000, le=9999)], ...] = (1990, 2000, 2010)
    """Last years of data of earlier projections that are compared with the observations since."""

    _tuples = field_validator("hindcasts", mode="before")(as_tuple)


class RevisionsParams(Strict):
    """Vintages to compare in addition to those that packages contain."""

    against: dict[str, str] = Field(default_factory=dict)


class CeilingParams(Strict):
    """Regions and models for which the value of perfectly known covariates is measured; none by default."""

    regions: list[Name] = Field(default_factory=list)
    models: list[Name] = Field(default_factory=list)


class NotebookParams(Strict):
    """Parameters of one notebook of notebooks/."""

    record: Name
    """A region."""
    beside: Name | None = None
    """Another region, which is compared with it."""

    @property
    def records(self) -> list[str]:
        """The regions that it cannot do without."""
        return [self.record, *([] if self.beside is None else [self.beside])]


class ReportParams(Strict):
    """Parameters of the report."""

    title: str
