"""Numbers that sentences and tables need: hypotheses, comparisons, annual means, trends and collection periods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.stats import t as student_t

from climate.forecasters.base import FloatArray
from climate.forecasters.registry import Kind, is_kind
from climate.report import words
from climate.report.inputs import ReportInputs
from climate.scenario import forcing
from climate.schema import MONTHS_PER_YEAR
from climate.verify.contest import Outcome

TREND_YEARS = 30
"""Years of the recent trend: the length of a climatological normal (WMO-No. 1203)."""
MIN_TREND_YEARS = 10
CONFIDENCE = 0.95
"""Of the interval given with a trend."""


@dataclass(frozen=True)
class Contest:
    """The LSTM against the opponent in one region and block of leads: descriptive, without a verdict."""

    region: str
    block: str
    model: str
    opponent: str
    ratio: float
    """CRPS of the model over CRPS of the opponent; below one the model is better."""
    low: float
    high: float
    """Bounds of the 90% interval of the ratio."""
    p: float
    """Two-sided, not corrected."""


def contests(inputs: ReportInputs) -> list[Contest]:
    """The LSTM against the opponent, by region and headline block; none where no LSTM was run."""
    model, contests = inputs.primary, []
    for region in inputs.regions if model else ():
        for block in inputs.headline_blocks:
            selected = inputs.scores.sel(region=region, block=block, model=model)
            numbers = [float(selected[name]) for name in ("ratio", "low", "high", "p")]
            contests.append(Contest(region, block, str(model), inputs.opponent(region, block), *numbers))
    return contests


@dataclass(frozen=True)
class Hypothesis:
    """A declared hypothesis and its test, see climate.verify.contest.assess."""

    name: str
    quantity: str
    better: str
    against: str
    block: str
    places: str
    ratio: float
    low: float
    high: float
    p: float
    outcome: Outcome
    """After Holm's correction for all declared hypotheses."""
    origins: float
    independent: float
    reason: str
    """Why it was not tested; empty where it was."""

    @property
    def question(self) -> str:
        """What the hypothesis is about: the learner where a network meets a linear model, else the information."""
        if is_kind(self.against, Kind.CLASSICAL):
            return "Does it beat the simple model?"
        network = is_kind(self.better, Kind.NETWORK) and not is_kind(self.against, Kind.NETWORK)
        return "Does a network help, given the same information?" if network else "Does more information help?"


def hypotheses(inputs: ReportInputs) -> list[Hypothesis]:
    """The declared hypotheses, in the order of params.yaml."""
    if "hypothesis" not in inputs.hypotheses.dims:
        return []
    columns = [one.name for one in fields(Hypothesis) if one.name != "name"]
    rows = [inputs.hypotheses.sel(hypothesis=name) for name in inputs.hypotheses["hypothesis"].values]
    return [Hypothesis(str(row["hypothesis"].item()), *(row[name].item() for name in columns)) for row in rows]


def best_model(inputs: ReportInputs, region: str, block: str) -> str:
    """The model with the lowest CRPS; of equals the first in the fixed order."""
    crps = inputs.scores["crps"].sel(region=region, block=block, model=inputs.models).values
    return inputs.models[int(np.nanargmin(crps))]


def annual_means(series: xr.Dataset) -> pd.Series[float]:
    """Means by complete calendar year, see `forcing.annual_means`."""
    return forcing.annual_means(series).to_series()


@dataclass(frozen=True)
class Trend:
    """A straight line through annual means."""

    first: int
    last: int
    per_decade: float
    half_width: float
    """Of the 95% interval."""


def trend(annual: pd.Series[float], years: int | None = TREND_YEARS) -> Trend | None:
    """Least-squares trend of the last `years` annual means (None: all), None with fewer than MIN_TREND_YEARS.

    The interval allows for lag-one autocorrelation of the residuals by an effective number of years.
    Source: Santer, B. D. et al. (2008), Consistency of modelled and observed temperature trends in the tropical
    troposphere, Int. J. Climatol. 28, 1703-1722, equations 4-6.
    """
    if years is not None and annual.size:
        annual = annual[annual.index > annual.index[-1] - years]
    if annual.size < MIN_TREND_YEARS:
        return None
    x, y = annual.index.to_numpy(dtype=float), annual.to_numpy()
    centred = x - x.mean()
    slope = float((centred * y).sum() / (centred**2).sum())
    residual = y - y.mean() - slope * centred
    spread = float((residual**2).sum())
    r1 = float((residual[1:] * residual[:-1]).sum() / spread) if spread > 0 else 0.0
    effective = min(float(x.size), max(3.0, x.size * (1 - r1) / (1 + r1)))
    error = np.sqrt(spread / (effective - 2) / (centred**2).sum())
    width = float(student_t.ppf(0.5 + CONFIDENCE / 2, effective - 2) * error)
    return Trend(int(x[0]), int(x[-1]), 10 * slope, 10 * width)


def quantile_columns(quantiles: xr.DataArray, levels: Sequence[float] | None = None) -> dict[str, Any]:
    """Columns q0.05, q0.5 ... of a table from values (..., quantile), all of them or the nearest to `levels`."""
    wanted = quantiles["quantile"].values if levels is None else levels
    return {f"q{level:g}": quantiles.sel(quantile=level, method="nearest").values for level in wanted}


def forecast_frame(selected: xr.Dataset, levels: Sequence[float]) -> pd.DataFrame:
    """Some quantiles of the forecast of one model from one origin, one row per month."""
    about = {"model": str(selected["model"].item()), "origin": words.iso_month(selected["origin"].values)}
    months = [words.iso_month(time) for time in selected["valid_time"].values]
    columns = about | {"lead": selected["lead"].values, "month": months}
    return pd.DataFrame(columns | quantile_columns(selected["forecast"], levels))


def decimal_year(times: npt.ArrayLike) -> FloatArray:
    """Middle of each month, given as times or as '2026-02', as a decimal year."""
    months = np.asarray(times).astype("datetime64[M]").astype(np.int64)
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
    known = series.isel(time=np.flatnonzero(np.isfinite(series["value"].values)))
    if "period" not in series or not known.sizes["time"]:
        return []
    labels = pd.DataFrame(
        {name: known[name].values.astype(str) if name in known else "" for name in ("period", "source", "site")},
        index=range(known.sizes["time"]),
    )
    filled = known["interpolated"].values.astype(bool) if "interpolated" in known else np.zeros(len(labels), dtype=bool)
    times, run = known["time"].values, (labels != labels.shift()).any(axis=1).cumsum()
    starts = np.flatnonzero(run.diff() != 0)
    return [
        Period(name, source, site, times[start], times[stop - 1], int(stop - start), int(filled[start:stop].sum()))
        for start, stop in zip(starts, [*starts[1:], len(labels)], strict=True)
        for name, source, site in [labels.iloc[start].astype(str)]
    ]
