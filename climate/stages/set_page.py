"""Stage `set-page`: the page of a set, from its scores."""

from __future__ import annotations

import logging

import yaml

from climate import paths
from climate.files import read_json, read_netcdf
from climate.params.params import PARAMS_FILE, load_params
from climate.report.atlas import SetInputs, render, render_skipped
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read_shapes

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Render reports/sets/<name>/."""
    params = load_params()
    definition = params.sets[name]
    scores = read_netcdf(paths.set_file(name))
    raw = yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8"))
    folder = paths.SET_PAGES / name
    if "skipped" in scores.attrs:
        page = render_skipped(definition.title, str(scores.attrs["skipped"]), folder)
    else:
        inputs = SetInputs(
            name=name,
            params=raw,
            scores=scores,
            shapes=read_shapes(find_source(definition.shapes), paths.DATA / definition.shapes),
            cut_out=bool(scores.attrs["cut_out"]),
            provenance=read_json(paths.DATA / definition.source / "provenance.json"),
        )
        page = render(inputs, folder)
    log.info("Set %s: %s", name, page.resolve())
