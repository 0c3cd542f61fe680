"""The protocol of every forecaster, and the few operations that all of them share.

A *history* is a Dataset on a gap-free month axis that ends at the origin: `value` (place, time; may hold NaN, also at
both ends) and, where covariates exist, `covariate` (time, predictor; NaN before a covariate starts and after it ends).
A region is a panel of one place. Forecasters that estimate each place by itself derive from `EachPlace` and see
histories of one place, whose `value` has the dimension time alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import ndtri

from climate.errors import ClimateError
from climate.schema import MAX_LEADS, MONTHS_PER_YEAR, QUANTILES

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

NORMAL_QUANTILES: FloatArray = ndtri(np.array(QUANTILES))
"""Standard normal deviates of `schema.QUANTILES`."""

MEDIAN_INDEX = QUANTILES.index(0.5)
"""Position of the median among the quantiles."""

HARMONICS = 4
"""Harmonics of a seasonal cycle, as in Thoning et al. (1989), doi:10.1029/JD094iD06p08549."""


PRIOR_YEARS = 4.0
"""Weight, in years, of the year-round mean variance in the variance of a calendar month."""


class Fitted(Protocol):
    """What a forecaster has estimated from one history."""

    @property
    def parameters(self) -> int:
        """Number of values estimated per place; the largest where places differ."""

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
            (place, lead, quantile) in the unit of `value`, without NaN, not decreasing along `quantile`.
        """


class Forecaster(Protocol):
    """A forecasting method; holds settings only, so that one object serves every fold and can be sent to workers."""

    @property
    def name(self) -> str:
        """Name in tables and parameters, e.g. `trend-ar1`."""

    def fit(self, history: xr.Dataset) -> Fitted:
        """Estimate everything from `history`, which ends at the origin.

        Raises:
            ClimateError: the history of a place is too short for this forecaster.
        """


class FittedPlace(Protocol):
    """What was estimated from the history of one place; as `Fitted`, without the dimension place."""

    @property
    def parameters(self) -> int:
        """Number of values estimated."""

    @property
    def fallbacks(self) -> int:
        """1 where the fit failed and the documented simpler model replaces it, else 0."""

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """Quantiles (lead, quantile) from a history of one place: `value` (time)."""


class Hindcasting(ABC):
    """What was estimated, where forecasts from several months of a history take one pass."""

    @abstractmethod
    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """What `forecast` gives for the first `ends` months of `history`: (..., end, lead, quantile).

        Of a history of one place, which ends with the last of them, `value` and `covariate` are not missing at the
        ends, but for a single one.
        """

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        """See `Fitted.forecast`."""
        return np.asarray(self.hindcasts(history, [history.sizes["time"]], leads)[..., 0, :, :])


