"""The publisher's own server."""

from __future__ import annotations

import tempfile
from pathlib import Path

from climate.sources.channels import Request
from climate.sources.channels.transfer import download

INDEX_MAX_BYTES = 16 * 2**20
"""Of the page that lists a publisher's files: far more than a list of ten thousand names takes."""
LATEST = "latest"
"""The vintage that a publisher serves; older ones are overwritten there."""


def unavailable(request: Request) -> str:
    """Publishers serve today's release, and older ones only where the catalogue says so."""
    if request.name == LATEST or request.vintage.publisher:
        return ""
    return f"serves vintage '{LATEST}' only"


def at_current_version(request: Request) -> Request:
    """The request with the version that the publisher's index page names, for sources with such a page."""
    if request.source.index is None or request.name != LATEST:
        return request
    with tempfile.TemporaryDirectory(prefix="climate-") as folder:
        page = Path(folder) / "index"
        limits, url = request.limits, request.source.index.url
        download(url, page, max_bytes=INDEX_MAX_BYTES, limits=limits, what="the list of files")
        return request.at_listed_version(page.read_text(encoding="utf-8", errors="replace"))


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
