"""The menu of the site, and how a template becomes a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from climate.report import words
from climate.report.palette import style_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One entry of the menu or of the footer."""

    label: str
    file: str
    """Below reports/. A stage of dvc.yaml must promise to write it."""
    pages: tuple[str, ...]
    """What the templates of its pages call themselves: `{% set page = "name" %}`."""


MENU: tuple[Entry, ...] = (
    Entry("Result", "index.html", ("index", "explore")),
    Entry("Forecasts", "forecasts.html", ("forecasts",)),
    Entry("Places", "places.html", ("places", "region", "panels")),
    Entry("How we know", "how-we-know.html", ("how-we-know",)),
    Entry("Learn", "learn.html", ("learn", "walkthrough", "understanding", "presentation")),
)
"""The menu, from left to right: the same on every page and in every run, since a page must not depend on parameters
that its stage does not list."""

REPRODUCE: tuple[Entry, ...] = (
    Entry("Sources and checks", "sources.html", ("sources", "source")),
    Entry("Data", "data.html", ("data",)),
    Entry("Architecture", "architecture.html", ("architecture",)),
)
"""The footer: what a reader needs who runs or checks the pipeline."""


def frame(*, span: str, standfirst: str, root: str = "") -> dict[str, Any]:
    """What base.html.j2 asks for; `root` leads from the page to the folder of the report."""
    return {
        "css": Markup((HERE / "style.css").read_text(encoding="utf-8")),
        "menu": MENU,
        "reproduce": REPRODUCE,
        "root": root,
        "embed": False,
        "span": span,
        "standfirst": standfirst,
    }


def environment() -> Environment:
    """Templates of the site with the words and styles that they use."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    templates.filters["typeset"] = words.typeset
    templates.globals.update(words=words, style_of=style_of)
    return templates


def page_text(template: str, context: Mapping[str, Any]) -> str:
    """A template, filled."""
    return environment().get_template(template).render(**context)
