"""params.yaml, validated before any work begins."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from climate.errors import ClimateError
from climate.params.regions import (
    HarmonizeParams,
    Month,
    RegionDefinition,
    SetDefinition,
    Strict,
    check_definitions,
    check_no_lookahead,
    required_sources,
)
from climate.sources.catalogue import find_source, load_catalogue

PARAMS_FILE = Path("params.yaml")

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Pinned(Strict):
    """The vintage of one source."""

    vintage: str = "latest"
    path: str | None = Field(default=None, min_length=1)
    """A copy of the user's own: a folder, a zip or the file itself."""


class PullParams(Strict):
    """What to fetch."""

    mirror: str | None = None
    sources: dict[str, Pinned] = Field(min_length=1)

    @field_validator("sources")
    @classmethod
    def _known(cls, sources: dict[str, Pinned]) -> dict[str, Pinned]:
        for key in sources:
            find_source(key)
        return sources


class BacktestParams(Strict):
    """When forecasts are issued and how far they reach."""

    first_origin: Month
    every: int = Field(ge=1, le=120)
    origins: int = Field(ge=1, le=1200)
    leads: int = Field(ge=1, le=240)
    min_history: int = Field(ge=36)


class BaselineParams(Strict):
    """Which classical models run, and how often they are estimated anew."""

    refit_every: int = Field(ge=1)
    models: list[Name] = Field(min_length=1)


class LstmParams(Strict):
    """The networks and their training."""

    refit_every: int = Field(ge=1)
    seeds: list[int] = Field(min_length=1)
    models: list[Name] = Field(min_length=1)
    lookback: int = Field(ge=12, le=240)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=4096)
    learning_rate: float = Field(gt=0, lt=1)


class PoolParams(Strict):
    """What the pooled forecasters learn from, and how."""

    source: str
    shapes: str
    points: int | None = Field(ge=5, le=90)
    """Degrees between the points that are learnt from beside the regions; null for none."""
    step: int = Field(ge=1, le=12)
    components: int = Field(ge=1, le=500)
    refit_every: int = Field(ge=1)
    models: list[Name] = Field(min_length=1)
    seeds: list[int] = Field(min_length=1)
    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1, le=10_000)
    batch: int = Field(ge=1, le=8192)
    learning_rate: float = Field(gt=0, lt=1)
    thin: int = Field(ge=1)
    fine_tune: int = Field(ge=0, le=10_000)


class CombineParams(Strict):
    """Combination and calibration of forecasts."""

    min_verified: int = Field(ge=2)
    calibrate: list[Name]


