"""Linear regression with ARMA(1, 1) errors, whose parameters stay uncertain all the way into the forecast.

Instead of one best fit, every error model and every design of a grid is kept with its weight of evidence, so that a
forecast is a mixture of Student t distributions. No random numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import gammaln, stdtr, stdtrit

from climate.forecasters.base import FloatArray, IntArray

PHIS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
"""Autoregressive parameters of the grid, each as likely as the other before the record is seen."""

THETAS = (-0.4, 0.0, 0.4)
"""Moving-average parameters of the grid."""

LEAST_WEIGHT = 1e-3
"""Components below this share of the evidence are dropped."""

BISECTIONS = 6
"""Halvings of the bracket of a quantile before Newton's steps."""

NEWTON_STEPS = 4
"""Each about doubles the digits of a quantile."""


def arma_covariance(distance: IntArray, phi: float, theta: float) -> FloatArray:
    """Autocovariance of an ARMA(1, 1) process with innovations of variance 1, at lags of any shape.

    Source: Brockwell and Davis (1991), Time Series, example 3.3.2.
    """
    lag = np.abs(distance)
    zero = (1 + 2 * phi * theta + theta**2) / (1 - phi**2)
    one = (1 + phi * theta) * (phi + theta) / (1 - phi**2)
    return np.where(lag == 0, zero, one * np.power(float(phi), np.maximum(lag - 1, 0)))


@dataclass(frozen=True)
class Mixture:
    """Student t distributions (component, row) with `freedom` degrees, and the weights (component) that add up to 1."""

    weights: FloatArray
    location: FloatArray
    scale: FloatArray
    freedom: int

    def below(self, values: FloatArray) -> FloatArray:
        """Probability (row, k) of not exceeding `values` (row, k)."""
        deviates = (values[None] - self.location[:, :, None]) / self.scale[:, :, None]
        return np.asarray(np.tensordot(self.weights, stdtr(self.freedom, deviates), 1))

    def density(self, values: FloatArray) -> FloatArray:
        """Density (row, k) at `values` (row, k)."""
        deviates = (values[None] - self.location[:, :, None]) / self.scale[:, :, None]
        log = -(self.freedom + 1) / 2 * np.log1p(deviates**2 / self.freedom)
        constant = gammaln((self.freedom + 1) / 2) - gammaln(self.freedom / 2) - np.log(self.freedom * np.pi) / 2
        return np.asarray(np.tensordot(self.weights, np.exp(log + constant) / self.scale[:, :, None], 1))

    def quantiles(self, levels: Sequence[float]) -> FloatArray:
        """Quantiles (row, level): bisection between the extremes of the components' own, then Newton's steps."""
        wanted = np.asarray(levels, dtype=float)
        own = self.location[:, :, None] + self.scale[:, :, None] * stdtrit(self.freedom, wanted)
        low, high = own.min(axis=0), own.max(axis=0)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            under = self.below(middle) < wanted
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        found = (low + high) / 2
        for _ in range(NEWTON_STEPS):
            found = np.clip(found + (wanted - self.below(found)) / self.density(found), low, high)
        return np.asarray(found)


@dataclass(frozen=True)
class Component:
    """One error model with one design, fitted by generalised least squares."""

    design: int
    phi: float
    theta: float
    evidence: float
    """Logarithm of the probability of the record, the coefficients and the variance integrated out."""
    coefficients: FloatArray
    covariance: FloatArray
    """Of the coefficients, in units of `variance`."""
    variance: float
    """Of the innovations."""
    residual: FloatArray
    """V^-1 (y - X b)."""


