"""A Zarr store of the user's own, on this machine or on S3, as one NetCDF file.

netCDF's own library reads Zarr in format 2. The file has no chunks and is not deflated, so that months can be read from
it as quickly as places, however the store is chunked.
"""

from __future__ import annotations

from importlib import import_module
from itertools import product
from pathlib import Path, PurePosixPath

import netCDF4
import numpy as np

from climate.sources.catalogue import OWN_MAX_BYTES
from climate.sources.channels import Refused

S3 = "s3://"
FORMAT_2 = (".zgroup", ".zattrs", ".zmetadata")
FORMAT_3 = "zarr.json"
INTERNAL = ("_ARRAY_DIMENSIONS", "_FillValue", "_NCProperties")
"""Attributes that belong to a format and not to the data."""


def is_store(path: str) -> bool:
    """Whether `path` names a bucket's folder on S3, or a folder that holds Zarr's metadata."""
    folder = Path(path).expanduser()
    return path.startswith(S3) or any((folder / name).is_file() for name in (*FORMAT_2, FORMAT_3))


def store_to_netcdf(path: str, folder: Path, work: Path) -> dict[str, str]:
    """Write the store at `path` to `folder`, `work` holding what is downloaded; file name -> words for where it was.

    S3 takes keys, region and AWS_ENDPOINT_URL from the environment and ~/.aws, and is read without a signature where
    there are no keys. Raises Refused for a store that is too large, of format 3, or unreadable.
    """
    name = PurePosixPath(path.rstrip("/")).name
    store = _downloaded(path, work / name) if path.startswith(S3) else Path(path).expanduser()
    if (store / FORMAT_3).is_file():
        raise Refused(
            f"{name}: found Zarr format 3, expected format 2; convert it first, such as by xarray's "
            "`to_zarr(..., zarr_format=2)`"
        )
    target = folder / f"{name.removesuffix('.zarr')}.nc"
    try:
        with (
            netCDF4.Dataset(f"{store.resolve().as_uri()}#mode=zarr,file") as source,
            netCDF4.Dataset(target, "w") as file,
        ):
            _copy(source, file)
    except (OSError, RuntimeError) as error:
        raise Refused(f"{name}: found a Zarr store that NetCDF cannot read ({error}), expected format 2") from None
    return {target.name: f"the user's {name}"}


def _downloaded(path: str, target: Path) -> Path:
    try:
        s3fs, session = import_module("s3fs"), import_module("botocore.session")
    except ImportError:
        raise Refused(f"{path}: reading S3 needs the extra `s3` (pip install dvc-s3)") from None
    files = s3fs.S3FileSystem(anon=session.get_session().get_credentials() is None)
    try:
        size = files.du(path)
        if size > OWN_MAX_BYTES:
            raise Refused(f"{path}: found {size:,} bytes, expected at most {OWN_MAX_BYTES:,}")
        files.get(path.rstrip("/") + "/", f"{target}/", recursive=True)
    except FileNotFoundError:
        raise Refused(f"{path}: found nothing there, expected a Zarr store") from None
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: cannot be read ({error}), expected a Zarr store that you may read") from None
    return target


def _copy(source: netCDF4.Dataset, file: netCDF4.Dataset) -> None:
    """Copy everything as it is stored, one chunk of the store at a time."""
    file.setncatts({key: source.getncattr(key) for key in source.ncattrs() if key not in INTERNAL})
    for name, dimension in source.dimensions.items():
        file.createDimension(name, len(dimension))
    for name, variable in source.variables.items():
        fill = variable.getncattr("_FillValue") if "_FillValue" in variable.ncattrs() else None
        copy = file.createVariable(name, variable.dtype, variable.dimensions, contiguous=True, fill_value=fill)
        copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key not in INTERNAL})
        for one in (variable, copy):
            one.set_auto_maskandscale(False)
        chunks = variable.chunking()
        steps = variable.shape if isinstance(chunks, str) or chunks is None else chunks
        starts = (range(0, size, max(1, step)) for size, step in zip(variable.shape, steps, strict=True))
        for start in product(*starts):
            place = tuple(slice(first, first + step) for first, step in zip(start, steps, strict=True))
            copy[place] = np.asarray(variable[place])
