"""The planet on finer grids: time, memory and bits of the stage's functions by the number of cells.

`python -m benchmarks.scale SPACING ...` in a folder with params.yaml and data/, such as `5 2.5 1` (degrees). Each grid
is made from the reference grid by bilinear interpolation and seeded noise, one month after another, into a temporary
NetCDF file. In a process of its own each is learnt from and forecast on a local Dask cluster of two workers, with the
defaults of params.yaml but for EVERY and REFIT. A coarse one is also forecast in one process, and with a worker killed
half way. Results are added to scale.json, of which the table in benchmarks/README.md is made.

Peak memory is that of all processes together, with shared pages counted in parts.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import psutil
import xarray as xr

from benchmarks.pipeline import SAMPLE_SECONDS, memory
from benchmarks.readme import put
from climate.files import write_netcdf_parts
from climate.harmonize.checks import examine
from climate.params.params import Params, load_params
from climate.sources.pulled import read_sources
from climate.stages.planet import TASK_CELLS, cell_scores, estimations

RESULTS = Path(__file__).with_name("scale.json")

EVERY = 21
"""Months between origins: 11 instead of the default's 231."""

REFIT = 240
"""Months between estimations: one of them instead of seven."""

REFERENCE = 2.5
"""Spacing of the reference grid (degrees), with which the strides of the training are scaled."""

NOISE = 0.3
"""Standard deviation (K) of the noise added to interpolated values, so that neighbours differ."""

COARSE = 5.0
"""Spacing (degrees) from which a grid is also forecast in one process, and with a worker killed."""

QUARTER = 721 * 1440
"""Cells of a grid of a quarter of a degree with rows at the poles."""

ALONE, TWO, KILLED = "one process", "two workers", "two workers, one killed"


def make_grid(spacing: float, path: Path) -> None:
    """Write the reference grid at another spacing (degrees), with noise, month by month."""
    params = load_params()
    field = read_sources([params.planet.source], examine).records[params.planet.source]["value"]
    lat, lon = (np.arange(-span / 2 + spacing / 2, span / 2, spacing) for span in (180, 360))
    draw = np.random.default_rng(1)
    with netCDF4.Dataset(path, "w") as file:
        for name, values in {"time": field["time"].values, "lat": lat, "lon": lon}.items():
            file.createDimension(name, len(values))
            file.createVariable(name, "i8" if name == "time" else "f8", (name,))
        file["time"].units = "months since 1970-01"
        file["time"][:] = field["time"].values.astype("datetime64[M]").astype(int)
        file["lat"][:], file["lon"][:] = lat, lon
        shape = (1, lat.size, lon.size)
        file.createVariable("value", "f4", ("time", "lat", "lon"), zlib=True, complevel=1, chunksizes=shape)
        for month in range(field.sizes["time"]):
            one = field.isel(time=month).load().pad(lon=1, mode="wrap")
            one["lon"] = np.concatenate([field["lon"][-1:] - 360, field["lon"], field["lon"][:1] + 360])
            fine = one.interp(lat=lat, lon=lon).values + NOISE * draw.normal(size=shape[1:])
            file["value"][month] = fine.astype(np.float32)


def opened(path: Path) -> xr.DataArray:
    """The field of `make_grid`, still on disk."""
    field = xr.open_dataset(path, decode_times=False)["value"]
    return field.assign_coords(time=field["time"].values.astype("datetime64[M]").astype("datetime64[s]"))


