"""What the key figures say under the pointer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from climate.report import words
from climate.report.figures.base import Hover, number_of
from climate.report.numbers import decimal_year
from climate.report.palette import style_of

FAN_LEADS = (1, 3, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60)
"""Months ahead at which a forecast's values can be read off; its CSV has them all."""


def record_hover(axes: Axes, data: pd.DataFrame, unit: str) -> Hover:
    """One stop per year: mean, highest and lowest month. The CSV has the months, which lie less than a pixel apart."""
    known = data[data["value"].notna()]
    xs, ys, texts = [], [], []
    for year, part in known.groupby(known["month"].str.partition("-")[0], sort=False):
        times = decimal_year(np.array(part["month"].to_list(), dtype="datetime64[M]"))
        mean = float(part["value"].mean())
        xs.append(float(times.mean()))
        ys.append(mean)
        text = f"{year}: {words.number(mean)} {unit}"
        if len(part) > 1:
            values = part["value"].to_numpy(dtype=float)
            ends = [part.iloc[int(place)] for place in (values.argmin(), values.argmax())]
            low, high = (f"{words.number(number_of(row['value']))} ({str(row['month'])[5:]})" for row in ends)
            text += f", mean of {words.count(len(part), 'month')}\nlowest {low}, highest {high}"
        texts.append(text)
    return Hover(axes, xs, ys, texts)


def ratio_hover(axes: Axes, rows: pd.DataFrame, regions: Sequence[str], named: str | None) -> Hover:
    """One stop per dot; that of the model `named` gives its interval and its p value too."""
    rows = rows[rows["crps_ratio_best"].notna()]
    texts = []
    for row in rows.itertuples():
        ratio, best = number_of(row.crps_ratio_best), style_of(str(row.best_classical))
        text = f"{row.title}: {style_of(str(row.model)).label} {words.number(ratio)} × {best.label}"  # noqa: RUF001
        if row.model == named and np.isfinite(number_of(row.ratio_low)):
            ends = f"{words.number(number_of(row.ratio_low))} to {words.number(number_of(row.ratio_high))}"
            text += f"\n90% interval {ends}; {words.p_value(number_of(row.p_holm))} (Holm)"
        texts.append(text)
    return Hover(axes, rows["crps_ratio_best"].to_list(), [regions.index(name) for name in rows["region"]], texts)


def fan_hover(axes: Axes, rows: pd.DataFrame, unit: str) -> Hover:
    """Stops along the median of one model's forecasts."""
    rows = rows[rows["lead"].isin(FAN_LEADS)]
    texts = []
    for row in rows.to_dict("records"):
        low, middle, high = (words.number(number_of(row[name])) for name in ("q0.05", "q0.5", "q0.95"))
        text = f"{style_of(str(row['model'])).label} for {row['month']}, from {row['origin']}: {middle} {unit}"
        text += f"\n90% interval {low} to {high}"
        if np.isfinite(number_of(row["observed"])):
            text += f"; observed {words.number(number_of(row['observed']))}"
        texts.append(text)
    times = decimal_year(np.array(rows["month"].to_list(), dtype="datetime64[M]"))
    return Hover(axes, times.tolist(), rows["q0.5"].to_list(), texts)


def lead_hover(axes: Axes, data: pd.DataFrame, column: str, models: Sequence[str], title: str, unit: str) -> Hover:
    """One stop per lead, with the values of some models; it stands at the first of them."""
    values = data.pivot(index="lead", columns="model", values=column)
    shown = [model for model in models if model in values]
    texts = []
    for lead, row in values.iterrows():
        each = [
            f"{style_of(model).label} {words.percent(row[model]) if unit == '%' else words.significant(row[model])}"
            for model in shown
        ]
        scale = "" if unit == "%" else f" {unit}"
        texts.append(f"{title}, {words.ahead(int(str(lead)), int(str(lead)))}\n{', '.join(each)}{scale}")
    factor = 100.0 if unit == "%" else 1.0
    return Hover(axes, values.index.to_list(), (factor * values[shown[0]]).to_list(), texts)
