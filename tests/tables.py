"""Forecast tables in the shape that `backtest` returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.schema import QUANTILES, TIME_DTYPE


def forecast_table(
    forecast: FloatArray, observed: FloatArray, models: Sequence[str], origin: np.ndarray, region: str = "here"
) -> xr.Dataset:
    """`forecast` (model, origin, lead, quantile) and `observed` (origin, lead) of origins that are months."""
    leads = np.arange(1, observed.shape[1] + 1)
    valid = origin.astype("datetime64[M]")[:, None] + leads
    return xr.Dataset(
        {
            "forecast": (("model", "origin", "lead", "quantile"), forecast),
            "observed": (("origin", "lead"), observed),
        },
        coords={
            "model": np.array(models, dtype=object),
            "origin": origin.astype(TIME_DTYPE),
            "lead": leads,
            "quantile": list(QUANTILES),
            "valid_time": (("origin", "lead"), valid.astype(TIME_DTYPE)),
        },
        attrs={"region": region},
    )