@dataclass(frozen=True)
class Regression:
    """Fitted components, and the record that they were fitted to."""

    years: IntArray
    designs: tuple[FloatArray, ...]
    components: tuple[Component, ...]
    weights: FloatArray

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return int(self.years.size - self.designs[0].shape[1])

    def predict(self, years: IntArray, designs: Sequence[FloatArray], combine: FloatArray | None = None) -> Mixture:
        """Distribution of the values of coming years, or of sums of them.

        Args:
            years: (future), after those of the fit.
            designs: one (future, column) for each design of the fit.
            combine: (row, future), weights of the sums that are wanted; each year by itself without it.
        """
        sums = np.eye(years.size) if combine is None else combine
        ahead = years[:, None] - self.years[None, :]
        within = years[:, None] - years[None, :]
        between = self.years[:, None] - self.years[None, :]
        location, scale = [], []
        known: dict[tuple[float, float], tuple[FloatArray, FloatArray, FloatArray]] = {}
        for one in self.components:
            key = (one.phi, one.theta)
            if key not in known:
                cross = arma_covariance(ahead, *key)
                solved = cho_solve(cho_factor(arma_covariance(between, *key)), cross.T)
                known[key] = cross, solved, arma_covariance(within, *key) - cross @ solved
            cross, solved, left = known[key]
            future = designs[one.design]
            moved = sums @ (future - solved.T @ self.designs[one.design])
            spread = sums @ left @ sums.T + moved @ one.covariance @ moved.T
            location.append(sums @ (future @ one.coefficients + cross @ one.residual))
            scale.append(np.sqrt(one.variance * np.diag(spread)))
        return Mixture(self.weights, np.stack(location), np.stack(scale), self.freedom)

    def coefficient(self, column: int, factor: Sequence[float]) -> Mixture:
        """Distribution of one coefficient, times a factor for each design: a mixture with one row."""
        values = [[one.coefficients[column] * factor[one.design]] for one in self.components]
        spreads = [
            [np.sqrt(one.variance * one.covariance[column, column]) * abs(factor[one.design])]
            for one in self.components
        ]
        return Mixture(self.weights, np.array(values), np.array(spreads), self.freedom)

    def fitted(self) -> FloatArray:
        """Expected values (year) of the regression alone, without the errors, over the years of the fit."""
        values = [self.designs[one.design] @ one.coefficients for one in self.components]
        return np.asarray(self.weights @ np.stack(values))

    def design_weights(self) -> FloatArray:
        """Posterior weight of each design (design), error models summed."""
        total = np.zeros(len(self.designs))
        np.add.at(total, [one.design for one in self.components], self.weights)
        return total


def regress(years: IntArray, values: FloatArray, designs: Sequence[FloatArray]) -> Regression:
    """Fit all designs with all error models of the grid.

    The prior is flat in the coefficients and in the logarithm of the variance, so the distributions are those of
    generalised least squares: Zellner (1971), An Introduction to Bayesian Inference in Econometrics, chapter 4. Columns
    of the designs should have the same scale in each, else a flat prior prefers one to another.

    Args:
        years: (n), rising; gaps are allowed.
        values: (n), finite.
        designs: at least one (n, column), all of one shape.
    """
    between = years[:, None] - years[None, :]
    components = []
    for phi in PHIS:
        for theta in THETAS:
            factor = cho_factor(arma_covariance(between, phi, theta))
            volume = 2 * np.log(np.diag(factor[0])).sum()
            for place, design in enumerate(designs):
                solved = cho_solve(factor, design)
                precision = design.T @ solved
                covariance = np.linalg.inv(precision)
                coefficients = covariance @ (solved.T @ values)
                left = values - design @ coefficients
                residual = cho_solve(factor, left)
                squares, freedom = float(left @ residual), values.size - design.shape[1]
                evidence = -0.5 * (volume + np.linalg.slogdet(precision)[1] + freedom * np.log(squares))
                components.append(
                    Component(place, phi, theta, evidence, coefficients, covariance, squares / freedom, residual)
                )
    evidence = np.array([one.evidence for one in components])
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    kept = np.flatnonzero(weights >= LEAST_WEIGHT)
    return Regression(years, tuple(designs), tuple(components[i] for i in kept), weights[kept] / weights[kept].sum())
