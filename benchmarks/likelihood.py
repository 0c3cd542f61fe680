"""How far the fits of unobserved components stop below the highest likelihood, by how derivatives are made.

    dvc repro harmonize
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.likelihood

Fits every default region up to each of ENDS and writes the table of benchmarks/README.md.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from benchmarks.readme import put
from climate import paths
from climate.files import read_netcdf
from climate.forecasters.classical.statespace import EXACT_DERIVATIVES, Scale, UnobservedComponents
from climate.params.params import load_params

ENDS = ("2005-12", "2014-12", "2023-12")
"""Last months that a fit sees."""

WAYS: dict[str, dict[str, Any]] = {"finite differences": {"maxiter": 100}, "complex steps": EXACT_DERIVATIVES}


def main() -> None:
    """Measure and write the table."""
    below: dict[str, list[float]] = {way: [] for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for region in load_params().regions:
        series = read_netcdf(paths.series_file(region))
        for end in ENDS:
            values = np.asarray(series["value"].sel(time=slice(None, end)).values, dtype=float)
            model = UnobservedComponents().model(Scale.of(values).down(values), estimating=True)
            reached = {}
            for way, options in WAYS.items():
                start = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    reached[way] = float(model.fit(disp=0, cov_type="none", **options).llf)
                seconds[way].append(time.process_time() - start)
            for way, value in reached.items():
                below[way].append(max(reached.values()) - value)
    lines = ["| derivatives | at most below | median | seconds |", "|---" * 4 + "|"]
    lines += [
        f"| {way} | {max(below[way]):.2f} | {np.median(below[way]):.4f} | {np.mean(seconds[way]):.2f} |" for way in WAYS
    ]
    put("likelihood", "\n".join(lines))


if __name__ == "__main__":
    main()
