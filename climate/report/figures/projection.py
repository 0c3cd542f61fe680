"""Projections: fans under each pathway of CO2, hindcasts of them beside observations, and CO2 itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from climate.forecasters.base import IntArray
from climate.report import words
from climate.report.assessed import BEFORE_RECENT, Assessed, on_record
from climate.report.assessed import RECENT as REFERENCE
from climate.report.figures.base import (
    INK,
    SOFT,
    Drawing,
    fitted,
    for_phones_too,
    label_rows,
    legend_above,
    new_figure,
    outer_labels,
    panel_grid,
    shared_legend,
    style,
    upright_grid,
)
from climate.report.figures.record import axis_label
from climate.report.inputs import ReportInputs
from climate.report.numbers import quantile_columns
from climate.report.palette import OBSERVED

SCENARIOS: Mapping[str, tuple[str, str]] = {
    "ssp119": ("SSP1-1.9", "#56B4E9"),
    "ssp126": ("SSP1-2.6", "#0072B2"),
    "ssp245": ("SSP2-4.5", "#E69F00"),
    "ssp370": ("SSP3-7.0", "#D55E00"),
    "ssp585": ("SSP5-8.5", "#882255"),
    "ssp434": ("SSP4-3.4", "#44AA99"),
    "ssp460": ("SSP4-6.0", "#117733"),
    "ssp534-over": ("SSP5-3.4-over", "#AA4499"),
}
"""Label and colour of each pathway (Okabe and Ito 2008; Tol 2021)."""

BANDS = ((0.05, 0.95, 0.22), (0.2, 0.8, 0.34))
"""Lower level, upper level and opacity of the shaded intervals: 90% and 60%."""
LOW, MEDIAN, HIGH = LEVELS = (0.05, 0.5, 0.95)
RECENT = 10
"""Last observed years, from which changes are measured."""
ASSESSED: dict[str, Any] = {"color": INK, "lw": 1.0}
"""How the IPCC's assessment is drawn."""
HINDCAST_COLOURS = ("#0072B2", "#D55E00", "#117733", "#AA4499")


def label_of(scenario: str) -> str:
    """Name of a pathway as it is printed."""
    return SCENARIOS.get(scenario, (scenario, ""))[0]


def colour_of(scenario: str) -> str:
    """Colour of a pathway."""
    return SCENARIOS.get(scenario, ("", "#666666"))[1]


def recent_mean(result: xr.Dataset) -> float:
    """Mean of the last RECENT observed years of one region."""
    return float(result["observed"].dropna("past")[-RECENT:].mean())


def decade_of(result: xr.Dataset) -> str:
    """The years of `last_decade`, such as 2041-2050."""
    last = int(result["year"][-1])
    return f"{last - RECENT + 1}{words.EN_DASH}{last}"


def recent_years(result: xr.Dataset) -> str:
    """The last RECENT observed years in words."""
    years = result["observed"].dropna("past")["past"].values[-RECENT:]
    return f"{years[0]}{words.EN_DASH}{years[-1]}"


def fan_data(result: xr.Dataset) -> pd.DataFrame:
    """Observed and fitted past, and quantiles by pathway and year, of one region."""
    past = result[["observed", "fitted"]].dropna("past", how="all").to_dataframe().reset_index()
    past = past.rename(columns={"past": "year"})[["year", "observed", "fitted"]].assign(scenario="past")
    frames = [past]
    for scenario in result["scenario"].values:
        columns = {"year": result["year"].values, "scenario": scenario}
        frames.append(pd.DataFrame(columns | quantile_columns(result["projection"].sel(scenario=scenario))))
    return pd.concat(frames, ignore_index=True)


