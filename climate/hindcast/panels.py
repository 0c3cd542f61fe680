"""Sets: every place of a source at once, from its records to scores.

A set keeps no forecasts: each part of it is forecast, scored and forgotten, so that memory does not grow with the
number of places. Places that stand for others are marked and left out of what is said of the set as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, IntArray
from climate.forecasters.classical.batch import BatchForecaster
from climate.forecasters.classical.trend import MIN_MONTHS, NORMAL_MONTHS
from climate.forecasters.registry import make
from climate.harmonize.anomaly import calendar_month, climatology
from climate.harmonize.grid import weighted_means
from climate.harmonize.regions import footprint, is_grid
from climate.harmonize.series import month, month_axis, months_of
from climate.hindcast.rolling import backtest, batch_hindcasts
from climate.params.regions import HarmonizeParams, RegionDefinition
from climate.params.sections import BacktestParams, PanelDefinition
from climate.schema import QUANTILES, TIME_DTYPE
from climate.verify.losses import LOWER, UPPER, crps_from_quantiles

if TYPE_CHECKING:
    import geopandas

CONTINENTS = ("Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America")
"""Entries that stand among countries and hold other ones."""

WITHOUT_TERRITORIES = " (Europe)"
"""Ending of a country's second entry, which leaves its overseas territories out."""

VERIFIED_MONTHS = 12
"""Between the last origin and the end of the records, where a set does not say when its first origin is."""

CHUNK = 32
"""Places per task; their forecasts are in memory at the same time."""


@dataclass(frozen=True)
class Members:
    """The places of a set that can be forecast, and why others cannot.

    Attributes:
        dataset: `value` (series, time) as anomaly from the baseline per calendar month, NaN where there is no value;
            coordinates along `series`: `mark` ("" or why a place is left out of counts), `latitude`, `longitude`.
        skipped: name -> reason.
    """

    dataset: xr.Dataset
    skipped: dict[str, str]


def members(
    record: xr.Dataset,
    definition: PanelDefinition,
    shapes: geopandas.GeoDataFrame,
    params: HarmonizeParams,
) -> Members:
    """The places of `definition`: each polygon of a grid's `shapes`, else each series of a table.

    Temperatures become anomalies from the common baseline. A place without values there, or no cell of the grid, is
    skipped by name.
    """
    skipped: dict[str, str] = {}
    table = _cut_out(record, definition, shapes, params, skipped) if is_grid(record) else _published(record)
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
        raise ClimateError(f"panel '{definition.title}': no place can be forecast: {next(iter(skipped.values()), '')}")
    kept = table.sel(series=list(rows))
    kept = kept.assign(value=(("series", "time"), np.stack(list(rows.values()))))
    kept = kept.assign_coords(mark=("series", marks(kept)))
    attrs: dict[str, Any] = {"title": definition.title, "units": record.attrs["units"], "source": definition.source}
    attrs["cut_out"] = int(is_grid(record))
    attrs["baseline"] = f"{params.baseline[0]}-{params.baseline[1]}"
    return Members(kept.drop_attrs().assign_attrs(attrs), skipped)


def _published(record: xr.Dataset) -> xr.Dataset:
    months = months_of(record["time"])
    wanted = month_axis(months.min(), months.max())
    table = record[["value"]].assign_coords(time=months.astype(TIME_DTYPE)).reindex(time=wanted)
    nowhere = np.full(table.sizes["series"], np.nan)
    places = {
        name: ("series", record[name].values if name in record else nowhere) for name in ("latitude", "longitude")
    }
    return table.transpose("series", "time").assign_coords(places)


def _cut_out(
    record: xr.Dataset,
    definition: PanelDefinition,
    shapes: geopandas.GeoDataFrame,
    params: HarmonizeParams,
    skipped: dict[str, str],
) -> xr.Dataset:
    found, places = {}, []
    for name, geometry in zip(shapes["name"], shapes.geometry, strict=True):
        one = RegionDefinition(title=name, source=definition.source, country=name, shapes=definition.shapes)
        try:
            found[name] = footprint(name, one, record["value"], {definition.shapes: shapes})
        except ClimateError as error:
            skipped[name] = str(error)
            continue
        spot = geometry.representative_point()
        places.append((spot.y, spot.x))
    means = weighted_means(record["value"], found, params.min_coverage)
    values = xr.Dataset({"value": (("series", "time"), np.stack([one.values for one in means.values()]))})
    latitude, longitude = np.array(places).T
    return values.assign_coords(
        series=list(means),
        time=months_of(record["time"]).astype(TIME_DTYPE),
        latitude=("series", latitude),
        longitude=("series", longitude),
    )


def marks(table: xr.Dataset) -> list[str]:
    """Why a place is left out of counts: a continent, a twin, or the same values as another; "" for all others."""
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
    """The newest month in which half of the places or more have a value (datetime64[M])."""
    share = np.isfinite(value.transpose("series", "time").values).mean(axis=0)
    return np.datetime64(months_of(value["time"])[np.flatnonzero(share >= 0.5)[-1]], "M")


