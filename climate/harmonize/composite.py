"""Several records of one quantity side by side: their mean while membership changes, without a step at a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.harmonize.anomaly import joint_baseline_note
from climate.harmonize.offset import MIN_OVERLAP, single_offset, step_left
from climate.harmonize.series import add_history, gap_free, make_series, month, month_axis, months_of, require_alike
from climate.harmonize.splice import seams_table
from climate.params.regions import CombinationDefinition

Floats = NDArray[np.float64]


def combine_records(
    name: str, members: Mapping[str, xr.Dataset], definition: CombinationDefinition
) -> tuple[xr.Dataset, xr.Dataset]:
    """Mean of `members` (key -> anomaly series on a month axis) and the table of membership changes.

    Members come on one baseline, so side by side they stand as they are and their differences are real. Where one
    begins, everything before is shifted by what its coming changes in the mean over its first `overlap_months`; where
    one ends, those that stay are shifted by what its going changes in the mean over the last `overlap_months`. So the
    level changes at neither. Nothing after a month touches it except the first `overlap_months` of a later member,
    which are cut at `definition.overlap_end`. A month in which a running member is missing takes the others with the
    departures that they had beside it. A member that begins too late for an overlap is left out and named in
    attrs["left_out"].

    Result: SERIES_VARIABLES plus `spread` (standard deviation among the shifted members, NaN for one) and `members`
    (their number). uncertainty is the root mean square of what members publish: they share most of their stations, so
    their errors do not average out. Seams: as for `climate.harmonize.splice.splice`, one row per change; `older` is the
    combination before it. Raises ClimateError on different quantities, units, kinds or baselines, or on fewer than two
    members that can be joined.
    """
    require_alike(f"combination '{name}'", members, ("quantity", "units", "kind", "baseline"))
    spans = {key: months_of(gap_free(member)["time"])[[0, -1]] for key, member in members.items()}
    axis = month_axis(min(span[0] for span in spans.values()), max(span[1] for span in spans.values()))
    values = {key: gap_free(member, axis[0], axis[-1])["value"].values for key, member in members.items()}
    work = _Combination(axis, values, definition)
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    events = sorted(
        [(int((span[0] - months_of(axis)[0]).astype(np.int64)), 1, key) for key, span in spans.items()]
        + [(int((span[1] - months_of(axis)[0]).astype(np.int64)) + 1, 0, key) for key, span in spans.items()],
        key=lambda event: (event[0], event[1], list(members).index(event[2])),
    )
    for at, begins, key in events:
        row = work.begin(key, at) if begins else work.end(key, at)
        if begins and key not in work.shift:
            left_out.append(key)
        rows += [row] if row else []
    work.run(axis.size)
    if len(members) - len(left_out) < 2:
        raise ClimateError(
            f"combination '{name}': found fewer than two members with {MIN_OVERLAP} common values before "
            f"{definition.overlap_end}, expected at least two; move overlap_end or choose other members"
        )
    return work.result(name, members, left_out), seams_table(
        name, rows, str(next(iter(members.values())).attrs["units"])
    )


class _Combination:
    """Runs forward in time; at every moment `shift` holds the running members and how far each is shifted."""

    def __init__(self, axis: NDArray[np.datetime64], values: Mapping[str, Floats], definition: CombinationDefinition):
        self.axis, self.values = axis, values
        self.reach = definition.overlap_months
        self.fit_end = int((month(definition.overlap_end) - months_of(axis)[0]).astype(np.int64)) + 1
        self.shift: dict[str, float] = {}
        self.done = 0
        self.mean = np.full(axis.size, np.nan)
        self.adjusted = {key: np.full(axis.size, np.nan) for key in values}

    def run(self, until: int) -> None:
        """Combine the running members up to month number `until`, exclusive."""
        part = slice(self.done, until)
        if until > self.done and self.shift:
            for key, shift in self.shift.items():
                self.adjusted[key][part] = self.values[key][part] + shift
            self.mean[part] = _gap_aware_mean(np.stack([self.adjusted[key][part] for key in self.shift]), self.reach)
        self.done = max(self.done, until)

    def begin(self, key: str, at: int) -> dict[str, Any] | None:
        """Take member `key` in at month number `at`; what came before is levelled with it."""
        self.run(at)
        if not self.shift:
            self.shift[key] = 0.0
            return None
        until = min(at + self.reach, self.fit_end, self.axis.size)
        running = {other: self.values[other][at:until] + shift for other, shift in self.shift.items()}
        before = _gap_aware_mean(np.stack(list(running.values())), self.reach)
        both = _gap_aware_mean(np.stack([*running.values(), self.values[key][at:until]]), self.reach)
        row = self._row(both, before, at, until, "combination", f"with {key}")
        if row is None:
            return None
        self.shift[key] = 0.0
        self.mean[:at] += row["offset"].difference.mean
        for values in self.adjusted.values():
            values[:at] += row["offset"].difference.mean
        return row if np.isfinite(self.mean[:at]).any() else None

    def end(self, key: str, at: int) -> dict[str, Any] | None:
        """Let member `key` go before month number `at`; those that stay keep the level of the combination."""
        self.run(at)
        if key not in self.shift:
            return None
        del self.shift[key]
        since = max(0, at - self.reach)
        if not self.shift or at >= self.axis.size:
            return None
        staying = _gap_aware_mean(np.stack([self.adjusted[other][since:at] for other in self.shift]), self.reach)
        row = self._row(staying, self.mean[since:at], since, at, "combination", f"without {key}")
        if row is not None:
            for other in self.shift:
                self.shift[other] -= row["offset"].difference.mean
            row["join"] = months_of(self.axis)[at - 1] + 1
        return row

    def _row(
        self, newer: Floats, older: Floats, since: int, until: int, left: str, right: str
    ) -> dict[str, Any] | None:
        time = self.axis[since:until]
        columns = {"older": older, "newer": newer, "difference": newer - older}
        common = xr.Dataset(
            {k: ("time", v) for k, v in columns.items()}, coords={"time": time}, attrs={"cadence": "monthly"}
        )
        if np.isfinite(columns["difference"]).sum() < MIN_OVERLAP:
            return None
        offset = single_offset(common["difference"])
        join = months_of(self.axis)[since]
        step = step_left(offset.level, join, offset.difference.mean)
        return {"older": left, "newer": right, "join": join, "overlap": common, "offset": offset, "step": step}

    def result(self, name: str, members: Mapping[str, xr.Dataset], left_out: list[str]) -> xr.Dataset:
        """The combination as a Dataset."""
        kept = [key for key in members if key not in left_out]
        stack = np.stack([self.adjusted[key] for key in kept])
        count = np.isfinite(stack).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            centre = np.where(count > 0, np.nansum(stack, axis=0) / count, np.nan)
            spread = np.sqrt(np.nansum((stack - centre) ** 2, axis=0) / np.where(count > 1, count - 1, np.nan))
            published = np.stack(
                [gap_free(members[key], self.axis[0], self.axis[-1])["uncertainty"].values for key in kept]
            )
            published = np.where(np.isfinite(stack), published, np.nan)
            known = np.isfinite(published).sum(axis=0)
            error = np.sqrt(np.nansum(published**2, axis=0) / np.where(known > 0, known, np.nan))
        present = np.isfinite(stack)
        running = np.array(
            [",".join(key for key, there in zip(kept, column, strict=True) if there) for column in present.T]
        )
        first = members[kept[0]]
        attrs = {
            k: first.attrs[k]
            for k in ("units", "quantity", "kind", "baseline", "long_name", "standard_name")
            if k in first.attrs
        }
        about = {
            "sources": ",".join(dict.fromkeys(str(members[key].attrs["sources"]) for key in kept)),
            "baseline_note": joint_baseline_note({key: members[key] for key in kept}),
        }
        combined = make_series(self.axis, self.mean, attrs | about, source=running, period=running, uncertainty=error)
        combined["spread"] = ("time", np.where(np.isfinite(self.mean), spread, np.nan))
        combined["members"] = ("time", count)
        if left_out:
            combined.attrs["left_out"] = ",".join(left_out)
        return add_history(
            gap_free(combined), f"{name}: mean of {', '.join(kept)}, levels matched at each change of membership"
        )


def _gap_aware_mean(stack: Floats, reach: int) -> Floats:
    """Mean over members (rows) per month. Where some are missing, the others take their departures with them.

    Without this a month that one member lacks would jump by that member's share of the difference. Departures are means
    over up to `reach` complete months before the gap, so that no later month is used; 0 where there is none.
    """
    present = np.isfinite(stack)
    count = present.sum(axis=0)
    mean = np.where(count > 0, np.where(present, stack, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    full = np.flatnonzero(present.all(axis=0))
    for at in np.flatnonzero((count > 0) & (count < len(stack))):
        before = full[full < at][-reach:]
        if before.size:
            departure = (stack[:, before] - stack[:, before].mean(axis=0)).mean(axis=1)
            mean[at] -= departure[present[:, at]].mean()
    return mean
