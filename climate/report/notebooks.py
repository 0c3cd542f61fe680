"""Notebooks: run by this interpreter, then made into pages or slides of the site."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib as mpl
import nbformat
import numpy as np
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from markupsafe import Markup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter, SlidesExporter
from PIL import Image
from traitlets.config import Config

from climate.errors import ClimateError
from climate.report import pages
from climate.report.figures.base import reduce_colours

CELL_TIMEOUT = 300
"""Seconds that one cell may take."""

HIDDEN = "hide-input"
"""Tag of cells whose code is left out of the page; their output stays."""

LIBRARY = ("reveal.js", "reveal.css", "notes.js", "LICENSE")
"""Released files of reveal.js that are inlined in the page of slides."""

_EXPORT = Config({"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": [HIDDEN]}})

_SLIDES = """{% extends 'base.html.j2' %}
{% block data_png scoped %}
<img src="data:image/png;base64,{{ output.data['image/png'] }}"
 alt="{{ output | get_metadata('alt', 'image/png') | escape_html }}">
{% endblock %}
"""
"""nbconvert's sections without the page around them, and with the pictures' texts, which its template leaves out."""


QUIET_LIBRARIES = "__import__('logging').basicConfig(level='ERROR')"
"""Run first in a kernel. TensorFlow logs to stdout there, with addresses in memory, unless logging is set up."""


class OwnKernel(KernelSpecManager):  # type: ignore[misc]
    """Starts the interpreter that runs this, whatever kernels the user has registered."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """A kernel of this interpreter under any name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        command.append(f"--IPKernelApp.exec_lines={QUIET_LIBRARIES}")
        return KernelSpec(argv=command, display_name=kernel_name, language="python")


def parse(text: str, name: str) -> Any:
    """The notebook in `text`, without outputs. Raises ClimateError with its `name` if it is none."""
    try:
        nbformat.validate(json.loads(text), version=4)
        notebook: Any = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, nbformat.ValidationError) as error:
        raise ClimateError(f"{name} is not a notebook: {' '.join(str(error).split())[:160]}; restore it") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def heading(notebook: Any) -> str:
    """The first heading."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    match = re.search(r"^#+ (.+)$", text, re.MULTILINE)
    return match[1] if match else "Notebook"


def is_slides(notebook: Any) -> bool:
    """Whether its cells say which slide they belong to."""
    return any("slideshow" in cell.metadata for cell in notebook.cells)


def execute(notebook: Any, name: str, folder: Path) -> None:
    """Run all cells in `folder` with this interpreter. Raises ClimateError naming the cell that failed."""
    quiet = logging.getLogger("nbclient")
    quiet.setLevel(logging.CRITICAL)
    with TemporaryDirectory() as scratch:
        # neither the user's settings nor a home that cannot be written to may matter
        own = dict.fromkeys(("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"), scratch)
        own["MATPLOTLIBRC"] = f"{mpl.get_data_path()}/matplotlibrc"
        before = {variable: os.environ.get(variable) for variable in own}
        os.environ.update(own)
        try:
            manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=OwnKernel(), log=quiet)
            if os.name == "posix":
                manager.transport, manager.ip = "ipc", f"{scratch}/kernel"
            client = NotebookClient(
                notebook,
                km=manager,
                timeout=CELL_TIMEOUT,
                resources={"metadata": {"path": str(folder)}},
                coalesce_streams=True,  # else text comes in pieces that depend on timing
                log=quiet,
            )
            client.execute(cleanup_kc=True)
        except CellExecutionError as error:
            message = " ".join(f"{error.ename}: {error.evalue}".split())
            raise ClimateError(f"{name}: {_failed(notebook)}: {message[:300]}; fix the cell") from None
        finally:
            for variable, value in before.items():
                os.environ.pop(variable, None) if value is None else os.environ.update({variable: value})


def _failed(notebook: Any) -> str:
    """The first cell that ended with an error, in words."""
    for cell in notebook.cells:
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return f"cell '{cell.id}'"
    return "a cell"


def page(notebook: Any, name: str) -> str:
    """An executed notebook as a page of the site."""
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config=_EXPORT,
    )
    body = reachable(exporter.from_notebook_node(_tidy(notebook))[0])
    return _in_site(heading(notebook), name, Markup(body))


def page_without(notebook: Any, name: str, reason: str) -> str:
    """The page of a notebook that could not run, saying why."""
    title = heading(notebook)
    return _in_site(title, name, Markup("<h1>{}</h1><p>Left out: {}</p>").format(title, reason))


def _in_site(title: str, name: str, body: Markup) -> str:
    context = pages.frame(span="", standfirst=title)
    return pages.page_text("notebook.html.j2", context | {"page": name, "title": title, "body": body})


def slides(notebook: Any, library: Mapping[str, str], reason: str) -> str:
    """An executed notebook as slides in one file.

    `library`: the LIBRARY files by name; where it is empty the slides follow one below the other, and the page says
    so with `reason`.
    """
    exporter = SlidesExporter(  # type: ignore[no-untyped-call]
        raw_template=_SLIDES,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        config=_EXPORT,
    )
    body, _ = exporter.from_notebook_node(_tidy(notebook))
    inlined = {file: Markup(text) for file, text in library.items()}
    context = {"title": heading(notebook), "reason": reason, "body": Markup(body), "library": inlined}
    return pages.page_text("slides.html.j2", context)


def _tidy(notebook: Any) -> Any:
    """The notebook without stderr, whose progress and logs differ from run to run, and with small pictures."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output.data["image/png"] = _small(output.data["image/png"])
    return notebook


def _small(encoded: str) -> str:
    """A PNG in base64 with a palette, about a third of the size."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
    out = io.BytesIO()
    reduce_colours(pixels).save(out, format="PNG", optimize=True)
    return base64.b64encode(out.getvalue()).decode("ascii")


def reachable(body: str) -> str:
    """The same, with what may scroll sideways within reach of the keyboard: code, tables and pictures."""
    body = body.replace("<pre>", '<pre tabindex="0">')
    return re.sub(r'<div class="(output_(?:html|png)\b[^"]*)">', r'<div class="\1" tabindex="0">', body)