class Seeded(Hindcasting):
    """A fitted network whose forecast is the mean over several seeds, see `mean_over_seeds`."""

    @abstractmethod
    def seed_hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """As `Hindcasting.hindcasts`, of each seed: (seed, ..., end, lead, quantile)."""

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`."""
        return mean_over_seeds(self.seed_hindcasts(history, ends, leads))


def mean_over_seeds(quantiles: FloatArray) -> FloatArray:
    """Mean of quantiles (seed, ..., quantile) over the seeds, kept rising: single precision may swap near ones."""
    return np.maximum.accumulate(quantiles.mean(axis=0), axis=-1)


def hindcasts(fitted: Fitted | FittedPlace, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
    """Forecasts (..., end, lead, quantile) from the first `ends` months of `history`."""
    if isinstance(fitted, Hindcasting):
        return fitted.hindcasts(history, ends, leads)
    return np.stack([fitted.forecast(history.isel(time=slice(0, end)), leads) for end in ends], axis=-3)


def passes(known: npt.NDArray[np.bool_], ends: Sequence[int]) -> list[tuple[int, ...]]:
    """`ends` grouped by what may be forecast in one pass over a history without gaps where it is `known` (time).

    A gap is filled from both its sides, of which a forecast may not know the later one: an end in a gap stands alone.
    """
    parts: list[tuple[int, ...]] = []
    for observed, run in groupby(ends, key=lambda end: bool(known[end - 1])):
        together = tuple(run)
        parts += [together] if observed else [(end,) for end in together]
    return parts


@dataclass(frozen=True)
class FittedPlaces(Hindcasting):
    """A separate fit for every place; `uses_covariates`: whether histories keep theirs."""

    places: tuple[Any, ...]
    uses_covariates: bool = True

    @property
    def parameters(self) -> int:
        """See `Fitted.parameters`."""
        return max(int(fitted.parameters) for fitted in self.places)

    @property
    def fallbacks(self) -> int:
        """See `Fitted.fallbacks`."""
        return sum(int(fitted.fallbacks) for fitted in self.places)

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`: (place, end, lead, quantile)."""
        return self._of_places(hindcasts, history, ends, leads)

    def _of_places(
        self,
        method: Callable[[Any, xr.Dataset, Sequence[int], int], FloatArray],
        history: xr.Dataset,
        ends: Sequence[int],
        leads: int,
    ) -> FloatArray:
        """Results (..., place, end, lead, quantile) of a method of the fit of each place."""
        places = []
        for fitted, own in zip(self.places, each_place(history, self.uses_covariates), strict=True):
            dropped = history.sizes["time"] - own.sizes["time"]
            known = np.isfinite(history_values(own)) & np.isfinite(history_covariates(own)).all(axis=1)
            parts = passes(known, [end - dropped for end in ends])
            forecasts = [method(fitted, own.isel(time=slice(0, part[-1])), part, leads) for part in parts]
            places.append(np.concatenate(forecasts, axis=-3))
        return np.stack(places, axis=-4)


@dataclass(frozen=True)
class SeededPlaces(FittedPlaces, Seeded):
    """`FittedPlaces` of networks with several seeds."""

    def seed_hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Seeded.seed_hindcasts`: (seed, place, end, lead, quantile)."""
        return self._of_places(lambda fitted, *rest: fitted.seed_hindcasts(*rest), history, ends, leads)


class EachPlace(ABC):
    """A forecaster that estimates every place separately, never from the record of another place."""

    uses_covariates: bool = True
    """Whether histories keep their covariates; without them a forecast comes from the place's own record alone."""

    @abstractmethod
    def fit_place(self, history: xr.Dataset) -> FittedPlace:
        """Estimate from a history of one place, `value` (time), whose first month has a value. Raises as `fit`."""

    def fit(self, history: xr.Dataset) -> FittedPlaces:
        """See `Forecaster.fit`."""
        places = tuple(self.fit_place(own) for own in each_place(history, self.uses_covariates))
        kind = SeededPlaces if isinstance(places[0], Seeded) else FittedPlaces
        return kind(places, self.uses_covariates)


def as_panel(history: xr.Dataset) -> xr.Dataset:
    """A history of one place, `value` (time), as a panel of one."""
    return history.assign(value=history["value"].expand_dims("place"))


def each_place(history: xr.Dataset, covariates: bool = True) -> Iterator[xr.Dataset]:
    """Histories of one place each, from the first month with a value on; without `covariate` unless `covariates`."""
    if not covariates:
        history = history.drop_vars("covariate", errors="ignore")
    for row, values in enumerate(panel_values(history)):
        first = int(np.argmax(np.isfinite(values)))
        yield history.isel(place=row, time=slice(first, None), drop=True)


def panel_values(history: xr.Dataset) -> FloatArray:
    """`value` as a float64 array (place, time); NaN stays."""
    return np.asarray(history["value"].transpose("place", "time").values, dtype=np.float64)


def history_values(history: xr.Dataset) -> FloatArray:
    """`value` of a history of one place as a float64 array (time); NaN stays."""
    return np.asarray(history["value"].values, dtype=np.float64)


def history_covariates(history: xr.Dataset) -> FloatArray:
    """`covariate` as a float64 array (time, predictor); NaN stays. No column where there are none."""
    if "covariate" not in history:
        return np.empty((history.sizes["time"], 0))
    return np.asarray(history["covariate"].transpose("time", ...).values, dtype=np.float64)


def calendar_months(history: xr.Dataset) -> IntArray:
    """Calendar month of each time, January = 0."""
    return np.asarray(months_since_1970(history) % MONTHS_PER_YEAR)


def months_since_1970(history: xr.Dataset) -> IntArray:
    """Months from 1970-01 to each time."""
    return np.asarray(history["time"].values.astype("datetime64[M]").astype(np.int64))


def future_months(history: xr.Dataset, leads: int) -> IntArray:
    """Calendar months of leads 1..leads after the last month of `history`, January = 0."""
    return np.asarray((calendar_months(history)[-1] + 1 + np.arange(leads)) % MONTHS_PER_YEAR)


