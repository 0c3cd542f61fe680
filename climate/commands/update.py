"""`climate update` moves sources to their newest release, `climate retry` pulls unavailable ones again.

An update writes nothing but params.yaml, in one replacement of the whole file per source that was agreed to: whatever
interrupts it, the file is either as before or as after, and data/ and downloads/ are left to `dvc repro`.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from climate.commands.vintages import compare
from climate.errors import ClimateError
from climate.files import write_text
from climate.harmonize.checks import examine
from climate.params.edit import with_vintage
from climate.params.params import PARAMS_FILE, load_params, parse_params
from climate.paths import DOWNLOADS
from climate.sources.catalogue import find_source
from climate.sources.channels.publisher import LATEST
from climate.sources.provenance import PREVIOUS, Provenance, read_provenance
from climate.sources.pulled import Release, faults, local
from climate.sources.releases import release, source_with_vintages
from climate.sources.revisions import last_time

Ask = Callable[[str], bool]
Say = Callable[[str], None]

log = logging.getLogger("climate")


@dataclass
class Outcome:
    """The outcome of an update."""

    moved: list[str]
    """Sources whose entry in params.yaml changed, or whose `latest` was fetched anew."""
    failed: list[str]
    """Sources without a release that is available and readable."""


def update(keys: Sequence[str], *, ask: Ask, dry_run: bool = False, say: Say = print) -> Outcome:
    """Move sources of params.yaml (all of them without `keys`) to the newest available release.

    Candidates are the catalogue's newest vintage and `latest`. For each source that has a newer release `say` tells
    what would change and `ask` decides. A source that fails stops no other one. Raises ClimateError for a key that is
    not under pull.sources.
    """
    known = load_params().pull
    pinned = known.sources
    for key in keys:
        if key in known.own:
            source_with_vintages(key)
        if key not in pinned:
            raise ClimateError(
                f"source '{key}' is not under pull.sources of params.yaml (there: {', '.join(pinned)}); add it there"
            )
    outcome = Outcome([], [])
    for key in keys or list(pinned):
        try:
            if _update_one(key, pinned[key].vintage, ask, dry_run, say):
                outcome.moved.append(key)
        except ClimateError as error:
            outcome.failed.append(key)
            say(f"{key}: not updated: {error}")
    return outcome


def _update_one(key: str, vintage: str, ask: Ask, dry_run: bool, say: Say) -> bool:
    with ExitStack() as stack:
        current = _current(key, vintage, stack)
        newest, note = _newest(key, current, stack)
        if newest is None:
            say(f"{key}: {vintage} is the newest available{note}")
            return False
        say(f"{key}: {current.vintage if current else 'nothing'} -> {newest.vintage}")
        for line in _what_changes(current, newest):
            say(f"  {line}")
        if newest.vintage == LATEST:
            say("  `latest` moves with its publisher: `dvc push` keeps these bytes for others")
        if dry_run or not ask(f"Move {key} to {newest.vintage}?"):
            return False
    if newest.vintage == vintage:
        pull_again([key])
        say(f"{key}: {vintage} is pulled anew; `dvc repro` takes it up")
        return True
    try:
        text = with_vintage(PARAMS_FILE.read_text(encoding="utf-8"), key, newest.vintage)
        parse_params(yaml.safe_load(text), PARAMS_FILE)
        write_text(text, PARAMS_FILE)
    except OSError as error:
        raise ClimateError(f"{PARAMS_FILE}: cannot be written ({error.strerror}); fix this and update again") from None
    say(f"{key}: {PARAMS_FILE} names {newest.vintage}; `dvc repro` takes it up")
    return True


def _current(key: str, vintage: str, stack: ExitStack) -> Release | None:
    """The release that the pipeline holds, else the one that params.yaml names; None where neither is available."""
    held = local(key)
    if held is not None and held.vintage == vintage:
        return held
    if vintage == LATEST:
        return held
    try:
        return stack.enter_context(release(key, vintage))
    except ClimateError as error:
        log.warning("%s", error)
        return held


def _newest(key: str, current: Release | None, stack: ExitStack) -> tuple[Release | None, str]:
    """The catalogue's last vintage or `latest`, None where `current` is as new; and a note on unavailable ones."""
    source = find_source(key)
    candidates, refusals = [], []
    for name in (*source.dated[-1:], LATEST):
        if name not in source.vintages or (current is not None and current.vintage == name != LATEST):
            continue
        try:
            candidate = stack.enter_context(release(key, name))
        except ClimateError as error:
            refusals.append((name, error))
            continue
        same_bytes = [known for known in source.dated if source.vintages[known].sha256 == candidate.digests]
        candidates.append(replace(candidate, vintage=same_bytes[-1]) if same_bytes else candidate)
    if not candidates and current is None:
        raise refusals[0][1]
    best = current
    for candidate in candidates:
        if best is None or _is_newer(candidate, best):
            best = candidate
    note = f" ({', '.join(name for name, _ in refusals)} unavailable)" if refusals else ""
    return (None if best is current else best), note


