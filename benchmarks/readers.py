"""Time and peak memory of the largest tables: ByCountry of the mirror, and a table of cities of 8.6 million rows.

    CLIMATE_MIRROR=/path/to/mirror python benchmarks/readers.py

Each reading runs in a process of its own on one core; time is that of its processor, which the machine's other work
hardly changes, and peak memory what the operating system counted. Beside it
stands pandas alone on the same file (`read_csv` with default settings and parsed dates, a pivot to one column per
place), which checks nothing. The table of cities is made in a temporary folder from a formula.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CITIES, MONTHS = 3510, 2450
"""Together 8.6 million rows, as in the published table."""

BUDGET_SECONDS, BUDGET_BYTES = 3.0, 2**30
"""Of ByCountry, read and harmonized (every series with a value re-based), on one core."""

CHILD = """
import json, resource, sys, time
from pathlib import Path
how, key, folder = sys.argv[1:4]
if how == "pandas":
    import pandas as pd
else:
    from climate.params.regions import HarmonizeParams, RegionDefinition
    from climate.harmonize.build import harmonize
    from climate.sources.readers import kaggle
    from climate.sources.catalogue import find_source
start = time.process_time()
baseline = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if how == "pandas":
    frame = pd.read_csv(next(Path(folder).glob("*.csv")), parse_dates=["dt"])
    place = [column for column in frame.columns[3:]]
    values = frame.pivot(index="dt", columns=place, values="AverageTemperature")
    rows = len(frame)
else:
    chosen = ["City 0007, Nowhere"] if how == "one series" else None
    data = kaggle.read_temperatures(Path(folder), find_source(key), series=chosen)
    rows = int(data.value.size)
if how == "harmonized":
    names = [str(one) for one in data.series.values[data.value.notnull().any("time").values]]
    entry = {"source": key}
    regions = {f"r{i}": RegionDefinition(title=name, series=name, **entry) for i, name in enumerate(names)}
    params = HarmonizeParams(baseline=(1961, 1990), baseline_min_years=20, min_coverage=0.5)
    rows = sum(one.sizes["time"] for one in harmonize({key: data}, regions, params).series.values())
seconds = time.process_time() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "peak": peak * 1024, "before": baseline * 1024, "rows": rows}))
"""


def measure(how: str, key: str, folder: Path) -> dict[str, float]:
    """CPU seconds and bytes of one reading in a fresh process on one core."""
    command = [sys.executable, "-c", CHILD, how, key, str(folder)]
    if hasattr(os, "sched_setaffinity"):
        command = ["taskset", "-c", "0", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def make_cities(path: Path) -> None:
    """A table of `CITIES` places with `MONTHS` months each, in the layout of the published one."""
    dates = [f"{1809 + m // 12}-{m % 12 + 1:02d}-01" for m in range(MONTHS)]
    rows = [f"{date},{10 + (m * 37 % 1009) / 101:.3f},{0.2 + m % 7 / 9:.3f}" for m, date in enumerate(dates)]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("dt,AverageTemperature,AverageTemperatureUncertainty,City,Country,Latitude,Longitude\r\n")
        for city in range(CITIES):
            place = f",City {city:04d},Nowhere,{city % 80}.5N,{city % 170}.5E\r\n"
            file.write("".join(row + place for row in rows))


def report(title: str, ours: dict[str, float], plain: dict[str, float]) -> None:
    """One line per table."""
    print(
        f"{title}: {ours['seconds']:.2f} s of CPU, peak {ours['peak'] / 2**20:.0f} MiB "
        f"({ours['before'] / 2**20:.0f} MiB before reading); pandas alone {plain['seconds']:.2f} s, "
        f"peak {plain['peak'] / 2**20:.0f} MiB; ratio of time {ours['seconds'] / plain['seconds']:.2f}, "
        f"of peak {ours['peak'] / plain['peak']:.2f}"
    )


def main() -> None:
    """Print the figures; exit status 1 when ByCountry misses its budget."""
    missed = False
    mirror = os.environ.get("CLIMATE_MIRROR")
    with tempfile.TemporaryDirectory() as temporary:
        if mirror:
            folder = Path(temporary) / "countries"
            folder.mkdir()
            name = "GlobalLandTemperaturesByCountry.csv"
            (folder / name).symlink_to(Path(mirror).resolve() / "kaggle" / name)
            ours, plain = measure("all", "kaggle-countries", folder), measure("pandas", "kaggle-countries", folder)
            report("ByCountry, 577,462 rows", ours, plain)
            harmonized = measure("harmonized", "kaggle-countries", folder)
            report("ByCountry, read and harmonized", harmonized, plain)
            missed = harmonized["seconds"] > BUDGET_SECONDS or harmonized["peak"] > BUDGET_BYTES
            print(
                f"budget of {BUDGET_SECONDS:.0f} s and {BUDGET_BYTES / 2**20:.0f} MiB: {'missed' if missed else 'kept'}"
            )
        folder = Path(temporary) / "cities"
        folder.mkdir()
        start = time.perf_counter()
        make_cities(folder / "GlobalLandTemperaturesByCity.csv")
        size = (folder / "GlobalLandTemperaturesByCity.csv").stat().st_size
        print(f"made {CITIES * MONTHS:,} rows, {size / 2**20:.0f} MiB, in {time.perf_counter() - start:.0f} s")
        plain = measure("pandas", "kaggle-cities", folder)
        report("ByCity, all series", measure("all", "kaggle-cities", folder), plain)
        report("ByCity, one series", measure("one series", "kaggle-cities", folder), plain)
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
