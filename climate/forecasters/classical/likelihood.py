"""The highest likelihood of a structural model, to nine digits of its parameters.

A variance may be 0. statsmodels searches on its square root, where the derivative vanishes at 0, and stops early there.
This search runs on the variances themselves, within bounds (L-BFGS-B; Byrd et al. 1995, doi:10.1137/0916069), and ends
with Newton steps, so that neither the start nor the last bit of a sum decides the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import minimize
from statsmodels.tsa.statespace.kalman_smoother import SMOOTHER_DISTURBANCE, SMOOTHER_DISTURBANCE_COV
from statsmodels.tsa.statespace.mlemodel import MLEModel

from climate.forecasters.base import FloatArray, IntArray

Gradient = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Component:
    """A parameter of the search, by the beginning of its name: variances in squares of the month-to-month change."""

    starts: tuple[float, float]
    """Where the two searches begin: steady components, and erratic ones."""
    bounds: tuple[float, float]


VARIANCE_BOUNDS = (0.0, 1e4)

COMPONENTS = {
    "sigma2.irregular": Component((0.3, 0.03), VARIANCE_BOUNDS),
    "sigma2.trend": Component((1e-6, 1e-7), VARIANCE_BOUNDS),
    "sigma2.freq_seasonal": Component((1e-4, 1e-3), VARIANCE_BOUNDS),
    # not 0: a model without any noise has no likelihood
    "sigma2.ar": Component((0.3, 0.6), (1e-8, 1e4)),
    "ar.": Component((0.5, 0.2), (-0.99, 0.99)),
}

SMALLEST_UNIT = 0.1
"""Least unit of a parameter relative to the smaller of its starts. Each search's unit is where it begins, so that all
parameters are of order one."""

TREND_STATE, SEASON_STATES, AR_STATE = 1, slice(2, -1), -1
"""Positions among the states; the first is the level."""

SAME = 0.01
"""Log-likelihoods of rough searches that differ by less belong to one optimum; the first search then counts."""

ROUGH = {"maxiter": 100, "ftol": 1e-6, "gtol": 1e-3}
FINE = {"maxiter": 300, "ftol": 1e-12, "gtol": 1e-6}
"""Where the search stops: to tell optima apart, and to start Newton's steps."""

NEWTON_STEPS = 8

STEP = 1e-5
"""Step of the differences of exact derivatives, relative to the parameter."""

CONVERGED = 1e-10
"""Relative size of the last Newton step."""


def highest_likelihood(model: MLEModel) -> FloatArray:
    """Parameters of `model` at its highest likelihood; each is one of COMPONENTS.

    Args:
        model: smooth trend, seasons and AR(1), in statsmodels' order of states, without burn-in.

    Raises KeyError for another parameter, numpy.linalg.LinAlgError where the likelihood cannot be evaluated.
    """
    components = [COMPONENTS[_component(name)] for name in model.param_names]
    starts = np.array([component.starts for component in components]).T
    bounds = np.array([component.bounds for component in components])

    def unit_of(parameters: FloatArray) -> FloatArray:
        return np.asarray(np.maximum(np.abs(parameters), SMALLEST_UNIT * starts.min(axis=0)))

    def search(start: FloatArray, options: dict[str, float]) -> tuple[FloatArray, float]:
        unit = unit_of(start)
        loss, limits = partial(_loss_and_gradient, model, unit), bounds / unit[:, None]
        found = minimize(loss, start / unit, jac=True, method="L-BFGS-B", bounds=limits, options=options)
        return found.x * unit, found.fun * model.nobs

    (steady, of_steady), (erratic, of_erratic) = (search(start, ROUGH) for start in starts)
    found, _ = search(erratic if of_steady - of_erratic > SAME else steady, FINE)
    unit = unit_of(found)
    low, high = (bounds / unit[:, None]).T
    polished = _polished(lambda x: _loss_and_gradient(model, unit, x)[1], found / unit, low, high)
    return np.asarray(polished * unit)


def _loss_and_gradient(model: MLEModel, unit: FloatArray, x: FloatArray) -> tuple[float, FloatArray]:
    """Negative log-likelihood per month of parameters x in `unit`, and its derivatives by x."""
    value, score = likelihood_and_score(model, x * unit)
    return -value / model.nobs, -score * unit / model.nobs


