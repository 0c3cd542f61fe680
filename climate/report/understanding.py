"""The chapter on understanding: what the network depends on and holds, its peers, a published forecast beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from climate.insight.settings import hyperparameters
from climate.insight.training import QUANTITIES
from climate.report import words
from climate.report.figures import understanding as figures
from climate.report.figures.base import Drawing, Picture, number_of
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table

NOTHING: pd.DataFrame = pd.DataFrame()
NEAR = 0.05
"""Difference of explained variance below which trained and random weights are called alike."""


@dataclass(frozen=True)
class Insight:
    """Tables of stage `understand`, and the committed results of benchmarks/; empty where there are none."""

    sweep: pd.DataFrame = field(default_factory=pd.DataFrame)
    shares: pd.DataFrame = field(default_factory=pd.DataFrame)
    ablation: pd.DataFrame = field(default_factory=pd.DataFrame)
    probes: pd.DataFrame = field(default_factory=pd.DataFrame)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    peers: Mapping[str, Any] = field(default_factory=dict)
    annual: Mapping[str, Any] = field(default_factory=dict)
    globe: Mapping[str, Any] = field(default_factory=dict)
    """Errors of the annual mean on this run's globe by span of years, see `verify.annual.error_summary`."""


def drawings(inputs: ReportInputs, insight: Insight) -> dict[str, Drawing | None]:
    """The pictures of the chapter by name."""
    titles = _titles(inputs, insight)
    return {
        "shares": figures.shares_figure(insight.shares, titles),
        "ablation": figures.ablation_figure(insight.ablation, titles),
        "probes": figures.probes_figure(insight.probes, QUANTITIES, titles),
        "curves": figures.curves_figure(insight.curves, titles),
        "peers": figures.peers_figure(peer_rows(inputs, insight)),
        "annual": figures.annual_figure(annual_rows(insight), insight.annual.get("published", [])),
    }


def page(inputs: ReportInputs, add: Callable[[Drawing | None, str], Picture | None], credit: str) -> dict[str, Any]:
    """What the template of the chapter needs; `add` develops a drawing."""
    insight = inputs.insight or Insight()
    drawn = {name: add(drawing, credit) for name, drawing in drawings(inputs, insight).items()}
    return {"drawn": drawn, "chapter": chapter(inputs, insight)}


def chapter(inputs: ReportInputs, insight: Insight) -> dict[str, Any]:
    """Sentences and tables of the chapter."""
    titles = _titles(inputs, insight)
    lstm = inputs.params.get("lstm", {})
    return {
        "plan": _plan(inputs),
        "settings_text": _settings_text(insight, titles),
        "ablation_text": _ablation_text(insight, titles),
        "probes_text": _probes_text(insight, titles),
        "curves_text": _curves_text(insight, titles),
        "layers": _layers_table(insight),
        "hyperparameters": _hyper_table(lstm) if {"units", "seeds"} <= set(lstm) else None,
        "effects": _effects_table(insight, titles),
        "peers_text": _peers_text(inputs, insight),
        "peers": _peers_table(inputs, insight),
        "annual_text": _annual_text(insight),
        "annual": _annual_table(insight),
    }


def _titles(inputs: ReportInputs, insight: Insight) -> dict[str, str]:
    found = {str(name) for frame in (insight.ablation, insight.probes) if not frame.empty for name in frame["record"]}
    return {name: inputs.title_of(name) for name in sorted(found)}


def _plan(inputs: ReportInputs) -> str:
    plan = inputs.params.get("understand") or {}
    if not plan:
        return ""
    return (
        f"Settings and parts are tried on {words.count(int(plan['origins']), 'origin')} from {plan['first_origin']} "
        f"on, every {plan['every']} months; no month from {plan['before']} on is read for it, so that the choice of "
        "settings stays apart from the contest. One training serves all of these origins."
    )


def _settings_text(insight: Insight, titles: Mapping[str, str]) -> list[str]:
    if insight.shares.empty:
        return []
    said = []
    data = figures.grouped(insight.shares)
    for (record, leads), one in data.groupby(["record", "leads"], sort=False):
        ranked = one.sort_values("share", ascending=False)
        first, second = ranked.iloc[0], ranked.iloc[1]
        runs = (
            insight.sweep[insight.sweep["record"] == record]
            .groupby([name for name in figures.SETTINGS if name in insight.sweep], sort=False)[
                f"crps_{str(leads).replace('-', '_')}"
            ]
            .mean()
        )
        spread = float(runs.max() / runs.min() - 1)
        said.append(
            f"{titles[str(record)]}, {leads} months: most of the variance goes with {_term(str(first['term']))} "
            f"({words.percent(first['share'])}), then {_term(str(second['term']))} ({words.percent(second['share'])}); "
            f"the worst of {len(runs)} settings is {words.percent(spread)} above the best."
        )
    return said


