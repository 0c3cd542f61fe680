"""The one exception that a user's mistake or a publisher's file may raise."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ClimateError(Exception):
    """A problem outside the code, in one line.

    The message names the file, row or key, what was found, what was expected, and what to do next.
    The command line prints it without a traceback.
    """


def noun_for(number: int, noun: str, plural: str | None = None) -> str:
    """`noun` as it stands after `number`; `plural` where that is not `noun` with an s."""
    return noun if number == 1 else plural or noun + "s"


def counted(number: int, noun: str) -> str:
    """'1 month', '3 months'."""
    return f"{number} {noun_for(number, noun)}"


def suggest(name: str, known: Iterable[str]) -> str:
    """Names near to `name`, or else the first few, for an error message."""
    names = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in reversed(names)}
    near = [lowered[key] for key in get_close_matches(name.lower(), lowered, n=3)]
    return ", ".join(near or names[:5]) or "nothing is defined"
