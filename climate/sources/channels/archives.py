"""Single files out of zip, wheel and tar archives, whoever packed them."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from climate.sources.channels import Refused
from climate.sources.channels.transfer import copy_bounded

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
_ABSENT = "found no member '{member}' in {archive}, expected it there"


def extract(archive: Path, member: str, path: Path, *, max_bytes: int) -> None:
    """Write one member of `archive` to `path`.

    The archive is refused as a whole when any of its members points outside the folder it would be unpacked in, and
    the member when it is a link, no plain file, or holds more than `max_bytes` (a zip bomb says less than it holds, so
    bytes are counted and not believed). Raises Refused, and OSError for trouble with the local disk.
    """
    try:
        if zipfile.is_zipfile(archive):
            _from_zip(archive, member, path, max_bytes)
        else:
            _from_tar(archive, member, path, max_bytes)
    except _DAMAGED as error:
        raise Refused(
            f"{archive.name}: found a damaged archive ({type(error).__name__}), expected {member} in it"
        ) from None


def _check_inside(name: str, archive: Path) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise Refused(f"{archive.name}: found a member '{name}' outside its folder, expected relative paths only")


def _from_zip(archive: Path, member: str, path: Path, max_bytes: int) -> None:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            _check_inside(info.filename, archive)
        try:
            info = packed.getinfo(member)
        except KeyError:
            raise Refused(_ABSENT.format(member=member, archive=archive.name)) from None
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() or kind not in (0, stat.S_IFREG):
            raise Refused(f"{archive.name}: found a link or folder at '{member}', expected a plain file")
        if info.flag_bits & 0x1:
            raise Refused(f"{archive.name}: found '{member}' encrypted, expected a plain file")
        with packed.open(info) as content:
            copy_bounded(content, path, max_bytes=max_bytes, what=f"{archive.name}: {member}")  # type: ignore[arg-type]


def _from_tar(archive: Path, member: str, path: Path, max_bytes: int) -> None:
    found = False
    with tarfile.open(archive, "r|*") as packed:
        for info in packed:
            _check_inside(info.name, archive)
            if info.name != member:
                continue
            content = packed.extractfile(info) if info.isreg() else None
            if content is None:
                raise Refused(f"{archive.name}: found a link or folder at '{member}', expected a plain file")
            found = True
            copy_bounded(content, path, max_bytes=max_bytes, what=f"{archive.name}: {member}")  # type: ignore[arg-type]
    if not found:
        raise Refused(_ABSENT.format(member=member, archive=archive.name))
