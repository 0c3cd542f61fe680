"""Single files out of zip, wheel and tar archives: unpacked into downloads/, or read where a user has put a zip."""

from __future__ import annotations

import gzip
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, cast

from climate.errors import ClimateError
from climate.sources.channels import Refused
from climate.sources.channels.transfer import copy_bounded

MAX_BYTES = 4 * 2**30
"""Largest file that is read out of a zip in a source's folder; the largest known table has half a GiB."""

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
"""First bytes of archives."""

_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)


def leads_out(member: str) -> bool:
    """Whether a member's name points outside the folder that its archive is unpacked in, on any system."""
    path = PureWindowsPath(member)  # takes both kinds of slash
    return bool(path.anchor) or ".." in path.parts


# --- from channels into downloads/ ---


def extract(archive: Path, member: str, path: Path, *, max_bytes: int) -> None:
    """Write one member of `archive` to `path`.

    The archive is refused as a whole when any of its members points outside the folder it would be unpacked in, and
    the member when it is a link, no plain file, or holds more than `max_bytes`: bytes are counted, since a zip bomb
    declares fewer than it holds. Raises Refused, and OSError for trouble with the local disk.
    """
    try:
        if zipfile.is_zipfile(archive):
            _extract_from_zip(archive, member, path, max_bytes)
        else:
            _extract_from_tar(archive, member, path, max_bytes)
    except _DAMAGED as error:
        raise Refused(
            f"{archive.name}: found a damaged archive ({type(error).__name__}), expected {member} in it; get it again"
        ) from None


def members(archive: Path) -> list[str]:
    """Files in a zip, in the order of their names, without what macOS adds. Refused for a damaged one."""
    try:
        with zipfile.ZipFile(archive) as packed:
            names = [info.filename for info in packed.infolist() if not info.is_dir()]
    except zipfile.BadZipFile as error:
        raise Refused(f"{archive.name}: found a damaged zip ({error}), expected a whole one; get it again") from None
    return sorted(name for name in names if not name.startswith("__MACOSX/"))


def gunzip(archive: Path, path: Path, *, max_bytes: int) -> None:
    """Write what a gzip file holds to `path`. Refused for a damaged file, and for more than `max_bytes`."""
    try:
        with gzip.open(archive) as content:
            copy_bounded(cast(IO[bytes], content), path, max_bytes=max_bytes, what=archive.name)
    except _DAMAGED as error:
        raise Refused(
            f"{archive.name}: found a damaged gzip ({type(error).__name__}), expected a whole one; get it again"
        ) from None


def unpack_in_place(path: Path, *, max_bytes: int) -> None:
    """Replace an archive whose name does not say so by the file in it; other files stay as they are.

    Publishers compress files that the catalogue calls by their plain names. Refused unless a zip holds one file.
    """
    with path.open("rb") as file:
        head = file.read(max(map(len, (ZIP, GZIP))))
    if path.suffix.lower() in (".gz", ".zip") or not head.startswith((ZIP, GZIP)):
        return
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=path.parent) as folder:
        unpacked = Path(folder) / path.name
        if head.startswith(GZIP):
            gunzip(path, unpacked, max_bytes=max_bytes)
        else:
            held = members(path)
            if len(held) != 1:
                raise Refused(f"{path.name}: found a zip of {len(held)} files, expected the file, or a zip of it alone")
            extract(path, held[0], unpacked, max_bytes=max_bytes)
        unpacked.replace(path)


def _check_inside(name: str, archive: Path) -> None:
    if leads_out(name):
        raise Refused(f"{archive.name}: found a member '{name}' outside its folder, expected relative paths only")


def _absent(member: str, archive: Path) -> Refused:
    return Refused(f"found no member '{member}' in {archive.name}, expected it there")


def _extract_from_zip(archive: Path, member: str, path: Path, max_bytes: int) -> None:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            _check_inside(info.filename, archive)
        try:
            info = packed.getinfo(member)
        except KeyError:
            raise _absent(member, archive) from None
        if info.is_dir() or stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise Refused(f"{archive.name}: found a link or folder at '{member}', expected a plain file")
        if info.flag_bits & 0x1:
            raise Refused(f"{archive.name}: found '{member}' encrypted, expected a plain file")
        with packed.open(info) as content:
            copy_bounded(content, path, max_bytes=max_bytes, what=f"{archive.name}: {member}")


def _extract_from_tar(archive: Path, member: str, path: Path, max_bytes: int) -> None:
    extracted = False
    with tarfile.open(archive, "r|*") as packed:
        for info in packed:
            _check_inside(info.name, archive)
            if info.name != member:
                continue
            content = packed.extractfile(info) if info.isreg() else None
            if content is None:
                raise Refused(f"{archive.name}: found a link or folder at '{member}', expected a plain file")
            copy_bounded(content, path, max_bytes=max_bytes, what=f"{archive.name}: {member}")
            extracted = True
    if not extracted:
        raise _absent(member, archive)


def zip_with(candidates: Sequence[Path], names: Sequence[str]) -> tuple[Path, str] | None:
    """The first zip among `candidates` with a member whose last part is one of `names`, and that member."""
    for candidate in candidates:
        try:
            with zipfile.ZipFile(candidate) as packed:
                members = packed.namelist()
        except (OSError, zipfile.BadZipFile):
            continue
        for member in members:
            if PurePosixPath(member).name in names:
                return candidate, member
    return None


# --- from a source's folder into its reader ---


@contextmanager
def open_file(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """The bytes of `name` in `folder`, from the file itself or from the one zip there that holds it.

    Nothing is unpacked to disk. Raises ClimateError when there is neither, when a link stands in place of the file,
    and on a zip that is damaged, encrypted, oversized or has members outside its own folder.
    """
    path = folder / name
    if path.is_symlink() and not path.resolve().is_file():
        raise ClimateError(f"{name}: found a broken link in {folder.name}/, expected a file; put the file there")
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


def check_members(archive: Path) -> list[zipfile.ZipInfo]:
    """The members of a zip; ClimateError for a damaged one, and for links, oversized files and paths that lead out."""
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise ClimateError(f"{archive.name}: not a zip ({error}), expected an intact one; get it again") from None
    for entry in entries:
        found = f"{archive.name}: member {entry.filename!r}"
        if leads_out(entry.filename):
            raise ClimateError(f"{found} lies outside the archive, expected files within it; do not use this zip")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise ClimateError(f"{found} is a link, expected files; do not use this zip")
        if entry.file_size > MAX_BYTES:
            raise ClimateError(
                f"{found} has {entry.file_size} bytes, expected at most {MAX_BYTES}; do not use this zip"
            )
    return entries


def _members(archive: Path, name: str) -> list[str]:
    """Members of `archive` whose last part is `name`."""
    return [
        entry.filename
        for entry in check_members(archive)
        if not entry.is_dir() and PureWindowsPath(entry.filename).name == name
    ]
