"""Direct ridge regression of the change from the origin, with lagged covariates such as ENSO.

The deseasonalised record is expected to continue along its trailing trend; every lead has its own linear model of the
departure from it, on the same predictors: recent changes, distances from the last year and from a short line, the slope
of that line, and the covariates of the last year. The penalty is chosen per lead by cross-validation over contiguous
blocks of the history with a gap on both sides; the residuals of that cross-validation give the quantiles. Predictors
and windows were chosen on origins from 1989-12 to 2000-12, whose forecasts end before 2006.

Missing months of the record are interpolated as predictors and left out as targets; a covariate that ends before the
origin keeps its last value. Where the history is too short to cross-validate a requested lead, the trend with an AR(1)
residual replaces the forecast and is counted in `fallbacks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from climate.forecasters.base import (
    HARMONICS,
    EachPlace,
    FloatArray,
    Hindcasting,
    IntArray,
    calendar_months,
    fill_gaps,
    history_values,
    require_months,
    season_waves,
)
from climate.forecasters.classical.trend import Fallback
from climate.forecasters.features import centred_year, filled_covariates, trailing_line, trailing_mean
from climate.forecasters.linear import centred_ridge, distant_rows
from climate.schema import MONTHS_PER_YEAR, QUANTILES

CHANGE_LAGS = (1, 3)
"""Lags of the changes that serve as predictors (months)."""

LINE_MONTHS = 36
"""Length of the trailing line whose slope, and distance from the origin, serve as predictors (months)."""

TREND_MONTHS = 360
"""Longest trailing line whose slope every forecast continues (months); the predictors add departures from it."""

COVARIATE_MEAN = 3
"""Length of the means of each covariate (months)."""

COVARIATE_LAGS = (0, 3, 6, 9)
"""Lags of the ends of these means (months): together the last year."""

WARM_UP = 120
"""Months that the trailing trend needs, and so the first row of predictors."""

PENALTIES: FloatArray = np.logspace(-1, 4, 11)
"""Ridge penalties tried, on predictors of unit variance."""

MIN_RESIDUALS = 60
"""Cross-validated residuals that the quantiles of a lead need at least."""


def seasonal_design(months: IntArray, steps: IntArray) -> FloatArray:
    """Harmonics of the annual cycle (time, 4 x HARMONICS), constant and drifting with `steps` (months).

    The amplitude of CO2 at Mauna Loa drifts.
    """
    angle = 2 * np.pi * np.outer(months, np.arange(1, HARMONICS + 1)) / MONTHS_PER_YEAR
    waves = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return np.concatenate([waves, waves * steps[:, None] / (10 * MONTHS_PER_YEAR)], axis=1)


def lagged(values: FloatArray, lag: int) -> FloatArray:
    """Values `lag` months before, NaN at the start."""
    return np.concatenate([np.full(lag, np.nan), values[: values.size - lag]])


def predictors(level: FloatArray, covariates: FloatArray, months: IntArray) -> FloatArray:
    """Predictors (time, predictor) known at each month, NaN where the record before is too short."""
    line_end, slope = trailing_line(level, LINE_MONTHS, LINE_MONTHS)
    waves = list(season_waves(months).T)
    columns: list[FloatArray] = [level - lagged(level, lag) for lag in CHANGE_LAGS]
    columns += [level - trailing_mean(level, MONTHS_PER_YEAR), level - line_end, slope, *waves]
    for covariate in covariates.T:
        mean = trailing_mean(covariate, COVARIATE_MEAN)
        columns += [lagged(mean, lag) for lag in COVARIATE_LAGS]
        columns += [mean * wave for wave in waves]
    return np.column_stack(columns)


def cross_validated(rows: FloatArray, target: FloatArray, gap: int) -> FloatArray:
    """Residuals (penalty, row) of blocks predicted from `distant_rows`; NaN where those are too few."""
    blocks = list(distant_rows(np.arange(target.size), gap))
    far = np.array([distant for _, distant in blocks], dtype=float)
    enough, count = far.sum(axis=1) > rows.shape[1], np.maximum(far.sum(axis=1), 1)
    centre, middle = far @ rows / count[:, None], far @ target / count
    # one solution for all blocks and penalties, from the sums of products less those of the means
    inner = (far[:, None] * rows.T) @ rows - count[:, None, None] * centre[:, :, None] * centre[:, None]
    outer = (far * target) @ rows - (count * middle)[:, None] * centre
    penalised = inner[:, None] + PENALTIES[:, None, None] * np.eye(rows.shape[1])
    coefficients = np.linalg.solve(penalised, outer[:, None, :, None])[..., 0]
    intercepts = middle[:, None] - (coefficients @ centre[..., None])[..., 0]
    residual = np.full((PENALTIES.size, target.size), np.nan)
    for fold in np.flatnonzero(enough):
        block = blocks[fold][0]
        residual[:, block] = target[block] - coefficients[fold] @ rows[block].T - intercepts[fold][:, None]
    return residual


@dataclass(frozen=True)
class LeadModel:
    """Coefficients of one lead, and the quantiles of its cross-validated residual."""

    coefficients: FloatArray
    intercept: float
    residual: FloatArray


def fit_lead(
    rows: FloatArray, level: FloatArray, trend: FloatArray, deseasonalised: FloatArray, lead: int
) -> LeadModel | None:
    """Model of the change of the deseasonalised record over `lead` months, less the trend known at the origin.

    Rows (time, predictor) and the trend (per month) may hold NaN; such months are left out. None if fewer than
    MIN_RESIDUALS months can be predicted from other blocks.
    """
    if level.size <= lead:
        return None
    target = deseasonalised[lead:] - level[:-lead] - lead * trend[:-lead]
    train = np.isfinite(rows[:-lead]).all(axis=1) & np.isfinite(target)
    table, known_target = rows[:-lead][train], target[train]
    residual = cross_validated(table, known_target, gap=lead)
    scored = np.isfinite(residual[0])
    if scored.sum() < MIN_RESIDUALS:
        return None
    best = int(np.argmin(np.mean(residual[:, scored] ** 2, axis=1)))
    coefficients, intercept = centred_ridge(table, known_target, float(PENALTIES[best]))
    return LeadModel(coefficients, intercept, np.quantile(residual[best, scored], QUANTILES))


@dataclass
class FittedRidge(Hindcasting):
    """Season, predictors and targets of one history; a lead is fitted when it is first requested."""

    season: FloatArray
    centre: FloatArray
    spread: FloatArray
    rows: FloatArray
    level: FloatArray
    trend: FloatArray
    deseasonalised: FloatArray
    models: list[LeadModel] = field(default_factory=list)
    fallbacks: int = 0

    @property
    def parameters(self) -> int:
        """Number of values estimated for the leads requested so far."""
        return int(self.season.size + len(self.models) * (self.rows.shape[1] + 1))

    def hindcasts(self, history: xr.Dataset, ends: Sequence[int], leads: int) -> FloatArray:
        """See `Hindcasting.hindcasts`: (end, lead, quantile)."""
        for lead in range(len(self.models) + 1, leads + 1):
            model = fit_lead(self.rows, self.level, self.trend, self.deseasonalised, lead)
            if model is None:
                self.fallbacks = 1
                fitted = history.isel(time=slice(0, self.level.size))
                return Fallback.of(fitted).hindcasts(history, ends, leads)
            self.models.append(model)
        origins, ahead, models = np.asarray(ends) - 1, np.arange(1, leads + 1), self.models[:leads]
        values, months = history_values(history), calendar_months(history)
        every_step = np.arange(values.size + leads)
        every_month = (months[0] + every_step) % MONTHS_PER_YEAR
        season = seasonal_design(every_month, every_step - self.level.size + 1) @ self.season
        level = fill_gaps(values - season[: values.size])
        rows = (predictors(level, filled_covariates(history), months)[origins] - self.centre) / self.spread
        change = rows @ np.stack([model.coefficients for model in models], axis=1)
        change += np.array([model.intercept for model in models])
        change += trailing_line(level, TREND_MONTHS, WARM_UP)[1][origins, None] * ahead
        residual = np.stack([model.residual for model in models])
        median = level[origins, None] + change + season[origins[:, None] + ahead]
        return np.asarray(median[..., None] + residual)


@dataclass(frozen=True)
class DirectRidge(EachPlace):
    """Direct ridge regression, with lagged covariates or on the record alone."""

    name: str = "ridge-enso"
    uses_covariates: bool = True

    def fit_place(self, history: xr.Dataset) -> FittedRidge:
        """See `EachPlace.fit_place`."""
        require_months(history, WARM_UP, self.name)
        values, months = history_values(history), calendar_months(history)
        waves = seasonal_design(months, np.arange(values.size) - values.size + 1)
        departure = values - centred_year(fill_gaps(values))
        known = np.isfinite(departure)
        season = np.linalg.lstsq(waves[known], departure[known], rcond=None)[0]
        deseasonalised = values - waves @ season
        level = fill_gaps(deseasonalised)
        table = predictors(level, filled_covariates(history), months)
        centre, spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        trend = trailing_line(level, TREND_MONTHS, WARM_UP)[1]
        return FittedRidge(season, centre, spread, (table - centre) / spread, level, trend, deseasonalised)