def _term(term: str) -> str:
    return {figures.SEED: "the seed", figures.PAIRS: "pairs of settings together"}.get(
        term, f"the {figures.SETTINGS.get(term, term)}"
    )


def _ablation_text(insight: Insight, titles: Mapping[str, str]) -> list[str]:
    if insight.ablation.empty:
        return []
    data, said = figures.ablation_ratios(insight.ablation), []
    for record, one in data.groupby("record", sort=False):
        means = one.groupby("variant", sort=False)["ratio"].mean()
        parts = [
            f"{label} {words.percent(float(means[name]) - 1, 1, sign=True)}"
            for name, label in figures.VARIANTS.items()
            if name in means
        ]
        worst = str(means.idxmax())
        most = (
            f"What is missed most is the part taken away in '{figures.VARIANTS[worst]}'."
            if means.max() > 1
            else "Nothing that was taken away is missed."
        )
        said.append(
            f"{titles[str(record)]}, change of CRPS, mean of both spans of leads: {words.joined(parts)}. {most}"
        )
    return said


def _probes_text(insight: Insight, titles: Mapping[str, str]) -> list[str]:
    if insight.probes.empty:
        return []
    said = []
    table = insight.probes.groupby(["record", "quantity", "network"], sort=False)[["explained", "chance95"]].mean()
    for record in titles:
        if record not in table.index.get_level_values("record"):
            continue
        held: list[str] = []
        more: list[str] = []
        less: list[str] = []
        for name, label in QUANTITIES.items():
            trained, plain = _row(table, record, name, "trained"), _row(table, record, name, "untrained")
            short = label.partition(":")[0]
            if trained["explained"] > max(float(trained["chance95"]), 0):
                held.append(f"{short} ({words.number(float(trained['explained']))})")
            difference = float(trained["explained"] - plain["explained"])
            if max(trained["explained"], plain["explained"]) > 0 and abs(difference) > NEAR:
                (more if difference > 0 else less).append(short)
        sentences = [
            f"{titles[record]}: beyond chance, a straight line through the trained network's state tells "
            f"{words.joined(held) or 'nothing of what was asked'} (share of variance)."
        ]
        if more:
            sentences.append(f"Training made clearer: {words.joined(more)}.")
        if less:
            sentences.append(f"The state with random weights tells more of: {words.joined(less)}.")
        if not more and not less:
            sentences.append("Random weights tell as much: what is read out there is the input passing through.")
        said.append(" ".join(sentences))
    return said


def _row(table: pd.DataFrame, *key: str) -> pd.Series[float]:
    return pd.Series(table.loc[[key]].iloc[0], dtype=float)


def _curves_text(insight: Insight, titles: Mapping[str, str]) -> list[str]:
    if insight.curves.empty:
        return []
    said = []
    means = insight.curves.groupby(["record", "sample", "pass"], sort=False)[
        ["loss", "shown", "plain", "variance"]
    ].mean()
    for record in dict.fromkeys(insight.curves["record"]):
        train, test = means.loc[(record, "training")], means.loc[(record, "test")]
        first, last = train.iloc[0], train.iloc[-1]
        end = test.iloc[-1]
        relation = "below" if end["loss"] < last["loss"] else "not below"
        text = (
            f"{titles[str(record)]}: test loss ends {relation} training loss, {words.number(end['loss'], 3)} against "
            f"{words.number(last['loss'], 3)}. "
        )
        gap, lag = last["loss"] - end["loss"], last["shown"] - last["loss"]
        easier, skill_train, skill_test = (
            end["plain"] / last["plain"],
            last["loss"] / last["plain"],
            end["loss"] / end["plain"],
        )
        text += (
            f"A forecast that learnt nothing has {words.number(easier)} times its training loss in the test months, "
            f"where the targets' mean square is {words.number(end['variance'])} against "
            f"{words.number(last['variance'])}: the period is {'easier' if easier < 1 else 'harder'}, whatever was "
            f"learnt. Measured against that forecast the network keeps {words.number(skill_train, 3)} of the loss in "
            f"training and {words.number(skill_test, 3)} in the test, "
        )
        text += "so it gains less on months that it has not seen. " if skill_test > skill_train else "no less gain. "
        if gap > 0:
            text += (
                f"The loss that training shows is an average over a pass while the weights still move; in the last "
                f"pass it stands {words.number(lag, 4)} above the loss at its end, beside a gap of "
                f"{words.number(gap, 4)} to the test. "
            )
        text += (
            f"From the linear start on, training {words.moves(last['loss'] / first['loss'] - 1, 'the training loss')} "
            f"and {words.moves(end['loss'] / test.iloc[0]['loss'] - 1, 'the test loss')}. The network has no dropout "
            "and no weight penalty, so neither can be the cause."
        )
        said.append(text)
    return said


