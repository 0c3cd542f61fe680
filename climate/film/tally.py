"""The score as it stood in every month: the mean error of what had been verified by then."""

from __future__ import annotations

import numpy as np
import xarray as xr

from climate.verify.losses import cell_scores


def running_scores(table: xr.Dataset) -> xr.Dataset:
    """Scores of a forecast table month by month, on the cells (origin, lead) that all models share.

    Returns:
        Dataset over `time` (months in which something was verified, datetime64[M]): `crps` (time, model), the mean
        over all cells verified up to and with that month, in the unit of the table; `covered90` (time, model), the
        share of them inside the 90% interval; `cells` (time), their number. Empty along `time` where nothing was
        verified. The last month holds the scores of the whole sample.
    """
    scores = cell_scores(table).transpose("model", "origin", "lead")
    valid = table["valid_time"].transpose("origin", "lead").values.astype("datetime64[M]").ravel()
    known = np.isfinite(scores["crps"].values).all(axis=0).ravel()
    months, place = np.unique(valid[known], return_inverse=True)
    cells = np.cumsum(np.bincount(place, minlength=months.size)) if months.size else np.empty(0, dtype=int)
    means = {}
    for name in ("crps", "covered90"):
        per_model = [
            np.cumsum(np.bincount(place, weights=row[known], minlength=months.size)) / np.maximum(cells, 1)
            for row in scores[name].values.reshape(scores.sizes["model"], -1)
        ]
        means[name] = (("model", "time"), np.array(per_model).reshape(scores.sizes["model"], months.size))
    return xr.Dataset(
        means | {"cells": ("time", cells)},
        coords={"model": table["model"].values, "time": months.astype("datetime64[s]")},
        attrs={"units": table.attrs.get("units", "")},
    ).transpose("time", "model")
