"""Panels: every region of a source at once, from its records to scores.

A panel keeps no forecasts: each part of it is forecast, scored and discarded, so that memory does not grow with the
number of regions. Regions that repeat others are marked and left out of statistics of the whole panel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, Forecaster, panel_values
from climate.forecasters.classical.trend import MIN_MONTHS, NORMAL_MONTHS
from climate.harmonize.anomaly import calendar_month, climatology
from climate.harmonize.grid import Baseline, polygon_footprint, weighted_means
from climate.harmonize.regions import require_cover, why_unusable
from climate.harmonize.series import month, month_axis, months_of
from climate.hindcast.rolling import observations, panel_hindcasts
from climate.parallel.tasks import run_tasks, settled
from climate.params.params import Params
from climate.params.regions import HarmonizeParams, check_no_lookahead
from climate.params.sections import BacktestParams, PanelDefinition
from climate.schema import QUANTILES, TIME_DTYPE
from climate.sources.readers.grid.opening import is_grid
from climate.verify.losses import LOWER, UPPER, block_losses, crps_from_quantiles

if TYPE_CHECKING:
    import geopandas

CONTINENTS = ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America")
"""Entries among the countries that contain others."""

WITHOUT_TERRITORIES = " (Europe)"
"""Ending of a country's second entry, which excludes its overseas territories."""

VERIFIED_MONTHS = 12
"""Months between the last origin and the end of the records, unless the panel sets its first origin."""

REGIONS_PER_TASK = 32
"""Regions whose forecasts are in memory at the same time."""


COORDINATES = ("mark", "latitude", "longitude", "area")
"""What is known of each region of a panel."""


@dataclass(frozen=True)
class Panel:
    """The regions of a panel that can be forecast, and the reasons why others cannot.

    Attributes:
        dataset: `value` (series, time), for temperature the anomaly from the baseline per calendar month, NaN where
            there is no value; coordinates along `series`: `mark` ("" or why a region is not counted), `latitude`,
            `longitude`, and `area` (steradian; 1 where a region's area is unknown).
        skipped: name -> reason.
    """

    dataset: xr.Dataset
    skipped: dict[str, str]


def cut_panel(
    record: xr.Dataset,
    definition: PanelDefinition,
    shapes: geopandas.GeoDataFrame,
    params: HarmonizeParams,
) -> Panel:
    """The regions of `definition`: each polygon of a grid's `shapes`, else each series of a table.

    Temperatures become anomalies from the common baseline. Regions without values there, or without a cell of the
    grid, are skipped with the reason. Raises ClimateError if no region remains.
    """
    skipped: dict[str, str] = {}
    table = _cut_out(record, definition, shapes, params, skipped) if is_grid(record) else _published(record)
    table = table.sel(time=slice(definition.start, None))
    calendar = calendar_month(table["time"])
    rows = {}
    for name in table["series"].values.astype(str):
        value = table["value"].sel(series=name)
        try:
            if record.attrs["quantity"] == "temperature":
                normal = climatology(value, params.baseline, params.baseline_min_years, f"'{name}'")
                value = value - normal.values[calendar - 1]
            elif not np.isfinite(value.values).any():
                raise ClimateError(f"'{name}': found no value in the whole record, expected some")
        except ClimateError as error:
            skipped[name] = str(error)
            continue
        rows[name] = value.values
    if not rows:
        raise ClimateError(f"panel '{definition.title}': no region can be forecast: {next(iter(skipped.values()), '')}")
    dataset = table.sel(series=list(rows)).assign(value=(("series", "time"), np.stack(list(rows.values()))))
    dataset = dataset.assign_coords(mark=("series", reasons_not_counted(dataset)))
    attrs: dict[str, Any] = {"title": definition.title, "units": record.attrs["units"], "source": definition.source}
    attrs["quantity"] = str(record.attrs["quantity"])
    attrs["cut_out"] = int(is_grid(record))
    attrs["baseline"] = f"{params.baseline[0]}-{params.baseline[1]}"
    return Panel(dataset.drop_attrs().assign_attrs(attrs), skipped)


