"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.report.palette import ordered, primary_lstm
from climate.report.words import typeset

HEADLINE_BLOCKS = ("1-12", "1-60")
"""Lead blocks that verdicts are given for, where they were scored."""


@dataclass(frozen=True)
class ReportInputs:
    """Everything that the pages show; the report computes no forecast and reads no file.

    Attributes:
        title: heading of the report.
        params: the parameters of the run, as nested plain mappings.
        provenance: one mapping per source, as `pull` writes it.
        series: region -> series (see climate.schema), one that was skipped left out.
        forecasts: region -> forecast table with dims model, origin, lead, quantile and the coordinates
            `valid_time` and `observed` (origin, lead); the last origin is the issued forecast.
        scores: Dataset over (region, model, block) and (region, model, lead).
        seams: one entry per seam along dim `seam`, or None.
        breaks: one entry per break along dim `break`: record, time, shift, p_value, alone, declared; or None.
        checks: rows with `check`, `source`, `status` and `detail`.
        skipped: region -> reason, in words.
        records: name -> record that is shown and not forecast, of the same form as a series.
        groups: scores of parts of the sample along dim `row`, see climate.verify.strata; or None.
        ceiling: scores with covariates forecast and known, see climate.hindcast.known_covariates; or None.
        revisions: what the stage `revisions` wrote: compared, refused and alone; or None.
        insight: what the chapter on understanding shows, a report.understanding.Insight; or None.
        projection: what the stage `project` wrote, by file name: temperature, hindcasts, co2, co2-hindcasts; or None.
        simulation: size and power of the tests, see climate.simulation; or None.
        cost: what benchmarks/cost.py measured: date, machine, region and models; empty without.
        shapes: source key -> GeoDataFrame of polygons with the columns name and key, for the maps.
        readers: source key -> the file of this repository that reads it.
        architecture: docs/architecture.md.
    """

    title: str
    params: Mapping[str, Any]
    provenance: Sequence[Mapping[str, Any]]
    series: Mapping[str, xr.Dataset]
    forecasts: Mapping[str, xr.Dataset]
    scores: xr.Dataset
    seams: xr.Dataset | None = None
    checks: Sequence[Mapping[str, Any]] = ()
    breaks: xr.Dataset | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, xr.Dataset] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    groups: xr.Dataset | None = None
    ceiling: xr.Dataset | None = None
    revisions: Mapping[str, Any] | None = None
    insight: Any = None
    readers: Mapping[str, str] = field(default_factory=dict)
    architecture: str = ""
    projection: Mapping[str, xr.Dataset] | None = None
    simulation: xr.Dataset | None = None
    cost: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.regions:
            raise ClimateError(
                "report: found no region with both a series and a forecast table, expected at least one; "
                f"skipped were {', '.join(self.skipped) or 'none'}; see the log of the earlier stages"
            )

    @property
    def regions(self) -> list[str]:
        """Regions with a series and forecasts, in the order of the parameters."""
        listed = [name for name in self.params.get("regions", {}) if name in self.series]
        rest = [name for name in self.series if name not in listed]
        scored = set(self.scores["region"].values.tolist())
        return [name for name in listed + rest if name in self.forecasts and name in scored]

    @property
    def models(self) -> list[str]:
        """Scored models, in the fixed order."""
        return ordered(self.scores["model"].values.tolist())

    @property
    def primary(self) -> str | None:
        """The LSTM that verdicts speak of."""
        return primary_lstm(self.models)

    @property
    def headline_blocks(self) -> list[str]:
        """The lead blocks that verdicts are given for."""
        scored = [str(name) for name in self.scores["block"].values]
        return [name for name in HEADLINE_BLOCKS if name in scored] or scored[-1:]

    @property
    def significance(self) -> float:
        """Level of the tests."""
        return float(self.params.get("score", {}).get("significance", 0.05))

    @property
    def calibrated(self) -> list[str]:
        """Models whose intervals were calibrated on their own earlier errors."""
        wanted = self.params.get("combine", {}).get("calibrate", [])
        return [name for name in self.models if name in wanted]

    @property
    def reference(self) -> str:
        """The model that skill is measured against."""
        return str(self.params.get("score", {}).get("reference", self.scores.attrs.get("reference", "seasonal-naive")))

    def title_of(self, region: str) -> str:
        """Human name of a region."""
        found = self.record(region).attrs.get("title") if region in self.series or region in self.records else None
        return typeset(str(found or self.params.get("regions", {}).get(region, {}).get("title") or region))

    def record(self, name: str) -> xr.Dataset:
        """The record of a region, or one that is not forecast."""
        return self.series[name] if name in self.series else self.records[name]

    def leads_of(self, block: str) -> tuple[int, int]:
        """First and last lead of a block."""
        blocks = self.params.get("score", {}).get("blocks", {})
        if block in blocks:
            first, last = blocks[block]
            return int(first), int(last)
        parts = block.split("-")
        return int(parts[0]), int(parts[-1])

    def best_classical(self, region: str, block: str) -> str:
        """Name of the classical model with the lowest CRPS in a block."""
        return str(self.scores["best_classical"].sel(region=region, block=block).item())

    def last_month(self, region: str) -> np.datetime64:
        """The last month that has a value."""
        series = self.series[region]
        known = np.isfinite(series["value"].values)
        return np.datetime64(series["time"].values[known][-1], "M")

    def source_title(self, key: str) -> str:
        """Human name of a source; its key where it has no provenance."""
        titles = [entry.get("title") for entry in self.provenance if entry.get("key") == key]
        return typeset(str(titles[0] or key)) if titles else key

    def sources_of(self, region: str) -> list[Mapping[str, Any]]:
        """Provenance of the sources that a region's values come from."""
        series = self.record(region)
        keys = {key.strip() for key in str(series.attrs.get("sources", "")).split(",")}
        if "source" in series:
            # a splice may name parts of which a later start has left nothing; a mix names all of its sources at once
            found = {key for value in np.unique(series["source"].values.astype(str)) for key in value.split(",")}
            keys = keys & {key.strip() for key in found} or keys
        return [entry for entry in self.provenance if entry.get("key") in keys]
