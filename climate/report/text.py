"""Sentences written from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import TREND_YEARS, Annual, Contest, FloatArray, annual_means, best_model, trend
from climate.report.palette import style_of
from climate.verify.strata import FIRST_ERA, SECOND_ERA

NEGLIGIBLE = 0.005
"""Share of CRPS below which two models are called level; half a per cent rounds to none."""

GROWTH_YEARS = 10
"""Over which a mean growth rate is taken; one year's depends on ENSO."""

RIGHT = (0.87, 0.93)
"""Coverage of a 90% interval that counts as right."""

SPREAD_BLOCKS = ("1-12", "13-60")
"""Near and far leads, for which intervals are judged apart, where they were scored."""

SHORT = {"better": "LSTM better", "worse": "LSTM worse", "same": "Not significant"}
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
    size = f"its error (CRPS) is {difference(contest)} that of the best simple model, {opponent}"
    if not np.isfinite(contest.p):
        return f"{when}, there were too few forecasts to test {model}: {size}."
    how_sure = words.p_value(contest.p_holm) + (f" after correction for {tests} comparisons" if tests > 1 else "")
    if contest.outcome != "same":
        return f"{when}, {model} {'wins' if contest.outcome == 'better' else 'loses'}: {size} ({how_sure})."
    if contest.p < level:
        how_sure = f"{how_sure}; {words.p_value(contest.p)} if this were the only one"
    return f"{when}, {model} neither wins nor loses significantly: {size} ({how_sure})."


def standfirst(inputs: ReportInputs, found: Sequence[Contest]) -> str:
    """The answer to the report's question: yes or no, by how much over all places, and how sure."""
    if not found:
        return "No LSTM was run, so this report compares simple models alone."
    parts = []
    for block in inputs.headline_blocks:
        here = [contest for contest in found if contest.block == block]
        together = pooled(inputs, here[0].model, block) or _median(np.array([contest.ratio for contest in here]))
        parts.append(f"{together[0]} {words.ahead(*inputs.leads_of(block))}{together[1]}")
    where = "Over all" if "pooled_ratio_best" in inputs.scores else "In the median of"
    places = words.count(len(inputs.regions), "place")
    against = "set against the best simple model of each"
    return f"{_answer(inputs, found)} {where} {places}, {against}, its error (CRPS) is {words.joined(parts)}."


def _answer(inputs: ReportInputs, found: Sequence[Contest]) -> str:
    """Yes or no, before anything else, in how many comparisons, and where."""
    model, total = style_of(found[0].model).phrase, words.count(len(inputs.regions), "place")
    outcomes = [contest.outcome for contest in found]
    if set(outcomes) == {"same"}:
        return f"No: {model} is nowhere significantly better than the best simple model, nor significantly worse."
    counts = []
    for block in inputs.headline_blocks:
        here = [contest.outcome for contest in found if contest.block == block]
        won, lost = here.count("better"), here.count("worse")
        lose = f" and loses in {words.spell(lost) if lost else 'none'}"
        when = words.ahead(*inputs.leads_of(block))
        counts.append(f"{when} it wins in {words.spell(won) if won else 'none'}{lose} of {total}")
    better, worse = outcomes.count("better"), outcomes.count("worse")
    partly = "Mostly" if 2 * better > len(outcomes) else "Seldom"
    start = "Yes" if better == len(outcomes) else partly if better else "No"
    return (
        f"{start}: of {words.count(len(outcomes), 'comparison')}, {model} is significantly better than the best simple "
        f"model in {words.spell(better) if better else 'none'} and significantly worse in "
        f"{words.spell(worse) if worse else 'none'}; {'; '.join(counts)}."
    )


def pooled(inputs: ReportInputs, model: str, block: str) -> tuple[str, str] | None:
    """A model against the best simple model of each place, all places at once; None where that was not computed.

    Two parts, between which goes the range of leads: '2% higher' and ' (90% interval -4% to +9%; p = 0.61)'.
    """
    if "pooled_ratio_best" not in inputs.scores:
        return None
    one = inputs.scores.sel(model=model, block=block)
    low, high, p = (float(one[f"pooled_{name}"]) for name in ("ratio_best_low", "ratio_best_high", "p_best"))
    ratio = float(one["pooled_ratio_best"])
    interval = f"90% interval {words.percent(low - 1, 0, True)} to {words.percent(high - 1, 0, True)}"
    return _size(ratio), f" ({interval}; {words.p_value(p)})"


def _size(ratio: float) -> str:
    """'2% higher', '5% lower', 'the same'."""
    if not np.isfinite(ratio):
        return "not scored"
    if abs(1 - ratio) < NEGLIGIBLE:
        return "the same"
    return f"{words.percent(abs(1 - ratio))} {'lower' if ratio < 1 else 'higher'}"


