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
class Page:
    """One entry of the menu."""

    name: str
    """What a template calls itself: `{% set page = "name" %}`."""
    label: str
    file: str
    """Below reports/; may end in an anchor. A stage of dvc.yaml must promise to write it."""


PAGES: tuple[Page, ...] = (
    Page("index", "Overview", "index.html"),
    Page("region", "Places", "index.html#places"),
    Page("projection", "Projection", "projection.html"),
    Page("panels", "Panels", "index.html#panels"),
    Page("sources", "Sources", "sources.html"),
    Page("judging", "Judging", "judging.html"),
    Page("methods", "Methods", "methods.html"),
    Page("understanding", "Understanding", "understanding.html"),
    Page("architecture", "Architecture", "architecture.html"),
    Page("data", "Data", "data.html"),
    Page("walkthrough", "Walkthrough", "walkthrough.html"),
    Page("presentation", "Presentation", "presentation.html"),
)
"""The menu, from left to right: the same on every page and in every run, since a page must not depend on parameters
that its stage does not list. A new page is one line here, and its stage depends on `climate/report/pages.py`."""


def frame(*, span: str, standfirst: str, root: str = "") -> dict[str, Any]:
    """What base.html.j2 asks for; `root` leads from the page to the folder of the report."""
    return {
        "css": Markup((HERE / "style.css").read_text(encoding="utf-8")),
        "menu": PAGES,
        "root": root,
        "embed": False,
        "span": span,
        "standfirst": standfirst,
    }


def environment() -> Environment:
    """Templates of the site with the words and styles that they use."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["typeset"] = words.typeset
    made.globals.update(words=words, style_of=style_of)
    return made


def page_text(template: str, context: Mapping[str, Any]) -> str:
    """A template, filled."""
    return environment().get_template(template).render(**context)