@for_phones_too
def fans_figure(inputs: ReportInputs, projected: xr.Dataset, region: str) -> Drawing:
    """One panel per pathway, and the mean of the last decade under all of them side by side."""
    result = projected.sel(region=region)
    scenarios = [str(name) for name in result["scenario"].values]
    past, years = result["observed"].dropna("past"), result["year"].values
    assessed = on_record(inputs, region, result)
    decade = [one for one in assessed if one.first <= years[-1] - RECENT + 1 and one.last >= years[-1]]
    until = max([int(years[-1]), *(one.last for one in assessed)])
    with style():
        titles = [*map(label_of, scenarios), f"Mean of {decade_of(result)}"]
        figure, (*panels, last) = panel_grid(titles, 0.6, 2.35, sharey=True)
        for axes, scenario in zip(panels, scenarios, strict=True):
            quantiles, colour = result["projection"].sel(scenario=scenario), colour_of(scenario)
            _bands(axes, years, quantiles, colour)
            axes.plot(years, quantiles.sel(quantile=MEDIAN), color=colour, lw=2.0)
            axes.plot(past["past"], result["fitted"].sel(past=past["past"]), color=SOFT, lw=1.2)
            axes.plot(past["past"], past, color=OBSERVED, lw=0.9)
            for one in [one for one in assessed if one.scenario == scenario]:
                start, years_of_mean = one.first - 0.5, one.last - one.first + 1
                axes.add_patch(Rectangle((start, one.low), years_of_mean, one.high - one.low, fill=False, **ASSESSED))
                axes.hlines(one.best, start, start + years_of_mean, **ASSESSED)
            axes.set_xlim(int(past["past"][0]) - 1, until + 1)
        for one in decade:
            position = scenarios.index(one.scenario) + 0.3
            last.plot([position] * 2, [one.low, one.high], **ASSESSED)
            last.plot(position, one.best, "_", ms=8, **ASSESSED)
        for position, scenario in enumerate(scenarios):
            _whisker(last, position, result["last_decade"].sel(scenario=scenario), colour_of(scenario))
        last.axhline(recent_mean(result), color=OBSERVED, lw=1.0, ls=(0, (3, 2)))
        last.set_xlim(-0.6, len(scenarios) - 0.4)
        last.set_xticks(range(len(scenarios)), [label_of(name) for name in scenarios], rotation=40, fontsize=8.5)
        outer_labels(figure, y=axis_label(inputs.series[region].attrs))
    unit = inputs.unit(region)
    changes = "; ".join(f"{label_of(name)} {change_text(result, name)} {unit}" for name in scenarios)
    title = inputs.title_of(region)
    alt = (
        f"Annual means of {words.inner(title)} to {int(years[-1])} under {words.count(len(scenarios), 'pathway')} "
        f"of CO2. Change of the mean of {decade_of(result)} from that of {recent_years(result)}, with 90% interval: "
        f"{changes}."
    )
    caption = (
        f"{title}: annual means (black), the part that follows CO2 (grey) and its projection under each pathway, with "
        f"60% and 90% intervals of single years. Last panel: the mean of {decade_of(result)} with its 90% interval; "
        f"dashed: the mean of {recent_years(result)}. A regression on CO2, not a climate model."
    )
    data = fan_data(result)
    if assessed:
        caption += assessed_text(assessed)
        names = {
            "first": "year",
            "last": "last_year",
            "low": "assessed_low",
            "best": "assessed",
            "high": "assessed_high",
        }
        data = pd.concat([data, pd.DataFrame(assessed).rename(columns=names)], ignore_index=True)
    return Drawing(f"{region}-projection", figure, data, alt, caption)


def assessed_text(assessed: Sequence[Assessed]) -> str:
    """What the boxes and thin lines are."""
    spans = words.joined(list(dict.fromkeys(f"{one.first}{words.EN_DASH}{one.last}" for one in assessed)))
    reference = words.EN_DASH.join(map(str, REFERENCE))
    return (
        f" Boxes and thin lines: the IPCC's best estimate and very likely range of means of twenty years, {spans} (AR6 "
        f"WGI, table SPM.1), less the {words.number(BEFORE_RECENT, 2)} °C that it adds for the time from "
        f"1850{words.EN_DASH}1900 to {reference} (figure SPM.8), on the mean of this record in {reference}."
    )


def _bands(axes: Axes, years: IntArray, quantiles: xr.DataArray, colour: str) -> None:
    for low, high, opacity in BANDS:
        ends = quantiles.sel(quantile=low), quantiles.sel(quantile=high)
        axes.fill_between(years, *ends, color=colour, alpha=opacity, lw=0)


