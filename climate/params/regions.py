"""Sections of params.yaml about harmonizing and regions. Light to import: no array library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from climate.errors import ClimateError, suggest
from climate.params.keys import Key, Text

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Year = Annotated[int, Field(ge=1, le=9999)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=360)]
RuleName = Literal["complete", "one-missing", "wmo-5/3", "wmo-11/5", "nine-months"]
"""The keys of climate.harmonize.completeness.RULES."""
Kind = Literal["series", "box", "point", "country", "ar6", "splice", "combination", "mix"]

Settings = TypeVar("Settings")
"""Dataclass of a forecaster's settings, see `Strict.settings`."""

KINDS: tuple[Kind, ...] = get_args(Kind)
OF_A_SOURCE: tuple[Kind, ...] = ("series", "box", "point", "country", "ar6")
OF_A_GRID: tuple[Kind, ...] = ("box", "point", "country", "ar6")
DEFAULT_SHAPES: dict[str, str] = {"country": "natural-earth", "ar6": "ar6-regions"}
"""Default source of polygons of each kind of region."""


class Strict(BaseModel):
    """Base of all sections; unknown keys, and numbers given as text, are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def settings(self, kind: type[Settings]) -> Settings:
        """The dataclass `kind`, filled from the fields of this section with the same names."""
        return kind(**{field.name: getattr(self, field.name) for field in fields(cast(Any, kind))})


def as_tuple(value: Any) -> Any:
    """A list of YAML as a tuple; anything else unchanged."""
    return tuple(value) if isinstance(value, list) else value


class Box(Strict):
    """A latitude-longitude box. `lon: [170, -120]` runs eastward across the date line; `[-180, 180]` is the globe."""

    lat: tuple[Latitude, Latitude]
    lon: tuple[Longitude, Longitude]

    _tuples = field_validator("lat", "lon", mode="before")(as_tuple)

    @model_validator(mode="after")
    def _ranges(self) -> Box:
        if self.lat[0] >= self.lat[1]:
            raise ValueError(f"lat must run from south to north, found {list(self.lat)}")
        if self.lon[0] == self.lon[1] or self.lon[1] - self.lon[0] > 360:
            raise ValueError(f"lon must run eastward over more than 0 and at most 360 degrees, found {list(self.lon)}")
        return self


class Point(Strict):
    """A location in a gridded field: the nearest cell, or bilinear interpolation between the four around it."""

    lat: Latitude
    lon: Longitude
    method: Literal["nearest", "bilinear"] = "nearest"


class PublishedYears(Strict):
    """Annual means as somebody published them, as departures from the mean of `baseline`, in degC."""

    by: str
    baseline: tuple[Year, Year]
    values: dict[Year, float] = Field(min_length=1)

    _tuples = field_validator("baseline", mode="before")(as_tuple)


class PublishedTrend(Strict):
    """Least-squares trend of annual means over `years`, ends included, as another record has it, in degC."""

    by: str
    years: tuple[Year, Year]
    per_decade: float

    _tuples = field_validator("years", mode="before")(as_tuple)


class Caveat(Strict):
    """Why the record of a region is in doubt, and what contradicts it. Such a region is forecast but not projected."""

    text: str = Field(min_length=1)
    years: PublishedYears | None = None
    trend: PublishedTrend | None = None


class RegionDefinition(Strict):
    """One entry of `regions` or `covariates`: a title and exactly one of the kinds of region."""

    title: str = Field(min_length=1)
    source: str | None = None
    series: str | None = None
    box: Box | None = None
    point: Point | None = None
    country: Text | None = None
    ar6: Text | None = None
    splice: Text | None = None
    combination: Text | None = None
    mix: dict[Key, float] | None = None
    shapes: str | None = None
    """Source of polygons other than the default of `country` or `ar6`."""
    part: Literal["mainland"] | None = None
    """Of a country or AR6 region: its largest polygon alone."""
    start: Month | None = None
    end: Month | None = None
    caveat: Caveat | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> RegionDefinition:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(KINDS)}; found {', '.join(given) or 'none'}")
        if given[0] in OF_A_SOURCE and self.source is None:
            raise ValueError(f"a {given[0]} needs `source`, the catalogue key of its record")
        if given[0] not in OF_A_SOURCE and self.source is not None:
            raise ValueError(f"a {given[0]} takes no `source` (found '{self.source}'); remove it")
        if self.shapes is not None and given[0] not in DEFAULT_SHAPES:
            raise ValueError(f"a {given[0]} takes no `shapes` (found '{self.shapes}'); remove it")
        if self.part is not None and given[0] not in DEFAULT_SHAPES:
            raise ValueError(f"a {given[0]} takes no `part` (found '{self.part}'); remove it")
        if self.mix is not None and (not self.mix or not all(0 < w < float("inf") for w in self.mix.values())):
            raise ValueError("a mix needs at least one region, each with a weight above 0")
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} is after end {self.end}")
        return self

    @property
    def kind(self) -> Kind:
        """Kind of this region."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def polygons(self) -> str | None:
        """Catalogue key of the polygons that this region needs, None if it needs none."""
        return self.shapes or DEFAULT_SHAPES.get(self.kind)


