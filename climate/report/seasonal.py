"""The part on scores that forecast centres read: seasons and years, terciles, and what the skill is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.figures import seasonal as figures
from climate.report.figures.seasonal import category_names, learners, places_of, seasons_of, shown
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
    """What parts/seasonal.html.j2 shows; None where nothing was scored or no two learners were declared."""
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
        known = scores["crpss"].sel(model=pair[1]).notnull()
        scores = scores.isel(period=known.any("region").values)
        if not scores.sizes["period"]:
            continue
        own = scores.sel(model=pair[1])
        periods = [str(name) for name in scores["period"].values]
        better, worse = (
            [int(count) for count in signs.sum("region")] for signs in (own["crpss_low"] > 0, own["crpss_high"] < 0)
        )
        phrase, reference = style_of(pair[1]).phrase, style_of(inputs.reference).phrase
        if len(regions) == 1:
            ahead = [figures.named(name) for name, count in zip(periods, better, strict=True) if count]
            behind = [figures.named(name) for name, count in zip(periods, worse, strict=True) if count]
            found = [f"below {words.joined(ahead)}"] if ahead else []
            found += [f"above {words.joined(behind)}"] if behind else []
            what = " and ".join(found) or "not clearly different at any range"
            place = words.inner(inputs.title_of(regions[0]))
            sentences.append(f"For {place}, the CRPS of {phrase} is {what}, compared with {reference}.")
        else:
            counts = [
                f"{_of(count, len(regions))} {figures.named(name)}{f' (above at {words.spell(lost)})' if lost else ''}"
                for name, count, lost in zip(periods, better, worse, strict=True)
            ]
            sentences.append(
                f"The CRPS of {phrase} is below that of {reference}, with a 90% interval that excludes no difference, "
                f"at {words.joined(counts)}; there are {words.count(len(regions), 'place')}."
            )
        gap = abs(scores["crpss"].sel(model=pair[0]) - own["crpss"])
        sentences.append(
            f"With the same information, the skill of {style_of(pair[0]).phrase} differs by "
            f"{words.number(100 * float(gap.median()), 1)} percentage points at the median and by "
            f"{words.number(100 * float(gap.max()), 1)} at most ({_where(inputs, gap)})."
        )
    return " ".join(sentences)


def compared(inputs: ReportInputs) -> dict[tuple[str, str], list[str]]:
    """Network and linear model with the same information -> the places where both were scored."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for region in places_of(inputs):
        pair = learners(inputs, region)
        if pair and bool(inputs.seasonal["crpss"].sel(region=region, model=list(pair)).notnull().any("period").all()):
            pairs.setdefault(pair, []).append(region)
    return pairs


def _of(count: int, places: int) -> str:
    return f"all {words.spell(places)}" if count == places else words.how_many(count)


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
    parts = [f"{words.percent(float(shares[name]))} {figures.named(name)}" for name in ranges_of(inputs)]
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
        often = "observed: " + ", ".join(
            f"{name} {words.percent(float(occurred.sel(category=name)))}" for name in category_names(inputs)
        )
        for model in [name for name in shown(inputs, region) if name != inputs.reference]:
            row: list[Cell | str] = [Cell(inputs.title_of(region), note=often), style_of(model).label]
            for season in seasons:
                score = own.sel(model=model, period=season)
                ends = [words.percent(float(score[name]), 0, True) for name in ("rpss_low", "rpss_high")]
                areas = [words.number(float(score["roc"].sel(category=name))) for name in ("below", "above")]
                note = f"{ends[0]} to {ends[1]}; ROC {areas[0]}, {areas[1]}"
                row.append(Cell(words.percent(float(score["rpss"]), 0, True), note=note))
            rows.append(row)
    if not rows:
        return None
    return make_table(
        f"Ranked probability skill of forecasts of terciles, against {style_of(inputs.reference).phrase}, with its 90% "
        "interval and the ROC areas of the lower and the upper tercile (0.5: no discrimination, 1: perfect). Terciles "
        "are those of the last 30 seasons known at the origin. Places where one category alone was observed are left "
        "out.",
        ["Place", "Model", *numeric(*(words.capital(figures.named(season)) for season in seasons))],
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


def term_table(inputs: ReportInputs) -> Table | None:
    """Skill of the linear learner's means, Murphy's terms, and correlations."""
    rows: list[list[Cell | str]] = []
    for region in places_of(inputs):
        pair = learners(inputs, region)
        for period in [name for name in SHOWN_PERIODS if pair and name in ranges_of(inputs)]:
            score = inputs.seasonal.sel(region=region, model=pair[1], period=period) if pair else None
            if score is None or not np.isfinite(float(score["crpss"])):
                continue
            ends = " to ".join(words.percent(float(score[name]), 0, True) for name in ("crpss_low", "crpss_high"))
            row: list[Cell | str] = [
                Cell(inputs.title_of(region), note=f"{style_of(str(score['model'].item())).label}"),
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
    return make_table(
        f"Means of seasons and years: error, skill against {style_of(inputs.reference).phrase} by CRPS with its 90% "
        "interval and by mean square (MSSS), Murphy's terms, and correlations as they are and without season and "
        "trend. MSSS = (association less conditional bias less bias plus the reference's bias) divided by (1 plus the reference's bias), all of "
        "departures from the reference. Independent: periods that do not overlap.",
        [
            "Place",
            "Mean of",
            *numeric("MAE", "CRPSS", "MSSS", "Association", "Conditional bias", "Bias", "Reference's bias"),
            *numeric("Correlation", "Detrended", "Independent"),
        ],
        rows,
    )
