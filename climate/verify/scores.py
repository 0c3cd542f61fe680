"""Scores of forecast tables by lead, by block of leads and by group.

All models of a table are scored on the sample that they share (`losses.common_sample`); means are over its cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from scores.continuous import mae, rmse

from climate.errors import ClimateError
from climate.verify.comparison import COMPARED, compare_blocks
from climate.verify.losses import (
    CELLS,
    MEDIAN,
    at_valid_time,
    cell_scores,
    common_sample,
    crps_from_quantiles,
    observation_floor,
    widen,
)
from climate.verify.significance import holm

SEASON = 12
"""Months of lag of the seasonal naive forecast that scales MASE."""


def naive_scale(series: xr.Dataset, until: np.datetime64) -> float:
    """Mean absolute year-on-year change up to the month `until`, the scale of MASE (Hyndman and Koehler 2006).

    Cut at the first origin, so that the scale is known inside every fold.
    """
    values = series["value"].sel(time=slice(None, until)).values
    change = np.abs(values[SEASON:] - values[:-SEASON])
    return float(np.nanmean(change)) if np.isfinite(change).any() else math.nan


def mean_scores(table: xr.Dataset, cells: xr.Dataset, scale: float, over: list[str]) -> xr.Dataset:
    """Scores averaged over the dims `over` of the common sample, and the number of cells `n`."""
    sample = common_sample(table)
    median = table["forecast"].sel(quantile=MEDIAN, drop=True).where(sample)
    observed = table["observed"].where(sample)
    error = mae(median, observed, reduce_dims=over)
    return xr.Dataset(
        {
            "mae": error,
            "rmse": rmse(median, observed, reduce_dims=over),
            "mase": error / scale,
            "bias": (median - observed).mean(over),
            "crps": cells["crps"].mean(over),
            "coverage90": cells["covered90"].mean(over),
            "width90": cells["width90"].mean(over),
            "below90": cells["below90"].mean(over),
            "above90": cells["above90"].mean(over),
            "interval_score90": cells["interval_score90"].mean(over),
            "n": sample.sum(over),
        }
    )


def calibration(table: xr.Dataset) -> xr.DataArray:
    """Share of observations not above each quantile (model, lead, quantile); calibrated forecasts give the level."""
    sample = common_sample(table)
    below = (table["observed"] <= table["forecast"]).where(sample)
    return below.mean("origin").transpose("model", "lead", "quantile")


def check_blocks(table: xr.Dataset, blocks: Mapping[str, tuple[int, int]]) -> None:
    """Raise ClimateError unless every block lies within the leads of the table."""
    longest = int(table["lead"].max())
    for name, (first, last) in blocks.items():
        if not 1 <= first <= last <= longest:
            raise ClimateError(
                f"score.blocks '{name}': found leads {first} to {last}, expected a range within 1 to {longest}; "
                "change the block or backtest.leads"
            )


def score_blocks(table: xr.Dataset, series: xr.Dataset, blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """Mean scores (model, block), each block a range of leads, on the common sample of the whole table."""
    check_blocks(table, blocks)
    scale, cells = naive_scale(series, table["origin"].values[0]), cell_scores(table)
    per_block = [
        mean_scores(
            table.sel(lead=slice(first, last)), cells.sel(lead=slice(first, last)), scale, list(CELLS)
        ).expand_dims(block=[name])
        for name, (first, last) in blocks.items()
    ]
    return xr.concat(per_block, "block").transpose("model", "block", ...)


def score_leads(table: xr.Dataset, series: xr.Dataset) -> xr.Dataset:
    """Mean scores of every lead (model, lead), and `pit` (model, lead, quantile), see `calibration`."""
    scale = naive_scale(series, table["origin"].values[0])
    scores = mean_scores(table, cell_scores(table), scale, ["origin"])
    scores["pit"] = calibration(table)
    return scores


def judged_cells(table: xr.Dataset) -> xr.Dataset:
    """What `score_groups` averages, by the names of the means: `mae`, `crps` and `coverage90` (model, origin, lead).

    On the common sample, NaN elsewhere; in the unit of the forecast but for `coverage90`, which is 0 or 1.
    """
    cells = cell_scores(table)
    median = table["forecast"].sel(quantile=MEDIAN, drop=True)
    error = xr.DataArray(abs(median - table["observed"])).where(common_sample(table))
    judged = xr.Dataset({"mae": error, "crps": cells["crps"], "coverage90": cells["covered90"]})
    return judged.transpose("model", *CELLS).drop_vars("valid_time", errors="ignore")


def score_groups(cells: xr.Dataset, labels: xr.DataArray) -> xr.Dataset:
    """Scores (model, label) of cells that share a label, such as the ENSO state or the collection period.

    Args:
        cells: `judged_cells` of one region, or those of a block of leads.
        labels: strings (origin, lead), (origin) or (lead); "" leaves a cell out. `at_valid_time` makes them from
            something known by month.

    Returns:
        `mae`, `crps`, `coverage90` and `n`, labels sorted; NaN where no cell of a label is verified.

    Raises:
        ClimateError: every label is "".
    """
    sample = cells["crps"].notnull().all("model")
    spread = labels.broadcast_like(sample).transpose(*CELLS).drop_vars("valid_time", errors="ignore")
    found = sorted({str(label) for label in np.ravel(spread.values)} - {""})
    if not found:
        raise ClimateError("errors by group: found no label, expected one per cell or origin; check the labels")
    per_label = []
    for label in found:
        chosen = spread == label
        per_label.append(cells.where(chosen).mean(CELLS).assign(n=(sample & chosen).sum()).expand_dims(label=[label]))
    return xr.concat(per_label, "label").transpose("model", "label", ...)


WIDENED = ("crps", "coverage90", "interval_score90")
"""Scores that are also given for forecasts widened by the uncertainty of the observation."""


def score_widened(table: xr.Dataset, uncertain: xr.DataArray, blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """WIDENED scores (model, block) with the suffix `_widened`: of forecasts of an observation that is uncertain.

    Args:
        table: forecast table.
        uncertain: one standard error of the observation (origin, lead); where it is NaN the cell keeps its forecast.
        blocks: name -> first and last lead. A block without any published uncertainty is NaN.
    """
    cells = cell_scores(table.assign(forecast=widen(table["forecast"], uncertain)))
    known = (uncertain.notnull() & common_sample(table)).drop_vars("valid_time", errors="ignore")
    parts = []
    for name, (first, last) in blocks.items():
        leads = {"lead": slice(first, last)}
        block = cells.sel(leads).rename(covered90="coverage90")[list(WIDENED)].mean(CELLS)
        parts.append(block.where(bool(known.sel(leads).any())).expand_dims(block=[name]))
    joined = xr.concat(parts, "block").transpose("model", "block")
    return joined.rename({name: f"{name}_widened" for name in WIDENED})


def score_seeds(table: xr.Dataset, lstm: xr.Dataset, blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """CRPS of each seed of a network, and of the mean of their quantiles, before calibration.

    Args:
        table: the forecast table with all models, whose common sample is used.
        lstm: table of the networks, with `seeds` (model, seed, origin, lead, quantile); NaN where a model has none.
        blocks: name -> first and last lead.

    Returns:
        Dataset with `crps_seed` (model, seed, block) and `crps_seed_mean` (model, block) in the unit of the forecast;
        without variables where no network kept its seeds.
    """
    if "seeds" not in lstm:
        return xr.Dataset()
    sample, observed = common_sample(table), table["observed"]
    seeds = lstm["seeds"]
    seeds = seeds.isel(model=seeds.notnull().any([dim for dim in seeds.dims if dim != "model"]).values)
    each = crps_from_quantiles(seeds, observed).where(sample)
    mean = crps_from_quantiles(seeds.mean("seed"), observed).where(sample)
    parts = [
        xr.Dataset(
            {
                "crps_seed": each.sel(lead=slice(first, last)).mean(CELLS),
                "crps_seed_mean": mean.sel(lead=slice(first, last)).mean(CELLS),
            }
        ).expand_dims(block=[name])
        for name, (first, last) in blocks.items()
    ]
    joined = xr.concat(parts, "block").drop_vars("valid_time", errors="ignore")
    return joined.transpose("model", "seed", "block", missing_dims="ignore")


def score(
    table: xr.Dataset,
    series: xr.Dataset,
    blocks: Mapping[str, tuple[int, int]],
    reference: str,
    *,
    observation_error: bool = False,
) -> xr.Dataset:
    """All scores and comparisons of one region.

    Args:
        table: forecast table with `forecast` (model, origin, lead, quantile) and `observed` (origin, lead).
        series: the record, `value` and, if published, `uncertainty` (time).
        blocks: name -> first and last lead, scored together.
        reference: the model that skill is measured against.
        observation_error: widen every forecast by the published uncertainty of the observation that it is scored
            with (`losses.widen`), for forecasts of the true value.

    Returns:
        Dataset over (region, model, block): see `mean_scores` and `compare_blocks`; over (region, model, lead): the
        scores of `mean_scores` with `_by_lead` and `pit` (region, model, lead, quantile); `crps_floor` (region,
        block), the part of the score that is the observation's own uncertainty, NaN where none is published, and beside
        it the scores of `score_widened`;
        `parameters` and `fallbacks` (region, model) where the table has them. NaN where a block has no verified cell.

    Raises:
        ClimateError: a block outside the leads of the table, or a reference that is not in it.
    """
    region = str(table.attrs.get("region", series.attrs.get("region", "unnamed")))
    uncertainty = series["uncertainty"] if "uncertainty" in series else xr.full_like(series["value"], math.nan)
    uncertain = at_valid_time(uncertainty, table)
    if observation_error:
        table = table.assign(forecast=widen(table["forecast"], uncertain))
    leads = score_leads(table, series)
    named = {name: name if name == "pit" else f"{str(name).removesuffix('90')}_by_lead" for name in leads.data_vars}
    floor = observation_floor(uncertain).where(common_sample(table))
    scores = xr.merge(
        [score_blocks(table, series, blocks), compare_blocks(table, blocks, reference), leads.rename(named)]
    )
    scores["crps_floor"] = (
        "block",
        [float(floor.sel(lead=slice(first, last)).mean()) for first, last in blocks.values()],
    )
    if not observation_error:
        scores = scores.merge(score_widened(table, uncertain, blocks))
    for name in ("parameters", "fallbacks", "refit_every"):
        if name in table:
            scores[name] = table[name].drop_attrs()
    described = {
        "reference": reference,
        "crps": "2 x quantile score, weighted by the range of levels nearest to each quantile",
        "mase": f"mean absolute error / mean absolute {SEASON}-month change up to the first origin",
        "coverage90": "share of observations inside the 5%-95% quantiles, bounds included",
        "observation_error": "forecasts widened by the uncertainty of the observation" if observation_error else "none",
    }
    return scores.drop_vars("valid_time", errors="ignore").expand_dims(region=[region]).assign_attrs(described)


def join_scores(scores: Sequence[xr.Dataset]) -> xr.Dataset:
    """Scores of several regions as one Dataset, with Holm-adjusted p-values over models and regions.

    The family of `dm_p_reference_holm` and `dm_p_best_holm` are all models in all regions, per block. A model that
    a region lacks is NaN there.

    Raises:
        ClimateError: there are no scores.
    """
    if not scores:
        raise ClimateError("score: found no region with scores, expected at least one; see the log of earlier stages")
    models: dict[str, None] = {}
    for one in scores:
        models.update(dict.fromkeys(str(model) for model in one["model"].values))
    aligned = [one.reindex(model=np.array(list(models), dtype=object)) for one in scores]
    joined = xr.concat(aligned, "region", join="outer", combine_attrs="drop_conflicts")
    for opponent in COMPARED:
        p = joined[f"dm_p_{opponent}"].transpose("region", "model", "block")
        adjusted = np.stack([holm(p.isel(block=i).values) for i in range(p.sizes["block"])], axis=-1)
        joined[f"dm_p_{opponent}_holm"] = (p.dims, adjusted)
    return joined