class PartDefinition(Strict):
    """One record of a splice or combination."""

    source: str
    series: str | None = None
    """Series of the source; not needed if there is only one."""
    start: Month | None = None
    end: Month | None = None
    """First and last month used of this record. Months outside still count for the overlap."""
    except_periods: tuple[str, ...] = ()
    """Collection periods of this record with another publisher's observations, which are not used."""
    annual: Literal["calendar", "centred"] = "calendar"
    """Meaning of a value of an annual record: the mean of the year that starts with its month, or of the twelve months
    around that month's first day."""
    overlap_start: Month | None = None
    overlap_end: Month | None = None
    """Limits of the overlap with the next newer record."""

    _tuples = field_validator("except_periods", mode="before")(as_tuple)


def as_parts(value: Any) -> Any:
    """A list of records as a tuple, plain names of sources as `source`; anything else unchanged."""
    if not isinstance(value, list | tuple):
        return value
    return tuple({"source": part} if isinstance(part, str) else part for part in value)


class SpliceDefinition(Strict):
    """Records joined end to end, oldest first; each is shifted onto the next by the mean difference over an overlap."""

    parts: tuple[PartDefinition, ...] = Field(min_length=2)
    overlap_end: Month
    title: str = ""

    _parts = field_validator("parts", mode="before")(as_parts)

    @property
    def last_overlap(self) -> str:
        """Last month from which the offset between any two parts is estimated."""
        return max(min(part.overlap_end or self.overlap_end, self.overlap_end) for part in self.parts[:-1])


class CombinationDefinition(Strict):
    """Parallel records of the same quantity: their mean, with membership that changes in time."""

    members: tuple[PartDefinition, ...] = Field(min_length=2)
    overlap_end: Month
    overlap_months: int = Field(default=120, ge=24)
    """Months next to a change of membership over which levels are matched."""
    title: str = ""

    @property
    def last_overlap(self) -> str:
        """Last month over which levels are matched."""
        return self.overlap_end

    _members = field_validator("members", mode="before")(as_parts)


class MissingParams(Strict):
    """Rules of climate.harmonize.completeness by which means of incomplete data are accepted."""

    daily: RuleName = "wmo-5/3"
    weekly: RuleName = "one-missing"
    annual: RuleName = "complete"


class HarmonizeParams(Strict):
    """Common axis, unit and baseline of records."""

    baseline: tuple[Year, Year]
    baseline_min_years: int = Field(ge=1)
    min_coverage: float = Field(gt=0, le=1)
    splices: dict[Key, SpliceDefinition] = {}
    combinations: dict[Key, CombinationDefinition] = {}
    missing: MissingParams = MissingParams()

    _tuples = field_validator("baseline", mode="before")(as_tuple)

    @property
    def without_joins(self) -> HarmonizeParams:
        """The same without splices and combinations."""
        return self.model_copy(update={"splices": {}, "combinations": {}})

    @model_validator(mode="after")
    def _ordered(self) -> HarmonizeParams:
        first, last = self.baseline
        if first > last:
            raise ValueError(f"baseline must run from a first to a last year, found {[first, last]}")
        if self.baseline_min_years > last - first + 1:
            raise ValueError(
                f"baseline_min_years is {self.baseline_min_years}, but the baseline {first}-{last} has "
                f"{last - first + 1} years"
            )
        return self


