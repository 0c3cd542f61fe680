"""Units of measurement by all their spellings."""

from __future__ import annotations

import re
from functools import cache
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
    from pint.errors import PintError

    try:
        return _registry().Unit(_temperature(name) or name)
    except (PintError, ValueError, TypeError, AssertionError, AttributeError):
        raise ClimateError(
            f"{what}: found values in '{name}', expected a unit such as degC, K or ppm; name it in the source's entry"
        ) from None


def _temperature(name: str) -> str | None:
    """Which unit of temperature a file calls `name`, such as degree C, deg_C, °C, Kelvin or degK; None for none."""
    plain = re.sub(r"[\s_]+", "_", name.strip().replace("°", "deg_").replace("º", "deg_"))
    return next((unit for form, unit in _TEMPERATURES.items() if re.fullmatch(form, plain, re.IGNORECASE)), None)


_DEGREES = r"(deg(ree)?s?_*)?"
_TEMPERATURES = {
    rf"{_DEGREES}(c|celsius|centigrade)": "degC",
    rf"{_DEGREES}(k|kelvins?)": "kelvin",
    rf"{_DEGREES}(f|fahrenheit)": "degF",
}
"""Spellings of temperature in files; the unit registry lacks some, and takes C and F alone for coulomb and farad."""
