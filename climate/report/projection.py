"""The page of projections: its sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xarray as xr

from climate.report import words
from climate.report.figures import projection as figures
from climate.report.figures.base import Drawing, Picture
from climate.report.inputs import ReportInputs
from climate.report.tables import Cell, Column, Table
from climate.scenario.forcing import DOUBLING, FORCING_PER_LOG
from climate.scenario.projection import METHODS, RESPONSE_YEARS, TREND_YEARS

Add = Callable[[Drawing | None, str], Picture | None]
"""Develops a drawing and remembers it; the source ends its caption."""

METHOD_NAMES: Mapping[str, str] = {
    "observed": f"{words.CO2} as observed later",
    "extrapolated": f"{words.CO2} as extrapolated then",
    "trend": f"Straight line of {TREND_YEARS} years",
}


Credit = Callable[[Sequence[Mapping[str, Any]]], str]
"""Names sources and their vintages."""


def page(inputs: ReportInputs, places: Sequence[dict[str, Any]], add: Add, credit: Credit) -> dict[str, Any] | None:
    """What projection.html shows; None where the run made no projection at all.

    `places`: what `region_part` gave for each region that was projected, in their order.
    """
    found = inputs.projection
    if not found:
        return None
    projected = found["temperature"]
    if "skipped" in projected.attrs:
        return {"skipped": str(projected.attrs["skipped"])}
    co2, hindcasts = found["co2"], found.get("hindcasts")
    whole = _credited(inputs, places[0]["name"], credit)
    return {
        "skipped": "",
        "standfirst": standfirst(inputs, projected),
        "co2": add(figures.co2_figure(inputs, co2), _credited(inputs, str(co2.attrs["region"]), credit)),
        "co2_text": co2_text(co2),
        "changes": add(figures.changes_figure(inputs, projected), whole),
        "places": places,
        "hindcasts": add(figures.hindcasts_figure(inputs, hindcasts), whole) if hindcasts else None,
        "hindcast_text": hindcast_text(hindcasts) if hindcasts else "",
        "hindcast_table": hindcast_table(inputs, hindcasts) if hindcasts else None,
        "co2_table": co2_table(found["co2-hindcasts"]),
        "left_out": str(projected.attrs.get("left_out", "")),
        "per_log": f"{FORCING_PER_LOG:g}",
        "doubling": words.number(DOUBLING, 1),
        "lags": words.joined([f"{lag:g}" for lag in RESPONSE_YEARS]),
        "last": int(projected["past"][-1]),
        "until": int(projected["year"][-1]),
    }


def region_part(inputs: ReportInputs, region: str, add: Add, credit: Credit) -> dict[str, Any] | None:
    """What the page shows of one region; None where it was not projected."""
    projected = (inputs.projection or {}).get("temperature")
    if projected is None or "skipped" in projected.attrs or region not in projected["region"].values:
        return None
    return {
        "title": inputs.title_of(region),
        "name": region,
        "text": place_text(projected.sel(region=region)),
        "picture": add(figures.fans_figure(inputs, projected, region), _credited(inputs, region, credit)),
    }


def _credited(inputs: ReportInputs, region: str, credit: Credit) -> str:
    """The sources of a region and of the pathways."""
    pathways = [entry for entry in inputs.provenance if entry.get("key") == inputs.params["project"]["pathways"]]
    return credit([*inputs.sources_of(region), *pathways])


def standfirst(inputs: ReportInputs, projected: xr.Dataset) -> str:
    """The first place under the lowest and the highest pathway."""
    region = next(name for name in inputs.regions if name in projected["region"].values)
    one = projected.sel(region=region)
    ends = one["last_decade"].sel(quantile=figures.MEDIAN) - figures.recent_mean(one)
    names = ends["scenario"].values.astype(str)
    least, most = names[int(ends.values.argmin())], names[int(ends.values.argmax())]
    unit = words.unit(str(one.attrs.get("units", "degC")))
    return (
        f"If temperature goes on to follow CO2 as it has, the mean of {figures.decade_of(one)} differs from that of "
        f"{figures.recent_years(one)} for {words.inner(inputs.title_of(region))} by "
        f"{figures.change_text(one, least)} {unit} under {figures.label_of(least)} and by "
        f"{figures.change_text(one, most)} {unit} under {figures.label_of(most)}. In brackets stands the 90% interval."
    )


def place_text(one: xr.Dataset) -> str:
    """What a place's record says of lag and response."""
    weights = one["lag_weight"]
    likeliest, share = float(weights["lag"][int(weights.values.argmax())]), float(weights.max())
    low, middle, high = (
        words.number(float(one["per_doubling"].sel(quantile=level)), 1)
        for level in (figures.LOW, figures.MEDIAN, figures.HIGH)
    )
    even = 1 / weights.size
    lag = "no lag" if likeliest == 0 else f"a lag of {words.count(int(likeliest), 'year')}"
    told = (
        f"Of the lags the record prefers {lag} ({words.percent(share)} of the evidence)."
        if share > 2 * even
        else f"The record cannot tell the lags apart: the likeliest, {lag}, has {words.percent(share)} of the evidence."
    )
    return (
        f"As fitted, a doubling of CO2 and of all that rises with it goes with {middle} °C (90% interval {low} to "
        f"{high}) once the lag is over. {told}"
    )


