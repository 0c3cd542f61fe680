"""Download channels, one module each, tried in turn by climate/sources/pull.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from climate.sources.catalogue import Source, SourceFile, Vintage


class Refused(Exception):  # noqa: N818  (an outcome, not a fault)
    """A channel delivered nothing, or nothing that can be trusted.

    The message is one line without host names and paths of this machine: it is kept in provenance.json.
    """


@dataclass(frozen=True)
class Limits:
    """Limits on the time of a transfer, in seconds."""

    connect_seconds: float = 15.0
    """To connect."""
    read_seconds: float = 60.0
    """Between two chunks of the response."""
    total_seconds: float = 600.0
    """For one file with all attempts: ends a response that never does."""
    attempts: int = 2
    pause_seconds: float = 1.0
    """Before the second attempt."""


@dataclass(frozen=True)
class Request:
    """One source at one vintage."""

    source: Source
    """With the version of the vintage."""
    name: str
    """Of the vintage."""
    vintage: Vintage
    mirror: str | None = None
    """Folder or URL."""
    path: str | None = None
    """Of the user's own copy: a folder, a zip or the file."""
    limits: Limits = field(default_factory=Limits)

    def url(self, file: SourceFile) -> str:
        """The publisher's address of `file`."""
        return file.url.replace("{version}", self.source.version)

    def mirror_path(self, file: SourceFile) -> str:
        """Path of `file` below the mirror."""
        path = file.mirror.replace("{version}", self.source.version)
        return f"{self.vintage.mirror}/{path}" if self.vintage.mirror else path

    def at_listed_version(self, listing: str) -> Request:
        """The request with the highest version that `listing` has every file of; Refused when it has none."""
        assert self.source.index is not None
        pattern = self.source.index.version
        versions = [set(re.findall(_listed(file, pattern), listing)) for file in self.source.files]
        common = set.intersection(*versions)
        if not common:
            absent = [file.name for file, found in zip(self.source.files, versions, strict=True) if not found]
            found = f"no address of {absent[0]}" if absent else "no version that all files have"
            raise Refused(
                f"the list of files: found {found}, expected a version like {pattern}; if the publisher began another "
                "version, the catalogue entry needs correcting"
            )
        return replace(self, source=self.source.model_copy(update={"version": max(common, key=_numbers)}))


def _listed(file: SourceFile, version: str) -> str:
    """Regular expression of the file's name at its publisher; its group is the version."""
    before, after = PurePosixPath(file.url).name.split("{version}")
    return rf"(?<![\w.-]){re.escape(before)}({version}){re.escape(after)}(?![\w.-])"


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


class Fetcher(Protocol):
    """The interface of a channel module."""

    def unavailable(self, request: Request) -> str:
        """Why this channel cannot serve the request, "" when it can be tried."""

    def fetch(self, request: Request, folder: Path) -> dict[str, str]:
        """Write all files of the source into `folder`; returns file name -> where its bytes came from.

        Raises Refused, and OSError only for trouble with the local disk.
        """