def _published(record: xr.Dataset) -> xr.Dataset:
    months = months_of(record["time"])
    axis = month_axis(months.min(), months.max())
    table = record[["value"]].assign_coords(time=months.astype(TIME_DTYPE)).reindex(time=axis)
    unknown = np.full(table.sizes["series"], np.nan)
    coordinates = {
        name: ("series", record[name].values if name in record else unknown) for name in ("latitude", "longitude")
    }
    coordinates["area"] = ("series", np.ones(table.sizes["series"]))
    return table.transpose("series", "time").assign_coords(coordinates)


def _cut_out(
    record: xr.Dataset,
    definition: PanelDefinition,
    shapes: geopandas.GeoDataFrame,
    params: HarmonizeParams,
    skipped: dict[str, str],
) -> xr.Dataset:
    footprints, points = {}, {}
    for name, geometry in zip(shapes["name"], shapes.geometry, strict=True):
        cells = polygon_footprint(record["value"], geometry)
        try:
            require_cover(cells, name, f"the polygon in {definition.shapes}", definition.source, params.min_coverage)
        except ClimateError as error:
            skipped[name] = str(error)
            continue
        footprints[name] = cells
        point = geometry.representative_point()
        points[name] = point.y, point.x
    means = weighted_means(record["value"], footprints, params.min_coverage, Baseline.of(record, params))
    reasons = {name: why_unusable(name, definition.source, mean, params) for name, mean in means.items()}
    skipped |= {name: reason for name, reason in reasons.items() if reason}
    means = {name: mean for name, mean in means.items() if not reasons[name]}
    if not means:
        raise ClimateError(f"panel '{definition.title}': no region can be forecast: {next(iter(skipped.values()), '')}")
    values = xr.Dataset({"value": (("series", "time"), np.stack([mean.values for mean in means.values()]))})
    latitude, longitude = np.array([points[name] for name in means]).T
    return values.assign_coords(
        series=list(means),
        time=months_of(record["time"]).astype(TIME_DTYPE),
        latitude=("series", latitude),
        longitude=("series", longitude),
        area=("series", [footprints[name].area for name in means]),
    )


def reasons_not_counted(table: xr.Dataset) -> list[str]:
    """Why each region is not counted: a continent, a twin, or the same values as another; "" if it is counted."""
    names = [str(name) for name in table["series"].values]
    seen: dict[bytes, str] = {}
    result = []
    for name, values in zip(names, table["value"].values, strict=True):
        stem = name.removesuffix(WITHOUT_TERRITORIES)
        first = seen.setdefault(np.nan_to_num(values, nan=-1e9).tobytes(), name)
        if name in CONTINENTS:
            result.append("continent")
        elif stem != name and stem in names:
            result.append(f"twin of {stem}")
        elif first != name:
            result.append(f"same values as {first}")
        else:
            result.append("")
    return result


def last_month(value: xr.DataArray) -> np.datetime64:
    """The newest month in which half of the regions or more have a value (datetime64[M])."""
    share = np.isfinite(value.transpose("series", "time").values).mean(axis=0)
    return np.datetime64(months_of(value["time"])[np.flatnonzero(share >= 0.5)[-1]], "M")


