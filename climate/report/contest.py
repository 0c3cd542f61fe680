"""The first screen: what more information and a neural network change, at all places at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from climate.forecasters.registry import MODELS, Kind, is_kind, learner_pair
from climate.report import words
from climate.report.inputs import ReportInputs
from climate.report.numbers import Hypothesis
from climate.report.palette import style_of
from climate.report.text import NEGLIGIBLE, is_temperature, places_of
from climate.verify.contest import opponent_among

QUARTILES = (0.25, 0.5, 0.75)
"""Of the skill over the places of a panel."""

PLANET = "planet"
"""The row of all cells of the grid."""

ALMOST_NOTHING = 0.01
"""Share of CRPS below which the whole interval of a network's gain must lie for 'almost nothing'."""


COLUMNS = ["place", "kind", "block", "role", "model", "skill", "lower_quartile", "upper_quartile"]


def contest_frame(inputs: ReportInputs) -> pd.DataFrame:
    """CRPS skill against the reference: one row per place, block and role.

    Roles: `opponent`, `hindsight` (the best simple model in hindsight, of single places), `linear` and `network`, the
    learners that know the same and the most there. A panel has the median over its places as `skill`, and its
    quartiles. Places come in order of their skill in the first headline block, panels and the planet last.
    """
    rows = [*_single(inputs), *_panels(inputs), *_planet(inputs)]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    first = frame[(frame["block"] == inputs.headline_blocks[0]) & (frame["role"].isin(["linear", "opponent"]))]
    best = first.groupby("place", sort=False)["skill"].max()
    rank = {"place": 0, "panel": 1, PLANET: 2}
    order = sorted(
        best.index, key=lambda place: (rank[frame.loc[frame["place"] == place, "kind"].iloc[0]], -best[place])
    )
    return frame.sort_values("place", key=lambda column: column.map(order.index), kind="stable").reset_index(drop=True)


def _single(inputs: ReportInputs) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for region in inputs.regions:
        for block in inputs.headline_blocks:
            scores = inputs.scores.sel(region=region, block=block)
            skill = scores["skill"].dropna("model")
            roles = {"opponent": inputs.opponent(region, block), "hindsight": str(scores["hindsight"].item())}
            for role, model in (roles | _learners(skill["model"].values.tolist())).items():
                if model in skill["model"].values:
                    rows.append((region, "place", block, role, model, float(skill.sel(model=model)), np.nan, np.nan))
    return rows


def _panels(inputs: ReportInputs) -> list[tuple[object, ...]]:
    """Panels that a hypothesis is about."""
    rows: list[tuple[object, ...]] = []
    for panel in dict.fromkeys(one.places for one in inputs.params.score.hypotheses.values()):
        if panel not in inputs.panels:
            continue
        crps = inputs.panels[panel]["crps"]
        quantity = str(inputs.panels[panel].attrs["quantity"])
        for block in inputs.headline_blocks:
            for role, model in _roles(inputs, crps["model"].values.tolist(), quantity, block).items():
                own = crps.sel(block=block)
                skill = 1 - own.sel(model=model) / own.sel(model=inputs.reference)
                low, middle, high = (float(skill.quantile(share)) for share in QUARTILES)
                rows.append((panel, "panel", block, role, model, middle, low, high))
    return rows


def _planet(inputs: ReportInputs) -> list[tuple[object, ...]]:
    """Mean CRPS over the area of all cells."""
    rows: list[tuple[object, ...]] = []
    if "crps" not in inputs.planet:
        return rows
    for block in inputs.headline_blocks:
        crps = inputs.planet["crps"].sel(block=block).to_series()
        for role, model in _roles(inputs, crps.index.tolist(), "temperature", block).items():
            skill = 1 - crps[model] / crps[inputs.reference]
            rows.append((PLANET, PLANET, block, role, model, skill, np.nan, np.nan))
    return rows


def _roles(inputs: ReportInputs, models: Sequence[str], quantity: str, block: str) -> dict[str, str]:
    opponent = opponent_among(inputs.opponents, quantity, block, list(models)) if len(inputs.opponents) else ""
    return ({"opponent": opponent} if opponent else {}) | _learners(models)


def _learners(models: Sequence[str]) -> dict[str, str]:
    pair = learner_pair(str(name) for name in models)
    return dict(zip(("linear", "network"), pair, strict=True)) if pair else {}


