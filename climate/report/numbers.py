"""Numbers that sentences and tables need: contests between models, annual means, ranks and trends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.stats import t as student_t

from climate.report.inputs import ReportInputs
from climate.verify.significance import holm

FloatArray = npt.NDArray[np.float64]

TREND_YEARS = 30
"""Years of the recent trend: the length of a climatological normal (WMO-No. 1203)."""
CONFIDENCE = 0.95
"""Of the interval given with a trend."""
MONTHS_PER_YEAR = 12

Outcome = Literal["better", "worse", "same"]


@dataclass(frozen=True)
class Contest:
    """The LSTM against the best classical model of one region and block of leads."""

    region: str
    block: str
    model: str
    opponent: str
    ratio: float
    """CRPS of the model over CRPS of the opponent; below one the model is better."""
    p: float
    """Of the Diebold-Mariano test, two-sided."""
    p_holm: float
    """The same, corrected by Holm's method over all contests of the report."""
    cells: int
    """Forecasts that were verified: origins times leads."""
    outcome: Outcome

    @property
    def gain(self) -> float:
        """Share by which the CRPS is lower; negative if it is higher."""
        return 1 - self.ratio


def contests(inputs: ReportInputs, model: str) -> list[Contest]:
    """`model` against the best classical one, for every region and headline block, corrected together."""
    scores = inputs.scores
    cells = [(region, block) for region in inputs.regions for block in inputs.headline_blocks]

    def pick(name: str) -> FloatArray:
        one = scores[[name]].sel(model=model)[name] if "model" in scores[name].dims else scores[name]
        return np.array([one.sel(region=region, block=block).item() for region, block in cells], dtype=np.float64)

    ratios, p, counts = pick("crps_ratio_best"), pick("dm_p_best"), pick("n")
    corrected = holm(p)
    found = []
    for (region, block), ratio, raw, adjusted, n in zip(cells, ratios, p, corrected, counts, strict=True):
        sure = bool(np.isfinite(adjusted)) and adjusted < inputs.significance
        outcome: Outcome = "same" if not sure else "better" if ratio < 1 else "worse"
        opponent = inputs.best_classical(region, block)
        verified = int(n) if np.isfinite(n) else 0
        found.append(Contest(region, block, model, opponent, ratio, raw, adjusted, verified, outcome))
    return found


def best_model(inputs: ReportInputs, region: str, block: str) -> str:
    """The model with the lowest CRPS; of equals the first in the fixed order."""
    crps = inputs.scores["crps"].sel(region=region, block=block, model=inputs.models).values
    return inputs.models[int(np.nanargmin(crps))]


@dataclass(frozen=True)
class Trend:
    """A straight line through annual means."""

    first: int
    last: int
    per_decade: float
    half_width: float
    """Of the 95% interval."""


@dataclass(frozen=True)
class Annual:
    """Means of complete calendar years."""

    years: npt.NDArray[np.int64]
    means: FloatArray

    def rank(self, year: int) -> int:
        """1 for the highest year of the record."""
        return int((self.means > self.means[self.years == year][0]).sum()) + 1

    @property
    def record_year(self) -> int:
        """The year with the highest mean."""
        return int(self.years[int(np.argmax(self.means))])

    def of(self, year: int) -> float:
        """Mean of one year."""
        return float(self.means[self.years == year][0])

    def last(self, years: int) -> float:
        """Mean of the last `years` complete years."""
        return float(self.means[-years:].mean())


def annual_means(series: xr.Dataset) -> Annual:
    """Means of `value` over the years in which all twelve months have a value; other years are left out."""
    table = pd.Series(series["value"].values.astype(float), index=_months(series)).dropna()
    grouped = table.groupby(table.index // MONTHS_PER_YEAR + 1970)
    means = grouped.mean()[grouped.count() == MONTHS_PER_YEAR]
    return Annual(means.index.to_numpy(dtype=np.int64), means.to_numpy(dtype=np.float64))


def trend(annual: Annual, years: int | None = TREND_YEARS) -> Trend | None:
    """Least-squares trend of the last `years` annual means (None: all), None with fewer than ten of them.

    The interval allows for lag-one autocorrelation of the residuals by an effective number of years.
    Source: Santer, B. D. et al. (2008), Consistency of modelled and observed temperature trends in the tropical
    troposphere, Int. J. Climatol. 28, 1703-1722, equations 4-6.
    """
    x, y = annual.years.astype(float), annual.means
    if years is not None:
        recent = x > x[-1] - years if x.size else x > 0
        x, y = x[recent], y[recent]
    if x.size < 10:
        return None
    centred = x - x.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    residual = y - y.mean() - slope * centred
    spread = float((residual**2).sum())
    r1 = float((residual[1:] * residual[:-1]).sum() / spread) if spread > 0 else 0.0
    effective = min(float(x.size), max(3.0, x.size * (1 - r1) / (1 + r1)))
    error = np.sqrt(spread / (effective - 2) / (centred**2).sum())
    width = float(student_t.ppf(0.5 + CONFIDENCE / 2, effective - 2) * error)
    return Trend(int(x[0]), int(x[-1]), 10 * slope, 10 * width)


def running_mean(values: FloatArray, window: int = MONTHS_PER_YEAR) -> FloatArray:
    """Centred mean of `window` months with half weights at both ends; NaN where a month is missing."""
    weights = np.r_[0.5, np.ones(window - 1), 0.5] / window
    if values.size < weights.size:
        return np.full(values.shape, np.nan)
    half = window // 2
    out = np.full(values.shape, np.nan)
    out[half:-half] = np.convolve(values, weights, mode="valid")
    return out


def decimal_year(times: npt.NDArray[np.datetime64]) -> FloatArray:
    """Middle of each month as a decimal year."""
    months = times.astype("datetime64[M]").astype(np.int64)
    return np.asarray(1970 + (months + 0.5) / MONTHS_PER_YEAR, dtype=np.float64)


@dataclass(frozen=True)
class Period:
    """A run of months collected in one way."""

    name: str
    source: str
    site: str
    first: np.datetime64
    last: np.datetime64
    months: int
    interpolated: int


def periods(series: xr.Dataset) -> list[Period]:
    """Collection periods in order of time; a change of source or site starts a new one."""
    known = np.isfinite(series["value"].values)
    if "period" not in series or not known.any():
        return []
    columns = [_texts(series, name)[known] for name in ("period", "source", "site")]
    interpolated = series["interpolated"].values[known].astype(bool) if "interpolated" in series else None
    times = series["time"].values[known]
    same = np.ones(times.size - 1, dtype=bool)
    for column in columns:
        same &= column[1:] == column[:-1]
    starts = np.flatnonzero(np.r_[True, ~same])
    ends = np.r_[starts[1:], times.size]
    return [
        Period(
            str(columns[0][start]),
            str(columns[1][start]),
            str(columns[2][start]),
            times[start],
            times[end - 1],
            int(end - start),
            int(interpolated[start:end].sum()) if interpolated is not None else 0,
        )
        for start, end in zip(starts, ends, strict=True)
    ]


def _texts(series: xr.Dataset, name: str) -> npt.NDArray[np.str_]:
    if name not in series:
        return np.full(series.sizes["time"], "")
    return series[name].values.astype(str)


def _months(series: xr.Dataset) -> npt.NDArray[np.int64]:
    return np.asarray(series["time"].values.astype("datetime64[M]").astype(np.int64))
