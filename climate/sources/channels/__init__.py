"""Download channels, one module each, tried in turn by climate/sources/pull.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
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


class Fetcher(Protocol):
    """The interface of a channel module."""

    def unavailable(self, request: Request) -> str:
        """Why this channel cannot serve the request, "" when it can be tried."""

    def fetch(self, request: Request, folder: Path) -> dict[str, str]:
        """Write all files of the source into `folder`; returns file name -> where its bytes came from.

        Raises Refused, and OSError only for trouble with the local disk.
        """
