"""Stage `pull`: one source's bytes into downloads/<source>/."""

from __future__ import annotations

from climate.errors import ClimateError
from climate.params.params import load_params
from climate.paths import DATA, DOWNLOADS
from climate.sources.catalogue import find_source
from climate.sources.pull import pull


def run(key: str) -> None:
    """Pull source `key` and the older vintage to compare it with; its last good copy is what data/ still holds."""
    params = load_params()
    if key not in params.pull.sources:
        raise ClimateError(
            f"source '{key}' is not under pull.sources of params.yaml (there: {', '.join(params.pull.sources)}); add it"
        )
    pinned = params.pull.sources[key]
    pull(
        key,
        pinned.vintage,
        DOWNLOADS / key,
        path=pinned.path,
        previous=params.revisions.against.get(key) or find_source(key).previous(pinned.vintage),
        mirror=params.pull.chosen_mirror,
        last_good=DATA / key,
    )
