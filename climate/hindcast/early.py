"""The hindcasts that were verified before those that are judged begin."""

from __future__ import annotations

import xarray as xr

from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.registry import calibrated
from climate.params.params import Params


def calibrated_early(table: xr.Dataset, params: Params) -> xr.Dataset | None:
    """Table of `rolling.early_backtest`, calibrated like all others; None where the record was too short."""
    if "skipped" in table.attrs:
        return None
    return calibrate(table, calibrated(table["model"].values), params.combine.min_verified)
