"""The menu of the site, and how a template becomes a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from climate.report import words
from climate.report.palette import MODELS, style_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """One entry of the menu."""

    name: str
    """What a template calls itself: `{% set page = "name" %}`."""
    label: str
    file: str
    """Below reports/; may end in an anchor. A stage of dvc.yaml must promise to write it."""
    needs: str = ""
    """Dotted key of params.yaml without which the page is not made; "" where it always is."""


PAGES: tuple[Page, ...] = (
    Page("index", "Overview", "index.html"),
    Page("region", "Places", "index.html#places"),
    Page("projection", "Projection", "projection.html", needs="project"),
    Page("sets", "Sets", "index.html#sets", needs="sets"),
    Page("sources", "Sources", "sources.html"),
    Page("judging", "Judging", "judging.html"),
    Page("methods", "Methods", "methods.html"),
    Page("understanding", "Understanding", "understanding.html"),
    Page("architecture", "Architecture", "architecture.html"),
    Page("data", "Data", "data.html"),
    Page("walkthrough", "Walkthrough", "walkthrough.html"),
    Page("slides", "Slides", "slides.html", needs="slides"),
)
"""The menu, from left to right. A new page is one line here, and its stage depends on `climate/report/pages.py`."""


def menu(params: Mapping[str, Any]) -> list[Page]:
    """The pages of a run with these parameters."""
    return [page for page in PAGES if not page.needs or _given(params, page.needs)]


def _given(params: Mapping[str, Any], key: str) -> bool:
    """Whether a dotted key leads to something other than nothing."""
    found: Any = params
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return bool(found)


def frame(params: Mapping[str, Any], *, span: str, standfirst: str, root: str = "") -> dict[str, Any]:
    """What base.html.j2 asks for; `root` leads from the page to the folder of the report."""
    return {
        "css": Markup((HERE / "style.css").read_text(encoding="utf-8")),
        "menu": menu(params),
        "root": root,
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
    made.globals.update(words=words, style_of=style_of, all_models=MODELS)
    return made


def page_text(template: str, context: Mapping[str, Any]) -> str:
    """A template, filled."""
    return environment().get_template(template).render(**context)
