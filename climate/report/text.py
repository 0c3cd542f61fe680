"""Sentences written from the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from climate.harmonize.caveats import compare
from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import TREND_YEARS, Contest, Hypothesis, annual_means, best_model, trend
from climate.report.palette import style_of
from climate.verify.strata import FIRST_ERA, SECOND_ERA

NEGLIGIBLE = 0.005
"""Share of CRPS below which two models are called level; half a per cent rounds to none."""

GROWTH_YEARS = 10
"""Over which a mean growth rate is taken; one year's depends on ENSO."""

NORMAL = (1991, 2020)
"""First and last year of the current climatological normal; WMO-No. 1203."""

PREINDUSTRIAL = (1850, 1900)
"""First and last year of the IPCC's approximation of pre-industrial climate."""
MIN_PREINDUSTRIAL = 40
"""Complete years of PREINDUSTRIAL that a record needs."""

UNTESTED_YEARS = 100
"""Years before an overlap from which it is said that nothing tests the offset there."""

TOLERANCE = (0.87, 0.93)
"""Coverage of a 90% interval that counts as right."""

SHORT = {"better": "Better", "worse": "Worse", "same": "No difference shown"}
"""Outcome of a hypothesis in a table."""


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
    ends = [words.percent(end - 1, 0, True) for end in (low, high)]
    return f"90% interval {ends[0]} to {ends[1]}"


def against_opponent(inputs: ReportInputs, contest: Contest) -> str:
    """How a model compares with the opponent at one place: size, interval and p as it is, and no verdict."""
    model, opponent = words.capital(style_of(contest.model).phrase), style_of(contest.opponent).phrase
    size = f"{words.capital(inputs.when(contest.block))}, the CRPS of {style_of(contest.model).phrase} is"
    against = f"{_than(contest.ratio)} that of {opponent}, the opponent"
    if not np.isfinite(contest.ratio):
        return f"{model} was not scored {inputs.when(contest.block)}."
    if not np.isfinite(contest.p):
        return f"{size} {against}; there were too few forecasts to test it."
    sure = f"{interval(contest.low, contest.high)}; {words.p_value(contest.p)}, not corrected"
    return f"{size} {against} ({sure})."


def _than(ratio: float) -> str:
    """'8% lower than', 'the same as'."""
    size = difference(ratio)
    return f"{size} {'than' if size.endswith(('lower', 'higher')) else 'as'}"


def places_of(inputs: ReportInputs, one: Hypothesis) -> str:
    """The places of a hypothesis, inside a sentence."""
    panel = inputs.params.panels.get(one.places)
    return words.inner(words.typeset(panel.title) if panel else inputs.title_of(one.places))


def opponents(inputs: ReportInputs) -> str:
    """Which simple model is the opponent of each quantity and block, and by what margin."""
    if "opponent" not in inputs.opponents:
        return ""
    sentences = []
    choice = inputs.params.score.opponent
    for quantity in inputs.opponents["quantity"].values.astype(str):
        named = []
        for block in inputs.blocks:
            chosen = inputs.opponents.sel(quantity=quantity, block=block)
            margin, origins = float(chosen["margin"]), int(chosen["origins"])
            how = "the first candidate, for want of earlier origins"
            if np.isfinite(margin):
                how = f"{words.percent(margin, 1)} ahead of the second, {words.count(origins, 'origin')}"
            named.append(f"{inputs.when(block)} {style_of(str(chosen['opponent'].item())).phrase} ({how})")
        title = words.CO2 if quantity == "co2" else words.capital(quantity)
        sentences.append(f"{title}: {'; '.join(named)}.")
    candidates = words.joined([style_of(name).phrase for name in choice.candidates])
    return (
        f"Opponents were chosen among {candidates}, by their calibrated CRPS on origins from {choice.first_origin} "
        f"whose forecasts were verified before {choice.verified_before}, every place with equal weight. "
        f"{' '.join(sentences)}"
    )


def hindsight(inputs: ReportInputs) -> str:
    """The LSTM against the best simple model in hindsight: a sensitivity."""
    if inputs.primary is None or "ratio_hindsight" not in inputs.scores:
        return ""
    sizes = []
    for block in inputs.headline_blocks:
        chosen = inputs.scores.sel(block=block, model=inputs.primary, region=inputs.regions)
        fixed, best = (float(np.exp(np.log(chosen[name]).mean())) for name in ("ratio", "ratio_hindsight"))
        sizes.append(f"{words.number(best, 3)} instead of {words.number(fixed, 3)} {inputs.when(block)}")
    return (
        f"Sensitivity: against the simple model that turned out best at each place, which no one could have chosen "
        f"beforehand, the ratio of CRPS of {style_of(inputs.primary).phrase} is {words.joined(sizes)} (geometric mean "
        "over places)."
    )


