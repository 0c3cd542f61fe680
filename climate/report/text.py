"""Sentences written from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import TREND_YEARS, Contest, annual_means, best_model, trend
from climate.report.palette import style_of
from climate.verify.strata import FIRST_ERA, SECOND_ERA

NEGLIGIBLE = 0.005
"""Share of CRPS below which two models are called level; half a per cent rounds to none."""

GROWTH_YEARS = 10
"""Over which a mean growth rate is taken; one year's depends on ENSO."""

TOLERANCE = (0.87, 0.93)
"""Coverage of a 90% interval that counts as right."""

SPREAD_BLOCKS = ("1-12", "13-60")
"""Near and far leads, for which intervals are judged apart, where they were scored."""

SHORT = {"better": "LSTM better", "worse": "LSTM worse", "same": "Not significant"}
"""Outcome of a contest in a table."""


def difference(ratio: float) -> str:
    """'8% lower', '5% higher', 'the same', '2.5 times as large'."""
    if not np.isfinite(ratio):
        return "not scored"
    if abs(1 - ratio) < NEGLIGIBLE:
        return "the same"
    if ratio >= 2:
        return f"{words.number(ratio, 1)} times as large"
    return f"{words.percent(abs(1 - ratio))} {'lower' if ratio < 1 else 'higher'}"


def interval(low: float, high: float) -> str:
    """'90% interval -4% to +9%' of a ratio's departure from 1."""
    return f"90% interval {words.percent(low - 1, 0, True)} to {words.percent(high - 1, 0, True)}"


def verdict(inputs: ReportInputs, contest: Contest, tests: int) -> str:
    """Whether the LSTM beats the best simple model, by how much, and how sure that is; one of `tests` verdicts."""
    model, opponent = style_of(contest.model).phrase, style_of(contest.opponent).phrase
    when, size = words.capital(inputs.when(contest.block)), f"its CRPS is {difference(contest.ratio)}"
    against = f"the best simple model, {opponent}"
    if not np.isfinite(contest.p):
        return f"{when}, there were too few forecasts to test {model} against {against}: {size}."
    sure = f"{interval(contest.low, contest.high)}; {words.p_value(contest.p)}"
    correction = f"after Holm's correction for {words.count(tests, 'comparison')}"
    if contest.outcome != "same":
        return f"{when}, {model} is significantly {contest.outcome} than {against}, {correction}: {size} ({sure})."
    if contest.p < inputs.params.score.significance:
        sure += f", not significant {correction}"
    return f"{when}, {model} cannot be distinguished from {against}: {size} ({sure})."


def standfirst(inputs: ReportInputs, verdicts: Sequence[Contest]) -> str:
    """The answer to the report's question: yes or no, by how much over all places, and how sure."""
    if not verdicts:
        return "No LSTM was run, so this report compares simple models alone."
    model, total = verdicts[0].model, words.count(len(inputs.regions), "place")
    sizes = []
    for block in inputs.headline_blocks:
        size, sure = pooled(inputs, model, block)
        sizes.append(f"{size} {inputs.when(block)} ({sure})")
    return (
        f"{_answer(inputs, verdicts)} Over all {total}, against the best simple model of each, its error (CRPS) is "
        f"{words.joined(sizes)}."
    )


def _answer(inputs: ReportInputs, verdicts: Sequence[Contest]) -> str:
    """Yes or no, before anything else, in how many comparisons, and where."""
    model, total = style_of(verdicts[0].model).phrase, words.count(len(inputs.regions), "place")
    outcomes = [contest.outcome for contest in verdicts]
    if set(outcomes) == {"same"}:
        return f"No: {model} is nowhere significantly better than the best simple model, nor significantly worse."
    counts = []
    for block in inputs.headline_blocks:
        here = [contest.outcome for contest in verdicts if contest.block == block]
        won, lost = (words.how_many(here.count(outcome)) for outcome in ("better", "worse"))
        counts.append(f"{inputs.when(block)} it wins in {won} and loses in {lost} of {total}")
    better, worse = outcomes.count("better"), outcomes.count("worse")
    partly = "Mostly" if 2 * better > len(outcomes) else "Rarely"
    start = "Yes" if better == len(outcomes) else partly if better else "No"
    return (
        f"{start}: in {words.count(len(outcomes), 'comparison')}, {model} is significantly better than the best simple "
        f"model in {words.how_many(better)} and significantly worse in {words.how_many(worse)}; {'; '.join(counts)}."
    )


