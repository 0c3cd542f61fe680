"""Stage `report`: pages, figures and their data from what the stages before left."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import xarray as xr

from climate import paths
from climate.files import read_json, read_netcdf
from climate.parallel.tasks import run_tasks
from climate.params.params import Params, load_params
from climate.report.inputs import ReportInputs
from climate.report.site import DrawnPlace, draw_place, render
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import SHAPE_READER, read_shapes, reader_file

log = logging.getLogger("climate")

ARCHITECTURE = Path("docs/architecture.md")


def run() -> None:
    """Render reports/ and say where it is; the pictures of places are drawn in several processes."""
    # the workers read build/, which the machines of a cluster need not have
    here = load_params().compute.model_copy(update={"scheduler": None})
    inputs = read_inputs()
    try:
        page = render(inputs, paths.REPORTS, run_tasks(draw_region, inputs.regions, here, "places"))
    finally:
        read_inputs.cache_clear()
    log.info("Report: %s", page.resolve())


def draw_region(region: str) -> DrawnPlace:
    """`draw_place` as a function that a worker process can be sent; each process reads what it draws from once."""
    return draw_place(read_inputs(), region)


@lru_cache(maxsize=1)
def read_inputs() -> ReportInputs:
    """What the stages before left."""
    params = load_params()
    series = {region: read_netcdf(paths.series_file(region)) for region in params.regions}
    skipped = {region: str(one.attrs["skipped"]) for region, one in series.items() if "skipped" in one.attrs}
    kept = [region for region in params.regions if region not in skipped]
    records = {name: read_netcdf(paths.record_file(name)) for name in params.records}
    return ReportInputs(
        params=params,
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
        strata=read_netcdf(paths.STRATA),
        ceiling=read_netcdf(paths.CEILING_SCORES),
        revisions=read_json(paths.REVISIONS),
        readers={key: reader_file(find_source(key)) for key in params.pull.sources},
        architecture=ARCHITECTURE.read_text(encoding="utf-8"),
        simulation=_simulation(params),
        cost=read_json(paths.COST),
        projection={path.stem: read_netcdf(path) for path in sorted(paths.PROJECTION.glob("*.nc"))},
    )


def _simulation(params: Params) -> xr.Dataset | None:
    """The simulation of the tests, if it is of this run's design; None after the design was changed."""
    simulation = xr.Dataset.from_dict(read_json(paths.SIMULATION))
    about, plan = simulation.attrs, params.backtest
    blocks = dict(zip(simulation["block"].values.tolist(), map(tuple, about["leads"]), strict=True))
    same = (about["origins"], about["every"], blocks) == (plan.origins, plan.every, params.score.blocks)
    return simulation if same else None


def _shapes(keys: list[str]) -> dict[str, Any]:
    """The polygons that were pulled, for the maps."""
    shapes = {}
    for key in keys:
        source, folder = find_source(key), paths.DATA / key
        if source.reader == SHAPE_READER and read_json(folder / "provenance.json")["status"] != "missing":
            shapes[key] = read_shapes(source, folder)
    return shapes
