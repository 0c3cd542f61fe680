"""Stage `harmonize`: from the pinned bytes to one series per region."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from climate import paths
from climate.errors import ClimateError, counted
from climate.files import write_json, write_netcdf
from climate.harmonize.breaks import break_table_of
from climate.harmonize.build import harmonize
from climate.harmonize.checks import Check, check_source, faults
from climate.harmonize.corrections import corrected
from climate.hindcast.rolling import join_covariates
from climate.params.params import Params, load_params
from climate.params.regions import required_sources
from climate.sources.catalogue import Source, find_source
from climate.sources.channels.verify import head_of, sha256_of
from climate.sources.provenance import Provenance, read_provenance
from climate.sources.readers.netcdf_grid import sound
from climate.sources.readers.registry import SHAPE_READER, read, read_shapes

if TYPE_CHECKING:
    import geopandas

log = logging.getLogger("climate")

Previous = Callable[[Source, str], xr.Dataset | None]
"""The record of the vintage before the named one, where it is at hand."""


@dataclass(frozen=True)
class Pulled:
    """What could be read of the pinned sources, and what the checks say of it."""

    records: dict[str, xr.Dataset] = field(default_factory=dict)
    shapes: dict[str, geopandas.GeoDataFrame] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)


def run() -> None:
    """Read every source that a region or covariate needs, harmonize, and write what the next stages read."""
    params = load_params()
    pulled = read_sources(needed(params))
    made = harmonize(
        pulled.records,
        params.definitions,
        params.harmonize,
        shapes=pulled.shapes,
        periods={key: find_source(key).periods for key in pulled.records},
        unavailable=pulled.unavailable,
    )
    for name, reason in made.skipped.items():
        log.warning("%s: skipped, %s", name, reason)
    write_netcdf(made.dataset, paths.HARMONIZED)
    for region in params.regions:
        write_netcdf(made.series[region], paths.series_file(region))
    for name in params.records:
        write_netcdf(made.series[name], paths.record_file(name))
    known = {name: made.series[name] for name in params.covariates if name not in made.skipped}
    write_netcdf(join_covariates(known) if known else xr.Dataset(), paths.COVARIATES)
    write_netcdf(made.seams, paths.SEAMS)
    write_netcdf(break_table_of(made), paths.BREAKS)
    write_json([asdict(check) for check in pulled.checks], paths.CHECKS)


def read_sources(keys: Sequence[str], previous: Previous | None = None) -> Pulled:
    """Read, correct and check each source; one with a fault, or that cannot be read, is unavailable.

    Against what a record may not shrink: the values that `previous` gives, else the catalogue's counts of older
    vintages. A stage leaves `previous` out, for what is at hand differs from machine to machine and its files may not.
    """
    pulled = Pulled()
    for key in keys:
        try:
            _read(key, pulled, previous)
        except ClimateError as error:
            pulled.unavailable[key] = str(error)
        if key in pulled.unavailable:
            log.error("%s: not used: %s", key, pulled.unavailable[key])
    return pulled


def _read(key: str, pulled: Pulled, previous: Previous | None) -> None:
    folder = paths.DATA / key
    provenance = read_provenance(folder)
    if provenance.status == "missing":
        pulled.unavailable[key] = "; ".join(provenance.reasons)
        return
    kept = as_pulled(key, folder, provenance)
    pulled.checks.append(kept)
    if kept.status == "error":
        pulled.unavailable[key] = f"check '{kept.check}': found {kept.found}, expected {kept.expected}"
        return
    source = find_source(key).at(provenance.vintage).model_copy(update={"version": provenance.version})
    if source.reader == SHAPE_READER:
        pulled.shapes[key] = read_shapes(source, folder)
        return
    heads = {name: head_of(folder / name) for name in provenance.files}
    record = corrected(source, read(source, folder), heads)
    with sound(source.files[0].name):
        found = check_source(
            source,
            record,
            heads=heads,
            urls={name: file.url for name, file in provenance.files.items()},
            version=provenance.version,
            vintage=provenance.vintage,
            previous=previous(source, provenance.vintage) if previous else None,
        )
    pulled.checks.extend(found)
    if wrong := faults(found):
        first = wrong[0]
        pulled.unavailable[key] = f"check '{first.check}': found {first.found}, expected {first.expected}"
    else:
        pulled.records[key] = record


def as_pulled(key: str, folder: Path, provenance: Provenance) -> Check:
    """The files of a source are the bytes that were pulled: nobody has touched them since."""
    for name, record in provenance.files.items():
        path = folder / name
        found = sha256_of(path)[:12] if path.is_file() else "no file"
        if found != record.sha256[:12]:
            expected = f"sha256 {record.sha256[:12]} as pulled; `dvc checkout data.dvc` brings it back"
            return Check("files as pulled", key, "error", f"{name}: {found}", expected)
    found = f"{counted(len(provenance.files), 'file')} with the recorded sha256"
    return Check("files as pulled", key, "ok", found, "the bytes that were pulled")


def needed(params: Params) -> list[str]:
    """Sources that anything in params.yaml stands on, in its order."""
    names = params.definitions
    wanted = {key for name in names for key in required_sources(name, names, params.harmonize)}
    return [key for key in params.pull.sources if key in wanted]
