"""Projections: fans under each pathway of CO2, hindcasts of them beside observations, and CO2 itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes

from climate.report import words
from climate.report.figures.base import INK, SOFT, Drawing, legend_above, new_figure, shared_legend, style
from climate.report.figures.record import axis_label
from climate.report.inputs import ReportInputs
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
HINDCAST_COLOURS = ("#0072B2", "#D55E00", "#117733", "#AA4499")


def label_of(scenario: str) -> str:
    """Name of a pathway as it is printed."""
    return SCENARIOS.get(scenario, (scenario, ""))[0]


def colour_of(scenario: str) -> str:
    """Colour of a pathway."""
    return SCENARIOS.get(scenario, ("", "#666666"))[1]


def recent_mean(one: xr.Dataset) -> float:
    """Mean of the last RECENT observed years of one region."""
    return float(one["observed"].dropna("past")[-RECENT:].mean())


def decade_of(one: xr.Dataset) -> str:
    """The years of `last_decade`, such as 2041-2050."""
    last = int(one["year"][-1])
    return f"{last - RECENT + 1}{words.EN_DASH}{last}"


def recent_years(one: xr.Dataset) -> str:
    """The last RECENT observed years in words."""
    years = one["observed"].dropna("past")["past"].values[-RECENT:]
    return f"{years[0]}{words.EN_DASH}{years[-1]}"


def fan_data(one: xr.Dataset) -> pd.DataFrame:
    """Observed and fitted past, and quantiles by pathway and year, of one region."""
    past = one[["observed", "fitted"]].dropna("past", how="all").to_dataframe().reset_index()
    past = past.rename(columns={"past": "year"})[["year", "observed", "fitted"]].assign(scenario="past")
    frames = [past]
    for scenario in one["scenario"].values:
        quantiles = one["projection"].sel(scenario=scenario)
        frame = pd.DataFrame({"year": one["year"].values, "scenario": scenario})
        for level in one["quantile"].values:
            frame[f"q{level:g}"] = quantiles.sel(quantile=level).values
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def fans_figure(inputs: ReportInputs, projected: xr.Dataset, region: str) -> Drawing:
    """One panel per pathway, and the mean of the last decade under all of them side by side."""
    one = projected.sel(region=region)
    scenarios = [str(name) for name in one["scenario"].values]
    columns = min(3, len(scenarios) + 1)
    rows = -(-(len(scenarios) + 1) // columns)
    past, years = one["observed"].dropna("past"), one["year"].values
    with style():
        figure = new_figure(0.6 + 2.35 * rows)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, scenario in zip(grid.flat, scenarios, strict=False):
            quantiles, colour = one["projection"].sel(scenario=scenario), colour_of(scenario)
            for low, high, opacity in BANDS:
                axes.fill_between(
                    years, quantiles.sel(quantile=low), quantiles.sel(quantile=high), color=colour, alpha=opacity, lw=0
                )
            axes.plot(years, quantiles.sel(quantile=MEDIAN), color=colour, lw=2.0)
            axes.plot(past["past"], one["fitted"].sel(past=past["past"]), color=SOFT, lw=1.2)
            axes.plot(past["past"], past, color=OBSERVED, lw=0.9)
            axes.set_title(label_of(scenario), fontsize=10.5)
            axes.tick_params(labelsize=9)
        last = grid.flat[len(scenarios)]
        for place, scenario in enumerate(scenarios):
            spread = one["last_decade"].sel(scenario=scenario)
            _whisker(last, place, spread, colour_of(scenario))
        last.set_title(f"Mean of {decade_of(one)}", fontsize=10.5)
        last.axhline(recent_mean(one), color=OBSERVED, lw=1.0, ls=(0, (3, 2)))
        last.set_xlim(-0.6, len(scenarios) - 0.4)
        last.set_xticks(range(len(scenarios)), [label_of(name) for name in scenarios], rotation=40, fontsize=8.5)
        for axes in list(grid.flat)[len(scenarios) + 1 :]:
            axes.set_visible(False)
        figure.supylabel(axis_label(inputs.series[region].attrs), fontsize=10.5, color=SOFT)
    unit = inputs.unit(region)
    said = "; ".join(f"{label_of(name)} {change_text(one, name)} {unit}" for name in scenarios)
    title = inputs.title_of(region)
    alt = (
        f"Annual means of {words.inner(title)} to {int(years[-1])} under {words.count(len(scenarios), 'pathway')} "
        f"of CO2. Change of the mean of {decade_of(one)} from that of {recent_years(one)}, with 90% interval: {said}."
    )
    caption = (
        f"{title}: annual means (black), the part that follows CO2 (grey) and its projection under each pathway, with "
        f"60% and 90% intervals of single years. Last panel: the mean of {decade_of(one)} with its 90% interval; "
        f"dashed: the mean of {recent_years(one)}. A regression on CO2, not a climate model."
    )
    return Drawing(f"{region}-projection", figure, fan_data(one), alt, caption)


def _whisker(axes: Axes, place: float, spread: xr.DataArray, colour: str, *, flat: bool = False) -> None:
    """Median and 90% interval, upright or (flat) lying."""
    ends = [float(spread.sel(quantile=LOW)), float(spread.sel(quantile=HIGH))]
    middle = float(spread.sel(quantile=MEDIAN))
    if flat:
        axes.plot(ends, [place] * 2, color=colour, lw=2.4)
        axes.plot(middle, place, "o", color=colour, ms=5.5)
    else:
        axes.plot([place] * 2, ends, color=colour, lw=3.0)
        axes.plot(place, middle, "o", color=colour, ms=7)


def change_text(one: xr.Dataset, scenario: str) -> str:
    """Change of the last decade from the recent years with its interval, such as '+0.6 (0.3 to 0.9)'."""
    spread = one["last_decade"].sel(scenario=scenario) - recent_mean(one)
    low, middle, high = (float(spread.sel(quantile=level)) for level in (LOW, MEDIAN, HIGH))
    return f"{words.number(middle, 1, sign=True)} ({words.number(low, 1)} to {words.number(high, 1)})"


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
            one = projected.sel(region=region)
            for k, scenario in enumerate(scenarios):
                spread = one["last_decade"].sel(scenario=scenario) - recent_mean(one)
                _whisker(axes, y - 0.4 + (k + 0.5) * step, spread, colour_of(scenario), flat=True)
                rows.append(
                    {"region": region, "scenario": scenario}
                    | {f"q{level:g}": float(spread.sel(quantile=level)) for level in one["quantile"].values}
                )
        axes.axvline(0, color=INK, lw=0.9)
        axes.set_yticks(range(len(regions)), [inputs.title_of(region) for region in regions], color=INK)
        axes.set_ylim(len(regions) - 0.45, -0.55)
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.set_xlabel(f"Change of the mean of {decade_of(projected)} from {recent_years(projected)} (°C)")
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


def co2_figure(inputs: ReportInputs, co2: xr.Dataset) -> Drawing:
    """CO2 extrapolated from its own past, beside the pathways."""
    quantiles, years = co2["forecast"], co2["year"].values
    scenarios = [str(name) for name in co2["scenario"].values]
    frames = [pd.DataFrame({"year": co2["past"].values, "what": "observed", "value": co2["observed"].values})]
    forecast = pd.DataFrame({"year": years, "what": "own forecast"})
    for level in co2["quantile"].values:
        forecast[f"q{level:g}"] = quantiles.sel(quantile=level).values
    frames.append(forecast)
    ends: list[tuple[float, str]] = []
    with style():
        figure = new_figure(4.6)
        axes = figure.subplots()
        for low, high, opacity in BANDS:
            axes.fill_between(
                years, quantiles.sel(quantile=low), quantiles.sel(quantile=high), color="#777777", alpha=opacity, lw=0
            )
        axes.plot(years, quantiles.sel(quantile=MEDIAN), color="#444444", lw=2.2, label="Extrapolated")
        axes.plot(co2["past"], co2["observed"], color=OBSERVED, lw=1.6, label="Observed")
        for scenario in scenarios:
            path = co2["pathway"].sel(scenario=scenario, pathway_year=slice(int(co2["past"][-1]) - RECENT, None))
            axes.plot(path["pathway_year"], path, color=colour_of(scenario), lw=1.6, ls=(0, (5, 1.4)))
            ends.append((float(path[-1]), scenario))
            frames.append(pd.DataFrame({"year": path["pathway_year"].values, "what": scenario, "value": path.values}))
        for height, scenario in ends:
            axes.annotate(
                label_of(scenario),
                (int(years[-1]), height),
                (5, 0),
                textcoords="offset points",
                color=INK,
                fontsize=9.5,
                va="center",
            )
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


def hindcasts_figure(inputs: ReportInputs, hindcasts: xr.Dataset) -> Drawing:
    """Earlier projections with the CO2 that was observed later, over observations."""
    regions = [region for region in inputs.regions if region in hindcasts["region"].values]
    origins = [int(origin) for origin in hindcasts["origin"].values][:2]
    columns = min(3, len(regions))
    rows = -(-len(regions) // columns)
    data = hindcasts["hindcast"].sel({"method": "observed", "origin": origins, "quantile": list(LEVELS)})
    with style():
        figure = new_figure(0.8 + 2.0 * rows)
        grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
        for axes, region in zip(grid.flat, regions, strict=False):
            for origin, colour in zip(origins, HINDCAST_COLOURS, strict=False):
                one = data.sel(region=region, origin=origin)
                x = one["year"].values
                axes.fill_between(
                    x, one.sel(quantile=LOW), one.sel(quantile=HIGH), color=colour, alpha=0.2, lw=0, label="_"
                )
                axes.plot(x, one.sel(quantile=MEDIAN), color=colour, lw=1.8, label=f"With data to {origin}")
            observed = hindcasts["observed"].sel(region=region)
            axes.plot(observed["year"], observed, color=OBSERVED, lw=1.1, label="Observed")
            axes.set_title(inputs.title_of(region), fontsize=10.5)
            axes.tick_params(labelsize=9)
        for axes in list(grid.flat)[len(regions) :]:
            axes.set_visible(False)
        figure.supylabel("Annual mean (°C from the baseline)", fontsize=10.5, color=SOFT)
        shared_legend(figure, grid.flat[0], "upper", 3)
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
