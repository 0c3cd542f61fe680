"""All regions together: one comparison per model and block of leads, resampling by origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import xarray as xr

from climate.forecasters.base import FloatArray
from climate.forecasters.registry import Kind, is_kind
from climate.verify.comparison import RATIO_LEVEL
from climate.verify.significance import (
    bootstrap_ratio,
    dm_test,
    origin_differences,
    origin_spacing,
    overlapping_origins,
)

RESULTS = ("pooled_ratio_best", "pooled_ratio_best_low", "pooled_ratio_best_high", "pooled_p_best")


def pool(regions: Sequence[xr.Dataset], blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """CRPS of every model over that of the best classical model of each region, over all regions at once.

    Losses of a region are divided by the mean loss of its best classical model in the block, so that every region
    counts alike whatever its unit. Origins are resampled and tested with all their regions together, which keeps the
    dependence between regions. Origins that a region lacks are left out; a model counts over the regions that have it.

    Args:
        regions: `losses.cell_scores` of each region.
        blocks: name -> first and last lead.

    Returns:
        Dataset (model, block): `pooled_ratio_best`, its bootstrap bounds `_low` and `_high` (level RATIO_LEVEL), and
        `pooled_p_best` of the two-sided test against the best classical models, NaN where it cannot be made.
    """
    crps = [cells["crps"] for cells in regions]
    models = list(dict.fromkeys(str(name) for loss in crps for name in loss["model"].values))
    verified = [loss["origin"].values[loss.notnull().any(("model", "lead")).values] for loss in crps]
    origins = reduce(np.intersect1d, verified)
    spacing = origin_spacing(xr.DataArray(origins))
    results = {name: np.full((len(models), len(blocks)), np.nan) for name in RESULTS}
    for column, (first, last) in enumerate(blocks.values()):
        scaled = [
            _scaled(loss.reindex(model=np.array(models, dtype=object)).sel(origin=origins, lead=slice(first, last)))
            for loss in crps
        ]
        shared = overlapping_origins(last, spacing)
        for row in range(len(models)):
            pairs = [(losses[row], best) for losses, best in filter(None, scaled) if np.isfinite(losses[row]).any()]
            if not pairs:
                continue
            own, best = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
            low, high = bootstrap_ratio(own, best, shared, level=RATIO_LEVEL)
            p = float(dm_test(origin_differences(own, best), shared).p)
            ratio = np.nanmean(own) / np.nanmean(best)
            for name, value in zip(RESULTS, (ratio, low, high, p), strict=True):
                results[name][row, column] = value
    return xr.Dataset(
        {name: (("model", "block"), values) for name, values in results.items()},
        coords={"model": np.array(models, dtype=object), "block": list(blocks)},
    )


def _scaled(loss: xr.DataArray) -> tuple[FloatArray, FloatArray] | None:
    """Losses (model, origin, lead) over the mean loss of the best classical model, and those of that model."""
    values = loss.transpose("model", "origin", "lead").values
    values = values[:, :, np.isfinite(values).any(axis=(0, 1))]
    classical = [
        row
        for row, name in enumerate(loss["model"].values)
        if is_kind(str(name), Kind.CLASSICAL) and np.isfinite(values[row]).any()
    ]
    if not classical:
        return None
    best = min(classical, key=lambda row: float(np.nanmean(values[row])))
    scaled = values / np.nanmean(values[best])
    return scaled, scaled[best]
