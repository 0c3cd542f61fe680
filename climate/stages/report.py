"""Stage `report`: pages, figures and their data from the results of the earlier stages."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import xarray as xr

from climate import paths
from climate.files import TOP_FOLDER, read_json, read_netcdf, read_text
from climate.parallel.tasks import run_tasks
from climate.params.params import load_params
from climate.report.inputs import ReportInputs, same_design, split_skipped
from climate.report.parts import Drawn, Part, draw, parts_of
from climate.report.site import render
from climate.sources.readers.registry import SHAPE_READER, read_shapes, reader_file
from climate.verify.ledger import parse

log = logging.getLogger("climate")

ARCHITECTURE = Path("docs/architecture.md")

CELL_SCORES = ("crps", "pairs")
"""What the pages read of the planet's scores, which are large."""


def run() -> None:
    """Render reports/ and say where it is; its parts are drawn in several processes."""
    # the workers read build/, which the machines of a cluster need not have
    here = load_params().compute.model_copy(update={"scheduler": None})
    inputs = read_inputs()
    try:
        page = render(inputs, paths.REPORTS, run_tasks(draw_here, parts_of(inputs), here, "report"))
    finally:
        read_inputs.cache_clear()
    log.info("Report: %s", page.resolve())


def draw_here(part: Part) -> Drawn:
    """`draw` as a function that a worker process can be sent; each process reads its inputs once."""
    return draw(read_inputs(), part)


@lru_cache(maxsize=1)
def read_inputs() -> ReportInputs:
    """The results of the earlier stages."""
    params = load_params()
    series, skipped = split_skipped({region: read_netcdf(paths.series_file(region)) for region in params.regions})
    records, _ = split_skipped({name: read_netcdf(paths.record_file(name)) for name in params.records})
    panels, _ = split_skipped({name: read_netcdf(paths.panel_file(name)) for name in params.panels})
    sources = {key: params.pull.source(key) for key in params.pull.pinned}
    provenance = {key: read_json(paths.DATA / key / "provenance.json") for key in sources}
    return ReportInputs(
        params=params,
        provenance=list(provenance.values()),
        series=series,
        forecasts={region: read_netcdf(paths.forecast_file("combined", region)) for region in series},
        scores=read_netcdf(paths.SCORES),
        seams=read_netcdf(paths.SEAMS),
        checks=read_json(paths.CHECKS),
        breaks=read_netcdf(paths.BREAKS),
        skipped=skipped,
        records=records,
        shapes={
            key: read_shapes(source, paths.DATA / key)
            for key, source in sources.items()
            if source.reader == SHAPE_READER and provenance[key]["status"] != "missing"
        },
        hypotheses=read_netcdf(paths.HYPOTHESES),
        opponents=read_netcdf(paths.OPPONENTS),
        strata=read_netcdf(paths.STRATA),
        ceiling=read_netcdf(paths.CEILING_SCORES),
        planet=read_netcdf(paths.PLANET_COMPARISONS),
        seasonal=read_netcdf(paths.SEASONAL),
        panels=panels,
        ledger=parse(read_text(paths.LEDGER, "run `climate ledger` to make it")),
        revisions=read_json(paths.REVISIONS),
        readers={key: reader_file(source) for key, source in sources.items()},
        architecture=read_text(ARCHITECTURE, TOP_FOLDER),
        simulation=same_design(xr.Dataset.from_dict(read_json(paths.SIMULATION)), params),
        cost=read_json(paths.COST),
        classical=read_json(paths.CLASSICAL),
        cells=read_netcdf(paths.PLANET_SCORES, CELL_SCORES),
        projection={path.stem: read_netcdf(path) for path in sorted(paths.PROJECTION.glob("*.nc"))},
    )
