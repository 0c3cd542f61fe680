"""The protocol of every forecaster, and the few operations that all of them share.

A *history* is a Dataset on a gap-free month axis that ends at the origin: `value` (time; may hold NaN) and, where
covariates exist, `covariate` (time, predictor; NaN before a covariate starts and after it ends).
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import ndtri

from climate.errors import ClimateError
from climate.schema import QUANTILES

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

NORMAL_QUANTILES: FloatArray = ndtri(np.array(QUANTILES))
"""Standard normal deviates of `contract.QUANTILES`."""


class Fitted(Protocol):
    """What a forecaster has learnt from one history."""

    @property
    def parameters(self) -> int:
        """Number of values estimated from the history."""

    @property
    def fallbacks(self) -> int:
        """Number of fits that failed and were replaced by the documented simpler model."""

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """Quantiles for leads 1..leads, counted from the last month of `history`.

        Args:
            history: the history that was fitted on or a longer one; then the state is extended through the new
                months and no parameter is estimated again.
            leads: months ahead.

        Returns:
            (lead, quantile) in the unit of `value`, without NaN, not decreasing along `quantile`.
        """


@runtime_checkable
class Seeded(Protocol):
    """A fitted network that averages what it learnt from several seeds, and can show them apart."""

    def seed_forecasts(self, history: xr.Dataset, leads: int) -> FloatArray:
        """What `Fitted.forecast` averages: (seed, lead, quantile)."""


class Forecaster(Protocol):
    """A way of forecasting; holds settings only, so that one object serves every fold and travels to workers."""

    @property
    def name(self) -> str:
        """Name in tables and parameters, e.g. `trend-ar1`."""

    def fit(self, history: xr.Dataset) -> Fitted:
        """Estimate everything from `history`, which ends at the origin.

        Raises:
            ClimateError: the history is too short for this forecaster.
        """


def history_values(history: xr.Dataset) -> FloatArray:
    """`value` as a float64 array (time); NaN stays."""
    return np.asarray(history["value"].values, dtype=np.float64)


def calendar_months(history: xr.Dataset) -> IntArray:
    """Calendar month of each time, January = 0."""
    return np.asarray(history["time"].values.astype("datetime64[M]").astype(np.int64) % 12)


def future_months(history: xr.Dataset, leads: int) -> IntArray:
    """Calendar months of leads 1..leads after the last month of `history`, January = 0."""
    return np.asarray((calendar_months(history)[-1] + 1 + np.arange(leads)) % 12)


def fill_gaps(values: FloatArray) -> FloatArray:
    """Linear interpolation between neighbours; the edges take the nearest value.

    Looks at nothing but `values`, so it is as free of future data as they are. Raises ValueError if all are NaN.
    """
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("no finite value to interpolate from")
    if known.all():
        return values
    index = np.arange(values.size)
    return np.interp(index, index[known], values[known])


def normal_quantiles(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Quantiles (lead, quantile) of normal distributions with the given mean and standard deviation (lead)."""
    return mean[:, None] + deviation[:, None] * NORMAL_QUANTILES


def require_months(history: xr.Dataset, months: int, name: str) -> None:
    """Raise ClimateError if `history` has fewer than `months` values that are not NaN."""
    found = int(np.isfinite(history["value"].values).sum())
    if found < months:
        raise ClimateError(
            f"{name}: the history has {found} months with a value, expected at least {months}; "
            "choose a later backtest.first_origin or a longer record"
        )
