"""Training data of the direct forecasters: the deseasonalised record, its damped-persistence forecast, and predictors.

A forecaster of a trending series fails if it must learn the level. So the record is first deseasonalised and then
forecast by the simplest model that respects its trend: a line through its last years, which the forecast approaches
from the origin at the rate of the record's own persistence. The targets are the residuals at every lead; at long leads
a model without skill returns to that line. The line's length, ten, twenty or thirty years, is the one that would have
forecast the record best so far.

All numbers come from the history alone. `Frame` holds what is estimated once per fold; `rows` turns any history that
starts in the same month, also a longer one, into predictors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from climate.forecasters.base import (
    FloatArray,
    IntArray,
    calendar_months,
    fill_gaps,
    harmonic_part,
    history_covariates,
    history_values,
    lag_one_autocorrelation,
    season_waves,
)
from climate.schema import MONTHS_PER_YEAR

TREND_MONTHS = (120, 240, 360)
"""Candidate lengths of the trailing line (months): a decade outlasts ENSO, thirty years are a WMO normal."""

SEASON_YEARS = (10, 20, 30)
"""Candidate lengths of the record from which the seasonal cycle is estimated (years)."""

WARM_UP = 120
"""Months before the first row: a line through less than a decade says more about ENSO than about the trend."""

MAX_PERSISTENCE = 0.999
"""Upper limit of the monthly autocorrelation, below 1 so that the expectation always returns to the line."""

MEAN_MONTHS = (1, 3, 12)
"""Lengths of the trailing means whose distance from the line is a predictor (months)."""

COVARIATE_WINDOWS = ((1, 0), (3, 1), (3, 4), (6, 7), (12, 13))
"""Length and lag of the covariate's means: together the last two years, finer towards the origin (months)."""

SEASONAL_WINDOWS = 2
"""Number of covariate windows, from the newest, that also enter multiplied by the annual cycle: ENSO acts by season."""

TIMES = " x "
"""Between the factors of a product in the name of a column."""


