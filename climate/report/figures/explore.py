"""Interactive charts of Vega-Altair: one forecast at a time, and the cells of the planet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from climate.report.figures.base import INK, SOFT
from climate.report.palette import OBSERVED

LEVELS = {"low": 0.05, "lower": 0.2, "median": 0.5, "upper": 0.8, "high": 0.95}
"""Quantiles of a forecast by name: bounds of the 90% and of the 60% interval, and the median."""

NEWEST = "newest"
"""In place of an origin: the last one of a place, whose forecast is issued."""

PICKED = "cell"
"""Name of the choice of a cell."""

COAST_DETAIL = 0.7
"""Tolerance (degrees) to which coastlines are simplified."""

SHORTEST_COAST = 6.0
"""Length (degrees) of the shortest coastline that is drawn."""

WIDTH = 880
"""Width (pixels) that the page changes to that of its window."""

COLOUR_SHARE = 0.98
"""Share of cells within the ends of the colour scale."""

FONT = "system-ui, 'DejaVu Sans', sans-serif"


def configured(chart: Any) -> Any:
    """The look of the page: quiet axes, its font, a white ground."""
    return (
        chart.configure(
            background="#FFFFFF", font=FONT, padding={"left": 2, "right": 6, "top": 4, "bottom": 4},
            autosize=alt.AutoSizeParams(type="pad", resize=True),
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=SOFT, titleColor=INK, labelFontSize=12, titleFontSize=12, gridColor="#E6E6E0",
            domainColor=SOFT, tickColor=SOFT, titleFontWeight="normal",
        )
        .configure_title(anchor="start", frame="group", color=INK, fontSize=14, subtitleColor=SOFT, subtitleFontSize=12)
        .configure_legend(labelColor=INK, titleColor=INK, labelFontSize=12, titleFontSize=12, titleFontWeight="normal")
    )  # fmt: skip


def choice(name: str, label: str, options: Mapping[str, str], first: str) -> Any:
    """A parameter that a native select sets; `options` are its values and what they are called."""
    control = alt.binding_select(options=list(options), labels=list(options.values()), name=label)
    return alt.param(name=name, value=first, bind=control)


def forecast_chart(
    cases: Sequence[Mapping[str, Any]],
    places: Mapping[str, str],
    titles: Mapping[str, str],
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    first: str,
) -> Any:
    """The fan of one forecast with what happened, above the scores of all models from the same origin.

    Args:
        cases: rows of the data set `cases`; that of the records is `observed`, see `report.explore`.
        places: name of each place.
        titles: what the axis of each place shows, with its unit.
        labels, colours: by model.
        first: the model that is shown at first.
    """
    months = {str(case["origin"]): str(case["month"]) for case in cases if case["origin"] != NEWEST}
    starts = {str(case["origin"]): int(case["start"]) for case in cases if case["origin"] != NEWEST}
    longest = max(len(case["median"]) for case in cases)
    months[NEWEST] = "The newest month"
    most = max(case["months"] for case in cases)
    latest = [str(case["origin"]) for case in cases if case["months"] == most][-1]
    place, model = choice("place", "Place", places, next(iter(places))), choice("model", "Model", labels, first)
    origin = choice("origin", "Forecast from", months, latest)

    data, record = alt.NamedData("cases"), alt.NamedData("observed")
    here = "datum.place == place && datum.origin == origin"
    chosen = alt.Chart(data).transform_filter(f"{here} && datum.model == model")
    fan = (
        chosen.transform_calculate(lead=f"sequence(1, length(datum.{next(iter(LEVELS))}) + 1)")
        .transform_flatten(["lead", *LEVELS])
        .transform_calculate(time="utc(1970, datum.start + datum.lead)")
    )
    when = alt.X(
        "time:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%b %Y", labelOverlap=True, tickCount=6, grid=False),
    )
    tint = alt.Color("model:N", legend=None, scale=alt.Scale(domain=list(colours), range=list(colours.values())))

    def values(name: str) -> Any:
        return alt.Y(f"{name}:Q", title=None, scale=alt.Scale(zero=False))

    pointed = [alt.Tooltip("time:T", title="Month", format="%B %Y", timeUnit="utcyearmonth")]
    read = [alt.Tooltip(f"{name}:Q", title=f"{level:.0%} quantile") for name, level in LEVELS.items()]
    outer = fan.mark_area(opacity=0.2, tooltip=None).encode(when, values("low"), alt.Y2("high:Q"), tint)
    inner = fan.mark_area(opacity=0.35, tooltip=None).encode(when, values("lower"), alt.Y2("upper:Q"), tint)
    median = fan.mark_line(strokeWidth=2, point={"size": 60, "opacity": 0}).encode(
        when, values("median"), tint, tooltip=[*pointed, *read]
    )
    past = (
        alt.Chart(record)
        .transform_filter("datum.place == place")
        .transform_calculate(number="sequence(1, length(datum.value) + 1)")
        .transform_flatten(["number", "value"])
        .transform_calculate(
            time="utc(1970, datum.start + datum.number)",
            ahead=f"datum.start + datum.number - (origin == '{NEWEST}' ? datum.newest : {json.dumps(starts)}[origin])",
        )
        .transform_filter(f"isValid(datum.value) && abs(datum.ahead) <= {longest}")
    )
    happened = past.mark_line(color=OBSERVED, strokeWidth=1.5, point={"color": OBSERVED, "size": 16}).encode(
        when, values("value"), tooltip=[*pointed, alt.Tooltip("value:Q", title="Observed")]
    )
    start = chosen.transform_calculate(time="utc(1970, datum.start)").mark_rule(color=SOFT, strokeDash=[3, 3])
    heading = alt.Title(alt.ExprRef(f"{json.dumps(dict(titles), ensure_ascii=False)}[place]"), fontWeight="normal")
    picture = (
        alt.layer(outer, inner, happened, median, start.encode(when))
        .properties(width=WIDTH, height=320, title=heading)
        .add_params(place, model, origin)
    )
    scored = alt.Chart(data).transform_filter(f"{here} && isValid(datum.crps)")
    rank = alt.Y(
        "label:N", title=None, sort=list(labels.values()), axis=alt.Axis(labels=False, ticks=False, domain=False)
    )
    bars = scored.mark_bar(height=12, yOffset=8).encode(
        alt.X("crps:Q", title="CRPS, lower is better", axis=alt.Axis(tickCount=5)), rank, tint,
        opacity=alt.condition("datum.model == model", alt.value(1), alt.value(0.45)),
        tooltip=[alt.Tooltip("label:N", title="Model"), alt.Tooltip("crps:Q", title="CRPS")],
    )  # fmt: skip
    named = (
        scored.transform_calculate(text="datum.label + '  ' + datum.short")
        .mark_text(align="left", dy=-7, dx=2, fontSize=12, color=INK)
        .encode(x=alt.value(0), y=rank, text="text:N")
    )
    below = alt.layer(bars, named).properties(
        width=WIDTH, height=36 * len(labels), title=alt.Title("All models, over the same months", fontWeight="normal")
    )
    chart = alt.vconcat(picture, below, spacing=24).resolve_scale(color="shared")
    about = "Fan of one forecast with the observations, above bars of the CRPS of all models from the same month."
    return configured(chart).properties(description=about)


def cell_chart(frame: pd.DataFrame, when: Mapping[str, str], first: tuple[float, float]) -> Any:
    """An equal-area map (Behrmann's) of the error saved in cells; a click or two sliders choose one of them.

    Args:
        frame: `lat`, `lon` and the edges of the cells (degrees) and one column per block, see
            `report.explore.coarse_cells`.
        when: block -> what it is called.
        first: `lat` and `lon` of the cell that is chosen at first.

    Its data sets are `cells`, see `report.explore.cell_rows`, and `coast`, see `coast_rows`.
    """
    blocks = list(when)
    west, east = float(frame["west"].min()), float(frame["east"].max())
    reach = float(np.nanquantile(np.abs(frame[blocks].to_numpy()), COLOUR_SHARE))

    block = choice("block", "How far ahead", when, blocks[0])
    sliders: Any = {
        name: alt.binding_range(
            min=float(frame[name].min()), max=float(frame[name].max()), step=_step(frame[name]), name=label
        )
        for name, label in (("lon", "Longitude (°E)"), ("lat", "Latitude (°N)"))
    }
    picked = alt.selection_point(
        name=PICKED,
        fields=["lon", "lat"],
        on="click",
        clear=False,
        toggle=False,
        empty=False,
        value=[dict(zip(("lat", "lon"), first, strict=True))],
        bind=sliders,
    )
    x = alt.X(
        "west:Q",
        title=None,
        scale=alt.Scale(domain=[west, east], nice=False, zero=False),
        axis=alt.Axis(
            values=np.arange(-120, 121, 60).tolist(),
            grid=False,
            labelExpr="datum.value == 0 ? '0°' : abs(datum.value) + (datum.value < 0 ? '°W' : '°E')",
        ),
    )
    y = alt.Y(
        "bottom:Q",
        title=None,
        scale=alt.Scale(domain=[-1, 1], nice=False),
        axis=alt.Axis(
            values=[height(lat) for lat in (-60, -30, 0, 30, 60)],
            grid=False,
            labelExpr="round(asin(abs(datum.value)) * 180 / PI) + "
            "(datum.value == 0 ? '°' : datum.value < 0 ? '°S' : '°N')",
        ),
    )
    colour = alt.Color(
        "saved:Q",
        title="Error saved",
        scale=alt.Scale(scheme="brownbluegreen", domain=[-reach, reach], clamp=True),
        legend=alt.Legend(
            orient="bottom",
            format="+.0%",
            gradientLength=220,
            tickCount=5,
            labelExpr="datum.value == 0 ? '0%' : datum.label",
        ),
    )
    cells = alt.Chart(alt.NamedData("cells"), name="map")
    drawn = (
        cells.transform_calculate(saved="datum.share[block]", said="datum.text[block]")
        .mark_rect()
        .encode(
            x, y, colour, x2="east:Q", y2="top:Q",
            tooltip=[alt.Tooltip("where:N", title="Cell"), alt.Tooltip("said:N", title="Saved")],
        )
        .add_params(picked)
    )  # fmt: skip
    ring = (
        alt.Chart(alt.NamedData("cells"))
        .transform_filter(picked)
        .mark_rect(fill=None, stroke=INK, strokeWidth=2.5, tooltip=None)
        .encode(x, y, x2="east:Q", y2="top:Q")
    )
    land = (
        alt.Chart(alt.NamedData("coast"))
        .mark_line(color=INK, strokeWidth=0.7, opacity=0.8, clip=True, tooltip=None)
        .encode(x, y, alt.Detail("line:N"), alt.Order("order:Q"))
    )
    chart = alt.layer(drawn, land, ring).properties(width=WIDTH, height=WIDTH // 2).add_params(block)
    about = f"Map of {len(frame)} cells of the planet coloured by the error saved; the file below holds its values."
    return configured(chart).properties(description=about)


def _step(values: pd.Series[float]) -> float:
    """Distance of neighbours; 1 where there is a single value."""
    distances = np.diff(np.unique(values))
    return float(distances.min()) if distances.size else 1.0


def coast_rows(shapes: Any) -> list[dict[str, Any]]:
    """Points of the outlines of polygons, simplified, as the map's axes take them."""
    lines = shapes.geometry.union_all().simplify(COAST_DETAIL).boundary
    return [
        {"line": number, "west": round(lon, 1), "bottom": height(lat), "order": order}
        for number, part in enumerate(lines.geoms)
        if part.length > SHORTEST_COAST
        for order, (lon, lat, *_) in enumerate(part.coords)
    ]


def height(lat: float) -> float:
    """Latitude (degrees) on an equal-area map, -1 to 1."""
    return round(float(np.sin(np.deg2rad(lat))), 4)
