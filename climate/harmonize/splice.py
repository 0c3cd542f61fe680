"""Records joined end to end: each older one is shifted onto the next newer by their difference over an overlap.

Temperatures are shifted by calendar month, so that a difference of season or of climatology goes with that of level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.harmonize.anomaly import calendar_month
from climate.harmonize.completeness import MissingRule
from climate.harmonize.offset import (
    MIN_OVERLAP,
    MIN_YEARS_PER_MONTH,
    Offset,
    common_by_month,
    offset_by_month,
    overlap,
    single_offset,
    step_left,
)
from climate.harmonize.series import (
    add_history,
    gap_free,
    is_annual,
    limit,
    make_series,
    months_of,
    require_alike,
)
from climate.params.regions import PartDefinition, SpliceDefinition
from climate.schema import TIME_DTYPE
from climate.sources.readers.calendar import MONTH_NAMES


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
    the newest, whose level, kind and baseline stand. A temperature has an offset for each calendar month, so that
    absolute values and anomalies may be joined; other quantities have one for all months. Overlaps end with
    `definition.overlap_end`, or earlier where a part says so, and use the newer part's own collection periods and all
    of the older one's. Months that no part has are NaN. `uncertainty`, where published, has the standard error of the
    shift added in quadrature.

    Seams: dims (seam, time, month): per seam who was joined to whom and when, the overlap, mean offset, drift per
    decade and the step left in the spliced record, each with its standard error, in the `units` of the row;
    `offset_by_month` (seam, month) as added to the older record, NaN for a calendar month that was not compared;
    `older_value`, `newer_value`, `difference` (seam, time) over the overlaps. Raises ClimateError on records of
    different quantities or units, on different kinds of anything but temperature, annual beside monthly temperatures,
    an overlap of fewer than MIN_OVERLAP values, or MIN_YEARS_PER_MONTH of a calendar month of temperature, or a part
    that has no month of its own.
    """
    parts = definition.parts
    keys = [part.source for part in parts]
    numbered = {f"{i + 1} {key}": record for i, (key, record) in enumerate(zip(keys, records, strict=True))}
    require_alike(f"splice '{name}'", numbered, ("quantity", "units"))
    temperature = records[-1].attrs["quantity"] == "temperature"
    if temperature:
        _require_same_spacing(f"splice '{name}'", numbered)
    else:
        require_alike(f"splice '{name}'", numbered, ("kind",))
    owned = [own_months(record, part) for record, part in zip(records, parts, strict=True)]
    for key, record in zip(keys, owned, strict=True):
        if not record.sizes["time"]:
            raise ClimateError(f"splice '{name}': found no month of '{key}' to take, expected some; correct its limits")
    shift, shift_variance = np.zeros(12), np.zeros(12)
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
        if temperature:
            due = np.unique(np.concatenate([calendar_month(record["time"]) for record in owned[: i + 1]]))
            _require_each_month(f"splice '{name}': '{keys[i]}' and '{keys[i + 1]}'", common["difference"], due, end)
        offset = (offset_by_month if temperature else single_offset)(common["difference"])
        shift = shift + offset.by_month
        shift_variance = shift_variance + offset.by_month_se**2
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
                "offset": offset,
                "step": step_left(offset.level, join, offset.difference.mean),
            },
        )
    joined = gap_free(_concatenate(pieces, [f"{key}" for key in keys]))
    joined = joined.assign_attrs(sources=",".join(keys))
    kind = "mean of the offsets by calendar month" if temperature else "offset"
    for row in rows:
        summary = row["offset"].difference
        joined = add_history(
            joined,
            f"{row['older']} joined to {row['newer']} in {row['join']} with {kind} {summary.mean:.4g} "
            f"{joined.attrs['units']} (se {summary.mean_se:.2g}, n {summary.n})",
        )
    return joined, seams_table(name, rows, str(joined.attrs["units"]))


def _require_same_spacing(what: str, records: Mapping[str, xr.Dataset]) -> None:
    """ClimateError where annual and monthly temperatures meet: the mean of a year stands for no calendar month."""
    annual = {key: is_annual(record["value"]) for key, record in records.items()}
    if len(set(annual.values())) > 1:
        listed = ", ".join(f"{key}: {'annual' if yearly else 'monthly'}" for key, yearly in annual.items())
        raise ClimateError(f"{what}: found {listed}, expected monthly temperatures alone; remove the annual record")


def _require_each_month(what: str, difference: xr.DataArray, due: NDArray[np.int64], end: str) -> None:
    """ClimateError unless each calendar month (1..12) in `due` has enough common values."""
    counts = common_by_month(difference)[due - 1]
    if counts.min() < MIN_YEARS_PER_MONTH:
        raise ClimateError(
            f"{what} have {counts.min()} common {MONTH_NAMES[due[counts.argmin()] - 1]} values up to {end}, expected "
            f"at least {MIN_YEARS_PER_MONTH} of each calendar month, since temperatures are joined by calendar month; "
            f"move overlap_end or choose other records"
        )


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


def _shifted(piece: xr.Dataset, shift: NDArray[np.float64], variance: NDArray[np.float64]) -> xr.Dataset:
    """`piece` with what is due in each calendar month added."""
    at = calendar_month(piece["time"]) - 1
    return piece.assign(value=piece["value"] + shift[at], uncertainty=np.sqrt(piece["uncertainty"] ** 2 + variance[at]))


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
    offsets: list[Offset] = [row["offset"] for row in rows]
    differences = [offset.difference for offset in offsets]
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
        "offset_by_month": (("seam", "month"), np.stack([offset.by_month for offset in offsets])),
        "offset_se": ("seam", [difference.mean_se for difference in differences]),
        "drift": ("seam", [difference.drift for difference in differences]),
        "drift_se": ("seam", [difference.drift_se for difference in differences]),
        "step": ("seam", [row["step"][0] for row in rows]),
        "step_se": ("seam", [row["step"][1] for row in rows]),
    }
    renamed = [common.rename(older="older_value", newer="newer_value") for common in overlaps]
    curves = xr.concat(renamed, dim="seam", join="outer", combine_attrs="drop")
    return xr.Dataset(columns, coords={"seam": labels, "month": np.arange(1, 13)}).merge(curves)


def join_seams(tables: Sequence[xr.Dataset]) -> xr.Dataset:
    """Several seams tables as one; without any, a Dataset with an empty dim `seam`."""
    tables = [table for table in tables if table.sizes["seam"]]
    if not tables:
        return xr.Dataset(coords={"seam": np.array([], dtype="<U1")})
    return xr.concat(tables, dim="seam", join="outer", data_vars="all", combine_attrs="override")
