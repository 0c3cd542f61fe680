"""Units of measurement by all their spellings."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from tokenize import TokenError
from typing import Any, NamedTuple

from climate.errors import ClimateError


class Conversion(NamedTuple):
    """From one unit to another: value x `factor` + `offset`."""

    factor: float
    offset: float

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        return self == (1.0, 0.0)


def conversion(found: str, wanted: str, *, difference: bool, what: str) -> Conversion:
    """How values in the unit `found` become values in `wanted`; differences, such as anomalies, know no offset.

    Raises:
        ClimateError: a unit is unknown, or the two measure different quantities; `what` names the values.
    """
    if (same := _temperature(found)) is not None and same == _temperature(wanted):
        return Conversion(1.0, 0.0)
    registry = _registry()
    source, target = (_unit(name, what) for name in (found, wanted))
    if source == target:
        return Conversion(1.0, 0.0)
    if not source.is_compatible_with(target):
        raise ClimateError(
            f"{what}: found values in '{found}', which cannot be converted to '{wanted}'; correct the source's unit"
        )
    zero, one = (float(registry.Quantity(value, source).to(target).magnitude) for value in (0.0, 1.0))
    factor = round(one - zero, 12)
    return Conversion(factor, 0.0 if difference else round(zero, 9))


@cache
def _registry() -> Any:
    # Defining the units takes a third of a second, which a process that converts nothing need not spend.
    from cf_xarray.units import units

    return units


def _unit(name: str, what: str) -> Any:
    try:
        return _registry().Unit(_temperature(name) or name)
    except _PARSER_ERRORS:
        raise ClimateError(
            f"{what}: found values in '{name}', expected a unit such as degC, K or ppm; correct it"
        ) from None


def _temperature(name: str) -> str | None:
    """Which unit of temperature a file calls `name`, such as degree C, deg_C, °C, Kelvin or degK; None for none."""
    letters = unicodedata.normalize("NFKC", name.replace("\N{RING ABOVE}", "°"))
    plain = re.sub(r"[\s_.()\[\]-]+", "_", letters).strip("_")
    return next((unit for form, unit in _TEMPERATURES.items() if re.fullmatch(form, plain, re.IGNORECASE)), None)


_PARSER_ERRORS = (
    *(TokenError, SyntaxError, RecursionError, AssertionError),
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
)
"""What the unit registry raises for text that is no unit; its own errors derive from these."""

_DEGREES = r"((°|o|deg(ree)?s?)_*)?"
"""The letter o is what becomes of a degree sign, or of the ordinal sign that is taken for one, in plain text."""
_TEMPERATURES = {
    rf"{_DEGREES}(c|cel[sc]ius|centigrade)(_degrees?)?": "degC",
    rf"{_DEGREES}(k|kelvins?)": "kelvin",
    rf"{_DEGREES}(f|fahrenheit)": "degF",
}
"""Spellings of temperature in files; the unit registry lacks some, and takes C and F alone for coulomb and farad."""
