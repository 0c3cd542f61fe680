"""The hindcasts that were verified before those that are judged begin."""

from __future__ import annotations

import xarray as xr

from climate.forecasters.combine.conformal import calibrate
from climate.params.params import Params


def calibrated_early(table: xr.Dataset, params: Params) -> xr.Dataset | None:
    """Table of `rolling.early_backtest`, calibrated like all others; None where the record was too short."""
    if "skipped" in table.attrs:
        return None
    calibrated = [name for name in params.score.opponent.candidates if name not in params.combine.uncalibrated]
    return calibrate(table, calibrated, params.combine.min_verified)
