"""The bytes that data/ holds of each source: opened as a release, and read with the checks that let it be used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import xarray as xr

from climate.errors import ClimateError, counted
from climate.paths import DATA, DOWNLOADS
from climate.sources.catalogue import Source
from climate.sources.channels.verify import head_of, sha256_of
from climate.sources.provenance import PREVIOUS, Provenance, read_provenance, verify
from climate.sources.readers.grid.opening import is_grid, read_every_value, sound
from climate.sources.readers.registry import read, read_shapes

if TYPE_CHECKING:
    import geopandas

log = logging.getLogger("climate")

Status = Literal["ok", "warning", "error"]

CORRECTION = "correction still needed"
"""Name of the check whose error is a fault of the catalogue and not of the record."""


@dataclass(frozen=True)
class Check:
    """One row of the table of checks."""

    check: str
    source: str
    status: Status
    found: str
    expected: str


@dataclass(frozen=True)
class Release:
    """The files of one vintage of a source."""

    folder: Path
    provenance: Provenance
    vintage: str
    """Of the catalogue; its name where another one has the same bytes."""

    @property
    def source(self) -> Source:
        """The entry as it holds for this vintage."""
        return self.provenance.source.at(self.vintage).model_copy(update={"version": self.provenance.version})

    @property
    def digests(self) -> dict[str, str]:
        """File name -> sha256."""
        return {name: record.sha256 for name, record in self.provenance.files.items()}

    @property
    def urls(self) -> dict[str, str]:
        """File name -> the publisher's address."""
        return {name: record.url for name, record in self.provenance.files.items()}

    @property
    def heads(self) -> dict[str, str]:
        """File name -> the first 16 KiB as Latin-1 text."""
        return {name: head_of(self.folder / name) for name in self.provenance.files}

    def read(self) -> xr.Dataset:
        """The reader's Dataset, with attrs `version` and `vintage`.

        ClimateError for a source without records, and for a grid whose file is damaged anywhere.
        """
        if not self.source.is_record:
            raise ClimateError(
                f"{self.source.key}: found {self.source.kind}, expected a record or a grid; choose another source"
            )
        dataset = read(self.source, self.folder)
        if is_grid(dataset):
            read_every_value(dataset, self.source.files[0].name)
        return dataset.assign_attrs(version=self.provenance.version, vintage=self.vintage)


def open_release(folder: Path) -> Release:
    """The release in a folder of data/ or downloads/. ClimateError when it is unavailable or its files have changed."""
    provenance = read_provenance(folder)
    if not provenance.files:
        raise ClimateError(
            f"{provenance.key}: vintage {provenance.vintage} is unavailable: {'; '.join(provenance.reasons)}; "
            "`climate retry` tries again"
        )
    if problems := verify(folder):
        raise ClimateError(f"{provenance.key}: {problems[0]}; `dvc checkout data.dvc` restores data/")
    return Release(folder, provenance, provenance.vintage)


def local(key: str) -> Release | None:
    """The copy that the pipeline holds, from data/ or else downloads/; None without a sound one."""
    for folder in (DATA / key, DOWNLOADS / key):
        with suppress(ClimateError):
            return open_release(folder)
    return None


def previous(key: str) -> Release | None:
    """The older vintage in data/ that a source is compared with, None where it has none. Raises as `open_release`."""
    folder = DATA / key / PREVIOUS
    return open_release(folder) if folder.is_dir() else None


Examine = Callable[[Release, xr.Dataset], tuple[xr.Dataset, list[Check]]]
"""Corrects the record of a release and checks it, such as `climate.harmonize.checks.examine`."""


@dataclass(frozen=True)
class Pulled:
    """The pinned sources by key: records and polygons that may be used, reasons why others may not, and all checks."""

    records: dict[str, xr.Dataset] = field(default_factory=dict)
    shapes: dict[str, geopandas.GeoDataFrame] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


def read_sources(keys: Sequence[str], examine: Examine) -> Pulled:
    """Read, correct and check each source; one with a fault, or that cannot be read, is unavailable."""
    pulled = Pulled()
    for key in keys:
        try:
            _read(key, pulled, examine)
        except ClimateError as error:
            pulled.unavailable[key] = str(error)
        except Exception as error:  # no file, however odd, may stop the other sources
            reason = " ".join(str(error).split())[:100]
            pulled.unavailable[key] = f"cannot be read ({type(error).__name__}: {reason}); check the file and its entry"
        if key in pulled.unavailable:
            log.error("%s: not used: %s", key, pulled.unavailable[key])
    return pulled


def _read(key: str, pulled: Pulled, examine: Examine) -> None:
    provenance = read_provenance(DATA / key)
    if provenance.status == "missing":
        pulled.unavailable[key] = "; ".join(provenance.reasons)
        return
    release = Release(DATA / key, provenance, provenance.vintage)
    checks = [_as_pulled(key, release)]
    record = None
    if not faults(checks):
        if release.source.kind == "shapes":
            pulled.shapes[key] = read_shapes(release.source, release.folder)
        elif release.source.is_record:
            with sound(release.source.files[0].name):
                record, examined = examine(release, read(release.source, release.folder))
            checks += examined
    pulled.checks.extend(checks)
    if wrong := faults(checks):
        pulled.unavailable[key] = f"check '{wrong[0].check}': found {wrong[0].found}, expected {wrong[0].expected}"
    elif record is not None:
        pulled.records[key] = record


def _as_pulled(key: str, release: Release) -> Check:
    """Whether the files of a source are still the bytes that were pulled."""
    for name, digest in release.digests.items():
        path = release.folder / name
        found = sha256_of(path)[:12] if path.is_file() else "no file"
        if found != digest[:12]:
            expected = f"sha256 {digest[:12]} as pulled; `dvc checkout data.dvc` brings it back"
            return Check("files as pulled", key, "error", f"{name}: {found}", expected)
    found = f"{counted(len(release.digests), 'file')} with the recorded sha256"
    return Check("files as pulled", key, "ok", found, "the bytes that were pulled")


def faults(checks: Sequence[Check]) -> list[Check]:
    """The errors that stop trust in a record. A correction that is no longer needed is one in the catalogue alone."""
    return [check for check in checks if check.status == "error" and check.check != CORRECTION]