def panel_origins(
    definition: PanelDefinition, plan: BacktestParams, value: xr.DataArray, earliest: np.datetime64 | None = None
) -> list[np.datetime64]:
    """Origins of a set (datetime64[M]): up to a year before the end of the records, as many as `plan` has or fit.

    From the set's own first origin on, or else backwards from the end, none before `earliest`.
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


def drop_short(found: Members, ends: Sequence[int], min_history: int) -> Members:
    """Without places that have too few values at the first origin or end before the last one."""
    values, months = found.dataset["value"].values, months_of(found.dataset["time"])
    skipped = dict(found.skipped)
    keep = []
    for row, name in enumerate(found.dataset["series"].values.astype(str)):
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
            keep.append(row)
    if not keep:
        raise ClimateError(
            f"panel '{found.dataset.attrs['title']}': no place is long enough: {next(iter(skipped.values()))}"
        )
    return Members(found.dataset.isel(series=keep), skipped)


@dataclass(frozen=True)
class Chunk:
    """Some places of a set, and what to do with them."""

    values: FloatArray
    time: Any
    models: tuple[str, ...]
    batches: Mapping[str, BatchForecaster]
    """Forecasters of many series, by the names of models; other models are run on each place alone."""
    ends: tuple[int, ...]
    leads: int
    refit_every: int
    blocks: tuple[tuple[int, int], ...]


def chunks(dataset: xr.Dataset, template: Chunk, size: int = CHUNK) -> list[Chunk]:
    """Parts of the set with `size` places each."""
    values = dataset["value"].values
    return [replace(template, values=values[start : start + size]) for start in range(0, len(values), size)]


def score_chunk(chunk: Chunk) -> dict[str, FloatArray]:
    """Mean scores of each place: `crps` and `covered90` (series, model, block), `cells` (series, block).

    Over the cells (origin, lead) of a block whose month has a value.
    """
    observed = _observed(chunk)
    crps, covered = [], []
    for model in chunk.models:
        forecast = hindcasts(chunk, model)
        cells = xr.DataArray(
            forecast, dims=("series", "origin", "lead", "quantile"), coords={"quantile": list(QUANTILES)}
        )
        crps.append(crps_from_quantiles(cells, observed).transpose("series", "origin", "lead").values)
        low, high = forecast[..., QUANTILES.index(LOWER)], forecast[..., QUANTILES.index(UPPER)]
        inside = ((observed.values >= low) & (observed.values <= high)).astype(float)
        covered.append(np.where(np.isfinite(observed.values), inside, np.nan))
    known = np.isfinite(observed.values)
    by_block = {"crps": np.stack(crps, axis=1), "covered90": np.stack(covered, axis=1)}
    result = {
        name: np.stack([np.nanmean(cells[..., first - 1 : last], axis=(2, 3)) for first, last in chunk.blocks], axis=-1)
        for name, cells in by_block.items()
    }
    result["cells"] = np.stack([known[..., first - 1 : last].sum(axis=(1, 2)) for first, last in chunk.blocks], axis=-1)
    return result


def hindcasts(chunk: Chunk, model: str) -> FloatArray:
    """Forecasts (series, origin, lead, quantile) of one model."""
    months: IntArray = months_of(chunk.time).astype(np.int64) % 12
    if model in chunk.batches:
        return batch_hindcasts(chunk.values, months, chunk.batches[model], chunk.ends, chunk.leads, chunk.refit_every)
    tables = []
    for values in chunk.values:
        known = np.flatnonzero(np.isfinite(values))
        own = slice(int(known[0]), int(known[-1]) + 1)
        series = xr.Dataset({"value": ("time", values[own])}, coords={"time": chunk.time[own]})
        wanted = [chunk.time[end - 1] for end in chunk.ends]
        table = backtest(series, None, [make(model)], wanted, chunk.leads, chunk.refit_every, min_history=1)
        tables.append(table["forecast"].values[0, : len(wanted)])
    return np.stack(tables)


def _observed(chunk: Chunk) -> xr.DataArray:
    length = chunk.values.shape[1]
    position = np.asarray(chunk.ends)[:, None] - 1 + np.arange(1, chunk.leads + 1)
    found = np.where(position < length, chunk.values[:, np.minimum(position, length - 1)], np.nan)
    return xr.DataArray(found, dims=("series", "origin", "lead"))


def join(found: Members, parts: Sequence[Mapping[str, FloatArray]], chunk: Chunk, blocks: Sequence[str]) -> xr.Dataset:
    """Scores of the whole set, with what is needed to show them."""
    whole = {name: np.concatenate([part[name] for part in parts]) for name in ("crps", "covered90", "cells")}
    units = found.dataset.attrs["units"]
    time = np.asarray(chunk.time)
    return xr.Dataset(
        {
            "crps": (("series", "model", "block"), whole["crps"], {"units": units, "long_name": "mean CRPS"}),
            "covered90": (
                ("series", "model", "block"),
                whole["covered90"],
                {"long_name": "share of observations inside the 90% interval"},
            ),
            "cells": (("series", "block"), whole["cells"].astype(float), {"long_name": "pairs of origin and lead"}),
            "reason": ("skipped", np.array(list(found.skipped.values()), dtype=object)),
        },
        coords={
            "series": found.dataset["series"].values.astype(object),
            "model": np.array(chunk.models, dtype=object),
            "block": np.array(list(blocks), dtype=object),
            "skipped": np.array(list(found.skipped), dtype=object),
            **{
                name: ("series", found.dataset[name].values.astype(object if name == "mark" else float))
                for name in ("mark", "latitude", "longitude")
            },
        },
        attrs={
            **found.dataset.attrs,
            "first_origin": str(months_of(time)[chunk.ends[0] - 1]),
            "last_origin": str(months_of(time)[chunk.ends[-1] - 1]),
            "origins": len(chunk.ends),
            "leads": chunk.leads,
            "last_month": str(last_month(found.dataset["value"])),
        },
    )
