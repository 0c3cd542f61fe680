"""Reading and writing the files that stages hand to each other, the same bytes for the same content."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.errors import ClimateError

T = TypeVar("T")

REPRODUCE = "run `dvc repro` to make it"
"""What to do where a stage's file is not found."""
TOP_FOLDER = "run this command in the repository's top folder"
"""What to do where a committed file is not found."""

SKIPPED = "skipped.json"
"""Where a folder of parts says why it has none."""

COMPRESSED = {"zlib": True, "complevel": 4}
"""Labels are written as characters, since NetCDF does not compress strings."""

_SECONDS = xr.coders.CFDatetimeCoder(time_unit="s")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A name to write to, which takes the place of `path` when it is whole and leaves nothing behind otherwise.

    Trouble with the disk becomes a ClimateError.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        # netCDF's library reports a full disk as its own kind of RuntimeError
        if not isinstance(error, OSError) and not (isinstance(error, RuntimeError) and str(error).startswith("NetCDF")):
            raise
        found = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ClimateError(cannot_write(path, found)) from None


def cannot_write(path: Path | str, found: str) -> str:
    """What to say when the disk is full, read-only or not ours."""
    return (
        f"cannot write {path}: found '{found}', expected room on the disk and permission to write; nothing was "
        "replaced: fix this and run it again"
    )


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Numbers and labels deflated, times in whole days."""
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        if np.issubdtype(variable.dtype, np.datetime64):
            encoding[str(name)] = {
                "units": "days since 1970-01-01",
                "calendar": "proleptic_gregorian",
                "dtype": "int64",
            }
        elif variable.dtype.kind in "UO" and variable.ndim:
            encoding[str(name)] = {"dtype": "S1", **COMPRESSED}
        elif np.issubdtype(variable.dtype, np.number) and variable.ndim:
            encoding[str(name)] = dict(COMPRESSED)
    return encoding


def write_netcdf(dataset: xr.Dataset, path: Path) -> None:
    """Write `dataset` at once, deflated where it is numeric, and replace `path` only when it is whole."""
    with _replacing(path) as partial:
        dataset.to_netcdf(partial, engine="netcdf4", encoding=_encoding(dataset))


def write_netcdf_parts(parts: Iterable[xr.Dataset], dim: str, path: Path) -> None:
    """Write datasets that follow each other along `dim`, each as it comes, and replace `path` only when it is whole.

    Variables along `dim` hold numbers, and on disk are in chunks as long as the first part. Others are written once,
    by the first part that has them.
    """
    with _replacing(path) as partial:
        length, known = 0, set[str]()
        for part in parts:
            new = part.drop_vars(known & {str(name) for name in part.variables})
            encoding = _encoding(new)
            for name, variable in new.variables.items():
                if dim in variable.dims:
                    first = 1 if variable.dims[0] != dim else part.sizes[dim]
                    encoding[str(name)]["chunksizes"] = (first, *variable.shape[1:])
            new.to_netcdf(
                partial,
                mode="a" if known else "w",
                engine="netcdf4",
                encoding=encoding,
                unlimited_dims=[dim] if dim in new.dims else [],
            )
            along = [str(name) for name in part.variables if name in known and dim in part[name].dims]
            with netCDF4.Dataset(partial, "a") as file:
                file.set_auto_maskandscale(False)
                for name in along:
                    place = [slice(None)] * part[name].ndim
                    place[part[name].dims.index(dim)] = slice(length, length + part.sizes[dim])
                    file[name][tuple(place)] = part[name].values
            length += part.sizes.get(dim, 0)
            known |= {str(name) for name in part.variables}


def read_netcdf(path: Path, names: Collection[str] | None = None) -> xr.Dataset:
    """A stage's file in memory, times as datetime64[s]; with `names` those of its variables alone."""
    _require(path)
    with xr.open_dataset(path, engine="netcdf4", decode_times=_SECONDS) as dataset:
        wanted = dataset if names is None else dataset[[name for name in dataset.data_vars if name in names]]
        return wanted.load()


def write_json(content: Any, path: Path) -> None:
    """Write `content` with sorted keys and a final newline."""
    write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write `text` as UTF-8 with LF line ends, and replace `path` only when it is whole."""
    with _replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> None:
    """Write named arrays as .npz, and replace `path` only when it is whole."""
    with _replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """All arrays of a .npz by name."""
    _require(path)
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def write_skipped(folder: Path, reason: str) -> None:
    """Why a stage has written no parts into `folder`."""
    write_json({"reason": reason}, folder / SKIPPED)


def read_parts(folder: Path, suffix: str, read: Callable[[Path], T]) -> tuple[list[T], str | None]:
    """What `read` makes of each file of a stage's folder, in the order of their names; or none, and the reason.

    Raises ClimateError where there is neither a file that ends with `suffix` nor a reason.
    """
    if (folder / SKIPPED).exists():
        return [], str(read_json(folder / SKIPPED)["reason"])
    files = sorted(folder.glob(f"*{suffix}"))
    if not files:
        raise ClimateError(f"{folder} has no {suffix} file, expected at least one: run `dvc repro {folder.name}`")
    return [read(file) for file in files], None


def read_json(path: Path) -> Any:
    """The content of a stage's JSON file."""
    return json.loads(read_text(path))


def read_text(path: Path, remedy: str = REPRODUCE) -> str:
    """The text of a file in UTF-8; one that does not exist is a ClimateError, which names `remedy`."""
    _require(path, remedy)
    return path.read_text(encoding="utf-8")


def _require(path: Path, remedy: str = REPRODUCE) -> None:
    if not path.exists():
        raise ClimateError(f"{path} not found: {remedy}")
