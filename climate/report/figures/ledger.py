"""Forecasts as they were issued, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from climate.report import words
from climate.report.figures.base import SOFT, Drawing, for_phones_too, outer_labels, panel_grid, shared_legend, style
from climate.report.inputs import ReportInputs
from climate.report.numbers import decimal_year
from climate.report.palette import OBSERVED
from climate.verify.ledger import AT_ISSUE, LATER

COLOURS = {AT_ISSUE: "#0072B2", LATER: "#8C8C8C"}
LABELS = {AT_ISSUE: "Issued from the newest release", LATER: "Made later, from an older release"}
INTERVALS = (("q0.05", "q0.95", 0.35), ("q0.25", "q0.75", 0.85))
"""Columns of the bounds, and opacity: the 90% and the 50% interval."""
MONTH = 1 / 12
"""Year."""


def latest_forecasts(lines: pd.DataFrame, place: str, model: str) -> pd.DataFrame:
    """For each month, the last forecast of a model that was issued before it."""
    own = lines[(lines["place"] == place) & (lines["model"] == model) & ~lines["leads"].str.contains("-")]
    own = own.sort_values(["target", "issued"], kind="stable").drop_duplicates("target", keep="last")
    return own.rename(columns={"target": "month"})


@for_phones_too
def ledger_figure(inputs: ReportInputs, lines: pd.DataFrame, models: Mapping[str, str]) -> Drawing:
    """Per place, the last forecast issued before each month since the first issue, and observations."""
    frames, start = [], decimal_year([lines["issued"].min()])[0]
    places = list(models)
    units = {inputs.unit(name) for name in places}
    titles = [inputs.title_of(name) + (f" ({inputs.unit(name)})" if len(units) > 1 else "") for name in places]
    with style():
        figure, panels = panel_grid(titles, 0.9, 2.0, columns=2, sharex=True)
        for axes, place in zip(panels, places, strict=True):
            told = latest_forecasts(lines, place, models[place])
            for made, own in told.groupby("made", sort=False):
                _bars(axes, own, str(made))
            record = inputs.series[place]["value"].dropna("time")
            seen = record.isel(time=decimal_year(record["time"].values) >= start)
            months = [words.iso_month(time) for time in seen["time"].values]
            axes.plot(decimal_year(months), seen.values, "o", color=OBSERVED, ms=3.2, label="Observed")
            observed = pd.DataFrame({"month": months, "observed": seen.values})
            table = told[["month", "model", "issued", "made", *_BOUNDS]].merge(observed, on="month", how="outer")
            frames.append(table.assign(place=place))
        for axes in panels:
            axes.use_sticky_edges = False
            axes.autoscale_view()
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        shared_legend(figure, max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[0])), "upper", 3)
        outer_labels(figure, "Year", next(iter(units)) if len(units) == 1 else "")
    data = pd.concat(frames, ignore_index=True)
    data = data[["place", "month", "model", "issued", "made", *_BOUNDS, "observed"]]
    both = data.dropna(subset=["observed", "q0.5"])
    inside = both["observed"].between(both["q0.05"], both["q0.95"])
    held = (
        f"{words.capital(words.how_many(int(inside.sum())))} of {words.count(len(both), 'forecast month')} that "
        "can be compared lie inside the 90% interval."
        if len(both)
        else "No month can be compared yet."
    )
    about = (
        "Observations (dots) and, for each month, the last forecast that was issued before it: median, 50% and 90% "
        f"interval. {baselines(lines)}{held}"
    )
    where = words.joined([inputs.title_of(name) for name in places])
    return Drawing("ledger-months", figure, data, f"{where}. {about}", f"What was forecast, and what happened. {about}")


def baselines(lines: pd.DataFrame) -> str:
    """Years that anomalies are taken from, in a sentence; "" for records without them."""
    periods = {unit.partition(" from ")[2].replace("-", words.EN_DASH) for unit in lines["unit"]} - {""}
    return f"Anomalies from the mean of {words.joined(sorted(periods))}. " if periods else ""


_BOUNDS = ("q0.05", "q0.25", "q0.5", "q0.75", "q0.95")


def _bars(axes: Axes, rows: pd.DataFrame, made: str) -> None:
    x, colour = decimal_year(rows["month"].to_list()), COLOURS[made]
    for low, high, opacity in INTERVALS:
        height = (rows[high] - rows[low]).to_numpy()
        label = LABELS[made] if opacity > 0.5 else None
        axes.bar(x, height, 0.8 * MONTH, rows[low].to_numpy(), color=colour, alpha=opacity, lw=0, label=label)
    axes.hlines(rows["q0.5"], x - 0.4 * MONTH, x + 0.4 * MONTH, color="white", lw=1.4)
    axes.axhline(0, color=SOFT, lw=0.6) if rows["q0.05"].min() < 0 < rows["q0.95"].max() else None
