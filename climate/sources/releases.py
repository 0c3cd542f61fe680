"""Any release of a source, at hand for as long as it is looked at, without touching downloads/ or data/."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from climate.errors import ClimateError, suggest
from climate.harmonize.grid import CHUNK_MONTHS
from climate.harmonize.regions import is_grid
from climate.params.params import PARAMS_FILE, load_params
from climate.paths import DATA, DOWNLOADS
from climate.sources.catalogue import Source, find_source
from climate.sources.channels import Request
from climate.sources.channels.registry import cache_folder
from climate.sources.provenance import Provenance, read_provenance, verify
from climate.sources.pull import pull
from climate.sources.readers.netcdf_grid import sound
from climate.sources.readers.registry import SHAPE_READER, read


@dataclass(frozen=True)
class Release:
    """The files of one vintage of a source."""

    source: Source
    """As it holds for the vintage."""
    vintage: str
    folder: Path
    provenance: Provenance

    def read(self) -> xr.Dataset:
        """What the source's reader makes of it, with attrs `version` and `vintage`.

        ClimateError for polygons, and for a grid whose file is damaged anywhere.
        """
        if self.source.reader == SHAPE_READER:
            raise ClimateError(f"{self.source.key}: found polygons, expected a record or a grid; choose another source")
        dataset = read(self.source, self.folder)
        if is_grid(dataset):
            _require_values(dataset, self.source.files[0].name)
        return dataset.assign_attrs(version=self.provenance.version, vintage=self.vintage)

    @property
    def digests(self) -> dict[str, str]:
        """sha256 of each file."""
        return {name: record.sha256 for name, record in self.provenance.files.items()}


def _require_values(grid: xr.Dataset, name: str) -> None:
    """Raise ClimateError unless every value of `grid` (time, lat, lon) can be read."""
    with sound(name):
        for start in range(0, grid.sizes["time"], CHUNK_MONTHS):
            grid["value"].isel(time=slice(start, start + CHUNK_MONTHS)).to_numpy()


def _release(vintage: str, folder: Path, provenance: Provenance) -> Release:
    source = find_source(provenance.key).at(vintage).model_copy(update={"version": provenance.version})
    return Release(source, vintage, folder, provenance)


def mirror_setting() -> str | None:
    """CLIMATE_MIRROR, else pull.mirror of params.yaml where there is one."""
    chosen = os.environ.get("CLIMATE_MIRROR")
    return chosen or (load_params().pull.mirror if PARAMS_FILE.exists() else None)


def own_copy(key: str) -> str | None:
    """The place of the user's own copy that params.yaml names for a source."""
    pinned = load_params().pull.sources if PARAMS_FILE.exists() else {}
    return pinned[key].path if key in pinned else None


def local(key: str) -> Release | None:
    """The copy that the pipeline holds, from data/ or else downloads/; None without a sound one."""
    for folder in (DATA / key, DOWNLOADS / key):
        if not folder.is_dir() or verify(folder):
            continue
        provenance = read_provenance(folder)
        if provenance.files:
            return _release(provenance.vintage, folder, provenance)
    return None


def at_hand(key: str, vintage: str) -> bool:
    """Whether `release` gives this vintage without any transfer: from data/, the user's cache or a mirror's folder."""
    source = find_source(key)
    entry = source.vintages[vintage]
    held = local(key)
    if held is not None and entry.sha256 and held.digests == entry.sha256:
        return True
    kept = cache_folder() / "vintages" / key / vintage
    if entry.sha256 and kept.is_dir() and not verify(kept):
        return True
    package = entry.registry
    if package is not None and (cache_folder() / "archives" / package.sha256 / package.archive).is_file():
        return True
    mirror = mirror_setting()
    if mirror is None or entry.mirror is None or not Path(mirror).is_dir():
        return False
    request = Request(source.at(vintage), vintage, entry, mirror)
    return all((Path(mirror) / request.mirror_path(file)).is_file() for file in request.source.files)


@contextmanager
def release(key: str, vintage: str) -> Iterator[Release]:
    """One vintage of a source: the copy in data/, else from the channels of the catalogue.

    Vintages whose bytes are pinned stay in the user's cache, so that the next look costs no transfer. ClimateError for
    an unknown vintage and when no channel delivers.
    """
    source = find_source(key)
    if vintage not in source.vintages:
        raise ClimateError(
            f"{key}: unknown vintage '{vintage}', expected one of the catalogue's such as "
            f"{suggest(vintage, source.vintages)}; `climate vintages list {key}` shows all"
        )
    held = local(key)
    pinned = set(source.vintages[vintage].sha256) == {file.name for file in source.files}
    if held is not None and pinned and held.digests == source.vintages[vintage].sha256:
        yield _release(vintage, held.folder, held.provenance)
        return
    with _folder(key, vintage, keep=pinned) as folder:
        provenance = pull(key, vintage, folder, mirror=mirror_setting(), last_good=None, path=own_copy(key))
        if provenance.status != "ok":
            shutil.rmtree(folder, ignore_errors=True)
            raise ClimateError(
                f"{key}: vintage {vintage} cannot be had: {'; '.join(provenance.reasons)}; set CLIMATE_MIRROR or try "
                "again later"
            )
        yield _release(vintage, folder, provenance)


@contextmanager
def _folder(key: str, vintage: str, *, keep: bool) -> Iterator[Path]:
    """Where a release goes: the user's cache, or a folder that is removed in the end."""
    if keep:
        place = cache_folder() / "vintages" / key
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK) and os.access(place.parent, os.W_OK):
                yield place / vintage
                return
    with tempfile.TemporaryDirectory(prefix="climate-") as temporary:
        yield Path(temporary) / key / vintage
