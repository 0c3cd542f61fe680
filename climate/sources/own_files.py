"""Files of the user's own, out of whatever holds them: files, folders, patterns, archives, Zarr stores."""

from __future__ import annotations

import codecs
import glob
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from climate.sources.archive import GZIP, ZIP, extract, gunzip, members
from climate.sources.catalogue import OWN_MAX_BYTES
from climate.sources.channels import Refused
from climate.sources.channels.transfer import copy_bounded
from climate.sources.zarr_stores import is_store, store_to_netcdf

GRID_READER, TABLE_READER = "netcdf_grid", "csv_series"
HEAD_BYTES = 1024
NETCDF = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")
"""First bytes of NetCDF files: classic, 64-bit offset, 64-bit data, and NetCDF-4, which is HDF5."""
NETCDF_SUFFIXES = (".nc", ".nc4", ".cdf", ".netcdf")
TABLE_SUFFIXES = (".csv", ".txt", ".dat", ".tsv")
"""Files that count as tables in a folder or archive; a file that is named itself may have any name."""


def collect(path: str, folder: Path, *, reader: str, link: bool = False) -> dict[str, str]:
    """Put the files that `path` names into `folder`, unpacked; file name -> words for where it was.

    A Zarr store, also one on S3, becomes a NetCDF file.

    The first bytes tell what a file is, and not its name: an archive named .nc is unpacked, and a NetCDF file without a
    usual ending gets .nc. For the reader of grids NetCDF files are taken, for other readers tables. The words hold no
    path of this machine. With `link`, files that need no unpacking are linked and not copied.

    Raises Refused, and OSError for trouble with the local disk.
    """
    if reader == GRID_READER and is_store(path):
        with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=folder) as work:
            return store_to_netcdf(path, folder, Path(work))
    named = Path(path).expanduser()
    files = list(_files(named))
    if not files:
        what = "an empty folder" if named.is_dir() else "nothing there"
        raise Refused(f"{named.name}: found {what}, expected a file, a folder, a pattern of file names or an archive")
    taken = _Taken(folder, reader, alone=len(files) == 1 and not named.is_dir(), link=link)
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=folder) as work:
        for file in files:
            try:
                taken.take(file, file.name, f"the user's {file.name}", Path(work), original=True)
            except PermissionError as error:
                raise Refused(f"{file.name}: cannot be read ({error.strerror}), expected a readable file") from None
    if not taken.via:
        wanted = "NetCDF" if reader == GRID_READER else "a table"
        raise Refused(f"{named.name}: found {taken.other or 'no file'}, expected {wanted}")
    return dict(sorted(taken.via.items()))


def _files(path: Path) -> Iterator[Path]:
    """Plain files that `path` is, holds or matches, in the order of their names, hidden ones left out."""
    if path.is_dir():
        found = [each for each in path.iterdir() if not each.name.startswith(".")]
    elif path.exists():
        found = [path]
    else:
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207  (also absolute patterns)
    return (each for each in sorted(found) if each.is_file())


@dataclass
class _Taken:
    """Files that were taken so far."""

    folder: Path
    reader: str
    alone: bool
    """Whether one file was named, which is then taken whatever it is called."""
    link: bool
    via: dict[str, str] = field(default_factory=dict)
    other: str = ""
    """What the last file that was left out is."""

    def take(self, file: Path, name: str, via: str, work: Path, *, original: bool) -> None:
        """Take `file`, which is called `name`, or what it holds."""
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
        if head.startswith(GZIP):
            self._unzip(file, name, via, work)
        elif head.startswith(ZIP):
            self._members(file, via, work)
        elif tarfile.is_tarfile(file):
            raise Refused(f"{name}: found a tar archive, expected the file itself, a zip or a gzip; unpack it first")
        elif self._is_wanted(head, name):
            self._keep(file, _with_suffix(name) if head.startswith(NETCDF) else name, via, original=original)
        else:
            self.other = f"{name}, which is {_format(head)}"

    def _is_wanted(self, head: bytes, name: str) -> bool:
        if self.reader == GRID_READER:
            return head.startswith(NETCDF)
        is_text = b"\0" not in head or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return bool(head) and is_text and (self.alone or name.lower().endswith(TABLE_SUFFIXES))

    def _unzip(self, file: Path, name: str, via: str, work: Path) -> None:
        inner = name[: -len(".gz")] if name.lower().endswith(".gz") else name
        with tempfile.TemporaryDirectory(dir=work) as place:
            unpacked = Path(place) / inner
            gunzip(file, unpacked, max_bytes=OWN_MAX_BYTES)
            self.take(unpacked, inner, via, work, original=False)

    def _members(self, file: Path, via: str, work: Path) -> None:
        held = members(file)
        for member in held:
            inner = PurePosixPath(member).name
            with tempfile.TemporaryDirectory(dir=work) as place:
                unpacked = Path(place) / inner
                extract(file, member, unpacked, max_bytes=OWN_MAX_BYTES)
                alone, self.alone = self.alone, self.alone and len(held) == 1
                self.take(unpacked, inner, f"{via}: {member}", work, original=False)
                self.alone = alone

    def _keep(self, file: Path, name: str, via: str, *, original: bool) -> None:
        target = self.folder / name
        if name in self.via:
            raise Refused(f"{name}: found it twice, in {self.via[name]} and {via}, expected each file once; name one")
        if not original:
            file.rename(target)
        elif self.link:
            target.symlink_to(file.resolve())
        else:
            with file.open("rb") as content:
                copy_bounded(content, target, max_bytes=OWN_MAX_BYTES, what=name)
        self.via[name] = via


def _with_suffix(name: str) -> str:
    return name if name.lower().endswith(NETCDF_SUFFIXES) else f"{name}.nc"


def _format(head: bytes) -> str:
    """What a file that cannot be taken is, by its first bytes."""
    start = head.lstrip()
    known = {
        NETCDF: "NetCDF, for which the reader is netcdf_grid",
        (b"GRIB",): "GRIB: convert it first, such as by `cdo -f nc copy in.grib out.nc`",
        (b"\x0e\x03\x13\x01",): "HDF4: convert it first, such as by `h4tonccf in.hdf out.nc`",
        (b"<",): "a web page: download the file again, signed in if its publisher asks for it",
        (b"Rar!", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ"): "an archive of a kind that is not read: unpack it first",
    }
    if not head:
        return "an empty file: get it again"
    return next((words for starts, words in known.items() if start.startswith(starts)), "neither NetCDF nor an archive")
