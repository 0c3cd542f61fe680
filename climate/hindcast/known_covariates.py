"""The ceiling of a covariate: the score of a model if the covariate's future were known. Not a forecast.

The same model is run twice from the same origins, with the covariate forecast and with its realised months. The
difference is the value of a perfect forecast of the covariate. These results enter no combination, no test and no
choice of a best model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.forecasters.base import EachPlace, FittedPlace, FloatArray, Hindcasting, hindcasts
from climate.forecasters.classical.arima import CovariateArima, FittedCovariateArima
from climate.forecasters.registry import MODELS
from climate.verify.losses import cell_scores, common_sample, crps_from_quantiles


@dataclass(frozen=True)
class FittedKnown(Hindcasting):
    """A fitted model and the realised covariates."""

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

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`, under the realised covariates; months without a value are forecast."""
        if not isinstance(self.fitted, FittedCovariateArima):
            return hindcasts(self.fitted, history, ends, leads)
        last = history["time"].values[np.asarray(ends) - 1].astype("datetime64[M]")
        months = (last[:, None] + np.arange(1, leads + 1)).astype(history["time"].dtype)
        ahead = self.covariates["covariate"].reindex(time=months.ravel()).transpose("time", "predictor").values
        return self.fitted.hindcasts(history, ends, leads, ahead.reshape(*months.shape, -1))


@dataclass(frozen=True)
class KnownCovariates(EachPlace):
    """`forecaster` with the realised future of its covariates: `covariate` (time, predictor), not cut at the origin."""

    forecaster: CovariateArima
    covariates: xr.Dataset

    @property
    def name(self) -> str:
        """Name in tables."""
        return MODELS[self.forecaster.name].known_covariates

    def fit_place(self, history: xr.Dataset) -> FittedKnown:
        """Estimate on the history alone, as the forecast does."""
        return FittedKnown(self.forecaster.fit_place(history), self.covariates)


def with_known_covariates(
    forecasters: Iterable[CovariateArima], covariates: xr.Dataset
) -> list[CovariateArima | KnownCovariates]:
    """Each model, and the same with its covariates known."""
    return [model for forecaster in forecasters for model in (forecaster, KnownCovariates(forecaster, covariates))]


def ceiling_scores(table: xr.Dataset, judged: xr.Dataset, blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """CRPS of every pair, and its ratio to that of the opponent.

    Args:
        table: forecast table of the models of `with_known_covariates`.
        judged: the forecast table of the same region and origins, with `opponent` (block).
        blocks: name -> first and last lead.

    Returns:
        `crps_forecast`, `crps_known` and their `ratio_forecast`, `ratio_known` to the opponent
        (model, block), and `opponent` (block); over the common sample of both tables.
    """
    sample = common_sample(judged) & common_sample(table)
    crps = crps_from_quantiles(table["forecast"], table["observed"]).where(sample)
    losses = cell_scores(judged)["crps"].where(sample)
    names = [str(name) for name in table["model"].values if name in MODELS]
    opponents = [str(judged["opponent"].sel(block=block).item()) for block in blocks]

    def means(cells: xr.DataArray, models: Sequence[str]) -> FloatArray:
        """Mean (block) of `cells` over each block, of one model per block."""
        chosen = zip(models, blocks.values(), strict=True)
        return np.array([float(cells.sel(model=model, lead=slice(*leads)).mean()) for model, leads in chosen])

    runs = {"forecast": names, "known": [MODELS[name].known_covariates for name in names]}
    scores = {run: np.stack([means(crps, [model] * len(blocks)) for model in models]) for run, models in runs.items()}
    return xr.Dataset(
        {f"crps_{run}": (("model", "block"), values) for run, values in scores.items()}
        | {f"ratio_{run}": (("model", "block"), values / means(losses, opponents)) for run, values in scores.items()}
        | {"opponent": ("block", opponents)},
        coords={"model": np.array(names, dtype=object), "block": np.array(list(blocks), dtype=object)},
        attrs={"note": "known: the realised covariate was given to the model; a ceiling, not a forecast"},
    )
