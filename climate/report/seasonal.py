"""The part on scores that forecast centres read: seasons and years, terciles, and what the skill is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.figures import seasonal as figures
from climate.report.figures.seasonal import learners, places_of, seasons_of, shown
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Table, make_table, numeric

TERMS = ("association", "conditional_bias", "unconditional_bias", "reference_bias")
"""Murphy's terms of the mean square skill score."""

MEAN_SCORES = (
    *("n", "independent", "mae", "rmse", "bias", "crps", "crpss", "crpss_low", "crpss_high", "msss", *TERMS),
    *("correlation", "detrended_correlation", "coverage90", "rpss", "rpss_low", "rpss_high", "rpss_equal"),
)
"""Columns of the file of scores."""

SHOWN_PERIODS = ("1-3", "1-12", "1-60")
"""Of the table of terms; the file has all."""


def part(inputs: ReportInputs, gallery: Gallery) -> dict[str, Any] | None:
    """What parts/seasonal.html.j2 shows; None where nothing was scored or no two learners know the same."""
    if "crpss" not in inputs.seasonal or not compared(inputs):
        return None
    gallery.table(
        "seasonal-scores",
        "Scores of the means of periods, by place and model.",
        scores_frame(inputs),
    )
    if seasons_of(inputs):
        gallery.table("seasonal-roc", "ROC area of tercile forecasts of seasons.", roc_frame(inputs))
    return {
        "answer": answer(inputs),
        "coverage": coverage_text(inputs),
        "start": gallery.add(figures.start_figure(inputs), ""),
        "terciles": tercile_table(inputs),
        "tercile_text": tercile_text(inputs),
        "reliability": gallery.add(figures.reliability_figure(inputs), ""),
        "terms": term_table(inputs),
    }


def answer(inputs: ReportInputs) -> str:
    """How far ahead seasons are forecast better than by the reference, and whether the network changes that."""
    sentences = []
    for pair, regions in compared(inputs).items():
        scores = inputs.seasonal.sel(region=regions, period=ranges_of(inputs))
        known = scores["crpss"].sel(model=pair[0]).notnull()
        scores = scores.isel(period=known.any("region").values)
        if not scores.sizes["period"]:
            continue
        own = scores.sel(model=pair[0])
        periods = [str(name) for name in scores["period"].values]
        better, worse = (
            [int(count) for count in signs.sum("region")] for signs in (own["crpss_low"] > 0, own["crpss_high"] < 0)
        )
        phrase, reference = style_of(pair[0]).phrase, style_of(inputs.reference).phrase
        if len(regions) == 1:
            ahead = [figures.named(name) for name, count in zip(periods, better, strict=True) if count]
            behind = [figures.named(name) for name, count in zip(periods, worse, strict=True) if count]
            ranges = "every season and year" if len(ahead) == len(periods) else words.joined(ahead)
            found = [f"below for {ranges}"] if ahead else []
            found += [f"above for {words.joined(behind)}"] if behind else []
            what = " and ".join(found) or "not clearly different at any range"
            place = words.inner(inputs.title_of(regions[0]))
            sentences.append(f"For {place}, the CRPS of {phrase} is {what}, compared with {reference}.")
        else:
            counts: list[str] = []
            for name, count, lost in zip(periods, better, worse, strict=True):
                above = f" (worse at {words.spell(lost)})" if lost else ""
                counts.append(f"{_of(count, len(regions) if not counts else 0)} for {figures.named(name)}{above}")
            sentences.append(
                f"{words.capital(phrase)} forecasts means of months better than {reference} (lower CRPS, by a 90% "
                f"interval that excludes no difference) at {words.joined(counts)}."
            )
        gap = abs(scores["crpss"].sel(model=pair[1]) - own["crpss"])
        sentences.append(
            f"With the same information, the skill of {style_of(pair[1]).phrase} differs by "
            f"{words.number(100 * float(gap.median()), 1)} percentage points at the median and by "
            f"{words.number(100 * float(gap.max()), 1)} at most ({_where(inputs, gap)})."
        )
    return " ".join(sentences)


