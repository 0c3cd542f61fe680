"""Combinations of forecasters: the mean of their quantiles, equal, trimmed, or weighted by past skill.

They act on forecast tables (see `hindcast.rolling.backtest`). The weights of an origin are estimated from errors whose
month had been observed by then. Averaging quantiles, rather than probabilities, preserves the spread of the members:
Lichtendahl et al. (2013), Management Science 59, doi:10.1287/mnsc.1120.1667. Why equal weights are hard to beat:
Claeskens et al. (2016), International Journal of Forecasting 32, doi:10.1016/j.ijforecast.2015.12.005.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.forecasters.registry import MODELS
from climate.schema import QUANTILES

BoolArray = npt.NDArray[np.bool_]

MEMBERS = tuple(model.name for model in MODELS.values() if model.combined)
"""Default members. They and the weights were chosen on origins whose forecasts end before 2004: docs/forecasters.md."""

TRIM_FROM = 4
"""Smallest number of members of which the trimmed mean leaves out the highest and the lowest."""

LEAD_RATIO = 1.5
"""Errors of leads within this factor of a lead count for that lead too: neighbouring leads differ little."""

SHARPNESS = 2.0
"""Weights are proportional to the verified loss to the power of minus this."""

PRIOR_MONTHS = 72.0
"""Weight of the equal weights, as the time that verified origins span (months)."""


def join_tables(tables: Sequence[xr.Dataset]) -> xr.Dataset:
    """Forecast tables of one region concatenated along model; per-origin variables come from the first.

    Forecasts of single seeds are dropped.

    Raises:
        ClimateError: origins, leads or observations differ, or a model occurs twice.
    """
    first = tables[0]
    names = [str(name) for table in tables for name in table["model"].values]
    for name in names:
        if names.count(name) > 1:
            raise ClimateError(f"forecast tables: model '{name}' occurs {names.count(name)} times, expected once")
    for table in tables[1:]:
        for key in ("origin", "lead", "quantile", "observed"):
            if not table[key].equals(first[key]):
                raise ClimateError(
                    f"forecast tables of region {first.attrs.get('region', 'unnamed')}: {key} of the models "
                    f"{', '.join(map(str, table['model'].values))} differs from that of the first table, expected "
                    "the same; run the stages of this region again"
                )
    joined = xr.concat(
        [table.drop_vars("seeds", errors="ignore") for table in tables],
        dim="model",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        combine_attrs="override",
    )
    return joined.assign_coords(model=np.array(names, dtype=object))


def pinball_loss(table: xr.Dataset) -> FloatArray:
    """Mean pinball loss over the quantiles (model, origin, lead), NaN where nothing was observed."""
    levels = np.array(QUANTILES)
    error = table["observed"].values[None, :, :, None] - table["forecast"].values
    return np.asarray(np.maximum(levels * error, (levels - 1) * error).mean(axis=-1))


def verified(table: xr.Dataset) -> BoolArray:
    """True (origin, earlier origin, lead) where the earlier origin's forecast was verified by the origin."""
    known = table["valid_time"].values[None] <= table["origin"].values[:, None, None]
    return np.asarray(known & np.isfinite(table["observed"].values)[None])


def verified_months(table: xr.Dataset) -> FloatArray:
    """Time (origin, lead) that the origins verified by each origin span, in months: their number times their spacing.

    Origins at a closer spacing tell hardly more, since their forecasts cover the same months.
    """
    months = table["origin"].values.astype("datetime64[M]").astype(np.int64)
    spacing = np.median(np.diff(months)) if months.size > 1 else 1.0
    return np.asarray(verified(table).sum(axis=1) * spacing)


def neighbouring_leads(leads: FloatArray) -> BoolArray:
    """True (lead, other lead) within LEAD_RATIO of each other."""
    ratio = leads[:, None] / leads[None, :]
    return np.asarray(np.maximum(ratio, 1 / ratio) <= LEAD_RATIO)


def members_of(table: xr.Dataset, members: Sequence[str] = MEMBERS) -> xr.Dataset:
    """The table of those `members` that it holds. Raises ClimateError if there are fewer than two."""
    available = [str(name) for name in table["model"].values]
    present = [name for name in members if name in available]
    if len(present) < 2:
        raise ClimateError(
            f"combine: found {present or 'none'} of the members {', '.join(members)}, expected at least two; "
            "add them to baselines.models or lstm.models in params.yaml"
        )
    return table.sel(model=present)


def skill_weights(table: xr.Dataset, min_verified: int) -> FloatArray:
    """Weights (model, origin, lead) that sum to one over the models.

    The weights of a lead are proportional to the mean loss of the model over the verified forecasts of that and
    neighbouring leads to the power of -SHARPNESS, shrunk towards equality as if by PRIOR_MONTHS more. Where
    origins of fewer than `min_verified` months are verified they are equal.
    """
    loss = pinball_loss(table)
    known = verified(table).astype(float)
    near = neighbouring_leads(table["lead"].values.astype(float)).astype(float)
    filled = np.nan_to_num(loss)
    total = np.einsum("mel,oel,kl->mok", filled, known, near, optimize=True)
    months = verified_months(table)
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = (total / total.mean(axis=0)) ** -SHARPNESS
        estimated = strength / strength.sum(axis=0)
    equal = 1 / loss.shape[0]
    share = np.where(months >= min_verified, months / (months + PRIOR_MONTHS), 0.0)
    return np.asarray(np.where(share > 0, share * np.nan_to_num(estimated, nan=equal) + (1 - share) * equal, equal))


def combination(table: xr.Dataset, forecast: FloatArray, name: str) -> xr.Dataset:
    """Quantiles (origin, lead, quantile) combined from the models of `table`, as a table of one model."""
    result = table.isel(model=[0]).assign_coords(model=np.array([name], dtype=object))
    result["forecast"] = result["forecast"].copy(data=np.maximum.accumulate(forecast, axis=-1)[None])
    for counted in ("parameters", "fallbacks"):
        if counted in table:
            result[counted] = result[counted].copy(data=[int(table[counted].sum())])
    return result


def trimmed(forecasts: FloatArray) -> FloatArray:
    """Mean of the quantiles (model, ...) without the highest and the lowest of each cell, from TRIM_FROM models on.

    Jose and Winkler (2008), doi:10.1016/j.ijforecast.2007.06.001.
    """
    ranked = np.sort(forecasts, axis=0)
    return np.asarray((ranked[1:-1] if ranked.shape[0] >= TRIM_FROM else ranked).mean(axis=0))


def combine(table: xr.Dataset, min_verified: int, members: Sequence[str] = MEMBERS) -> xr.Dataset:
    """Models `mean-equal`, `mean-trimmed` and `mean-weighted` of those `members` that are in the table.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile), `observed` and `valid_time`
            (origin, lead).
        min_verified: months of verified origins that a lead needs before its weights are estimated.
        members: models to combine.

    Returns:
        Forecast table of the three combinations; no NaN where the members have none.

    Raises:
        ClimateError: fewer than two members are in the table.
    """
    chosen = members_of(table, members)
    forecasts = chosen["forecast"].values
    means = {
        "mean-equal": forecasts.mean(axis=0),
        "mean-trimmed": trimmed(forecasts),
        "mean-weighted": np.einsum("mol,molq->olq", skill_weights(chosen, min_verified), forecasts),
    }
    return join_tables([combination(chosen, forecast, name) for name, forecast in means.items()])
