"""How far the fits of unobserved components stop below the highest likelihood, by the method of the search.

    dvc repro harmonize
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.likelihood

Fits every default region up to each of ENDS and writes the table of benchmarks/README.md.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from statsmodels.tsa.statespace.mlemodel import MLEModel

from benchmarks.readme import put
from climate import paths
from climate.files import read_netcdf
from climate.forecasters.classical.likelihood import highest_likelihood
from climate.forecasters.classical.statespace import Scale, UnobservedComponents
from climate.params.params import load_params

ENDS = ("2005-12", "2014-12", "2023-12")
"""Last months that a fit sees."""

METHODS: dict[str, Callable[[MLEModel], Any]] = {
    "statsmodels, finite differences": lambda model: model.fit(disp=0, cov_type="none", maxiter=100).params,
    "statsmodels, complex steps": lambda model: (
        model.fit(disp=0, cov_type="none", maxiter=100, optim_score="approx", optim_complex_step=True).params
    ),
    "variances within bounds, two starts, Newton": highest_likelihood,
}


def main() -> None:
    """Measure and write the table."""
    below: dict[str, list[float]] = {method: [] for method in METHODS}
    seconds: dict[str, list[float]] = {method: [] for method in METHODS}
    for region in load_params().regions:
        series = read_netcdf(paths.series_file(region))
        for end in ENDS:
            values = np.asarray(series["value"].sel(time=slice(None, end)).values, dtype=float)
            model = UnobservedComponents().model(Scale.of(values).down(values), estimating=True)
            reached = {}
            for method, estimate in METHODS.items():
                start = time.process_time()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    reached[method] = float(model.loglike(estimate(model), transformed=True))
                seconds[method].append(time.process_time() - start)
            for method, value in reached.items():
                below[method].append(max(reached.values()) - value)
    lines = ["| method | at most below | median | seconds |", "|---" * 4 + "|"]
    lines += [
        f"| {method} | {max(below[method]):.2f} | {np.median(below[method]):.4f} | {np.mean(seconds[method]):.2f} |"
        for method in METHODS
    ]
    put("likelihood", "\n".join(lines))


if __name__ == "__main__":
    main()
