"""The ledger: what was forecast, a line per place, model and target, and what happened.

A line never changes once it is written. It is kept as the text that was written, and its last field is a checksum of
the others, so that an edited line is noticed wherever the file is read. Lines can be merged in any order: none depends
on another.

The terciles of a target are those of the same months in the climatological standard normal that was complete when the
forecast was issued (30 years that end in a year divisible by ten, World Meteorological Organization 2017, WMO-No.
1203), from the values known then. Records that are no anomalies have none, since their trend leaves nothing to ask.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtri

from climate.errors import ClimateError
from climate.forecasters.base import NORMAL_QUANTILES, FloatArray
from climate.schema import MONTHS_PER_YEAR
from climate.verify.losses import Blocks, crps_from_quantiles
from climate.verify.periods import PERIODS, calibrated_means
from climate.verify.terciles import probability_below

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
BOUNDS = ("q0.05", "q0.25", "q0.5", "q0.75", "q0.95")
"""Quantiles of a line, by level."""

LEADS = 12
"""Longest lead (months)."""

MEANS = ("1-3", "1-12")
"""Periods of `verify.periods` after the issue that are forecast as a mean too."""

NORMAL_YEARS = 30
"""Length of a climatological standard normal (years)."""
NORMAL_MIN_YEARS = 24
"""Years with all months of a target that its terciles need: 80% (WMO 2017, section 4.8)."""

DECIMALS = 3
"""Of quantiles and terciles in degrees or ppm; probabilities have two."""

AT_ISSUE, LATER = "at issue", "later"
"""Made from the newest release of its source, or from an older one when a newer was known: a hindcast."""

ISSUE = ["issued", "place", "model", "digest"]
"""What identifies a forecast; it is written down once."""
COLUMNS = (
    *("issued", "place", "model", "leads", "target", "unit", *BOUNDS, "tercile_low", "tercile_high"),
    *("below", "above", "vintage", "digest", "made", "check"),
)
SCORED = (
    *("issued", "place", "model", "leads", "target", "made", "q0.5", "observed", "error", "crps", "inside90"),
    *("category", "chance", "hit"),
)
NUMBERS = (*BOUNDS, "tercile_low", "tercile_high", "below", "above")
RESTORE = "`git checkout -- reports/ledger.csv` restores the lines that were committed"


@dataclass(frozen=True)
class Stamp:
    """The bytes that a forecast was made from."""

    vintage: str
    """SOURCE@VINTAGE, several joined by +."""
    digest: str
    """First digits of the SHA-256 of the sources' files."""
    made: str
    """`AT_ISSUE` or `LATER`."""


def stamp(sources: Mapping[str, tuple[str, Mapping[str, str]]], made: str) -> Stamp:
    """The stamp of forecasts from the sources (key -> vintage and the SHA-256 of its files by name)."""
    digest = hashlib.sha256()
    for key, (_, files) in sorted(sources.items()):
        for name, sha256 in sorted(files.items()):
            digest.update(f"{key}/{name} {sha256}\n".encode())
    vintage = "+".join(f"{key}@{name}" for key, (name, _) in sorted(sources.items()))
    return Stamp(vintage, digest.hexdigest()[:12], made)


def opponent(opponents: xr.Dataset, quantity: str, blocks: Blocks) -> str:
    """The opponent of a quantity in the block of leads nearest to those of the ledger; "" where none was chosen."""
    first, last = np.array([*blocks.values()]).T
    nearest = list(blocks)[int(np.argmin(abs(first - 1) + abs(last - LEADS)))]
    known = quantity in opponents["quantity"].values
    return str(opponents["opponent"].sel(quantity=quantity, block=nearest).item()) if known else ""


