"""The page on how far the verdicts can be trusted: calibration, seeds, cost, size and power of the tests."""

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

KEPT_ENOUGH = 0.8
"""Share of cases in which a 90% confidence set should at least keep every equal model to pass without a remark."""


def page(inputs: ReportInputs, gallery: Gallery, source: str) -> dict[str, Any]:
    """What judging.html shows; what was not scored is None."""
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
    """Networks of which several seeds were scored apart, that of the verdicts first."""
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
            for model in dict.fromkeys(filter(None, (inputs.primary, inputs.best_classical(region, block)))):
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


def fits_of(inputs: ReportInputs, model: str) -> int:
    """How often a model is estimated for one place in this run."""
    tables = [inputs.forecasts[region] for region in inputs.regions]
    table = next(
        (selected for selected in tables if "refit_every" in selected and model in selected["model"].values), None
    )
    if table is None or not np.isfinite(float(table["refit_every"].sel(model=model))):
        return 0
    every, count, last = int(table["refit_every"].sel(model=model)), 0, None
    for month in table["origin"].values.astype("datetime64[M]").astype(np.int64):
        if last is None or month - last >= every:
            count, last = count + 1, month
    return count


def cost_table(inputs: ReportInputs) -> Table:
    """Skill beside parameters, number of estimations and, where they were measured, seconds."""
    measured = {str(row["model"]): row for row in inputs.cost.get("models", [])}
    blocks = inputs.headline_blocks
    every = inputs.scores["crps_skill_reference"].sel(region=inputs.regions, model=inputs.models)
    served = every.sel(block=blocks[0]).notnull().all("model")
    common = every.isel(region=served.values) if bool(served.any()) else every
    skill = common.mean("region")
    rows = []
    for model in sorted(inputs.models, key=lambda name: -float(skill.sel(model=name, block=blocks[0]))):
        count = float(inputs.scores["parameters"].sel(model=model).max()) if "parameters" in inputs.scores else np.nan
        row = [
            style_of(model).label,
            f"{int(count):,}" if np.isfinite(count) else words.NONE,
            str(fits_of(inputs, model) or words.NONE),
        ]
        if measured:
            selected = measured.get(model, {})
            row += [
                words.significant(float(selected[key]), 2) if key in selected else words.NONE
                for key in ("fit_seconds", "forecast_seconds")
            ]
        rows.append(row + [words.percent(float(skill.sel(model=model, block=block))) for block in blocks])
    columns: list[Column | str] = ["Model", *numeric("Parameters", "Estimations per place")]
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
    pooled = any("planet" in model for model in inputs.models)
    return (
        f"{text} For a model of the planet, the time is that of one more place, without the shared estimation."
        if pooled
        else text
    )


def simulation_table(inputs: ReportInputs, simulation: xr.Dataset) -> Table:
    """Error rates of many tests at once and of the confidence set."""
    family = int(simulation.attrs["family"])
    rows = []
    for block in simulation["block"].values.astype(str):
        selected = simulation.sel(block=block)
        shares = (selected["any_raw"], selected["any_holm"], *selected["set_keeps"].sel(case=["equal", "one-better"]))
        size = words.number(float(selected["set_size"].sel(case="one-better")), 1)
        rows.append([words.capital(inputs.when(block)), *(words.percent(float(share)) for share in shares), size])
    level, gain = (words.percent(x) for x in (inputs.params.score.significance, 1 - simulation.attrs["family_ratio"]))
    return make_table(
        f"Many models at once, on {int(simulation.attrs['family_repeats'])} simulated records. With Holm's correction "
        f"the rate of any false rejection should be {level}; the 90% confidence set should contain every best model in "
        f"90%. In the last two columns one model is better by {gain}.",
        [
            "Leads",
            *numeric(f"Any of {family} equal models rejected", "The same, with Holm"),
            *numeric("Confidence set contains all equal models", "Contains the better model"),
            *numeric(f"Models in the set, of {family}"),
        ],
        rows,
    )


def simulation_text(inputs: ReportInputs, simulation: xr.Dataset) -> str:
    """Size of the test that is used, of the one that is not, and of the bootstrap, and power at a gain of 10%."""
    last = str(simulation["block"].values[-1])
    null = simulation["rejected"].sel(ratio=1.0, block=last)
    used, hln, boot = (words.percent(float(null.sel(test=test))) for test in ("used", "hln", "bootstrap"))
    power = simulation["rejected"].sel(test="used", ratio=0.9)
    weak = [inputs.when(block) for block in power["block"].values.astype(str) if float(power.sel(block=block)) < 0.5]
    seen = (
        f"A true gain of 10% is missed more often than not {words.joined(weak)}: there a result that is not "
        "significant says little."
        if weak
        else "A true gain of 10% is detected more often than not at all leads."
    )
    retained = float(simulation["set_keeps"].sel(block=last, case="equal"))
    text = (
        f"On simulated records without any difference, {inputs.when(last)}, the test that this report uses rejects "
        f"true nulls in {used} (nominal {words.percent(inputs.params.score.significance)}), the form of Harvey, "
        f"Leybourne and Newbold in {hln}; the 90% bootstrap interval misses the true value in {boot} (nominal 10%). "
        f"{seen}"
    )
    if retained >= KEPT_ENOUGH:
        return text
    return (
        f"{text} The model confidence set contains all of {int(simulation.attrs['family'])} equal models there in "
        f"{words.percent(retained)} (nominal 90%): at long leads it drops good models too often."
    )
