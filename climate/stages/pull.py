"""Stage `pull`: one source's bytes into downloads/<source>/."""

from __future__ import annotations

from climate.errors import ClimateError
from climate.params.params import load_params
from climate.paths import DATA, DOWNLOADS
from climate.sources.pull import pull


def run(key: str) -> None:
    """Pull source `key` and the older vintage to compare it with; its last good copy is what data/ still holds."""
    params = load_params()
    known = params.pull.pinned
    if key not in known:
        raise ClimateError(
            f"source '{key}' is not under pull.sources of params.yaml (there: {', '.join(known)}); "
            f"`climate sources add {key}` adds it"
        )
    pinned, source = known[key], params.pull.source(key)
    pull(
        source,
        pinned.vintage,
        DOWNLOADS / key,
        path=pinned.path,
        previous=params.revisions.against.get(key) or source.previous(pinned.vintage),
        mirror=params.pull.chosen_mirror,
        last_good=DATA / key,
    )