def centred_year(values: FloatArray) -> FloatArray:
    """Centred 2 x 12 moving average (time), free of the season; NaN within half a year of both ends or of a NaN."""
    weights = np.full(MONTHS_PER_YEAR + 1, 1 / MONTHS_PER_YEAR)
    weights[[0, -1]] /= 2
    if values.size < weights.size:
        return np.full(values.size, np.nan)
    return np.pad(np.convolve(values, weights, mode="valid"), MONTHS_PER_YEAR // 2, constant_values=np.nan)


def seasonal_cycle(values: FloatArray, months: IntArray) -> FloatArray:
    """Seasonal cycle (12) by calendar month, of HARMONICS harmonics; it sums to zero.

    The mean deviation from the centred year over the last years, as many of SEASON_YEARS as would have forecast each
    year's deviations best so far. Needs SEASON_YEARS[-1] // 2 whole years.
    """
    half = MONTHS_PER_YEAR // 2
    deviation = (values - centred_year(values))[half:-half]
    years = deviation.size // MONTHS_PER_YEAR
    table = deviation[deviation.size - years * MONTHS_PER_YEAR :].reshape(years, MONTHS_PER_YEAR)
    first = months[half + deviation.size - years * MONTHS_PER_YEAR]
    total = np.concatenate([np.zeros((1, MONTHS_PER_YEAR)), np.cumsum(table, axis=0)])
    end = np.arange(SEASON_YEARS[0], years)
    errors = []
    for length in SEASON_YEARS:
        start = np.maximum(end - length, 0)
        mean = harmonic_part((total[end] - total[start]) / (end - start)[:, None], -1, mean=False)
        errors.append(float(((table[end] - mean) ** 2).mean()) if end.size else 0.0)
    cycle = harmonic_part(table[-SEASON_YEARS[int(np.argmin(errors))] :].mean(axis=0), -1, mean=False)
    return np.roll(cycle, int(first))


def trailing_line(level: FloatArray, months: int, shortest: int = WARM_UP) -> tuple[FloatArray, FloatArray]:
    """Least-squares line through the last `months` values up to each month: its end point and slope per month (time).

    Fewer values at the start of the record; NaN before `shortest` months.
    """
    step = np.arange(level.size, dtype=float)
    length = np.minimum(months, step + 1)
    last = step.astype(int) + 1
    first = last - length.astype(int)
    total = np.concatenate([[0.0], np.cumsum(level)])
    moment = np.concatenate([[0.0], np.cumsum(step * level)])
    values = total[last] - total[first]
    centred = moment[last] - moment[first] - (step - (length - 1) / 2) * values
    squares = np.where(length > 1, length * (length**2 - 1) / 12, np.nan)
    slope = np.where(length >= shortest, centred / squares, np.nan)
    return values / length + slope * (length - 1) / 2, slope


def trailing_mean(values: FloatArray, length: int, lag: int = 0) -> FloatArray:
    """Mean of the `length` months that end `lag` months before each month; NaN where fewer exist."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    mean = np.full(values.size, np.nan)
    ends = np.arange(length + lag, values.size + 1) - lag
    mean[length + lag - 1 :] = (total[ends] - total[ends - length]) / length
    return mean


def persistence(departure: FloatArray) -> float:
    """Lag-1 autocorrelation of the departures (time) from the line, from 0 to MAX_PERSISTENCE."""
    return float(lag_one_autocorrelation(departure[:-1], departure[1:], MAX_PERSISTENCE)[-1])


def damped_persistence(
    level: FloatArray, line: FloatArray, slope: FloatArray, monthly: float, leads: int
) -> FloatArray:
    """Forecasts (time, lead): the line, approached by the factor `monthly` per month."""
    ahead = np.arange(1, leads + 1)
    return np.asarray(line[:, None] + slope[:, None] * ahead + (level - line)[:, None] * monthly**ahead)


def ahead_of(level: FloatArray, leads: int) -> FloatArray:
    """Values (time, lead) that follow each month; NaN beyond the end."""
    future = np.concatenate([level[1:], np.full(leads, np.nan)])
    return np.lib.stride_tricks.sliding_window_view(future, leads)


def choose_trend(level: FloatArray, leads: int) -> int:
    """The length among TREND_MONTHS with which damped persistence would have forecast `level` (time) best so far.

    Best in the mean over leads of the logarithm of the mean square error, over all forecasts whose month is in `level`.
    Each forecast uses its past alone, except for the persistence, which is estimated once.
    """
    scores = []
    for months in TREND_MONTHS:
        line, slope = trailing_line(level, months)
        error = ahead_of(level, leads) - damped_persistence(level, line, slope, persistence(level - line), leads)
        error = error[:, np.isfinite(error).any(axis=0)]
        scores.append(float(np.log(np.nanmean(error**2, axis=0) + np.finfo(float).tiny).mean()))
    return TREND_MONTHS[int(np.argmin(scores))]


def filled_covariates(history: xr.Dataset) -> FloatArray:
    """Covariates (time, covariate) without NaN.

    Gaps are interpolated; months not yet published repeat the last value, those before the record starts take its mean.
    A covariate without any value in the history is all zero.
    """
    table = history_covariates(history).copy()
    for column in table.T:
        known = np.flatnonzero(np.isfinite(column))
        if known.size == 0:
            column[:] = 0.0
            continue
        column[known[0] :] = fill_gaps(column[known[0] :])
        column[: known[0]] = column[known].mean()
    return table


@dataclass(frozen=True)
class Rows:
    """Predictors of one history; rows before WARM_UP months hold NaN.

    level: deseasonalised record (time), unit of the record, gaps interpolated.
    expected: damped-persistence forecast of the level (time, lead).
    static: predictors (time, predictor). sequence: what a recurrent network reads (time, lookback, channel): the level
    less the line of the origin, the covariates, and sine and cosine of the season.
    predictors, channels: names of the columns of `static` and of `sequence`; no name is in both. A product of two
    factors is written `nino34 3 lag 1 x sin`; the first word of each factor says what it is made from.
    """

    level: FloatArray
    expected: FloatArray
    static: FloatArray
    sequence: FloatArray
    predictors: tuple[str, ...]
    channels: tuple[str, ...]

    def usable(self) -> npt.NDArray[np.bool_]:
        """True (time) where every predictor exists."""
        complete = np.isfinite(self.static).all(axis=1) & np.isfinite(self.sequence).all(axis=(1, 2))
        return np.asarray(complete & np.isfinite(self.expected).all(axis=1))

    def targets(self, observed: FloatArray) -> FloatArray:
        """Level less its expectation (time, lead); NaN beyond the history and where `observed` (time) is NaN."""
        level = np.where(np.isfinite(observed), self.level, np.nan)
        return ahead_of(level, self.expected.shape[1]) - self.expected


def made_from(columns: Iterable[str], *ingredients: str) -> tuple[str, ...]:
    """The `columns` (see `Rows`) computed from any of `ingredients`: level, sin, cos or the name of a covariate.

    Raises ValueError if an ingredient enters no column.
    """
    words = {column: {factor.split()[0] for factor in column.split(TIMES)} for column in columns}
    if missing := set(ingredients) - set().union(*words.values()):
        raise ValueError(f"no column is made from {', '.join(sorted(missing))}: found {', '.join(words)}")
    return tuple(column for column, factors in words.items() if factors & set(ingredients))


@dataclass(frozen=True)
class Frame:
    """Seasonal cycle (12), length of the trend and persistence, estimated on the fold's history.

    without: names of columns of `Rows` to set to zero in every row, to measure how much they contribute.
    """

    season: FloatArray
    trend_months: int
    persistence: float
    without: tuple[str, ...] = ()

    @classmethod
    def estimate(cls, history: xr.Dataset, leads: int, without: tuple[str, ...] = ()) -> Frame:
        """Estimate on `history`, for forecasts of `leads` months; needs more than WARM_UP months with a value."""
        values, months = fill_gaps(history_values(history)), calendar_months(history)
        season = seasonal_cycle(values, months)
        level = values - season[months]
        months_used = choose_trend(level, leads)
        return cls(season, months_used, persistence(level - trailing_line(level, months_used)[0]), without)

    @property
    def parameters(self) -> int:
        """Number of values estimated: the cycle sums to zero; the line has three, the persistence is one."""
        return MONTHS_PER_YEAR - 1 + 3 + 1

    def rows(self, history: xr.Dataset, leads: int, lookback: int) -> Rows:
        """Predictors for every month of `history`, each from that month and earlier ones alone.

        Raises ValueError if `without` names a column that does not exist.
        """
        months = calendar_months(history)
        level = fill_gaps(history_values(history)) - self.season[months]
        line, slope = trailing_line(level, self.trend_months)
        waves = dict(zip(("sin", "cos"), season_waves(months).T, strict=True))
        covariates = dict(zip(_covariate_names(history), filled_covariates(history).T, strict=True))
        static = _static(level, line, slope, covariates, waves)
        channels = {f"{name} window": values for name, values in {"level": level, **covariates, **waves}.items()}
        if missing := set(self.without) - {*static, *channels}:
            raise ValueError(f"no columns {sorted(missing)} to leave out: found {', '.join([*static, *channels])}")
        return Rows(
            level=level,
            expected=damped_persistence(level, line, slope, self.persistence, leads),
            static=np.column_stack(list(static.values())) * self._included(static),
            sequence=_sequence(list(channels.values()), line, slope, lookback) * self._included(channels),
            predictors=tuple(static),
            channels=tuple(channels),
        )

    def _included(self, names: Iterable[str]) -> FloatArray:
        """1 for columns to use, 0 for those in `without`: a factor, so that rows of the warm-up stay NaN."""
        return np.array([float(name not in self.without) for name in names])


def _covariate_names(history: xr.Dataset) -> list[str]:
    if "covariate" not in history:
        return []
    (dimension,) = (name for name in history["covariate"].dims if name != "time")
    return [str(name) for name in history["covariate"].get_index(dimension)]


def _static(
    level: FloatArray,
    line: FloatArray,
    slope: FloatArray,
    covariates: Mapping[str, FloatArray],
    waves: Mapping[str, FloatArray],
) -> dict[str, FloatArray]:
    columns: dict[str, FloatArray] = {
        f"level {length}": np.asarray(trailing_mean(level, length) + slope * (length - 1) / 2 - line)
        for length in MEAN_MONTHS
    }
    columns |= {f"level{TIMES}{name}": np.asarray((level - line) * wave) for name, wave in waves.items()}
    for covariate, values in covariates.items():
        means = {
            f"{covariate} {length} lag {lag}": trailing_mean(values, length, lag) for length, lag in COVARIATE_WINDOWS
        }
        columns |= means
        columns |= {
            f"{label}{TIMES}{name}": np.asarray(mean * wave)
            for label, mean in list(means.items())[:SEASONAL_WINDOWS]
            for name, wave in waves.items()
        }
    return columns | dict(waves)


def lookback_windows(channels: Sequence[FloatArray], lookback: int) -> FloatArray:
    """Windows (time, lookback, channel) that end with each month of `channels`, NaN before the record starts.

    `channels` are of one (time) or several columns (time, channel).
    """
    padded = np.pad(np.column_stack(channels), ((lookback - 1, 0), (0, 0)), constant_values=np.nan)
    return np.array(np.lib.stride_tricks.sliding_window_view(padded, lookback, axis=0).transpose(0, 2, 1))


def _sequence(channels: Sequence[FloatArray], line: FloatArray, slope: FloatArray, lookback: int) -> FloatArray:
    """`lookback_windows` of `channels`, the first of them less the line of each window's last month."""
    sequence = lookback_windows(channels, lookback)
    sequence[:, :, 0] -= line[:, None] + slope[:, None] * np.arange(1 - lookback, 1)
    return sequence


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of every predictor over the rows of a fold."""

    centre: FloatArray
    spread: FloatArray

    @classmethod
    def estimate(cls, rows: FloatArray) -> Scaler:
        """Over all axes but the last; a constant predictor is centred and not scaled."""
        axes = tuple(range(rows.ndim - 1))
        spread = rows.std(axis=axes)
        return cls(rows.mean(axis=axes), np.where(spread > 0, spread, 1.0))

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Standardised rows."""
        return np.asarray((rows - self.centre) / self.spread)
