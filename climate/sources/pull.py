"""Fetch a source's bytes through the first channel that delivers, check them, and write where they came from."""

from __future__ import annotations

import errno
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from climate.errors import ClimateError
from climate.sources.archive import unpack_in_place
from climate.sources.catalogue import Source
from climate.sources.channels import Fetcher, Limits, Refused, Request, own, publisher, registry
from climate.sources.channels import mirror as mirror_channel
from climate.sources.channels.publisher import LATEST
from climate.sources.channels.verify import check, file_date, sha256_of
from climate.sources.provenance import (
    PREVIOUS,
    FileProvenance,
    Provenance,
    Status,
    read_provenance,
    verify,
    write_provenance,
)

CHANNELS: dict[str, Fetcher] = {
    own.NAME: own,
    "registry": registry,
    "mirror": mirror_channel,
    "publisher": publisher,
}
CURRENT_VERSION: dict[str, Callable[[Request], Request]] = {
    "mirror": mirror_channel.at_current_version,
    "publisher": publisher.at_current_version,
}
"""How a channel learns which version is today's, where names of files tell it."""
STALE_SECONDS = 24 * 3600.0
"""Age from which the workspace of a killed run is swept away; no pull lasts nearly as long."""
TURNS = 20
"""How often one pull yields to another of the same source before it gives up."""

log = logging.getLogger("climate")


def pull(
    source: Source,
    vintage: str,
    destination: Path,
    *,
    mirror: str | None,
    last_good: Path | None,
    path: str | None = None,
    previous: str | None = None,
    limits: Limits | None = None,
) -> Provenance:
    """Fill `destination` with the files of `source` at `vintage`, and provenance.json.

    The user's own copy at `path`, if any, comes first; then channels are tried in the order of the catalogue entry.
    Each refusal is one line in the log. If all refuse, the copy in `last_good` (or the one that `destination` already
    holds) is kept; without one, `destination` gets provenance.json alone, with status `missing`. A last good copy of
    the very bytes that the catalogue pins is used without asking any channel. `destination` is replaced as a whole at
    the very end.

    `previous` is an older vintage to compare with. It goes into the folder `previous` of `destination` in the same
    way, except that no other vintage ever stands in for it.

    Raises ClimateError for an unknown vintage and for a disk that cannot be written.
    """
    key = source.key
    request = _request(source, vintage, f"pull.sources.{key}.vintage", mirror, path, limits)
    older = _request(source, previous, f"revisions.against.{key}", mirror, None, limits) if previous else None
    try:
        with _workspace(destination) as workspace:
            folder = workspace / "new"
            kept = _find_kept(key, last_good, destination)
            provenance = _fill(request, folder, kept)
            write_provenance(provenance, folder)
            if older is not None:
                copies = [home / PREVIOUS for home in (last_good, destination) if home]
                same = _find_kept(key, *copies, kept and kept.folder, vintage=older.name)
                write_provenance(_fill(older, folder / PREVIOUS, same), folder / PREVIOUS)
            _replace(destination, folder, workspace)
    except OSError as error:
        raise ClimateError(
            f"{key}: cannot write {error.filename or destination}: found '{error.strerror or error}', expected room "
            "and permission to write; nothing was replaced: fix this and run `dvc repro` again"
        ) from None
    return provenance


def _request(
    source: Source, name: str, setting: str, mirror: str | None, path: str | None, limits: Limits | None
) -> Request:
    if name not in source.vintages:
        near = get_close_matches(name, source.vintages, n=3, cutoff=0.5) or list(source.vintages)
        raise ClimateError(
            f"params.yaml: {setting}: found '{name}', expected one of the catalogue's vintages, such as "
            f"{', '.join(near)}"
        )
    vintage = source.vintages[name]
    return Request(source.at(name), name, vintage, mirror=mirror, path=path, limits=limits or Limits())


def _make_folder(parent: Path, name: str) -> Path:
    """A new folder in `parent`, which another pull that ends may remove in between."""
    for _ in range(TURNS):
        parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
    raise FileNotFoundError(errno.ENOENT, "the folder vanishes as soon as it is made", str(parent))


