"""The forecast that a model would have issued from an earlier month, with the estimations and errors known then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate.forecasters.base import MEDIAN_INDEX, Forecaster
from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.registry import calibrated
from climate.hindcast.rolling import backtest, known_at, origin_ends, origins, refit_groups
from climate.params.sections import BacktestParams


def issued_at(
    month: np.datetime64,
    table: xr.Dataset,
    series: xr.Dataset,
    covariates: xr.Dataset,
    forecasters: Sequence[Forecaster],
    plan: BacktestParams,
    min_verified: int,
) -> xr.Dataset:
    """The calibrated forecast table of a record that ends in `month`.

    It is what `planned_backtest` and `calibrate` give for the record cut there, without hindcasting anew: earlier
    origins come from `table`, and only the estimation that `month` uses is repeated.

    Args:
        month: the last month that is known, later than the first origin.
        table: calibrated forecast table of the whole record, with `widening` (model, origin, lead).
        series, covariates: see climate.hindcast.rolling.backtest; nothing after `month` is used.
        forecasters: models that `table` holds.
        plan: origins and leads of `table`.
        min_verified: see climate.forecasters.combine.conformal.calibrate.

    Returns:
        The models of `forecasters` at the origins of `table` before `month` and at `month`; `observed` is NaN after it.

    Raises:
        ClimateError: as `backtest`.
    """
    known = known_at(series, month)
    planned = [origin for origin in origins(plan.first_origin, plan.every, plan.origins) if origin <= month]
    ends = origin_ends(known, planned, plan.min_history)
    estimated = known["time"].values[refit_groups(ends, plan.refit_every)[-1][0] - 1]
    newest = backtest(
        known, covariates, forecasters, [estimated], plan.leads, plan.refit_every, min_history=plan.min_history
    )
    newest = newest.isel(origin=[-1])[["forecast", "observed"]]
    before = table[["forecast", "observed", "widening"]].sel(model=newest["model"].values)
    before = before.isel(origin=np.flatnonzero(before["origin"].values < month))
    middle = before["forecast"].isel(quantile=[MEDIAN_INDEX]).values
    before["forecast"] = middle + (before["forecast"] - middle) / before["widening"]
    before["observed"] = before["observed"].where(before["valid_time"] <= month)
    joined = xr.concat([before.drop_vars("widening"), newest], "origin", coords="minimal", compat="override")
    return calibrate(joined.assign_attrs(table.attrs), calibrated(joined["model"].values), min_verified)
