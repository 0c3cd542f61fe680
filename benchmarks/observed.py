"""`make observed`: the contest on observed records, in a copy of the pipeline below build/.

`python -m benchmarks.observed configure` sets what benchmarks/observed.yaml lists in the copy's params.yaml;
`python -m benchmarks.observed publish` writes reports/observed/ from what `dvc repro` has made there.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from climate import paths
from climate.files import read_json, read_netcdf
from climate.params.params import load_params
from climate.params.regions import required_sources
from climate.report.observed import ObservedInputs, render

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "observed"
REPORT = ROOT / "reports" / "observed"


def changed(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters with what benchmarks/observed.yaml lists: dotted key -> value."""
    for key, value in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).items():
        *sections, last = key.split(".")
        inner = params
        for section in sections:
            inner = inner[section]
        inner[last] = value
    return params


def configure() -> None:
    """Change params.yaml of the copy."""
    target = COPY / "params.yaml"
    params = changed(yaml.safe_load(target.read_text(encoding="utf-8")))
    target.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")


def publish() -> None:
    """Render the page, and copy those of the panels."""
    params = load_params(COPY / "params.yaml")
    names = params.definitions
    used = {key for name in names for key in required_sources(name, names, params.harmonize)}
    used |= {key for panel in params.panels.values() for key in panel.sources}
    inputs = ObservedInputs(
        {name: region.title for name, region in params.regions.items()},
        params.score.blocks,
        read_netcdf(COPY / paths.SCORES),
        read_netcdf(COPY / paths.HYPOTHESES),
        {name: read_netcdf(COPY / paths.panel_file(name)) for name in params.panels},
        [read_json(COPY / paths.DATA / key / "provenance.json") for key in sorted(used)],
    )
    shutil.rmtree(REPORT, ignore_errors=True)
    for name in params.panels:
        shutil.copytree(COPY / paths.PANEL_PAGES / name, REPORT / name)
    print(f"Report: {render(inputs, REPORT)}")


if __name__ == "__main__":
    {"configure": configure, "publish": publish}[sys.argv[1]]()