@contextmanager
def _workspace(destination: Path) -> Iterator[Path]:
    """A folder on the disk of `destination` but outside its parent, whose content is data for the next stage."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    parent = destination.parent.with_name(f"{destination.parent.name}.partial")
    workspace = _make_folder(parent, destination.name)
    for other in parent.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - other.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(other, ignore_errors=True)
    try:
        yield workspace
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
        with suppress(OSError):
            parent.rmdir()


def _replace(destination: Path, folder: Path, workspace: Path) -> None:
    """Put `folder` in the place of `destination`, which another pull of the source may be doing at the same time."""
    for turn in range(TURNS):
        with suppress(FileNotFoundError):
            destination.rename(workspace / f"old{turn}")
        try:
            folder.rename(destination)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or turn == TURNS - 1:
                raise
        else:
            return


class _Kept(NamedTuple):
    """A copy of the source that is what its provenance says."""

    folder: Path
    provenance: Provenance


def _find_kept(key: str, *candidates: Path | None, vintage: str | None = None) -> _Kept | None:
    """The first sound copy of a source among `candidates`; of `vintage` alone where one is given."""
    for folder in candidates:
        if folder is None or not folder.is_dir():
            continue
        try:
            problems = verify(folder)
            provenance = read_provenance(folder)
        except (OSError, ClimateError) as error:
            problems = [str(error)]
        if problems:
            log.warning("%s: last good copy not used: %s", key, problems[0])
            continue
        if provenance.files and provenance.key == key and vintage in (None, provenance.vintage):
            return _Kept(folder, provenance)
    return None


def _fill(request: Request, folder: Path, kept: _Kept | None) -> Provenance:
    """Files in `folder` from a copy of the pinned bytes, else a channel, else the last good copy, else none."""
    folder.mkdir()
    if kept is not None and _as_pinned(request, kept.provenance):
        return _reuse(request, folder, kept)
    order = [own.NAME, *request.source.channels]
    plan = [name for name in order if not CHANNELS[name].unavailable(request)]
    afterwards = f"keeping vintage {kept.provenance.vintage}" if kept else "going on without this source"
    refusals: list[str] = []
    for turn, channel in enumerate(plan, start=1):
        following = f"trying {plan[turn]}" if turn < len(plan) else afterwards
        try:
            served = CURRENT_VERSION.get(channel, _unchanged)(request)
            via = CHANNELS[channel].fetch(served, folder)
            if served.source.own:
                served = replace(served, source=served.source.holding(via))
            for file in served.source.files:
                unpack_in_place(folder / file.name, max_bytes=file.expect.max_bytes)
            _check(served, folder, kept)
        except Refused as refusal:
            refusals.append(f"{channel}: {refusal}")
            log.warning("%s: %s refused: %s; %s", request.source.key, channel, refusal, following)
            shutil.rmtree(folder)
            folder.mkdir()
            continue
        log.info("%s: vintage %s from %s", request.source.key, request.name, channel)
        return _provenance(served, folder, channel, via, refusals)
    idle = [f"{name}: {CHANNELS[name].unavailable(request)}" for name in request.source.channels if name not in plan]
    return _without(request, folder, kept, refusals, idle)


def _unchanged(request: Request) -> Request:
    return request


def _reuse(request: Request, folder: Path, kept: _Kept) -> Provenance:
    old = kept.provenance
    _copy(kept, folder)
    log.info("%s: vintage %s is here as pinned", request.source.key, request.name)
    via = {name: record.via for name, record in old.files.items()}
    return _provenance(request, folder, old.channel, via, old.reasons if old.status == "ok" else ())


def _without(
    request: Request, folder: Path, kept: _Kept | None, refusals: Sequence[str], idle: Sequence[str]
) -> Provenance:
    key, again = request.source.key, f"`dvc repro -f {request.source.stage}` tries again"
    if request.source.own:
        again = f"put the file there or correct pull.own.{key}.path; then {again}"
    if kept is None:
        reasons = [*refusals, *idle]
        log.error("%s: missing: vintage %s: %s; %s", key, request.name, "; ".join(reasons), again)
        return _provenance(request, folder, "", {}, reasons, "missing")
    _copy(kept, folder)
    reasons = [f"asked for vintage {request.name}", *refusals, *idle]
    log.warning("%s: last good copy, vintage %s: %s; %s", key, kept.provenance.vintage, "; ".join(reasons), again)
    entry = request.source.holding(kept.provenance.files) if request.source.own else None
    return kept.provenance.model_copy(update={"status": "last-good", "reasons": tuple(reasons), "entry": entry})


def _as_pinned(request: Request, kept: Provenance) -> bool:
    pins = request.vintage.sha256
    return (
        kept.vintage == request.name
        and set(kept.files) == {file.name for file in request.source.files}
        and all(pins.get(name) == record.sha256 for name, record in kept.files.items())
    )


def _check(request: Request, folder: Path, kept: _Kept | None) -> None:
    version = request.source.version
    grows = request.name == LATEST and not request.source.own
    older = kept.provenance.files if kept and grows and kept.provenance.version == version else {}
    for file in request.source.files:
        check(
            folder / file.name,
            file,
            version,
            pinned=request.vintage.sha256.get(file.name),
            last_good_bytes=older[file.name].bytes if file.name in older else None,
        )


def _copy(kept: _Kept, folder: Path) -> None:
    for name in kept.provenance.files:
        shutil.copyfile(kept.folder / name, folder / name)


def _provenance(
    request: Request,
    folder: Path,
    channel: str,
    via: Mapping[str, str],
    reasons: Sequence[str],
    status: Status = "ok",
) -> Provenance:
    source = request.source
    files = {
        file.name: FileProvenance(
            url=request.url(file),
            via=via[file.name],
            sha256=sha256_of(folder / file.name),
            bytes=(folder / file.name).stat().st_size,
            file_date=file_date(folder / file.name, file),
        )
        for file in source.files
        if file.name in via
    }
    return Provenance(
        key=source.key,
        title=source.title,
        publisher=source.publisher,
        version=source.version,
        vintage=request.name,
        channel=channel,
        status=status,
        files=files,
        licence=source.terms,
        licence_url=source.licence_url,
        citation=source.citation,
        doi=source.doi,
        homepage=source.homepage,
        reasons=tuple(reasons),
        entry=source if source.own else None,
    )
