"""Stage `study`: the records that single chapters look at closely, apart from the others.

Their stages depend on these alone, so that one more region does not run them again.
"""

from __future__ import annotations

import shutil

from climate import layout
from climate.params import load_params


def run() -> None:
    """Copy the series that `understand` and `ceiling` name and that are regions of this run."""
    params = load_params()
    named = {*params.ceiling.regions, *(params.understand.records if params.understand else ())}
    layout.STUDY.mkdir(parents=True, exist_ok=True)
    for region in sorted(named & set(params.regions)):
        shutil.copyfile(layout.series_file(region), layout.study_file(region))