def _layers_table(insight: Insight) -> Table | None:
    if insight.layers.empty:
        return None
    record = insight.layers["record"].iloc[0]
    rows = [
        [
            Cell(str(row.layer), kind="whole"),
            Cell(str(row.kind)),
            Cell(str(row.shapes)),
            Cell(f"{int(number_of(row.weights)):,}"),
        ]
        for row in insight.layers[insight.layers["record"] == record].itertuples()
    ]
    total = int(insight.layers[insight.layers["record"] == record]["weights"].sum())
    return Table(
        f"Layers of the direct LSTM that hold weights, {total:,} in all, for one seed.",
        [Column("Layer"), Column("Kind"), Column("Shapes of its weights"), Column("Weights", True)],
        rows,
    )


def _hyper_table(lstm: Mapping[str, Any]) -> Table:
    frame = hyperparameters(lstm)
    rows = []
    for model, one in frame.groupby("model", sort=False):
        listed = "; ".join(f"{row.setting} {row.value}" for row in one.itertuples())
        rows.append([Cell(style_of(str(model)).label, kind="swatch"), Cell(str(len(one))), Cell(listed)])
    return Table(
        "Hyperparameters of the networks: numbers that somebody chose. How many parameters every model estimates "
        "stands on the page of methods.",
        [Column("Model"), Column("Count", True), Column("Settings and values")],
        rows,
    )


def _effects_table(insight: Insight, titles: Mapping[str, str]) -> Table | None:
    if insight.shares.empty:
        return None
    main = insight.shares[insight.shares["term"].isin(figures.SETTINGS)]
    rows = []
    for term, one in main.groupby("term", sort=False):
        levels = sorted(insight.sweep[str(term)].unique())
        row = [Cell(words.capital(figures.SETTINGS[str(term)])), Cell(f"{levels[0]:g} to {levels[-1]:g}")]
        row += [
            Cell(
                words.percent(float(np.expm1(number_of(effect))), 1, sign=True),
                note=f"{words.percent(share)} of variance",
            )
            for effect, share in zip(one["effect"], one["share"], strict=True)
        ]
        rows.append(row)
    first = main[main["term"] == main["term"].iloc[0]]
    columns = [Column("Setting"), Column("From low to high")]
    columns += [Column(f"{titles[row.record]}, {row.leads} months", True) for row in first.itertuples()]
    return Table("Change of CRPS from the low to the high level, mean over all other settings.", columns, rows)


def peer_rows(inputs: ReportInputs, insight: Insight) -> pd.DataFrame:
    """CRPS ratios of peers and of this run's models, where this run has the record and the same origins."""
    rows = []
    for record, one in insight.peers.get("series", {}).items():
        if record not in inputs.regions:
            continue
        for leads in inputs.headline_blocks:
            scores = inputs.scores["crps"].sel(region=record, block=leads)
            best = float(scores.sel(model=inputs.best_classical(record, leads)))
            mine = [inputs.primary, "ridge-enso", "mean-weighted", inputs.best_classical(record, leads)]
            values = {name: float(scores.sel(model=name)) for name in mine if name in inputs.models}
            values |= {name: peer["crps"][leads] for name, peer in one["models"].items() if leads in peer["crps"]}
            rows += [
                {
                    "record": record,
                    "title": inputs.title_of(record),
                    "leads": leads,
                    "model": name,
                    "peer": name in one["models"],
                    "crps": value,
                    "ratio": value / best,
                }
                for name, value in values.items()
            ]
    return pd.DataFrame(rows)


def _peers_text(inputs: ReportInputs, insight: Insight) -> list[str]:
    rows = peer_rows(inputs, insight)
    if rows.empty:
        return []
    said = []
    for (title, leads), one in rows.groupby(["title", "leads"], sort=False):
        peers = one[one["peer"]].sort_values("ratio")
        own = one[one["model"] == inputs.primary]
        best = peers.iloc[0]
        text = (
            f"{title}, {leads} months: the best peer is {figures.name_of(str(best['model']))} with "
            f"{words.number(best['ratio'])} times the CRPS of the best simple model here"
        )
        if not own.empty:
            ratio = float(own["crps"].iloc[0] / best["crps"])
            relation = "below" if ratio < 1 else "above"
            text += f"; this project's LSTM stands {words.percent(abs(ratio - 1))} {relation} that peer"
        said.append(text + ".")
    return said


