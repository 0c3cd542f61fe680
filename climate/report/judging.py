"""The page on how far the results can be trusted: calibration, seeds, cost, size and power of the test."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climate.report import words
from climate.report.figures import judging as figures
from climate.report.figures.base import Picture
from climate.report.figures.forecast import shown_models
from climate.report.gallery import Gallery
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table, make_table, numeric
from climate.verify.significance import LEVEL


def page(inputs: ReportInputs, gallery: Gallery, source: str) -> dict[str, Any]:
    """What how-we-know.html shows of it; what was not scored is None."""
    models = figures.overview_models(inputs)
    pit = "pit" in inputs.scores
    seeded = seeded_models(inputs)
    simulation = inputs.simulation
    return {
        "reliability": gallery.add(figures.reliability_figure(inputs, models), source) if pit else None,
        "pit": gallery.add(figures.pit_figure(inputs, inputs.regions, models, "pit", "all places"), source)
        if pit
        else None,
        "observed": observed_table(inputs),
        "seeds": gallery.add(figures.seeds_figure(inputs, seeded[0]), source) if seeded else None,
        "seed_text": seed_text(inputs, seeded[0]) if seeded else "",
        "cost": cost_table(inputs),
        "cost_text": cost_text(inputs),
        "power": gallery.add(figures.power_figure(inputs, simulation), "") if simulation is not None else None,
        "simulation": simulation_table(inputs, simulation) if simulation is not None else None,
        "simulation_text": simulation_text(inputs, simulation) if simulation is not None else "",
    }


def region_pictures(inputs: ReportInputs, region: str, gallery: Gallery, source: str) -> list[Picture | None]:
    """PIT and parts of the interval score of one place, where they were scored."""
    pictures = []
    if "pit" in inputs.scores:
        models = [name for name in shown_models(inputs, region) if name in inputs.models]
        title = words.inner(inputs.title_of(region))
        pictures.append(gallery.add(figures.pit_figure(inputs, [region], models, f"{region}-pit", title), source))
    if "below90" in inputs.scores:
        pictures.append(gallery.add(figures.parts_figure(inputs, region), source))
    return pictures


def seeded_models(inputs: ReportInputs) -> list[str]:
    """Networks of which several seeds were scored apart, that of the comparisons first."""
    if "crps_seed" not in inputs.scores or inputs.scores.sizes["seed"] < 2:
        return []
    known = inputs.scores["crps_seed"].notnull().any(("region", "seed", "block"))
    return sorted((name for name in inputs.models if known.sel(model=name)), key=lambda name: name != inputs.primary)


def seed_text(inputs: ReportInputs, model: str) -> str:
    """Whether the mean of seeds beats the single ones, and how far seeds differ."""
    sentences = []
    for block in inputs.headline_blocks:
        selected = inputs.scores.sel(block=block, model=model, region=inputs.regions)
        gain = float((1 - selected["crps_seed_mean"] / selected["crps_seed"].mean("seed")).mean())
        won = int((selected["crps_seed_mean"] < selected["crps_seed"].min("seed")).sum())
        ratio = selected["crps_seed"] / selected["crps_seed_mean"]
        spread = float((ratio.max("seed") - ratio.min("seed")).median())
        seeds = int(selected["crps_seed"].notnull().any("region").sum())
        sentences.append(
            f"{words.capital(inputs.when(block))}, averaging the quantiles of {words.spell(seeds)} seeds "
            f"{words.moves(-gain, 'the CRPS')} compared with a single seed (mean over places) and beats the best seed "
            f"in {words.how_many(won)} of {words.count(len(inputs.regions), 'place')}; the best and the worst seed "
            f"differ by {words.percent(spread, 1)} (median over places)."
        )
    return " ".join(sentences)


def observed_table(inputs: ReportInputs) -> Table | None:
    """Scores with and without the uncertainty of the observation, where it is published."""
    if "crps_widened" not in inputs.scores:
        return None
    rows: list[list[Cell | str]] = []
    for region in inputs.regions:
        for block in inputs.blocks:
            selected = inputs.scores.sel(region=region, block=block)
            if not bool(selected["crps_widened"].notnull().any()):
                continue
            for model in dict.fromkeys(filter(None, (inputs.primary, inputs.opponent(region, block)))):
                value = selected.sel(model=model)
                crps, widened, floor = (
                    words.significant(float(value[name])) for name in ("crps", "crps_widened", "crps_floor")
                )
                covered = [words.percent(float(value[name])) for name in ("coverage90", "coverage90_widened")]
                title = Cell(inputs.title_of(region), note=inputs.unit(region))
                rows.append([title, inputs.leads(block), style_of(model).label, crps, widened, *covered, floor])
    if not rows:
        return None
    return make_table(
        "Scores as elsewhere in this report, and scores of forecasts widened by the published uncertainty of the "
        "observation. The lowest possible CRPS is that of a perfect forecast of the true value, given the error of the "
        "observation. Places whose record publishes no uncertainty are left out.",
        [
            *("Place", "Leads", "Model"),
            *numeric("CRPS", "CRPS, widened", "In 90% interval", "In it, widened", "Lowest possible CRPS"),
        ],
        rows,
    )


def cost_table(inputs: ReportInputs) -> Table:
    """Skill beside parameters and, where they were measured, seconds."""
    measured = {str(row["model"]): row for row in inputs.cost.get("models", [])}
    blocks = inputs.headline_blocks
    every = inputs.scores["skill"].sel(region=inputs.regions, model=inputs.models)
    served = every.sel(block=blocks[0]).notnull().all("model")
    common = every.isel(region=served.values) if bool(served.any()) else every
    skill = common.mean("region")
    rows = []
    for model in sorted(inputs.models, key=lambda name: -float(skill.sel(model=name, block=blocks[0]))):
        count = float(inputs.scores["parameters"].sel(model=model).max()) if "parameters" in inputs.scores else np.nan
        row = [
            style_of(model).label,
            f"{int(count):,}" if np.isfinite(count) else words.NONE,
        ]
        if measured:
            selected = measured.get(model, {})
            row += [
                words.significant(float(selected[key]), 2) if key in selected else words.NONE
                for key in ("fit_seconds", "forecast_seconds")
            ]
        rows.append(row + [words.percent(float(skill.sel(model=model, block=block))) for block in blocks])
    columns: list[Column | str] = ["Model", *numeric("Parameters")]
    columns += numeric("Seconds to estimate", "Seconds to forecast") if measured else []
    columns += numeric(*(f"Skill, {inputs.when(block)}" for block in blocks))
    return make_table(
        f"Cost and skill of each model. Skill is 1 minus the ratio of its CRPS to that of "
        f"{style_of(inputs.reference).phrase}, averaged over the {words.count(common.sizes['region'], 'place')} that "
        "all models serve. Parameters are those of the last estimation, of the place with most; a combination has "
        "those of all its members.",
        columns,
        rows,
    )


def cost_text(inputs: ReportInputs) -> str:
    """Where the seconds were measured: not in the run itself, whose files are reproducible to the byte."""
    cost = inputs.cost
    if not cost.get("models"):
        return ""
    text = (
        f"Seconds were measured once by benchmarks/cost.py on {cost['date']}, not in this run, whose files are "
        f"reproducible to the byte: {cost['machine']}, record of {words.inner(inputs.title_of(cost['region']))}. Other "
        "machines take other times, in much the same order."
    )
    of_planet = any("planet" in model for model in inputs.models)
    return (
        f"{text} For a model of the planet, the time is that of one more place, without the shared estimation."
        if of_planet
        else text
    )


def simulation_table(inputs: ReportInputs, simulation: xr.Dataset) -> Table:
    """Coverage of the intervals and size of the test, by block of leads and memory of the errors."""
    rows = []
    for block in simulation["block"].values.astype(str):
        for memory in simulation["memory"].values:
            selected = simulation.sel(block=block, memory=memory)
            shares = (selected["covered"].sel(ratio=1.0), *selected["rejected"])
            row = [words.capital(inputs.when(block)), words.number(float(memory), 1)]
            row += [f"{int(selected['origins'])}", f"{int(selected['cosines'])}"]
            rows.append([*row, *(words.percent(float(share), 1) for share in shares)])
    gains = [words.percent(1 - float(ratio)) for ratio in simulation["ratio"].values[1:]]
    return make_table(
        f"Intervals and test on {int(simulation.attrs['repeats']):,} simulated records: how often the "
        f"{words.percent(LEVEL)} interval contains the true ratio, and how often the test rejects equal errors, at "
        f"the level of {words.percent(inputs.params.score.significance)}. Memory: correlation of errors from one month "
        "to the next.",
        [
            "Leads",
            *numeric("Memory", "Origins", "Cosines", "Interval holds", "Rejects with no gain"),
            *numeric(*(f"Rejects a gain of {gain}" for gain in gains)),
        ],
        rows,
    )


def simulation_text(inputs: ReportInputs, simulation: xr.Dataset) -> str:
    """What intervals and test hold, and where a true gain of 10% would be missed."""
    held, size = simulation["covered"].sel(ratio=1.0), simulation["rejected"].sel(ratio=1.0)
    ends = [[words.percent(float(end), 1) for end in (values.min(), values.max())] for values in (held, size)]
    power = simulation["rejected"].sel(ratio=0.9).min("memory")
    weak = [inputs.when(block) for block in power["block"].values.astype(str) if float(power.sel(block=block)) < 0.5]
    seen = (
        f"A true gain of 10% is missed more often than not {words.joined(weak)}: there, that no difference is shown "
        "says little."
        if weak
        else "A true gain of 10% is detected more often than not at all leads."
    )
    return (
        f"On simulated records the {words.percent(LEVEL)} interval contains the true ratio in {ends[0][0]} to "
        f"{ends[0][1]} of cases, and the test rejects equal errors in {ends[1][0]} to {ends[1][1]} (nominal "
        f"{words.percent(inputs.params.score.significance)}). {seen}"
    )
