"""Wall time and memory of the whole pipeline, and of a run that finds nothing to do.

`python benchmarks/pipeline.py FOLDER [COMMIT]` clones this repository into FOLDER, runs `dvc repro --force` there and
then `dvc repro`, and prints a row of benchmarks/README.md. Times depend on the machine; compare rows of one machine
only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.5


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak memory (GiB, proportional share of all processes together) of one command in `folder`."""
    env = {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, memory(psutil.Process(process.pid)))
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - start, peak / 2**30


def memory(process: psutil.Process) -> int:
    """Bytes of a process and all its children; shared pages are counted in parts."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def main() -> None:
    """Print one row: commit, cores, seconds and GiB of the full run, seconds of the no-op."""
    folder = Path(sys.argv[1])
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    subprocess.run(["git", "checkout", "--quiet", *sys.argv[2:3]], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True).stdout
    full, peak = timed(["dvc", "repro", "--force"], folder)
    idle, _ = timed(["dvc", "repro"], folder)
    print(f"| {commit.strip()} | {os.cpu_count()} | {full / 60:.1f} min | {peak:.1f} GiB | {idle:.1f} s |")


if __name__ == "__main__":
    main()
