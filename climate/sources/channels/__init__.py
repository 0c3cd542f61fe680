"""Ways to come by a publisher's bytes: one module each, called in turn by climate/sources/pull.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from climate.sources.catalogue import Source, SourceFile, Vintage


class Refused(Exception):  # noqa: N818  (an outcome, not a fault)
    """A channel did not deliver, or what it delivered is not to be trusted.

    The message is one line without host names and paths of this machine: it is kept in provenance.json.
    """


@dataclass(frozen=True)
class Limits:
    """How long a transfer may take."""

    connect_seconds: float = 15.0
    """Until the connection stands."""
    read_seconds: float = 60.0
    """Between two pieces of the answer."""
    total_seconds: float = 600.0
    """For one file altogether, with its second attempt: an answer that drips for ever ends here."""
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
    """What a channel module offers."""

    def unavailable(self, request: Request) -> str:
        """Why this channel cannot serve the request, "" when it can be tried."""

    def fetch(self, request: Request, folder: Path) -> dict[str, str]:
        """Write all files of the source into `folder`; returns file name -> where its bytes came from.

        Raises Refused, and OSError only for trouble with the local disk.
        """