class ScoreParams(Strict):
    """Lead blocks and references."""

    blocks: dict[str, tuple[int, int]] = Field(min_length=1, strict=False)
    reference: Name
    significance: float = Field(gt=0, lt=0.5)

    @field_validator("blocks", mode="before")
    @classmethod
    def _pairs(cls, blocks: Any) -> Any:
        if isinstance(blocks, dict):
            return {key: tuple(leads) if isinstance(leads, list) else leads for key, leads in blocks.items()}
        return blocks

    @field_validator("blocks")
    @classmethod
    def _ordered(cls, blocks: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        for name, (first, last) in blocks.items():
            if not 1 <= first <= last:
                raise ValueError(f"block '{name}' must run from a first lead >= 1 to a last lead not before it")
        return blocks


class ComputeParams(Strict):
    """Where work is done; no number depends on it, so no stage of dvc.yaml lists it."""

    scheduler: str | None = Field(default=None, pattern=r"^(tcp|tls|ws|wss|ucx)://.+")
    """Address of a Dask scheduler; None: processes of this machine, unless Dask's own settings name one."""
    workers: int | None = Field(default=None, ge=1)
    """Processes of this machine; None: one per core."""
    memory_gib: float | None = Field(default=None, gt=0)
    """What all of them may use together (GiB); None: three quarters of the machine's memory."""


class RevisionsParams(Strict):
    """Which vintages are compared beside those that packages carry."""

    against: dict[str, str] = Field(default_factory=dict)


class CeilingParams(Strict):
    """Where the worth of a perfectly known covariate is measured; no region for nowhere."""

    regions: list[Name] = Field(default_factory=list)
    models: list[Name] = Field(default_factory=list)


class NotebookParams(Strict):
    """What a notebook is about."""

    record: Name
    """The region that it looks at."""


class ReportParams(Strict):
    """What the report is called."""

    title: str


class ProjectParams(Strict):
    """Projections to the middle of the century."""

    pathways: str = "ssp-co2"
    """A source of the catalogue that holds concentrations by scenario; without it under pull.sources none is made."""
    co2: Name = "mauna-loa-co2"
    """The region whose CO2 is observed."""
    scenarios: list[str] = Field(default=["ssp119", "ssp126", "ssp245", "ssp370", "ssp585"], min_length=1)
    until: int = Field(default=2050, ge=1990, le=2100)
    hindcasts: list[int] = Field(default=[1990, 2000, 2010])
    """Last years of earlier projections that are compared with what happened."""


class Params(Strict):
    """The whole of params.yaml."""

    pull: PullParams
    harmonize: HarmonizeParams
    regions: dict[Name, RegionDefinition] = Field(min_length=1)
    records: dict[Name, RegionDefinition] = Field(default_factory=dict)
    covariates: dict[Name, RegionDefinition] = Field(default_factory=dict)
    sets: dict[Name, SetDefinition] = Field(default_factory=dict)
    backtest: BacktestParams
    baselines: BaselineParams
    lstm: LstmParams
    pool: PoolParams
    combine: CombineParams
    score: ScoreParams
    report: ReportParams
    ceiling: CeilingParams = CeilingParams()
    compute: ComputeParams = ComputeParams()
    project: ProjectParams = ProjectParams()
    revisions: RevisionsParams = RevisionsParams()
    notebooks: dict[Name, NotebookParams] = Field(default_factory=dict)

    @property
    def definitions(self) -> dict[str, RegionDefinition]:
        """Everything that is harmonized: regions, records and covariates."""
        return {**self.regions, **self.records, **self.covariates}

    @model_validator(mode="after")
    def _consistent(self) -> Params:
        check_no_lookahead(self.harmonize, self.backtest.first_origin)
        definitions = self.definitions
        check_definitions(definitions, self.harmonize, load_catalogue())
        for name in definitions:
            for source in required_sources(name, definitions, self.harmonize):
                if source not in self.pull.sources:
                    raise ValueError(f"'{name}' needs source '{source}', which is not under pull.sources; add it there")
        for name, one in self.sets.items():
            for source in one.sources:
                if source not in self.pull.sources:
                    raise ValueError(f"sets.{name} needs source '{source}', which is not under pull.sources; add it")
            if one.first_origin is not None:
                check_no_lookahead(self.harmonize.alone, one.first_origin)
        if self.score.reference not in self.baselines.models:
            raise ValueError(
                f"score.reference is '{self.score.reference}', expected one of baselines.models {self.baselines.models}"
            )
        for name, (_, last) in self.score.blocks.items():
            if last > self.backtest.leads:
                raise ValueError(
                    f"score.blocks '{name}' ends at lead {last}, but backtest.leads is {self.backtest.leads}"
                )
        for name, notebook in self.notebooks.items():
            if notebook.record not in self.regions:
                raise ValueError(
                    f"notebooks.{name}.record is '{notebook.record}', expected one of regions {[*self.regions]}"
                )
        for region in self.ceiling.regions:
            if region not in self.regions:
                raise ValueError(f"ceiling.regions names '{region}', expected some of regions {[*self.regions]}")
        for source in self.revisions.against:
            if source not in self.pull.sources:
                raise ValueError(f"revisions.against names '{source}', expected some of pull.sources; add it there")
        counts = Counter([*self.regions, *self.records, *self.covariates])
        shared = [name for name, count in counts.items() if count > 1]
        if shared:
            raise ValueError(f"'{shared[0]}' stands under more than one of regions, records and covariates; rename one")
        return self


def load_params(path: Path = PARAMS_FILE) -> Params:
    """The validated parameters of `path`.

    Raises ClimateError in one line: file, key, what was found, what was expected.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClimateError(f"{path} not found: run this command in the repository's top folder") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClimateError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    return parse_params(raw, path)


def parse_params(raw: Any, path: Path) -> Params:
    """The validated content of a parameter file; `path` is its name in messages. Raises as `load_params`."""
    if not isinstance(raw, dict):
        raise ClimateError(f"{path}: found {type(raw).__name__}, expected a mapping of stages to their parameters")
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        found = "" if isinstance(first["input"], dict) else f", found {first['input']!r}"
        raise ClimateError(
            f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{found}; correct it and run again"
        ) from None
