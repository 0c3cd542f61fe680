"""`climate regions`: what params.yaml asks for, what comes of it, and one more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
import yaml

from climate import paths
from climate.commands.record_text import facts, plot, seam_lines
from climate.commands.region_extent import extent_lines, is_pulled, parts_lines
from climate.errors import ClimateError, suggest
from climate.files import write_text
from climate.harmonize.build import Harmonized, harmonize
from climate.harmonize.checks import examine
from climate.harmonize.series import month, months_of
from climate.params.edit import with_region
from climate.params.params import PARAMS_FILE, Params, load_params, parse_params, read_params_text
from climate.params.regions import RegionDefinition, required_sources
from climate.sources.provenance import read_provenance
from climate.sources.pulled import read_sources

ROLES = {"records": "shown, not forecast", "covariates": "a predictor, seen up to the origin"}


def listing() -> str:
    """One line per region, record and covariate: key, title, kind and sources."""
    params = load_params()
    definitions = params.definitions
    width = max(len(name) for name in definitions)
    return "\n".join(
        f"{name:<{width}}  {definition.title}: {describe(definition)}, from "
        f"{', '.join(required_sources(name, definitions, params.harmonize))}"
        + (f"  ({role})" if (role := _role(name, params)) else "")
        for name, definition in definitions.items()
    )


def _role(name: str, params: Params) -> str:
    return next((words for block, words in ROLES.items() if name in getattr(params, block)), "")


def describe(definition: RegionDefinition) -> str:
    """The kind of a region and its details, in words."""
    detail = getattr(definition, definition.kind)
    if isinstance(detail, str):
        return f"{definition.kind} {detail}"
    fields = detail if isinstance(detail, dict) else detail.model_dump()
    return f"{definition.kind} {', '.join(f'{name} {_range(value)}' for name, value in fields.items())}"


def _range(value: Any) -> str:
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)


def details(name: str) -> str:
    """What a region, record or covariate uses, from when to when, what is missing, its seams, and a plot.

    Made afresh from data/ as params.yaml asks for it, so that a new entry can be looked at before `dvc repro`. Raises
    ClimateError for an unknown name and where the region cannot be made from its sources.
    """
    params = load_params()
    if name not in params.definitions:
        raise ClimateError(
            f"unknown region '{name}': expected one of params.yaml such as {suggest(name, params.definitions)}"
        )
    definition = params.definitions[name]
    role = _role(name, params)
    lines = [f"{definition.title}: {describe(definition)}" + (f" ({role})" if role else "")]
    lines += extent_lines(name, definition)
    needed = required_sources(name, params.definitions, params.harmonize)
    lines += [_source_line(key, params) for key in needed]
    if _not_pulled(needed):
        return "\n".join([*lines, "What it holds can be told once its sources are pulled: `dvc repro`"])
    harmonized = _made(name, params)
    if harmonized.skipped:
        return "\n".join([*lines, f"Cannot be made: {harmonized.skipped[name]}"])
    series = harmonized.series[name]
    lines += facts(series)
    if harmonized.seams.sizes["seam"]:
        inside = months_of(harmonized.seams["join"]) > months_of(series["time"])[0]
        lines += seam_lines(harmonized.seams.isel(seam=np.flatnonzero(inside)))
    if name in params.regions:
        lines.append(_history(series, params))
    return "\n".join([*lines, *plot(series, params.harmonize.missing.annual)])


def _source_line(key: str, params: Params) -> str:
    """One source: the vintage that is asked for, and what data/ holds of it."""
    asked = params.pull.pinned[key].vintage
    line = f"Source: {key}, vintage {asked}, {params.pull.source(key).title}"
    if _not_pulled([key]):
        return f"{line}; not pulled yet"
    held = read_provenance(paths.DATA / key)
    if held.status == "missing":
        return f"{line}; unavailable: {'; '.join(held.reasons)}"
    if held.status == "last-good" or held.vintage != asked:
        return f"{line}; data/ holds vintage {held.vintage}"
    return line


def _not_pulled(keys: list[str]) -> list[str]:
    return [key for key in keys if not is_pulled(key)]


def _made(name: str, params: Params) -> Harmonized:
    """The harmonized region `name` and whatever it is mixed from."""
    wanted: dict[str, RegionDefinition] = {}
    queue = [name]
    while queue:
        member = queue.pop()
        wanted[member] = params.definitions[member]
        queue += list(wanted[member].mix or {})
    pulled = read_sources(required_sources(name, params.definitions, params.harmonize), examine)
    if pulled.unavailable:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in pulled.unavailable.items())
        return Harmonized({}, xr.Dataset(), {name: reasons}, {})
    used = {
        block: {key: entry for key, entry in getattr(params.harmonize, block).items() if key in names}
        for block, names in (
            ("splices", {member.splice for member in wanted.values()}),
            ("combinations", {member.combination for member in wanted.values()}),
        )
    }
    periods = {key: params.pull.source(key).periods for key in pulled.records}
    return harmonize(
        pulled.records,
        wanted,
        params.harmonize.model_copy(update=used),
        shapes=pulled.shapes,
        periods=periods,
    )


def _history(series: xr.Dataset, params: Params) -> str:
    """Whether the record reaches far enough back to be forecast from the first origin on."""
    origin, needed = params.backtest.first_origin, params.backtest.min_history
    past = np.isfinite(series["value"].values) & (months_of(series["time"]) <= month(origin))
    count = int(past.sum())
    enough = "enough" if count >= needed else f"too few, backtest.min_history asks for {needed}"
    return f"For the first forecast, from {origin}: {count} months of history, {enough}"


def add(name: str, entry: Mapping[str, Any]) -> str:
    """Write one more region into params.yaml; what it holds and what to do next, in one line.

    Nothing is written if the entry is wrong or, where its sources are in data/, if the region cannot be made of them.
    """
    text = with_region(read_params_text(), name, entry)
    params = parse_params(yaml.safe_load(text), PARAMS_FILE)
    held = ""
    if not _not_pulled(required_sources(name, params.definitions, params.harmonize)):
        harmonized = _made(name, params)
        if harmonized.skipped:
            raise ClimateError(
                f"region '{name}' cannot be made: {harmonized.skipped[name]}; correct its source or choose another"
            )
        held = f" {facts(harmonized.series[name])[0]}."
    write_text(text, PARAMS_FILE)
    added = f"Added regions.{name} to {PARAMS_FILE}.{held} `dvc repro` computes it."
    return "\n".join([added, *parts_lines(name, params.definitions[name])])


def parse_box(text: str | None) -> dict[str, list[float]] | None:
    """`south,north,west,east` as an entry of params.yaml."""
    if text is None:
        return None
    south, north, west, east = _numbers(text, 4, "box", "south,north,west,east")
    return {"lat": [south, north], "lon": [west, east]}


def parse_point(text: str | None, method: str = "nearest") -> dict[str, Any] | None:
    """`lat,lon` as an entry of params.yaml."""
    if text is None:
        return None
    lat, lon = _numbers(text, 2, "point", "lat,lon")
    return {"lat": lat, "lon": lon, "method": method}


def parse_mix(text: str | None) -> dict[str, float] | None:
    """`region=weight,region=weight` as an entry of params.yaml."""
    if text is None:
        return None
    parts = [part.split("=") for part in text.split(",")]
    try:
        mix = {name.strip(): float(weight) for name, weight in parts}
    except ValueError:
        mix = {}
    if len(mix) != len(parts) or not all(mix):
        raise ClimateError(f"--mix: found '{text}', expected each region once as region=weight,region=weight")
    return mix


def _numbers(text: str, count: int, option: str, form: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise ClimateError(f"--{option}: found '{text}', expected {count} numbers as {form}")
    return numbers
