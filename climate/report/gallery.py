"""Pictures and tables of a report as bytes, so that processes can make them and one writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from climate.report.downloads import Download, described
from climate.report.figures.base import PRECISION, Drawing, Picture, csv_bytes, develop


@dataclass
class Gallery:
    """The files of a report or of a part of it, by name."""

    places: Sequence[str] = ()
    """Keys of the places: a file whose name begins with one is of that place."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Path below the report -> content."""
    downloads: list[Download] = field(default_factory=list)

    def add(self, drawing: Drawing | None, source: str) -> Picture | None:
        """Develop a drawing and keep it with its data; `source` ends its caption."""
        if drawing is None:
            return None
        picture = develop(drawing, source)
        for one in filter(None, (picture, picture.phone)):
            self.files[f"figures/{one.name}.png"] = one.png
        self._keep(picture.name, drawing.caption, drawing.data, picture.csv)
        return picture

    def table(self, name: str, about: str, data: pd.DataFrame, precision: str = PRECISION) -> None:
        """Add a table as CSV with its description."""
        self._keep(name, about, data, csv_bytes(data, precision))

    def join(self, other: Gallery) -> None:
        """Append the files of another gallery.

        Raises:
            ValueError: both contain a file of the same name.
        """
        if twice := self.files.keys() & other.files.keys():
            raise ValueError(f"two drawings share a name: {', '.join(sorted(twice))}")
        self.files |= other.files
        self.downloads += other.downloads

    def write(self, destination: Path) -> None:
        """Write all files below `destination`."""
        for name, content in self.files.items():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _keep(self, name: str, about: str, data: pd.DataFrame, content: bytes) -> None:
        self.files[f"data/{name}.csv"] = content
        self.downloads.append(described(name, about, data, len(content), self.places))


def credit(entries: Sequence[Mapping[str, Any]], titles: bool = True) -> str:
    """Sources and vintages of a picture, by title or by key."""
    parts = [
        f"{entry.get('title' if titles else 'key') or entry.get('key', '')}, vintage {entry.get('vintage', 'unknown')}"
        for entry in entries
        if entry.get("status", "ok") != "missing"
    ]
    return f"Source{'' if titles else 's'}: {'; '.join(parts)}." if parts else ""
