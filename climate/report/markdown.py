"""Documents in Markdown as HTML of the site."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import mistune
from markupsafe import Markup

from climate.report.words import typeset


class Renderer(mistune.HTMLRenderer):
    """Headings that can be linked to, tables that a screen reader can walk, no link that leaves the folder."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[str] = Counter()

    def _label(self, kind: str) -> str:
        """'Table 2': a name that no other part of the document has."""
        self._counts[kind] += 1
        return f"{kind} {self._counts[kind]}"

    def heading(self, text: str, level: int, **attrs: Any) -> str:  # noqa: ARG002
        """A heading with an id made of its words."""
        return f'<h{level} id="{slug(text)}">{typeset(text)}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Links to other files of the repository become words: the site is read without it."""
        return super().link(text, url, title) if url.startswith("https://") else text

    def block_code(self, code: str, info: str | None = None) -> str:  # noqa: ARG002
        """Code that scrolls by keyboard too."""
        text, label = mistune.escape(code), self._label("Example")
        return f'<pre class="scroll" tabindex="0" role="region" aria-label="{label}"><code>{text}</code></pre>\n'

    def table(self, text: str) -> str:
        """A table that scrolls sideways on narrow screens."""
        frame = f'class="scroll table" tabindex="0" role="region" aria-label="{self._label("Table")}"'
        return f"<div {frame}><table>\n{text}</table></div>\n"

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:  # noqa: ARG002
        """A field; those of the head say that they head a column."""
        return f'<th scope="col">{text}</th>' if head else f"<td>{text}</td>"


def slug(text: str) -> str:
    """'what-each-file-promises'."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"<[^>]*>", "", text).lower()).strip("-")


def to_html(text: str) -> Markup:
    """Markdown with tables as HTML."""
    return Markup(mistune.create_markdown(renderer=Renderer(), plugins=["table"])(text))


def sections(text: str) -> str:
    """A document from its first section on, without its title and introduction."""
    found = re.search(r"^## ", text, re.MULTILINE)
    return text[found.start() :] if found else ""
