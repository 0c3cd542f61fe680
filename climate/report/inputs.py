"""The inputs of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.registry import calibrated, ordered, primary_network
from climate.params.params import Params
from climate.report import words

HEADLINE_BLOCKS = ("1-12", "13-60")
"""Near and far leads, which do not overlap."""


@dataclass(frozen=True, eq=False)
class ReportInputs:
    """Everything that the pages show; the report computes no forecast and reads no file.

    Compared by identity, so that what is derived from it can be cached.

    Attributes:
        params: the parameters of the run.
        provenance: one mapping per source, as `pull` writes it.
        series: region -> series (see climate.schema), one that was skipped left out.
        forecasts: region -> forecast table with dims model, origin, lead, quantile and the coordinates
            `valid_time` and `observed` (origin, lead); the last origin is the issued forecast.
        scores: what stage `score` wrote: Dataset over (region, model, block) and (region, model, lead).
        seams: one entry per seam along dim `seam`.
        breaks: one entry per break along dim `break`: record, time, shift, p_value, alone, declared.
        checks: rows with `check`, `source`, `status` and `detail`.
        skipped: region -> reason, in words.
        records: name -> record that is shown and not forecast, of the same form as a series.
        hypotheses: the declared hypotheses and their tests, see climate.verify.contest.
        opponents: the opponent of each quantity and block, with its margin, see climate.verify.contest.
        strata: scores by stratum along dim `row`, see climate.verify.strata.
        ceiling: scores with covariates forecast and known, see climate.hindcast.known_covariates.
        cells: mean `crps` (forecaster, cell, block, start) and its `pairs`, see stage `planet`; or no variable.
        planet: who is better where on the planet, see climate.verify.fields, with scores by zone and band of latitude.
        seasonal: what stage `seasonal` wrote, see climate.verify.seasonal.
        panels: name -> scores of a panel's places, see climate.hindcast.panels; one that was skipped left out.
        ledger: the lines of reports/ledger.csv, see climate.verify.ledger.
        revisions: what stage `revisions` wrote: compared, refused and alone.
        projection: what stage `project` wrote, by file name: temperature, hindcasts, co2, co2-hindcasts.
        simulation: size and power of the tests for this run's design, see benchmarks/simulation.py; or None.
        cost: what benchmarks/cost.py measured: date, machine, region and models; empty without.
        classical: what benchmarks/classical_regions.py measured: CRPS by model and block; empty without.
        shapes: source key -> GeoDataFrame of polygons with the columns name and key, for the maps.
        readers: source key -> the file of this repository that reads it.
        architecture: docs/architecture.md.
    """

    params: Params
    provenance: Sequence[Mapping[str, Any]]
    series: Mapping[str, xr.Dataset]
    forecasts: Mapping[str, xr.Dataset]
    scores: xr.Dataset
    seams: xr.Dataset = field(default_factory=xr.Dataset)
    checks: Sequence[Mapping[str, Any]] = ()
    breaks: xr.Dataset = field(default_factory=xr.Dataset)
    skipped: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, xr.Dataset] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    hypotheses: xr.Dataset = field(default_factory=xr.Dataset)
    opponents: xr.Dataset = field(default_factory=xr.Dataset)
    strata: xr.Dataset = field(default_factory=xr.Dataset)
    ceiling: xr.Dataset = field(default_factory=xr.Dataset)
    cells: xr.Dataset = field(default_factory=xr.Dataset)
    planet: xr.Dataset = field(default_factory=xr.Dataset)
    seasonal: xr.Dataset = field(default_factory=xr.Dataset)
    panels: Mapping[str, xr.Dataset] = field(default_factory=dict)
    ledger: pd.DataFrame = field(default_factory=pd.DataFrame)
    revisions: Mapping[str, Any] = field(default_factory=dict)
    readers: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""
    projection: Mapping[str, xr.Dataset] = field(default_factory=dict)
    simulation: xr.Dataset | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)
    classical: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.regions:
            raise ClimateError(
                "report: found no region with both a series and a forecast table, expected at least one; "
                f"skipped were {', '.join(self.skipped) or 'none'}; see the log of the earlier stages"
            )

    @property
    def title(self) -> str:
        """Heading of the report."""
        return self.params.report.title

    @property
    def regions(self) -> list[str]:
        """Regions with a series, forecasts and scores, in the order of the parameters."""
        scored = set(self.scores["region"].values.tolist())
        return [
            name for name in self.params.regions if name in self.series and name in self.forecasts and name in scored
        ]

    @property
    def models(self) -> list[str]:
        """Scored models, in the fixed order."""
        return ordered(self.scores["model"].values.tolist())

    @property
    def primary(self) -> str | None:
        """The network that is set against the opponent place by place; None where none was run."""
        return primary_network(self.models)

    @property
    def blocks(self) -> list[str]:
        """All blocks of leads."""
        return [str(name) for name in self.scores["block"].values]

    @property
    def headline_blocks(self) -> list[str]:
        """The blocks of sentences, tables and figures: those of HEADLINE_BLOCKS that were scored, else the last."""
        return [block for block in HEADLINE_BLOCKS if block in self.blocks] or self.blocks[-1:]

    @property
    def longest_lead(self) -> int:
        """Months from the origin to the last month that is forecast."""
        return int(self.forecasts[self.regions[0]]["lead"].max())

    @property
    def calibrated(self) -> list[str]:
        """Models whose intervals were calibrated on their own earlier errors."""
        return calibrated(self.models)

    @property
    def reference(self) -> str:
        """The model that skill is measured against."""
        return self.params.score.reference

    def title_of(self, region: str) -> str:
        """Human name of a region or record; its key where it has none."""
        if region in self.series or region in self.records:
            return words.typeset(str(self.record(region).attrs.get("title") or region))
        definition = self.params.definitions.get(region)
        return words.typeset(definition.title) if definition else region

    def record(self, name: str) -> xr.Dataset:
        """The record of a region, or one that is not forecast."""
        return self.series[name] if name in self.series else self.records[name]

    def unit(self, name: str) -> str:
        """Unit of a record as printed."""
        return words.unit(str(self.record(name).attrs.get("units", "")))

    def leads_of(self, block: str) -> tuple[int, int]:
        """First and last lead of a block."""
        return self.params.score.blocks[block]

    def when(self, block: str) -> str:
        """'1 to 12 months ahead'."""
        return words.ahead(*self.leads_of(block))

    def leads(self, block: str) -> str:
        """The leads of a block as a range, or a single one."""
        return words.EN_DASH.join(str(lead) for lead in dict.fromkeys(self.leads_of(block)))

    def opponent(self, region: str, block: str) -> str:
        """Name of the simple model that all others are compared with in a block, see climate.verify.contest."""
        return str(self.scores["opponent"].sel(region=region, block=block).item())

    def last_month(self, region: str) -> np.datetime64:
        """The last month that has a value."""
        return np.datetime64(self.series[region]["value"].dropna("time")["time"].values[-1], "M")

    def source_title(self, key: str) -> str:
        """Human name of a source; its key where it has no provenance."""
        titles = [entry.get("title") for entry in self.provenance if entry.get("key") == key]
        return words.typeset(str(titles[0] or key)) if titles else key

    def sources_of(self, region: str) -> list[Mapping[str, Any]]:
        """Provenance of the sources that a region's values come from."""
        series = self.record(region)
        keys = {key.strip() for key in str(series.attrs.get("sources", "")).split(",")}
        if "source" in series:
            # a splice may name parts that a later start leaves no value of; a mix names all of its sources at once
            used = {key for value in np.unique(series["source"].values.astype(str)) for key in value.split(",")}
            keys = keys & {key.strip() for key in used} or keys
        return [entry for entry in self.provenance if entry.get("key") in keys]


def split_skipped(records: Mapping[str, xr.Dataset]) -> tuple[dict[str, xr.Dataset], dict[str, str]]:
    """Records by name without those that were skipped, and the reasons of the latter by name."""
    skipped = {name: str(record.attrs["skipped"]) for name, record in records.items() if "skipped" in record.attrs}
    return {name: record for name, record in records.items() if name not in skipped}, skipped


def same_design(simulation: xr.Dataset, params: Params) -> xr.Dataset | None:
    """The simulation of the tests if it is of the run's design; None after the design was changed."""
    about, plan = simulation.attrs, params.backtest
    blocks = dict(zip(simulation["block"].values.tolist(), map(tuple, about["leads"]), strict=True))
    simulated = about["origins"], about["every"], about["level"], blocks
    same = simulated == (plan.origins, plan.every, params.score.significance, params.score.blocks)
    return simulation if same else None
