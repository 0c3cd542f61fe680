"""Sentences written from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import TREND_YEARS, Annual, Contest, FloatArray, annual_means, best_model, trend
from climate.report.palette import style_of

NEGLIGIBLE = 0.005
"""Share of CRPS below which two models are called level; half a per cent rounds to none."""

GROWTH_YEARS = 10
"""Over which a mean growth rate is taken; one year's depends on ENSO."""

RIGHT = (0.87, 0.93)
"""Coverage of a 90% interval that counts as right."""

SHORT = {"better": "LSTM better", "worse": "LSTM worse", "same": "No significant difference"}
"""Outcome of a contest in a table."""


def difference(contest: Contest) -> str:
    """'8% lower than', '5% higher than', 'level with'."""
    if not np.isfinite(contest.ratio):
        return "not comparable with"
    if abs(contest.gain) < NEGLIGIBLE:
        return "level with"
    if contest.ratio >= 2:
        return f"{words.number(contest.ratio, 1)} times"
    return f"{words.percent(abs(contest.gain))} {'lower' if contest.gain > 0 else 'higher'} than"


def verdict(contest: Contest, first: int, last: int, tests: int, level: float) -> str:
    """Whether the LSTM beats the best simple model, by how much, and how sure that is."""
    model, opponent = style_of(contest.model).phrase, style_of(contest.opponent).phrase
    when = words.capital(words.ahead(first, last))
    size = f"its error (CRPS) is {difference(contest)} that of {opponent}"
    if not np.isfinite(contest.p):
        return f"{when}, there were too few forecasts to test {model} against {opponent}; {size}."
    how_sure = words.p_value(contest.p_holm) + (f" after correction for {tests} comparisons" if tests > 1 else "")
    if contest.outcome == "better":
        return f"{when}, {model} beats the best simple model: {size} ({how_sure})."
    if contest.outcome == "worse":
        return f"{when}, {model} loses to the best simple model: {size} ({how_sure})."
    start = f"{when}, there is no significant difference between {model} and the best simple model: {size}"
    if contest.p < level:
        return (
            f"{start}. Taken alone that would count ({words.p_value(contest.p)}), but not as one of "
            f"{tests} comparisons ({words.p_value(contest.p_holm)} after correction)."
        )
    return f"{start}, which chance alone could bring about ({how_sure})."


def standfirst(inputs: ReportInputs, found: Sequence[Contest]) -> str:
    """The answer to the report's question, in at most three sentences."""
    if not found:
        return "No LSTM was run, so this report compares simple models alone."
    sentences = []
    for block in inputs.headline_blocks:
        here = [contest for contest in found if contest.block == block]
        tally = {outcome: sum(c.outcome == outcome for c in here) for outcome in SHORT}
        ratios = np.array([contest.ratio for contest in here])
        when = words.capital(words.ahead(*inputs.leads_of(block)))
        sentences.append(f"{when}, {style_of(here[0].model).phrase} {_tally(tally, len(here))}; {_median(ratios)}.")
    return " ".join(sentences)


def winners(inputs: ReportInputs) -> str:
    """Which of all models, simple or not, has the lowest CRPS most often."""
    parts = []
    for block in inputs.headline_blocks:
        best = [best_model(inputs, region, block) for region in inputs.regions]
        counted = {model: best.count(model) for model in inputs.models if model in best}
        top = max(counted.values())
        names = words.joined([style_of(model).phrase for model, wins in counted.items() if wins == top])
        each = " each" if list(counted.values()).count(top) > 1 else ""
        parts.append(f"{words.ahead(*inputs.leads_of(block))} with {names} (in {_spell(top)}{each})")
    places = words.count(len(inputs.regions), "place")
    return f"Counting every model, the lowest error of the {places} lies most often, {'; '.join(parts)}."


def calibration(inputs: ReportInputs) -> str:
    """How wide the intervals of the LSTM are in the median place, near and far."""
    if inputs.primary is None:
        return ""
    sentences = []
    for block in inputs.headline_blocks:
        covered = inputs.scores["coverage90"].sel(region=inputs.regions, block=block, model=inputs.primary).values
        share = float(np.nanmedian(covered))
        width = "too narrow" if share < RIGHT[0] else "too wide" if share > RIGHT[1] else "about right"
        sentences.append(
            f"{words.capital(words.ahead(*inputs.leads_of(block)))}, the 90% interval of "
            f"{style_of(inputs.primary).phrase} held {words.percent(share)} of the months in the median place: {width}."
        )
    return " ".join(sentences)


def _tally(tally: Mapping[str, int], places: int) -> str:
    """How often the LSTM won, lost and drew, as what follows its name."""
    best = "the best simple model"
    if tally["same"] == places:
        return f"cannot be told apart from {best} in any of {words.count(places, 'place')}"
    if tally["better"] == places or tally["worse"] == places:
        return f"{'beats' if tally['better'] else 'loses to'} {best} in all of {words.count(places, 'place')}"
    won = _spell(tally["better"]) if tally["better"] else "none"
    parts = [f"beats {best} in {won} of {words.count(places, 'place')}"]
    if tally["worse"]:
        parts.append(f"loses in {_spell(tally['worse'])}")
    if tally["same"]:
        parts.append(f"cannot be told apart from it in {_spell(tally['same'])}")
    return words.joined(parts)