def check_no_lookahead(params: HarmonizeParams, first_origin: str, key: str = "backtest.first_origin") -> None:
    """Check that harmonizing estimates nothing from months after the first origin ("YYYY-MM").

    `key` names the origin in messages. Raises ClimateError if the baseline or an overlap ends later.
    """
    ends = {"harmonize.baseline": f"{params.baseline[1]:04d}-12"}
    for what, entries in (("splices", params.splices), ("combinations", params.combinations)):
        ends |= {f"harmonize.{what}.{name}.overlap_end": entry.last_overlap for name, entry in entries.items()}
    for what, end in ends.items():
        if end > first_origin:
            raise ClimateError(
                f"{what} ends in {end}, after the first origin {first_origin} ({key}): a forecast from there would "
                "use later months; end it earlier or begin later"
            )


def parts_of(definition: RegionDefinition, params: HarmonizeParams) -> tuple[PartDefinition, ...]:
    """The records of a splice or combination region, () for other kinds."""
    if definition.splice is not None:
        return params.splices[definition.splice].parts
    if definition.combination is not None:
        return params.combinations[definition.combination].members
    return ()


def required_sources(name: str, definitions: Mapping[str, RegionDefinition], params: HarmonizeParams) -> list[str]:
    """Catalogue keys that region `name` needs, polygons included, in a fixed order without repeats."""
    definition = definitions[name]
    keys = [definition.source, definition.polygons, *(part.source for part in parts_of(definition, params))]
    for member in definition.mix or {}:
        keys.extend(required_sources(member, definitions, params))
    return list(dict.fromkeys(key for key in keys if key is not None))


def check_definitions(
    definitions: Mapping[str, RegionDefinition], params: HarmonizeParams, sources: Iterable[str]
) -> None:
    """Check that every name in a definition exists, and that no mix contains itself.

    `sources` are the catalogue keys. Raises ClimateError with similar names.
    """
    known = set(sources)

    def check_source(where: str, key: str) -> None:
        if key not in known:
            raise ClimateError(
                f"{where}: unknown source '{key}', expected a catalogue key such as {suggest(key, known)}"
            )

    for what, entries in (("splice", params.splices), ("combination", params.combinations)):
        for name, entry in entries.items():
            for part in entry.parts if isinstance(entry, SpliceDefinition) else entry.members:
                check_source(f"{what} '{name}'", part.source)
    for name, definition in definitions.items():
        where = f"region '{name}'"
        for key in (definition.source, definition.polygons):
            if key is not None:
                check_source(where, key)
        if definition.splice is not None and definition.splice not in params.splices:
            raise ClimateError(
                f"{where}: unknown splice '{definition.splice}', expected one of harmonize.splices such as "
                f"{suggest(definition.splice, params.splices)}"
            )
        if definition.combination is not None and definition.combination not in params.combinations:
            raise ClimateError(
                f"{where}: unknown combination '{definition.combination}', expected one of harmonize.combinations "
                f"such as {suggest(definition.combination, params.combinations)}"
            )
        _check_mix(name, (), definitions)


def _check_mix(name: str, above: tuple[str, ...], definitions: Mapping[str, RegionDefinition]) -> None:
    if name in above:
        raise ClimateError(
            f"region '{above[0]}': the mix contains itself ({' -> '.join((*above, name))}); remove a member"
        )
    for member in definitions[name].mix or {}:
        if member not in definitions:
            raise ClimateError(
                f"region '{name}': unknown region '{member}' in its mix, expected one such as "
                f"{suggest(member, definitions)}"
            )
        _check_mix(member, (*above, name), definitions)
