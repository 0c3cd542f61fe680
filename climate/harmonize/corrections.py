"""Known faults of publishers' files: corrected while they are there, and reported once they are gone.

The catalogue tells each fault by a text that the faulty file holds. A file without that text is taken as its publisher
gives it, so that a correction never outlives its fault; the truth checks then ask for the entry to be taken out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.harmonize.series import month, months_of
from climate.sources.catalogue import Correction, Source


def is_there(correction: Correction, heads: Mapping[str, str]) -> bool:
    """Whether every file that the fault is told by still has it; `heads` are the first 16 KiB by file name."""
    return all(text in heads.get(file, "") for file, text in correction.while_contains.items())


def corrected(source: Source, record: xr.Dataset, heads: Mapping[str, str]) -> xr.Dataset:
    """`record` (a table reader's Dataset) with the values that the corrections of `source` set.

    A corrected value has no published uncertainty; attrs["corrections"] names the faults. Raises ClimateError for a
    series or month that the record does not have.
    """
    due = [correction for correction in source.corrections if is_there(correction, heads)]
    if not due:
        return record
    result = record.copy(deep=True)
    months = months_of(result["time"])
    names = [str(name) for name in result["series"].values]
    for correction in due:
        for series, values in correction.values.items():
            for when, value in values.items():
                at = np.flatnonzero(months == month(when))
                if series not in names or not at.size:
                    raise ClimateError(
                        f"catalogue.yaml: source '{source.key}', correction '{correction.about}': found no {when} of "
                        f"series '{series}' in the record, expected it there; correct the entry"
                    )
                cell = {"series": names.index(series), "time": at}
                result["value"][cell] = np.nan if value is None else value
                result["uncertainty"][cell] = np.nan
    return result.assign_attrs(corrections="; ".join(correction.about for correction in due))
