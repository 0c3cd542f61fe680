"""Pictures of the chapter on understanding: settings, ablations, probes, learning curves, peers, annual means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, legend_above, new_figure, number_of, style
from climate.report.palette import style_of

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKS = ("o", "s", "D", "^")
SETTINGS = {
    "units": "units",
    "lookback": "lookback",
    "epochs": "passes (epochs)",
    "learning_rate": "learning rate",
    "batch": "batch",
}
VARIANTS = {
    "no-enso": "without ENSO",
    "no-month": "without the time of year",
    "short-lookback": "shorter lookback",
    "one-seed": "one seed instead of all",
    "untrained": "not trained: the linear start",
}
"""Ablations in their order, as printed."""

PAIRS, SEED = "pairs of settings", "seed"
LEAST = -0.3
"""Explained variance at which the axis of the probes ends."""


def grouped(shares: pd.DataFrame) -> pd.DataFrame:
    """Shares by record and leads of each setting, all pairs together, and the seed."""
    term = shares["term"].where(shares["term"].isin([*SETTINGS, SEED]), PAIRS)
    return shares.assign(term=term).groupby(["record", "leads", "term"], sort=False)["share"].sum().reset_index()


def shares_figure(shares: pd.DataFrame, titles: Mapping[str, str]) -> Drawing | None:
    """Shares of variance of a designed sweep."""
    if shares.empty:
        return None
    data = grouped(shares)
    terms = [*[name for name in SETTINGS if name in set(data["term"])], PAIRS, SEED]
    cases = list(data[["record", "leads"]].drop_duplicates().itertuples(index=False, name=None))
    height = 0.8 / len(cases)
    with style():
        figure = new_figure(1.2 + 0.55 * len(terms))
        axes = figure.subplots()
        for place, (record, leads) in enumerate(cases):
            one = data[(data["record"] == record) & (data["leads"] == leads)].set_index("term")["share"]
            position = np.arange(len(terms)) + (place - (len(cases) - 1) / 2) * height
            label = f"{titles[record]}, {leads} months"
            axes.barh(
                position, [100 * one.get(t, 0.0) for t in terms], height * 0.9, color=COLOURS[place % 4], label=label
            )
        _list(axes, [SETTINGS.get(term, term) for term in terms])
        axes.set_xlabel("Share of the variance of log CRPS (%)")
        legend_above(axes, 2)
    first = data[(data["record"] == cases[0][0]) & (data["leads"] == cases[0][1])].sort_values("share", ascending=False)
    alt = (
        f"Bars of variance shares. For {titles[cases[0][0]]}, {cases[0][1]} months, most: "
        + ", ".join(
            f"{SETTINGS.get(row.term, row.term)} {words.percent(number_of(row.share))}"
            for row in first.head(3).itertuples()
        )
        + "."
    )
    caption = "How much of the variance of the error over the settings of the sweep each of them accounts for."
    return Drawing("understanding-shares", figure, data.rename(columns={"share": "variance_share"}), alt, caption)


def ablation_ratios(ablation: pd.DataFrame) -> pd.DataFrame:
    """Errors as multiples of the full network's: record, variant, seed, leads, ratio."""
    rows = []
    for record, one in ablation.groupby("record", sort=False):
        full = one[one["variant"] == "full"].iloc[0]
        for row in one[one["variant"] != "full"].itertuples():
            variant, _, seed = str(row.variant).partition("-seed-")
            for leads, column in (("1-12", "crps_1_12"), ("1-60", "crps_1_60")):
                name = "one-seed" if seed else variant
                ratio = number_of(getattr(row, column)) / float(full[column])
                rows.append({"record": record, "variant": name, "seed": seed, "leads": leads, "ratio": ratio})
    return pd.DataFrame(rows)


def ablation_figure(ablation: pd.DataFrame, titles: Mapping[str, str]) -> Drawing | None:
    """What each part of the network is worth."""
    if ablation.empty:
        return None
    data = ablation_ratios(ablation)
    cases = list(data[["record", "leads"]].drop_duplicates().itertuples(index=False, name=None))
    with style():
        figure = new_figure(1.3 + 0.5 * len(VARIANTS))
        axes = figure.subplots()
        axes.axvline(1, color=SOFT, lw=1)
        for place, (record, leads) in enumerate(cases):
            one = data[(data["record"] == record) & (data["leads"] == leads)]
            order = [list(VARIANTS).index(name) for name in one["variant"]]
            shift = (place - (len(cases) - 1) / 2) * 0.16
            axes.plot(
                one["ratio"],
                np.array(order) + shift,
                MARKS[place % 4],
                color=COLOURS[place % 4],
                ms=6,
                label=f"{titles[record]}, {leads} months",
            )
        _list(axes, list(VARIANTS.values()))
        axes.set_xlabel("CRPS as a multiple of the whole network's")
        legend_above(axes, 2)
    means = data.groupby("variant", sort=False)["ratio"].mean()
    alt = (
        "Error without a part, over that of the whole network, mean of all cases: "
        + ", ".join(
            f"{label} {words.number(float(means[name]), 3)}" for name, label in VARIANTS.items() if name in means
        )
        + "."
    )
    caption = "Right of the line: the network is worse without that part. Each seed alone is one mark."
    return Drawing("understanding-ablation", figure, data.rename(columns={"ratio": "ratio_whole"}), alt, caption)


