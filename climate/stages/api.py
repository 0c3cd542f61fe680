"""Stage `api`: the reference of the code as pages of the site."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import griffe
import yaml

from climate import paths
from climate.files import write_text
from climate.params.params import PARAMS_FILE
from climate.report.api_pages import api_pages

log = logging.getLogger("climate")


def run() -> None:
    """Read the docstrings below climate/ without importing anything, and write reports/api/."""
    package = griffe.load("climate", search_paths=[Path.cwd()], allow_inspection=False, resolve_aliases=False)
    assert isinstance(package, griffe.Module)
    made = api_pages(package, yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8")))
    shutil.rmtree(paths.API, ignore_errors=True)
    for name, page in made.items():
        write_text(page, paths.API / name)
    log.info("Reference of the code: %s", (paths.API / "index.html").resolve())
