"""Stage `pull`: one source's bytes into downloads/<source>/."""

from __future__ import annotations

import os

from climate.errors import ClimateError
from climate.params.params import load_params
from climate.paths import DATA, DOWNLOADS
from climate.sources.pull import pull


def run(source: str) -> None:
    """Pull `source`; its last good copy is what data/ still holds."""
    params = load_params().pull
    if source not in params.sources:
        raise ClimateError(
            f"source '{source}' is not under pull.sources of params.yaml (there: {', '.join(params.sources)}); add it"
        )
    pull(
        source,
        params.sources[source].vintage,
        DOWNLOADS / source,
        path=params.sources[source].path,
        mirror=os.environ.get("CLIMATE_MIRROR") or params.mirror,
        last_good=DATA / source,
    )
