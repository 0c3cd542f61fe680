"""Ridge regression of all leads at once: where the networks start from, and the forecaster that the hybrid starts from.

The penalty grows with the lead: what is known at the origin says ever less. The residuals come from rows that were not
fitted on, so that their deviation is an honest first width of an interval.
"""

from __future__ import annotations

import numpy as np

from climate.forecasters.base import FloatArray
from climate.schema import MONTHS_PER_YEAR

PENALTY = 100.0
"""Ridge penalty, on predictors of unit variance, of the linear path's start."""

INTERCEPT_PENALTY = 200.0
"""The same for its intercept: a mean error of a few decades is hardly a bias. In rows (months)."""

FOLDS = 6
"""Contiguous blocks of the cross-validation that gives the starting width of the intervals."""


def ridge(predictors: FloatArray, targets: FloatArray, penalty: float | FloatArray) -> FloatArray:
    """Ridge coefficients (predictor, ...) of `targets` (row, ...) on `predictors` (row, predictor), no intercept.

    Several penalties (penalty) give one set of coefficients each: (penalty, predictor, ...).
    """
    inner = predictors.T @ predictors + np.asarray(penalty)[..., None, None] * np.eye(predictors.shape[1])
    outer = predictors.T @ targets
    return np.asarray(np.linalg.solve(inner, outer.reshape(len(outer), -1)).reshape(inner.shape[:-2] + outer.shape))


def centred_ridge(
    predictors: FloatArray, targets: FloatArray, penalty: float | FloatArray, intercept_penalty: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Ridge coefficients (..., predictor) of `targets` (row) and intercepts (...), the predictors' means taken off."""
    centre, middle = predictors.mean(axis=0), targets.sum() / (targets.size + intercept_penalty)
    coefficients = ridge(predictors - centre, targets - targets.mean(), penalty)
    return coefficients, np.asarray(middle - coefficients @ centre)


def _of_lead(predictors: FloatArray, targets: FloatArray, lead: int) -> tuple[FloatArray, FloatArray]:
    penalty = PENALTY * (1 + (lead / MONTHS_PER_YEAR) ** 2)
    return centred_ridge(predictors, targets, penalty, INTERCEPT_PENALTY)


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
        coefficients[:, index], intercepts[index] = _of_lead(predictors[known], targets[known, index], lead)
        residual = np.zeros(known.size)
        for block in np.array_split(np.arange(known.size), FOLDS):
            row = known[block]
            far = known[(known < row[0] - lead) | (known > row[-1] + lead)]
            if far.size:
                slope, offset = _of_lead(predictors[far], targets[far, index], lead)
                residual[block] = targets[row, index] - predictors[row] @ slope - offset
            else:
                residual[block] = targets[row, index]
        deviation[index] = np.sqrt((residual**2).mean()) or 1.0
    return coefficients, intercepts, deviation
