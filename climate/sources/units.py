"""Units of measurement by all their spellings."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cf_xarray.units import units as registry
from pint.errors import DimensionalityError, PintError

from climate.errors import ClimateError

KELVIN = "kelvin"


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
    source, target = (_unit(name, what) for name in (found, wanted))
    if source == target:
        return Conversion(1.0, 0.0)
    try:
        zero, one = (float(registry.Quantity(value, source).to(target).magnitude) for value in (0.0, 1.0))
    except DimensionalityError:
        raise ClimateError(
            f"{what}: found values in '{found}', which cannot be converted to '{wanted}'; correct the source's unit"
        ) from None
    factor = round(one - zero, 12)
    return Conversion(factor, 0.0 if difference else round(zero, 9))


def _unit(name: str, what: str) -> Any:
    """The unit that a file calls `name`: degree C, deg_C, °C, Celsius, Degrees C, Kelvin, K and degK are two units."""
    plain = re.sub(r"[\s_]+", "_", name.strip().replace("°", "deg_").replace("º", "deg_"))
    for pattern, unit in _TEMPERATURES.items():
        if re.fullmatch(pattern, plain, re.IGNORECASE):
            return registry.Unit(unit)
    try:
        return registry.Unit(name)
    except (PintError, ValueError, TypeError, AssertionError, AttributeError):
        raise ClimateError(
            f"{what}: found values in '{name}', expected a unit such as degC, K or ppm; name it in the source's entry"
        ) from None


_DEGREES = r"(deg(ree)?s?_*)?"
_TEMPERATURES = {
    rf"{_DEGREES}(c|celsius|centigrade)": "degC",
    rf"{_DEGREES}(k|kelvins?)": KELVIN,
    rf"{_DEGREES}(f|fahrenheit)": "degF",
}
"""Spellings of temperature in files; the unit registry lacks some, and takes C and F alone for coulomb and farad."""
