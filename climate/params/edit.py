"""Edits of params.yaml that leave every other character unchanged: comments, order, quotes, line breaks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml

from climate.errors import ClimateError
from climate.params.keys import check_key, other_reading


def with_region(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """`text` of a parameter file with one more region, written on one line after the others.

    Raises:
        ClimateError: the name is taken or is no text to some YAML, or the file has no block of regions to add to.
    """
    return _with_entry(text, ("regions",), name, entry)


def with_source(text: str, key: str, vintage: str) -> str:
    """`text` of a parameter file with one more source of the catalogue, written on one line after the others.

    Raises:
        ClimateError: the source is there already, or the file has no block of sources to add to.
    """
    return _with_entry(text, ("pull", "sources"), key, {"vintage": vintage})


def with_own(text: str, key: str, entry: Mapping[str, Any]) -> str:
    """`text` of a parameter file with one more file of the user's own, written on one line after the others.

    Raises:
        ClimateError: the key is there already, or the file has no block to add to.
    """
    pull = _at(text, "pull")
    if isinstance(pull, yaml.MappingNode) and not any(known.value == "own" for known, _ in pull.value):
        sources = _at(text, "pull", "sources")
        end = _end_of_lines(text, sources)
        before = text[:end] if text[:end].endswith("\n") else f"{text[:end]}\n"
        text = f"{before}{' ' * pull.value[0][0].start_mark.column}own: {{}}\n{text[end:]}"
    return _with_entry(text, ("pull", "own"), key, entry)


def _with_entry(text: str, section: tuple[str, ...], name: str, entry: Mapping[str, Any]) -> str:
    """`text` with `name: entry` after the last entry of `section`, or as the first one of an empty section."""
    block, where = _at(text, *section), ".".join(section)
    check_key(name, f"params.yaml: {where}")
    line = f"{name}: {_on_one_line(entry)}\n"
    if not block.value or block.tag == "tag:yaml.org,2002:null":
        parent = _at(text, *section[:-1])
        indent = " " * (2 * parent.value[0][0].start_mark.column or 2)
        newline = _end_of_lines(text, block)
        rest = text[block.end_mark.index : newline].rstrip("\n")
        return f"{text[: block.start_mark.index].rstrip(' ')}{rest}\n{indent}{line}{text[newline:]}"
    if not isinstance(block, yaml.MappingNode) or block.flow_style:
        raise ClimateError(f"params.yaml: {where}: expected a block with one entry per line; rewrite it and try again")
    if any(key.value == name for key, _ in block.value):
        raise ClimateError(f"params.yaml: {where}.{name} exists already; choose another name or edit the entry")
    indent = " " * block.value[0][0].start_mark.column
    end = _end_of_lines(text, block.value[-1][1])
    before = text[:end] if text[:end].endswith("\n") else f"{text[:end]}\n"
    return f"{before}{indent}{line}{text[end:]}"


def with_vintage(text: str, key: str, vintage: str) -> str:
    """`text` of a parameter file with another vintage for source `key`.

    Raises:
        ClimateError: the source is not under pull.sources.
    """
    entry = _at(text, "pull", "sources", key)
    # quoted, since YAML reads 2016 as a number
    value = f'"{vintage}"' if vintage[:1].isdecimal() else vintage
    pinned = {k.value: v for k, v in entry.value}.get("vintage") if isinstance(entry, yaml.MappingNode) else None
    if pinned is not None:
        return _replaced(text, pinned, value)
    return _replaced(text, entry, f"{{vintage: {value}}}")


def _at(text: str, *keys: str) -> yaml.Node:
    """The node of `text` below `keys`. Raises ClimateError for unreadable YAML or a missing key."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ClimateError(f"params.yaml is not readable YAML: {' '.join(str(error).split())}; correct it") from None
    for depth, key in enumerate(keys):
        known = {k.value: v for k, v in node.value} if isinstance(node, yaml.MappingNode) else {}
        if key not in known:
            where = ".".join(keys[:depth]) or "the file"
            raise ClimateError(f"params.yaml: {where} has no '{key}' (there: {', '.join(known)}); add it there")
        node = known[key]
    assert node is not None
    return node


def _replaced(text: str, node: yaml.Node, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    between = " " if text[start - 1 : start] == ":" else ""
    return f"{text[:start]}{between}{value}{text[end:]}"


def _end_of_lines(text: str, node: yaml.Node) -> int:
    """Index after the last line of `node`; the parser extends a block over the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        lines = text[: node.end_mark.index].splitlines(keepends=True)
        while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
            lines.pop()
        return len("".join(lines))
    newline = text.find("\n", node.end_mark.index)
    return len(text) if newline < 0 else newline + 1


class _Dumper(yaml.SafeDumper):
    """Quotes strings that begin with a digit, as in the rest of the file, and those that some YAML reads otherwise."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    quoted = text[:1].isdigit() or other_reading(text) is not None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(str, _text)


def _on_one_line(entry: Mapping[str, Any]) -> str:
    dumped = yaml.dump(
        dict(entry), Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
    )
    return str(dumped).strip()
