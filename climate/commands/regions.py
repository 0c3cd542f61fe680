"""`climate regions`: what params.yaml asks for, what came of it, and one more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
import yaml

from climate import layout
from climate.definitions import RegionDefinition, required_sources
from climate.editing import with_region
from climate.errors import ClimateError
from climate.files import read_netcdf, write_text
from climate.params import PARAMS_FILE, load_params, parse_params

BARS = " ▁▂▃▄▅▆▇█"
PLOT_WIDTH = 72
"""Columns of the small plot."""


def listing() -> str:
    """One line per region and covariate: key, title, kind and sources."""
    params = load_params()
    definitions = params.definitions
    width = max(len(name) for name in definitions)
    return "\n".join(
        f"{name:<{width}}  {definition.title}: {describe(definition)}, from "
        f"{', '.join(required_sources(name, definitions, params.harmonize))}"
        + ("  (covariate)" if name in params.covariates else "")
        for name, definition in definitions.items()
    )


def describe(definition: RegionDefinition) -> str:
    """The kind of a region and its details, in words."""
    detail = getattr(definition, definition.kind)
    if isinstance(detail, str):
        return f"{definition.kind} {detail}"
    fields = detail if isinstance(detail, dict) else detail.model_dump()
    return f"{definition.kind} {', '.join(f'{name} {_range(value)}' for name, value in fields.items())}"


def _range(value: Any) -> str:
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)


def details(region: str) -> str:
    """What a region rests on, from when to when, what is missing, and a plot of its annual means."""
    params = load_params()
    definitions = params.definitions
    if region not in definitions:
        raise ClimateError(f"unknown region '{region}': expected one of {', '.join(definitions)}")
    lines = [f"{definitions[region].title}: {describe(definitions[region])}"]
    lines += [
        f"Source: {key}, vintage {params.pull.sources[key].vintage}"
        for key in required_sources(region, definitions, params.harmonize)
    ]
    if region in params.covariates:
        return "\n".join([*lines, "A covariate: forecasters see it up to the origin."])
    series = read_netcdf(layout.series_file(region))
    if "skipped" in series.attrs:
        return "\n".join([*lines, f"Skipped: {series.attrs['skipped']}"])
    return "\n".join([*lines, *_record(series)])


def _record(series: xr.Dataset) -> list[str]:
    known = np.isfinite(series["value"].values)
    months = series["time"].values.astype("datetime64[M]")
    first, last = (int(np.flatnonzero(known)[end]) for end in (0, -1))
    missing = int((~known[first : last + 1]).sum())
    interpolated = int(series["interpolated"].values.sum())
    lines = [
        f"{months[first]} to {months[last]}: {int(known.sum())} months, {missing} missing between, "
        f"{interpolated} interpolated by the publisher; in {series.attrs['units']}"
    ]
    for label in ("period", "site"):
        names = series[label].values.astype(str)
        for name in dict.fromkeys(names[known]):
            held = np.flatnonzero(known & (names == name))
            if name:
                lines.append(f"{label.capitalize()} {name}: {months[held[0]]} to {months[held[-1]]}")
    return [*lines, *plot(series)]


def plot(series: xr.Dataset) -> list[str]:
    """Annual means as one row of bars, with the years at the ends and the range of values."""
    years = series["time"].values.astype("datetime64[Y]").astype(int) + 1970
    values = series["value"].values
    spans = np.array_split(np.unique(years), min(PLOT_WIDTH, np.unique(years).size))
    means = np.array([_mean(values[np.isin(years, span)]) for span in spans])
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    levels = np.nan_to_num((means - low) / (high - low or 1.0) * (len(BARS) - 2) + 1, nan=0.0).round().astype(int)
    return [
        "".join(BARS[level] for level in levels),
        f"{spans[0][0]}{f'{low:.2f} to {high:.2f}'.center(max(len(spans) - 8, 0))}{spans[-1][-1]}",
    ]


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def add(name: str, entry: Mapping[str, Any]) -> str:
    """Write one more region into params.yaml; the line that says what to do next. Nothing is written if it is wrong."""
    text = with_region(PARAMS_FILE.read_text(encoding="utf-8"), name, entry)
    parse_params(yaml.safe_load(text), PARAMS_FILE)
    write_text(text, PARAMS_FILE)
    return f"Added regions.{name} to {PARAMS_FILE}; `dvc repro` computes it."


def parse_box(text: str | None) -> dict[str, list[float]] | None:
    """`south,north,west,east` as an entry of params.yaml."""
    if text is None:
        return None
    south, north, west, east = _numbers(text, 4, "box", "south,north,west,east")
    return {"lat": [south, north], "lon": [west, east]}


def parse_point(text: str | None) -> dict[str, Any] | None:
    """`lat,lon` as an entry of params.yaml."""
    if text is None:
        return None
    lat, lon = _numbers(text, 2, "point", "lat,lon")
    return {"lat": lat, "lon": lon, "method": "nearest"}


def _numbers(text: str, count: int, option: str, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise ClimateError(f"--{option}: found '{text}', expected {count} numbers as {form}")
    return numbers
