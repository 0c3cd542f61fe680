"""Any vintage of a source, fetched for as long as a command looks at it, without touching downloads/ or data/."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from climate.errors import ClimateError, suggest
from climate.params.params import PARAMS_FILE, load_params
from climate.sources.catalogue import Source, find_source
from climate.sources.channels.registry import cache_folder
from climate.sources.pull import pull
from climate.sources.pulled import Release, local


def _settings(key: str) -> tuple[str | None, str | None]:
    """The user's own copy of a source and the mirror, as params.yaml and the environment name them."""
    if not PARAMS_FILE.exists():
        return None, os.environ.get("CLIMATE_MIRROR")
    settings = load_params().pull
    return settings.sources[key].path if key in settings.sources else None, settings.chosen_mirror


def source_with_vintages(key: str) -> Source:
    """The catalogue entry of `key`. ClimateError for an unknown key and for a file of the user's own."""
    if PARAMS_FILE.exists() and key in load_params().pull.own:
        raise ClimateError(
            f"'{key}' is a file of your own and has no vintages, expected a source of the catalogue; `dvc repro` "
            "takes the file as it is"
        )
    return find_source(key)


@contextmanager
def release(key: str, vintage: str) -> Iterator[Release]:
    """One vintage of a source: the copy in data/, else from the channels of the catalogue.

    Vintages whose bytes are pinned stay in the user's cache, so that the next look needs no transfer. ClimateError for
    an unknown vintage and when no channel delivers.
    """
    source = source_with_vintages(key)
    if vintage not in source.vintages:
        raise ClimateError(
            f"{key}: unknown vintage '{vintage}', expected one of the catalogue's such as "
            f"{suggest(vintage, source.vintages)}; `climate vintages list {key}` shows all"
        )
    held, digests = local(key), source.vintages[vintage].sha256
    pinned = set(digests) == {file.name for file in source.files}
    if held is not None and pinned and held.digests == digests:
        yield Release(held.folder, held.provenance, vintage)
        return
    with _folder(key, vintage, keep=pinned) as folder:
        path, mirror = _settings(key)
        provenance = pull(source, vintage, folder, mirror=mirror, last_good=None, path=path)
        if provenance.status != "ok":
            shutil.rmtree(folder, ignore_errors=True)
            raise ClimateError(
                f"{key}: vintage {vintage} is unavailable: {'; '.join(provenance.reasons)}; set CLIMATE_MIRROR or try "
                "again later"
            )
        yield Release(folder, provenance, vintage)


@contextmanager
def _folder(key: str, vintage: str, *, keep: bool) -> Iterator[Path]:
    """Where a release goes: the user's cache, or a folder that is removed in the end."""
    if keep:
        kept = cache_folder() / "vintages" / key
        with suppress(OSError):
            kept.mkdir(parents=True, exist_ok=True)
            if os.access(kept, os.W_OK) and os.access(kept.parent, os.W_OK):
                yield kept / vintage
                return
    with tempfile.TemporaryDirectory(prefix="climate-") as temporary:
        yield Path(temporary) / key / vintage
