"""`lstm-hybrid`: the network of `lstm` on the residual of the structural expectation of `hybrid`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import EachPlace, FloatArray, Seeded, require_leads, require_months
from climate.forecasters.features import Scaler, filled_covariates
from climate.forecasters.hybrid import MIN_MONTHS, Expectation, covariate_predictors, sequences, training_rows
from climate.forecasters.networks.lstm import Trained, train_members
from climate.forecasters.networks.settings import NetworkSettings

DIRECT_PREDICTORS = (7, 9)
"""Number of predictors of `lstm-direct`: without covariates, and in addition for each covariate."""


def padded(predictors: FloatArray, covariates: int) -> FloatArray:
    """Predictors (row, predictor) padded with zeros to the width of `lstm-direct`, to share its compiled network."""
    width = DIRECT_PREDICTORS[0] + DIRECT_PREDICTORS[1] * covariates
    return np.pad(predictors, [(0, 0), (0, max(width - predictors.shape[1], 0))])


@dataclass(frozen=True)
class FittedHybrid(Seeded):
    """Expectation, scalers and the trained networks."""

    expectation: Expectation
    static_scaler: Scaler
    sequence_scaler: Scaler
    trained: Trained
    covariates: int
    lookback: int
    parameters: int

    @property
    def fallbacks(self) -> int:
        """1 where SARIMA could not be fitted."""
        return self.expectation.model.fallbacks

    def seed_hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Seeded.seed_hindcasts`; raises ValueError for more than MAX_LEADS leads."""
        require_leads(leads, "lstm-hybrid")
        origins = np.asarray(ends) - 1
        expected = self.expectation(history)
        sequence = sequences(history, expected, self.lookback)[origins]
        static = padded(self.static_scaler(covariate_predictors(history)[origins]), self.covariates)
        changes = self.trained.each_seed(self.sequence_scaler(sequence), static)
        return np.asarray(expected[origins, :leads, None] + changes[:, :, :leads])


@dataclass(frozen=True)
class HybridLstm(EachPlace):
    """Settings of `lstm-hybrid`: those of the LSTM."""

    params: NetworkSettings
    name: str = "lstm-hybrid"

    def fit_place(self, history: xr.Dataset) -> FittedHybrid:
        """Estimate expectation, scalers and one set of weights per seed. Raises ClimateError below MIN_MONTHS."""
        settings = self.params
        require_months(history, MIN_MONTHS, self.name)
        expectation = Expectation.estimate(history)
        predictors, expected, targets = training_rows(history, expectation)
        sequence = sequences(history, expected, settings.lookback)
        used = (
            np.isfinite(predictors).all(axis=1)
            & np.isfinite(sequence).all(axis=(1, 2))
            & np.isfinite(targets).any(axis=1)
        )
        static_scaler, sequence_scaler = Scaler.estimate(predictors[used]), Scaler.estimate(sequence[used])
        covariates = filled_covariates(history).shape[1]
        static = padded(static_scaler(predictors[used]), covariates)
        trained = train_members(settings, static, sequence_scaler(sequence[used]), targets[used])
        estimated = expectation.parameters + 2 * predictors.shape[1] + trained.parameters
        return FittedHybrid(
            expectation, static_scaler, sequence_scaler, trained, covariates, settings.lookback, int(estimated)
        )