def fill_gaps(values: FloatArray) -> FloatArray:
    """Values (time) with NaN interpolated linearly; NaN at the edges takes the nearest value.

    Raises ValueError if all are NaN.
    """
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("no finite value to interpolate from")
    if known.all():
        return values
    index = np.arange(values.size)
    return np.interp(index, index[known], values[known])


def newest_known(values: FloatArray) -> IntArray:
    """Position (place, time) of the newest value up to each month of `values` (place, time); 0 where there is none."""
    positions = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    return np.asarray(np.maximum.accumulate(positions, axis=1))


def lag_one_autocorrelation(before: FloatArray, after: FloatArray, limit: float) -> FloatArray:
    """Lag-1 autocorrelation from pairs of neighbouring months (..., pair), cumulative over the pairs.

    The slope of `after` on `before` without an intercept, clipped to 0..`limit`; pairs with NaN are left out; 0 where
    all values of `before` are 0. The last element is the estimate from all pairs. It is the slope that minimises the
    one-month error of a forecast, unlike the moment estimate of `harmonize.offset`, which divides by the variance of
    all values.
    """
    known = np.isfinite(before) & np.isfinite(after)
    product = np.cumsum(np.where(known, before * after, 0.0), axis=-1)
    power = np.cumsum(np.where(known, before, 0.0) ** 2, axis=-1)
    ratio = np.divide(product, power, out=np.zeros_like(power), where=power > 0)
    return np.asarray(np.clip(ratio, 0.0, limit))


def season_waves(months: IntArray) -> FloatArray:
    """Sine and cosine (..., 2) of the annual cycle at calendar months (...), January = 0."""
    angle = 2 * np.pi * months / MONTHS_PER_YEAR
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def harmonic_part(cycle: FloatArray, axis: int, *, mean: bool) -> FloatArray:
    """The part of annual cycles, 12 months along `axis`, in the first HARMONICS harmonics, with the `mean` or not."""
    spectrum = np.fft.rfft(cycle, axis=axis)
    by_frequency = np.moveaxis(spectrum, axis, 0)
    by_frequency[HARMONICS + 1 :] = 0
    if not mean:
        by_frequency[0] = 0
    return np.asarray(np.fft.irfft(spectrum, MONTHS_PER_YEAR, axis=axis))


def smoothed_by_month(variance: FloatArray, years: FloatArray | IntArray | float, axis: int) -> FloatArray:
    """Variances of calendar months, 12 along `axis`, from `years` of data each, with less sampling error.

    Smoothed over neighbouring months by 1:2:1, and shrunk to their mean, which has the weight of PRIOR_YEARS.
    """
    near = (np.roll(variance, 1, axis=axis) + 2 * variance + np.roll(variance, -1, axis=axis)) / 4
    weight = years / (years + PRIOR_YEARS)
    return np.asarray(weight * near + (1 - weight) * near.mean(axis=axis, keepdims=True))


def corrected_aic(aic: float, parameters: int, observations: int) -> float:
    """AIC with the correction of Hurvich and Tsai (1989), doi:10.1093/biomet/76.2.297; infinity for NaN."""
    value = float(aic + 2 * parameters * (parameters + 1) / max(observations - parameters - 1, 1))
    return value if np.isfinite(value) else np.inf


def normal_quantiles(mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Quantiles (..., quantile) of normal distributions with the given means and standard deviations (...)."""
    return np.asarray(mean[..., None] + deviation[..., None] * NORMAL_QUANTILES)


def require_months(history: xr.Dataset, months: int, name: str) -> None:
    """Raise ClimateError if a place of `history` has fewer than `months` values that are not NaN."""
    counts = np.isfinite(np.atleast_2d(history["value"].transpose(..., "time").values)).sum(axis=1)
    row = int(counts.argmin())
    if counts[row] < months:
        place = f" of {history['place'].values[row]}" if "place" in history.coords else ""
        raise ClimateError(
            f"{name}: the history{place} has {counts[row]} months with a value, expected at least {months}; "
            "choose a later backtest.first_origin or a longer record"
        )


def require_leads(leads: int, name: str, most: int = MAX_LEADS) -> None:
    """Raise ValueError if `leads` exceeds `most`, the longest lead of forecaster `name`."""
    if leads > most:
        raise ValueError(f"{name} forecasts {most} leads, asked for {leads}")