def co2_text(co2: xr.Dataset) -> str:
    """Between which pathways the continuation of CO2 lies, and where the pathways already differ from the record."""
    final = float(co2["forecast"].isel(year=-1).sel(quantile=figures.MEDIAN))
    ends = sorted((float(co2["pathway"].sel(scenario=name)[-1]), str(name)) for name in co2["scenario"].values)
    below = [figures.label_of(name) for level, name in ends if level <= final]
    above = [figures.label_of(name) for level, name in ends if level > final]
    place = (
        f"lies between {below[-1]} and {above[0]}"
        if below and above
        else f"lies above {below[-1]}, the highest"
        if below
        else f"lies below {above[0]}, the lowest"
    )
    last = int(co2["past"][-1])
    steps = co2["pathway"].sel(pathway_year=last) - float(co2["observed"][-1])
    apart = [
        f"{figures.label_of(str(name))} by {words.number(float(steps.sel(scenario=name)), 1, sign=True)}"
        for name in co2["scenario"].values
    ]
    return (
        f"The continuation {place} in {int(co2['year'][-1])}. It knows nothing of policies and prices: it is what the "
        f"past alone says. In {last} the pathways, made with data to 2014 and moved to the level of the site as drawn, "
        f"differ from what was observed: {words.joined(apart)} ppm. A projection may begin with a step of that size."
    )


def hindcast_text(hindcasts: xr.Dataset) -> str:
    """Coverage, bias and the comparison with a straight line, over all places."""
    parts = []
    for origin in hindcasts["origin"].values:
        one = hindcasts.sel(origin=origin)
        weights = one["n"].sel(method="observed")
        coverage = float((one["coverage90"].sel(method="observed") * weights).sum() / weights.sum())
        ratio = float((one["crps"].sel(method="observed") / one["crps"].sel(method="trend")).median())
        too = one["bias"].sel(method="observed")
        cold = int((too < 0).sum())
        parts.append(
            f"With data to {int(origin)} and the CO2 observed since, the 90% interval held {words.percent(coverage)} "
            f"of the years that followed, {cold} of {too.size} places warmed more than the median said, and the error "
            f"(CRPS) was {words.number(ratio)} times that of a straight line in the median place."
        )
    return " ".join(parts)


def hindcast_table(inputs: ReportInputs, hindcasts: xr.Dataset) -> Table:
    """Error and coverage by place, origin and method."""
    columns = [Column("Place"), Column("Data to", True), Column("Years", True)]
    for method in METHODS:
        columns += [Column(f"CRPS (°C): {METHOD_NAMES[method]}", True), Column("Bias", True), Column("In 90%", True)]
    rows = []
    for region in [name for name in inputs.regions if name in hindcasts["region"].values]:
        for origin in hindcasts["origin"].values:
            one = hindcasts.sel(region=region, origin=origin)
            row = [Cell(inputs.title_of(region)), Cell(str(int(origin))), Cell(str(int(one["n"].max())))]
            for method in METHODS:
                row += _score_cells(one.sel(method=method))
            rows.append(row)
    return Table(
        "Earlier projections against what happened. With the CO2 that was observed later it is a test of the response "
        "alone and no forecast; with CO2 as it could be extrapolated then, it is one. Bias is the median minus the "
        "observation, averaged over the years: below zero the place warmed more than was said.",
        columns,
        rows,
    )


def co2_table(scores: xr.Dataset) -> Table | None:
    """The same for CO2 itself."""
    if not scores.sizes["origin"]:
        return None
    columns = [Column("Data to"), Column("Years", True)]
    for name in ("rise that changes", "straight line"):
        columns += [Column(f"CRPS (ppm): {name}", True), Column("Bias", True), Column("In 90%", True)]
    rows = []
    for origin in scores["origin"].values:
        one = scores.sel(origin=origin)
        row = [Cell(str(int(origin))), Cell(str(int(one["n"].max())))]
        for method in scores["method"].values:
            row += _score_cells(one.sel(method=method))
        rows.append(row)
    return Table("CO2 continued from earlier years against what happened.", columns, rows)


def _score_cells(one: xr.Dataset) -> list[Cell]:
    return [
        Cell(words.significant(float(one["crps"]), 2)),
        Cell(words.number(float(one["bias"]), 2, sign=True)),
        Cell(words.percent(float(one["coverage90"]))),
    ]
