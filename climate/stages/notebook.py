"""Stage `notebook`: run a notebook and make a page of the site, or slides, from it."""

from __future__ import annotations

import logging
from pathlib import Path

from climate import paths
from climate.errors import ClimateError
from climate.files import TOP_FOLDER, read_json, read_netcdf, read_text, write_text
from climate.params.params import load_params
from climate.report import notebooks

log = logging.getLogger("climate")


def run(name: str) -> None:
    """Execute notebooks/<name>.ipynb in the repository's top folder and write reports/<name>.html.

    Where a record that it looks at was skipped, the page says why. Raises ClimateError when a cell fails.
    """
    known = load_params().notebooks
    if name not in known:
        raise ClimateError(f"params.yaml: notebooks has no '{name}', expected one of {[*known]}; add it there")
    source = paths.NOTEBOOKS / f"{name}.ipynb"
    notebook = notebooks.parse(read_text(source, TOP_FOLDER), str(source))
    series = [read_netcdf(paths.series_file(record)) for record in known[name].records]
    skipped = "; ".join(str(each.attrs["skipped"]) for each in series if "skipped" in each.attrs)
    if skipped:
        log.warning("%s: skipped, %s", source, skipped)
        page = notebooks.page_without(notebook, name, skipped)
    else:
        notebooks.execute(notebook, str(source), Path.cwd())
        page = notebooks.slides(notebook, *_library()) if notebooks.is_slides(notebook) else ""
        page = page or notebooks.page(notebook, name)
    write_text(page, paths.REPORTS / f"{name}.html")


def _library() -> tuple[dict[str, str], str]:
    """The files of reveal.js, and "", or nothing and the reason."""
    folder = paths.DATA / "reveal-js"
    if not folder.exists():
        return {}, "params.yaml does not name it under pull.sources; add reveal-js there and run dvc repro"
    provenance = read_json(folder / "provenance.json")
    if provenance["status"] == "missing":
        return {}, f"{'; '.join(provenance['reasons'])}; run climate retry"
    return {name: read_text(folder / name) for name in notebooks.LIBRARY}, ""