def likelihood_and_score(model: MLEModel, parameters: FloatArray) -> tuple[float, FloatArray]:
    """Log-likelihood and its derivatives by `parameters`, from one pass of the disturbance smoother.

    Variances: Koopman and Shephard (1992), doi:10.1093/biomet/79.4.823, equations 2.4 and 2.5. The AR(1) coefficient
    by the same argument, from the smoothed products of its state and disturbance. Both also set the variance that the
    AR(1) begins with, that of its stationary distribution.
    """
    model.update(parameters, transformed=True)
    smoothed = model.ssm.smooth(smoother_output=SMOOTHER_DISTURBANCE | SMOOTHER_DISTURBANCE_COV)
    design, transition = smoothed.design[0, :, 0], smoothed.transition[:, :, 0]
    variance, gain = smoothed.forecasts_error_cov[0, 0], smoothed.kalman_gain[:, 0]
    seen = np.isfinite(model.endog[:, 0])
    precision = np.divide(1.0, variance, where=seen, out=np.zeros_like(variance))
    weighted, weighted_cov = smoothed.scaled_smoothed_estimator, smoothed.scaled_smoothed_estimator_cov
    errors = np.where(seen, smoothed.smoothing_error[0], 0.0)
    errors_cov = precision + np.where(seen, np.einsum("it,ijt,jt->t", gain, weighted_cov, gain), 0.0)

    first, first_cov = smoothed.scaled_smoothed_estimator_presample, smoothed.scaled_smoothed_estimator_cov_presample
    state_cov = smoothed.predicted_state_cov[:, AR_STATE, :-1]
    state = smoothed.predicted_state[AR_STATE, :-1] + (state_cov * np.column_stack([first, weighted[:, :-1]])).sum(0)
    carried = transition @ state_cov - gain * (design @ state_cov)

    of_states = (np.square(weighted).sum(axis=1) - np.einsum("iit->i", weighted_cov)) / 2
    of_start = (first[AR_STATE] ** 2 - first_cov[AR_STATE, AR_STATE]) / 2
    of_coefficient = float((weighted[AR_STATE] * state - (weighted_cov[AR_STATE] * carried).sum(0)).sum())
    values = dict(zip(model.param_names, parameters, strict=True))
    ar, ar_variance = values["ar.L1"], values["sigma2.ar"]
    score = {
        "sigma2.irregular": (np.square(errors) - errors_cov).sum() / 2,
        "sigma2.trend": of_states[TREND_STATE],
        "sigma2.freq_seasonal": of_states[SEASON_STATES].sum(),
        "sigma2.ar": of_states[AR_STATE] + of_start / (1 - ar**2),
        "ar.": of_coefficient + of_start * 2 * ar * ar_variance / (1 - ar**2) ** 2,
    }
    return float(smoothed.llf), np.array([score[_component(name)] for name in model.param_names])


def _component(name: str) -> str:
    """The key of COMPONENTS for one parameter's name."""
    fitting = [beginning for beginning in COMPONENTS if name.startswith(beginning)]
    if not fitting:
        raise KeyError(name)
    return fitting[0]


def _polished(gradient: Gradient, x: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Newton steps to the optimum near `x`; a parameter that reaches a bound stays there.

    The curvature is that of the first point with the same free parameters, which costs a few more steps and saves most
    of the gradients. Where the likelihood is not curved downwards in every free direction the last point is returned.
    """
    curvature: FloatArray = np.empty((0, 0))
    before: IntArray | None = None
    for _ in range(NEWTON_STEPS):
        free = np.flatnonzero((x > low) & (x < high))
        if before is None or not np.array_equal(free, before):
            curvature, before = _curvature(gradient, x, free), free
        if free.size == 0 or np.linalg.eigvalsh(curvature).min() <= 0:
            break
        change = np.zeros_like(x)
        change[free] = -np.linalg.solve(curvature, gradient(x)[free])
        x = np.clip(x + change, low, high)
        if np.abs(change[free] / np.maximum(np.abs(x[free]), STEP)).max() < CONVERGED:
            break
    return x


def _curvature(gradient: Gradient, x: FloatArray, free: IntArray) -> FloatArray:
    """Second derivatives (free, free), by differences of the exact first ones."""
    rows, here = np.empty((free.size, free.size)), gradient(x)
    for row, position in enumerate(free):
        step = np.zeros_like(x)
        step[position] = STEP * max(abs(x[position]), STEP)
        rows[row] = (gradient(x + step) - here)[free] / step[position]
    return np.asarray((rows + rows.T) / 2)
