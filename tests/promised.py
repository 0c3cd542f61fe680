"""What the stages of dvc.yaml promise to write below reports/."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from ruamel.yaml import YAML

from tests.conftest import ROOT


def _outs(stage: Any) -> Iterator[str]:
    for kind in ("outs", "metrics", "plots"):
        for out in stage.get(kind, ()):
            yield out if isinstance(out, str) else next(iter(out))


@cache
def promised() -> dict[str, str]:
    """File or folder, relative to reports/, and the stage that writes it."""
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    return {
        out.removeprefix("reports/").removesuffix("/${key}"): name
        for name, stage in stages.items()
        for out in _outs(stage.get("do", stage))
        if out.startswith("reports/")
    }


def of_other_stages(name: str) -> bool:
    """Whether a file below reports/ comes from another stage than `report`, or from `make observed`."""
    folder = name.partition("/")[0]
    return folder == "observed" or promised().get(folder, promised().get(name, "report")) != "report"
