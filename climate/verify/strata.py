"""Scores of parts of the sample: by ENSO state, by collection period of the verifying value, by era of the origins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from climate.verify.losses import CELLS, at_valid_time, common_sample
from climate.verify.scores import check_blocks, judged_cells, score_groups

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

GROUPINGS = ("enso", "period", "era")
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


def eras(table: xr.Dataset) -> xr.DataArray:
    """FIRST_ERA or SECOND_ERA (origin) for the verified origins, the first half taking the odd one; else ""."""
    verified = common_sample(table).any("lead").values
    rank = np.cumsum(verified)
    names = np.where(rank <= -(-rank[-1] // 2), FIRST_ERA, SECOND_ERA) if rank.size else np.array([], dtype=str)
    return xr.DataArray(
        np.where(verified, names, "").astype(object), dims="origin", coords={"origin": table["origin"].values}
    )


def group_scores(
    table: xr.Dataset, series: xr.Dataset, states: xr.DataArray | None, blocks: Mapping[str, tuple[int, int]]
) -> xr.Dataset:
    """Scores of one region in every part of its sample, per block of leads.

    Args:
        table: forecast table, see `climate.verify.scores.score`.
        series: the record, with `period` (time) if its collection periods are known.
        states: `enso_state`, or None to leave it out.
        blocks: name -> first and last lead.

    Returns:
        Dataset over (model, row): `mae`, `crps`, `coverage90`; over row: `region`, `grouping` (of GROUPINGS), `label`,
        `block`, `n` cells, `months` that they verify in, `origins`, and `first` and `last` of those months for the
        groupings of months, of the origins for eras.
    """
    check_blocks(table, blocks)
    labels = {"era": eras(table)}
    if "period" in series:
        labels["period"] = at_valid_time(collection(series), table)
    if states is not None:
        labels["enso"] = at_valid_time(states, table)
    judged = judged_cells(table)
    parts = []
    for name, (first, last) in blocks.items():
        block, cells = table.sel(lead=slice(first, last)), judged.sel(lead=slice(first, last))
        sample = common_sample(block)
        for grouping in GROUPINGS:
            if grouping not in labels or not bool(sample.any()):
                continue
            label = labels[grouping]
            chosen = label.sel(lead=slice(first, last)) if "lead" in label.dims else label
            spread = chosen.broadcast_like(sample).transpose(*CELLS)
            used = spread.where(sample, "")
            if not (used.values != "").any():
                continue
            scores = score_groups(cells, used).rename(label="row").reset_index("row", drop=True)
            found = sorted({str(value) for value in used.values.ravel()} - {""})
            times = [_times(block, used.values == value, of_origins=grouping == "era") for value in found]
            scores = scores.assign(
                region=("row", np.full(len(found), str(table.attrs.get("region", "")), dtype=object)),
                grouping=("row", np.full(len(found), grouping, dtype=object)),
                label=("row", np.array(found, dtype=object)),
                block=("row", np.full(len(found), name, dtype=object)),
                months=("row", [int(months) for months, *_ in times]),
                origins=("row", [int((used.values == value).any(axis=1).sum()) for value in found]),
                first=("row", np.array([low for _, low, _ in times])),
                last=("row", np.array([high for _, _, high in times])),
            )
            parts.append(scores)
    return xr.concat(parts, "row") if parts else xr.Dataset()


def _times(block: xr.Dataset, chosen: np.ndarray, of_origins: bool) -> tuple[int, np.datetime64, np.datetime64]:
    """How many months the cells verify in, and the first and last of them or of their origins."""
    valid = block["valid_time"].transpose(*CELLS).values[chosen]
    shown = block["origin"].values[chosen.any(axis=1)] if of_origins else valid
    return np.unique(valid).size, shown.min(), shown.max()


def join_groups(parts: list[xr.Dataset]) -> xr.Dataset:
    """`group_scores` of several regions, one after the other; a model that a region lacks is NaN there."""
    filled = [part for part in parts if "row" in part.dims]
    return xr.concat(filled, "row", join="outer") if filled else xr.Dataset()
