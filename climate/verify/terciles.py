"""Forecasts of terciles: below, near and above normal, as forecast centres issue and verify them.

The terciles are those of the last 30 observed values of the same season, known at the origin, in the way of WMO's
Standardised Verification System for Long-Range Forecasts (Manual on the GDPFS, WMO-No. 485); trends stay in them.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata
from scores.probability import brier_score, roc_auc

from climate.forecasters.base import FloatArray, IntArray
from climate.schema import MONTHS_PER_YEAR
from climate.verify.periods import SEASONS, length

CATEGORIES = ("below", "near", "above")

NORMAL_YEARS, MIN_YEARS = 30, 20
"""Years of a climatological normal (WMO-No. 1203, 2017), and the fewest that give terciles."""

THIRDS = (1 / 3, 2 / 3)

BINS = 10
"""Classes of forecast probability, of equal width."""

BAR = (0.05, 0.95)
"""Quantiles of the consistency bars."""
RESAMPLES = 400
BLOCK_MONTHS = 12
"""Origins are resampled in runs of this many months, longer than seasons overlap or anomalies last."""
RESAMPLING_SEED = 2007


def tercile_bounds(values: xr.DataArray, origins: xr.DataArray) -> xr.DataArray:
    """Upper ends of the lower and the middle tercile (origin, period, third) of SEASONS, known at each origin.

    Args:
        values: record (time) on a gap-free axis of months; NaN allowed.
        origins: last known month of each forecast.

    Returns:
        In the unit of the record; NaN with fewer than MIN_YEARS of the last NORMAL_YEARS seasons known.
    """
    start = int(values["time"].values[0].astype("datetime64[M]").astype(np.int64))
    at = origins.values.astype("datetime64[M]").astype(np.int64) - start
    bounds = np.full((at.size, len(SEASONS), len(THIRDS)), np.nan)
    for row, (period, (_, last)) in enumerate(SEASONS.items()):
        months = np.asarray(values.rolling(time=length(period)).mean().values, dtype=float)
        steps = MONTHS_PER_YEAR * (np.arange(NORMAL_YEARS) + -(-last // MONTHS_PER_YEAR))
        past = at[:, None] + last - steps
        seasons = np.where((past >= 0) & (past < months.size), months[np.clip(past, 0, months.size - 1)], np.nan)
        enough = np.isfinite(seasons).sum(axis=1) >= MIN_YEARS
        if enough.any():
            bounds[enough, row] = np.nanquantile(seasons[enough], THIRDS, axis=1).T
    coords = {"origin": origins.values, "period": list(SEASONS), "third": list(THIRDS)}
    return xr.DataArray(bounds, coords=coords, dims=("origin", "period", "third"))


def probability_below(forecast: xr.DataArray, value: xr.DataArray) -> xr.DataArray:
    """Probability of at most `value` in forecasts that are known by quantiles.

    Between quantiles, and beyond the outer ones, the distribution is that whose normal deviate is linear in the value:
    exact for normal forecasts. Equal quantiles are a step.

    Args:
        forecast: any dims and `quantile`, not decreasing.
        value: any dims; both are broadcast against each other.

    Returns:
        Share from 0 to 1 over the dims of both; NaN where either is NaN.
    """
    shape = forecast.isel(quantile=0, drop=True)
    shape, wide = xr.broadcast(shape, value)
    known = forecast.broadcast_like(wide).transpose(*wide.dims, "quantile").values
    x, deviates = wide.values, ndtri(forecast["quantile"].values)
    lower = np.clip((known <= x[..., None]).sum(axis=-1) - 1, 0, deviates.size - 2)
    left, right = (np.take_along_axis(known, (lower + side)[..., None], axis=-1)[..., 0] for side in (0, 1))
    step = np.where(x >= right, np.inf, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(right > left, (x - left) / (right - left), step)
    chance = ndtr(deviates[lower] + share * np.diff(deviates)[lower])
    return wide.copy(data=np.where(np.isfinite(x) & np.isfinite(known).all(axis=-1), chance, np.nan))


def tercile_probabilities(forecast: xr.DataArray, bounds: xr.DataArray) -> xr.DataArray:
    """Probability (..., category) of CATEGORIES; they add up to 1. NaN where the forecast or the bounds are."""
    below = probability_below(forecast, bounds)
    lower, upper = (below.isel(third=third, drop=True) for third in (0, 1))
    return _by_category(lower, upper - lower, 1 - upper)


def tercile_events(observed: xr.DataArray, bounds: xr.DataArray) -> xr.DataArray:
    """1 in the category (..., category) that was observed, 0 in the others, NaN without observation or bounds."""
    under = (observed <= bounds).astype(float).where(observed.notnull() & bounds.notnull())
    lower, upper = (under.isel(third=third, drop=True) for third in (0, 1))
    return _by_category(lower, upper - lower, 1 - upper)


def _by_category(*parts: xr.DataArray) -> xr.DataArray:
    return xr.concat(parts, xr.Variable("category", np.array(CATEGORIES, dtype=object))).transpose(..., "category")


def ranked_probability_score(probability: xr.DataArray, event: xr.DataArray) -> xr.DataArray:
    r"""Ranked probability score of terciles, 0 for a certain and right forecast, 2 for the worst.

    .. math:: RPS = \sum_{k=1}^{2} (P_k - O_k)^2

    with cumulative probabilities P and outcomes O (Epstein 1969,
    doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2). The forecasts are distributions and no ensembles, so that
    nothing has to be corrected for: fair scores (Ferro 2014, doi:10.1002/qj.2270) tend to this one as members grow.

    Args:
        probability: (..., category), from 0 to 1.
        event: (..., category), 0 or 1.

    Returns:
        Without `category`; NaN where either is NaN.
    """
    parts = [
        brier_score(
            probability.isel(category=slice(0, k)).sum("category", skipna=False).clip(0, 1),
            event.isel(category=slice(0, k)).sum("category", skipna=False),
            preserve_dims="all",
        )
        for k in (1, 2)
    ]
    total: xr.DataArray = parts[0] + parts[1]
    return total


def equal_chances(event: xr.DataArray) -> xr.DataArray:
    """A third for each category, of the shape of `event`."""
    return xr.full_like(event, THIRDS[0]).where(event.notnull())


def roc_areas(probability: xr.DataArray, event: xr.DataArray) -> xr.DataArray:
    """Area under the ROC curve over origins: 0.5 without discrimination, 1 with a perfect one.

    The chance that an event had a higher probability than a non-event; ties count half (Mason and Graham 2002,
    doi:10.1256/003590002320603584). Reliability does not matter to it.

    Args:
        probability: (..., origin, category), from 0 to 1.
        event: (origin, ..., category), 0 or 1; NaN pairs are left out.

    Returns:
        Without `origin`; NaN for categories that always or never occurred.
    """
    dims = [dim for dim in probability.dims if dim != "origin"]
    area: xr.DataArray = roc_auc(probability.clip(0, 1), event.broadcast_like(probability), preserve_dims=dims)
    return area


def reliability(probability: xr.DataArray, event: xr.DataArray, pit: xr.DataArray) -> xr.Dataset:
    """Observed frequency by forecast probability, with the bars within which reliable forecasts would lie.

    The bars are those of Broecker and Smith (2007, doi:10.1175/WAF993.1): outcomes are drawn from the forecasts, which
    are themselves resampled. Outcomes of neighbouring origins and places depend on each other; they are therefore
    drawn by runs of BLOCK_MONTHS origins of all places together from the forecasts' own probability integral
    transforms, replaced by their ranks at each place, so that they are uniform, as in reliable forecasts, and keep
    their dependence.

    Args:
        probability: (model, region, origin, period, category), from 0 to 1, monthly origins.
        event: (region, origin, period, category), 0 or 1.
        pit: (model, region, origin, period): `probability_below` of the observation.

    Returns:
        Over (model, period, category, bin): mean `probability` and observed `frequency` of the forecasts in each of
        BINS classes, their number `forecasts`, and `low` and `high` ends of the bars. NaN for empty classes.
    """
    chances = probability.transpose("model", "period", "category", "origin", "region")
    outcomes = event.transpose("period", "category", "origin", "region")
    shape = (*chances.shape[:3], BINS)
    parts = {name: np.full(shape, np.nan) for name in ("probability", "frequency", "low", "high")}
    parts["forecasts"] = np.zeros(shape)
    draws = [_blocks(chances.sizes["origin"], generator) for generator in _generators()]
    for m, name in enumerate(chances["model"].values):
        for s, season in enumerate(chances["period"].values):
            chance = chances.values[m, s]
            uniform = _uniform(pit.sel(model=name, period=season).transpose("origin", "region").values)
            surrogates = _surrogates(chance, uniform, draws)
            for c in range(len(CATEGORIES)):
                means, counts = _binned(chance[c], chance[c]), _counts(chance[c])
                parts["probability"][m, s, c], parts["forecasts"][m, s, c] = means, counts
                parts["frequency"][m, s, c] = _binned(chance[c], outcomes.values[s, c])
                filled = counts > 0
                ends = np.nanquantile(surrogates[:, c, filled], BAR, axis=0)
                parts["low"][m, s, c, filled], parts["high"][m, s, c, filled] = ends
    coords = {name: chances[name].values for name in ("model", "period", "category")}
    dims = (*coords, "bin")
    return xr.Dataset(
        {name: (dims, values) for name, values in parts.items()}, coords | {"bin": np.arange(1, BINS + 1)}
    )


def _generators() -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in (RESAMPLING_SEED, RESAMPLING_SEED + 1)]


def _blocks(origins: int, generator: np.random.Generator) -> IntArray:
    """Positions (resample, origin) in runs of BLOCK_MONTHS, which go on at the start after the end."""
    starts = generator.integers(0, origins, (RESAMPLES, -(-origins // BLOCK_MONTHS)))
    runs = (starts[..., None] + np.arange(BLOCK_MONTHS)).reshape(RESAMPLES, -1)
    return np.asarray(runs[:, :origins] % origins)


def _uniform(pit: FloatArray) -> FloatArray:
    """Ranks (origin, region) among the known values of each region, spread evenly over 0..1."""
    ranks = rankdata(pit, axis=0, nan_policy="omit") - 0.5
    return np.asarray(ranks / np.isfinite(pit).sum(axis=0))


def _surrogates(chance: FloatArray, uniform: FloatArray, draws: list[IntArray]) -> FloatArray:
    """Frequencies (resample, category, bin) of events drawn from forecasts (category, origin, region)."""
    found = np.full((RESAMPLES, len(CATEGORIES), BINS), np.nan)
    for row, (forecasts, outcomes) in enumerate(zip(*draws, strict=True)):
        drawn, level = chance[:, forecasts], uniform[outcomes]
        upper = drawn[0] + drawn[1]
        known = np.isfinite(level)
        events = (level <= drawn[0], (level > drawn[0]) & (level <= upper), level > upper)
        for c, event in enumerate(events):
            found[row, c] = _binned(drawn[c], np.where(known, event, np.nan))
    return found


def _classes(chance: FloatArray) -> IntArray:
    """Class of each probability."""
    return np.asarray(np.clip((chance * BINS).astype(int), 0, BINS - 1))


def _counts(chance: FloatArray) -> FloatArray:
    known = np.isfinite(chance)
    return np.bincount(_classes(chance[known]), minlength=BINS).astype(float)


def _binned(chance: FloatArray, values: FloatArray) -> FloatArray:
    """Mean of `values` in each class of probability, of pairs without NaN."""
    known = np.isfinite(chance) & np.isfinite(values)
    classes = _classes(chance[known])
    count = np.bincount(classes, minlength=BINS)
    total = np.bincount(classes, values[known], BINS)
    return np.asarray(np.divide(total, count, out=np.full(BINS, np.nan), where=count > 0))
