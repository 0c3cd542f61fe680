"""The page of projections: its sentences, tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from climate.report import words
from climate.report.assessed import ASSESSED, BEFORE_RECENT, RECENT, is_globe, recent_level
from climate.report.figures import projection as figures
from climate.report.gallery import Gallery, credit
from climate.report.inputs import ReportInputs
from climate.report.tables import Cell, Column, Table, make_table, numeric
from climate.scenario.forcing import DOUBLING, FORCING_PER_LOG
from climate.scenario.projection import METHODS, RESPONSE_YEARS, TREND_YEARS

METHOD_NAMES: Mapping[str, str] = {
    "observed": f"{words.CO2} as observed later",
    "extrapolated": f"{words.CO2} as extrapolated then",
    "trend": f"Straight line of {TREND_YEARS} years",
}

ASSESSED_YEARS = (2041, 2060)
"""The IPCC's period that holds the last decade of the projection."""


def page(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any]:
    """What parts/projection.html.j2 shows beside the places; `skipped` is the reason where nothing was projected."""
    written = inputs.projection
    if not written:
        return {"skipped": "stage `project` was not run"}
    projected = written["temperature"]
    if "skipped" in projected.attrs:
        return {"skipped": str(projected.attrs["skipped"])}
    co2, hindcasts = written["co2"], written.get("hindcasts")
    source = _credited(inputs, _first(inputs, projected))
    return {
        "skipped": "",
        "standfirst": standfirst(inputs, projected),
        "co2": gallery.add(figures.co2_figure(inputs, co2), _credited(inputs, str(co2.attrs["region"]))),
        "co2_text": co2_text(co2),
        "changes": gallery.add(figures.changes_figure(inputs, projected), source),
        "assessed": assessed_table(inputs, projected),
        "hindcasts": gallery.add(figures.hindcasts_figure(inputs, hindcasts), source) if hindcasts else None,
        "hindcast_text": hindcast_text(hindcasts) if hindcasts else "",
        "hindcast_table": hindcast_table(inputs, hindcasts) if hindcasts else None,
        "co2_table": co2_table(written["co2-hindcasts"]),
        "left_out": left_out(inputs, projected),
        "per_log": f"{FORCING_PER_LOG:g}",
        "doubling": words.number(DOUBLING, 1),
        "lags": words.joined([f"{lag:g}" for lag in RESPONSE_YEARS]),
        "last": int(projected["past"][-1]),
        "until": int(projected["year"][-1]),
    }


def left_out(inputs: ReportInputs, projected: xr.Dataset) -> list[tuple[str, str]]:
    """Title of each region that was not projected, and why."""
    pairs = (line.partition(": ") for line in str(projected.attrs.get("left_out", "")).splitlines())
    return [(inputs.title_of(region), reason) for region, _, reason in pairs]


def region_part(inputs: ReportInputs, region: str, gallery: Gallery) -> dict[str, Any] | None:
    """What the page shows of one region; None where it was not projected."""
    projected = inputs.projection.get("temperature")
    if projected is None or "skipped" in projected.attrs or region not in projected["region"].values:
        return None
    return {
        "title": inputs.title_of(region),
        "name": region,
        "text": place_text(projected.sel(region=region)),
        "picture": gallery.add(figures.fans_figure(inputs, projected, region), _credited(inputs, region)),
    }


def _first(inputs: ReportInputs, projected: xr.Dataset) -> str:
    """The first region of the report that was projected."""
    return next(name for name in inputs.regions if name in projected["region"].values)


def _credited(inputs: ReportInputs, region: str) -> str:
    """The sources of a region and of the pathways."""
    pathways = [entry for entry in inputs.provenance if entry.get("key") == inputs.params.project.pathways]
    return credit([*inputs.sources_of(region), *pathways])