def settings(spacing: float) -> Params:
    """Defaults but for EVERY and REFIT; learning from about as many cells as on the reference grid."""
    params = load_params()
    finer = REFERENCE / spacing
    strides = {name: max(1, round(getattr(params.planet, name) * finer)) for name in ("train_stride", "field_stride")}
    count = -(-params.backtest.origins // EVERY)
    return params.model_copy(
        update={
            "planet": params.planet.model_copy(update=strides | {"stride": 1}),
            "backtest": params.backtest.model_copy(update={"every": EVERY, "origins": count, "refit_every": REFIT}),
        }
    )


def cpu_seconds() -> float:
    """Processor time of this process and all below it."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def forecast(field: xr.DataArray, learnt: Any, params: Params, how: str, folder: Path, client: Any) -> dict[str, Any]:
    """Seconds, processor seconds, and digest of the file of scores."""

    def parts() -> Iterator[xr.Dataset]:
        for number, part in enumerate(cell_scores(field, learnt, params)):
            if how == KILLED and number == 1:
                os.kill(min(client.run(os.getpid).values()), signal.SIGKILL)
            yield part

    path = folder / "scores.nc"
    wall, cpu = time.perf_counter(), cpu_seconds()
    write_netcdf_parts(parts(), "cell", path)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    with path.open("rb") as file:
        digest, size = hashlib.file_digest(file, "sha256").hexdigest()[:12], path.stat().st_size / 2**20
    return {"how": how, "wall": wall, "cpu": cpu, "sha256": digest, "mib": size}


def measure(spacing: float, ways: list[str], folder: Path) -> None:
    """Learn from a grid and forecast it in each of `ways`; prints a line of JSON after each."""
    distributed = import_module("distributed")
    params, field = settings(spacing), opened(folder / "field.nc")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster,
        distributed.Client(cluster) as client,
    ):
        shared = params.compute.model_copy(update={"scheduler": cluster.scheduler_address})
        alone = params.compute.model_copy(update={"workers": 1, "scheduler": None})
        wall, cpu = time.perf_counter(), cpu_seconds()
        learnt, _ = estimations(field, params.model_copy(update={"compute": shared}))
        print(
            json.dumps({"how": "learning", "wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}), flush=True
        )
        for how in ways:
            chosen = params.model_copy(update={"compute": alone if how == ALONE else shared})
            print(json.dumps(forecast(field, learnt, chosen, how, folder, client)), flush=True)


def run(spacing: float, ways: list[str]) -> Iterator[dict[str, Any]]:
    """The lines of `measure` in a process of its own, each with the peak memory since the line before (GiB)."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.scale"]
        subprocess.run([*command, "--make", str(spacing), folder], check=True)
        process = subprocess.Popen(
            [*command, "--measure", str(spacing), folder, *ways], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        peak, cells = 0, round(180 / spacing) * round(360 / spacing)
        origins = settings(spacing).backtest.origins
        while process.poll() is None:
            peak = max(peak, memory(psutil.Process(process.pid)))
            if line := process.stdout.readline():
                yield {"spacing": spacing, "cells": cells, "origins": origins, "peak": peak / 2**30} | json.loads(line)
                peak = 0
            time.sleep(SAMPLE_SECONDS)
        if process.returncode:
            raise SystemExit(f"{spacing} degrees ended with {process.returncode}")


def table(rows: list[dict[str, Any]]) -> str:
    """What benchmarks/README.md says."""
    lines = [
        "| grid | cells | how | origins | seconds | processor seconds | per cell (ms) | peak memory | scores |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        # the time of a process that was killed is gone with it
        cpu = "" if row["how"] == KILLED else f"{row['cpu']:.0f}"
        each = f"{1000 * row['cpu'] / row['cells']:.1f}" if row["how"] in (ALONE, TWO) else ""
        size = f"{row['mib']:.0f} MiB, {row['sha256']}" if "mib" in row else ""
        lines.append(
            f"| {row['spacing']:g}° | {row['cells']:,} | {row['how']} | {row['origins']} | {row['wall']:.0f} | "
            f"{cpu} | {each} | {row['peak']:.2f} GiB | {size} |"
        )
    return "\n".join([*lines, "", *conclusions(rows)])


def conclusions(rows: list[dict[str, Any]]) -> list[str]:
    """Growth, equality of bits and estimate, as the figures have them."""
    found = []
    shared = sorted((row for row in rows if row["how"] == TWO), key=lambda row: row["cells"])
    for spacing in sorted({row["spacing"] for row in rows}, reverse=True):
        same = {row["how"]: row["sha256"] for row in rows if row["spacing"] == spacing and "sha256" in row}
        if len(same) > 1:
            equal = "the same bytes" if len(set(same.values())) == 1 else "different bytes"
            found.append(f"- At {spacing:g}°, {'; '.join(same)}: {equal}.")
    if len(shared) > 1:
        few, many = shared[-2], shared[-1]
        growth = many["cpu"] / many["cells"] / (few["cpu"] / few["cells"])
        found.append(
            f"- From {few['spacing']:g}° to {many['spacing']:g}°, processor time per cell changes by "
            f"{100 * (growth - 1):+.0f}%, peak memory from {few['peak']:.2f} to {many['peak']:.2f} GiB."
        )
        hours = QUARTER * many["cpu"] / many["cells"] / 3600
        found.append(
            f"- A quarter of a degree has {QUARTER:,} cells: {hours:.1f} hours of one core at {many['origins']} "
            f"origins, and {many['mib'] / 1024 * QUARTER / many['cells']:.0f} GiB of scores, if time per cell stays "
            f"that at {many['spacing']:g}°."
        )
    return found


def processor() -> str:
    """Name of the processor and number of cores."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main() -> None:
    """Measure the grids named, if any, and write the table."""
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    root = Path(__file__).parent
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True).stdout
    for spacing in map(float, sys.argv[1:]):
        rows = [row for row in rows if row["spacing"] != spacing]
        for row in run(spacing, [TWO, ALONE, KILLED] if spacing >= COARSE else [TWO]):
            rows.append(row | {"commit": commit.strip(), "processor": processor()})
            print(json.dumps(row), flush=True)
            RESULTS.write_text(json.dumps(sorted(rows, key=lambda row: row["cells"]), indent=1) + "\n")
    rows = sorted(rows, key=lambda row: row["cells"])
    where = sorted({f"{row['commit']} on {row['processor']}" for row in rows})
    put("scale", f"{'; '.join(where)}. Tasks of {TASK_CELLS} cells.\n\n{table(rows)}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make_grid(float(sys.argv[2]), Path(sys.argv[3]) / "field.nc")
    elif sys.argv[1:2] == ["--measure"]:
        measure(float(sys.argv[2]), sys.argv[4:], Path(sys.argv[3]))
    else:
        main()