def _peers_table(inputs: ReportInputs, insight: Insight) -> Table | None:
    rows = peer_rows(inputs, insight)
    if rows.empty:
        return None
    records = list(insight.peers["series"].items())
    cells = []
    for name in dict.fromkeys(rows[rows["peer"]]["model"]):
        row = [Cell(figures.name_of(str(name)))]
        for record, one in records:
            peer = one["models"].get(name)
            if record not in inputs.regions:
                continue
            for leads in inputs.headline_blocks:
                found = rows[(rows["record"] == record) & (rows["leads"] == leads) & (rows["model"] == name)]
                row.append(
                    Cell(words.NONE)
                    if found.empty
                    else Cell(
                        words.number(float(found["ratio"].iloc[0])),
                        note=words.significant(float(found["crps"].iloc[0])),
                    )
                )
            row.append(Cell(peer.get("settings", words.NONE) if peer else words.NONE))
        cells.append(row)
    columns = [Column("Peer")]
    for record, _ in records:
        if record in inputs.regions:
            columns += [Column(f"{inputs.title_of(record)}, {leads} months", True) for leads in inputs.headline_blocks]
            columns.append(Column("Settings"))
    versions = insight.peers.get("versions", {})
    listed = ", ".join(
        f"{name} {versions[name]}" for name in ("statsforecast", "neuralforecast", "prophet") if name in versions
    )
    note = insight.peers.get("note", "")
    return Table(
        f"CRPS of forecasting libraries as a multiple of that of the best simple model here, and the CRPS itself. "
        f"Run of {insight.peers.get('date', '')} with {listed}. {note}".strip(),
        columns,
        cells,
    )


def annual_rows(insight: Insight) -> pd.DataFrame:
    """Errors of annual means: record, years, model, rmse, low, high, bias, correlation, n."""
    rows = []
    spans: dict[str, Mapping[str, Any]] = dict(insight.annual.get("records", {}))
    if insight.globe:
        spans["The globe, reanalysis"] = insight.globe
    for record, by_years in spans.items():
        for years, models in by_years.items():
            rows += [
                {"record": record, "model": model, **one, "years_n": one["years"], "years": years}
                for model, one in models.items()
            ]
    frame = pd.DataFrame(rows)
    return frame if frame.empty else frame.astype({"rmse": float, "low": float, "high": float})


def _annual_text(insight: Insight) -> list[str]:
    rows = annual_rows(insight)
    if rows.empty:
        return []
    said = []
    published: Sequence[Mapping[str, Any]] = insight.annual.get("published", [])
    by_years = {str(one["years"]): one for one in published}
    for (record, years), one in rows.groupby(["record", "years"], sort=False):
        best = one.sort_values("rmse").iloc[0]
        span = str(years).replace("-", words.EN_DASH)
        text = (
            f"{record}, {span} ({words.count(int(best['years_n']), 'year')}): lowest RMSE "
            f"{words.number(best['rmse'], 3)} °C ({words.number(best['low'], 3)} to {words.number(best['high'], 3)}), "
            f"{style_of(str(best['model'])).phrase}, picked after the event"
        )
        other = by_years.get(str(years))
        if other:
            inside = best["low"] <= other["rmse"] <= best["high"]
            text += f"; the Met Office's {other['rmse']:.2f} °C lies {'within' if inside else 'outside'} that interval"
        said.append(text + ".")
    return said


def _annual_table(insight: Insight) -> Table | None:
    published = insight.annual.get("published", [])
    if not published:
        return None
    rows = [
        [
            Cell(one["who"], kind="whole"),
            Cell(str(one["years"]).replace("-", words.EN_DASH)),
            Cell(f"{one['rmse']:.2f}"),
            Cell(f"{one['correlation']:.2f}"),
            Cell(one["citation"], note=one["checked"]),
        ]
        for one in published
    ]
    return Table(
        "What was published. The Met Office issued these in real time, from ENSO, greenhouse gases, volcanic dust and "
        "the sun and, from 2008 on, a climate model, against other records; here a record's own "
        "past and Nino 3.4 must do, "
        "and the hindcasts see today's revised values.",
        [Column("Forecast"), Column("Years"), Column("RMSE (°C)", True), Column("Correlation", True), Column("From")],
        rows,
    )
