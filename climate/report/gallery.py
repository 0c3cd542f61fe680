"""Pictures and tables of a report as bytes, so that processes can make them and one writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from climate.report.downloads import Download, described
from climate.report.figures.base import Drawing, Picture, csv_bytes, develop


@dataclass
class Gallery:
    """What the report shows and gives away, by name."""

    places: Sequence[str]
    """Keys of the places: a file whose name begins with one is of that place."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Path below the report -> content."""
    downloads: list[Download] = field(default_factory=list)

    def add(self, drawing: Drawing | None, source: str) -> Picture | None:
        """Develop a drawing and keep it with its data; `source` ends its caption."""
        if drawing is None:
            return None
        picture = develop(drawing, source)
        self.files[f"figures/{picture.name}.png"] = picture.png
        self._keep(picture.name, drawing.caption, drawing.data, picture.csv)
        return picture

    def table(self, name: str, about: str, data: pd.DataFrame, precision: str) -> None:
        """Keep a table as CSV, and what it holds."""
        self._keep(name, about, data, csv_bytes(data, precision))

    def join(self, other: Gallery) -> None:
        """Append what another one holds.

        Raises:
            ValueError: both hold a file of the same name.
        """
        if twice := self.files.keys() & other.files.keys():
            raise ValueError(f"two drawings are named alike: {', '.join(sorted(twice))}")
        self.files |= other.files
        self.downloads += other.downloads

    def write(self, destination: Path) -> None:
        """Write all files below `destination`, whose folders figures and data exist."""
        for name, content in self.files.items():
            (destination / name).write_bytes(content)

    def _keep(self, name: str, about: str, data: pd.DataFrame, content: bytes) -> None:
        self.files[f"data/{name}.csv"] = content
        self.downloads.append(described(name, about, data, len(content), self.places))
