"""Forecasts: hindcasts against observations, and the forecast that is issued now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, for_phones_too, legend_above, new_figure, style
from climate.report.figures.record import axis_label
from climate.report.inputs import ReportInputs
from climate.report.numbers import best_model, decimal_year, forecast_frame
from climate.report.palette import OBSERVED, style_of

BANDS = ((0.05, 0.95, 0.18), (0.2, 0.8, 0.30))
"""Lower level, upper level and opacity of the shaded intervals: 90% and 60%."""
HISTORY_YEARS = 8
"""Observed years before the issued forecast."""
MEDIAN = 0.5


def shown_models(inputs: ReportInputs, region: str) -> list[str]:
    """The LSTM and the opponent of the longest headline block; without a network the simple model alone."""
    best = inputs.opponent(region, inputs.headline_blocks[-1])
    return [name for name in (inputs.primary, best) if name and name in inputs.forecasts[region]["model"].values]


def hindcast_origins(table: xr.Dataset) -> list[int]:
    """Positions of origins whose forecasts follow one another without overlap, the last with most verified."""
    verified = np.isfinite(table["observed"].values).sum(axis=1)
    months = table["origin"].values.astype("datetime64[M]").astype(np.int64)
    full = np.flatnonzero(verified >= 0.9 * table.sizes["lead"])
    chosen: list[int] = []
    # from the newest backwards, so that the most recent complete forecast is always shown
    for position in full[::-1]:
        if not chosen or months[chosen[-1]] - months[position] >= table.sizes["lead"]:
            chosen.append(int(position))
    if not chosen and verified.max() > 0:
        chosen = [int(np.argmax(verified))]
    return chosen[::-1]


def fan_table(table: xr.Dataset, model: str, positions: Sequence[int]) -> pd.DataFrame:
    """Quantiles and observations of one model at the origins at some positions, one row per month."""
    levels = [low for low, _, _ in BANDS] + [MEDIAN] + [high for _, high, _ in BANDS[::-1]]
    chosen = [table.isel(origin=position).sel(model=model) for position in positions]
    frames = [forecast_frame(one, levels).assign(observed=one["observed"].values) for one in chosen]
    return pd.concat(frames, ignore_index=True)


def _fan(axes: Axes, rows: pd.DataFrame, colour: str, label: str) -> None:
    for number, (_, part) in enumerate(rows.groupby("origin", sort=True)):
        x = decimal_year(part["month"])
        for low, high, opacity in BANDS:
            axes.fill_between(x, part[f"q{low:g}"], part[f"q{high:g}"], color=colour, alpha=opacity, lw=0)
        axes.plot(x, part["q0.5"], color=colour, lw=1.7, label=label if number == 0 else None)
        axes.axvline(x[0] - 1 / 12, color=SOFT, lw=0.8, ls=(0, (2, 2)), zorder=1)


def _observed(axes: Axes, inputs: ReportInputs, region: str, first: float) -> pd.DataFrame:
    series = inputs.series[region]
    x, values = decimal_year(series["time"].values), series["value"].values.astype(float)
    keep = (x >= first) & np.isfinite(values)
    axes.plot(x[keep], values[keep], color=OBSERVED, lw=1.1, label="Observed")
    return pd.DataFrame(
        {
            "model": "observed",
            "origin": "",
            "lead": 0,
            "month": [words.iso_month(time) for time in series["time"].values[keep]],
            "observed": values[keep],
        }
    )


@for_phones_too
def hindcast_figure(inputs: ReportInputs, region: str) -> Drawing | None:
    """Fans of the LSTM and of the opponent from a few origins, over observations."""
    table, models = inputs.forecasts[region], shown_models(inputs, region)
    origins = hindcast_origins(table)
    if not origins or not models:
        return None
    fans = pd.concat([fan_table(table, model, origins) for model in models], ignore_index=True)
    start = float(decimal_year(table["origin"].values[origins[:1]])[0])
    with style():
        figure = new_figure(0.5 + 2.55 * len(models))
        panels = figure.subplots(len(models), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        history = pd.DataFrame()
        for axes, model in zip(panels, models, strict=True):
            look = style_of(model)
            _fan(axes, fans[fans["model"] == model], look.colour, f"{look.label}: median, 60% and 90% interval")
            history = _observed(axes, inputs, region, start - 3)
            axes.set_ylabel(axis_label(inputs.series[region].attrs), fontsize=9.5)
            legend_above(axes)
        panels[-1].set_xlabel("Year")
        panels[-1].set_xlim(start - 3, None)
    inside = {}
    for model in models:
        rows = fans[(fans["model"] == model) & fans["observed"].notna()]
        inside[model] = float(((rows["observed"] >= rows["q0.05"]) & (rows["observed"] <= rows["q0.95"])).mean())
    hits = words.joined([f"{words.percent(share)} for {style_of(model).phrase}" for model, share in inside.items()])
    when = words.joined([words.iso_month(time) for time in table["origin"].values[origins]])
    alt = (
        f"Hindcasts of {inputs.title_of(region)} from {when} over observations. "
        f"Share of these months inside the 90% interval: {hits}."
    )
    caption = (
        f"{inputs.title_of(region)}: forecasts from {words.count(len(origins), 'origin')} ({when}, dashed), each made "
        f"with what was known then, and observations. Share of these months inside the 90% interval: {hits}."
    )
    return Drawing(f"{region}-hindcasts", figure, pd.concat([history, fans], ignore_index=True), alt, caption)


@for_phones_too
def issued_figure(inputs: ReportInputs, region: str) -> Drawing | None:
    """The forecast from the last observed month."""
    table, models = inputs.forecasts[region], shown_models(inputs, region)
    if not models:
        return None
    last = table.sizes["origin"] - 1
    fans = pd.concat([fan_table(table, model, [last]) for model in models], ignore_index=True)
    origin = table["origin"].values[last]
    start = float(decimal_year(table["origin"].values[-1:])[0])
    unit = inputs.unit(region)
    with style():
        figure = new_figure(3.9)
        axes = figure.subplots()
        for model in models:
            rows = fans[fans["model"] == model]
            x = decimal_year(rows["month"])
            look = style_of(model)
            axes.fill_between(x, rows["q0.05"], rows["q0.95"], color=look.colour, alpha=0.16, lw=0)
            axes.plot(x, rows["q0.05"], color=look.colour, lw=0.7, ls=look.dash)
            axes.plot(x, rows["q0.95"], color=look.colour, lw=0.7, ls=look.dash)
            axes.plot(x, rows["q0.5"], color=look.colour, lw=2.0, label=f"{look.label}, median and 90% interval")
        history = _observed(axes, inputs, region, start - HISTORY_YEARS)
        axes.axvline(start, color=SOFT, lw=1.0, ls=(0, (3, 2)))
        axes.text(
            start - 0.06,
            0.985,
            f"last observed month {words.iso_month(origin)}",
            transform=axes.get_xaxis_transform(),
            fontsize=9.5,
            color=INK,
            ha="right",
            va="top",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )
        axes.set_xlim(start - HISTORY_YEARS, None)
        axes.set_ylabel(axis_label(inputs.series[region].attrs))
        axes.set_xlabel("Year")
        legend_above(axes, columns=2)
    ends = []
    for model in models:
        row = fans[fans["model"] == model].iloc[-1]
        ends.append(
            f"{style_of(model).phrase} gives {words.number(row['q0.5'])} {unit} "
            f"(90% interval {words.number(row['q0.05'])} to {words.number(row['q0.95'])})"
        )
    final = words.month(table["valid_time"].values[last, -1])
    title = inputs.title_of(region)
    alt = f"Forecast of {title} issued with data to {words.month(origin)}. For {final}, {words.joined(ends)}."
    winner = style_of(best_model(inputs, region, inputs.headline_blocks[-1])).phrase
    caption = (
        f"{title}: forecast issued from the last observed month, {words.month(origin)}. For {final}, "
        f"{words.joined(ends)}. A statistical continuation of the record, not a climate-model projection. "
        f"Lowest CRPS {inputs.when(inputs.headline_blocks[-1])}: {winner}."
    )
    return Drawing(f"{region}-forecast", figure, pd.concat([history, fans], ignore_index=True), alt, caption)
