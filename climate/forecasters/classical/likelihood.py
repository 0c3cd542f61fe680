"""The highest likelihood of a structural model, to nine digits of its parameters.

A variance may be 0. statsmodels searches on its square root, where the derivative vanishes at 0, and stops early there.
This search runs on the variances themselves, within bounds (L-BFGS-B; Byrd et al. 1995, doi:10.1137/0916069), and ends
with Newton steps, so that neither the start nor the last bit of a sum decides the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from statsmodels.tsa.statespace.mlemodel import MLEModel

from climate.forecasters.base import FloatArray, IntArray

Gradient = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Component:
    """A parameter of the search, by the beginning of its name: variances in squares of the month-to-month change."""

    unit: float
    """Typical size, which the search divides by."""
    starts: tuple[float, float]
    """Where the two searches begin: steady components, and erratic ones."""
    bounds: tuple[float, float]


VARIANCE_BOUNDS = (0.0, 1e4)

COMPONENTS = {
    "sigma2.irregular": Component(0.3, (0.3, 0.03), VARIANCE_BOUNDS),
    "sigma2.trend": Component(1e-6, (1e-6, 1e-7), VARIANCE_BOUNDS),
    "sigma2.freq_seasonal": Component(1e-4, (1e-4, 1e-3), VARIANCE_BOUNDS),
    # not 0: a model without any noise has no likelihood
    "sigma2.ar": Component(0.3, (0.3, 0.6), (1e-5, 1e4)),
    "ar.": Component(1.0, (0.5, 0.2), (-0.99, 0.99)),
}

SAME = 0.01
"""Log-likelihoods of rough searches that differ by less belong to one optimum; the first search then counts."""

ROUGH = {"maxiter": 100, "ftol": 1e-8, "gtol": 1e-4}
FINE = {"maxiter": 300, "ftol": 1e-12, "gtol": 1e-6}
"""Where the search stops: to tell optima apart, and to start Newton's steps."""

NEWTON_STEPS = 8

STEP = 1e-5
"""Step of the differences of exact derivatives, relative to the parameter."""

CONVERGED = 1e-10
"""Relative size of the last Newton step."""


def highest_likelihood(model: MLEModel) -> FloatArray:
    """Parameters of `model` at its highest likelihood; each is one of COMPONENTS.

    Raises KeyError for another parameter, numpy.linalg.LinAlgError where the likelihood cannot be evaluated.
    """
    components = [_component(name) for name in model.param_names]
    units = np.array([component.unit for component in components])
    low, high = np.array([component.bounds for component in components]).T / units
    bounds = list(zip(low, high, strict=True))

    def gradient(x: FloatArray) -> FloatArray:
        score = model.score(
            x * units, transformed=True, includes_fixed=False, method="approx", approx_complex_step=True
        )
        return np.asarray(-score * units / model.nobs, dtype=float)

    def value_and_gradient(x: FloatArray) -> tuple[float, FloatArray]:
        return -float(model.loglike(x * units, transformed=True)) / model.nobs, gradient(x)

    def search(x: FloatArray, options: dict[str, float]) -> OptimizeResult:
        return minimize(value_and_gradient, x, jac=True, method="L-BFGS-B", bounds=bounds, options=options)

    starts = np.array([component.starts for component in components]).T / units
    steady, erratic = (search(start, ROUGH) for start in starts)
    best = erratic if (steady.fun - erratic.fun) * model.nobs > SAME else steady
    return np.asarray(_polished(gradient, search(best.x, FINE).x, low, high) * units)


def _component(name: str) -> Component:
    """The entry of COMPONENTS for one parameter's name."""
    fitting = [component for beginning, component in COMPONENTS.items() if name.startswith(beginning)]
    if not fitting:
        raise KeyError(name)
    return fitting[0]


def _polished(gradient: Gradient, x: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Newton steps to the optimum near `x`; a parameter that reaches a bound stays there.

    Where the likelihood is not curved downwards in every free direction the last point is returned.
    """
    for _ in range(NEWTON_STEPS):
        free = np.flatnonzero((x > low) & (x < high))
        curvature = _curvature(gradient, x, free)
        if free.size == 0 or np.linalg.eigvalsh(curvature).min() <= 0:
            break
        change = np.zeros_like(x)
        change[free] = -np.linalg.solve(curvature, gradient(x)[free])
        x = np.clip(x + change, low, high)
        if np.abs(change[free] / np.maximum(np.abs(x[free]), STEP)).max() < CONVERGED:
            break
    return x


def _curvature(gradient: Gradient, x: FloatArray, free: IntArray) -> FloatArray:
    """Second derivatives (free, free), by central differences of the exact first ones."""
    rows = np.empty((free.size, free.size))
    for row, position in enumerate(free):
        step = np.zeros_like(x)
        step[position] = STEP * max(abs(x[position]), STEP)
        rows[row] = (gradient(x + step) - gradient(x - step))[free] / (2 * step[position])
    return np.asarray((rows + rows.T) / 2)