def probes_figure(probes: pd.DataFrame, quantities: Mapping[str, str], titles: Mapping[str, str]) -> Drawing | None:
    """What linear probes find in the hidden state, one panel per record."""
    if probes.empty:
        return None
    keys = ["record", "network", "quantity"]
    data = probes.groupby(keys, sort=False)[["explained", "chance95"]].agg(["mean", "min", "max"])
    data.columns = ["_".join(names) for names in data.columns]
    data = data.reset_index()
    records = list(data["record"].unique())
    labels = [name for name in quantities if name in set(data["quantity"])]
    with style():
        figure = new_figure(1.4 + 0.42 * len(labels))
        panels = figure.subplots(1, len(records), sharey=True, squeeze=False)[0]
        for axes, record in zip(panels, records, strict=True):
            axes.axvline(0, color=SOFT, lw=1)
            for place, (network, name, face) in enumerate(
                (("untrained", "random weights", "white"), ("trained", "trained", COLOURS[1]))
            ):
                one = data[(data["record"] == record) & (data["network"] == network)].set_index("quantity").loc[labels]
                y = np.arange(len(labels)) + (place - 0.5) * 0.26
                low, high = one["explained_min"].clip(lower=LEAST), one["explained_max"].clip(lower=LEAST)
                axes.hlines(y, low, high, color=COLOURS[1] if place else SOFT, lw=1.2)
                axes.plot(
                    one["explained_mean"].clip(lower=LEAST),
                    y,
                    "o",
                    mfc=face,
                    mec=COLOURS[1] if place else SOFT,
                    label=name,
                )
                if place:
                    axes.plot(
                        one["chance95_mean"].clip(lower=LEAST), y, "|", color=INK, ms=11, label="95% of chance below"
                    )
            axes.set_title(titles[record])
            _list(axes, [words.capital(quantities[name].partition(":")[0]) for name in labels])
            axes.set_xlim(LEAST - 0.04, 1.02)
            axes.set_xlabel("Variance explained")
        _legend(figure, panels)
    best = data[(data["record"] == records[0]) & (data["network"] == "trained")].set_index("quantity")["explained_mean"]
    alt = (
        f"Variance that probes of the trained network explain for {titles[records[0]]}: "
        + ", ".join(f"{quantities[name].partition(':')[0]} {words.number(float(best[name]))}" for name in labels)
        + "."
    )
    caption = (
        "Variance explained by a linear probe of the hidden state in blocks of months that it was not fitted on; bars "
        f"span the seeds. The axis ends at {words.number(LEAST, 1)}: what lies there is at or below it."
    )
    return Drawing("understanding-probes", figure, data, alt, caption)


def curves_figure(curves: pd.DataFrame, titles: Mapping[str, str]) -> Drawing | None:
    """Losses pass by pass, as they are and over those of a forecast that learnt nothing."""
    if curves.empty:
        return None
    columns = ["loss", "shown", "plain", "variance"]
    data = curves.groupby(["record", "sample", "pass"], sort=False, as_index=False)[columns].mean()
    records = list(data["record"].unique())
    with style():
        figure = new_figure(1.0 + 2.5 * len(records))
        grid = figure.subplots(len(records), 2, squeeze=False, sharex=True)
        for row, record in zip(grid, records, strict=True):
            for sample, colour in (("training", COLOURS[0]), ("test", COLOURS[1])):
                one = data[(data["record"] == record) & (data["sample"] == sample)]
                row[0].plot(one["pass"], one["loss"], color=colour, label=sample)
                row[1].plot(one["pass"], one["loss"] / one["plain"], color=colour, label=sample)
                if sample == "training":
                    row[0].plot(one["pass"], one["shown"], ":", color=colour, label="training, as shown on the way")
            row[0].set_title(f"{titles[record]}: loss")
            row[1].set_title("over a forecast that learnt nothing")
        for axes in grid[-1]:
            axes.set_xlabel("Passes over the data")
        _legend(figure, [grid[0, 0]])
    alt = " ".join(
        f"{titles[record]}: training loss ends at {words.number(_last(data, record, 'training'), 3)}, test loss at "
        f"{words.number(_last(data, record, 'test'), 3)}."
        for record in records
    )
    caption = (
        "Pinball loss after each pass, mean of the seeds, in units of each lead's own deviation. Left: the loss. "
        "Right: the same divided by the loss, in that very sample, of the training targets' quantiles."
    )
    return Drawing("understanding-curves", figure, data, alt, caption)


def _last(data: pd.DataFrame, record: str, sample: str) -> float:
    return float(data[(data["record"] == record) & (data["sample"] == sample)]["loss"].iloc[-1])