def headline(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> str:
    """The answer in one line; the report's title where no hypothesis was tested."""
    tested = [one for one in declared if not one.reason]
    information = [one for one in tested if _of_information(one)]
    network = [one for one in tested if _of_network(one)]
    parts = []
    if information:
        gains = [one for one in information if one.outcome == "better"]
        known = list(dict.fromkeys(MODELS[one.better].informed_by for one in gains))
        when = [inputs.when(block) for block in dict.fromkeys(one.block for one in gains)]
        parts.append(
            f"Knowing {words.joined(known)} lowers the forecast error {words.joined(when)}"
            if gains
            else "More information is not shown to lower the forecast error"
        )
    if network:
        parts.append(_network_in_short(network, information))
    return words.capital("; ".join(parts)) if parts else inputs.title


def _network_in_short(network: Sequence[Hypothesis], information: Sequence[Hypothesis]) -> str:
    same_places = {one.places for one in information}
    asked = [one for one in network if one.places in same_places] or list(network)
    outcomes = {one.outcome for one in asked}
    if outcomes == {"same"}:
        small = all(abs(one.ratio - 1) < ALMOST_NOTHING for one in asked)
        return "a neural network adds almost nothing" if small else "a neural network is not shown to add to it"
    if outcomes <= {"better", "same"}:
        return "a neural network lowers it further"
    return "a neural network raises it" if outcomes <= {"worse", "same"} else "a neural network helps in part"


def answers(inputs: ReportInputs, declared: Sequence[Hypothesis]) -> list[str]:
    """Three short paragraphs: information, learner, and where and how far ahead."""
    if not declared:
        return ["No hypothesis was declared for this run: every comparison below is descriptive."]
    told = []
    for kind in (_of_information, _of_network, lambda one: not _of_information(one) and not _of_network(one)):
        pairs: dict[tuple[str, str, str], list[Hypothesis]] = {}
        for one in filter(kind, declared):
            pairs.setdefault((one.better, one.against, one.places), []).append(one)
        ordered = sorted(pairs.values(), key=lambda rows: all(one.outcome == "same" for one in rows))
        places = [rows[0].places for rows in ordered]
        told.append(" ".join(_pair(inputs, rows, rows[0].places in places[:n]) for n, rows in enumerate(ordered)))
    return [text for text in (*told, reach(inputs)) if text]


def _of_information(one: Hypothesis) -> bool:
    """Whether a learner meets one of its kind that knows something else."""
    better, against = (MODELS.get(name) for name in (one.better, one.against))
    return bool(better and against and better.informed_by and against.informed_by and better.kind == against.kind)


def _of_network(one: Hypothesis) -> bool:
    """Whether a network meets a linear model."""
    return is_kind(one.better, Kind.NETWORK) and is_kind(one.against, Kind.LINEAR)


def _pair(inputs: ReportInputs, rows: Sequence[Hypothesis], repeated: bool) -> str:
    """What one forecaster changes against another, at all leads that a hypothesis was declared for.

    `repeated`: an earlier sentence named the same places.
    """
    one = rows[0]
    where = f"{'Over' if one.places in inputs.params.panels else 'For'} {places_of(inputs, one)}"
    where = "There" if repeated else where
    if _of_information(one):
        what = f"knowing {MODELS[one.better].informed_by} rather than {MODELS[one.against].informed_by}"
    elif _of_network(one):
        what = "an LSTM in place of a linear forecast with the same information"
    else:
        what = f"{style_of(one.better).phrase} in place of {style_of(one.against).phrase}"
    if len(rows) > 1 and all(row.outcome == "same" and not row.reason for row in rows):
        sizes = words.joined([f"{words.percent(row.ratio - 1, 1, True)} {inputs.when(row.block)}" for row in rows])
        return f"{where}, {what} changes the error by {sizes}, not significantly."
    return f"{where}, {what} {'; it '.join(_result(inputs, row) for row in rows)}."


def _result(inputs: ReportInputs, one: Hypothesis) -> str:
    when, size = inputs.when(one.block), words.percent(abs(one.ratio - 1), 1)
    if one.reason:
        return f"was not tested {when} ({one.reason})"
    if one.outcome == "same":
        return f"makes no significant difference {when} ({words.percent(one.ratio - 1, 1, True)})"
    return f"{'lowers' if one.outcome == 'better' else 'raises'} the error by {size} {when}"


def reach(inputs: ReportInputs) -> str:
    """Where and how far ahead the best-informed linear forecast of temperature beats the reference and the opponent."""
    frame = contest_frame(inputs)
    warm = [name for name in inputs.regions if is_temperature(inputs.series[name].attrs)]
    linear = frame[(frame["role"] == "linear") & frame["place"].isin(warm)]
    if linear.empty:
        return ""
    opponent = frame[frame["role"] == "opponent"].set_index(["place", "block"])["skill"]
    beats: list[str] = []
    simple: list[str] = []
    for block, own in linear.groupby("block", sort=False):
        skill = own.set_index("place")["skill"].sort_values(ascending=False)
        ends = [_change(inputs, str(skill.index[end]), float(skill.iloc[end])) for end in (0, -1)]
        other = opponent.xs(block, level="block").reindex(skill.index)
        counts = [words.spell(int((skill - zero > NEGLIGIBLE).sum())) for zero in (0.0, other)]
        of = "" if beats else f" of {words.count(len(skill), 'place')}"
        beats.append(f"at {counts[0]}{of} {inputs.when(str(block))} ({ends[0]} to {ends[1]})")
        simple.append(f"at {counts[1]}")
    model = style_of(str(linear["model"].iloc[-1])).phrase
    return (
        f"{words.capital(model)} has a lower error than {style_of(inputs.reference).phrase} {words.joined(beats)}, and "
        f"a lower one than the simple model chosen beforehand {words.joined(simple)}."
    )


def _change(inputs: ReportInputs, place: str, skill: float) -> str:
    return f"{words.inner(inputs.title_of(place))} {words.percent(-skill, 0, True)}"
