"""Keys that every reader of YAML reads as the same text.

PyYAML follows YAML 1.1 and DVC's ruamel.yaml follows YAML 1.2; they disagree on words such as `no` and numbers such as
`1e3`. A key that either of them, or the full list of YAML 1.1, reads as something other than text is refused.
"""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field

from climate.errors import ClimateError

YAML_1_1_ONLY = re.compile(r"y|Y|n|N")
"""Booleans of https://yaml.org/type/bool.html that PyYAML leaves as text."""

YAML_1_2 = {
    "nothing": re.compile(r"null|Null|NULL|~|"),
    "a yes or no": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "a number": re.compile(
        r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    ),
}
"""The core schema, section 10.3.2 of https://yaml.org/spec/1.2.2/."""

TAGS = {
    "null": "nothing",
    "bool": "a yes or no",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
    "merge": "an instruction of YAML",
    "value": "an instruction of YAML",
}
"""YAML 1.1's tag of a plain scalar -> what it is read as."""


def other_reading(text: str) -> str | None:
    """What some YAML reads the unquoted `text` as, None where all read it as text."""
    resolver: Any = yaml.resolver.Resolver()
    tag = str(resolver.resolve(yaml.ScalarNode, text, (True, False))).rpartition(":")[2]
    if tag in TAGS:
        return TAGS[tag]
    if YAML_1_1_ONLY.fullmatch(text):
        return "a yes or no"
    return next((kind for kind, pattern in YAML_1_2.items() if pattern.fullmatch(text)), None)


def refusal(key: Any) -> str | None:
    """Why `key`, as read from a file or typed, is no safe key; None if it is one."""
    if isinstance(key, str):
        kind = other_reading(key)
    else:
        kind = {
            bool: "a yes or no",
            int: "a number",
            float: "a number",
            datetime.date: "a date",
            datetime.datetime: "a date",
            type(None): "nothing",
        }.get(type(key), f"a {type(key).__name__}")
    if kind is None:
        return None
    shown = repr(key) if isinstance(key, int | float | None) else f"'{key}'"
    return (
        f"the key {shown} is read as {kind}, not as text, by YAML 1.1 or 1.2; expected a name that every YAML reads as "
        "text, so choose one with other letters, such as 'norway' for 'no' or 'year-2020' for '2020'"
    )


def check_key(key: Any, where: str) -> None:
    """Raise ClimateError, naming `where` the key stands, unless every YAML reads it as text."""
    reason = refusal(key)
    if reason is not None:
        raise ClimateError(f"{where}: {reason}")


def _text_everywhere(key: Any) -> Any:
    reason = refusal(key)
    if reason is not None:
        raise ValueError(reason)
    return key


def _quoted(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError(
            f'YAML reads this as {value!r} where it is not in quotes; write "NO" in quotes, or the full name'
        )
    return value


Key = Annotated[str, BeforeValidator(_text_everywhere)]
"""Key of a splice or combination."""

Text = Annotated[str, BeforeValidator(_quoted)]
"""A name among the values, such as the country code NO, which must stand in quotes."""

NAME = r"[a-z0-9][a-z0-9-]*"
"""Regular expression of the keys of regions, panels, notebooks, models and files of one's own."""

Name = Annotated[str, BeforeValidator(_text_everywhere), Field(pattern=f"^{NAME}$")]
"""Key of a region, panel, notebook or model."""