def _whisker(axes: Axes, position: float, spread: xr.DataArray, colour: str, *, flat: bool = False) -> None:
    """Median and 90% interval, upright or (flat) lying."""
    ends = [float(spread.sel(quantile=LOW)), float(spread.sel(quantile=HIGH))]
    middle = float(spread.sel(quantile=MEDIAN))
    if flat:
        axes.plot(ends, [position] * 2, color=colour, lw=2.4)
        axes.plot(middle, position, "o", color=colour, ms=5.5)
    else:
        axes.plot([position] * 2, ends, color=colour, lw=3.0)
        axes.plot(position, middle, "o", color=colour, ms=7)


def change_text(result: xr.Dataset, scenario: str) -> str:
    """Change of the last decade from the recent years with its interval, such as '+0.6 (0.3 to 0.9)'."""
    spread = result["last_decade"].sel(scenario=scenario) - recent_mean(result)
    low, middle, high = (float(spread.sel(quantile=level)) for level in (LOW, MEDIAN, HIGH))
    return f"{words.number(middle, 1, sign=True)} ({words.number(low, 1)} to {words.number(high, 1)})"


@for_phones_too
def changes_figure(inputs: ReportInputs, projected: xr.Dataset) -> Drawing:
    """Change of the last decade from the recent one, by place and pathway."""
    regions = [region for region in inputs.regions if region in projected["region"].values]
    scenarios = [str(name) for name in projected["scenario"].values]
    step = 0.8 / len(scenarios)
    rows = []
    with style():
        figure = new_figure(1.2 + 0.62 * len(regions))
        axes = figure.subplots()
        for y, region in enumerate(regions):
            result = projected.sel(region=region)
            for k, scenario in enumerate(scenarios):
                spread = result["last_decade"].sel(scenario=scenario) - recent_mean(result)
                _whisker(axes, y - 0.4 + (k + 0.5) * step, spread, colour_of(scenario), flat=True)
                columns = {name: float(value) for name, value in quantile_columns(spread).items()}
                rows.append({"region": region, "scenario": scenario} | columns)
        axes.axvline(0, color=INK, lw=0.9)
        label_rows(axes, [inputs.title_of(region) for region in regions])
        upright_grid(axes)
        axes.set_xlabel(fitted(f"Change of the mean of {decade_of(projected)} from {recent_years(projected)} (°C)"))
        for scenario in scenarios:
            axes.plot([], [], "o-", color=colour_of(scenario), lw=2.4, ms=5.5, label=label_of(scenario))
        legend_above(axes, columns=len(scenarios))
    alt = "Change by place and pathway, with 90% interval, in °C: " + " ".join(
        f"{inputs.title_of(region)}: "
        + "; ".join(f"{label_of(name)} {change_text(projected.sel(region=region), name)}" for name in scenarios)
        + "."
        for region in regions
    )
    caption = (
        f"Change from {recent_years(projected)} to {decade_of(projected)} if temperature continues to follow CO2 as it "
        "has since the record began: median and 90% interval."
    )
    return Drawing("projection-changes", figure, pd.DataFrame(rows), alt, caption)