def compared(inputs: ReportInputs) -> dict[tuple[str, str, str], list[str]]:
    """Linear model and network that know the same and the most, and quantity -> the places where both were scored."""
    pairs: dict[tuple[str, str, str], list[str]] = {}
    for region in places_of(inputs):
        pair = learners(inputs, region)
        if pair and bool(inputs.seasonal["crpss"].sel(region=region, model=list(pair)).notnull().any("period").all()):
            pairs.setdefault((*pair, str(inputs.series[region].attrs["quantity"])), []).append(region)
    return pairs


def _of(count: int, places: int) -> str:
    """'four of seven places', or the number alone without `places`."""
    return f"{words.how_many(count)} of {words.count(places, 'place')}" if places else words.how_many(count)


def _where(inputs: ReportInputs, gap: xr.DataArray) -> str:
    """Place and period of the largest value (region, period)."""
    at = gap.argmax(("region", "period"))
    region, period = (str(gap[dim].values[int(at[dim])]) for dim in ("region", "period"))
    return f"{words.inner(inputs.title_of(region))}, {figures.named(period).removeprefix('for ')}"


def ranges_of(inputs: ReportInputs) -> list[str]:
    """Periods of more than one month."""
    return [str(name) for name in inputs.seasonal["period"].values if str(name) != "1"]


def coverage_text(inputs: ReportInputs) -> str:
    """How often the observed means were inside the 90% intervals that were made for them."""
    shares = scores_frame(inputs).groupby("leads", sort=False)["coverage90"].mean()
    parts = [f"{words.percent(float(shares[name]))} for {figures.named(name)}" for name in ranges_of(inputs)]
    return f"Of the observed means, {words.joined(parts)} were inside the 90% interval (over places and models)."


def scores_frame(inputs: ReportInputs) -> pd.DataFrame:
    """MEAN_SCORES of the models shown, a row for each place, model and period."""
    frames = []
    for region in places_of(inputs):
        own = inputs.seasonal.sel(region=region)
        columns = [name for name in MEAN_SCORES if name in own]
        chosen = own[columns].sel(model=shown(inputs, region)).drop_vars("region")
        frame = chosen.to_dataframe(dim_order=["model", "period"]).reset_index()[["model", "period", *columns]]
        frame.insert(0, "region", region)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).rename(columns={"period": "leads"})


def roc_frame(inputs: ReportInputs) -> pd.DataFrame:
    """ROC areas of the models shown, and how often each category was observed."""
    frames = []
    for region in places_of(inputs):
        own = inputs.seasonal[["roc", "occurred"]].sel(region=region, period=seasons_of(inputs), drop=True)
        chosen = own.sel(model=shown(inputs, region))
        frame = chosen.to_dataframe(dim_order=["model", "period", "category"]).reset_index()
        frame = frame[["model", "period", "category", "roc", "occurred"]]
        frame.insert(0, "region", region)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).rename(columns={"period": "leads"})


def tercile_table(inputs: ReportInputs) -> Table | None:
    """RPSS and ROC areas of the tercile forecasts of each season ahead."""
    seasons = seasons_of(inputs)
    rows: list[list[Cell | str]] = []
    for region in places_of(inputs):
        own = inputs.seasonal.sel(region=region)
        if not seasons or not bool(own["rpss"].notnull().any()):
            continue
        occurred = own["occurred"].sel(period=seasons).mean("period")
        often = words.percent(float(occurred.sel(category="above")))
        for model in [name for name in shown(inputs, region) if name != inputs.reference]:
            row: list[Cell | str] = [Cell(inputs.title_of(region), kind="whole"), style_of(model).label]
            for season in seasons:
                score = own.sel(model=model, period=season)
                area = words.number(float(score["roc"].sel(category="above")))
                note = f"{_interval(score, 'rpss')}; {area}"
                row.append(Cell(words.percent(float(score["rpss"]), 0, True), note=note))
            rows.append([*row, often])
    if not rows:
        return None
    return make_table(
        f"Ranked probability skill of forecasts of terciles, against {style_of(inputs.reference).phrase}, its 90% "
        "interval, and the ROC area of the upper tercile (0.5: no discrimination, 1: perfect); those of the others are "
        "in the file. Observed above: share of seasons in the upper tercile. Terciles are those of the last 30 seasons "
        "known at the origin. Places where one category alone was observed are left out.",
        ["Place", "Model", *numeric(*(words.capital(figures.named(season)) for season in seasons), "Observed above")],
        rows,
    )


