"""Files that the user has put somewhere: a folder, a downloaded zip, or the file itself, named in params.yaml.

For data that their platform hands out to those who are signed in, and for anybody's own copy of a publisher's file.
"""

from __future__ import annotations

import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from climate.sources.archive import extract, zip_with
from climate.sources.catalogue import SourceFile
from climate.sources.channels import Refused, Request
from climate.sources.channels.transfer import copy_bounded

NAME = "own"


def unavailable(request: Request) -> str:
    """The user must have named a place."""
    return "" if request.path else "none is named (`path` of the source in params.yaml)"


def fetch(request: Request, folder: Path) -> dict[str, str]:
    """Copy every file from the place, or out of a zip there."""
    place = Path(str(request.path)).expanduser()
    if not place.exists():
        raise Refused("the `path` of params.yaml is not there, expected a folder, a zip or the file itself")
    return {file.name: _copy(place, _names(request, file), file, folder / file.name) for file in request.source.files}


def _names(request: Request, file: SourceFile) -> tuple[str, ...]:
    """What the publisher calls the file, and what it is called here."""
    return tuple(dict.fromkeys((PurePosixPath(request.mirror_path(file)).name, file.name)))


def _copy(place: Path, names: tuple[str, ...], file: SourceFile, target: Path) -> str:
    """Put the file into `target`; the words for where it was, without paths of this machine."""
    is_folder = place.is_dir()
    found = next((place / name for name in names if (place / name).exists()), None) if is_folder else place
    if found is not None and found.suffix.lower() != ".zip":
        # What a user names may be a link; what merely lies in a folder may not lead out of it.
        linked = is_folder and not found.resolve().is_relative_to(place.resolve())
        if linked or not stat.S_ISREG(found.stat().st_mode):
            raise Refused(f"{found.name}: found a link that leads out or no plain file, expected a plain file")
        with _opened(found) as content:
            copy_bounded(content, target, max_bytes=file.expect.max_bytes, what=found.name)
        return f"the user's {found.name}"
    packed = zip_with([found] if found is not None else sorted(place.glob("*.zip")), names)
    if packed is None:
        where = "the folder that `path` names, or in a zip there" if is_folder else f"the zip {place.name}"
        raise Refused(f"{' or '.join(names)}: not found in {where}, expected it under its publisher's name")
    extract(packed[0], packed[1], target, max_bytes=file.expect.max_bytes)
    return f"the user's {packed[0].name}: {packed[1]}"


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"{path.name}: cannot be read ({error.strerror}), expected a readable file") from None
