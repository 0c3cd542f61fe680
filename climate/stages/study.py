"""Stage `study`: the records that single chapters look at closely, apart from the others.

Their stages depend on these alone, so that one more region does not run them again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence

import xarray as xr

from climate import paths
from climate.files import read_netcdf
from climate.params.params import Params, load_params

log = logging.getLogger("climate")


def run() -> None:
    """Copy the series that `understand` and `ceiling` name and that are regions of this run."""
    params = load_params()
    named = {*params.ceiling.regions, *(params.understand.records if params.understand else ())}
    paths.STUDY.mkdir(parents=True, exist_ok=True)
    for region in sorted(named & set(params.regions)):
        shutil.copyfile(paths.series_file(region), paths.study_file(region))


def read_study(params: Params, regions: Sequence[str], key: str) -> dict[str, xr.Dataset]:
    """The series of those of `regions` that are regions of this run and were not skipped; `key` names them in logs."""
    found = {}
    for region in regions:
        if region not in params.regions:
            log.warning("%s: '%s' is no key of `regions`, left out of the chapter", key, region)
            continue
        series = read_netcdf(paths.study_file(region))
        if "skipped" in series.attrs:
            log.warning("%s: skipped, %s", region, series.attrs["skipped"])
        else:
            found[region] = series
    return found