def standfirst(inputs: ReportInputs, projected: xr.Dataset) -> str:
    """The first place under the lowest and the highest pathway."""
    region = _first(inputs, projected)
    result = projected.sel(region=region)
    ends = result["last_decade"].sel(quantile=figures.MEDIAN)
    names = ends["scenario"].values.astype(str)
    changes = [
        f"{figures.change_text(result, name)} {words.unit(str(result.attrs.get('units', 'degC')))} under "
        f"{figures.label_of(name)}"
        for name in (names[int(ends.values.argmin())], names[int(ends.values.argmax())])
    ]
    return (
        f"If temperature continues to follow CO2 as it has, {words.inner(inputs.title_of(region))} changes from "
        f"{figures.recent_years(result)} to {figures.decade_of(result)} by {words.joined(changes)} (90% interval)."
    )


def assessed_table(inputs: ReportInputs, projected: xr.Dataset) -> Table | None:
    """The globe beside the IPCC's assessment, both from 1850-1900; None without the globe or a common period."""
    globe = next((str(name) for name in projected["region"].values if is_globe(inputs, str(name))), None)
    level = recent_level(projected.sel(region=globe)) if globe else None
    if globe is None or level is None:
        return None
    result, (first, last) = projected.sel(region=globe), ASSESSED_YEARS
    change = result["last_decade"] - level + BEFORE_RECENT
    rows: list[list[Cell | str]] = []
    for name in [name for name in result["scenario"].values.astype(str) if name in ASSESSED[ASSESSED_YEARS]]:
        own = change.sel(scenario=name, quantile=[figures.MEDIAN, figures.LOW, figures.HIGH])
        low, best, high = ASSESSED[ASSESSED_YEARS][name]
        rows.append([figures.label_of(name), _range(*own.values), _range(best, low, high)])
    if not rows:
        return None
    span = words.EN_DASH.join(map(str, RECENT))
    return make_table(
        f"{inputs.title_of(globe)} against the IPCC's assessment, °C above 1850{words.EN_DASH}1900. To the change of "
        f"the record since {span} are added the {words.number(BEFORE_RECENT, 2)} °C that the IPCC adds to its own (AR6 "
        "WGI, figure SPM.8). Here: median and 90% interval; the IPCC: best estimate and very likely range (table "
        "SPM.1). The periods are not the same.",
        ["Pathway", *numeric(f"Here, {figures.decade_of(result)}", f"IPCC AR6, {first}{words.EN_DASH}{last}")],
        rows,
    )


def _range(middle: float, low: float, high: float) -> str:
    """'+2.0 (+1.6 to +2.5)'."""
    return "{} ({} to {})".format(*(words.number(float(value), 1, True) for value in (middle, low, high)))


def place_text(result: xr.Dataset) -> str:
    """What a place's record says of lag and response."""
    weights = result["lag_weight"]
    likeliest, share = float(weights["lag"][int(weights.values.argmax())]), float(weights.max())
    low, middle, high = (
        words.number(float(value), 1) for value in result["per_doubling"].sel(quantile=list(figures.LEVELS))
    )
    lag = "no lag" if likeliest == 0 else f"a lag of {words.count(int(likeliest), 'year')}"
    weight = f"(posterior weight {words.percent(share)})"
    preference = (
        f"The record favours {lag} {weight}."
        if share > 2 / weights.size
        else f"The record does not constrain the lag; the most probable is {lag} {weight}."
    )
    return (
        f"In the fit, a doubling of CO2 and of everything that rises with it goes with {middle} °C (90% interval {low} "
        f"to {high}) once the response is complete. {preference}"
    )


