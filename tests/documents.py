"""What documents and pages hold: pictures, and fenced examples with the files and commands that they show.

Words after the language of a fence tell what to do with it:

- ``file=PATH``: write a new file;
- ``add=PATH below=TEXT``: insert below the first line that starts with TEXT; without `below`, at the end;
- ``slow``: commands that take longer than a few seconds.
"""

from __future__ import annotations

import base64
import io
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One fenced block."""

    document: str
    language: str
    settings: dict[str, str]
    body: str

    @property
    def commands(self) -> list[str]:
        """Shell commands of the block, with continued lines joined and comments removed."""
        if self.language != "sh":
            return []
        lines = self.body.replace("\\\n", " ").splitlines()
        return [
            command for line in lines if (command := line.partition(" #")[0].strip()) and not command.startswith("#")
        ]

    def apply(self, folder: Path) -> None:
        """Apply the block to the repository at `folder`."""
        if "file" in self.settings:
            target = folder / self.settings["file"]
            assert not target.exists(), f"{self.document}: {self.settings['file']} already exists"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(self.body, encoding="utf-8")
        if "add" in self.settings:
            target = folder / self.settings["add"]
            lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
            place = len(lines)
            if "below" in self.settings:
                found = [i for i, line in enumerate(lines) if line.startswith(self.settings["below"])]
                assert found, (
                    f"{self.document}: no line of {self.settings['add']} starts with {self.settings['below']!r}"
                )
                place = found[0] + 1
            lines.insert(place, self.body)
            target.write_text("".join(lines), encoding="utf-8")


def examples(path: Path) -> list[Example]:
    """The fenced blocks of a Markdown file, in order."""
    found = []
    for match in FENCE.finditer(path.read_text(encoding="utf-8")):
        language, *words = shlex.split(match["info"]) or [""]
        settings = dict(word.split("=", 1) if "=" in word else (word, "") for word in words)
        found.append(Example(path.name, language, settings, match["body"]))
    return found


def inline_commands(path: Path) -> list[str]:
    """Commands in running text: code spans that start with climate, dvc or make."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    spans = re.findall(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)", text)
    return [" ".join(span.split()) for span in spans if re.match(r"(climate|dvc|make) [a-z]", span)]


def pictures(page: str) -> list[tuple[str, np.ndarray]]:
    """Text and grey levels of each picture inside a page."""
    found = []
    for picture in re.findall(r"<img [^>]*>", page):
        words, data = re.search(r'alt="([^"]*)"', picture), re.search(r'base64,([^"]*)', picture)
        assert words, picture[:80]
        assert data, picture[:80]
        image = Image.open(io.BytesIO(base64.b64decode(data[1]))).convert("L")
        found.append((words[1], np.asarray(image)))
    return found
