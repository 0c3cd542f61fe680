"""Ridge regression, its cross-validation, and the regression of every lead from which the networks start.

The penalty grows with the lead, since the origin's information fades. The residuals come from rows that were not
fitted on, so that their deviation is an unbiased first width of an interval.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray, IntArray
from climate.schema import MONTHS_PER_YEAR

PENALTY = 100.0
"""Ridge penalty, on predictors of unit variance, of the regression from which the networks start."""

INTERCEPT_PENALTY = 200.0
"""Penalty of its intercept (rows, that is months): the mean error over a few decades is hardly a bias."""

FOLDS = 6
"""Contiguous blocks of a cross-validation."""


def ridge(predictors: FloatArray, targets: FloatArray, penalty: float) -> FloatArray:
    """Ridge coefficients (predictor, ...) of `targets` (row, ...) on `predictors` (row, predictor), no intercept."""
    return ridge_of_products(predictors.T @ predictors, predictors.T @ targets, penalty)


def ridge_of_products(inner: FloatArray, outer: FloatArray, penalty: float) -> FloatArray:
    """`ridge` from the products (predictor, predictor) of predictors and those (predictor, ...) with the targets."""
    return np.asarray(np.linalg.solve(inner + penalty * np.eye(len(inner)), outer))


def centred_ridge(
    predictors: FloatArray, targets: FloatArray, penalty: float, intercept_penalty: float = 0.0
) -> tuple[FloatArray, float]:
    """Ridge coefficients (predictor) of `targets` (row) on centred predictors, and the intercept."""
    centre, middle = predictors.mean(axis=0), targets.sum() / (targets.size + intercept_penalty)
    coefficients = ridge(predictors - centre, targets - targets.mean(), penalty)
    return coefficients, float(middle - coefficients @ centre)


def distant_rows(rows: IntArray, gap: int) -> Iterator[tuple[IntArray, npt.NDArray[np.bool_]]]:
    """FOLDS contiguous blocks of rows at rising positions in time, each with the rows to predict it from.

    Yields the indices of a block and True (row) for rows more than `gap` months away from it. Empty blocks are left
    out.
    """
    for block in np.array_split(np.arange(rows.size), FOLDS):
        if block.size:
            yield block, (rows < rows[block[0]] - gap) | (rows > rows[block[-1]] + gap)


def _lead_ridge(predictors: FloatArray, targets: FloatArray, lead: int) -> tuple[FloatArray, float]:
    penalty = PENALTY * (1 + (lead / MONTHS_PER_YEAR) ** 2)
    return centred_ridge(predictors, targets, penalty, INTERCEPT_PENALTY)


def ridge_start(predictors: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ridge regression per lead: coefficients (predictor, lead), intercepts (lead), residual deviation (lead).

    The residuals are those of blocks of rows predicted from `distant_rows`. `targets` (row, lead) may hold NaN: those
    rows are left out of that lead. A lead with too few rows takes the coefficients and deviation of the lead before.
    """
    width, leads = predictors.shape[1], targets.shape[1]
    coefficients, intercepts, deviation = np.zeros((width, leads)), np.zeros(leads), np.ones(leads)
    for index in range(leads):
        lead = index + 1
        known = np.flatnonzero(np.isfinite(targets[:, index]))
        if known.size < 2 * FOLDS:
            coefficients[:, index], deviation[index] = coefficients[:, index - 1], deviation[index - 1]
            continue
        coefficients[:, index], intercepts[index] = _lead_ridge(predictors[known], targets[known, index], lead)
        residual = np.zeros(known.size)
        for block, distant in distant_rows(known, lead):
            row, far = known[block], known[distant]
            residual[block] = targets[row, index]
            if far.size:
                slope, offset = _lead_ridge(predictors[far], targets[far, index], lead)
                residual[block] = targets[row, index] - predictors[row] @ slope - offset
        deviation[index] = np.sqrt((residual**2).mean()) or 1.0
    return coefficients, intercepts, deviation
