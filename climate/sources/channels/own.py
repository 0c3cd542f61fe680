"""The user's own files: a folder, a downloaded zip, or the file itself, named in params.yaml.

For data that their platform hands out to those who are signed in, and for anybody's own copy of a publisher's file.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from climate.sources.archive import extract, zip_with
from climate.sources.catalogue import SourceFile
from climate.sources.channels import Refused, Request
from climate.sources.channels.mirror import copy_plain
from climate.sources.own_files import collect

NAME = "own"


def unavailable(request: Request) -> str:
    """The user must have named a path."""
    return "" if request.path else "none is named (`path` of the source in params.yaml)"


def fetch(request: Request, folder: Path) -> dict[str, str]:
    """Copy every file from there, or out of a zip there."""
    if request.source.own:
        return collect(str(request.path), folder, reader=request.source.reader)
    copy = Path(str(request.path)).expanduser()
    if not copy.exists():
        raise Refused("the `path` of params.yaml is not there, expected a folder, a zip or the file itself")
    return {file.name: _copy(copy, _names(request, file), file, folder / file.name) for file in request.source.files}


def _names(request: Request, file: SourceFile) -> tuple[str, ...]:
    """What the publisher calls the file, and what it is called here."""
    return tuple(dict.fromkeys((PurePosixPath(request.mirror_path(file)).name, file.name)))


def _copy(copy: Path, names: tuple[str, ...], file: SourceFile, target: Path) -> str:
    """Put the file into `target`; the words for where it was, without paths of this machine."""
    is_folder = copy.is_dir()
    file_path = next((copy / name for name in names if (copy / name).exists()), None) if is_folder else copy
    if file_path is not None and file_path.suffix.lower() != ".zip":
        # What a user names may be a link; what merely lies in a folder may not lead out of it.
        if is_folder and not file_path.resolve().is_relative_to(copy.resolve()):
            raise Refused(f"{file_path.name}: found a link that leads out, expected a plain file")
        copy_plain(file_path, target, file, file_path.name)
        return f"the user's {file_path.name}"
    packed = zip_with([file_path] if file_path is not None else sorted(copy.glob("*.zip")), names)
    if packed is None:
        where = "the folder that `path` names, or in a zip there" if is_folder else f"the zip {copy.name}"
        raise Refused(f"{' or '.join(names)}: not found in {where}, expected it under its publisher's name")
    extract(packed[0], packed[1], target, max_bytes=file.expect.max_bytes)
    return f"the user's {packed[0].name}: {packed[1]}"
