"""Colours of figures, and the style of models from climate.forecasters.registry."""

from __future__ import annotations

from climate.forecasters.registry import MODELS, Style

OBSERVED = "#1A1A1A"
"""Colour of what was observed."""

SPARE_COLOURS = ("#997700", "#999933", "#CC6677", "#88CCEE", "#DDCC77", "#661100")
"""For models that have no entry yet, by order of name."""

PERIOD_TINTS = ("#DCE6EF", "#F1E3D3", "#DFEBDD", "#E9DFEC", "#F0EBCF", "#D8ECEA", "#F0DCDD", "#E4E4E4")
"""Collection periods, in order of appearance."""

DIFFERENCE = "BrBG"
"""matplotlib's colours of skill and of the error that one model saves against another: teal less error, brown more."""
LESS_ERROR, MORE_ERROR = "teal", "brown"
"""Its ends in words."""


def style_of(name: str) -> Style:
    """Style of a model; a model without an entry gets its own name and a colour that depends on the name alone."""
    if name in MODELS:
        return MODELS[name]
    colour = SPARE_COLOURS[sum(name.encode()) % len(SPARE_COLOURS)]
    return Style(name, name, name, colour, (0, (4.0, 1.0)), "")
