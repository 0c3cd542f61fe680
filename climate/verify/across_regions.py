"""All regions together: their scores joined, and one comparison per model and block of leads, resampling by origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.forecasters.registry import Kind, is_kind
from climate.verify.comparison import RATIO_LEVEL
from climate.verify.losses import Blocks, by_block, cell_scores
from climate.verify.scores import score, score_seeds
from climate.verify.significance import (
    bootstrap_ratio,
    dm_test,
    origin_differences,
    origin_spacing,
    overlapping_origins,
)
from climate.verify.strata import enso_states, join_strata, score_strata
from climate.verify.verdicts import verdicts

RESULTS = ("pooled_ratio_best", "pooled_ratio_best_low", "pooled_ratio_best_high", "pooled_p_best")


def score_regions(
    tables: Mapping[str, xr.Dataset],
    series: Mapping[str, xr.Dataset],
    networks: Mapping[str, xr.Dataset],
    covariates: xr.Dataset,
    blocks: Blocks,
    reference: str,
    significance: float,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Scores of all regions with their comparisons and verdicts, and their scores by stratum.

    Args:
        tables: region -> forecast table of all models.
        series: region -> its record.
        networks: region -> table of the networks with their `seeds`, if written.
        covariates: harmonized covariates; those of ENSO_INDEX give the ENSO states.
        blocks: name -> first and last lead.
        reference: the model that skill is measured against.
        significance: family-wise error rate of the verdicts.

    Raises:
        ClimateError: there is no table, a block exceeds the leads, or the reference was not run.
    """
    cells = {region: cell_scores(table).assign_attrs(region=region) for region, table in tables.items()}
    scores = []
    for region, table in tables.items():
        scored = score(table, series[region], blocks, reference, cells[region])
        seeds = score_seeds(table, networks[region], blocks)
        scores.append(scored.merge(seeds.expand_dims(region=[region]), join="left") if seeds else scored)
    joined = join_scores(scores)
    joined = xr.merge([joined, pool(list(cells.values()), blocks), verdicts(joined, significance)], join="left")
    states = enso_states(covariates)
    return joined, join_strata([score_strata(cells[region], series[region], states, blocks) for region in tables])


def join_scores(scores: Sequence[xr.Dataset]) -> xr.Dataset:
    """Scores of several regions as one Dataset; a model that a region lacks is NaN there.

    Raises:
        ClimateError: there are no scores.
    """
    if not scores:
        raise ClimateError("score: found no region with scores, expected at least one; see the log of earlier stages")
    models = _models(scores)
    return xr.concat(
        [region.reindex(model=models) for region in scores], "region", join="outer", combine_attrs="drop_conflicts"
    )


def _models(regions: Sequence[xr.Dataset]) -> np.ndarray:
    """Models of any region, in order of appearance."""
    return np.array(list(dict.fromkeys(str(name) for region in regions for name in region["model"].values)), object)


def pool(regions: Sequence[xr.Dataset], blocks: Blocks) -> xr.Dataset:
    """CRPS of every model over that of the best classical model of each region, over all regions at once.

    Losses of a region are divided by the mean loss of its best classical model in the block, so that every region
    has equal weight whatever its unit. Origins are resampled and tested with all their regions together, which
    preserves the dependence between regions. Origins that a region lacks are left out; a model is scored over the
    regions that have it.

    Args:
        regions: `losses.cell_scores` of each region.
        blocks: name -> first and last lead.

    Returns:
        Dataset (model, block): `pooled_ratio_best`, its bootstrap bounds `_low` and `_high` (level RATIO_LEVEL), and
        `pooled_p_best` of the two-sided test against the best classical models, NaN where it cannot be made.
    """
    verified = [cells["crps"].dropna("origin", how="all")["origin"].values for cells in regions]
    origins, models = reduce(np.intersect1d, verified), _models(regions)
    losses = xr.concat([cells[["crps"]].reindex(model=models).sel(origin=origins) for cells in regions], "region")
    spacing = origin_spacing(losses["origin"])
    return by_block(losses.drop_vars("valid_time", errors="ignore"), blocks, lambda part: _pool(part["crps"], spacing))


def _pool(losses: xr.DataArray, spacing: int) -> xr.Dataset:
    """RESULTS (model) of one block, from losses (region, model, origin, lead)."""
    models = losses["model"].values.astype(str)
    means = losses.mean(("origin", "lead")).transpose("region", "model").values
    means[:, [not is_kind(name, Kind.CLASSICAL) for name in models]] = np.nan
    judged = np.isfinite(means).any(axis=1)
    best = np.nanargmin(means[judged], axis=1)
    scaled = losses.transpose("model", "origin", "region", "lead").values[:, :, judged]
    scaled = scaled / np.nanmin(means[judged], axis=1)[:, None]
    opponents = np.stack([scaled[model, :, region] for region, model in enumerate(best)], axis=1)
    # the leads of all regions side by side: (model, origin, region and lead)
    scaled, opponents = scaled.reshape(*scaled.shape[:2], -1), opponents.reshape(len(opponents), -1)
    shared = overlapping_origins(int(losses["lead"][-1]), spacing)
    results = np.full((len(RESULTS), len(models)), np.nan)
    for column, own in enumerate(scaled):
        scored = np.isfinite(own).any(axis=0)
        if scored.any():
            first, second = own[:, scored], opponents[:, scored]
            p = float(dm_test(origin_differences(first, second), shared).p)
            bounds = bootstrap_ratio(first, second, shared, level=RATIO_LEVEL)
            results[:, column] = (np.nanmean(first) / np.nanmean(second), *bounds, p)
    return xr.Dataset(
        {name: ("model", values) for name, values in zip(RESULTS, results, strict=True)},
        coords={"model": losses["model"]},
    )