def panel_origins(
    definition: PanelDefinition, plan: BacktestParams, value: xr.DataArray, earliest: np.datetime64 | None = None
) -> list[np.datetime64]:
    """Origins of a panel (datetime64[M]) up to VERIFIED_MONTHS before the end of the records, at most `plan.origins`.

    Counted from the panel's own first origin, or else backwards from the end; none is before `earliest`. Raises
    ClimateError if there is none.
    """
    last = last_month(value) - VERIFIED_MONTHS
    if definition.first_origin is not None:
        first = month(definition.first_origin)
    else:
        first = last - plan.every * (plan.origins - 1)
        while earliest is not None and first < earliest:
            first += plan.every
    count = min(plan.origins, int((last - first).astype(int)) // plan.every + 1)
    months = months_of(value["time"])
    if count < 1 or first < months[0] or (earliest is not None and first < earliest):
        limit = max(months[0], earliest) if earliest is not None else months[0]
        raise ClimateError(
            f"panel '{definition.title}': no origin between {limit} and {last}, expected at least one; first_origin is "
            f"{definition.first_origin or 'not set'}"
        )
    return [first + plan.every * step for step in range(count)]


def drop_short(panel: Panel, ends: Sequence[int], min_history: int) -> Panel:
    """`panel` without regions that have too few values up to the first origin or end before the last one."""
    values, months = panel.dataset["value"].values, months_of(panel.dataset["time"])
    skipped = dict(panel.skipped)
    rows = []
    for row, name in enumerate(panel.dataset["series"].values.astype(str)):
        known = np.isfinite(values[row])
        before, recent = int(known[: ends[0]].sum()), int(known[max(0, ends[0] - NORMAL_MONTHS) : ends[0]].sum())
        if before < min_history or recent < MIN_MONTHS:
            skipped[name] = (
                f"found {before} months with a value up to the first origin, {recent} of them recent, expected "
                f"{min_history} and {MIN_MONTHS}"
            )
        elif not known[ends[-1] - 1 :].any():
            skipped[name] = f"ends in {months[known][-1]}, before the last origin {months[ends[-1] - 1]}"
        else:
            rows.append(row)
    if not rows:
        raise ClimateError(
            f"panel '{panel.dataset.attrs['title']}': no region is long enough: {next(iter(skipped.values()))}"
        )
    return Panel(panel.dataset.isel(series=rows), skipped)


@dataclass(frozen=True)
class PanelTask:
    """Some regions of a panel, `value` (place, time), and the settings of their hindcasts."""

    history: xr.Dataset
    forecasters: tuple[Forecaster, ...]
    ends: tuple[int, ...]
    leads: int
    refit_every: int
    blocks: Mapping[str, tuple[int, int]]


def score_task(task: PanelTask) -> dict[str, FloatArray]:
    """Scores of each region over the pairs of origin and lead in a block whose month has a value.

    Means `crps` and `covered90` (series, model, block), `cells` (series, block), and `loss` (series, model, block,
    origin), see `losses.block_losses`.
    """
    values = observations(panel_values(task.history), task.ends, task.leads)
    known, observed = np.isfinite(values), xr.DataArray(values, dims=("series", "origin", "lead"))
    crps, covered = [], []
    for forecaster in task.forecasters:
        forecast = panel_hindcasts(task.history, forecaster, task.ends, task.leads, task.refit_every)
        cells = xr.DataArray(forecast, dims=(*observed.dims, "quantile"), coords={"quantile": list(QUANTILES)})
        crps.append(crps_from_quantiles(cells, observed).transpose(*observed.dims).values)
        low, high = forecast[..., QUANTILES.index(LOWER)], forecast[..., QUANTILES.index(UPPER)]
        covered.append(np.where(known, ((values >= low) & (values <= high)).astype(float), np.nan))
    by_block = {"crps": np.stack(crps, axis=1), "covered90": np.stack(covered, axis=1)}
    blocks = task.blocks.values()
    result = {
        name: np.stack([np.nanmean(cells[..., first - 1 : last], axis=(2, 3)) for first, last in blocks], axis=-1)
        for name, cells in by_block.items()
    }
    valid_time = task.history["time"].values[0].astype("datetime64[M]") + (
        np.asarray(task.ends)[:, None] + np.arange(task.leads)
    )
    scored = xr.Dataset(
        {"crps": (("model", *observed.dims), np.stack(crps))},
        coords={"valid_time": (observed.dims[1:], valid_time.astype(TIME_DTYPE)), "lead": np.arange(1, task.leads + 1)},
    )
    result["loss"] = block_losses(scored, task.blocks).transpose("series", "model", "block", "origin").values
    result["cells"] = np.stack([known[..., first - 1 : last].sum(axis=(1, 2)) for first, last in blocks], axis=-1)
    return result


def score_panel(
    name: str,
    panel: Panel,
    forecasters: Sequence[Forecaster],
    params: Params,
    earliest: np.datetime64 | None = None,
    covariates: xr.Dataset | None = None,
) -> xr.Dataset:
    """Scores of every region of panel `name` that is long enough.

    Args:
        name: key in params.yaml.
        panel: see `cut_panel`.
        forecasters: models, with different names.
        params: origins, leads, refits, blocks of leads, and compute settings.
        earliest: the first month from which all forecasters can forecast; None for no limit.
        covariates: harmonized covariates (time, predictor), the same for all regions.

    Returns:
        `crps` and `covered90` (series, model, block), `cells` (series, block), `loss` (series, model, block, origin),
        `reason` (skipped), and the coordinates of `Panel.dataset`.

    Raises:
        ClimateError: no region is long enough, no origin fits, or the baseline ends after the first origin.
    """
    definition, plan, value = params.panels[name], params.backtest, panel.dataset["value"]
    origins = panel_origins(definition, plan, value, earliest)
    check_no_lookahead(params.harmonize.without_joins, str(origins[0]), f"panels.{name}")
    ends = tuple(int(end) for end in np.searchsorted(months_of(value["time"]), np.array(origins)) + 1)
    panel = drop_short(panel, ends, plan.min_history)
    history = panel.dataset[["value"]].drop_vars(COORDINATES).rename(series="place")
    if covariates is not None and "covariate" in covariates:
        history["covariate"] = covariates["covariate"].reindex(time=history["time"])
    settings = (tuple(forecasters), ends, plan.leads, plan.refit_every, params.score.blocks)
    starts = range(0, history.sizes["place"], REGIONS_PER_TASK)
    tasks = [PanelTask(history.isel(place=slice(start, start + REGIONS_PER_TASK)), *settings) for start in starts]
    return panel_scores(panel, run_tasks(score_task, tasks, settled(params.compute), name), tasks[0])


def panel_scores(panel: Panel, parts: Sequence[Mapping[str, FloatArray]], task: PanelTask) -> xr.Dataset:
    """Scores of the whole panel from those of its parts, with labels and attributes for display."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    dataset, months = panel.dataset, months_of(panel.dataset["time"])
    by_model = ("series", "model", "block")
    about = {"crps": {"units": dataset.attrs["units"], "long_name": "mean CRPS"}}
    about["covered90"] = {"long_name": "share of observations inside the 90% interval"}
    return xr.Dataset(
        {name: (by_model, whole[name], attrs) for name, attrs in about.items()}
        | {
            "cells": (("series", "block"), whole["cells"].astype(float), {"long_name": "pairs of origin and lead"}),
            "loss": ((*by_model, "origin"), whole["loss"], {"long_name": "mean CRPS of an origin"}),
            "reason": ("skipped", np.array(list(panel.skipped.values()), dtype=object)),
        },
        coords={
            "series": dataset["series"].values.astype(object),
            "model": np.array([forecaster.name for forecaster in task.forecasters], dtype=object),
            "block": np.array(list(task.blocks), dtype=object),
            "origin": dataset["time"].values[np.asarray(task.ends) - 1],
            "skipped": np.array(list(panel.skipped), dtype=object),
            **{
                name: ("series", dataset[name].values.astype(object if name == "mark" else float))
                for name in COORDINATES
            },
        },
        attrs={
            **dataset.attrs,
            "first_origin": str(months[task.ends[0] - 1]),
            "last_origin": str(months[task.ends[-1] - 1]),
            "origins": len(task.ends),
            "leads": task.leads,
            "last_month": str(last_month(dataset["value"])),
        },
    )
