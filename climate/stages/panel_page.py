"""Stage `panel-page`: the page of a panel, from its scores."""

from __future__ import annotations

import logging

from climate import paths
from climate.files import read_json, read_netcdf
from climate.params.params import load_params
from climate.params.sections import LAND
from climate.report.atlas import PanelInputs, render, render_skipped
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read_shapes

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Render reports/panels/<name>/."""
    params = load_params()
    definition, folder = params.panels[name], paths.PANEL_PAGES / name
    scores = read_netcdf(paths.panel_file(name))
    if "skipped" in scores.attrs:
        page = render_skipped(definition.title, str(scores.attrs["skipped"]), folder)
    else:
        shapes = read_shapes(find_source(definition.shapes), paths.DATA / definition.shapes)
        provenance = read_json(paths.DATA / definition.source / "provenance.json")
        opponents = read_netcdf(paths.OPPONENTS)
        missing = read_json(paths.DATA / LAND / "provenance.json")["status"] == "missing"
        land = None if missing else read_shapes(find_source(LAND), paths.DATA / LAND)
        page = render(PanelInputs(params.score, scores, shapes, provenance, opponents, definition.caveat, land), folder)
    log.info("Panel %s: %s", name, page.resolve())