def tercile_text(inputs: ReportInputs) -> str:
    """How much of the skill against equal chances is the trend."""
    seasons = seasons_of(inputs)
    if not seasons:
        return ""
    regions = [name for name in places_of(inputs) if bool(inputs.seasonal["rpss"].sel(region=name).notnull().any())]
    if not regions:
        return ""
    equal = inputs.seasonal["rpss_equal"].sel(region=regions, model=inputs.reference, period=seasons).median("region")
    ends = [words.percent(float(value)) for value in (equal.min(), equal.max())]
    return (
        f"Against equal chances of a third, as centres often score, {style_of(inputs.reference).phrase} alone would "
        f"have a skill of {' to '.join(dict.fromkeys(ends))} (median over places, by season ahead): warming puts most "
        "seasons into the upper tercile. Skill is therefore given against that reference. The forecasts are "
        "distributions and no ensembles, so that their score needs no correction for the number of members (fair "
        "scores, Ferro 2014)."
    )


def _interval(score: xr.Dataset, name: str) -> str:
    """'-3% to +9%'; an end without a bound is said to be open."""
    ends = [float(score[f"{name}_{end}"]) for end in ("low", "high")]
    return " to ".join(words.percent(end, 0, True) if np.isfinite(end) else "open" for end in ends)


def term_table(inputs: ReportInputs) -> Table | None:
    """Skill of the linear learner's means, Murphy's terms, and correlations."""
    rows: list[list[Cell | str]] = []
    for region in places_of(inputs):
        pair = learners(inputs, region)
        for period in [name for name in SHOWN_PERIODS if pair and name in ranges_of(inputs)]:
            score = inputs.seasonal.sel(region=region, model=pair[0], period=period) if pair else None
            if score is None or not np.isfinite(float(score["crpss"])):
                continue
            ends = _interval(score, "crpss")
            row: list[Cell | str] = [
                Cell(inputs.title_of(region), kind="whole"),
                words.capital(figures.named(period)),
                f"{words.significant(float(score['mae']), 2)} {inputs.unit(region)}",
                Cell(words.percent(float(score["crpss"]), 0, True), note=ends),
                words.percent(float(score["msss"]), 0, True),
                *(words.number(float(score[name])) for name in TERMS),
                *(words.number(float(score[name])) for name in ("correlation", "detrended_correlation")),
                words.number(float(score["independent"]), 0),
            ]
            rows.append(row)
    if not rows:
        return None
    used = words.joined(list(dict.fromkeys(style_of(linear).phrase for linear, _, _ in compared(inputs))))
    return make_table(
        f"Means of seasons and years forecast by {used}: error, skill against {style_of(inputs.reference).phrase} by "
        "CRPS with its 90% interval and by mean square (MSSS), Murphy's terms, and correlations as they are and "
        "without season and trend. MSSS = (association - conditional bias - bias + reference's bias) / (1 + "
        "reference's bias), all of departures from the reference. Independent: periods that do not overlap.",
        [
            "Place",
            "Mean of",
            *numeric("MAE", "CRPSS", "MSSS", "Association", "Conditional bias", "Bias", "Reference's bias"),
            *numeric("Correlation", "Detrended", "Independent"),
        ],
        rows,
    )
