"""The page on how the forecasts were judged: calibration, seeds, cost, and what the tests can see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from climate.report import words
from climate.report.figures import judging as figures
from climate.report.figures.base import Drawing, Picture
from climate.report.figures.forecast import shown_models
from climate.report.inputs import ReportInputs
from climate.report.palette import style_of
from climate.report.tables import Cell, Column, Table

Add = Callable[[Drawing | None, str], Picture | None]
"""Develops a drawing and remembers it; the source ends its caption."""

KEPT_ENOUGH = 0.8
"""Share of cases in which a 90% confidence set should at least keep every equal model to pass without a remark."""


def page(inputs: ReportInputs, add: Add, source: str) -> dict[str, Any]:
    """What judging.html shows; what the scores do not hold is None."""
    models = figures.overview_models(inputs)
    calibrated = "pit" in inputs.scores
    seeded = seeded_models(inputs)
    simulation = inputs.simulation
    return {
        "reliability": add(figures.reliability_figure(inputs, models), source) if calibrated else None,
        "pit": add(figures.pit_figure(inputs, inputs.regions, models, "pit", "all places"), source)
        if calibrated
        else None,
        "observed": observed_table(inputs),
        "seeds": [add(figures.seeds_figure(inputs, seeded[0]), source)] if seeded else [],
        "seed_text": seed_text(inputs, seeded[0]) if seeded else "",
        "cost": cost_table(inputs),
        "cost_text": cost_text(inputs),
        "power": add(figures.power_figure(inputs, simulation), "") if simulation is not None else None,
        "simulation": simulation_table(inputs, simulation) if simulation is not None else None,
        "simulation_text": simulation_text(inputs, simulation) if simulation is not None else "",
    }


def region_pictures(inputs: ReportInputs, region: str, add: Add, source: str) -> list[Picture | None]:
    """PIT and parts of the interval score of one place, where they were scored."""
    found = []
    if "pit" in inputs.scores:
        models = [name for name in shown_models(inputs, region) if name in inputs.models]
        title = words.inner(inputs.title_of(region))
        found.append(add(figures.pit_figure(inputs, [region], models, f"{region}-pit", title), source))
    if "below90" in inputs.scores:
        found.append(add(figures.parts_figure(inputs, region), source))
    return found


def seeded_models(inputs: ReportInputs) -> list[str]:
    """Networks of which several seeds were scored apart."""
    if "crps_seed" not in inputs.scores or inputs.scores.sizes["seed"] < 2:
        return []
    known = inputs.scores["crps_seed"].notnull().any([d for d in inputs.scores["crps_seed"].dims if d != "model"])
    found = [name for name in inputs.models if bool(known.sel(model=name))]
    return sorted(found, key=lambda name: name != inputs.primary)


def seed_text(inputs: ReportInputs, model: str) -> str:
    """Whether the mean of seeds beats the single ones, and how the spread compares with the verdict."""
    parts = []
    for block in inputs.headline_blocks:
        one = inputs.scores.sel(block=block, model=model, region=inputs.regions)
        gain = float((1 - one["crps_seed_mean"] / one["crps_seed"].mean("seed")).mean())
        won = int((one["crps_seed_mean"] < one["crps_seed"].min("seed")).sum())
        wins = words.spell(won) if won else "none"
        ratio = one["crps_seed"] / one["crps_seed_mean"]
        spread = float((ratio.max("seed") - ratio.min("seed")).median())
        seeds = int(one["crps_seed"].notnull().any("region").sum())
        parts.append(
            f"{words.capital(words.ahead(*inputs.leads_of(block)))}, averaging the quantiles of {words.spell(seeds)} "
            f"seeds {words.moves(-gain, 'the error')} against a single one in the mean of all places, and beats the "
            f"best seed in {wins} of {words.spell(len(inputs.regions))}; in the median place the best and "
            f"the worst seed are {words.percent(spread, 1)} apart."
        )
    return " ".join(parts)


def observed_table(inputs: ReportInputs) -> Table | None:
    """Scores with the uncertainty of the observation counted in, beside those without; where it is published."""
    if "crps_widened" not in inputs.scores:
        return None
    rows = []
    for region in inputs.regions:
        unit = words.unit(str(inputs.series[region].attrs.get("units", "")))
        for block in [str(name) for name in inputs.scores["block"].values]:
            one = inputs.scores.sel(region=region, block=block)
            if not bool(one["crps_widened"].notnull().any()):
                continue
            for model in dict.fromkeys(name for name in (inputs.primary, inputs.best_classical(region, block)) if name):
                value = one.sel(model=model)
                rows.append(
                    [
                        Cell(inputs.title_of(region), note=unit),
                        Cell(words.EN_DASH.join(str(lead) for lead in dict.fromkeys(inputs.leads_of(block)))),
                        Cell(style_of(model).label),
                        Cell(words.significant(float(value["crps"]))),
                        Cell(words.significant(float(value["crps_widened"]))),
                        Cell(words.percent(float(value["coverage90"]))),
                        Cell(words.percent(float(value["coverage90_widened"]))),
                        Cell(words.significant(float(one["crps_floor"]))),
                    ]
                )
    if not rows:
        return None
    columns = [
        Column("Place"),
        Column("Leads"),
        Column("Model"),
        Column("CRPS", True),
        Column("CRPS, widened", True),
        Column("In 90% interval", True),
        Column("In it, widened", True),
        Column("Least CRPS possible", True),
    ]
    return Table(
        "Scores as they are everywhere else in this report, and of forecasts widened by the published uncertainty of "
        "the observation that they are scored with. The least possible CRPS is what a perfect forecast of the true "
        "value would get for the observation's own error. Places whose record publishes no uncertainty are left out.",
        columns,
        rows,
    )


def fits_of(inputs: ReportInputs, model: str) -> int:
    """How often a model is estimated for one place in this run."""
    tables = [inputs.forecasts[region] for region in inputs.regions]
    table = next((one for one in tables if "refit_every" in one and model in one["model"].values), None)
    if table is None or not np.isfinite(float(table["refit_every"].sel(model=model))):
        return 0
    every = int(table["refit_every"].sel(model=model))
    months = table["origin"].values.astype("datetime64[M]").astype(np.int64)
    count, last = 0, None
    for month in months:
        if last is None or month - last >= every:
            count, last = count + 1, month
    return count


def cost_table(inputs: ReportInputs) -> Table:
    """Skill beside parameters, number of estimations and, where they were measured, seconds."""
    measured = {str(row["model"]): row for row in inputs.cost.get("models", [])}
    blocks = inputs.headline_blocks
    columns = [Column("Model"), Column("Parameters", True), Column("Estimations per place", True)]
    columns += [Column("Seconds for one", True), Column("Seconds for a forecast", True)] if measured else []
    columns += [Column(f"Skill, {words.ahead(*inputs.leads_of(block))}", True) for block in blocks]
    rows = []
    every = inputs.scores["crps_skill_reference"].sel(region=inputs.regions, model=inputs.models)
    served = every.sel(block=blocks[0]).notnull().all("model")
    common = every.isel(region=served.values) if bool(served.any()) else every
    skill = common.mean("region")
    parameters = inputs.scores["parameters"].max("region") if "parameters" in inputs.scores else None
    for model in sorted(inputs.models, key=lambda name: -float(skill.sel(model=name, block=blocks[0]))):
        count = float(parameters.sel(model=model)) if parameters is not None else float("nan")
        fits = fits_of(inputs, model)
        row = [
            Cell(style_of(model).label),
            Cell(f"{int(count):,}" if np.isfinite(count) else words.NONE),
            Cell(str(fits) if fits else words.NONE),
        ]
        if measured:
            one = measured.get(model)
            row += [
                Cell(words.significant(float(one[key]), 2) if one else words.NONE)
                for key in ("fit_seconds", "forecast_seconds")
            ]
        row += [Cell(words.percent(float(skill.sel(model=model, block=block)))) for block in blocks]
        rows.append(row)
    reference = style_of(inputs.reference).phrase
    return Table(
        f"What each model costs beside what it brings. Skill is the share of the CRPS of {reference} that is saved, "
        f"in the mean of the {words.count(common.sizes['region'], 'place')} that all models serve. Parameters are "
        "those of the last estimation, of the place with most; a combination has those of its members together.",
        columns,
        rows,
    )


def cost_text(inputs: ReportInputs) -> str:
    """Where the seconds were measured: never in the run itself, whose files hold no clock."""
    cost: Mapping[str, Any] = inputs.cost
    if not cost.get("models"):
        return ""
    said = (
        f"The seconds were not measured in this run, whose files are the same byte for byte each time, but once with "
        f"benchmarks/cost.py on {cost['date']}: {cost['machine']}, on the record of "
        f"{words.inner(inputs.title_of(cost['region']))}. Times on another machine differ; their order hardly."
    )
    pooled = any("pooled" in model for model in inputs.models)
    return f"{said} A pooled model is charged for what one place adds, not for the pool." if pooled else said


def simulation_table(inputs: ReportInputs, simulation: xr.Dataset) -> Table:
    """Errors of many tests at once and of the confidence set."""
    family = int(simulation.attrs["family"])
    rows = []
    for block in [str(name) for name in simulation["block"].values]:
        one = simulation.sel(block=block)
        rows.append(
            [
                Cell(words.capital(words.ahead(*inputs.leads_of(block)))),
                Cell(words.percent(float(one["any_raw"]))),
                Cell(words.percent(float(one["any_holm"]))),
                Cell(words.percent(float(one["set_keeps"].sel(case="equal")))),
                Cell(words.percent(float(one["set_keeps"].sel(case="one-better")))),
                Cell(words.number(float(one["set_size"].sel(case="one-better")), 1)),
            ]
        )
    columns = [
        Column("Leads"),
        Column(f"Any of {family} equal models called different", True),
        Column("The same, with Holm", True),
        Column("Confidence set kept all equal models", True),
        Column("Kept the one better model", True),
        Column(f"Models kept of {family}", True),
    ]
    gain = words.percent(1 - float(simulation.attrs["family_ratio"]))
    return Table(
        f"Many models at once, on {int(simulation.attrs['family_repeats'])} made-up records. With Holm's correction "
        f"any false call should come in {words.percent(inputs.significance)}; the 90% confidence set should keep every "
        f"best model in 90%. In the last two columns one model is better by {gain}.",
        columns,
        rows,
    )


def simulation_text(inputs: ReportInputs, simulation: xr.Dataset) -> str:
    """What the simulation says of the test that is used, of the one that is not, and of the bootstrap."""
    null = simulation["rejected"].sel(ratio=1.0)
    last = str(simulation["block"].values[-1])
    when = words.ahead(*inputs.leads_of(last))
    used, hln, boot = (float(null.sel(block=last, test=test)) for test in ("used", "hln", "bootstrap"))
    power = simulation["rejected"].sel(test="used", ratio=0.9)
    weak = [
        words.ahead(*inputs.leads_of(str(b))) for b in simulation["block"].values if float(power.sel(block=b)) < 0.5
    ]
    seen = (
        f"A true gain of 10% is missed more often than seen {words.joined(weak)}: there "
        "“no significant difference” says little."
        if weak
        else "A true gain of 10% is seen more often than missed at all leads."
    )
    kept = float(simulation["set_keeps"].sel(block=last, case="equal"))
    said = (
        f"On records without any difference, {when}, the test that this report uses errs in {words.percent(used)} of "
        f"cases (it should in {words.percent(inputs.significance)}), the form of Harvey, Leybourne and Newbold in "
        f"{words.percent(hln)}; and the 90% bootstrap interval leaves 1 out in {words.percent(boot)} (it should in "
        f"10%). {seen}"
    )
    if kept >= KEPT_ENOUGH:
        return said
    return (
        f"{said} The model confidence set keeps all of {int(simulation.attrs['family'])} equal models there in "
        f"{words.percent(kept)} of cases (it should in 90%): at long leads it drops good models too easily."
    )
