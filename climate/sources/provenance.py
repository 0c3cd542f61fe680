"""Where the bytes of a source came from, written beside them as provenance.json.

It holds no time of day, no path and no host of this machine, so that two runs on the same bytes write the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from climate.errors import ClimateError
from climate.sources.catalogue import Source, find_source
from climate.sources.channels.verify import sha256_of

PROVENANCE = "provenance.json"
PREVIOUS = "previous"
"""Folder inside a source's own that holds an older vintage to compare it with, with its own provenance."""
Status = Literal["ok", "last-good", "missing"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileProvenance(_Record):
    """One file."""

    url: str
    """The publisher's address."""
    via: str
    """The package, path on a mirror, server or user's file that these bytes were read from."""
    sha256: str
    bytes: int
    file_date: str
    """The publisher's own date in the file, "" if there is none."""


class Provenance(_Record):
    """One source as it was pulled."""

    key: str
    title: str
    publisher: str
    version: str
    vintage: str
    """Of these bytes; with status `last-good` not always the vintage of params.yaml."""
    channel: str
    """own, registry, mirror or publisher; "" when missing."""
    status: Status
    files: dict[str, FileProvenance]
    licence: str
    licence_url: str
    citation: str
    doi: str
    homepage: str
    reasons: tuple[str, ...]
    """Why channels before the serving one did not serve, one line each."""
    entry: Source | None = None
    """What params.yaml says of a file of the user's own; sources of the catalogue have none."""

    @property
    def source(self) -> Source:
        """The entry of the source, whatever its vintage. ClimateError for a key that the catalogue no longer has."""
        return self.entry or find_source(self.key)


def read_provenance(folder: Path) -> Provenance:
    """The provenance of `folder`; ClimateError when it is absent or malformed."""
    path = folder / PROVENANCE
    try:
        return Provenance.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ClimateError(f"{path} not found: run `dvc repro` to pull the source") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise ClimateError(
            f"{path}: {where}: {first['msg']}; `dvc repro` pulls the source again if the file is in downloads/, and "
            "`dvc checkout data.dvc` restores data/"
        ) from None


def write_provenance(provenance: Provenance, folder: Path) -> None:
    """Write `folder`/provenance.json, the same bytes for the same content."""
    content = provenance.model_dump(mode="json", exclude={"entry"})
    if provenance.entry is not None:
        content["entry"] = provenance.entry.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / PROVENANCE).write_text(text, encoding="utf-8", newline="\n")


def verify(folder: Path) -> list[str]:
    """Differences between the files of `folder` and its provenance.json, one line each; [] when there are none.

    The folder of a previous vintage is not looked into.
    """
    try:
        provenance = read_provenance(folder)
    except ClimateError as error:
        return [str(error)]
    problems = []
    for name, record in provenance.files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path}: not found, expected {record.bytes:,} bytes")
        elif (size := path.stat().st_size) != record.bytes:
            problems.append(f"{path}: found {size:,} bytes, expected {record.bytes:,}")
        elif (digest := sha256_of(path)) != record.sha256:
            problems.append(f"{path}: found sha256 {digest[:12]}, expected {record.sha256[:12]}")
    known = {PROVENANCE, PREVIOUS, *provenance.files}
    problems += [
        f"{path}: found a file that provenance.json does not name"
        for path in sorted(folder.iterdir())
        if path.name not in known
    ]
    return problems
