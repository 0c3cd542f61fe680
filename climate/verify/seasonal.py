"""Scores that forecast centres read, of means over months, seasons and years, for one place and for all.

After WMO's Standardised Verification System for Long-Range Forecasts (Manual on the GDPFS, WMO-No. 485). Skill is
measured against a forecast that was known at the origin, the trailing climatology with its trend, so that neither the
season nor a steady warming counts as skill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from climate.forecasters.base import calendar_months
from climate.forecasters.classical.trend import design, least_squares
from climate.schema import MONTHS_PER_YEAR
from climate.verify.contest import against
from climate.verify.losses import LOWER, MEDIAN, UPPER, cell_scores, crps_from_quantiles
from climate.verify.periods import PERIODS, SEASONS, calibrated_means
from climate.verify.significance import origin_spacing, overlapping_origins
from climate.verify.terciles import (
    equal_chances,
    probability_below,
    ranked_probability_score,
    reliability,
    roc_areas,
    tercile_bounds,
    tercile_events,
    tercile_probabilities,
)


def murphy_terms(forecast: xr.DataArray, observed: xr.DataArray) -> xr.Dataset:
    r"""Mean square skill score over origins, and its terms.

    .. math:: MSSS = \frac{r^2 - (r - s_f / s_o)^2 - (\bar f / s_o - \bar o / s_o)^2 + (\bar o / s_o)^2}
                          {1 + (\bar o / s_o)^2}

    for departures f and o from the reference's own forecast, with correlation r and standard deviations s (Murphy 1988,
    doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2, equation 12). The squares are the association, the
    conditional bias (of the forecast's amplitude), the unconditional bias, and the reference's own bias.

    Args:
        forecast: median less the reference's (..., origin), in the unit of the record.
        observed: observation less the reference's median (origin, ...).

    Returns:
        `msss`, `association`, `conditional_bias`, `unconditional_bias`, `reference_bias`, all without unit and without
        `origin`. Pairs with NaN are left out; r is 0 where the forecast is the reference; NaN without any spread of the
        observed departures.
    """
    known = forecast.notnull() & observed.notnull()
    f, o = forecast.where(known), observed.where(known)
    mean, truth = f.mean("origin"), o.mean("origin")
    spread, scale = f.std("origin"), o.std("origin")
    scale = scale.where(scale > 0)
    product = ((f - mean) * (o - truth)).mean("origin") / scale
    r = (product / spread.where(spread > 0)).where(spread > 0, 0.0).where(scale.notnull())
    terms = {
        "association": r**2,
        "conditional_bias": (r - spread / scale) ** 2,
        "unconditional_bias": ((mean - truth) / scale) ** 2,
        "reference_bias": (truth / scale) ** 2,
    }
    gains = terms["association"] - terms["conditional_bias"] - terms["unconditional_bias"] + terms["reference_bias"]
    return xr.Dataset({"msss": gains / (1 + terms["reference_bias"]), **terms})


def correlation(forecast: xr.DataArray, observed: xr.DataArray, detrend: bool = False) -> xr.DataArray:
    """Correlation over origins, NaN pairs left out; NaN with fewer than three of them or without variation.

    `detrend` removes from both, by least squares, the mean of each calendar month of the origin and one straight line
    in time, so that neither season nor trend counts. This looks back over all origins, as a statistic may and a
    forecast may not.

    Args:
        forecast: (..., origin).
        observed: (origin, ...).
    """
    known = forecast.notnull() & observed.notnull()
    f, o = (values.where(known).transpose(..., "origin") for values in xr.broadcast(forecast, observed))
    if detrend:
        months = calendar_months(known.rename(origin="time").to_dataset(name="known"))
        steps = np.unique(known["origin"].values.astype("datetime64[M]"), return_inverse=True)[1]
        regressors = design(months, steps)
        f, o = (xr.apply_ufunc(_residual, values, kwargs={"regressors": regressors}) for values in (f, o))
    result: xr.DataArray = xr.corr(f, o, "origin")
    return result.where(known.sum("origin") > 2)


def _residual(values: np.ndarray, regressors: np.ndarray) -> np.ndarray:
    """Values (..., origin) less their least-squares fit."""
    rows = values.reshape(-1, values.shape[-1])
    fitted = [least_squares(regressors, row) @ regressors.T for row in rows]
    return np.asarray(rows - np.array(fitted)).reshape(values.shape)


def skill_by_start(table: xr.Dataset, reference: str) -> xr.DataArray:
    """CRPSS (model, start, lead) of single months by calendar month of the origin, 1-12, against `reference`.

    NaN where no month is verified. Over the origins that all models of the table share.
    """
    crps = cell_scores(table)["crps"]
    start = crps["origin"].values.astype("datetime64[M]").astype(np.int64) % MONTHS_PER_YEAR + 1
    means = crps.assign_coords(start=("origin", start)).groupby("start").mean("origin")
    means = means.reindex(start=np.arange(1, MONTHS_PER_YEAR + 1))
    skill: xr.DataArray = 1 - means / means.sel(model=reference, drop=True)
    return skill.transpose("model", "start", "lead")


def mean_skill(means: xr.Dataset, reference: str) -> xr.Dataset:
    """Scores (model, period) of the means of periods, over origins at which all models and the observation are known.

    Args:
        means: `periods.calibrated_means`.
        reference: the model that skill is measured against.

    Returns:
        In the unit of the record: `mae` and `rmse` of the median, `bias`, `crps`. Without unit: `coverage90`; `crpss`
        with the 90% interval `crpss_low` to `crpss_high` of `significance.compare`; `murphy_terms`; `correlation`, and
        `detrended_correlation`. `n` (period): origins. NaN where there is none.
    """
    known = means["forecast"].notnull().all(("model", "quantile")) & means["observed"].notnull()
    forecast, observed = means["forecast"].where(known), means["observed"].where(known)
    median, crps = forecast.sel(quantile=MEDIAN, drop=True), crps_from_quantiles(forecast, observed)
    error, standard = median - observed, median.sel(model=reference, drop=True)
    low, high = (forecast.sel(quantile=level, drop=True) for level in (LOWER, UPPER))
    inside = (observed >= low) & (observed <= high)
    scores = {
        "mae": abs(error).mean("origin"),
        "rmse": np.sqrt((error**2).mean("origin")),
        "bias": error.mean("origin"),
        "crps": crps.mean("origin"),
        "coverage90": inside.where(known).mean("origin"),
        "correlation": correlation(median, observed),
        "detrended_correlation": correlation(median, observed, detrend=True),
        "n": known.sum("origin"),
    }
    compared = skill_against(crps, reference, "crpss")
    return xr.merge([xr.Dataset(scores), compared, murphy_terms(median - standard, observed - standard)])


def skill_against(loss: xr.DataArray, reference: str, name: str) -> xr.Dataset:
    """1 minus the ratio of mean losses (model, origin, period) to those of `reference`, and its 90% interval.

    `name`, `name_low` and `name_high` (model, period).
    """
    names = [str(period) for period in loss["period"].values]
    same = xr.DataArray([reference] * len(names), coords={"block": names}, dims="block")
    compared = against(loss.rename(period="block"), same, {period: PERIODS[period] for period in names})
    ends = {name: "ratio", f"{name}_low": "high", f"{name}_high": "low"}
    return xr.Dataset({key: 1 - compared[ratio] for key, ratio in ends.items()}).rename(block="period")


def tercile_skill(probability: xr.DataArray, event: xr.DataArray, reference: str) -> xr.Dataset:
    """Scores of tercile forecasts of SEASONS, over origins at which all models and the category are known.

    Args:
        probability: (model, origin, period, category).
        event: (origin, period, category).
        reference: the model that skill is measured against.

    Returns:
        `rpss` with its interval, see `skill_against`, and `rpss_equal` against a third for each (model, period);
        `roc` (model, period, category); `occurred` (period, category), the share of origins at which a category
        was observed. All but the last are NaN where one category alone was observed: there is nothing to forecast.
    """
    known = (probability.notnull().all("model") & event.notnull()).all("category")
    probability, event = probability.where(known), event.where(known)
    occurred = event.mean("origin")
    loss = ranked_probability_score(probability, event)
    equal = ranked_probability_score(equal_chances(event), event).mean("origin")
    scores = skill_against(loss, reference, "rpss").assign(rpss_equal=1 - loss.mean("origin") / equal)
    scores["roc"] = roc_areas(probability, event)
    return scores.where(occurred.max("category") < 1).assign(occurred=occurred)


def seasonal_scores(
    table: xr.Dataset, early: xr.Dataset | None, series: xr.Dataset, reference: str, min_verified: int
) -> tuple[xr.Dataset, xr.Dataset]:
    """Scores of one region, and its forecasts of terciles.

    Args:
        table: calibrated forecast table of the models to score, `reference` among them.
        early: see `periods.calibrated_means`.
        series: the record, `value` (time).
        reference: the model that skill is measured against.
        min_verified: see `periods.calibrated_means`.

    Returns:
        `mean_skill`, `tercile_skill`, `skill_by_start` (`crpss_by_start`), `ratio` (period), and `independent`
        (period), the number of origins over that of origins whose periods overlap; and the arguments of
        `terciles.reliability`, without variables where no season ends within the leads.
    """
    means = calibrated_means(table, early, min_verified)
    scores = mean_skill(means, reference)
    spacing = origin_spacing(table["origin"])
    overlap = [overlapping_origins(PERIODS[str(name)][1], spacing) for name in scores["period"].values]
    scores["independent"] = scores["n"] / xr.DataArray(overlap, dims="period")
    scores["ratio"] = means["ratio"]
    scores["crpss_by_start"] = skill_by_start(table, reference)
    seasons = means.sel(period=[name for name in SEASONS if name in means["period"].values])
    if not seasons.sizes["period"]:
        return scores, xr.Dataset()
    bounds = tercile_bounds(series["value"], table["origin"]).sel(period=seasons["period"])
    terciles = xr.Dataset(
        {
            "probability": tercile_probabilities(seasons["forecast"], bounds),
            "event": tercile_events(seasons["observed"], bounds),
            "pit": probability_below(seasons["forecast"], seasons["observed"]),
        }
    ).drop_vars("valid_time", errors="ignore")
    skill = tercile_skill(terciles["probability"], terciles["event"], reference)
    return xr.merge([scores, skill], join="left"), terciles


def join_regions(
    scores: Mapping[str, xr.Dataset], terciles: Mapping[str, xr.Dataset], quantities: Mapping[str, str]
) -> xr.Dataset:
    """All regions in one Dataset (region, ...), and `terciles.reliability` (quantity, ...) over those of a quantity.

    What a region lacks is NaN. Regions whose season is always of one category, as that of CO2, which rises
    steadily, have no part in the reliability.
    """
    joined = xr.concat([own.expand_dims(region=[region]) for region, own in scores.items()], "region", join="outer")
    joined = joined.sel(period=[name for name in PERIODS if name in joined["period"].values])
    parts = []
    for quantity in dict.fromkeys(quantities.values()):
        members = [region for region in _with_events(scores, terciles) if quantities[region] == quantity]
        if members:
            every = xr.concat([terciles[name].expand_dims(region=[name]) for name in members], "region", join="inner")
            drawn = reliability(every["probability"], every["event"], every["pit"])
            parts.append(drawn.rename(probability="stated").expand_dims(quantity=[quantity]))
    return xr.merge([joined, xr.concat(parts, "quantity", join="outer")], join="left") if parts else joined


def _with_events(scores: Mapping[str, xr.Dataset], terciles: Mapping[str, xr.Dataset]) -> Sequence[str]:
    """Regions in which more than one category was observed."""
    known = [name for name, own in terciles.items() if own.data_vars]
    return [name for name in known if bool((scores[name]["occurred"].max("category") < 1).any())]