@for_phones_too
def co2_figure(inputs: ReportInputs, co2: xr.Dataset) -> Drawing:
    """CO2 extrapolated from its own past, beside the pathways."""
    quantiles, years = co2["forecast"], co2["year"].values
    scenarios = [str(name) for name in co2["scenario"].values]
    frames = [pd.DataFrame({"year": co2["past"].values, "what": "observed", "value": co2["observed"].values})]
    frames.append(pd.DataFrame({"year": years, "what": "own forecast"} | quantile_columns(quantiles)))
    ends: list[tuple[float, str]] = []
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        _bands(axes, years, quantiles, "#777777")
        axes.plot(years, quantiles.sel(quantile=MEDIAN), color="#444444", lw=2.2, label="Extrapolated")
        axes.plot(co2["past"], co2["observed"], color=OBSERVED, lw=1.6, label="Observed")
        for scenario in scenarios:
            path = co2["pathway"].sel(scenario=scenario, pathway_year=slice(int(co2["past"][-1]) - RECENT, None))
            axes.plot(path["pathway_year"], path, color=colour_of(scenario), lw=1.6, ls=(0, (5, 1.4)))
            ends.append((float(path[-1]), scenario))
            frames.append(pd.DataFrame({"year": path["pathway_year"].values, "what": scenario, "value": path.values}))
        for height, scenario in ends:
            end, text = (int(years[-1]), height), label_of(scenario)
            axes.annotate(text, end, (5, 0), textcoords="offset points", color=INK, fontsize=9.5, va="center")
        axes.set_xlim(int(co2["past"][-1]) - 40, int(years[-1]) + 6)
        axes.set_ylim(float(co2["observed"].sel(past=int(co2["past"][-1]) - 40)) - 5, None)
        axes.set_ylabel("CO₂ (ppm)")
        legend_above(axes)
    title = inputs.title_of(str(co2.attrs["region"]))
    final = quantiles.isel(year=-1)
    least, middle, most = (words.number(float(final.sel(quantile=level)), 0) for level in (LOW, MEDIAN, HIGH))
    alt = f"{title} to {int(years[-1])}: extrapolated, {middle} ppm (90% interval {least} to {most}); " + (
        "; ".join(f"{label_of(scenario)} {words.number(height, 0)} ppm" for height, scenario in ends) + "."
    )
    caption = (
        f"{title}: observed annual means, their extrapolation (the annual rise keeps changing as it has since "
        f"{int(co2['past'][0])}) with 60% and 90% intervals, and the pathways, shifted by "
        f"{words.number(co2.attrs['offset'], 1)} ppm to the level of the site. In {int(years[-1])} the extrapolation "
        f"gives {middle} ppm (90% interval {least} to {most})."
    )
    return Drawing("projection-co2", figure, pd.concat(frames, ignore_index=True), alt, caption)


@for_phones_too
def hindcasts_figure(inputs: ReportInputs, hindcasts: xr.Dataset) -> Drawing:
    """Earlier projections with the CO2 that was observed later, over observations."""
    regions = [region for region in inputs.regions if region in hindcasts["region"].values]
    origins = [int(origin) for origin in hindcasts["origin"].values][:2]
    data = hindcasts["hindcast"].sel({"method": "observed", "origin": origins, "quantile": list(LEVELS)})
    with style():
        figure, panels = panel_grid([inputs.title_of(region) for region in regions], 0.8, 2.0, sharex=True, sharey=True)
        for axes, region in zip(panels, regions, strict=True):
            for origin, colour in zip(origins, HINDCAST_COLOURS, strict=False):
                result = data.sel(region=region, origin=origin)
                x, ends = result["year"].values, (result.sel(quantile=LOW), result.sel(quantile=HIGH))
                axes.fill_between(x, *ends, color=colour, alpha=0.2, lw=0, label="_")
                axes.plot(x, result.sel(quantile=MEDIAN), color=colour, lw=1.8, label=f"With data to {origin}")
            observed = hindcasts["observed"].sel(region=region)
            axes.plot(observed["year"], observed, color=OBSERVED, lw=1.1, label="Observed")
        outer_labels(figure, y="Annual mean (°C from the baseline)")
        shared_legend(figure, panels[0], "upper", 3)
    frame = data.to_series().unstack("quantile").rename(columns=lambda level: f"q{level:g}").dropna().reset_index()
    seen = hindcasts["observed"].to_series().rename("observed").reset_index()
    frame = frame.merge(seen, on=["region", "year"])
    inside = float(np.mean((frame["observed"] >= frame["q0.05"]) & (frame["observed"] <= frame["q0.95"])))
    when = words.joined([str(origin) for origin in origins])
    alt = f"Projections with data to {when} over observations; {words.percent(inside)} of the years lie inside."
    caption = (
        f"Projections with data to {when}, given the CO2 that was observed later, and observations. The 90% interval "
        f"contains {words.percent(inside)} of all years of all places. Years and places share their weather: there are "
        "few independent trials."
    )
    return Drawing("projection-hindcasts", figure, frame, alt, caption)
