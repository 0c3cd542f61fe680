"""`make observed`: the contest on observed records, in a copy of the pipeline.

python -m benchmarks.observed COPY configure    # params.yaml of the copy, from benchmarks/observed.yaml
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent


def configure(copy: Path) -> None:
    """Set what benchmarks/observed.yaml lists in params.yaml of `copy`."""
    target = copy / "params.yaml"
    params: dict[str, Any] = yaml.safe_load(target.read_text(encoding="utf-8"))
    for key, value in yaml.safe_load((HERE / "observed.yaml").read_text(encoding="utf-8")).items():
        *sections, last = key.split(".")
        inner = params
        for section in sections:
            inner = inner[section]
        inner[last] = value
    target.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")


if __name__ == "__main__":
    configure(Path(sys.argv[1]))