def co2_text(co2: xr.Dataset) -> str:
    """Which pathways the continuation of CO2 includes, and where the pathways already differ from the record."""
    final = co2["forecast"].isel(year=-1)
    low, high = (float(final.sel(quantile=level)) for level in (figures.LOW, figures.HIGH))
    inside = [
        f"{figures.label_of(str(path['scenario'].item()))} ({words.number(float(path), 0)} ppm)"
        for path in co2["pathway"].isel(pathway_year=-1)
        if low <= float(path) <= high
    ]
    last = int(co2["past"][-1])
    steps = co2["pathway"].sel(pathway_year=last) - float(co2["observed"][-1])
    apart = [
        f"{figures.label_of(str(name))} by {words.number(float(steps.sel(scenario=name)), 1, sign=True)}"
        for name in co2["scenario"].values
    ]
    return (
        f"In {int(co2['year'][-1])} the 90% interval of the extrapolation, {words.number(low, 0)} to "
        f"{words.number(high, 0)} ppm, contains {words.joined(inside) or 'none of the pathways'}. It "
        "knows nothing of policies and prices: it is "
        f"what the past alone suggests. The pathways use data to 2014; shifted to the level of the site, they differ "
        f"in {last} from the observation: {words.joined(apart)} ppm. A projection may begin with a step of that size."
    )


def hindcast_text(hindcasts: xr.Dataset) -> str:
    """Coverage, bias and the comparison with a straight line, over all places."""
    sentences = []
    for origin in hindcasts["origin"].values:
        result = hindcasts.sel(origin=origin)
        own = result.sel({"method": "observed"})
        coverage = float((own["coverage90"] * own["n"]).sum() / own["n"].sum())
        ratio = float((own["crps"] / result["crps"].sel({"method": "trend"})).median())
        under = int((own["bias"] < 0).sum())
        sentences.append(
            f"With data to {int(origin)} and the CO2 observed since, the 90% interval contained "
            f"{words.percent(coverage)} of the years that followed. Warming was underestimated in {under} of "
            f"{own['bias'].size} places. The CRPS was {words.number(ratio)} times that of a straight line (median over "
            "places)."
        )
    return " ".join(sentences)


def hindcast_table(inputs: ReportInputs, hindcasts: xr.Dataset) -> Table:
    """Error and coverage by place, origin and method."""
    columns: list[Column | str] = ["Place", *numeric("Data to", "Years")]
    for method in METHODS:
        columns += numeric(f"CRPS (°C): {METHOD_NAMES[method]}", "Bias", "In 90%")
    rows = []
    for region in [name for name in inputs.regions if name in hindcasts["region"].values]:
        for origin in hindcasts["origin"].values:
            result = hindcasts.sel(region=region, origin=origin)
            row: list[Cell | str] = [inputs.title_of(region), str(int(origin)), str(int(result["n"].max()))]
            rows.append(row + _score_cells(result, METHODS))
    return make_table(
        "Earlier projections against observations. With the CO2 that was observed later this tests the response alone "
        "and is no forecast; with CO2 as it could be extrapolated then, it is one. Bias is the median minus the "
        "observation, averaged over the years: below zero, warming was underestimated.",
        columns,
        rows,
    )


def co2_table(scores: xr.Dataset) -> Table | None:
    """The same for CO2 itself."""
    if not scores.sizes["origin"]:
        return None
    columns: list[Column | str] = ["Data to", *numeric("Years")]
    for name in ("changing rise", "straight line"):
        columns += numeric(f"CRPS (ppm): {name}", "Bias", "In 90%")
    rows = []
    for origin in scores["origin"].values:
        result = scores.sel(origin=origin)
        rows.append([str(int(origin)), str(int(result["n"].max())), *_score_cells(result, METHODS[1:])])
    return make_table("CO2 extrapolated from earlier years, against observations.", columns, rows)


def _score_cells(scores: xr.Dataset, methods: Sequence[str]) -> list[Cell | str]:
    cells: list[Cell | str] = []
    for result in (scores.sel({"method": method}) for method in methods):
        bias = words.number(float(result["bias"]), 2, sign=True)
        cells += [words.significant(float(result["crps"]), 2), bias, words.percent(float(result["coverage90"]))]
    return cells
