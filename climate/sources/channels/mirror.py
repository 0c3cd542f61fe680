"""A folder or a web server that holds publishers' files, laid out as the catalogue says.

A zip in the folder of a file that is looked for serves as well, if it holds that file: data platforms hand out zips.
"""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from climate.sources.archive import extract, zip_with
from climate.sources.catalogue import SourceFile
from climate.sources.channels import Refused, Request
from climate.sources.channels.publisher import LATEST
from climate.sources.channels.transfer import copy_bounded, download


def unavailable(request: Request) -> str:
    """There must be a mirror, and the vintage must have a place on it."""
    if not request.mirror:
        return "none is set (pull.mirror of params.yaml, or CLIMATE_MIRROR)"
    return "" if request.vintage.mirror is not None else f"has no place for vintage '{request.name}'"


def at_current_version(request: Request) -> Request:
    """The request with the newest version in a mirror's folder; unchanged for a mirror on the web.

    Web servers that hold a mirror rarely list their files, so there the entry's own version is asked for.
    """
    if request.source.index is None or request.name != LATEST or _is_web(request):
        return request
    folders = {(_root(request) / request.mirror_path(file)).parent for file in request.source.files}
    names = [path.name for folder in sorted(folders) if folder.is_dir() for path in folder.iterdir()]
    return request.at_listed_version("\n".join(names))


def holds(request: Request) -> bool:
    """Whether a mirror's folder has every file; a mirror on the web is not asked."""
    if unavailable(request) or _is_web(request):
        return False
    try:
        current = at_current_version(request)
    except Refused:
        return False
    return all((_root(request) / current.mirror_path(file)).is_file() for file in request.source.files)


def fetch(request: Request, folder: Path) -> dict[str, str]:
    """Copy or download every file."""
    assert request.mirror is not None
    via = {}
    for file in request.source.files:
        path = request.mirror_path(file)
        if _is_web(request):
            download(
                f"{request.mirror.rstrip('/')}/{quote(path, safe='/+')}",
                folder / file.name,
                max_bytes=file.expect.max_bytes,
                limits=request.limits,
                what=path,
            )
        else:
            _copy(_root(request), path, file, folder / file.name)
        via[file.name] = f"mirror: {path}"
    return via


def _is_web(request: Request) -> bool:
    return urlsplit(str(request.mirror)).scheme in ("http", "https")


def _root(request: Request) -> Path:
    mirror = str(request.mirror)
    address = urlsplit(mirror)
    return Path(url2pathname(address.path) if address.scheme == "file" else mirror).expanduser()


def _copy(root: Path, path: str, file: SourceFile, target: Path) -> None:
    if not root.is_dir():
        raise Refused("the mirror's folder is not there, expected a folder or a URL")
    wanted = root / path
    if not wanted.resolve().is_relative_to(root.resolve()):
        raise Refused(f"{path}: found a path that leads out of the mirror, expected one inside it")
    if not wanted.exists():
        packed = zip_with(sorted(wanted.parent.glob("*.zip")), (wanted.name,))
        if packed is None:
            raise Refused(f"{path}: not found on the mirror, expected a file, or a zip beside it that holds it")
        extract(packed[0], packed[1], target, max_bytes=file.expect.max_bytes)
        return
    copy_plain(wanted, target, file, path)


def copy_plain(path: Path, target: Path, file: SourceFile, what: str) -> None:
    """Copy a plain file; Refused when it is none, cannot be read, or is too large. `what` names it in messages."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise Refused(f"{what}: found a folder or device, no plain file; expected a plain file")
    try:
        content = path.open("rb")
    except OSError as error:
        raise Refused(f"{what}: cannot be read ({error.strerror}), expected a readable file") from None
    with content:
        copy_bounded(content, target, max_bytes=file.expect.max_bytes, what=what)
