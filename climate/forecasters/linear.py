"""Ridge regression of all leads at once: where the networks start from, and the forecaster that the hybrid starts from.

The penalty grows with the lead: what is known at the origin says ever less. The residuals come from rows that were not
fitted on, so that their deviation is an honest first width of an interval.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray
from climate.forecasters.features import YEAR

PENALTY = 100.0
"""Ridge penalty, on predictors of unit variance, of the linear path's start."""

INTERCEPT_PENALTY = 200.0
"""The same for its intercept: a mean error of a few decades is hardly a bias. In rows (months)."""

FOLDS = 6
"""Contiguous blocks of the cross-validation that gives the starting width of the intervals."""


def ridge(predictors: FloatArray, targets: FloatArray, lead: int) -> tuple[FloatArray, float]:
    """Coefficients and intercept of one lead, under a penalty that grows with the lead."""
    centre, middle = predictors.mean(axis=0), targets.sum() / (targets.size + INTERCEPT_PENALTY)
    inner = predictors - centre
    penalty = PENALTY * (1 + (lead / YEAR) ** 2)
    coefficients = np.linalg.solve(
        inner.T @ inner + penalty * np.eye(centre.size), inner.T @ (targets - targets.mean())
    )
    return coefficients, float(middle - centre @ coefficients)


def ridge_start(predictors: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ridge regression per lead: coefficients (predictor, lead), intercepts (lead), residual deviation (lead).

    The residuals are those of FOLDS contiguous blocks of rows, each predicted from the rows that are at least the lead
    away. `targets` (row, lead) may hold NaN: those rows are left out of that lead; a lead without any takes the
    coefficients of the one before.
    """
    width, leads = predictors.shape[1], targets.shape[1]
    coefficients, intercepts, deviation = np.zeros((width, leads)), np.zeros(leads), np.ones(leads)
    for index in range(leads):
        lead = index + 1
        known = np.flatnonzero(np.isfinite(targets[:, index]))
        if known.size < 2 * FOLDS:
            coefficients[:, index], deviation[index] = coefficients[:, index - 1], deviation[index - 1]
            continue
        coefficients[:, index], intercepts[index] = ridge(predictors[known], targets[known, index], lead)
        residual = np.zeros(known.size)
        for block in np.array_split(np.arange(known.size), FOLDS):
            row = known[block]
            far = known[(known < row[0] - lead) | (known > row[-1] + lead)]
            if far.size:
                slope, offset = ridge(predictors[far], targets[far, index], lead)
                residual[block] = targets[row, index] - predictors[row] @ slope - offset
            else:
                residual[block] = targets[row, index]
        deviation[index] = np.sqrt((residual**2).mean()) or 1.0
    return coefficients, intercepts, deviation
