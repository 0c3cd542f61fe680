"""One setting of the direct LSTM tried on given origins, and the same network with something taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.features import Frame, Rows
from climate.forecasters.networks.lstm import DirectLstm
from climate.forecasters.registry import MAX_LEADS
from climate.hindcast.rolling import backtest
from climate.params.params import LstmParams
from climate.verify.losses import cell_scores

WAVES = 2
"""Columns of the annual cycle, sine and cosine: the last of every table of predictors."""

LEAD_SPANS: dict[str, tuple[int, int]] = {"1-12": (1, 12), "1-60": (1, 60)}
"""Leads that errors are averaged over (months)."""


@dataclass(frozen=True)
class MonthlessFrame(Frame):
    """A frame whose predictors do not tell the time of year; the seasonal cycle is still taken off and put back."""

    def rows(self, history: xr.Dataset, leads: int, lookback: int) -> Rows:
        """See `Frame.rows`; sine and cosine of the month are zero."""
        rows = super().rows(history, leads, lookback)
        static, sequence = rows.static.copy(), rows.sequence.copy()
        static[:, -WAVES:] *= 0.0
        sequence[:, :, -WAVES:] *= 0.0
        return replace(rows, static=static, sequence=sequence)


def without_covariates(covariates: xr.Dataset) -> xr.Dataset:
    """Covariates that say nothing: the network keeps its shape and reads zeros."""
    return covariates.assign(covariate=xr.full_like(covariates["covariate"], np.nan))


def variants(settings: LstmParams, short: int) -> dict[str, tuple[DirectLstm, bool]]:
    """The network as it is and with something taken away: forecaster, and whether it sees the covariates."""
    # validation would refuse a network that is not trained at all
    untrained = settings.model_copy(update={"epochs": 0, "seeds": settings.seeds[:1]})
    named = {
        "full": (DirectLstm(settings), True),
        "no-enso": (DirectLstm(settings), False),
        "no-month": (DirectLstm(settings, frame=MonthlessFrame), True),
        "short-lookback": (DirectLstm(settings.model_copy(update={"lookback": short})), True),
        "untrained": (DirectLstm(untrained), True),
    }
    singles = {
        f"one-seed-{seed}": (DirectLstm(settings.model_copy(update={"seeds": [seed]})), True) for seed in settings.seeds
    }
    return named | singles


@dataclass(frozen=True)
class Trial:
    """Networks to be tried on one record; a task for a worker process.

    Attributes:
        series, covariates: as in `backtest`, cut after the last month that may be seen.
        forecasters: networks, each with whether it sees the covariates.
        origins: last observed months of the forecasts.
        refit_every: months between trainings.
    """

    series: xr.Dataset
    covariates: xr.Dataset
    forecasters: tuple[tuple[DirectLstm, bool], ...]
    origins: tuple[np.datetime64, ...]
    refit_every: int
    min_history: int

    def run(self) -> FloatArray:
        """Mean CRPS (network, span of LEAD_SPANS) over all origins and verified leads, in the record's unit."""
        results = []
        for forecaster, sees in self.forecasters:
            table = backtest(
                self.series,
                self.covariates if sees else without_covariates(self.covariates),
                [forecaster],
                list(self.origins),
                MAX_LEADS,
                self.refit_every,
                min_history=self.min_history,
            )
            crps = cell_scores(table)["crps"].isel(model=0)
            results.append([float(crps.sel(lead=slice(*span)).mean()) for span in LEAD_SPANS.values()])
        return np.array(results)


def run_trials(trials: Sequence[Trial]) -> list[FloatArray]:
    """`Trial.run` of several trials, for one worker process: they share what is compiled."""
    return [trial.run() for trial in trials]


def groups_by_shape(settings: Sequence[LstmParams]) -> list[list[int]]:
    """Places of settings that share a compiled network, so that each is compiled once."""
    found: dict[tuple[int, int, int], list[int]] = {}
    for place, one in enumerate(settings):
        found.setdefault((one.lookback, one.units, one.batch), []).append(place)
    return list(found.values())
