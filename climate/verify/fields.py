"""Who beats whom in every cell of a grid, and on what share of the area: maps and sums of the planet's scores.

Neighbouring cells share their weather, so a map is judged by its false discovery rate and not cell by cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from climate.forecasters.registry import Kind, is_kind
from climate.verify import contest
from climate.verify.losses import Blocks
from climate.verify.significance import (
    FALSE_DISCOVERY,
    false_discovery,
    mean_interval,
    origin_spacing,
    overlapping_origins,
)

NEAR_NOMINAL = (0.85, 0.95)
"""Shares of observations inside the 90% interval between which a cell counts as calibrated."""

SIMPLE = "trend-ar1"
"""The simple model that the planet's forecasters are compared with in every cell."""

STEPS = ("climatology-trend", "ridge-normal", "ridge-windows", "ridge-place", "ridge-planet")
"""Forecasters with more and more information, each with that of the one before, see stage `planet`."""


def planned_pairs(forecasters: Sequence[str]) -> list[tuple[str, str]]:
    """Every forecaster that learns against SIMPLE, then every network against every linear one."""
    learners = [name for name in forecasters if not is_kind(name, Kind.CLASSICAL)]
    linear, networks = ([name for name in learners if is_kind(name, kind)] for kind in (Kind.LINEAR, Kind.NETWORK))
    return [*product(learners, [SIMPLE]), *product(networks, linear)]


def cell_losses(scores: xr.Dataset) -> xr.DataArray:
    """Mean losses (model, block, origin, cell) of what stage `planet` wrote."""
    return scores["crps_by_origin"].rename(forecaster="model")


def planet_losses(scores: xr.Dataset) -> xr.DataArray:
    """Mean losses (model, block, origin) over the area of all cells."""
    return contest.over_places(cell_losses(scores).rename(cell="series"), scores["area"].rename(cell="series"))


def compare_cells(scores: xr.Dataset, pairs: Sequence[tuple[str, str]], blocks: Blocks) -> xr.Dataset:
    """Every pair of forecasters in every cell and over the whole area.

    Args:
        scores: what stage `planet` wrote.
        pairs: a forecaster, and the one that it is compared with; a pair that was not run is left out, and without any
            the result is empty.
        blocks: name -> first and last lead, of those in `scores`.

    Returns:
        Over (pair, block, cell): `ratio` of mean CRPS, `p` as it is and `p_fdr`, adjusted for the false discovery rate
        among the cells; NaN where a cell has no losses.
        Over (pair, block), weighted by area: `mean_ratio`, the geometric mean of the cells' ratios, so that every
        region counts alike whatever its variance; `lower_area`, share of the area with a ratio below 1; `better_area`
        and `worse_area`, shares where the difference survives at FALSE_DISCOVERY; `total_ratio` of the area's mean
        CRPS, with its interval `total_low` to `total_high` and `total_p`; number of `origins`.
        Over (forecaster, block): `crps`, the mean over area and origins; `coverage`, the share of observations inside
        the 90% interval, and `calibrated`, the share of the area where it is in NEAR_NOMINAL.
        The coordinates `model` and `against` (pair) name who is compared.
    """
    area = scores["area"].fillna(0.0)
    losses, whole = cell_losses(scores), planet_losses(scores)
    parts = []
    for pair in [pair for pair in pairs if set(pair) <= set(losses["model"].values)]:
        parts.append(_compare(losses.sel(model=list(pair)), whole.sel(model=list(pair)), area, blocks))
    if not parts:
        return xr.Dataset()
    covered = scores["covered90"].weighted(scores["pairs"].fillna(0.0)).mean("start")
    inside = (covered >= NEAR_NOMINAL[0]) & (covered <= NEAR_NOMINAL[1])
    result = xr.concat(parts, "pair").assign(
        crps=whole.mean("origin").rename(model="forecaster"),
        coverage=covered.weighted(area).mean("cell"),
        calibrated=inside.where(covered.notnull()).weighted(area).mean("cell"),
    )
    return result.transpose("pair", "forecaster", "block", "cell")


