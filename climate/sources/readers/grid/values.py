"""Values of a grid as they are meant: missing ones masked, in the unit of the source."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.sources.catalogue import Source
from climate.sources.units import conversion

MISSING = ("_FillValue", "missing_value")
LIMITS = ("valid_min", "valid_max", "valid_range")
PACKING = ("scale_factor", "add_offset")


def decoded(raw: xr.Dataset, variable: str, source: Source, name: str) -> xr.DataArray:
    """`variable` of `raw`, which was opened without decoding, in the unit of `source`; NaN where a value is missing.

    Missing are values that the file declares so, in the variable or for the whole file, and those outside its valid
    range. Nothing is read, unless a valid range is declared.

    Raises:
        ClimateError: no unit, an unknown one, or one of another quantity.
    """
    values = raw[variable]
    attrs = values.attrs
    unit = str(attrs.get("units", "")).strip() or (source.unit if source.own else "")
    if not unit:
        raise ClimateError(f"{name}: found no unit of '{variable}', expected one such as degC or K; add it to the file")
    change = conversion(unit, source.unit, difference=source.kind == "anomaly", what=f"{name}, '{variable}'")
    missing = [number for key in MISSING for number in _numbers(attrs.get(key, raw.attrs.get(key)))]
    packing = {key: np.asarray(attrs[key]).ravel()[0] for key in PACKING if key in attrs}
    for key, number in packing.items():
        if number.dtype.kind not in "iuf" or not np.isfinite(number) or (key == "scale_factor" and number == 0):
            raise ClimateError(
                f"{name}: found the {key} '{number}' of '{variable}', expected a number; correct the attribute"
            )
    if not change.is_identity:
        scale, offset = packing.get("scale_factor", 1.0), packing.get("add_offset", 0.0)
        number = values.dtype.type if values.dtype.kind == "f" else np.float64
        packing = {
            "scale_factor": number(scale * change.factor),
            "add_offset": number(offset * change.factor + change.offset),
        }
    plain = values.drop_attrs().drop_encoding()
    lowest, highest = _valid_range(attrs, values.dtype)
    if np.isfinite(lowest) or np.isfinite(highest):
        plain = plain.where((plain >= lowest) & (plain <= highest))
    plain.attrs = {"units": source.unit, **packing}
    plain.attrs |= {key: attrs[key] for key in ("long_name", "standard_name", "_Unsigned") if key in attrs}
    if missing:
        plain.attrs["missing_value"] = np.array(missing).astype(plain.dtype)
    with warnings.catch_warnings():
        # several missing values are what this function is for
        warnings.simplefilter("ignore", xr.SerializationWarning)
        return xr.decode_cf(plain.to_dataset(name="value"), decode_times=False, decode_coords=False)["value"]


def _numbers(stated: Any) -> list[float]:
    """The numbers of an attribute, which may be written as text."""
    if stated is None:
        return []
    found = []
    for part in np.atleast_1d(np.asarray(stated)).ravel():
        try:
            found.append(float(part))
        except ValueError:
            continue
    return found


def _valid_range(attrs: dict[str, Any], dtype: np.dtype[Any]) -> tuple[float, float]:
    """Lowest and highest valid number as the file stores values; infinite where none is declared.

    Limits of another type than packed values are meant for the unpacked ones (CF conventions, section 2.5.1).
    """
    both = _numbers(attrs.get("valid_range"))
    lowest = (_numbers(attrs.get("valid_min")) or both[:1] or [-np.inf])[0]
    highest = (_numbers(attrs.get("valid_max")) or both[1:2] or [np.inf])[0]
    given = next((np.asarray(attrs[key]).dtype for key in LIMITS if key in attrs), dtype)
    if np.issubdtype(dtype, np.integer) and not np.issubdtype(given, np.integer) and "scale_factor" in attrs:
        scale, offset = (float(np.asarray(attrs.get(key, 0.0)).ravel()[0]) for key in PACKING)
        lowest, highest = sorted(((lowest - offset) / scale, (highest - offset) / scale))
    return lowest, highest
