"""Changes to params.yaml that keep its comments and its order."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

from climate.errors import ClimateError
from climate.files import write_text

LINE_WIDTH = 120


class _Representer(RoundTripRepresenter):
    """Writes a missing value as `null`, as the file does."""

    def represent_none(self, _: None) -> ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:null", "null")


_Representer.add_representer(type(None), _Representer.represent_none)


def with_region(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` of a parameter file with one more region, written on one line like its neighbours.

    Raises:
        ClimateError: the name is taken.
    """
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = LINE_WIDTH
    yaml.preserve_quotes = True
    content = yaml.load(text)
    regions = content["regions"]
    if name in regions:
        raise ClimateError(f"params.yaml: regions.{name} exists already; choose another name or edit the entry")
    after_last = regions.ca.items.pop(list(regions)[-1], None)
    regions[name] = _on_one_line(entry)
    if after_last is not None:
        regions.ca.items[name] = after_last
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def _on_one_line(entry: Mapping[str, Any]) -> CommentedMap:
    flow = CommentedMap(
        {key: _on_one_line(value) if isinstance(value, Mapping) else value for key, value in entry.items()}
    )
    flow.fa.set_flow_style()
    return flow


def add_region(path: Path, name: str, entry: Mapping[str, Any]) -> None:
    """Write one more region into the parameter file at `path`; see `with_region`."""
    write_text(with_region(path.read_text(encoding="utf-8"), name, entry), path)
