"""From a region's definition and the records to the region's series, in the unit and baseline of its publisher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError, suggest
from climate.harmonize.anomaly import joint_baseline_note
from climate.harmonize.completeness import Cadence, means, rule
from climate.harmonize.grid import (
    ROUNDING,
    Baseline,
    Footprint,
    box_footprint,
    point_footprint,
    polygon_footprint,
    weighted_means,
)
from climate.harmonize.polygons import region_polygon
from climate.harmonize.series import (
    add_history,
    describe,
    gap_free,
    label_periods,
    make_series,
    months_of,
    require_alike,
    spacing,
)
from climate.params.regions import HarmonizeParams, MissingParams, RegionDefinition
from climate.schema import TIME_DTYPE
from climate.sources.readers.grid.opening import is_grid
from climate.sources.units import conversion

if TYPE_CHECKING:
    import geopandas

Periods = Mapping[str, Sequence[Mapping[str, str]]]
"""Source key -> collection periods declared for the whole of it: {name, from}, `from` as "YYYY-MM"."""

MAX_SEASONAL_SHARE = 0.001
"""Of a region's area, in cells of absolute values that have a climatology in some calendar months only. Cells at a pole
may be 50 K colder than the region, so that the mean without a thousandth of the area is off by 0.05 K at most."""

CARRIED = ("units", "quantity", "kind", "baseline")

SPACING = {"monthly": (1, 1), "annual": (12, np.inf)}
"""Cadence -> least and greatest median of months between the values of a record that declares it."""


def published_series(
    record: xr.Dataset, source: str, series: str | None, missing: MissingParams, periods: Periods | None = None
) -> xr.Dataset:
    """One series of a table on a month axis (time), gap-free from its first to its last value; temperatures in degC.

    Daily and weekly values become monthly means under `missing.daily` and `missing.weekly`; several values of an
    irregular record in a month are averaged. Nothing is interpolated. Raises ClimateError for an unknown series, a
    month that stands twice in a monthly record, a spacing that is not the declared cadence, or a series without any
    value.
    """
    if is_grid(record):
        raise ClimateError(f"source '{source}' is a grid and has no published series; take a box, point or country")
    names = [str(name) for name in record["series"].values]
    if series is None and len(names) != 1:
        raise ClimateError(f"source '{source}' has {len(names)} series, name one of them, such as {suggest('', names)}")
    wanted = names[0] if series is None else series
    if wanted not in names:
        raise ClimateError(
            f"source '{source}': unknown series '{wanted}', expected one such as {suggest(wanted, names)}"
        )
    table = record.isel(series=names.index(wanted))
    table = in_celsius(table.isel(time=np.flatnonzero(np.isfinite(table["value"].values))), f"source '{source}'")
    what = f"source '{source}', series '{wanted}'"
    if not table.sizes["time"]:
        raise ClimateError(f"{what}: found no value in the whole record, expected some; choose another series")
    cadence = str(record.attrs.get("cadence", "monthly"))
    if cadence == "daily":
        table = _monthly(table, "daily", missing.daily)
    elif cadence == "weekly":
        table = _monthly(table, "weekly", missing.weekly)
    elif cadence == "irregular":
        table = _one_a_month(table)
    months = months_of(table["time"])
    disorder = np.flatnonzero(np.diff(months).astype(np.int64) <= 0)
    if disorder.size:
        raise ClimateError(
            f"{what}: found {months[disorder[0] + 1]} after {months[disorder[0]]}, expected every month once and in "
            f"order; correct the cadence ({cadence}) in your own entry, or choose another vintage"
        )
    _check_spacing(table["value"], cadence, what)
    attrs = {name: table.attrs.get(name, "") for name in CARRIED}
    declared = (periods or {}).get(source, ())
    result = make_series(
        table["time"].values,
        np.asarray(table["value"].values, dtype=np.float64),
        attrs | describe(str(attrs["quantity"]), str(attrs["kind"])) | {"sources": source},
        source=source,
        site=table["site"].values if "site" in table else "",
        period=label_periods(table["time"], declared) if declared else table["period"].values,
        uncertainty=table["uncertainty"].values if "uncertainty" in table else None,
        interpolated=table["interpolated"].values if "interpolated" in table else None,
    )
    correction = f", corrected: {record.attrs['corrections']}" if record.attrs.get("corrections") else ""
    return add_history(gap_free(result), f"series '{wanted}' of {source}{correction}")


def in_celsius(record: xr.Dataset, what: str) -> xr.Dataset:
    """A table or grid of temperature in degC, so that records in K join and mix; other quantities as they are.

    `what` names the record in the ClimateError for a unit that is none of temperature.
    """
    if record.attrs["quantity"] != "temperature" or record.attrs["units"] == "degC":
        return record
    factor, offset = conversion(
        str(record.attrs["units"]), "degC", difference=record.attrs["kind"] == "anomaly", what=what
    )
    converted = record.assign(value=record["value"] * factor + offset).assign_attrs(units="degC")
    return converted.assign(uncertainty=record["uncertainty"] * factor) if "uncertainty" in record else converted


def _check_spacing(value: xr.DataArray, cadence: str, what: str) -> None:
    """ClimateError where the values (time) lie further apart, or closer, than the declared cadence says."""
    least, greatest = SPACING.get(cadence, (0, np.inf))
    apart = spacing(value)
    if value.size > 2 and not least <= apart <= greatest:
        actual = next((name for name, (low, high) in SPACING.items() if low <= apart <= high), "irregular")
        raise ClimateError(
            f"{what}: found {actual} values, one in {apart:g} months, expected {cadence} ones as its cadence declares; "
            f"declare cadence: {actual} in the source's entry"
        )


def _monthly(table: xr.Dataset, cadence: Cadence, rule_name: str) -> xr.Dataset:
    """Daily or weekly values as monthly means; site and period of a month are those of its first value."""
    monthly = means(table["value"], cadence, "month", rule(rule_name))
    months = months_of(table["time"])
    first = np.searchsorted(months, months_of(monthly["time"]))
    result = table.isel(time=first).assign_coords(time=monthly["time"])
    result["value"] = monthly["value"]
    result["uncertainty"] = xr.full_like(monthly["value"], np.nan)
    return result.isel(time=np.flatnonzero(np.isfinite(result["value"].values)))


def _one_a_month(table: xr.Dataset) -> xr.Dataset:
    months = months_of(table["time"])
    unique, first, position, count = np.unique(months, return_index=True, return_inverse=True, return_counts=True)
    if unique.size == months.size:
        return table
    mean = np.bincount(position, weights=table["value"].values) / count
    result = table.isel(time=first).assign_coords(time=unique.astype(TIME_DTYPE))
    error = np.where(count == 1, result["uncertainty"].values, np.nan)
    return result.assign(value=("time", mean), uncertainty=("time", error))


def footprint(
    name: str,
    definition: RegionDefinition,
    field: xr.DataArray,
    shapes: Mapping[str, geopandas.GeoDataFrame],
    min_coverage: float,
) -> Footprint:
    """The cells of `field` that a box, point, country or AR6 region takes.

    ClimateError when it takes none, or the grid covers less than `min_coverage` of its area.
    """
    if definition.box is not None:
        result = box_footprint(field, definition.box)
    elif definition.point is not None:
        result = point_footprint(field, definition.point)
    else:
        key = str(definition.polygons)
        result = polygon_footprint(field, region_polygon(definition, shapes[key], f"region '{name}', shapes '{key}'"))
    require_cover(result, name, f"its {definition.kind}", str(definition.source), min_coverage)
    return result


def require_cover(result: Footprint, name: str, remedy: str, source: str, min_coverage: float) -> None:
    """ClimateError where a region has no cell, or cells on less than `min_coverage` of its area."""
    if not result.cells.size:
        raise ClimateError(
            f"region '{name}': source '{source}' does not cover it, expected at least one cell inside; correct "
            f"{remedy} or choose another source"
        )
    if result.share < min_coverage * (1 - ROUNDING):
        raise ClimateError(
            f"region '{name}': source '{source}' covers {result.share:.0%} of its area, expected at least "
            f"{min_coverage:.0%}; choose another source or lower harmonize.min_coverage"
        )


def why_unusable(name: str, source: str, mean: xr.DataArray, params: HarmonizeParams) -> str:
    """Why the area mean (time) of region `name` by `weighted_means` cannot be used; "" if it can."""
    known = f"{params.baseline_min_years} years of values in {params.baseline[0]}-{params.baseline[1]}"
    if mean.attrs["seasonal_share"] > MAX_SEASONAL_SHARE:
        return (
            f"region '{name}': {mean.attrs['seasonal_share']:.1%} of the area has cells of '{source}' with {known} in "
            "some calendar months only, such as outside the polar night, expected in all or none; choose a region "
            "without these cells or another source"
        )
    if np.isfinite(mean.values).any():
        return ""
    if mean.attrs["anomalies_first"] and mean.attrs["share"] < params.min_coverage:
        return (
            f"region '{name}': the cells of '{source}' with values change in time, and {mean.attrs['share']:.0%} of "
            f"the area has cells with {known}, expected at least {params.min_coverage:.0%}; choose another "
            "harmonize.baseline, a lower baseline_min_years or another source"
        )
    return (
        f"region '{name}': source '{source}' has no month with values on {params.min_coverage:.0%} of its area; "
        "choose another source or lower harmonize.min_coverage"
    )


def grid_series(
    grid: xr.Dataset,
    source: str,
    definitions: Mapping[str, RegionDefinition],
    shapes: Mapping[str, geopandas.GeoDataFrame],
    params: HarmonizeParams,
    periods: Periods | None = None,
) -> dict[str, xr.Dataset]:
    """Area means of one gridded source for many regions, in one pass over the field; each a series (time).

    Temperatures are in degC. attrs say the number of cells, the share of the region's area in cells that can have a
    part in the mean, and the rule for months with missing cells. ClimateError for a region of which the grid covers too
    little, or without any value.
    """
    grid = in_celsius(grid, f"source '{source}'")
    field = grid["value"]
    min_coverage = params.min_coverage
    footprints = {
        name: footprint(name, definition, field, shapes, min_coverage) for name, definition in definitions.items()
    }
    means_of = weighted_means(field, footprints, min_coverage, Baseline.of(grid, params))
    period = label_periods(field["time"], (periods or {}).get(source, ()))
    result = {}
    for name, mean in means_of.items():
        if reason := why_unusable(name, source, mean, params):
            raise ClimateError(reason)
        attrs = {key: grid.attrs.get(key, "") for key in CARRIED}
        attrs |= describe(str(attrs["quantity"]), str(attrs["kind"])) | {
            "sources": source,
            "cells": int(footprints[name].cells.size),
            "covered_share": round(mean.attrs["share"], 6),
            "coverage_rule": f"months with values on at least {min_coverage:.0%} of the area",
        }
        regional = make_series(mean["time"].values, mean.values, attrs, source=source, period=period)
        point = definitions[name].point
        how = "area mean" if point is None else f"{point.method} value"
        if definitions[name].part is not None:
            how = f"{how} of the {definitions[name].part} alone"
        if mean.attrs["anomalies_first"]:
            how = f"{how} of cell anomalies plus that of their climatology, since coverage changes,"
        result[name] = add_history(gap_free(regional), f"{how} over {attrs['cells']} cells of {source}")
    return result


def mix(name: str, weights: Mapping[str, float], members: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Weighted mean of regions (time); NaN wherever one of them has no value, so that no step comes from a gap.

    Weights are scaled to a sum of 1. Uncertainties add up in full: members may share their errors. Raises ClimateError
    on different quantities, units, kinds or baselines, or without a month in common.
    """
    require_alike(f"region '{name}'", members, ("quantity", "units", "kind", "baseline"))
    aligned = dict(zip(weights, xr.align(*(gap_free(members[key]) for key in weights), join="inner"), strict=True))
    total = sum(weights.values())
    first = next(iter(aligned.values()))
    value, error = np.zeros(first.sizes["time"]), np.zeros(first.sizes["time"])
    for key, weight in weights.items():
        value = value + weight / total * aligned[key]["value"].values
        error = error + weight / total * aligned[key]["uncertainty"].values
    if not np.isfinite(value).any():
        raise ClimateError(f"region '{name}': its members have no month in common, expected some; change the mix")
    sources = ",".join(
        dict.fromkeys(key for member in aligned.values() for key in str(member.attrs["sources"]).split(","))
    )
    attrs = {key: first.attrs[key] for key in (*CARRIED, "long_name", "standard_name") if key in first.attrs}
    mixed = make_series(
        first["time"].values,
        np.asarray(value),
        attrs | {"sources": sources, "baseline_note": joint_baseline_note(members)},
        source=_merged([member["source"].values for member in aligned.values()]),
        site=_merged([member["site"].values for member in aligned.values()]),
        period=_merged([member["period"].values for member in aligned.values()]),
        uncertainty=np.asarray(error),
        interpolated=np.any([member["interpolated"].values for member in aligned.values()], axis=0),
    )
    shares = ", ".join(f"{weight / total:.4g} {key}" for key, weight in weights.items())
    return add_history(gap_free(mixed), f"weighted mean of {shares}")


def _merged(texts: Sequence[Any]) -> Any:
    together = [
        ", ".join(dict.fromkeys(filter(None, row))) for row in zip(*(map(str, text) for text in texts), strict=True)
    ]
    return np.array(together)
