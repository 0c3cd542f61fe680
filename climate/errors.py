"""The one exception that a user's mistake or a publisher's file may raise."""

from __future__ import annotations


class ClimateError(Exception):
    """A problem outside the code, in one line.

    The message names the file, row or key, what was found, what was expected, and what to do next.
    The command line prints it without a traceback.
    """