def winners(inputs: ReportInputs) -> str:
    """Which of all models, simple or not, is best over all places, or where that is unknown, in most places."""
    parts, total = [], words.count(len(inputs.regions), "place")
    for block in inputs.headline_blocks:
        when, leader = words.ahead(*inputs.leads_of(block)), _leader(inputs, block)
        if leader is None:
            best = [best_model(inputs, region, block) for region in inputs.regions]
            top = max(best.count(model) for model in best)
            names = [style_of(model).phrase for model in inputs.models if best.count(model) == top]
            each = " each" if len(names) > 1 else ""
            parts.append(f"{when} {words.joined(names)} (in {words.spell(top)} of {total}{each})")
            continue
        size, how_sure = pooled(inputs, leader, block) or ("", "")
        against = f"{size} than" if size.endswith(("lower", "higher")) else f"{size} as"
        parts.append(
            f"{when}, {style_of(leader).phrase} ({against} the best simple models{how_sure.replace(' (', ', ')}"
        )
    if _leader(inputs, inputs.headline_blocks[0]) is None:
        return f"Of all models, the lowest error lies most often with {'; '.join(parts)}."
    return (
        f"Of all models, the one with the lowest error over {total} is, {'; '.join(parts)}. "
        "A winner is picked after the event, which flatters it."
    )


def _leader(inputs: ReportInputs, block: str) -> str | None:
    """The model with the lowest error over all places together; None where that was not computed.

    Only models that serve every place: the others were spared some.
    """
    if "pooled_ratio_best" not in inputs.scores:
        return None
    crps = inputs.scores["crps"].sel(block=block, region=inputs.regions, model=inputs.models)
    everywhere = [str(name) for name in crps["model"].values[crps.notnull().all("region").values]]
    ratio = inputs.scores["pooled_ratio_best"].sel(block=block, model=everywhere).values
    return everywhere[int(np.nanargmin(ratio))] if np.isfinite(ratio).any() else None


def eras(inputs: ReportInputs) -> str:
    """Whether the LSTM stands on the same side of the best simple model in both halves of the origins."""
    if inputs.groups is None or "row" not in inputs.groups.dims or inputs.primary is None:
        return ""
    sentences = []
    for block in inputs.headline_blocks:
        ratios = [
            [group_ratio(inputs, region, block, "era", era) for era in (FIRST_ERA, SECOND_ERA)]
            for region in inputs.regions
        ]
        known = [pair for pair in ratios if np.isfinite(pair).all()]
        if not known:
            continue
        lower = [sum(pair[half] < 1 for pair in known) for half in (0, 1)]
        same = sum((pair[0] < 1) == (pair[1] < 1) for pair in known)
        sentences.append(
            f"{words.capital(words.ahead(*inputs.leads_of(block)))}, {style_of(inputs.primary).phrase} has the lower "
            f"error in {words.spell(lower[0])} of {words.count(len(known), 'place')} in the first half and in "
            f"{words.spell(lower[1])} in the second; the sign is the same in both in {words.spell(same)}."
        )
    return " ".join(sentences)


def group_ratio(inputs: ReportInputs, region: str, block: str, grouping: str, label: str) -> float:
    """CRPS of the LSTM over that of the best simple model of the block, in one part of the sample; NaN without it."""
    one = group_row(inputs, region, block, grouping, label)
    if one is None or inputs.primary is None:
        return float("nan")
    crps = one["crps"]
    return float(crps.sel(model=inputs.primary)) / float(crps.sel(model=inputs.best_classical(region, block)))


def group_row(inputs: ReportInputs, region: str, block: str, grouping: str, label: str) -> xr.Dataset | None:
    """One row of the scores of groups."""
    if inputs.groups is None:
        return None
    wanted = {"region": region, "block": block, "grouping": grouping, "label": label}
    match = np.ones(inputs.groups.sizes["row"], dtype=bool)
    for name, value in wanted.items():
        match &= inputs.groups[name].values.astype(str) == value
    return inputs.groups.isel(row=int(np.flatnonzero(match)[0])) if match.any() else None


def calibration(inputs: ReportInputs) -> str:
    """How wide the intervals of the LSTM are in the median place, near and far."""
    if inputs.primary is None:
        return ""
    sentences = []
    scored = [name for name in SPREAD_BLOCKS if name in inputs.scores["block"].values] or inputs.headline_blocks
    for block in scored:
        covered = inputs.scores["coverage90"].sel(region=inputs.regions, block=block, model=inputs.primary).values
        share = round(float(np.nanmedian(covered)), 2)
        width = "too narrow" if share < RIGHT[0] else "too wide" if share > RIGHT[1] else "about right"
        sentences.append(
            f"{words.capital(words.ahead(*inputs.leads_of(block)))}, the 90% interval of "
            f"{style_of(inputs.primary).phrase} held {words.percent(share)} of the months in the median place: {width}."
        )
    return " ".join(sentences)


def _median(ratios: FloatArray) -> tuple[str, str]:
    """The error of the median place, as `pooled`; a mean would be that of the place that stands out."""
    return _size(float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else float("nan")), ""


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


def drifts(seam: xr.Dataset) -> bool:
    """Whether two records that were joined move apart by more than twice the standard error of their drift."""
    return "drift" in seam and abs(float(seam["drift"])) > 2 * float(seam["drift_se"])