def _compare(losses: xr.DataArray, whole: xr.DataArray, area: xr.DataArray, blocks: Blocks) -> xr.Dataset:
    """One pair of `compare_cells`: the first model of `losses` against the second."""
    first, second = (str(name) for name in losses["model"].values)
    opponent = xr.DataArray([second] * len(blocks), dims="block", coords={"block": list(blocks)})
    cells, total = (contest.against(each, opponent, blocks).sel(model=first, drop=True) for each in (losses, whole))
    adjusted = xr.apply_ufunc(
        false_discovery, cells["p"], input_core_dims=[["cell"]], output_core_dims=[["cell"]], vectorize=True
    )
    ratio, found = cells["ratio"], adjusted < FALSE_DISCOVERY
    logarithms: xr.DataArray = xr.apply_ufunc(np.log, ratio)
    shares = {"lower_area": ratio < 1, "better_area": found & (ratio < 1), "worse_area": found & (ratio > 1)}
    return xr.Dataset(
        {"ratio": ratio, "p": cells["p"], "p_fdr": adjusted}
        | {"mean_ratio": np.exp(logarithms.weighted(area).mean("cell"))}
        | {name: where.where(ratio.notnull()).weighted(area).mean("cell") for name, where in shares.items()}
        | {f"total_{name}": total[name] for name in ("ratio", "low", "high", "p")}
        | {"origins": whole.notnull().all("model").sum("origin")},
        coords={"model": first, "against": second},
    )


def decompose(scores: xr.Dataset, reduced: xr.Dataset, blocks: Blocks) -> xr.Dataset:
    """STEPS against SIMPLE: how much of a gain each kind of information brings.

    Args:
        scores, reduced: what stage `planet` wrote.
        blocks: name -> first and last lead.

    Returns:
        Over (step, block), on the cells of `reduced`: `step_ratio`, the geometric mean over the area of the cells'
        ratios of mean CRPS, and the interval `step_low` to `step_high` that `significance.mean_interval` finds for its
        logarithm, linear in the losses of each origin; and the number of cells, `step_cells`. Empty where a step was
        not run.
    """
    known = {*scores["forecaster"].values.astype(str), *reduced.get("forecaster", xr.DataArray([])).values.astype(str)}
    if not {*STEPS, SIMPLE} <= known:
        return xr.Dataset()
    places = [list(zip(each["lat"].values, each["lon"].values, strict=True)) for each in (scores, reduced)]
    position = {place: number for number, place in enumerate(places[0])}
    shared = cell_losses(scores).isel(cell=[position[place] for place in places[1]])
    losses = xr.concat([shared, cell_losses(reduced)], "model").sel(model=[SIMPLE, *STEPS])
    parts = []
    for block, leads in blocks.items():
        own = losses.sel(block=block, drop=True).dropna("origin", how="any").astype(np.float64)
        mean = own.mean("origin")
        logarithms: xr.DataArray = xr.apply_ufunc(np.log, mean)
        gain = (own / mean - 1 + logarithms).weighted(reduced["area"]).mean("cell").transpose("model", "origin")
        values = gain.values[1:] - gain.values[0]
        interval = mean_interval(values, overlapping_origins(leads[1], origin_spacing(own["origin"])))
        ends = {"ratio": values.mean(axis=1), "low": interval[0], "high": interval[1]}
        parts.append(xr.Dataset({f"step_{name}": ("step", np.exp(each)) for name, each in ends.items()}))
    steps = xr.concat(parts, xr.Variable("block", np.array(list(blocks), dtype=object))).transpose("step", "block")
    return steps.assign(step_cells=losses.sizes["cell"]).assign_coords(step=np.array(STEPS, dtype=object))
