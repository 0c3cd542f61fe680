"""Rolling-origin hindcasts; the only module that splits records by date.

At every origin a forecaster sees the series and the covariates up to and including that month, on an expanding
window, and forecasts every lead. Parameters are estimated at the first origin and again when `refit_every` months
have passed; in between, new months update the state alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, Forecaster, Seeded, as_panel, hindcasts, mean_over_seeds
from climate.parallel.tasks import ALONE, run_tasks
from climate.params.sections import BacktestParams, ComputeParams, OpponentParams
from climate.schema import QUANTILES, TIME_DTYPE

MONTH = np.timedelta64(1, "M")

log = logging.getLogger("climate")


def origins(first: str, every: int, count: int) -> list[np.datetime64]:
    """Months `first` (e.g. "2005-12"), `first` + `every` months, ..., `count` of them, as datetime64[s].

    Raises:
        ClimateError: `first` is no month, or `every` or `count` is not positive.
    """
    try:
        start = np.datetime64(str(first), "M")
    except ValueError:
        raise ClimateError(f"backtest.first_origin: found {first!r}, expected a month such as 2005-12") from None
    for key, number in (("every", every), ("origins", count)):
        if number < 1:
            raise ClimateError(f"backtest.{key}: found {number}, expected a whole number of at least 1")
    return [(start + step * every).astype(TIME_DTYPE) for step in range(count)]


def estimation_months(first: str, refit_every: int, record: xr.Dataset) -> list[np.datetime64]:
    """Months `first`, `first` + `refit_every` months and so on, up to the last month of `record`, as datetime64[s]."""
    last = record["time"].values[-1].astype("datetime64[M]")
    start = origins(first, refit_every, 1)[0].astype("datetime64[M]")
    return [month.astype(TIME_DTYPE) for month in np.arange(start, last + 1, refit_every)]


def known_at(record: xr.Dataset, month: np.datetime64) -> xr.Dataset:
    """`record` up to and including `month`."""
    return record.isel(time=np.flatnonzero(record["time"].values <= month))


def check_axis(data: xr.Dataset, region: str) -> None:
    """Raise ClimateError unless `time` holds every month once, in order."""
    months = data["time"].values.astype("datetime64[M]")
    if months.size == 0:
        raise ClimateError(f"region {region}: the series has no months, expected a monthly record")
    values, counts = np.unique(months, return_counts=True)
    if (counts > 1).any():
        raise ClimateError(
            f"region {region}: month {values[counts > 1][0]} occurs {counts.max()} times, expected once; "
            "correct the record or its reader"
        )
    steps = np.diff(months)
    if (steps != MONTH).any():
        row = int(np.flatnonzero(steps != MONTH)[0])
        raise ClimateError(
            f"region {region}: after {months[row]} comes {months[row + 1]}, expected {months[row] + MONTH}; "
            "a missing month has to be a row with NaN"
        )


class TaskResult(NamedTuple):
    """Forecasts of one estimation."""

    forecasts: FloatArray
    """(place, origin, lead, quantile)"""
    parameters: int
    fallbacks: int
    seeds: FloatArray | None = None
    """(seed, place, origin, lead, quantile) of a network that averages several seeds, else None."""


@dataclass(frozen=True)
class Task:
    """Estimations of one forecaster on a panel, and the forecasts that use them.

    groups: for each estimation, the numbers of months of `history` up to and including each origin; those up to the
    first are estimated on.
    """

    forecaster: Forecaster
    history: xr.Dataset
    groups: tuple[tuple[int, ...], ...]
    leads: int


def run_task(task: Task) -> list[TaskResult]:
    """The results of each estimation of a task.

    Raises ValueError where a forecaster returns NaN, falling quantiles or the wrong shape.
    """
    return [_of_estimation(task.forecaster, task.history, ends, task.leads) for ends in task.groups]


def _of_estimation(forecaster: Forecaster, history: xr.Dataset, ends: tuple[int, ...], leads: int) -> TaskResult:
    history = history.isel(time=slice(0, ends[-1]))
    fitted, seeds = forecaster.fit(history.isel(time=slice(0, ends[0]))), None
    if isinstance(fitted, Seeded):
        seeds = fitted.seed_hindcasts(history, ends, leads)
        forecasts = mean_over_seeds(seeds)
        seeds = seeds.astype(np.float32)
    else:
        forecasts = np.asarray(hindcasts(fitted, history, ends, leads), dtype=float)
    shape = (history.sizes["place"], len(ends), leads, len(QUANTILES))
    if forecasts.shape != shape or not np.isfinite(forecasts).all() or (np.diff(forecasts, axis=-1) < 0).any():
        first, last = (history["time"].values[end - 1].astype("datetime64[M]") for end in (ends[0], ends[-1]))
        raise ValueError(f"{forecaster.name} at origins {first} to {last}: not {shape} finite, rising quantiles")
    return TaskResult(forecasts, int(fitted.parameters), int(fitted.fallbacks), seeds)


def panel_hindcasts(
    history: xr.Dataset, forecaster: Forecaster, ends: Sequence[int], leads: int, refit_every: int
) -> FloatArray:
    """Forecasts (place, origin, lead, quantile) of one forecaster for a panel, see `Task` and `backtest`."""
    results = run_task(Task(forecaster, history, tuple(refit_groups(ends, refit_every)), leads))
    return np.concatenate([result.forecasts for result in results], axis=1)


def refit_groups(ends: Sequence[int], refit_every: int) -> list[tuple[int, ...]]:
    """Origins, as numbers of months, grouped by the estimation that they share."""
    groups: list[list[int]] = []
    for end in ends:
        if groups and end - groups[-1][0] < refit_every:
            groups[-1].append(end)
        else:
            groups.append([end])
    return [tuple(group) for group in groups]


def origin_ends(series: xr.Dataset, requested: Sequence[np.datetime64], min_history: int) -> list[int]:
    """Number of months up to and including each origin, and up to the last observed month as the final origin."""
    region = series.attrs.get("region", "unnamed")
    check_axis(series, region)
    months = series["time"].values.astype("datetime64[M]")
    observed = np.isfinite(series["value"].values)
    if not observed.any():
        raise ClimateError(f"region {region}: every value is missing, expected a record; check its source")
    newest = int(np.flatnonzero(observed)[-1])
    ends = []
    for origin in requested:
        month = origin.astype("datetime64[M]")
        if not months[0] <= month <= months[newest]:
            raise ClimateError(
                f"region {region}: origin {month} is outside the record {months[0]} to {months[newest]}; "
                "change backtest.first_origin, every or origins"
            )
        ends.append(int((month - months[0]) / MONTH) + 1)
    if sorted(set(ends)) != ends:
        raise ClimateError(f"region {region}: origins are repeated or out of order, expected rising months")
    known = int(observed[: ends[0]].sum()) if ends else newest + 1
    if known < min_history:
        raise ClimateError(
            f"region {region}: found {known} months with a value up to the first origin, expected at least "
            f"{min_history}; choose a later backtest.first_origin, a smaller min_history or a longer record"
        )
    return ends if ends and ends[-1] == newest + 1 else [*ends, newest + 1]


def history_of(series: xr.Dataset, covariates: xr.Dataset | None, origin: np.datetime64 | None = None) -> xr.Dataset:
    """History of one place: `value` (time) and covariates on its months, up to `origin` unless it is None."""
    history = xr.Dataset({"value": series["value"].drop_attrs().astype(float)})
    if covariates is not None and "covariate" in covariates:
        check_axis(covariates, f"{series.attrs.get('region', 'unnamed')} (covariates)")
        history["covariate"] = covariates["covariate"].reindex(time=series["time"])
    return history if origin is None else history.isel(time=series["time"].values <= origin)


def backtest(
    series: xr.Dataset,
    covariates: xr.Dataset | None,
    forecasters: Sequence[Forecaster],
    origins: Sequence[np.datetime64],
    leads: int,
    refit_every: int,
    *,
    min_history: int = 240,
    compute: ComputeParams = ALONE,
    together: bool = False,
) -> xr.Dataset:
    """Forecast from every origin with the data known then.

    Args:
        series: `value` (time) on a gap-free month axis; NaN where unobserved. attrs: region, title, units.
        covariates: `covariate` (time, predictor), see `harmonize.series.join_covariates`; empty or None without any.
            Cut at the origin like the series, and aligned to its months.
        forecasters: models, with different names.
        origins: last observed months of the hindcasts. The last month with a value is added as a final origin, the
            forecast that is issued.
        leads: months ahead.
        refit_every: months between estimations.
        min_history: months with a value that the record must have up to the first origin.
        compute: processes or cluster; the result does not depend on it.
        together: whether all estimations of a model are one task, which a process has to prepare for once.

    Returns:
        Forecast table with `forecast` (model, origin, lead, quantile); `observed` (origin, lead), NaN where not yet
        observed, and never shown to a forecaster; `parameters` and `fallbacks` (model), the number of fits that
        were replaced by a simpler model; `seeds` (model, seed, origin, lead, quantile) if a network averages several;
        coordinate `valid_time` (origin, lead).

    Raises:
        ClimateError: months are duplicated or missing, an origin lies outside the record, or it is too short.
        ValueError: a forecaster returned NaN, falling quantiles or the wrong shape, or shares its name.
    """
    names = [forecaster.name for forecaster in forecasters]
    if len(set(names)) != len(names) or not names:
        raise ValueError(f"forecasters need different names, and at least one: {names}")
    ends = origin_ends(series, origins, min_history)
    history = as_panel(history_of(series, covariates))
    groups = tuple(refit_groups(ends, refit_every))
    parts = [groups] if together else [(group,) for group in groups]
    tasks = [Task(forecaster, history, part, leads) for forecaster in forecasters for part in parts]
    results = run_tasks(run_task, tasks, compute, str(series.attrs.get("region", "unnamed")))
    return forecast_table(series, names, ends, list(chain.from_iterable(results)), leads, refit_every)


def planned_backtest(
    series: xr.Dataset,
    covariates: xr.Dataset,
    forecasters: Sequence[Forecaster],
    plan: BacktestParams,
    compute: ComputeParams,
    *,
    together: bool = False,
) -> xr.Dataset:
    """`backtest` at the origins of `plan`; for a skipped series, a table with the reason alone."""
    if "skipped" in series.attrs:
        region, reason = series.attrs["region"], series.attrs["skipped"]
        log.warning("%s: skipped, %s", region, reason)
        return xr.Dataset(attrs={"region": region, "skipped": reason})
    when = origins(plan.first_origin, plan.every, plan.origins)
    return backtest(
        series,
        covariates,
        forecasters,
        when,
        plan.leads,
        plan.refit_every,
        min_history=plan.min_history,
        compute=compute,
        together=together,
    )


def early_backtest(
    series: xr.Dataset,
    covariates: xr.Dataset,
    forecasters: Sequence[Forecaster],
    plan: BacktestParams,
    choice: OpponentParams,
    compute: ComputeParams,
) -> xr.Dataset:
    """Hindcasts that the opponent is chosen on: `backtest` on the record cut before `choice.verified_before`.

    A record that is skipped or too short gives a table with the reason alone.
    """
    cut = np.datetime64(choice.verified_before, "M") - MONTH
    months = int((cut - np.datetime64(choice.first_origin, "M")).astype(int))
    early = plan.model_copy(
        update={
            "first_origin": choice.first_origin,
            "every": choice.every,
            "origins": 1 + (months - 1) // choice.every,
        }
    )
    try:
        return planned_backtest(known_at(series, cut), covariates, forecasters, early, compute)
    except ClimateError as error:
        log.info("not used to choose the opponent: %s", error)
        return xr.Dataset(attrs={"region": series.attrs.get("region", "unnamed"), "skipped": str(error)})


def observations(values: FloatArray, ends: Sequence[int], leads: int) -> FloatArray:
    """Values (..., origin, lead) of `values` (..., time) after the first `ends` months; NaN beyond the last."""
    position = np.asarray(ends)[:, None] - 1 + np.arange(1, leads + 1)
    length = values.shape[-1]
    return np.where(position < length, values[..., np.minimum(position, length - 1)], np.nan)


def forecast_table(
    series: xr.Dataset,
    names: Sequence[str],
    ends: Sequence[int],
    results: Sequence[TaskResult],
    leads: int,
    refit_every: int,
) -> xr.Dataset:
    """Forecast table, see `backtest`, from the results of all tasks: models outer, estimations inner."""
    per_model = len(results) // len(names)
    by_model = [results[start : start + per_model] for start in range(0, len(results), per_model)]
    observed = observations(np.asarray(series["value"].values, dtype=float), ends, leads)
    position = np.asarray(ends)[:, None] - 1 + np.arange(1, leads + 1)
    first_month = series["time"].values[0].astype("datetime64[M]")
    valid_time = (first_month + position * MONTH).astype(TIME_DTYPE)
    copied: dict[str, Any] = {key: series.attrs[key] for key in ("region", "title", "units") if key in series.attrs}
    units = {"units": series.attrs.get("units", "")}
    table = xr.Dataset(
        {
            "forecast": (
                ("model", "origin", "lead", "quantile"),
                np.stack([np.concatenate([result.forecasts[0] for result in model]) for model in by_model]),
                {"long_name": "forecast quantile", **units},
            ),
            "observed": (
                ("origin", "lead"),
                observed,
                {"long_name": "observation, where it exists", **units},
            ),
            "parameters": (
                "model",
                [model[-1].parameters for model in by_model],
                {"long_name": "values estimated per fit"},
            ),
            "fallbacks": (
                "model",
                [sum(result.fallbacks for result in model) for model in by_model],
                {"long_name": "fits that failed and were replaced by a simpler model"},
            ),
        },
        coords={
            "model": np.array(names, dtype=object),
            "origin": ("origin", series["time"].values[np.asarray(ends) - 1].astype(TIME_DTYPE)),
            "lead": ("lead", np.arange(1, leads + 1), {"long_name": "months ahead of the origin"}),
            "quantile": ("quantile", np.array(QUANTILES)),
            "valid_time": (("origin", "lead"), valid_time, {"long_name": "month that is forecast"}),
        },
        attrs={
            **copied,
            "refit_every": refit_every,
            "refit_policy": f"expanding window; parameters estimated at the first origin and again when {refit_every} "
            "months have passed; in between, new months update the state alone",
        },
    )
    return table.assign(seeds=seeds) if (seeds := _seeds(by_model)) is not None else table


def _seeds(by_model: Sequence[Sequence[TaskResult]]) -> xr.Variable | None:
    """Forecasts of seeds (model, seed, origin, lead, quantile), NaN where a model has fewer; None without any."""
    parts = [[result.seeds[:, 0] for result in model if result.seeds is not None] for model in by_model]
    by_row = {row: np.concatenate(seeds, axis=1) for row, seeds in enumerate(parts) if seeds}
    if not by_row:
        return None
    _, *shape = next(iter(by_row.values())).shape
    values = np.full((len(by_model), max(map(len, by_row.values())), *shape), np.nan, dtype=np.float32)
    for row, seeds in by_row.items():
        values[row, : len(seeds)] = seeds
    about = {"long_name": "forecast quantile of each seed, before calibration"}
    return xr.Variable(("model", "seed", "origin", "lead", "quantile"), values, about)
