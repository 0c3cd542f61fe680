"""Scores of forecast tables by lead and by block of leads.

All models of a table are scored on the sample that they share (`losses.common_sample`); means are over its cells.
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.schema import MONTHS_PER_YEAR
from climate.verify.losses import (
    CELLS,
    Blocks,
    at_valid_time,
    by_block,
    cell_scores,
    common_sample,
    crps_from_quantiles,
    observation_floor,
    verified,
    widen,
)


def naive_scale(series: xr.Dataset, until: np.datetime64) -> float:
    """Mean absolute year-on-year change up to the month `until`, the scale of MASE (Hyndman and Koehler 2006).

    Cut at the first origin, so that the scale is known inside every fold.
    """
    values = series["value"].sel(time=slice(None, until)).values
    change = np.abs(values[MONTHS_PER_YEAR:] - values[:-MONTHS_PER_YEAR])
    return float(np.nanmean(change)) if np.isfinite(change).any() else math.nan


def mean_scores(cells: xr.Dataset, scale: float, over: list[str]) -> xr.Dataset:
    """Scores averaged over the dims `over` of the common sample, and the number of cells `n`.

    Args:
        cells: `losses.cell_scores`.
        scale: `naive_scale` of the record.
        over: dims to average over.
    """
    error = abs(cells["error"]).mean(over)
    return xr.Dataset(
        {
            "mae": error,
            "rmse": np.sqrt((cells["error"] ** 2).mean(over)),
            "mase": error / scale,
            "bias": cells["error"].mean(over),
            "crps": cells["crps"].mean(over),
            "coverage90": cells["covered90"].mean(over),
            **{name: cells[name].mean(over) for name in ("width90", "below90", "above90", "interval_score90")},
            "n": verified(cells).sum(over),
        }
    )


def calibration(table: xr.Dataset) -> xr.DataArray:
    """Share of observations not above each quantile (model, lead, quantile); calibrated forecasts give the level."""
    sample = common_sample(table)
    below = (table["observed"] <= table["forecast"]).where(sample)
    return below.mean("origin").transpose("model", "lead", "quantile")


def score_blocks(cells: xr.Dataset, blocks: Blocks, scale: float = math.nan) -> xr.Dataset:
    """`mean_scores` (model, block), each block a range of leads, on the common sample of the whole table."""
    return by_block(cells, blocks, lambda part: mean_scores(part, scale, list(CELLS)))


WIDENED = ("crps", "coverage90", "interval_score90")
"""Scores that are also given for forecasts widened by the uncertainty of the observation."""


def score_widened(table: xr.Dataset, uncertain: xr.DataArray, blocks: Blocks) -> xr.Dataset:
    """WIDENED scores (model, block) with the suffix `_widened`: of forecasts of an observation that is uncertain.

    Args:
        table: forecast table.
        uncertain: one standard error of the observation (origin, lead); where it is NaN the forecast stays as it is.
        blocks: name -> first and last lead. A block without any published uncertainty is NaN.
    """
    widened = cell_scores(table.assign(forecast=widen(table["forecast"], uncertain)))
    means = score_blocks(widened, blocks)[list(WIDENED)]
    known = xr.Dataset({"known": uncertain.where(common_sample(table))})
    published = by_block(known, blocks, lambda part: part.notnull().any())["known"]
    return means.where(published).rename({name: f"{name}_widened" for name in WIDENED})


def score_seeds(table: xr.Dataset, lstm: xr.Dataset, blocks: Blocks) -> xr.Dataset:
    """CRPS of each seed of a network, and of the mean of their quantiles, before calibration.

    Args:
        table: the forecast table with all models, whose common sample is used.
        lstm: table of the networks, with `seeds` (model, seed, origin, lead, quantile); NaN where a model has none.
        blocks: name -> first and last lead.

    Returns:
        Dataset with `crps_seed` (model, seed, block) and `crps_seed_mean` (model, block) in the unit of the forecast;
        without variables where the table has no seeds.
    """
    if "seeds" not in lstm:
        return xr.Dataset()
    sample, observed = common_sample(table), table["observed"]
    seeds = lstm["seeds"]
    seeds = seeds.isel(model=seeds.notnull().any([dim for dim in seeds.dims if dim != "model"]).values)
    cells = xr.Dataset(
        {
            "crps_seed": crps_from_quantiles(seeds, observed).where(sample),
            "crps_seed_mean": crps_from_quantiles(seeds.mean("seed"), observed).where(sample),
        }
    )
    return by_block(cells, blocks, lambda part: part.mean(CELLS))


def score(
    table: xr.Dataset, series: xr.Dataset, blocks: Blocks, reference: str, cells: xr.Dataset | None = None
) -> xr.Dataset:
    """All scores of one region.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile) and `observed` (origin, lead).
        series: the record, `value` and, if published, `uncertainty` (time).
        blocks: name -> first and last lead, scored together.
        reference: the model that skill is measured against.
        cells: `losses.cell_scores` of the table, where they are known already.

    Returns:
        Dataset over (region, model, block): see `mean_scores`, and `skill`, the CRPSS; over (region, model, lead): the
        scores of `mean_scores` with `_by_lead` and `pit` (region, model, lead, quantile); `crps_floor` (region,
        block), the part of the score that is the observation's own uncertainty, NaN where none is published, and beside
        it the scores of `score_widened`;
        `parameters` and `fallbacks` (region, model) where the table has them. NaN where a block has no verified cell.

    Raises:
        ClimateError: a block outside the leads of the table, or a reference that is not in it.
    """
    region = str(table.attrs.get("region", series.attrs.get("region", "unnamed")))
    cells = cell_scores(table) if cells is None else cells
    scale = naive_scale(series, table["origin"].values[0])
    uncertainty = series["uncertainty"] if "uncertainty" in series else xr.full_like(series["value"], math.nan)
    uncertain = at_valid_time(uncertainty, table)
    floor = xr.Dataset({"floor": observation_floor(uncertain).where(verified(cells))})
    if reference not in table["model"].values:
        ran = ", ".join(map(str, table["model"].values))
        raise ClimateError(f"score.reference: found '{reference}', expected one of the models that were run: {ran}")
    by_lead = mean_scores(cells, scale, ["origin"])
    in_blocks = score_blocks(cells, blocks, scale)
    scores = xr.merge(
        [
            in_blocks,
            (1 - in_blocks["crps"] / in_blocks["crps"].sel(model=reference, drop=True)).rename("skill"),
            by_lead.rename({name: f"{str(name).removesuffix('90')}_by_lead" for name in by_lead.data_vars}),
            score_widened(table, uncertain, blocks),
        ]
    )
    scores["pit"] = calibration(table)
    scores["crps_floor"] = by_block(floor, blocks, lambda part: part.mean())["floor"]
    for name in ("parameters", "fallbacks"):
        if name in table:
            scores[name] = table[name].drop_attrs()
    described = {
        "reference": reference,
        "crps": "2 x quantile score, weighted by the range of levels nearest to each quantile",
        "mase": f"mean absolute error / mean absolute {MONTHS_PER_YEAR}-month change up to the first origin",
        "coverage90": "share of observations inside the 5%-95% quantiles, bounds included",
    }
    return scores.drop_vars("valid_time", errors="ignore").expand_dims(region=[region]).assign_attrs(described)
