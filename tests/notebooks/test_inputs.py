"""What the notebooks read is what their stage lists: a page must not depend on anything else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

STAGE: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]["notebook"]["do"]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_parameters_and_results_that_a_notebook_reads_are_listed(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    code = re.sub(r"^(from|import) .*$", "", code, flags=re.MULTILINE)
    listed = {name.partition(".")[0] for name in STAGE["params"]}
    assert set(re.findall(r"\bparams(?:\.(?!yaml)|\[\")(\w+)", code)) <= listed
    for read in re.findall(r"\b(build/[\w./-]*\w)", code):
        assert any(read.startswith(dep) for dep in STAGE["deps"]), read