def issue(
    table: xr.Dataset,
    early: xr.Dataset | None,
    series: xr.Dataset,
    models: Sequence[str],
    stamp: Stamp,
    min_verified: int,
) -> pd.DataFrame:
    """Lines of the forecast from the last origin of a region's forecast table.

    Args:
        table: calibrated, see climate.hindcast.rolling.backtest; attrs: region.
        early: see climate.verify.periods.calibrated_means.
        series: `value` (time), the region's record, of which only values up to the last origin are used; attrs: units,
            kind, baseline.
        models: those that the table lacks are left out.
        stamp: what the forecast was made from.
        min_verified: months of verified origins that the calibration of means needs.

    Returns:
        Text columns `COLUMNS`, one row per model and target.
    """
    origin = table["origin"].values[-1].astype("datetime64[M]")
    chosen = table.sel(model=[name for name in dict.fromkeys(models) if name in table["model"].values])
    means = calibrated_means(chosen, early, min_verified)["forecast"].isel(origin=-1, drop=True)
    single = chosen["forecast"].isel(origin=-1, drop=True)
    leads = range(1, min(LEADS, table.sizes["lead"]) + 1)
    targets = [((lead, lead), single.sel(lead=lead)) for lead in leads]
    targets += [(PERIODS[name], means.sel(period=name)) for name in MEANS if name in means["period"].values]
    rows = []
    for (first, end), forecast in targets:
        months = origin + np.arange(first, end + 1)
        bounds = terciles(series, origin, months) if series.attrs["kind"] == "anomaly" else (np.nan, np.nan)
        shares = probability_below(forecast, xr.DataArray(list(bounds), dims="third"))
        for model in forecast["model"].values:
            below, normal = shares.sel(model=model).values
            numbers = [*np.interp(ndtri(LEVELS), NORMAL_QUANTILES, forecast.sel(model=model).values), *bounds]
            row = [
                *(str(origin), str(table.attrs["region"]), str(model), _span(first, end), _span(*months[[0, -1]])),
                *(_unit(series), *(_text(value, DECIMALS) for value in numbers)),
                *(_text(below, 2), _text(1 - normal, 2), stamp.vintage, stamp.digest, stamp.made),
            ]
            rows.append([*row, checksum(row)])
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def normal_period(origin: np.datetime64) -> tuple[int, int]:
    """First and last year of the newest standard normal that was complete by a month."""
    complete = int((origin + 1).astype("datetime64[Y]").astype(int)) + 1969
    last = complete // 10 * 10
    return last - NORMAL_YEARS + 1, last


def normal_means(series: xr.Dataset, origin: np.datetime64, months: np.ndarray) -> FloatArray:
    """Means over `months` (datetime64[M]) in the years of `normal_period`; NaN without NORMAL_MIN_YEARS of them.

    series: `value` (time), of which only values up to `origin` are used.
    """
    value = series["value"].values[series["time"].values.astype("datetime64[M]") <= origin]
    known = pd.Series(value, index=series["time"].values[: value.size].astype("datetime64[M]").astype(int))
    first, last = normal_period(origin)
    year = int(months[0].astype("datetime64[Y]").astype(int)) + 1970
    shifts = (np.arange(first, last + 1) - year) * MONTHS_PER_YEAR
    wanted = months.astype(int) + shifts[:, None]
    means = known.reindex(wanted.ravel()).to_numpy().reshape(wanted.shape).mean(axis=1)
    means = means[np.isfinite(means)]
    return np.asarray(means if means.size >= NORMAL_MIN_YEARS else [np.nan])


def terciles(series: xr.Dataset, origin: np.datetime64, months: np.ndarray) -> tuple[float, float]:
    """Ends of the middle third of `normal_means`."""
    low, high = np.quantile(normal_means(series, origin, months), [1 / 3, 2 / 3])
    return float(low), float(high)


def empty() -> pd.DataFrame:
    """A ledger without lines."""
    return pd.DataFrame(columns=list(COLUMNS), dtype=str)


