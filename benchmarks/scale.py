"""Time and memory of a set by the number of its places.

`python benchmarks/scale.py [MODEL ...]` in a folder with params.yaml, data/ and build/planet/estimations, where the set
kaggle-countries is switched on. Each number of places is scored in a process of its own with one worker, so that its
peak memory is its own. Seconds are those of the processor: they do not count what other programs took meanwhile.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

PLACES = (10, 100, 242)
PANEL = "kaggle-countries"
CHEAP = ("seasonal-naive", "climatology-trend", "trend-ar1")
GRID_PLACES = 180 * 360
"""Cells of one degree."""


def measure(count: int, models: tuple[str, ...]) -> None:
    """Score the first `count` places and print seconds of reading, seconds of scoring and peak MiB."""
    from climate.harmonize.checks import examine
    from climate.hindcast.panels import Panel, cut_panel, score_panel
    from climate.params.params import load_params
    from climate.sources.pulled import read_sources
    from climate.stages.panels import make_forecasters

    params = load_params()
    definition = params.panels[PANEL].model_copy(update={"models": models})
    compute = params.compute.model_copy(update={"workers": 1, "scheduler": None})
    params = params.model_copy(update={"panels": {PANEL: definition}, "compute": compute})
    start = time.process_time()
    pulled = read_sources(definition.sources, examine)
    record, shapes = pulled.records[definition.source], pulled.shapes[definition.shapes]
    panel = cut_panel(record, definition, shapes, params.harmonize)
    read = time.process_time() - start
    del pulled, record, shapes
    start = time.process_time()
    forecasters, earliest = make_forecasters(PANEL, models, params)
    some = Panel(panel.dataset.isel(series=slice(0, count)), {})
    scores = score_panel(PANEL, some, forecasters, params, earliest)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(scores.sizes["series"], scores.attrs["origins"], f"{read:.3f} {time.process_time() - start:.3f} {peak:.1f}")


def main() -> None:
    """Print a row of benchmarks/README.md for each number of places, and what a grid would take."""
    models = tuple(sys.argv[1:]) or CHEAP
    rows = []
    for count in PLACES:
        command = [sys.executable, __file__, "--measure", str(count), *models]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
        places, origins, read, seconds, peak = map(float, done.stdout.split())
        rows.append((places, seconds, peak))
        print(f"| {places:.0f} | {origins:.0f} | {read:.1f} s | {seconds:.2f} s | {peak:.0f} MiB |", flush=True)
    (few, short, least), (many, long, most) = rows[0], rows[-1]
    per_place = (long - short) / (many - few)
    fixed = short - few * per_place
    hours = (fixed + GRID_PLACES * per_place) / 3600
    print(f"{per_place * 1000:.0f} ms per place and {fixed:.1f} s once; peak memory {most / least:.2f} times the least")
    print(f"{GRID_PLACES:,} places: {hours:.1f} h of one core")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(int(sys.argv[2]), tuple(sys.argv[3:]))
    else:
        main()
