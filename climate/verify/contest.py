"""Who beats whom: every model against one opponent fixed beforehand, and the declared hypotheses.

The opponent of a quantity and block of leads is the simple model with the lowest error on forecasts that were verified
before the hindcasts begin, the same for all places. The best simple model in hindsight is given beside it as a
sensitivity. The declared hypotheses are the one family that is corrected for multiplicity; every other p value is
descriptive: it is shown as it is and carries no verdict.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
import xarray as xr

from climate.forecasters.registry import Kind, is_kind
from climate.verify.losses import Blocks
from climate.verify.significance import compare, cosines, holm, origin_spacing, overlapping_origins

OPPONENT = "opponent"
"""Stands for the opponent of the quantity and block where a hypothesis says what it is tested against."""

Outcome = Literal["better", "worse", "same"]
"""Of a hypothesis: a difference beyond chance, or none."""


def deciding_regions(listed: Collection[str], quantities: Mapping[str, str]) -> list[str]:
    """Regions whose early losses choose the opponents: those `listed` and, of a quantity that the list lacks, all.

    Args:
        listed: regions; those without a series are ignored.
        quantities: region -> what it measures, of all regions with a series.
    """
    served = {quantities[region] for region in listed if region in quantities}
    return [region for region, quantity in quantities.items() if region in listed or quantity not in served]


def choose_opponents(
    losses: Mapping[str, xr.DataArray], quantities: Mapping[str, str], candidates: Sequence[str], blocks: Blocks
) -> xr.Dataset:
    """The opponent of each quantity and block.

    Args:
        losses: region -> `losses.block_losses` (model, block, origin) of the candidates on origins whose forecasts were
            verified before the hindcasts begin; regions with too short a record are absent.
        quantities: region -> what it measures, such as temperature.
        candidates: models; the first is the opponent where no region has losses.
        blocks: name -> first and last lead.

    Returns:
        Over (quantity, block): `opponent`; `margin`, how much larger the loss of the second best is, as a share;
        number of `regions`, and the most `origins` of one, that the choice rests on; and `loss` (quantity, block,
        candidate), NaN where unknown.
        Losses are compared as geometric means over regions, so that every region counts alike whatever its variance.
    """
    nothing = xr.DataArray(
        np.full((len(candidates), len(blocks), 1), np.nan),
        coords={"model": list(candidates), "block": list(blocks)},
        dims=("model", "block", "origin"),
    )
    parts = []
    for quantity in dict.fromkeys(quantities.values()):
        members = [loss for region, loss in losses.items() if quantities[region] == quantity] or [nothing]
        logs: list[xr.DataArray] = [xr.apply_ufunc(np.log, loss.mean("origin")) for loss in members]
        means = xr.concat(logs, "region").mean("region")
        ordered = means.sel(model=list(candidates)).fillna(np.inf).transpose("model", "block").values
        best, second = np.sort(ordered, axis=0)[[0, min(1, len(candidates) - 1)]]
        with np.errstate(invalid="ignore"):
            margin = np.where(np.isfinite(second), np.exp(second - best) - 1, np.nan)
        known = np.max([loss.isel(model=0).notnull().sum("origin").values for loss in members], axis=0)
        columns = {
            "opponent": np.array(candidates, dtype=object)[np.argmin(ordered, axis=0)],
            "margin": margin,
            "origins": known,
            "regions": np.where(known > 0, len(members), 0),
        }
        variables = {name: (("block",), values) for name, values in columns.items()}
        known_losses = np.exp(np.where(np.isfinite(ordered), ordered, np.nan)).T
        chosen = xr.Dataset(variables, coords={"block": list(blocks), "candidate": list(candidates)})
        chosen["loss"] = (("block", "candidate"), known_losses)
        parts.append(chosen.expand_dims(quantity=[quantity]))
    return xr.concat(parts, "quantity")


def opponent_among(opponents: xr.Dataset, quantity: str, block: str, models: Collection[str]) -> str:
    """The best candidate that is among `models`: the opponent where only some were run; "" where none was.

    `opponents` is that of `choose_opponents`; of candidates without a loss the first counts.
    """
    run = [str(name) for name in opponents["candidate"].values if name in models]
    if not run or quantity not in opponents["quantity"].values:
        return run[0] if run else ""
    losses = opponents["loss"].sel(quantity=quantity, block=block, candidate=run).fillna(np.inf)
    return run[int(np.argmin(losses.values))]


def against(losses: xr.DataArray, opponent: xr.DataArray, blocks: Blocks) -> xr.Dataset:
    """Every model against the model `opponent` (block): fields of `significance.Comparison` (model, block, ...).

    Args:
        losses: mean loss (model, block, origin, ...), NaN where a block is not verified.
        opponent: name of a model, by block.
        blocks: name -> first and last lead.
    """
    parts = []
    for block, leads in blocks.items():
        own = losses.sel(block=block, drop=True).dropna("origin", how="all").transpose("model", ..., "origin")
        other = own.sel(model=str(opponent.sel(block=block).item()))
        compared = compare(own.values, other.values, overlapping_origins(leads[1], origin_spacing(own["origin"])))
        fields = {name: (own.dims[:-1], values) for name, values in compared._asdict().items()}
        parts.append(xr.Dataset(fields, coords={name: losses[name] for name in own.dims[:-1]}))
    return xr.concat(parts, xr.Variable("block", np.array(list(blocks), dtype=object))).transpose("model", "block", ...)


def in_hindsight(losses: xr.DataArray) -> xr.Dataset:
    """The classical model with the lowest loss on the very origins that are judged, a sensitivity and no opponent.

    Args:
        losses: mean loss (model, block, origin).

    Returns:
        `hindsight` (block), its name, "" without one; `ratio_hindsight` (model, block), mean losses as a multiple of
        its own.
    """
    means = losses.mean("origin").transpose("model", "block")
    classical = means.isel(model=[is_kind(str(model), Kind.CLASSICAL) for model in means["model"].values])
    if not classical.sizes["model"]:
        classical = xr.full_like(means.isel(model=[0]), np.nan)
    names = classical["model"].values[classical.fillna(np.inf).argmin("model").values]
    names = np.where(classical.notnull().any("model").values, names, "").astype(object)
    return xr.Dataset({"hindsight": ("block", names), "ratio_hindsight": means / classical.min("model")})


def over_places(losses: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Mean loss (model, block, origin) over places (series), weighted by their `area` (series).

    Places that a model lacks an origin of are left out of that origin, of all models alike.
    """
    common = losses.notnull().all("model")
    return losses.where(common).weighted(area.fillna(0.0)).mean("series").transpose("model", "block", "origin")