def pooled(inputs: ReportInputs, model: str, block: str) -> tuple[str, str]:
    """A model against the best simple model of each place, all places at once.

    Two parts: '2% higher' and '90% interval -4% to +9%; uncorrected p = 0.6'.
    """
    selected = inputs.scores.sel(model=model, block=block)
    low, high, p = (float(selected[f"pooled_{name}"]) for name in ("ratio_best_low", "ratio_best_high", "p_best"))
    return difference(float(selected["pooled_ratio_best"])), f"{interval(low, high)}; uncorrected {words.p_value(p)}"


def winners(inputs: ReportInputs) -> str:
    """Which of all models, simple or not, is best over all places."""
    named = []
    for block in inputs.headline_blocks:
        leader = _leader(inputs, block)
        size, sure = pooled(inputs, leader, block)
        against = f"{size} {'than' if size.endswith(('lower', 'higher')) else 'as'} that of the best simple models"
        named.append(f"{inputs.when(block)} {style_of(leader).phrase} ({against}, {sure})")
    return (
        f"Of all models, the one with the lowest error over {words.count(len(inputs.regions), 'place')} is "
        f"{'; '.join(named)}. Winners are chosen in hindsight, which overstates their skill."
    )


def _leader(inputs: ReportInputs, block: str) -> str:
    """The model with the lowest error over all places together, of those that serve every place.

    The others were not tested on every place.
    """
    scores = inputs.scores.sel(block=block, region=inputs.regions, model=inputs.models)
    everywhere = scores["crps"].notnull().all("region")
    return str(scores["pooled_ratio_best"].where(everywhere).idxmin("model").item())


def eras(inputs: ReportInputs) -> str:
    """Whether the LSTM is on the same side of the best simple model in both halves of the origins."""
    if inputs.primary is None:
        return ""
    sentences = []
    for block in inputs.headline_blocks:
        ratios = np.array(
            [
                [stratum_ratio(inputs, region, block, "era", era) for era in (FIRST_ERA, SECOND_ERA)]
                for region in inputs.regions
            ]
        )
        lower = ratios[np.isfinite(ratios).all(axis=1)] < 1
        if not lower.size:
            continue
        first, second = (words.how_many(int(count)) for count in lower.sum(axis=0))
        steady = int((lower[:, 0] == lower[:, 1]).sum())
        sentences.append(
            f"{words.capital(inputs.when(block))}, {style_of(inputs.primary).phrase} has the lower error in {first} of "
            f"{words.count(len(lower), 'place')} in the first half and in {second} in the second; "
            f"{words.count(steady, 'place')} {'favours' if steady == 1 else 'favour'} one side throughout."
        )
    return " ".join(sentences)


def stratum_ratio(inputs: ReportInputs, region: str, block: str, factor: str, stratum: str) -> float:
    """CRPS of the LSTM over that of the best simple model of the block, in one stratum; NaN without it."""
    selected = stratum_row(inputs, region, block, factor, stratum)
    if selected is None or inputs.primary is None:
        return float("nan")
    crps = selected["crps"]
    return float(crps.sel(model=inputs.primary)) / float(crps.sel(model=inputs.opponent(region, block)))


def stratum_row(inputs: ReportInputs, region: str, block: str, factor: str, stratum: str) -> xr.Dataset | None:
    """Scores of one stratum; None where it was not scored."""
    if "row" not in inputs.strata.dims:
        return None
    wanted = {"region": region, "block": block, "factor": factor, "stratum": stratum}
    match = np.all([inputs.strata[name].values.astype(str) == value for name, value in wanted.items()], axis=0)
    return inputs.strata.isel(row=int(np.flatnonzero(match)[0])) if match.any() else None


def calibration(inputs: ReportInputs) -> str:
    """How wide the intervals of the LSTM are, near and far."""
    if inputs.primary is None:
        return ""
    sentences = []
    for block in [name for name in SPREAD_BLOCKS if name in inputs.blocks] or inputs.headline_blocks:
        covered = inputs.scores["coverage90"].sel(region=inputs.regions, block=block, model=inputs.primary).values
        share = round(float(np.nanmedian(covered)), 2)
        width = "too narrow" if share < TOLERANCE[0] else "too wide" if share > TOLERANCE[1] else "about right"
        sentences.append(
            f"{words.capital(inputs.when(block))}, the 90% interval of {style_of(inputs.primary).phrase} contains "
            f"{words.percent(share)} of the observations (median over places): {width}."
        )
    return " ".join(sentences)