def peers_figure(rows: pd.DataFrame) -> Drawing | None:
    """CRPS of peers and of this project's models over that of the best simple model."""
    if rows.empty:
        return None
    records = list(rows["title"].unique())
    names = list(rows["model"].unique())
    limit = 3.0
    with style():
        figure = new_figure(1.5 + 0.34 * len(names))
        panels = figure.subplots(1, len(records), sharey=True, squeeze=False)[0]
        for axes, record in zip(panels, records, strict=True):
            axes.axvline(1, color=SOFT, lw=1)
            for place, leads in enumerate(("1-12", "1-60")):
                one = rows[(rows["title"] == record) & (rows["leads"] == leads)].set_index("model").reindex(names)
                y = np.arange(len(names)) + (place - 0.5) * 0.26
                axes.plot(
                    one["ratio"].clip(upper=limit), y, MARKS[place], color=COLOURS[place], label=f"{leads} months"
                )
            axes.set_title(record)
            axes.set_xscale("log")
            ticks = [0.8, 1.0, 1.5, 2.0, limit]
            axes.set_xticks(ticks, [*map(str, ticks[:-1]), f"≥{limit:g}"])
            axes.minorticks_off()
            axes.set_xlabel("CRPS ÷ best simple model here")
            _list(axes, [name_of(name) for name in names])
        _legend(figure, panels)
    best = rows.sort_values("ratio").groupby(["title", "leads"], sort=False).first().reset_index()
    alt = (
        "Lowest error of the models drawn: "
        + ", ".join(
            f"{name_of(str(row.model))} for {row.title} at {row.leads} months ({words.number(number_of(row.ratio))})"
            for row in best.itertuples()
        )
        + "."
    )
    caption = "Forecasting libraries on the same series and origins, with this project's models. Left of 1 is better."
    return Drawing("understanding-peers", figure, rows, alt, caption)


NEURAL = ("LSTM", "NHITS", "NBEATS")
"""Peers whose names need their library's to be told from this project's models."""


def name_of(model: str) -> str:
    """How a model or a peer is called in the chapter."""
    if model in NEURAL:
        return f"{model} (neuralforecast)"
    label = style_of(model).label
    return label if label != model else {"prophet": "Prophet"}.get(model, model)


def annual_figure(rows: pd.DataFrame, published: Sequence[Mapping[str, Any]]) -> Drawing | None:
    """RMSE of annual means one year ahead, with bootstrap intervals, beside published ones; one panel per record."""
    if rows.empty:
        return None
    records, names = list(rows["record"].unique()), list(rows["model"].unique())
    by_years = {str(one["years"]): one for one in published}
    spans = list(rows["years"].unique())
    with style():
        figure = new_figure(1.6 + 0.36 * len(names))
        panels = figure.subplots(1, len(records), sharey=True, sharex=True, squeeze=False)[0]
        for axes, record in zip(panels, records, strict=True):
            own = [span for span in spans if ((rows["record"] == record) & (rows["years"] == span)).any()]
            for place, years in enumerate(own):
                one = rows[(rows["record"] == record) & (rows["years"] == years)].set_index("model").reindex(names)
                y = np.arange(len(names)) + (place - (len(own) - 1) / 2) * 0.26
                colour = COLOURS[spans.index(years) % len(COLOURS)]
                axes.hlines(y, one["low"], one["high"], color=colour, lw=1.4)
                axes.plot(one["rmse"], y, "o", color=colour, ms=5, label=years.replace("-", words.EN_DASH))
                if years in by_years:
                    axes.axvline(float(by_years[years]["rmse"]), color=colour, lw=1.4, ls="--")
            axes.set_title(record)
            axes.set_xlim(0, None)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.set_xlabel("RMSE (°C)")
            _list(axes, [name_of(name) for name in names])
        _legend(figure, panels)
    best = rows.sort_values("rmse").groupby(["record", "years"], sort=False).first().reset_index()
    lowest = [
        f"{record.record} {record.years}: {name_of(str(record.model))}, {words.number(number_of(record.rmse), 3)} °C"
        for record in best.itertuples()
    ]
    alt = f"Lowest error of the annual mean: {', '.join(lowest)}."
    caption = (
        "Root mean square error of the global annual mean forecast at the turn of the year; bars are 90% intervals, "
        "broken lines the Met Office's published errors over the same years. Errors on the publishers' records were "
        "measured once by benchmarks/annual.py and are kept with the code."
    )
    return Drawing(
        "understanding-annual", figure, rows.rename(columns={"low": "rmse_low", "high": "rmse_high"}), alt, caption
    )


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend above all panels."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(str(label), handle)
    figure.legend(list(found.values()), list(found), loc="outside upper left", ncols=4)


def _list(axes: Axes, labels: Sequence[str]) -> None:
    """Names down the left side, the first on top."""
    axes.set_yticks(range(len(labels)), list(labels), color=INK)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.grid(True, axis="x")
