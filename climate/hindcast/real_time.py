"""Real-time analysis: a forecast from an older release of a record, and one from the newer release.

Both have the same origin, the last month of the older release, and the same model; they differ by the publisher's
revisions since. A hindcast on revised data uses values that were not available at its origin: Croushore and Stark
(2001), doi:10.1016/S0304-4076(01)00072-0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import Forecaster, as_panel
from climate.forecasters.classical.statespace import UnobservedComponents
from climate.harmonize.regions import grid_series, published_series
from climate.harmonize.series import cut, months_of
from climate.params.regions import HarmonizeParams, RegionDefinition
from climate.schema import QUANTILES
from climate.sources.readers.grid.opening import is_grid
from climate.verify.losses import crps_from_quantiles

WHOLE = RegionDefinition(title="The whole grid", source="grid", box={"lat": [-90, 90], "lon": [-180, 180]})  # type: ignore[arg-type]
"""The region whose mean represents a gridded record."""

RECENT_MONTHS = 12
"""Months up to the origin whose revisions are counted, since they weigh most in a forecast."""

THEN, NOW = "then", "now"
"""The older and the newer release along the dimension `release`."""


def series_to_forecast(record: xr.Dataset, source: str, series: str | None, params: HarmonizeParams) -> xr.Dataset:
    """The series of a reader's Dataset to forecast (time): `series`, the only or first one, or a grid's area mean.

    attrs hold the record's calibration `scale`, "" if it declares none. Raises ClimateError for an unknown series, or
    any series of a grid.
    """
    if is_grid(record):
        if series is not None:
            raise ClimateError(f"source '{source}' is a grid: found series '{series}', expected none; leave it out")
        result = grid_series(record, source, {"whole": WHOLE}, {}, params)["whole"]
    else:
        result = published_series(record, source, series or str(record["series"].values[0]), params.missing)
    return result.assign_attrs(scale=str(record.attrs.get("scale", "")))


def source_forecasts_by_release(
    old: xr.Dataset, new: xr.Dataset, source: str, params: HarmonizeParams, leads: int, series: str | None = None
) -> xr.Dataset:
    """`forecasts_by_release` for two releases of a source (readers' Datasets), by unobserved components.

    That model suits every kind of monthly record. `series` as for `series_to_forecast`. Raises ClimateError if the
    releases cannot be compared or are too short.
    """
    older, newer = (series_to_forecast(release, source, series, params) for release in (old, new))
    return forecasts_by_release(older, newer, UnobservedComponents(), leads)


def forecasts_by_release(old: xr.Dataset, new: xr.Dataset, forecaster: Forecaster, leads: int) -> xr.Dataset:
    """Forecasts from the last month of `old`, with the values of `old` and with those of `new` up to that month.

    Args:
        old, new: series (time) on gap-free month axes, in one unit.
        forecaster: estimated anew on each.
        leads: months ahead.

    Returns:
        `forecast` (release, lead, quantile); `observed` (lead), from `new` and NaN where it has no value yet; `crps`
        (release), the mean over the verified leads, NaN without any; `revised_recent` and `change_recent`, how many of
        the last `RECENT_MONTHS` months up to the origin differ and the mean of new minus old over them. attrs: origin
        (YYYY-MM), units, model, and `scale_then` and `scale_now`, the calibration scales that the records declare.

    Raises:
        ClimateError: `new` does not reach the origin, or the history is too short for the forecaster.
    """
    origin = months_of(old["time"])[np.isfinite(old["value"].values)][-1]
    releases = [cut(record, None, str(origin)) for record in (old, new)]
    if months_of(releases[1]["time"])[-1] != origin:
        raise ClimateError(
            f"the newer release ends in {months_of(new['time'])[-1]}, expected it to reach {origin}, where the older "
            "one ends; name the older release first"
        )
    histories = [xr.Dataset({"value": record["value"].drop_attrs().astype(float)}) for record in releases]
    quantiles = np.stack([forecaster.fit(panel).forecast(panel, leads)[0] for panel in map(as_panel, histories)])
    ahead = origin + np.arange(1, leads + 1)
    observed = new["value"].drop_attrs().reindex(time=ahead.astype(new["time"].dtype)).values
    table = xr.Dataset(
        {"forecast": (("release", "lead", "quantile"), quantiles), "observed": ("lead", observed)},
        coords={"release": [THEN, NOW], "lead": np.arange(1, leads + 1), "quantile": list(QUANTILES)},
        attrs={
            **{"origin": str(origin), "units": str(new.attrs.get("units", "")), "model": forecaster.name},
            **{f"scale_{name}": str(record.attrs.get("scale", "")) for name, record in ((THEN, old), (NOW, new))},
        },
    )
    table["crps"] = crps_from_quantiles(table["forecast"], table["observed"]).mean("lead")
    before, after = (record["value"].values[-RECENT_MONTHS:] for record in histories)
    known = np.isfinite(before) & np.isfinite(after)
    table["revised_recent"] = int((before[known] != after[known]).sum())
    table["change_recent"] = float(np.mean(after[known] - before[known])) if known.any() else np.nan
    return table


def scales_apart(known: Mapping[str, Any]) -> tuple[str, str] | None:
    """The older and the newer calibration scale if both are declared and differ, else None.

    `known` are the attrs of `forecasts_by_release` or a row of `as_row`.

    A forecast inherits the scale of its data, so a change of scale is part of every difference between the two.
    """
    then, now = (str(known.get(f"scale_{name}", "")) for name in (THEN, NOW))
    return (then, now) if then and now and then != now else None


def as_row(table: xr.Dataset) -> dict[str, Any]:
    """`forecasts_by_release` for JSON: attrs, counts, and per lead the observation and both 5%, 50%, 95% quantiles."""
    central = table["forecast"].sel(quantile=[QUANTILES[0], 0.5, QUANTILES[-1]])
    return {
        **table.attrs,
        "verified": int(table["observed"].notnull().sum()),
        "revised_recent": int(table["revised_recent"]),
        "change_recent": _rounded(float(table["change_recent"])),
        "crps": {str(name): _rounded(float(table["crps"].sel(release=name))) for name in (THEN, NOW)},
        "observed": [_rounded(float(value)) for value in table["observed"].values],
        **{
            str(name): [[_rounded(float(q)) for q in row] for row in central.sel(release=name).values]
            for name in (THEN, NOW)
        },
    }


def _rounded(value: float) -> float | None:
    """`value` with six significant digits; None for NaN, which JSON lacks."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
