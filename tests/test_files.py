"""Files between stages hold what was written, in the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from climate.errors import ClimateError
from climate.files import (
    read_arrays,
    read_json,
    read_netcdf,
    read_parts,
    read_text,
    write_arrays,
    write_json,
    write_netcdf,
    write_netcdf_parts,
    write_skipped,
)


def sample() -> xr.Dataset:
    months = np.arange(np.datetime64("0013-01", "M"), np.datetime64("0013-07", "M")).astype("datetime64[s]")
    return xr.Dataset(
        {
            "value": ("time", np.array([1.0, np.nan, 3, 4, 5, 6])),
            "site": ("time", np.array(["", "Åland", "Mauna Loa", "", "x", "y"])),
            "interpolated": ("time", np.array([True, False, False, True, False, False])),
        },
        coords={"time": months, "name": "globe"},
        attrs={"units": "degC"},
    )


def test_round_trip_keeps_years_before_1677_labels_and_flags(tmp_path: Path) -> None:
    write_netcdf(sample(), tmp_path / "a.nc")
    back = read_netcdf(tmp_path / "a.nc")
    xr.testing.assert_identical(back, sample().assign_coords(name=back["name"]))
    assert str(back["name"].item()) == "globe"
    assert back["time"].dtype == np.dtype("datetime64[s]")


def test_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("a.nc", "b.nc"):
        write_netcdf(sample(), tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc"]


def parts(dataset: xr.Dataset) -> Iterator[xr.Dataset]:
    """Three parts along `cell`, the last one shorter, and what lies along no cell."""
    for first in range(0, dataset.sizes["cell"], 3):
        yield dataset.drop_vars("total").isel(cell=slice(first, first + 3))
    yield dataset[["total"]]


def cells() -> xr.Dataset:
    draw = np.random.default_rng(1)
    return xr.Dataset(
        {
            "loss": (("model", "origin", "cell"), draw.normal(size=(2, 4, 8)).astype(np.float32)),
            "mean": (("model", "cell"), np.where(np.arange(8) == 6, np.nan, draw.normal(size=(2, 8)))),
            "total": (("model", "zone"), draw.normal(size=(2, 2))),
        },
        coords={
            "model": np.array(["a", "bb"], dtype=object),
            "zone": np.array(["planet", "tropics"], dtype=object),
            "lat": ("cell", draw.normal(size=8)),
        },
        attrs={"units": "K"},
    )


def test_parts_along_a_dimension_make_one_file_of_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nc", "b.nc"):
        write_netcdf_parts(parts(cells()), "cell", tmp_path / name)
    xr.testing.assert_identical(read_netcdf(tmp_path / "a.nc"), cells())
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_parts_that_end_early_replace_nothing(tmp_path: Path) -> None:
    def stopped() -> Iterator[xr.Dataset]:
        yield from list(parts(cells()))[:1]
        raise ClimateError("no more")

    write_netcdf_parts(parts(cells()), "cell", tmp_path / "a.nc")
    with pytest.raises(ClimateError, match="no more"):
        write_netcdf_parts(stopped(), "cell", tmp_path / "a.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]
    xr.testing.assert_identical(read_netcdf(tmp_path / "a.nc"), cells())
    write_netcdf_parts(parts(cells().isel(cell=slice(4))), "cell", tmp_path / "a.nc")
    xr.testing.assert_identical(read_netcdf(tmp_path / "a.nc"), cells().isel(cell=slice(4)))


def test_missing_files_name_the_remedy(tmp_path: Path) -> None:
    for read in (read_netcdf, read_json, read_text, read_arrays):
        with pytest.raises(ClimateError, match="absent not found: run `dvc repro` to make it"):
            read(tmp_path / "absent")
    with pytest.raises(ClimateError, match="absent not found: run `climate ledger`"):
        read_text(tmp_path / "absent", "run `climate ledger`")


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"crps": float("nan")}, tmp_path / "metrics.json")


def test_folder_of_parts_has_files_or_a_reason(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match=rf"has no \.npz file, .*: run `dvc repro {tmp_path.name}`"):
        read_parts(tmp_path, ".npz", read_arrays)
    for number in (2, 1):
        write_arrays({"number": np.array(number)}, tmp_path / f"{number}.npz")
    parts, reason = read_parts(tmp_path, ".npz", read_arrays)
    assert [int(arrays["number"]) for arrays in parts] == [1, 2]
    assert reason is None
    write_skipped(tmp_path, "no source")
    assert read_parts(tmp_path, ".npz", read_arrays) == ([], "no source")