def eras(inputs: ReportInputs) -> str:
    """Whether the LSTM is on the same side of the opponent in both halves of the origins."""
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
    """CRPS of the LSTM over that of the opponent of the block, in one stratum; NaN without it."""
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
    for block in inputs.headline_blocks:
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
    sentences += _offsets(inputs, region)
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
    return sentences + _other_baselines(valid, annual, unit)


def _other_baselines(series: xr.Dataset, annual: pd.Series[float], unit: str) -> list[str]:
    """The end of a temperature record from the current normal, and its warming since before industry."""
    sentences = []
    first, last = NORMAL
    months = series["time"].dt.month.values
    normal = series.isel(time=(series["time"].dt.year.values >= first) & (series["time"].dt.year.values <= last))
    same = normal["value"].values[normal["time"].dt.month.values == months[-1]]
    if same.size == last - first + 1 and (years := annual.loc[first:last]).size == same.size:
        latest = words.number(float(series["value"][-1]) - float(same.mean()), 2, True)
        year = words.number(float(annual.iloc[-1] - years.mean()), 2, True)
        month = words.month(series["time"].values[-1])
        sentences.append(
            f"From the mean of {first}{words.EN_DASH}{last}: {latest} {unit} in {month}, {year} in {annual.index[-1]}."
        )
    first, last = PREINDUSTRIAL
    early = annual.loc[first:last]
    if early.size >= MIN_PREINDUSTRIAL:
        recent = annual.iloc[-GROWTH_YEARS:]
        change = words.number(float(recent.mean() - early.mean()), 2, True)
        sentences.append(
            f"{recent.index[0]}{words.EN_DASH}{recent.index[-1]} is {change} {unit} from the mean of "
            f"{first}{words.EN_DASH}{last}."
        )
    elif annual.size:
        sentences.append(f"It begins too late to give the warming since {first}{words.EN_DASH}{last}.")
    return sentences


def _offsets(inputs: ReportInputs, region: str) -> list[str]:
    """Offsets of a splice that reach back over far more years than they were estimated from."""
    definition = inputs.params.definitions.get(region)
    if definition is None or definition.splice is None or not inputs.seams.sizes.get("seam"):
        return []
    series, sentences = inputs.record(region), []
    seams: Iterable[Any] = inputs.seams.drop_dims(["time", "month"], errors="ignore").to_dataframe().itertuples()
    for row in seams:
        own = np.flatnonzero((series["source"].values == row.older) & np.isfinite(series["value"].values))
        if row.record != definition.splice or not own.size:
            continue
        first, last = row.overlap_start.year, row.overlap_end.year
        before = first - int(series["time"].dt.year.values[own[0]])
        if before >= UNTESTED_YEARS:
            sentences.append(
                f"The offset of the older part ({words.with_error(row.offset, row.offset_se)} "
                f"{words.unit(row.units)}) was estimated over {first}{words.EN_DASH}{last}; nothing tests it in the "
                f"{before:,} years before."
            )
    return sentences


def caveat(inputs: ReportInputs, region: str) -> str:
    """Why the record of a region is in doubt, with the published values beside its own; "" where it is not."""
    definition = inputs.params.regions.get(region)
    if definition is None or definition.caveat is None:
        return ""
    unit, parts = inputs.unit(region), []
    for item in compare(inputs.record(region), definition.caveat):
        own, other = (words.number(value, 2, True) for value in (item.record, item.published))
        years = words.EN_DASH.join(dict.fromkeys(map(str, item.years)))
        what, how = f"Trend of {years}", f"{unit} per decade"
        if item.baseline:
            what, how = years, f"{unit} from the mean of {words.EN_DASH.join(map(str, item.baseline))}"
        parts.append(f"{what}: {own} {how} here, {other} according to {item.by}.")
    return " ".join([definition.caveat.text.strip(), *parts])


def caveats(inputs: ReportInputs) -> list[tuple[str, str, str]]:
    """Key, title and caveat of every region whose record is in doubt."""
    told = ((region, inputs.title_of(region), caveat(inputs, region)) for region in inputs.regions)
    return [item for item in told if item[2]]


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
