"""The IPCC's assessed warming of the globe, on the scale of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import xarray as xr

from climate.report.inputs import ReportInputs

RECENT = (1995, 2014)
"""AR6's recent reference period."""
BEFORE_RECENT = 0.85
"""degC from 1850-1900 to RECENT, which AR6 adds to its changes since RECENT; IPCC AR6 WGI, figure SPM.8."""
ASSESSED: Mapping[tuple[int, int], Mapping[str, tuple[float, float, float]]] = {
    (2021, 2040): {
        "ssp119": (1.2, 1.5, 1.7),
        "ssp126": (1.2, 1.5, 1.8),
        "ssp245": (1.2, 1.5, 1.8),
        "ssp370": (1.2, 1.5, 1.8),
        "ssp585": (1.3, 1.6, 1.9),
    },
    (2041, 2060): {
        "ssp119": (1.2, 1.6, 2.0),
        "ssp126": (1.3, 1.7, 2.2),
        "ssp245": (1.6, 2.0, 2.5),
        "ssp370": (1.7, 2.1, 2.6),
        "ssp585": (1.9, 2.4, 3.0),
    },
    (2081, 2100): {
        "ssp119": (1.0, 1.4, 1.8),
        "ssp126": (1.3, 1.8, 2.4),
        "ssp245": (2.1, 2.7, 3.5),
        "ssp370": (2.8, 3.6, 4.6),
        "ssp585": (3.3, 4.4, 5.7),
    },
}
"""First and last year -> pathway -> lower end, best estimate and upper end of the very likely range of the mean global
surface temperature, degC above 1850-1900; IPCC AR6 WGI, table SPM.1, doi:10.1017/9781009157896.001."""


class Assessed(NamedTuple):
    """The very likely range of the mean over the years `first` to `last` under a pathway, degC, and best estimate."""

    first: int
    last: int
    scenario: str
    low: float
    best: float
    high: float


def is_globe(inputs: ReportInputs, region: str) -> bool:
    """Whether a region is the whole globe, which alone was assessed."""
    definition = inputs.params.regions.get(region)
    box = definition.box if definition else None
    return box is not None and box.lat == (-90, 90) and box.lon[1] - box.lon[0] == 360


def recent_level(result: xr.Dataset) -> float | None:
    """Mean of `observed` (past) over RECENT; None where a year is missing."""
    recent = result["observed"].dropna("past").sel(past=slice(*RECENT))
    return float(recent.mean()) if recent.size == RECENT[1] - RECENT[0] + 1 else None


def on_record(inputs: ReportInputs, region: str, result: xr.Dataset) -> list[Assessed]:
    """ASSESSED in the periods that overlap the projected years, as anomalies of the record.

    AR6 states changes since RECENT plus BEFORE_RECENT. They are put onto the mean of the record over RECENT, so that
    nothing is assumed of its baseline. Empty for places other than the globe and for records without RECENT.

    Args:
        inputs: of the report.
        region: key of the place.
        result: its projection: `observed` (past) in degC, coordinates `year` and `scenario`.
    """
    level = recent_level(result)
    if level is None or not is_globe(inputs, region):
        return []
    years, shift = result["year"].values, level - BEFORE_RECENT
    return [
        Assessed(first, last, scenario, *(value + shift for value in ranges[scenario]))
        for (first, last), ranges in ASSESSED.items()
        if first <= years[-1] and last >= years[0]
        for scenario in result["scenario"].values.astype(str).tolist()
        if scenario in ranges
    ]
