"""A source's file in its folder: as it is, or inside a zip that a user dropped there."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from climate.errors import ClimateError

MAX_BYTES = 4 * 2**30
"""Largest file that is unpacked from a zip; the largest one known, a table of cities, has half a GiB."""


@contextmanager
def open_file(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of `name` in `folder`, from the file itself or from the one zip there that holds it.

    Nothing is unpacked to disk. Raises ClimateError when there is neither, when a link stands in place of the file,
    and on a zip that is damaged, encrypted, oversized or has members outside its own folder.
    """
    path = folder / name
    if path.is_symlink() and not path.resolve().is_file():
        raise ClimateError(f"{name}: found a link to nothing in {folder.name}/, expected a file; put the file there")
    if path.is_file():
        if path.stat().st_size == 0:
            raise ClimateError(f"{name}: found an empty file, expected a table; get the file again")
        with path.open("rb") as stream:
            yield stream
        return
    holders = [(archive, member) for archive in sorted(folder.glob("*.zip")) for member in _members(archive, name)]
    if len(holders) != 1:
        found = "nothing" if not holders else f"it in {len(holders)} places"
        raise ClimateError(
            f"{name}: found {found} in {folder.name}/, expected it or one zip that holds it; pull the source first"
        )
    archive, member = holders[0]
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as unpacked:
            yield unpacked
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError) as error:
        raise ClimateError(
            f"{archive.name}: member {member} cannot be unpacked ({error}), expected an intact zip; get it again"
        ) from None


def read_bytes(folder: Path, name: str) -> bytes:
    """All bytes of `name`; see `open_file`."""
    with open_file(folder, name) as stream:
        return stream.read()


def check_members(archive: Path) -> list[zipfile.ZipInfo]:
    """What `archive` holds; ClimateError on anything that a plain zip would not hold."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ClimateError(f"{archive.name}: not a zip ({error}), expected an intact one; get it again") from None
    for entry in entries:
        found = f"{archive.name}: member {entry.filename!r}"
        parts = PurePosixPath(entry.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in entry.filename:
            raise ClimateError(f"{found} lies outside the archive, expected files within it; do not use this zip")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ClimateError(f"{found} is a link, expected files; do not use this zip")
        if entry.file_size > MAX_BYTES:
            raise ClimateError(
                f"{found} has {entry.file_size} bytes, expected at most {MAX_BYTES}; do not use this zip"
            )
    return entries


def _members(archive: Path, name: str) -> list[str]:
    """Paths inside `archive` whose last part is `name`."""
    paths = [entry.filename for entry in check_members(archive) if not entry.is_dir()]
    return [path for path in paths if PurePosixPath(path.replace("\\", "/")).name == name]
