"""Stage `report`: pages, figures and their data from what the stages before left."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from climate import paths
from climate.files import read_json, read_netcdf
from climate.parallel.tasks import run_tasks
from climate.params.params import PARAMS_FILE, load_params
from climate.report.inputs import ReportInputs
from climate.report.numbers import Contest
from climate.report.site import DrawnPlace, all_contests, draw_place, render
from climate.report.understanding import Insight
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import SHAPE_READER, read_shapes, reader_file
from climate.verify.annual import annual_hindcasts, error_summary

log = logging.getLogger("climate")

ARCHITECTURE = Path("docs/architecture.md")

GLOBE = "globe"
"""Region whose annual means are compared with published forecasts, where it is run."""


def run() -> None:
    """Render reports/ and say where it is; the pictures of places are drawn in several processes."""
    # the workers read build/, which the machines of a cluster need not have
    here = load_params().compute.model_copy(update={"scheduler": None})
    inputs = read_inputs()
    try:
        page = render(inputs, paths.REPORTS, run_tasks(draw_region, inputs.regions, here, "places"))
    finally:
        _drawn_from.cache_clear()
    log.info("Report: %s", page.resolve())


def draw_region(region: str) -> DrawnPlace:
    """`draw_place` as a function that a worker process can be sent; each process reads what it draws from once."""
    return draw_place(*_drawn_from(), region)


@lru_cache(maxsize=1)
def _drawn_from() -> tuple[ReportInputs, list[Contest]]:
    inputs = read_inputs()
    return inputs, all_contests(inputs)


def read_inputs() -> ReportInputs:
    """What the stages before left."""
    params = load_params()
    series = {region: read_netcdf(paths.series_file(region)) for region in params.regions}
    skipped = {region: str(one.attrs["skipped"]) for region, one in series.items() if "skipped" in one.attrs}
    kept = [region for region in params.regions if region not in skipped]
    records = {name: read_netcdf(paths.record_file(name)) for name in params.records}
    return ReportInputs(
        title=params.report.title,
        params=yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8")),
        provenance=[read_json(paths.DATA / source / "provenance.json") for source in params.pull.sources],
        series={region: series[region] for region in kept},
        forecasts={region: read_netcdf(paths.forecast_file("combined", region)) for region in kept},
        scores=read_netcdf(paths.SCORES),
        seams=read_netcdf(paths.SEAMS),
        checks=read_json(paths.CHECKS),
        breaks=read_netcdf(paths.BREAKS),
        skipped=skipped,
        records={name: record for name, record in records.items() if "skipped" not in record.attrs},
        shapes=_shapes(list(params.pull.sources)),
        groups=read_netcdf(paths.GROUPS),
        ceiling=read_netcdf(paths.CEILING_SCORES),
        revisions=read_json(paths.REVISIONS),
        insight=_insight(kept),
        readers={key: reader_file(find_source(key)) for key in params.pull.sources},
        architecture=ARCHITECTURE.read_text(encoding="utf-8"),
        simulation=read_netcdf(paths.SIMULATION),
        cost=read_json(paths.COST),
        projection={path.stem: read_netcdf(path) for path in sorted(paths.PROJECTION.glob("*.nc"))},
    )


def _insight(regions: list[str]) -> Insight:
    """What stage `understand` left, and the committed results of benchmarks/."""
    tables = {
        path.stem: pd.read_csv(path)
        for path in sorted(paths.UNDERSTANDING.glob("*.csv"))
        if path.read_text(encoding="utf-8").strip()
    }
    annual = read_json(paths.ANNUAL) if paths.ANNUAL.exists() else {}
    globe = {}
    if GLOBE in regions:
        hindcasts = annual_hindcasts(read_netcdf(paths.forecast_file("combined", GLOBE)))
        if hindcasts.sizes["year"]:
            first, last = int(hindcasts["year"][0]), int(hindcasts["year"][-1])
            globe = {f"{first}-{last}": error_summary(hindcasts)}
    peers = read_json(paths.PEERS) if paths.PEERS.exists() else {}
    return Insight(**tables, peers=peers, annual=annual, globe=globe)


def _shapes(keys: list[str]) -> dict[str, Any]:
    """The polygons that could be pulled, for the maps."""
    found = {}
    for key in keys:
        source, folder = find_source(key), paths.DATA / key
        if source.reader == SHAPE_READER and read_json(folder / "provenance.json")["status"] != "missing":
            found[key] = read_shapes(source, folder)
    return found
