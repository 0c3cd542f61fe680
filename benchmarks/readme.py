"""Measured tables in benchmarks/README.md, each between two marks of its name."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).with_name("README.md")


def put(name: str, table: str) -> None:
    """Replace what stands between the marks."""
    begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
    before, rest = README.read_text(encoding="utf-8").split(begin)
    README.write_text(f"{before}{begin}\n\n{table.strip()}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")
