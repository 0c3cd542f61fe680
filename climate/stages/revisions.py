"""Stage `revisions`: what the pinned vintages revised of the ones before, for the report."""

from __future__ import annotations

import logging
from typing import Any

from climate.errors import ClimateError
from climate.files import write_json
from climate.hindcast.real_time import as_row, source_forecasts_by_release
from climate.params.params import Params, load_params
from climate.paths import DATA, REVISIONS
from climate.sources.catalogue import find_source
from climate.sources.provenance import PREVIOUS, read_provenance
from climate.sources.pulled import open_release
from climate.sources.revisions import revision_row

log = logging.getLogger("climate")


def run() -> None:
    """Compare each source in data/ with the older vintage pulled beside it, and write build/revisions.json.

    Keys: `compared` (rows, see `row`), `refused` (source, old, new, reason: what could not be compared) and `alone`
    (records without an older vintage).
    """
    params = load_params()
    compared, refused, alone = [], [], []
    for key in params.pull.sources:
        if not (DATA / key / PREVIOUS).is_dir():
            alone += [key] if find_source(key).is_record else []
            continue
        try:
            compared.append(row(key, params))
        except ClimateError as error:
            old, new = (read_provenance(folder).vintage for folder in (DATA / key / PREVIOUS, DATA / key))
            refused.append({"source": key, "old": old, "new": new, "reason": str(error)})
            log.warning("%s: revisions since %s are not shown: %s", key, old, error)
    write_json({"compared": compared, "refused": refused, "alone": alone}, REVISIONS)


def row(key: str, params: Params) -> dict[str, Any]:
    """One source: `climate.sources.revisions.revision_row`, and under `knew` `climate.hindcast.real_time.as_row`.

    Without `knew` where the forecast model cannot use the record. ClimateError when a vintage is unavailable or the two
    cannot be compared.
    """
    before, after = open_release(DATA / key / PREVIOUS), open_release(DATA / key)
    old, new = before.read(), after.read()
    compared = {"source": key, "old": before.vintage, "new": after.vintage} | revision_row(old, new)
    try:
        knew = source_forecasts_by_release(old, new, key, params.harmonize, params.backtest.leads)
    except ClimateError as error:
        log.info("%s: no forecast as of %s: %s", key, before.vintage, error)
        return compared
    return compared | {"knew": as_row(knew)}
