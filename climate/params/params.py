"""params.yaml, validated before any work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from climate.errors import ClimateError, suggest
from climate.forecasters.registry import MODELS, find_model, names_of
from climate.params.keys import Name
from climate.params.regions import (
    HarmonizeParams,
    RegionDefinition,
    Strict,
    check_definitions,
    check_no_lookahead,
    required_sources,
)
from climate.params.renamed import check_renamed
from climate.params.sections import (
    LAND,
    OPPONENT,
    BacktestParams,
    BaselineParams,
    CeilingParams,
    CombineParams,
    ComputeParams,
    LedgerParams,
    LstmParams,
    NotebookParams,
    PanelDefinition,
    PlanetParams,
    ProjectParams,
    PullParams,
    ReportParams,
    RevisionsParams,
    ScoreParams,
)

PARAMS_FILE = Path("params.yaml")


class Params(Strict):
    """The whole of params.yaml."""

    pull: PullParams
    harmonize: HarmonizeParams
    regions: dict[Name, RegionDefinition] = Field(min_length=1)
    records: dict[Name, RegionDefinition] = Field(default_factory=dict)
    covariates: dict[Name, RegionDefinition] = Field(default_factory=dict)
    panels: dict[Name, PanelDefinition] = Field(default_factory=dict)
    backtest: BacktestParams
    baselines: BaselineParams
    lstm: LstmParams
    planet: PlanetParams
    combine: CombineParams
    score: ScoreParams
    report: ReportParams
    ledger: LedgerParams = LedgerParams()
    ceiling: CeilingParams = CeilingParams()
    compute: ComputeParams = ComputeParams()
    project: ProjectParams = ProjectParams()
    revisions: RevisionsParams = RevisionsParams()
    notebooks: dict[Name, NotebookParams] = Field(default_factory=dict)

    @property
    def definitions(self) -> dict[str, RegionDefinition]:
        """Everything that is harmonized: regions, records and covariates."""
        return {**self.regions, **self.records, **self.covariates}

    @property
    def first_origins(self) -> dict[str, str]:
        """Key -> first origin ("YYYY-MM") of all forecasts of regions, records or covariates."""
        origins = {
            "backtest.first_origin": self.backtest.first_origin,
            "score.opponent.first_origin": self.score.opponent.first_origin,
        }
        if self.project.hindcasts and self.project.pathways in self.pull.sources:
            origins["project.hindcasts"] = f"{min(self.project.hindcasts)}-12"
        return origins

    @property
    def chosen_models(self) -> dict[str, tuple[Sequence[str], list[str]]]:
        """Key -> the models that it lists, and those that it may list."""
        known = [model.name for model in MODELS.values() if model.known_covariates]
        return {
            "baselines.models": (self.baselines.models, names_of("baselines")),
            "lstm.models": (self.lstm.models, names_of("lstm")),
            "planet.models": (self.planet.models, names_of("planet")),
            "ceiling.models": (self.ceiling.models, known),
            "score.opponent.candidates": (self.score.opponent.candidates, self.baselines.models),
            **{
                f"panels.{name}.models": (panel.models, [*names_of("baselines"), *self.planet.models])
                for name, panel in self.panels.items()
            },
        }

    @property
    def regional_models(self) -> list[str]:
        """Models that forecast regions; the planet serves temperatures alone."""
        return [*self.baselines.models, *self.lstm.models, *self.planet.models]

    def check_region(self, name: str) -> None:
        """Raise ClimateError unless `name` is a key of `regions`."""
        if name not in self.regions:
            near = suggest(name, self.regions)
            raise ClimateError(f"unknown region '{name}': expected a key of `regions` in params.yaml, such as {near}")

    @model_validator(mode="after")
    def _consistent(self) -> Params:
        self._check_origins()
        self._check_sources()
        self._check_names()
        self._check_models()
        self._check_contest()
        return self

    def _check_contest(self) -> None:
        score, backtest = self.score, self.backtest
        for name, (_, last) in score.blocks.items():
            if last > backtest.leads:
                raise ValueError(f"score.blocks '{name}' ends at lead {last}, but backtest.leads is {backtest.leads}")
        chosen, first = score.opponent, backtest.first_origin
        if chosen.verified_before > first:
            raise ValueError(
                f"score.opponent.verified_before is {chosen.verified_before}, expected a month not after "
                f"backtest.first_origin, {first}, so that the choice sees none of the months that are judged"
            )
        places = {**dict.fromkeys(self.regions, self.regional_models), **{k: v.models for k, v in self.panels.items()}}
        for name, one in score.hypotheses.items():
            key = f"score.hypotheses.{name}"
            if one.block not in score.blocks:
                raise ValueError(f"{key}.block is '{one.block}', expected one of score.blocks {[*score.blocks]}")
            if one.places not in places:
                raise ValueError(
                    f"{key}.places is '{one.places}', expected a region or panel, such as {[*places][-3:]}"
                )
            wanted = {"better": one.better, "against": one.against}
            for role, model in wanted.items():
                if model not in (*places[one.places], *([OPPONENT] if role == "against" else [])):
                    raise ValueError(
                        f"{key}.{role} is '{model}', expected one of the models of {one.places}: "
                        f"{', '.join(places[one.places])}"
                    )

    def _check_origins(self) -> None:
        for key, origin in self.first_origins.items():
            check_no_lookahead(self.harmonize, origin, key)
        for name, panel in self.panels.items():
            if panel.first_origin is not None:
                check_no_lookahead(self.harmonize.without_joins, panel.first_origin, f"panels.{name}.first_origin")

    def _check_sources(self) -> None:
        definitions = self.definitions
        check_definitions(definitions, self.harmonize, self.pull.known())
        needed = {f"'{name}'": required_sources(name, definitions, self.harmonize) for name in definitions}
        needed |= {f"panels.{name}": [*panel.sources, LAND] for name, panel in self.panels.items()}
        needed |= {"revisions.against": list(self.revisions.against)}
        for what, sources in needed.items():
            for source in sources:
                if source not in self.pull.pinned:
                    raise ValueError(
                        f"{what} needs source '{source}', which is not under pull.sources; "
                        f"`climate sources add {source}` adds it there"
                    )

    def _check_names(self) -> None:
        name, count = Counter([*self.regions, *self.records, *self.covariates]).most_common(1)[0]
        if count > 1:
            raise ValueError(f"'{name}' is under more than one of regions, records and covariates; rename one")
        for name, notebook in self.notebooks.items():
            for record in notebook.records:
                if record not in self.regions:
                    raise ValueError(f"notebooks.{name} names '{record}', expected one of regions {[*self.regions]}")
        listed = {"ceiling.regions": self.ceiling.regions, "score.opponent.regions": self.score.opponent.regions}
        for key, names in listed.items():
            for region in names:
                if region not in self.regions:
                    raise ValueError(f"{key} names '{region}', expected some of regions {[*self.regions]}")

    def _check_models(self) -> None:
        leads, short = self.backtest.leads, {}
        for key, (names, known) in self.chosen_models.items():
            for name in names:
                limit = find_model(name, known, f"params.yaml: {key}").longest_lead
                if limit is not None and limit < leads:
                    short[name] = limit
            if len(set(names)) < len(names):
                raise ValueError(f"{key} lists '{Counter(names).most_common(1)[0][0]}' more than once; remove one")
        if short:
            raise ValueError(
                f"backtest.leads is {leads}, but {', '.join(short)} forecast at most {min(short.values())}; choose "
                f"fewer leads, or remove these models wherever they are listed"
            )
        for name in self.ledger.models:
            if name != OPPONENT:
                find_model(name, key="params.yaml: ledger.models")
        if self.score.reference not in self.baselines.models:
            raise ValueError(
                f"score.reference is '{self.score.reference}', expected one of baselines.models {self.baselines.models}"
            )


def read_params_text(path: Path = PARAMS_FILE) -> str:
    """The text of a parameter file. ClimateError where there is none, or it is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ClimateError(f"{path} not found: run this command in the repository's top folder") from None
    except UnicodeDecodeError as error:
        raise ClimateError(f"{path} is not readable YAML: {error}") from None


def load_params(path: Path = PARAMS_FILE) -> Params:
    """The validated parameters of `path`.

    Raises ClimateError in one line: file, key, what was found, what was expected.
    """
    try:
        raw = yaml.safe_load(read_params_text(path))
    except yaml.YAMLError as error:
        raise ClimateError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    return parse_params(raw, path)


def parse_params(raw: Any, path: Path) -> Params:
    """The validated content of a parameter file, named `path` in messages. Raises as `load_params`."""
    if not isinstance(raw, dict):
        raise ClimateError(f"{path}: found {type(raw).__name__}, expected a mapping of stages to their parameters")
    check_renamed(raw, str(path))
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        of_key = first["loc"][-1:] == ("[key]",) and first["type"] == "value_error"
        where = ".".join(str(part) for part in first["loc"][: -2 if of_key else None]) or "parameters"
        found = "" if isinstance(first["input"], dict) or of_key else f", found {first['input']!r}"
        raise ClimateError(
            f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}{found}; correct it and run again"
        ) from None
