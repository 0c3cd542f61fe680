"""Small synthetic Datasets in the shape that readers return."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climate.params.regions import HarmonizeParams, RegionDefinition
from climate.sources.readers.grid.coordinates import with_cells

PARAMS = HarmonizeParams.model_validate({"baseline": [1961, 1990], "baseline_min_years": 20, "min_coverage": 0.5})


def with_params(**entries: Any) -> HarmonizeParams:
    """`PARAMS` with other entries."""
    return HarmonizeParams.model_validate(PARAMS.model_dump(mode="json") | entries)


def region(**entry: Any) -> RegionDefinition:
    """The definition of a region as params.yaml has it."""
    return RegionDefinition.model_validate({"title": "A region"} | entry)


def months(first: str, count: int) -> np.ndarray:
    """`count` month starts from `first` ("YYYY-MM")."""
    return (np.datetime64(first, "M") + np.arange(count)).astype("datetime64[s]")


def table(time: np.ndarray, series: dict[str, np.ndarray], **attrs: Any) -> xr.Dataset:
    """A table reader's Dataset; attrs default to monthly absolute temperature."""
    value = np.stack(list(series.values()))
    empty = np.full(value.shape, "", dtype="<U1")
    period = attrs.pop("period", empty)
    return xr.Dataset(
        {
            "value": (("series", "time"), value),
            "uncertainty": (("series", "time"), attrs.pop("uncertainty", np.full(value.shape, np.nan))),
            "site": (("series", "time"), empty),
            "period": (("series", "time"), np.broadcast_to(period, value.shape)),
            "interpolated": (("series", "time"), np.zeros(value.shape, dtype=bool)),
        },
        coords={"series": list(series), "time": time},
        attrs={
            "units": "degC",
            "quantity": "temperature",
            "kind": "absolute",
            "baseline": "",
            "cadence": "monthly",
            "file_date": "",
        }
        | attrs,
    )


def grid(value: np.ndarray, time: np.ndarray, lat: np.ndarray, lon: np.ndarray, **attrs: Any) -> xr.Dataset:
    """A grid reader's Dataset of absolute temperature."""
    field = xr.DataArray(value, dims=("time", "lat", "lon"), coords={"time": time, "lat": lat, "lon": lon})
    about = {"units": "degC", "quantity": "temperature", "kind": "absolute", "baseline": "", "cadence": "monthly"}
    return with_cells(field, {"lat": None, "lon": None}, "grid").to_dataset(name="value").assign_attrs(about | attrs)


def seasonal(count: int, seed: int, trend: float = 0.02) -> np.ndarray:
    """A seasonal cycle with trend (per year) and noise, starting in January."""
    rng = np.random.default_rng(seed)
    t = np.arange(count)
    return 10 + 8 * np.cos(2 * np.pi * t / 12) + trend * t / 12 + rng.normal(0, 0.5, count)