def best_overall(inputs: ReportInputs, region: str, block: str) -> str:
    """Which of all models had the lowest CRPS, said even where it is neither the LSTM nor a simple model."""
    winner = best_model(inputs, region, block)
    crps = float(inputs.scores["crps"].sel(region=region, block=block, model=winner).item())
    label = words.capital(style_of(winner).phrase)
    return f"{label} has the lowest CRPS {inputs.when(block)}: {words.significant(crps)} {inputs.unit(region)}."


def record(inputs: ReportInputs, region: str) -> list[str]:
    """Length, rank, record year and trend of a record."""
    series, unit = inputs.record(region), inputs.unit(region)
    known = np.flatnonzero(np.isfinite(series["value"].values))
    valid = series.isel(time=known)
    anomaly, warm = is_anomaly(series.attrs), is_temperature(series.attrs)
    first, last = (words.month(valid["time"].values[end]) for end in (0, -1))
    gaps = int(known[-1] - known[0] + 1 - known.size)
    if gaps > known.size:
        text = f"{known.size:,} values from {first} to {last}, most of them more than a month apart"
    else:
        missing = f"{words.count(gaps, 'month')} without a value" if gaps else "without a gap"
        text = f"{known.size:,} months from {first} to {last}, {missing}"
    if interpolated := int(valid["interpolated"].sum()) if "interpolated" in series else 0:
        text += f", {words.count(interpolated, 'month')} interpolated by the publisher"
    latest = words.number(float(valid["value"][-1]), 2, anomaly)
    sentences = [f"{text}.", f"{last}: {latest} {unit}."]
    if series.attrs.get("cells") == 1:
        sentences.insert(0, "The values are those of one grid cell.")
    annual = annual_means(series)
    if annual.size:
        sentences.append(_extremes(annual, unit, anomaly, "warmest" if warm else "highest"))
    if not warm:
        return sentences + _growth(annual, unit)
    for length in (TREND_YEARS, None):
        line = trend(annual, length)
        if line is None or (length is None and line.first >= annual.index[-1] - TREND_YEARS):
            continue
        low, high = line.per_decade - line.half_width, line.per_decade + line.half_width
        flat = "" if low > 0 or high < 0 else ", not significant"
        sentences.append(
            f"Trend of annual means {line.first}{words.EN_DASH}{line.last}: {words.number(line.per_decade, 2, True)} "
            f"{unit} per decade (95% interval {words.number(low, 2, True)} to {words.number(high, 2, True)}){flat}."
        )
    return sentences


def _growth(annual: pd.Series[float], unit: str) -> list[str]:
    """Mean change per year over the last and the first ten years: a straight line would hide its growth."""
    years = annual.index.to_numpy()
    if years.size <= 2 * GROWTH_YEARS or (np.diff(years) != 1).any():
        return []
    recent, early = (float(annual.diff(GROWTH_YEARS).iloc[end]) / GROWTH_YEARS for end in (-1, GROWTH_YEARS))
    return [
        f"From {years[-1 - GROWTH_YEARS]} to {years[-1]} the annual mean changed by {words.number(recent, 2, True)} "
        f"{unit} a year, from {years[0]} to {years[GROWTH_YEARS]} by {words.number(early, 2, True)}."
    ]


def _extremes(annual: pd.Series[float], unit: str, anomaly: bool, extreme: str) -> str:
    last, top = int(annual.index[-1]), int(str(annual.idxmax()))
    high = f"{top} was the {extreme} of {words.count(annual.size, 'complete year')}, at "
    high += f"{words.number(annual[top], 2, anomaly)} {unit}"
    if top == last:
        return f"{high}."
    rank = words.ordinal(int((annual > annual[last]).sum()) + 1)
    return f"{high}; {last}, the latest, ranks {rank} at {words.number(annual[last], 2, anomaly)} {unit}."


def is_temperature(attrs: dict[str, object]) -> bool:
    """Whether a series is a temperature."""
    return attrs.get("quantity") == "temperature" or words.unit(str(attrs.get("units", ""))) in ("°C", "K")


def is_anomaly(attrs: dict[str, object]) -> bool:
    """Whether a series is given as departures from a baseline period."""
    return attrs.get("kind") == "anomaly"