def assess(
    hypotheses: Mapping[str, Mapping[str, str]],
    losses: Mapping[str, xr.DataArray],
    opponents: xr.Dataset,
    blocks: Blocks,
    level: float,
) -> xr.Dataset:
    """The declared hypotheses, that one model is better than another at one block of leads: one Holm family.

    Args:
        hypotheses: name -> {quantity, better, against, block, places}; `against` may be OPPONENT.
        losses: places -> mean loss (model, block, origin) over these places.
        opponents: see `choose_opponents`.
        blocks: name -> first and last lead.
        level: family-wise error rate.

    Returns:
        Over (hypothesis): its definition, with the opponent named; `ratio` of mean losses with its interval `low` to
        `high`, `p` as it is and `p_holm`, `outcome`, number of `origins`, of spans of leads that do not overlap
        (`independent`) and of `cosines`; `reason` why it was not tested, "" where it was. An untested one is no member
        of the family.
    """
    rows = [_assess(one, losses, opponents, blocks) for one in hypotheses.values()]
    if not rows:
        return xr.Dataset()
    table = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    table["p_holm"] = holm(table["p"])
    table["outcome"] = np.select([~(table["p_holm"] < level), table["ratio"] < 1], ["same", "better"], "worse")
    return xr.Dataset(
        {
            key: ("hypothesis", column.astype(object) if column.dtype.kind == "U" else column)
            for key, column in table.items()
        },
        coords={"hypothesis": np.array(list(hypotheses), dtype=object)},
    )


def _assess(
    declared: Mapping[str, str], losses: Mapping[str, xr.DataArray], opponents: xr.Dataset, blocks: Blocks
) -> dict[str, str | float]:
    """One row of `assess` before the correction."""
    block, places, other = declared["block"], declared["places"], declared["against"]
    found = losses.get(places)
    if other == OPPONENT and declared["quantity"] in opponents["quantity"].values:
        other = str(opponents["opponent"].sel(quantity=declared["quantity"], block=block).item())
    row: dict[str, str | float] = {**declared, "against": other, "reason": ""}
    row |= dict.fromkeys(("ratio", "low", "high", "p", "origins", "independent", "cosines"), np.nan)
    absent = (
        [] if found is None else [name for name in (declared["better"], other) if name not in found["model"].values]
    )
    if found is None or absent:
        why = f"{places} was not scored" if found is None else f"{' and '.join(absent)} was not run there"
        return row | {"reason": why}
    pair = found.sel(block=block, model=[declared["better"], other]).dropna("origin").transpose("model", "origin")
    overlap = overlapping_origins(blocks[block][1], origin_spacing(pair["origin"]))
    count = pair.sizes["origin"]
    if count < 2:
        return row | {"reason": f"{count} verified origins", "origins": count}
    compared = {
        name: float(value) for name, value in compare(pair.values[0], pair.values[1], overlap)._asdict().items()
    }
    return row | compared | {"origins": count, "independent": count / overlap, "cosines": cosines(count, overlap)}
