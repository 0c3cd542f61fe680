"""The sample run and its report, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from climate.report.inputs import ReportInputs
from climate.report.site import render
from tests.report.samples import make_inputs


@pytest.fixture(scope="session")
def inputs() -> ReportInputs:
    return make_inputs()


@pytest.fixture(scope="session")
def site(inputs: ReportInputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(inputs, tmp_path_factory.mktemp("site")).parent
