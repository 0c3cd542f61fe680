"""All records on one month axis, in one unit and against one baseline; regions, splices and their seams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr

from climate.errors import ClimateError
from climate.harmonize.anomaly import rebase
from climate.harmonize.completeness import rule
from climate.harmonize.composite import combine_records
from climate.harmonize.regions import Periods, grid_series, mix, published_series
from climate.harmonize.series import cut, limit
from climate.harmonize.splice import comparisons, join_seams, splice
from climate.params.regions import (
    OF_A_GRID,
    HarmonizeParams,
    PartDefinition,
    RegionDefinition,
    check_definitions,
    required_sources,
)
from climate.sources.readers.grid.opening import is_grid

if TYPE_CHECKING:
    import geopandas

CONVENTIONS = "CF-1.11"


@dataclass(frozen=True)
class Harmonized:
    """What harmonizing gives.

    Attributes:
        series: region -> its Dataset (time) from first to last value; a skipped one has attrs["skipped"] only.
        seams: one row per seam of the splices and combinations that regions use, see `climate.harmonize.splice.splice`.
        skipped: region -> reason, in words.
        comparisons: differences (time) of records that saw the same place: neighbours of a splice, and each member of
            a combination less the combination; for `climate.harmonize.breaks.break_table`.
    """

    series: dict[str, xr.Dataset]
    seams: xr.Dataset
    skipped: dict[str, str]
    comparisons: dict[str, xr.DataArray]


def harmonize(
    records: Mapping[str, xr.Dataset],
    definitions: Mapping[str, RegionDefinition],
    params: HarmonizeParams,
    *,
    shapes: Mapping[str, geopandas.GeoDataFrame] | None = None,
    periods: Periods | None = None,
    unavailable: Mapping[str, str] | None = None,
) -> Harmonized:
    """The series of every region.

    `records` are readers' Datasets and `shapes` polygons, by source key; `periods` the collection periods that the
    catalogue declares for a source as a whole; `unavailable` the sources that cannot be used, with the reason.
    Regions that need one of these are skipped by name. Temperatures, absolute or anomaly, become anomalies from the
    common baseline per calendar month; CO2 stays in ppm and indices in their own units.

    Raises ClimateError in one line for unknown names, a region without data in its source, a baseline or overlap with
    too few values, and when every region is skipped.
    """
    shapes, unavailable = shapes or {}, unavailable or {}
    check_definitions(definitions, params, {*records, *shapes, *unavailable})
    skipped: dict[str, str] = {}
    for name in definitions:
        gone = [key for key in required_sources(name, definitions, params) if key in unavailable]
        if gone:
            skipped[name] = "; ".join(f"source {key} is unavailable ({unavailable[key]})" for key in gone)
    if len(skipped) == len(definitions):
        raise ClimateError(
            f"no region can be made: {next(iter(skipped.values()), 'none is defined')}; name regions whose sources "
            f"are available, or a mirror that has them"
        )
    wanted = {name: definition for name, definition in definitions.items() if name not in skipped}
    work = _Work(records, wanted, params, shapes, periods or {})
    finished = {name: work.region(name) for name in wanted}
    series = {
        name: finished.get(name, xr.Dataset(attrs=_named(name, definition) | {"skipped": skipped.get(name, "")}))
        for name, definition in definitions.items()
    }
    return Harmonized(series, join_seams(list(work.seams.values())), skipped, work.comparisons)


class _Work:
    """Makes each series once, from definitions that may stand on each other."""

    def __init__(
        self,
        records: Mapping[str, xr.Dataset],
        definitions: Mapping[str, RegionDefinition],
        params: HarmonizeParams,
        shapes: Mapping[str, geopandas.GeoDataFrame],
        periods: Periods,
    ) -> None:
        self.records, self.definitions, self.params, self.periods = records, definitions, params, periods
        self.seams: dict[str, xr.Dataset] = {}
        self.comparisons: dict[str, xr.DataArray] = {}
        self.whole: dict[str, xr.Dataset] = self._from_grids(shapes)
        self.spliced: dict[str, xr.Dataset] = {}
        self.combined: dict[str, xr.Dataset] = {}

    def _from_grids(self, shapes: Mapping[str, geopandas.GeoDataFrame]) -> dict[str, xr.Dataset]:
        by_source: dict[str, dict[str, RegionDefinition]] = {}
        for name, definition in self.definitions.items():
            if definition.kind in OF_A_GRID:
                by_source.setdefault(str(definition.source), {})[name] = definition
        result: dict[str, xr.Dataset] = {}
        for source, regions in by_source.items():
            if not is_grid(self.records[source]):
                first = next(iter(regions))
                raise ClimateError(
                    f"region '{first}': source '{source}' has series and no grid, expected a grid for a "
                    f"{regions[first].kind}; name one of its series or another source"
                )
            result |= grid_series(self.records[source], source, regions, shapes, self.params, self.periods)
        return result

    def region(self, name: str) -> xr.Dataset:
        """The finished series of region `name`: re-based, cut to its own start and end, with all attributes."""
        series = self._cut(name)
        attrs = series.attrs | _named(name, self.definitions[name])
        if note := attrs.pop("baseline_note", ""):
            attrs["title"] += f" (baseline {note})"
        return series.drop_attrs(deep=False).assign_attrs(attrs)

    def _cut(self, name: str) -> xr.Dataset:
        """The re-based series of region `name` between its own start and end."""
        definition = self.definitions[name]
        series = cut(self._whole(name), definition.start, definition.end)
        if not series.sizes["time"]:
            raise ClimateError(
                f"region '{name}': no value between {definition.start or 'the start'} and "
                f"{definition.end or 'the end'} of its record, expected some; correct start and end"
            )
        return series

    def _whole(self, name: str) -> xr.Dataset:
        """The re-based series of region `name`, uncut."""
        definition = self.definitions[name]
        where = f"region '{name}'"
        if definition.mix is not None:
            return mix(name, definition.mix, {member: self._cut(member) for member in definition.mix})
        if definition.combination is not None:
            return self._combined(definition.combination)
        if definition.splice is not None:
            return self._rebased(self._spliced(definition.splice), where)
        if definition.series is not None:
            return self._rebased(
                self._published(PartDefinition(source=str(definition.source), series=definition.series)), where
            )
        return self._rebased(self.whole[name], where)

    def _published(self, part: PartDefinition) -> xr.Dataset:
        return published_series(self.records[part.source], part.source, part.series, self.params.missing, self.periods)

    def _rebased(self, series: xr.Dataset, what: str) -> xr.Dataset:
        if series.attrs["quantity"] != "temperature":
            return series
        return rebase(series, self.params.baseline, self.params.baseline_min_years, what)

    def _spliced(self, name: str) -> xr.Dataset:
        if name not in self.spliced:
            definition = self.params.splices[name]
            parts = [self._published(part) for part in definition.parts]
            annual = rule(self.params.missing.annual)
            self.spliced[name], self.seams[f"splice {name}"] = splice(name, parts, definition, annual)
            self.comparisons |= comparisons(parts, definition, annual)
        return self.spliced[name]

    def _combined(self, name: str) -> xr.Dataset:
        if name not in self.combined:
            definition = self.params.combinations[name]
            members = {}
            times = Counter(part.source for part in definition.members)
            for part in definition.members:
                # One series of a source is told by the source alone.
                key = part.source if times[part.source] == 1 else f"{part.source} {part.series}"
                own = limit(self._published(part), part.start, part.end)
                members[key] = self._rebased(own, f"combination '{name}', '{key}'")
            combined, self.seams[f"combination {name}"] = combine_records(name, members, definition)
            # Its anomalies rest on the baselines of its members, whatever it has in the baseline itself.
            note = combined.attrs["baseline_note"]
            self.combined[name] = self._rebased(combined, f"combination '{name}'").assign_attrs(baseline_note=note)
            for key, member in members.items():
                self.comparisons[f"{key} - {name}"] = member["value"] - self.combined[name]["value"]
        return self.combined[name]


def _named(name: str, definition: RegionDefinition) -> dict[str, str]:
    caveat = {"caveat": definition.caveat.text} if definition.caveat else {}
    return {"region": name, "title": definition.title, "Conventions": CONVENTIONS} | caveat
