"""The publisher's own server."""

from __future__ import annotations

from pathlib import Path

from climate.sources.channels import Request
from climate.sources.channels.transfer import download

LATEST = "latest"
"""The vintage that a publisher serves; older ones are overwritten there."""


def unavailable(request: Request) -> str:
    """Publishers serve today's release, and older ones only where the catalogue says so."""
    if request.name == LATEST or request.vintage.publisher:
        return ""
    return f"serves vintage '{LATEST}' only"


def fetch(request: Request, folder: Path) -> dict[str, str]:
    """Download every file from the address in the catalogue."""
    for file in request.source.files:
        download(
            request.url(file),
            folder / file.name,
            max_bytes=file.expect.max_bytes,
            limits=request.limits,
            what=file.name,
        )
    return {file.name: "the publisher's server" for file in request.source.files}
