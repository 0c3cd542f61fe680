"""Numbers, months and units as words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from climate.errors import noun_for

Time = np.datetime64 | npt.NDArray[Any]
"""One moment, as a scalar or an array without dimensions."""

MINUS = "\u2212"
NO_BREAK = "\u00a0"
APOSTROPHE, OPENING = "\u2019", "\u2018"
CO2 = "CO\u2082"
EN_DASH = "\u2013"
NONE = EN_DASH
"""Printed where there is nothing to say."""

UNITS = {
    "degC": "°C",
    "degree_Celsius": "°C",
    "delta_degC": "°C",
    "celsius": "°C",
    "K": "K",
    "kelvin": "K",
    "1e-6": "ppm",
    "micromol/mol": "ppm",
    "umol mol-1": "ppm",
    "ppm": "ppm",
}
"""Units as readers know them."""

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
FOUR_DIGITS = 1000
"""Years before this one are said to be of the common era."""
SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def unit(units: str) -> str:
    """`units` as printed."""
    return UNITS.get(units, units)


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """Fixed-point with a real minus sign; 'n/a' for NaN."""
    if not np.isfinite(value):
        return "n/a"
    text = f"{abs(value):,.{digits}f}"
    zero = float(text.replace(",", "")) == 0
    if value < 0 and not zero:
        return MINUS + text
    return ("+" + text) if sign and not zero else text


def significant(value: float, figures: int = 3) -> str:
    """`value` with about `figures` significant figures and never in scientific notation."""
    if not np.isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    digits = max(0, figures - 1 - int(np.floor(np.log10(abs(value)))))
    return number(value, min(digits, 6))


def with_error(value: float, error: float) -> str:
    """`value ± error` to two significant figures of the error, and to two decimals at least."""
    if not np.isfinite(value):
        return NONE
    fine = 1 - int(np.floor(np.log10(error))) if np.isfinite(error) and error > 0 else 2
    digits = max(fine, 2)
    return f"{number(value, digits)} ± {number(error, digits)}"


def percent(share: float, digits: int = 0, sign: bool = False) -> str:
    """A share as a percentage."""
    return "n/a" if not np.isfinite(share) else number(100 * share, digits, sign) + "%"


def p_number(p: float) -> str:
    """'0.012', '< 0.001', '> 0.99' or 'n/a': never 0 and never 1."""
    if not np.isfinite(p):
        return "n/a"
    if p < 0.001:
        return f"<{NO_BREAK}0.001"
    if p > 0.99:
        return f">{NO_BREAK}0.99"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def p_value(p: float) -> str:
    """'p = 0.012', 'p < 0.001', 'p > 0.99' or 'p not available'."""
    text = p_number(p)
    if text == "n/a":
        return "p not available"
    return f"p{NO_BREAK}{text}" if text.startswith(("<", ">")) else f"p{NO_BREAK}={NO_BREAK}{text}"


def typeset(text: str) -> str:
    """Typographic quotes and apostrophes, and the subscript of CO2."""
    return re.sub(r"(^|[\s(])'(?=\w)", rf"\1{OPENING}", text).replace("'", APOSTROPHE).replace("CO2", CO2)


def month(time: Time) -> str:
    """'February 2026'."""
    index = int(np.asarray(time).astype("datetime64[M]").astype(np.int64))
    year = index // 12 + 1970
    return f"{MONTHS[index % 12]} {year}{' CE' if year < FOUR_DIGITS else ''}"


def iso_month(time: Time) -> str:
    """'2026-02'."""
    return str(np.asarray(time).astype("datetime64[M]"))


def spell(value: int) -> str:
    """'no', 'three', '14'."""
    return SMALL[value] if value < len(SMALL) else f"{value:,}"


def how_many(value: int) -> str:
    """'none', 'three', '14': a number that stands alone."""
    return spell(value) if value else "none"


def count(value: int, noun: str, plural: str | None = None) -> str:
    """'one region', 'three regions', '14 regions'."""
    return f"{spell(value)} {noun_for(value, noun, plural)}"


def moves(change: float, what: str) -> str:
    """'raises the error by 2.0%' for a change of 0.02, 'lowers' for one below zero."""
    if abs(change) < 0.0005:
        return f"changes {what} by less than 0.1%"
    return f"{'raises' if change > 0 else 'lowers'} {what} by {percent(abs(change), 1)}"


def ordinal(value: int) -> str:
    """'second', 'third', '11th'."""
    small = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth"}
    if value in small:
        return small[value]
    suffix = "th" if 10 <= value % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{suffix}"


def ahead(first: int, last: int) -> str:
    """A block of leads: 'one month ahead', '1 to 12 months ahead'."""
    if first == last:
        return "one month ahead" if first == 1 else f"{first} months ahead"
    return f"{first} to {last} months ahead"


def joined(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def inner(title: str) -> str:
    """A title inside a sentence: its article in lower case."""
    return "the " + title[4:] if title.startswith("The ") else title


def capital(text: str) -> str:
    """First letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]
