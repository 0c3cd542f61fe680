"""Scores by stratum of the sample: ENSO state, collection period of the verifying value, era of the origins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from climate.verify.losses import CELLS, at_leads, at_valid_time, verified
from climate.verify.scores import check_blocks

EL_NINO, NEUTRAL, LA_NINA = "El Nino", "neutral", "La Nina"

ENSO_THRESHOLD = 0.5
"""K; a three-month mean anomaly in the Nino 3.4 box at least this far from 0 is an El Nino or La Nina.

Source: NOAA Climate Prediction Center, Oceanic Nino Index.
"""
ENSO_MONTHS = 3
"""Months of the centred running mean."""
ENSO_BASE_YEARS = 30
"""Years of the base period, centred where the record allows, so that warming is not taken for El Nino; as in NOAA's."""

FIRST_ERA, SECOND_ERA = "first half", "second half"

FACTORS = ("enso", "period", "era")
"""ENSO state and collection period of the month that is forecast, and half of the origins."""


def enso_state(index: xr.DataArray) -> xr.DataArray:
    """State of ENSO by month, from monthly values or anomalies of the Nino 3.4 box.

    The state of a month needs the month after it, so it is known only afterwards and no forecast may use it.

    Args:
        index: value by month (time), in K or degC, gap-free axis; NaN allowed.

    Returns:
        Strings (time): EL_NINO, NEUTRAL, LA_NINA, and "" where one of the three months or the base is missing.
    """
    months = index["time"].values.astype("datetime64[M]").astype(np.int64)
    values = np.asarray(index.values, dtype=float)
    anomaly = np.full(values.shape, np.nan)
    for calendar in range(12):
        at = np.flatnonzero(months % 12 == calendar)
        span = min(ENSO_BASE_YEARS, at.size)
        starts = np.clip(np.arange(at.size) - span // 2, 0, at.size - span)
        base = np.array([pd.Series(values[at[start : start + span]]).mean() for start in starts])
        anomaly[at] = values[at] - base
    mean = xr.DataArray(anomaly).rolling(dim_0=ENSO_MONTHS, center=True).mean().values.round(6)
    states = np.select(
        [mean >= ENSO_THRESHOLD, mean <= -ENSO_THRESHOLD, np.isfinite(mean)], [EL_NINO, LA_NINA, NEUTRAL], ""
    )
    return xr.DataArray(states.astype(object), dims="time", coords={"time": index["time"].values})


def collection(series: xr.Dataset) -> xr.DataArray:
    """Collection period and site of every month (time) in one label, "" where there is no value."""
    parts = [series[name].values.astype(str) if name in series else None for name in ("period", "site")]
    names = [
        ", ".join(part for part in (period, site) if part) or "unnamed"
        for period, site in zip(*(np.full(series.sizes["time"], "") if p is None else p for p in parts), strict=True)
    ]
    labels = np.where(np.isfinite(series["value"].values), np.array(names, dtype=object), "")
    return xr.DataArray(labels, dims="time", coords={"time": series["time"].values})


def eras(cells: xr.Dataset) -> xr.DataArray:
    """FIRST_ERA or SECOND_ERA (origin) for the verified origins, the first half taking the odd one; else ""."""
    known = verified(cells).any("lead").values
    rank = np.cumsum(known)
    names = np.where(rank <= -(-rank[-1:] // 2), FIRST_ERA, SECOND_ERA)
    return xr.DataArray(
        np.where(known, names, "").astype(object), dims="origin", coords={"origin": cells["origin"].values}
    )


def score_strata(
    cells: xr.Dataset, series: xr.Dataset, states: xr.DataArray | None, blocks: Mapping[str, tuple[int, int]]
) -> xr.Dataset:
    """Scores of one region in every stratum of its sample, per block of leads.

    Args:
        cells: `losses.cell_scores` of the region, with `valid_time` (origin, lead) and its attribute `region`.
        series: the record, with `period` (time) if its collection periods are known.
        states: `enso_state`, or None to leave it out.
        blocks: name -> first and last lead.

    Returns:
        Dataset over (model, row): `mae`, `crps`, `coverage90`; over row: `region`, `factor` (of FACTORS), `stratum`,
        `block`, `n` cells, `months` that they verify in, `origins`, and `first` and `last` of those months, for eras
        of the origins.
    """
    check_blocks(cells, blocks)
    labels = {"enso": at_valid_time(states, cells)} if states is not None else {}
    if "period" in series:
        labels["period"] = at_valid_time(collection(series), cells)
    labels["era"] = eras(cells)
    region = str(cells.attrs.get("region", ""))
    rows = []
    for block, leads in blocks.items():
        part = at_leads(cells, leads)
        sample = verified(part)
        for factor, label in labels.items():
            used = (label.sel(lead=slice(*leads)) if "lead" in label.dims else label).broadcast_like(sample)
            used = used.transpose(*CELLS).where(sample, "")
            for stratum in sorted({str(value) for value in used.values.ravel()} - {""}):
                about = {"region": region, "factor": factor, "stratum": stratum, "block": block}
                rows.append(_means(part, used == stratum, of_origins=factor == "era").assign(about))
    return xr.concat(rows, "row") if rows else xr.Dataset()


def _means(cells: xr.Dataset, chosen: xr.DataArray, of_origins: bool) -> xr.Dataset:
    """Mean scores (model) of the chosen cells (origin, lead), their number and their time."""
    used = cells[["error", "crps", "covered90"]].where(chosen)
    inside = chosen.values.any(axis=1)
    months = cells["valid_time"].transpose(*CELLS).values[chosen.values]
    shown = cells["origin"].values[inside] if of_origins else months
    return xr.Dataset(
        {
            "mae": abs(used["error"]).mean(CELLS),
            "crps": used["crps"].mean(CELLS),
            "coverage90": used["covered90"].mean(CELLS),
            "n": int(chosen.sum()),
            "months": np.unique(months).size,
            "origins": int(inside.sum()),
            "first": shown.min(),
            "last": shown.max(),
        }
    )


def join_strata(parts: list[xr.Dataset]) -> xr.Dataset:
    """`score_strata` of several regions, one after the other; a model that a region lacks is NaN there."""
    filled = [part for part in parts if "row" in part.dims]
    return xr.concat(filled, "row", join="outer") if filled else xr.Dataset()