def _median(ratios: FloatArray) -> str:
    """The error of the median place; a mean would be that of the place that stands out."""
    gain = 1 - float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else float("nan")
    if not np.isfinite(gain):
        return "its error was not scored"
    if abs(gain) < NEGLIGIBLE:
        return "in the median place its error is the same"
    return f"in the median place its error is {words.percent(abs(gain))} {'lower' if gain > 0 else 'higher'}"


def _spell(value: int) -> str:
    return words.SMALL[value] if value < len(words.SMALL) else f"{value:,}"


def best_overall(inputs: ReportInputs, region: str, block: str) -> str:
    """Which of all models had the lowest CRPS, said even where it is neither the LSTM nor a simple model."""
    winner = best_model(inputs, region, block)
    crps = float(inputs.scores["crps"].sel(region=region, block=block, model=winner).item())
    unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
    when = words.ahead(*inputs.leads_of(block))
    label = words.capital(style_of(winner).phrase)
    return f"{label} has the lowest CRPS of all models {when}: {words.significant(crps)} {unit}."


def record(inputs: ReportInputs, region: str) -> list[str]:
    """Length, rank, record year and trend of a record."""
    series = inputs.record(region)
    unit = words.unit(str(series.attrs.get("units", "")))
    known = np.isfinite(series["value"].values)
    times, values = series["time"].values[known], series["value"].values[known]
    anomaly = is_anomaly(series.attrs)
    digits = 2
    first, last = words.month(times[0]), words.month(times[-1])
    text = f"{values.size:,} months from {first} to {last}"
    gaps = int((~known[np.flatnonzero(known)[0] : np.flatnonzero(known)[-1] + 1]).sum())
    interpolated = int(series["interpolated"].values[known].sum()) if "interpolated" in series else 0
    if gaps > values.size:
        text = f"{values.size:,} values from {first} to {last}, most of them more than a month apart"
    else:
        text += f", {words.count(gaps, 'month')} without a value" if gaps else ", without a gap"
    if interpolated:
        text += f", {words.count(interpolated, 'month')} interpolated by the publisher"
    sentences = [text + f". The last month stands at {words.number(float(values[-1]), digits, anomaly)} {unit}."]
    annual = annual_means(series)
    if annual.years.size:
        sentences.append(_extremes(annual, unit, anomaly, "warmest" if is_temperature(series.attrs) else "highest"))
    if not is_temperature(series.attrs):
        return sentences + _growth(annual, unit)
    for length in (TREND_YEARS, None):
        line = trend(annual, length)
        if line is None or (length is None and line.first >= annual.years[-1] - TREND_YEARS):
            continue
        low, high = line.per_decade - line.half_width, line.per_decade + line.half_width
        interval = f"{words.number(low, digits, True)} to {words.number(high, digits, True)}"
        change = words.number(line.per_decade, digits, True)
        flat = "" if low > 0 or high < 0 else ", which cannot be told from none"
        sentences.append(
            f"Trend of annual means {line.first}{words.EN_DASH}{line.last}: {change} {unit} per decade "
            f"(95% interval {interval}){flat}."
        )
    return sentences


def _growth(annual: Annual, unit: str) -> list[str]:
    """Mean change per year over the last and the first ten years: a straight line would hide its growth."""
    years, means = annual.years, annual.means
    if years.size <= 2 * GROWTH_YEARS or (np.diff(years) != 1).any():
        return []
    recent = float(means[-1] - means[-1 - GROWTH_YEARS]) / GROWTH_YEARS
    early = float(means[GROWTH_YEARS] - means[0]) / GROWTH_YEARS
    return [
        f"From {years[-1 - GROWTH_YEARS]} to {years[-1]} the annual mean changed by {words.number(recent, 2, True)} "
        f"{unit} a year, from {years[0]} to {years[GROWTH_YEARS]} by {words.number(early, 2, True)}."
    ]


def _extremes(annual: Annual, unit: str, anomaly: bool, extreme: str) -> str:
    last, top = int(annual.years[-1]), annual.record_year
    total = words.count(annual.years.size, "complete year")
    high = f"{words.number(annual.of(top), 2, anomaly)} {unit}"
    if top == last:
        return f"{last} was the {extreme} of {total}, at {high}."
    place = annual.rank(last)
    return (
        f"{top} was the {extreme} of {total}, at {high}; {last}, the latest, ranks {words.ordinal(place)} "
        f"at {words.number(annual.of(last), 2, anomaly)} {unit}."
    )


def is_temperature(attrs: dict[str, object]) -> bool:
    """Whether a series is a temperature."""
    return attrs.get("quantity") == "temperature" or words.unit(str(attrs.get("units", ""))) in ("°C", "K")


def is_anomaly(attrs: dict[str, object]) -> bool:
    """Whether a series is given as departures from a baseline period."""
    return attrs.get("kind") == "anomaly"
