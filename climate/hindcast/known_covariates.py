"""The ceiling of a covariate: what a model would score if the covariate's future were known. Not a forecast.

The same model is run twice over the same origins, with the covariate forecast and with its realised months given to it.
Between the two lies what a perfect forecast of the covariate would be worth. Nothing here enters a forecast table, a
combination, a test or the choice of a best model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import EachPlace, FittedPlace, FloatArray
from climate.forecasters.classical.arima import CovariateArima, FittedCovariateArima
from climate.forecasters.registry import MODELS
from climate.hindcast.rolling import backtest
from climate.parallel.tasks import ALONE
from climate.params.sections import ComputeParams
from climate.verify.losses import cell_scores, common_sample, crps_from_quantiles


@dataclass(frozen=True)
class FittedKnown:
    """A fitted model, and covariates beyond any origin."""

    fitted: FittedPlace
    covariates: xr.Dataset

    @property
    def parameters(self) -> int:
        """Number of values estimated."""
        return self.fitted.parameters

    @property
    def fallbacks(self) -> int:
        """See `FittedPlace.fallbacks`."""
        return self.fitted.fallbacks

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """Quantiles under the realised covariates; months without a value are forecast as ever."""
        if not isinstance(self.fitted, FittedCovariateArima):
            return self.fitted.forecast(history, leads)
        last = history["time"].values[-1].astype("datetime64[M]")
        months = (last + np.arange(1, leads + 1)).astype(history["time"].dtype)
        ahead = self.covariates["covariate"].reindex(time=months).transpose("time", "predictor")
        return self.fitted.forecast(history, leads, ahead.values)


@dataclass(frozen=True)
class KnownCovariates(EachPlace):
    """`forecaster` with the future of its covariates: `covariate` (time, predictor), not cut at any origin."""

    forecaster: CovariateArima
    covariates: xr.Dataset

    @property
    def name(self) -> str:
        """Name in tables."""
        return MODELS[self.forecaster.name].known_covariates

    def fit_place(self, history: xr.Dataset) -> FittedKnown:
        """Estimate on the history alone, as the forecast does."""
        return FittedKnown(self.forecaster.fit_place(history), self.covariates)


def ceiling_table(
    series: xr.Dataset,
    covariates: xr.Dataset,
    forecasters: Sequence[CovariateArima],
    origins: Sequence[np.datetime64],
    leads: int,
    refit_every: int,
    *,
    min_history: int = 240,
    compute: ComputeParams = ALONE,
) -> xr.Dataset:
    """Forecast table of each model with its covariate forecast and known, see `backtest.backtest`."""
    pairs = [model for forecaster in forecasters for model in (forecaster, KnownCovariates(forecaster, covariates))]
    return backtest(series, covariates, pairs, origins, leads, refit_every, min_history=min_history, compute=compute)


def ceiling_scores(table: xr.Dataset, judged: xr.Dataset, blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """CRPS of every pair beside that of the best classical model.

    Args:
        table: what `ceiling_table` returns.
        judged: the forecast table of the same region and origins, with `best_classical` (block) in it.
        blocks: name -> first and last lead.

    Returns:
        `crps_forecast`, `crps_known` and their `ratio_forecast`, `ratio_known` to the best classical model
        (model, block), and `best_classical` (block); over the common sample of both tables.
    """
    sample = common_sample(judged) & common_sample(table)
    crps = crps_from_quantiles(table["forecast"], table["observed"]).where(sample)
    best_crps = cell_scores(judged)["crps"].where(sample)
    names = [str(name) for name in table["model"].values if name in MODELS]
    shape = (len(names), len(blocks))
    scores = {"crps_forecast": np.full(shape, np.nan), "crps_known": np.full(shape, np.nan)}
    best = []
    for column, (block, (first, last)) in enumerate(blocks.items()):
        leads = slice(first, last)
        simple = str(judged["best_classical"].sel(block=block).item())
        best.append(float(best_crps.sel(model=simple, lead=leads).mean()))
        for row, name in enumerate(names):
            scores["crps_forecast"][row, column] = float(crps.sel(model=name, lead=leads).mean())
            scores["crps_known"][row, column] = float(crps.sel(model=MODELS[name].known_covariates, lead=leads).mean())
    return xr.Dataset(
        {key: (("model", "block"), values) for key, values in scores.items()}
        | {
            key.replace("crps", "ratio"): (("model", "block"), values / np.array(best))
            for key, values in scores.items()
        }
        | {"best_classical": ("block", [str(judged["best_classical"].sel(block=block).item()) for block in blocks])},
        coords={"model": np.array(names, dtype=object), "block": np.array(list(blocks), dtype=object)},
        attrs={"note": "known: the realised covariate was given to the model; a ceiling, not a forecast"},
    )
