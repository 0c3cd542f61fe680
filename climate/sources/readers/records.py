"""From the columns of publishers' tables to the Dataset that every table reader returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.schema import TIME_DTYPE
from climate.sources.catalogue import Source, SourceFile
from climate.sources.readers.calendar import Times
from climate.sources.readers.textfile import Floats

SIGMA_PER_95 = 1 / 1.96
"""Half width of a normal 95% interval, in standard errors, inverted."""


@dataclass(frozen=True)
class Record:
    """One series as its publisher gives it: `time` strictly increasing, the other arrays of the same length."""

    name: str
    time: Times
    value: Floats
    uncertainty: Floats | None = None
    """One standard error."""
    site: NDArray[np.str_] | str = ""
    period: NDArray[np.str_] | str = ""
    interpolated: NDArray[np.bool_] | None = None
    extra: dict[str, Floats] = field(default_factory=dict)
    """More variables along time, such as a decimal `year`."""


def dataset(source: Source, records: Sequence[Record], *, file_date: str = "", **attrs: Any) -> xr.Dataset:
    """`records` on their joint time axis: dims (series, time), values of `climate.schema.SERIES_VARIABLES`.

    Times that a series has no row for are NaN in it. Rows after the last value of any series are padding that some
    publishers add up to December; they are dropped. Strings are "" where there is no value.
    """
    time = joint_time(records)
    shape = (len(records), time.size)
    value, uncertainty = np.full(shape, np.nan), np.full(shape, np.nan)
    interpolated = np.zeros(shape, dtype=bool)
    texts = {name: _texts(records, name, shape) for name in ("site", "period")}
    extra = {name: np.full(shape, np.nan) for record in records for name in record.extra}
    for i, record in enumerate(records):
        at = np.searchsorted(time, record.time)
        held = at < time.size
        at = at[held]
        value[i, at] = record.value[held]
        if record.uncertainty is not None:
            uncertainty[i, at] = record.uncertainty[held]
        if record.interpolated is not None:
            interpolated[i, at] = record.interpolated[held]
        for name, text in texts.items():
            given = getattr(record, name)
            if text.flags.writeable:
                text[i, at] = given if isinstance(given, str) else given[held]
        for name, numbers in record.extra.items():
            extra[name][i, at] = numbers[held]
    absent = np.isnan(value)
    interpolated &= ~absent
    for text in texts.values():
        if text.flags.writeable:
            text[absent] = ""
    result = assemble(source, [record.name for record in records], time, value, uncertainty)
    result["interpolated"] = (result.value.dims, interpolated)
    for name, array in (texts | extra).items():
        result[name] = (result.value.dims, array)
    return result.assign_attrs({"file_date": file_date} | attrs)


def assemble(source: Source, names: Sequence[str], time: Times, value: Floats, uncertainty: Floats) -> xr.Dataset:
    """The Dataset of a source from whole arrays (series, time), which it keeps: no sites, no periods, nothing filled.

    `uncertainty` is set to NaN where there is no value. ClimateError when a name stands twice and when all is NaN.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise ClimateError(
            f"{source.key}: found series '{twice}' twice, expected each once; check the files listed for it"
        )
    absent = np.isnan(value)
    if absent.all():
        raise ClimateError(
            f"source '{source.key}': found no value in its files, expected some; choose another vintage, "
            "or correct the entry's variable or series"
        )
    uncertainty[absent] = np.nan
    dims = ("series", "time")
    nothing = np.broadcast_to(np.array("", dtype="<U1"), value.shape)
    return xr.Dataset(
        {
            "value": (dims, value),
            "uncertainty": (dims, uncertainty),
            "site": (dims, nothing),
            "period": (dims, nothing),
            "interpolated": (dims, np.broadcast_to(np.array(False), value.shape)),
        },
        coords={"series": list(names), "time": time},
        attrs=describe(source) | {"file_date": ""},
    )


def describe(source: Source) -> dict[str, Any]:
    """The attributes that tables and grids of a source carry."""
    return {
        "source": source.key,
        "title": source.title,
        "units": source.unit,
        "quantity": source.quantity,
        "kind": source.kind,
        "baseline": "" if source.baseline is None else f"{source.baseline[0]}-{source.baseline[1]}",
        "cadence": source.cadence,
    }


def joint_time(records: Sequence[Record]) -> Times:
    """All times of `records` up to the last one that has a value."""
    last = [record.time[~np.isnan(record.value)].max() for record in records if not np.isnan(record.value).all()]
    if not last:
        return np.empty(0, dtype=TIME_DTYPE)
    time: Times = np.unique(np.concatenate([record.time for record in records]))
    until: Times = time[time <= max(last)]
    return until


def _texts(records: Sequence[Record], name: str, shape: tuple[int, int]) -> NDArray[np.str_]:
    given = [np.asarray(getattr(record, name)) for record in records]
    width = max(max((int(texts.dtype.itemsize // 4) for texts in given), default=1), 1)
    if all(texts.ndim == 0 and str(texts) == "" for texts in given):
        return np.broadcast_to(np.array("", dtype="<U1"), shape)
    return np.full(shape, "", dtype=f"<U{width}")


def series_name(source: Source, file: SourceFile, default: str) -> str:
    """What the catalogue calls the series of `file`: options.series, as one name or by file name, else `default`."""
    given = source.options.get("series", default)
    return str(given.get(file.name, default) if isinstance(given, dict) else given)
