"""Words that every layer writes: reports, checks and the command line."""

from __future__ import annotations


def noun_for(number: int, noun: str, plural: str | None = None) -> str:
    """`noun` as it stands after `number`; `plural` where that is not `noun` with an s."""
    return noun if number == 1 else plural or noun + "s"


def counted(number: int, noun: str) -> str:
    """'1 month', '3 months'."""
    return f"{number} {noun_for(number, noun)}"
