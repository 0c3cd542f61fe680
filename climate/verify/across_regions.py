"""All regions together: scores, comparisons with the opponent, and scores by stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.verify.contest import against, in_hindsight
from climate.verify.losses import Blocks, block_losses, cell_scores
from climate.verify.scores import score, score_seeds
from climate.verify.strata import enso_states, join_strata, score_strata


def score_regions(
    tables: Mapping[str, xr.Dataset],
    series: Mapping[str, xr.Dataset],
    networks: Mapping[str, xr.Dataset],
    covariates: xr.Dataset,
    blocks: Blocks,
    reference: str,
    opponents: xr.Dataset,
) -> tuple[xr.Dataset, xr.Dataset, dict[str, xr.DataArray]]:
    """Scores of all regions, their scores by stratum, and their `losses.block_losses` by region.

    Args:
        tables: region -> forecast table of all models.
        series: region -> its record.
        networks: region -> table of the networks with their `seeds`, if written.
        covariates: harmonized covariates; those of ENSO_INDEX give the ENSO states.
        blocks: name -> first and last lead.
        reference: the model that skill is measured against.
        opponents: `contest.choose_opponents`.

    Raises:
        ClimateError: there is no table, a block exceeds the leads, or the reference was not run.
    """
    cells = {region: cell_scores(table).assign_attrs(region=region) for region, table in tables.items()}
    losses = {region: block_losses(own, blocks) for region, own in cells.items()}
    scores = []
    for region, table in tables.items():
        scored = score(table, series[region], blocks, reference, cells[region])
        opponent = opponents["opponent"].sel(quantity=series[region].attrs["quantity"], drop=True)
        parts = [
            against(losses[region], opponent, blocks).assign(opponent=opponent),
            in_hindsight(losses[region]),
            score_seeds(table, networks[region], blocks),
        ]
        scores.append(xr.merge([scored, xr.merge(parts, join="left").expand_dims(region=[region])], join="left"))
    states = enso_states(covariates)
    strata = join_strata([score_strata(cells[region], series[region], states, blocks) for region in tables])
    return join_scores(scores), strata, losses


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
