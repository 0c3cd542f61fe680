"""The reference of the code: what the docstrings of the package say, as pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import griffe
from markupsafe import Markup, escape

from climate.report import pages

GROUPS: Mapping[str, str] = {
    "climate": "From pull to scores",
    "climate.sources": "Readers of publishers' formats",
    "climate.sources.channels": "Ways to get a file",
    "climate.forecasters": "Forecasters",
    "climate.forecasters.common": "What forecasters share",
    "climate.forecasters.classical": "Classical forecasters",
    "climate.forecasters.networks": "Networks of one region",
    "climate.forecasters.planet": "Forecasters of many places",
    "climate.forecasters.combine": "Combinations and calibration",
    "climate.report": "The report",
    "climate.stages": "Stages of the pipeline",
    "climate.commands": "Commands beside the pipeline",
}
"""Package -> what its page is called; a package without an entry goes by its name."""


@dataclass(frozen=True)
class Entry:
    """One documented thing."""

    name: str
    anchor: str
    kind: str
    signature: str
    text: Markup
    members: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    name: str
    path: str
    text: Markup
    summary: Markup
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Group:
    """The modules of one package, which share a page."""

    name: str
    title: str
    modules: tuple[Module, ...]

    @property
    def file(self) -> str:
        """Name of its page."""
        return f"{self.name}.html"


def groups(package: griffe.Module) -> list[Group]:
    """The documented modules by package, those of the package itself first."""
    by_package: dict[str, list[Module]] = {}
    for module in _modules(package):
        if module.docstring is None and not any(_entries(module)):
            continue
        parent = module.path if module.is_init_module else module.path.rpartition(".")[0]
        known = [name for name in GROUPS if parent == name or parent.startswith(f"{name}.")]
        by_package.setdefault(max(known, key=len, default=parent), []).append(_module(module))
    order = [name for name in GROUPS if name in by_package]
    order += sorted(set(by_package) - set(order))
    return [
        Group(name, GROUPS.get(name, name), tuple(sorted(by_package[name], key=lambda one: one.name))) for name in order
    ]


def _modules(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for name in sorted(module.modules):
        if not name.startswith("_") and not module.modules[name].is_alias:
            yield from _modules(module.modules[name])


def _module(module: griffe.Module) -> Module:
    text = module.docstring.value if module.docstring else ""
    path = module.path.replace(".", "/") + ("/__init__.py" if module.is_init_module else ".py")
    return Module(module.path, path, prose(text), first_line(text), tuple(_entries(module)))


def _entries(owner: griffe.Module | griffe.Class) -> Iterator[Entry]:
    """Public members with a docstring, in the order of the file."""
    for name, member in owner.members.items():
        if name.startswith("_") or member.is_alias or member.is_module or member.docstring is None:
            continue
        inner = tuple(_entries(member)) if isinstance(member, griffe.Class) else ()
        yield Entry(name, member.path, member.kind.value, _signature(member), prose(member.docstring.value), inner)


def _signature(member: Any) -> str:
    """How it is called, or what it is."""
    if isinstance(member, griffe.Function) and "property" not in member.labels:
        return str(member.signature())
    if isinstance(member, griffe.Class):
        bases = ", ".join(str(base) for base in member.bases)
        return f"class {member.name}({bases})" if bases else f"class {member.name}"
    annotation = member.annotation if isinstance(member, griffe.Attribute) else member.returns
    return f"{member.name}: {annotation}" if annotation else str(member.name)


def first_line(text: str) -> Markup:
    """The first line of a docstring."""
    return _coded(text.strip().partition("\n")[0])


def prose(text: str) -> Markup:
    """A docstring as paragraphs and lists of terms; `code` in backticks is set as code."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip()) if text.strip() else ():
        lines = block.splitlines()
        head = re.fullmatch(r"(Raises|Attributes|Args|Returns|Yields|Notes?|References?):", lines[0].strip())
        if head and len(lines) > 1:
            parts.append(Markup("<p>{}:</p>").format(head[1]) + _terms(lines[1:]))
        else:
            parts.append(Markup("<p>{}</p>").format(_coded(" ".join(line.strip() for line in lines))))
    return Markup("\n").join(parts)


def _terms(lines: list[str]) -> Markup:
    """Lines 'name: text', continued where they are indented further."""
    indent = len(lines[0]) - len(lines[0].lstrip())
    items: list[str] = []
    for line in lines:
        if items and len(line) - len(line.lstrip()) > indent:
            items[-1] += " " + line.strip()
        else:
            items.append(line.strip())
    made = Markup("")
    for item in items:
        name, colon, rest = item.partition(": ")
        made += Markup("<li><code>{}</code>: {}</li>").format(name, _coded(rest)) if colon else _item(item)
    return Markup("<ul>{}</ul>").format(made)


def _item(text: str) -> Markup:
    return Markup("<li>{}</li>").format(_coded(text))


def _coded(text: str) -> Markup:
    return Markup(re.sub(r"`+([^`]+)`+", r"<code>\1</code>", str(escape(text))))


def api_pages(package: griffe.Module, params: Mapping[str, Any]) -> dict[str, str]:
    """File name -> page: an index and one page per package."""
    found = groups(package)
    count = sum(len(module.entries) for group in found for module in group.modules)
    standfirst = "What every public function, class and constant promises, as its docstring says it."
    context = pages.frame(params, span="", standfirst=standfirst, root="../") | {"groups": found, "count": count}
    made = {"index.html": pages.page_text("api_index.html.j2", context)}
    for group in found:
        made[group.file] = pages.page_text("api.html.j2", context | {"group": group})
    return made
