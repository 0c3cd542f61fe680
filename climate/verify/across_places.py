"""All places together: one comparison per model and block of leads, with origins as the unit of chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import xarray as xr

from climate.forecasters.registry import Kind, is_kind
from climate.verify.comparison import RATIO_LEVEL
from climate.verify.losses import cell_scores
from climate.verify.significance import bootstrap_ratio, dm_test, origin_differences, overlap


def pool(tables: Sequence[xr.Dataset], blocks: Mapping[str, tuple[int, int]]) -> xr.Dataset:
    """CRPS of every model over that of the best classical model of each region, over all regions at once.

    Losses of a region are divided by the mean loss of its best classical model in the block, so that every region
    counts alike whatever its unit. Origins are resampled and tested with all their regions together, which keeps the
    dependence between regions. Origins that a region lacks are left out; a model counts over the regions that have it.

    Returns:
        Dataset (model, block): `pooled_ratio_best`, its bootstrap bounds `_low` and `_high` (level RATIO_LEVEL), and
        `pooled_p_best` of the two-sided test against the best classical models, NaN where it cannot be made.
    """
    cells = [cell_scores(table)["crps"] for table in tables]
    models = list(dict.fromkeys(str(name) for one in cells for name in one["model"].values))
    origins = reduce(
        np.intersect1d, [one["origin"].values[one.notnull().any(("model", "lead")).values] for one in cells]
    )
    months = origins.astype("datetime64[M]").astype(np.int64)
    spacing = int(np.median(np.diff(months))) if months.size > 1 else 1
    names = ("pooled_ratio_best", "pooled_ratio_best_low", "pooled_ratio_best_high", "pooled_p_best")
    found = {name: np.full((len(models), len(blocks)), np.nan) for name in names}
    classical = [place for place, name in enumerate(models) if is_kind(name, Kind.CLASSICAL)]
    for at, (first, last) in enumerate(blocks.values()):
        losses, opponents = [], []
        for one in cells:
            loss = one.reindex(model=np.array(models, dtype=object))
            loss = loss.sel(origin=origins, lead=slice(first, last)).transpose("model", "origin", "lead")
            known = np.isfinite(loss.values).any(axis=(0, 1))
            values = loss.values[:, :, known]
            served = [place for place in classical if np.isfinite(values[place]).any()]
            if not served:
                continue
            best = min(served, key=lambda place, values=values: float(np.nanmean(values[place])))  # type: ignore[misc]
            scaled = values / np.nanmean(values[best])
            losses.append(scaled)
            opponents.append(scaled[best])
        if not losses:
            continue
        shared = overlap(last, spacing)
        for place in range(len(models)):
            pairs = [(loss[place], best) for loss, best in zip(losses, opponents, strict=True)]
            pairs = [pair for pair in pairs if np.isfinite(pair[0]).any()]
            if not pairs:
                continue
            every, best_each = (np.concatenate(side, axis=1) for side in zip(*pairs, strict=True))
            low, high = bootstrap_ratio(every, best_each, shared, level=RATIO_LEVEL)
            p = dm_test(origin_differences(every, best_each), shared).p
            ratio = np.nanmean(every) / np.nanmean(best_each)
            for name, value in zip(names, (ratio, low, high, p), strict=True):
                found[name][place, at] = value
    return xr.Dataset(
        {name: (("model", "block"), values) for name, values in found.items()},
        coords={"model": np.array(models, dtype=object), "block": list(blocks)},
    )
