"""What is committed of the scores: DVC's metrics, and the plot of CRPS by lead."""

from __future__ import annotations

import numpy as np
import xarray as xr

DIGITS = 6
"""Decimal places of metrics; enough to see a change, few enough to read."""


def metrics(scores: xr.Dataset) -> dict[str, dict[str, float]]:
    """Ratio of CRPS to the opponent's, by block and model: geometric mean over regions."""
    ratio = xr.apply_ufunc(np.exp, xr.apply_ufunc(np.log, scores["ratio"]).mean("region"))
    table = ratio.to_pandas().round(DIGITS)
    return {f"leads {block}": table[block].dropna().to_dict() for block in table}


def crps_by_lead(scores: xr.Dataset) -> str:
    """CSV with region, model, lead and CRPS in the unit of the region's record."""
    table = scores["crps_by_lead"].rename("crps").to_dataframe().dropna().reset_index()
    return table[["region", "model", "lead", "crps"]].to_csv(index=False, float_format="%.6g", lineterminator="\n")
