"""Stage `notebook`: run the walkthrough and make a page of the site from it."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import yaml
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from markupsafe import Markup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf, write_text
from climate.params.params import PARAMS_FILE, load_params
from climate.report import pages

log = logging.getLogger("climate")

NOTEBOOK = Path("notebooks/walkthrough.ipynb")

CELL_TIMEOUT = 300
"""Seconds that one cell may take; the whole takes about a minute."""


class OwnKernel(KernelSpecManager):  # type: ignore[misc]
    """Starts the interpreter that runs this, whatever kernels the user has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """A kernel of this interpreter under any name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


def run() -> None:
    """Execute the notebook in the repository's top folder and write its page into reports/.

    Raises ClimateError when a cell fails. Where the record that it tells of was skipped, the page says why.
    """
    record = load_params().notebook.record
    series = read_netcdf(paths.series_file(record))
    if "skipped" in series.attrs:
        log.warning("Walkthrough: skipped, %s", series.attrs["skipped"])
        body = Markup("<h1>A walk through a forecast</h1><p>Left out: {}</p>").format(series.attrs["skipped"])
    else:
        body = Markup(to_html(execute(read_notebook(NOTEBOOK), Path.cwd())))
    write_text(page(body, yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8"))), paths.WALKTHROUGH)


def read_notebook(path: Path) -> Any:
    """The notebook at `path`, without outputs. Raises ClimateError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        nbformat.validate(json.loads(text), version=4)
        notebook: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        raise ClimateError(f"{path} not found: run this command in the repository's top folder") from None
    except (ValueError, nbformat.ValidationError) as error:
        raise ClimateError(f"{path} is no notebook: {' '.join(str(error).split())[:160]}; restore it") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def execute(notebook: Any, folder: Path) -> Any:
    """Run all cells in `folder` with this interpreter. Raises ClimateError naming the cell that failed."""
    quiet = logging.getLogger("nbclient")
    quiet.setLevel(logging.CRITICAL)
    with TemporaryDirectory() as scratch:
        # neither the user's settings nor a home that cannot be written to may matter
        own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), scratch)
        before = {name: os.environ.get(name) for name in own}
        os.environ.update(own)
        try:
            manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=OwnKernel(), log=quiet)
            if os.name == "posix":
                manager.transport, manager.ip = "ipc", f"{scratch}/kernel"
            client = NotebookClient(
                notebook, km=manager, timeout=CELL_TIMEOUT, resources={"metadata": {"path": str(folder)}}, log=quiet
            )
            client.execute(cleanup_kc=True)
        except CellExecutionError as error:
            message = " ".join(f"{error.ename}: {error.evalue}".split())
            raise ClimateError(f"{NOTEBOOK}: {_failed(notebook)}: {message[:300]}; mend the cell") from None
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    return notebook


def _failed(notebook: Any) -> str:
    """The first cell that ended with an error, in words."""
    for cell in notebook.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"cell '{cell.id}'"
    return "a cell"


def to_html(notebook: Any) -> str:
    """The cells and outputs as HTML without scripts, styles, prompts or anything from the network.

    What was written to stderr is left out: progress and library logs differ from run to run.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    return reachable(str(body))


def reachable(body: str) -> str:
    """The same, with what may scroll sideways within reach of the keyboard: code, tables and pictures."""
    body = body.replace("<pre>", '<pre tabindex="0">')
    return re.sub(r'<div class="(output_(?:html|png)\b[^"]*)">', r'<div class="\1" tabindex="0">', body)


def page(body: Markup, params: Mapping[str, Any]) -> str:
    """`body` as a page of the site."""
    context = pages.frame(
        params,
        span="",
        standfirst="From a published record to a fair forecast comparison, one step at a time.",
    )
    return pages.page_text("walkthrough.html.j2", context | {"body": body})