def _is_newer(release: Release, other: Release) -> bool:
    """By the last month with a value, then by the files' own dates, then by being `latest`."""
    if release.digests == other.digests:
        return False
    if release.source.is_record:
        ends = [last_time(each.read()) for each in (release, other)]
        if ends[0] != ends[1]:
            return bool(ends[0] > ends[1])
    dates = [max((file.file_date for file in each.provenance.files.values()), default="") for each in (release, other)]
    if all(dates) and dates[0] != dates[1]:
        return dates[0] > dates[1]
    return release.vintage == LATEST


def _what_changes(current: Release | None, newest: Release) -> list[str]:
    """Rows, revisions and checks, a line per fact. ClimateError when the release fails a check with an error."""
    if not newest.source.is_record:
        return ["Other files: " + ", ".join(newest.digests)]
    record, checks = examine(newest, newest.read(), current.read() if current else None)
    if wrong := faults(checks):
        raise ClimateError(
            f"{newest.vintage}: check '{wrong[0].check}': found {wrong[0].found}, expected {wrong[0].expected}; look "
            "at it, and name it in params.yaml by hand if it is right"
        )
    lines = compare(current, newest) if current else [f"{record.sizes['time']:,} times to {last_time(record)!s:.7}"]
    warnings = [
        f"Warning, {check.check}: found {check.found}, expected {check.expected}"
        for check in checks
        if check.status != "ok"
    ]
    return [*lines, f"Checks: {len(checks) - len(warnings)} of {len(checks)} passed", *warnings]


def retry(say: Say = print) -> bool:
    """Pull again what is unavailable or only an older copy, previous vintages too; whether every source is well now."""
    keys = list(load_params().pull.pinned)
    unpulled = [key for key in keys if not _pulled(key)]
    failed = [key for key in keys if any(pulled.status != "ok" for pulled in _pulled(key))]
    if unpulled:
        say(f"Not pulled yet: {', '.join(unpulled)}; `dvc repro` pulls them")
    if not failed:
        say("Nothing to try again.")
        return not unpulled
    pull_again(failed)
    still = 0
    for key in failed:
        main, *previous = _pulled(key)
        for provenance in (main, *previous):
            well = provenance.status == "ok"
            how = f"{provenance.vintage} from {provenance.channel}" if well else "; ".join(provenance.reasons)
            if provenance is main or not well:
                say(f"{key}{'' if provenance is main else ', previous vintage'}: {provenance.status}, {how}")
        still += any(pulled.status != "ok" for pulled in (main, *previous))
    if still < len(failed):
        say("Run `dvc repro` to take up what is new.")
    return not still and not unpulled


def _pulled(key: str) -> list[Provenance]:
    """What the last pull of a source wrote, that of its previous vintage last; [] where there was none."""
    folder, records = DOWNLOADS / key, []
    with suppress(ClimateError):
        records.append(read_provenance(folder))
        if (folder / PREVIOUS).is_dir():
            records.append(read_provenance(folder / PREVIOUS))
    return records


def pull_again(keys: Sequence[str]) -> None:
    """Run the pull stages of `keys` whether or not anything they depend on changed."""
    known = load_params().pull
    command = [sys.executable, "-m", "dvc", "repro", "--force", *(known.source(key).stage for key in keys)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(command, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        raise ClimateError(
            f"`dvc repro --force {' '.join(command[5:])}` ended with status {done.returncode}; its message is above"
        )
