"""Regression of places on the principal components of the field, of this month and of the months before.

It is a ridge regression in its dual form: a forecast is a sum over the months learnt from, each weighted by how alike
the field was then. The weights of all leads, and their cross-fitted forecasts, follow from one inverse of a matrix that
all places share, so that ten thousand cells cost a few matrix products.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from climate.forecasters.base import FloatArray, IntArray, season_waves
from climate.forecasters.linear import distant_rows
from climate.forecasters.planet.trailing import Single

FIELD_PENALTY = 2000.0
"""Ridge penalty of a place's regression on the components of the field."""

FIELD_LEADS = 24
"""Leads (months) at which the field has skill."""

SEASONAL = 0.5
"""Weight of the cosine of the difference between calendar months, by which regressions on the field change."""

FIELD_MEANS: tuple[tuple[int, int, float], ...] = ((2, 1, 0.5), (3, 3, 0.5), (6, 6, 0.7), (12, 12, 0.7))
"""Length, lag (months) and factor of the means of earlier components that the regressions read."""


class FieldMap(NamedTuple):
    """What the regressions of all places with the same months share at one lead.

    rows: those with a field and a target. basis (row of the field, feature). inverse: that of (basis basis' + penalty)
    over all rows with a field, of which those in `rows` come first. unseen: inverse of the part of `inverse` that
    belongs to the others. blocks: for each block of a cross-validation its positions in `rows`, all positions that it
    must not be predicted from, and the map from the latter's weights to the errors of the block.
    """

    rows: IntArray
    basis: Single
    inverse: Single
    unseen: Single
    blocks: tuple[tuple[IntArray, IntArray, Single], ...]


def field_maps(features: FloatArray, known: npt.NDArray[np.bool_], leads: int) -> list[FieldMap]:
    """The maps of leads 1 to FIELD_LEADS, from features (row, feature) at the rows that are `known` (row)."""
    with_field = np.flatnonzero(known)
    basis = features[with_field].astype(np.float32)
    inner = (basis @ basis.T).astype(np.float64) + FIELD_PENALTY * np.eye(len(basis))
    inverse = np.linalg.inv(inner)
    single = inverse.astype(np.float32)
    maps = []
    for lead in range(1, min(leads, FIELD_LEADS) + 1):
        rows = with_field[with_field < len(known) - lead]
        blocks = []
        for block, far in distant_rows(rows, lead):
            apart = np.concatenate([np.flatnonzero(~far), np.arange(rows.size, with_field.size)])
            errors = np.linalg.inv(inverse[np.ix_(apart, apart)])[np.searchsorted(apart, block)]
            blocks.append((block, apart, errors.astype(np.float32)))
        unseen = np.linalg.inv(inverse[rows.size :, rows.size :]).astype(np.float32)
        maps.append(FieldMap(rows, basis, single, unseen, tuple(blocks)))
    return maps


def field_forecast(residual: Single, field: FieldMap) -> tuple[Single, Single]:
    """Weights (row of the field, place), and cross-fitted forecasts (row, place) of `residual` of that shape.

    The weights times (features basis') are forecasts. NaN in `residual` counts as zero; rows outside `field.rows` have
    the forecast zero.
    """
    count, crossed = field.rows.size, np.zeros_like(residual)
    actual = np.nan_to_num(residual[field.rows])
    weights = field.inverse[:, :count] @ actual
    for block, apart, errors in field.blocks:
        crossed[field.rows[block]] = actual[block] - errors @ weights[apart]
    # without the rows whose targets are still to come, as if they had not been in the inverse
    weights -= field.inverse[:, count:] @ (field.unseen @ weights[count:])
    return weights, crossed


def field_features(components: FloatArray, first: int, months: IntArray) -> FloatArray:
    """What places are regressed on (month, feature), from components (row, component) of months from `first` on.

    Months without a row have components zero.
    """
    longest = max([1, *(length + lag for length, lag, _ in FIELD_MEANS)])
    row = months[:, None] - first - np.arange(longest)
    known = (row >= 0) & (row < len(components))
    past = np.where(known[..., None], components[np.clip(row, 0, len(components) - 1)], 0.0)
    means = [factor * past[:, lag : lag + length].mean(axis=1) for length, lag, factor in FIELD_MEANS]
    features = np.concatenate([past[:, 0], *means], axis=1)
    waves = np.sqrt(SEASONAL) * season_waves(months)
    return np.concatenate([features, features * waves[:, :1], features * waves[:, 1:]], axis=1)
