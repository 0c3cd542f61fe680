"""reveal.js, which turns the slides, out of a package of the registry that carries its released files.

The package itself is not installed: it would bring a whole documentation builder. Its archive is pinned by digest.
"""

from __future__ import annotations

from pathlib import Path

from climate.sources.catalogue import RegistryRelease
from climate.sources.channels import Limits, Refused, registry

_FOLDER = "sphinx_revealjs/_static/revealjs"

RELEASE = RegistryRelease(
    package="sphinx-revealjs",
    version="3.2.1",
    archive="sphinx_revealjs-3.2.1-py3-none-any.whl",
    sha256="805bed3ca459346e0f01967d5ed1c40d6b7b917de1541e1e4566c8341fe7017b",
    members={
        "reveal.js": f"{_FOLDER}/dist/reveal.js",
        "reveal.css": f"{_FOLDER}/dist/reveal.css",
        "notes.js": f"{_FOLDER}/plugin/notes/notes.js",
        "LICENSE": f"{_FOLDER}/LICENSE",
    },
)
"""reveal.js 5.2.0 (MIT, Hakim El Hattab and contributors) with its speaker view."""

MEMBER_MAX_BYTES = 2**20
"""Several times the largest of these files (0.1 MB)."""


def fetch(folder: Path) -> str:
    """Put the library into `folder`; returns "", or why it cannot be had, in which case the folder is left empty."""
    sizes = dict.fromkeys(RELEASE.members, MEMBER_MAX_BYTES)
    try:
        registry.unpack(RELEASE, folder, sizes, key="slides", limits=Limits())
    except Refused as refused:
        for name in RELEASE.members:
            (folder / name).unlink(missing_ok=True)
        return str(refused)
    return ""
