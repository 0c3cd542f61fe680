"""Forecast tables in the shape that `backtest` returns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.schema import QUANTILES, TIME_DTYPE
from tests.records import months


def forecast_table(
    forecast: FloatArray, observed: FloatArray, models: Sequence[str], first: str, every: int = 1, region: str = "here"
) -> xr.Dataset:
    """`forecast` (model, origin, lead, quantile) and `observed` (origin, lead); origins `every` months apart."""
    origins, leads = observed.shape
    origin = months(first, every * origins)[::every]
    valid = origin.astype("datetime64[M]")[:, None] + np.arange(1, leads + 1)
    return xr.Dataset(
        {
            "forecast": (("model", "origin", "lead", "quantile"), forecast),
            "observed": (("origin", "lead"), observed),
        },
        coords={
            "model": np.array(models, dtype=object),
            "origin": origin,
            "lead": np.arange(1, leads + 1),
            "quantile": list(QUANTILES),
            "valid_time": (("origin", "lead"), valid.astype(TIME_DTYPE)),
        },
        attrs={"region": region},
    )
