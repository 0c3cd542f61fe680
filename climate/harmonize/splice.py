"""Records joined end to end: each older one is shifted onto the next newer by their mean difference over an overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.harmonize.completeness import MissingRule
from climate.harmonize.offset import MIN_OVERLAP, Difference, overlap, step_left, summarise
from climate.harmonize.series import (
    add_history,
    gap_free,
    limit,
    make_series,
    months_of,
    require_same_kind,
    require_same_unit,
)
from climate.params.regions import PartDefinition, SpliceDefinition
from climate.schema import TIME_DTYPE


def own_months(series: xr.Dataset, part: PartDefinition) -> xr.Dataset:
    """The months that a splice may take from a record: within start and end, of its own collection periods."""
    limited = limit(series, part.start, part.end)
    keep = np.isfinite(limited["value"].values) & ~np.isin(limited["period"].values, part.except_periods)
    return limited.isel(time=np.flatnonzero(keep))


def splice(
    name: str, records: Sequence[xr.Dataset], definition: SpliceDefinition, rule: MissingRule
) -> tuple[xr.Dataset, xr.Dataset]:
    """One record from several, oldest first as in `definition.parts`, and the table of its seams.

    Each of `records` is a series on a month axis. A newer part owns every month from its own first one on; older
    parts are shifted by the mean difference to the next newer part over their overlap, all shifts adding up towards
    the newest, whose level stands. Overlaps end with `definition.overlap_end`, or earlier where a part says so, and
    use the newer part's own collection periods and all of the older one's. Months that no part has are NaN.
    `uncertainty`, where published, has the standard error of the shift added in quadrature.

    Seams: dims (seam, time): per seam who was joined to whom and when, the overlap, offset, drift per decade and the
    step left in the spliced record, each with its standard error, in the `units` of the row; `older_value`,
    `newer_value`, `difference` (seam, time) over the overlaps. Raises ClimateError on records of different units or
    kinds, an overlap of fewer than MIN_OVERLAP values, or a part that has no month of its own.
    """
    parts = definition.parts
    keys = [part.source for part in parts]
    numbered = {f"{i + 1} {key}": record for i, (key, record) in enumerate(zip(keys, records, strict=True))}
    require_same_kind(f"splice '{name}'", numbered)
    require_same_unit(f"splice '{name}'", numbered)
    owned = [own_months(record, part) for record, part in zip(records, parts, strict=True)]
    for key, record in zip(keys, owned, strict=True):
        if not record.sizes["time"]:
            raise ClimateError(f"splice '{name}': found no month of '{key}' to take, expected some; correct its limits")
    shift, shift_variance = 0.0, 0.0
    pieces = [owned[-1]]
    rows: list[dict[str, Any]] = []
    for i in range(len(parts) - 2, -1, -1):
        start, end = parts[i].overlap_start, min(parts[i].overlap_end or definition.overlap_end, definition.overlap_end)
        common = limit(
            overlap(records[i], own_months(records[i + 1], _ever(parts[i + 1])), parts[i], parts[i + 1], rule),
            start,
            end,
        )
        n = int(np.isfinite(common["difference"].values).sum())
        if n < MIN_OVERLAP:
            raise ClimateError(
                f"splice '{name}': found {n} common values of '{keys[i]}' and '{keys[i + 1]}' up to {end}, expected at "
                f"least {MIN_OVERLAP}; move overlap_end or choose other records"
            )
        difference = summarise(common["difference"])
        shift += difference.mean
        shift_variance += difference.mean_se**2
        join = months_of(pieces[0]["time"])[0]
        older = owned[i].isel(time=np.flatnonzero(months_of(owned[i]["time"]) < join))
        if not older.sizes["time"]:
            raise ClimateError(
                f"splice '{name}': '{keys[i]}' has no month before '{keys[i + 1]}' begins in {join}, expected parts "
                f"from oldest to newest; reorder or remove one"
            )
        pieces.insert(0, _shifted(older, shift, shift_variance))
        rows.insert(
            0,
            {
                "join": join,
                "older": keys[i],
                "newer": keys[i + 1],
                "overlap": common,
                "difference": difference,
                "step": step_left(common["difference"], join, difference.mean),
            },
        )
    joined = gap_free(_concatenate(pieces, [f"{key}" for key in keys]))
    joined = joined.assign_attrs(sources=",".join(keys))
    for row in rows:
        joined = add_history(
            joined,
            f"{row['older']} joined to {row['newer']} in {row['join']} with offset {row['difference'].mean:.4g} "
            f"{joined.attrs['units']} (se {row['difference'].mean_se:.2g}, n {row['difference'].n})",
        )
    return joined, seams_table(name, rows, str(joined.attrs["units"]))


def comparisons(
    records: Sequence[xr.Dataset], definition: SpliceDefinition, rule: MissingRule
) -> dict[str, xr.DataArray]:
    """Newer minus older for neighbouring monthly parts, wherever both have values: what tests for breaks look at."""
    differences = {}
    for older, newer, first, second in zip(records, records[1:], definition.parts, definition.parts[1:], strict=False):
        common = overlap(older, own_months(newer, _ever(second)), first, second, rule)
        if common.attrs["cadence"] == "monthly":
            differences[f"{second.source} - {first.source}"] = common["difference"]
    return differences


def _ever(part: PartDefinition) -> PartDefinition:
    return part.model_copy(update={"start": None, "end": None})


def _shifted(piece: xr.Dataset, shift: float, variance: float) -> xr.Dataset:
    return piece.assign(value=piece["value"] + shift, uncertainty=np.sqrt(piece["uncertainty"] ** 2 + variance))


def _concatenate(pieces: Sequence[xr.Dataset], keys: Sequence[str]) -> xr.Dataset:
    def together(variable: str) -> NDArray[Any]:
        return np.concatenate([piece[variable].values for piece in pieces])

    source = np.concatenate([np.full(piece.sizes["time"], key) for piece, key in zip(pieces, keys, strict=True)])
    attrs = {k: v for k, v in pieces[-1].attrs.items() if k not in ("history", "source", "file_date")}
    return make_series(
        together("time"),
        together("value"),
        attrs,
        source=source,
        site=together("site"),
        period=together("period"),
        uncertainty=together("uncertainty"),
        interpolated=together("interpolated"),
    )


def seams_table(name: str, rows: Sequence[Mapping[str, Any]], units: str) -> xr.Dataset:
    """Seams of one spliced or combined record as a Dataset with dims (seam, time); see `splice`."""
    if not rows:
        return join_seams([])
    labels = [f"{name}: {row['older']} - {row['newer']}" for row in rows]
    differences: list[Difference] = [row["difference"] for row in rows]
    overlaps = [row["overlap"] for row in rows]
    ends = [months_of(common["time"]).astype(TIME_DTYPE) for common in overlaps]
    columns: dict[str, Any] = {
        "record": ("seam", [name] * len(rows)),
        "older": ("seam", [str(row["older"]) for row in rows]),
        "newer": ("seam", [str(row["newer"]) for row in rows]),
        "join": ("seam", np.array([row["join"] for row in rows], dtype="datetime64[M]").astype(TIME_DTYPE)),
        "overlap_start": ("seam", np.array([end[0] for end in ends], dtype=TIME_DTYPE)),
        "overlap_end": ("seam", np.array([end[-1] for end in ends], dtype=TIME_DTYPE)),
        "cadence": ("seam", [str(common.attrs["cadence"]) for common in overlaps]),
        "n": ("seam", [difference.n for difference in differences]),
        "units": ("seam", [units] * len(rows)),
        "offset": ("seam", [difference.mean for difference in differences]),
        "offset_se": ("seam", [difference.mean_se for difference in differences]),
        "drift": ("seam", [difference.drift for difference in differences]),
        "drift_se": ("seam", [difference.drift_se for difference in differences]),
        "step": ("seam", [row["step"][0] for row in rows]),
        "step_se": ("seam", [row["step"][1] for row in rows]),
    }
    renamed = [common.rename(older="older_value", newer="newer_value") for common in overlaps]
    curves = xr.concat(renamed, dim="seam", join="outer", combine_attrs="drop")
    return xr.Dataset(columns, coords={"seam": labels}).merge(curves)


def join_seams(tables: Sequence[xr.Dataset]) -> xr.Dataset:
    """Several seams tables as one; without any, a Dataset with an empty dim `seam`."""
    tables = [table for table in tables if table.sizes["seam"]]
    if not tables:
        return xr.Dataset(coords={"seam": np.array([], dtype="<U1")})
    return xr.concat(tables, dim="seam", join="outer", data_vars="all", combine_attrs="override")
