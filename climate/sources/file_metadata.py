"""What a file of the user's own says of itself: variable, quantity, unit, kind, baseline, cadence and title."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.sources.own_files import GRID_READER, TABLE_READER
from climate.sources.readers import csv_series
from climate.sources.readers.grid.axes import candidates, with_plain_axes
from climate.sources.readers.grid.opening import sound
from climate.sources.units import conversion

ABSOLUTE_KELVIN = 150.0
"""K. A mean above it can only be an absolute temperature, and one of anomalies lies within a few kelvin of zero."""
ABSOLUTE_SPAN = 60.0
"""K. Monthly mean temperatures of the Earth span 100 K, anomalies of single months at most 40 K."""
BASELINE_YEARS = (10, 50)
"""Shortest and longest period that is taken for a baseline; longer ones are the period of the record."""
LONGEST_TITLE = 80
"""Characters. Longer titles of files are descriptions."""

UNITS_OF_CO2 = ("ppm", "ppmv", "1e-6", "1.e-6", "umol mol-1", "micromol mol-1")

_MONTH = r"(?:[A-Za-z]{3,9}\.? )?(?:\d{1,2} )?"
_PERIOD = re.compile(rf"\b(1[89]\d\d|20\d\d)\s*(?:-|\u2013|to|/|through)\s*{_MONTH}(1[89]\d\d|20\d\d)\b")
_SAYS_BASELINE = re.compile(r"\b(base|baseline|climatolog\w*|reference|relative|anomal\w*|w\.?r\.?t|normals?)\b", re.I)


@dataclass(frozen=True)
class Metadata:
    """What could be read of a file; "" and None where it says nothing, or nothing clear."""

    title: str = ""
    quantity: str = ""
    unit: str = ""
    kind: str = ""
    baseline: tuple[int, int] | None = None
    cadence: str = ""
    licence: str = ""
    citation: str = ""
    homepage: str = ""


def variables_of(folder: Path, name: str) -> dict[str, str]:
    """Variables of a NetCDF file on its grid -> their long names; those along time if there are any.

    ClimateError for a file that NetCDF cannot read, for a grid that the reader refuses, and for one without variables.
    """
    opened = _opened(folder, name)
    numbers = {str(key): field for key, field in opened.data_vars.items() if field.dtype.kind in "iuf"}
    fields = {key: field for key, field in numbers.items() if {"lat", "lon"} <= {*field.dims}}
    times = [opened[axis].dims[0] for axis in candidates(opened, "time") if opened[axis].ndim == 1]
    along = {key: field for key, field in fields.items() if {*times} & {*field.dims}}
    found = {key: str(field.attrs.get("long_name", "")) for key, field in (along or fields).items()}
    if not found:
        known = ", ".join(map(str, opened.data_vars)) or "none"
        raise ClimateError(
            f"{name}: found the variables {known}, expected one in latitude and longitude; give a file that holds a "
            "grid"
        )
    return found


def of_grid(folder: Path, name: str, variable: str, months: Sequence[xr.DataArray] = ()) -> Metadata:
    """What a NetCDF file says of `variable`; `months` are some of its fields, as the reader gives them, in `unit`."""
    opened = _opened(folder, name)
    field, about = opened[variable], opened.attrs
    unit, quantity = unit_and_quantity(str(field.attrs.get("units", "")))
    texts = [str(value) for value in (*field.attrs.values(), *about.values()) if isinstance(value, str)]
    long_name = str(field.attrs.get("long_name", ""))
    title = str(about.get("title", "")).strip()
    return Metadata(
        title=title if 0 < len(title) <= LONGEST_TITLE else long_name,
        quantity=quantity,
        unit=unit,
        kind=_kind(variable, field.attrs, title, unit, quantity, months),
        baseline=baseline_in(texts),
        cadence="monthly",
        licence=_first(about, "license", "licence", "rights"),
        citation=_first(about, "citation", "references", "reference"),
        homepage=next((text for text in map(str, about.values()) if re.fullmatch(r"https://\S+", text)), ""),
    )


def of_table(folder: Path, name: str) -> Metadata:
    """What a table of one's own says of itself, which is how often there are values."""
    return Metadata(cadence=csv_series.cadence(csv_series.open_table(folder, name)))


def of(folder: Path, name: str, reader: str, variable: str) -> Metadata:
    """What a file says of itself, if its reader's format says anything."""
    if reader == GRID_READER:
        return of_grid(folder, name, variable)
    return of_table(folder, name) if reader == TABLE_READER else Metadata()


def unit_and_quantity(unit: str) -> tuple[str, str]:
    """How this project writes a unit, and the quantity that it tells; "" for one that it does not."""
    if unit.strip() in UNITS_OF_CO2:
        return "ppm", "co2"
    for known in ("K", "degC"):
        try:
            if conversion(unit, known, difference=False, what="").is_identity:
                return known, "temperature"
        except ClimateError:
            return unit, ""
    return "degC", "temperature"


def baseline_in(texts: Sequence[str]) -> tuple[int, int] | None:
    """The period of years that `texts` name as a baseline; None for none, or for several."""
    found = set()
    for text in texts:
        for match in _PERIOD.finditer(text):
            near = text[max(0, match.start() - 60) : match.end() + 60]
            first, last = int(match[1]), int(match[2])
            if _SAYS_BASELINE.search(near) and BASELINE_YEARS[0] <= last - first + 1 <= BASELINE_YEARS[1]:
                found.add((first, last))
    return found.pop() if len(found) == 1 else None


def _opened(folder: Path, name: str) -> xr.Dataset:
    with sound(name, folder / name):
        opened = xr.open_dataset(folder / name, decode_times=False, mask_and_scale=False)
    return with_plain_axes(opened, name)


def _kind(
    variable: str, attrs: Mapping[str, Any], title: str, unit: str, quantity: str, months: Sequence[xr.DataArray]
) -> str:
    """Whether values are absolute or anomalies: by name, else by size; "" if neither tells."""
    names = (variable, title, *(str(attrs.get(key, "")) for key in ("long_name", "standard_name", "units_metadata")))
    if any(re.search(r"anom|departure|difference", name, re.IGNORECASE) for name in names):
        return "anomaly"
    if quantity != "temperature":
        return "absolute" if quantity == "co2" else ""
    values = np.concatenate([month.values.ravel() for month in months]) if months else np.empty(0)
    values = values[np.isfinite(values)]
    if not values.size:
        return ""
    if unit == "K":
        return "absolute" if values.mean() > ABSOLUTE_KELVIN else "anomaly" if np.ptp(values) < ABSOLUTE_SPAN else ""
    return "absolute" if np.ptp(values) > ABSOLUTE_SPAN else ""


def _first(attrs: Mapping[Any, Any], *names: str) -> str:
    lowered = {str(key).lower(): " ".join(str(value).split()) for key, value in attrs.items()}
    return next((lowered[name] for name in names if lowered.get(name)), "")