def append(ledger: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The lines of `ledger` as they are and those of forecasts that it does not hold, sorted."""
    known = pd.MultiIndex.from_frame(ledger[ISSUE])
    fresh = new[~pd.MultiIndex.from_frame(new[ISSUE]).isin(known)]
    joined = pd.concat([ledger, fresh], ignore_index=True)
    order = joined.assign(last=_last_lead(joined), season=joined["leads"].str.contains("-"))
    return joined.loc[order.sort_values([*ISSUE, "season", "last"], kind="stable").index].reset_index(drop=True)


def render(ledger: pd.DataFrame) -> str:
    """The ledger as CSV."""
    return ledger.to_csv(index=False, lineterminator="\n")


def parse(text: str) -> pd.DataFrame:
    """The ledger in a CSV file, its fields as they are written. Lines that a merge has doubled are given once.

    Raises:
        ClimateError: another header, a line that was edited or is incomplete, one forecast written down twice with
            different numbers, or a forecast whose lines are not those of all leads.
    """
    lines = text.splitlines()
    header = ",".join(COLUMNS)
    if not lines or lines[0] != header:
        found = lines[0][:40] if lines else "an empty file"
        raise ClimateError(f"reports/ledger.csv, row 1: found '{found}', expected '{header[:40]}...'; {RESTORE}")
    for row, line in enumerate(lines[1:], start=2):
        *fields, check = line.split(",")
        if len(fields) + 1 != len(COLUMNS):
            raise ClimateError(
                f"reports/ledger.csv, row {row}: found {len(fields) + 1} fields, expected {len(COLUMNS)}; {RESTORE}"
            )
        if checksum(fields) != check:
            raise ClimateError(
                f"reports/ledger.csv, row {row}, {' '.join(fields[:3])}, lead {fields[3]}: found check {check}, "
                f"expected {checksum(fields)}: the line was changed after it was written; {RESTORE}"
            )
    ledger = pd.read_csv(io.StringIO("\n".join([header, *dict.fromkeys(lines[1:])])), dtype=str, keep_default_na=False)
    twice = ledger[ledger.duplicated([*ISSUE, "leads"])]
    if len(twice):
        raise ClimateError(
            f"reports/ledger.csv: found two forecasts of {' '.join(twice.iloc[0][[*ISSUE, 'leads']])} months ahead, "
            "expected one; keep the lines that were committed first"
        )
    for name, own in ledger[~ledger["leads"].str.contains("-")].groupby(ISSUE):
        leads = sorted(_last_lead(own))
        if leads != list(range(1, len(leads) + 1)):
            raise ClimateError(
                f"reports/ledger.csv: the forecast {' '.join(map(str, name))} has leads {leads}, expected 1 to "
                f"{leads[-1]}; {RESTORE}"
            )
    return ledger


def scored(ledger: pd.DataFrame, series: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Scores of the lines whose months have come, in the order of the ledger.

    The observation is that of the record as it is now, with revisions since the issue. Lines of places that are no
    longer forecast, and of records whose unit or baseline has changed, cannot be scored and are left out.

    Columns: those of `ISSUE` but the digest, `leads`, `target`, `made`, `q0.5`; `observed`; `error` (median less
    observation) and `crps` (of the five quantiles of the line) in the unit of the record; `inside90`, 1 where the
    observation lies in the 90% interval, bounds included; `category`, the tercile of the observation (below, near,
    above) and `chance`, the probability that it was given; `hit`, 1 where none was given a higher one. The last three
    are missing without terciles.
    """
    rows = numbers(ledger)
    observed = np.full(len(rows), np.nan)
    for name, own in rows.groupby("place"):
        place = str(name)
        if place in series and "value" in series[place]:
            same = own[own["unit"] == _unit(series[place])]
            observed[same.index] = [_observed(series[place], target) for target in same["target"]]
    rows["observed"] = observed
    rows = rows[np.isfinite(observed)].reset_index(drop=True)
    quantiles = xr.DataArray(rows[list(BOUNDS)].to_numpy(), dims=("row", "quantile"), coords={"quantile": list(LEVELS)})
    truth = xr.DataArray(rows["observed"].to_numpy(), dims="row")
    rows["error"] = rows["q0.5"] - rows["observed"]
    rows["crps"] = crps_from_quantiles(quantiles, truth).values
    rows["inside90"] = rows["observed"].between(rows[BOUNDS[0]], rows[BOUNDS[-1]]).astype(int)
    near = 1 - rows["below"] - rows["above"]
    chances = pd.DataFrame({"below": rows["below"], "near": near, "above": rows["above"]})
    position = (rows["observed"] > rows["tercile_low"]).astype(int) + (rows["observed"] > rows["tercile_high"])
    given = chances.to_numpy()[np.arange(len(rows)), position]
    told = rows["tercile_low"].notna()
    rows["category"] = np.array(chances.columns)[position]
    rows["category"] = rows["category"].where(told)
    rows["chance"] = given
    rows["hit"] = (given >= chances.max(axis=1)).where(told).astype(float)
    result: pd.DataFrame = rows[list(SCORED)]
    return result


def numbers(ledger: pd.DataFrame) -> pd.DataFrame:
    """The ledger with `NUMBERS` as floats, NaN where a field is empty."""
    result = ledger.reset_index(drop=True)
    for name in NUMBERS:
        result[name] = pd.to_numeric(result[name])
    return result


def checksum(fields: Sequence[str]) -> str:
    """Eight hexadecimal digits of the SHA-256 of a line's fields but the last."""
    return hashlib.sha256(",".join(fields).encode()).hexdigest()[:8]


def _observed(series: xr.Dataset, target: str) -> float:
    first, _, last = target.partition("-to-")
    months = series["time"].values.astype("datetime64[M]")
    wanted = (months >= np.datetime64(first)) & (months <= np.datetime64(last or first))
    length = int((np.datetime64(last or first) - np.datetime64(first)).astype(int)) + 1
    return float(series["value"].values[wanted].mean()) if wanted.sum() == length else np.nan


def _last_lead(ledger: pd.DataFrame) -> pd.Series[Any]:
    return ledger["leads"].str.rpartition("-")[2].astype(int)


def _span(first: object, last: object) -> str:
    joint = "-" if isinstance(first, int) else "-to-"
    return str(first) if first == last else f"{first}{joint}{last}"


def _unit(series: xr.Dataset) -> str:
    """'degC from 1961-1990', or 'ppm' for a record without baseline."""
    units, baseline = str(series.attrs.get("units", "")), str(series.attrs.get("baseline", ""))
    return f"{units} from {baseline}" if baseline else units


def _text(value: float, decimals: int) -> str:
    return "" if not np.isfinite(value) else f"{round(value, decimals) + 0.0:.{decimals}f}"
