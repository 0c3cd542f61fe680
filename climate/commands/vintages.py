"""`climate vintages`: which releases of a source there are, and what changed between two of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from climate.errors import ClimateError
from climate.params.params import PARAMS_FILE, Params, load_params
from climate.params.regions import required_sources
from climate.sources.catalogue import find_source, known_from
from climate.sources.channels.verify import head_bytes
from climate.sources.pulled import Release, local
from climate.sources.releases import release, source_with_vintages
from climate.sources.revisions import MAX_LINES, as_of, differences, in_words, revisions

MAX_WIDTH = 120
SHOWN_LEADS = (1, 2, 3, 6, 12, 24, 36, 48, 60)
_DATA_ROW = re.compile(r"\s*\"?[-+.]?\d[\d.eE+-]*\"?\s*([\s,;]|$)")


def listing(key: str) -> str:
    """One line per vintage: name, what the catalogue says of it, whether params.yaml uses it and data/ holds it."""
    from climate.commands.sources import channels

    source = source_with_vintages(key)
    pinned = load_params().pull.sources if PARAMS_FILE.exists() else {}
    held = local(key)
    lines = []
    for name, vintage in source.vintages.items():
        marks = [
            *(["in params.yaml"] if key in pinned and pinned[key].vintage == name else []),
            *(["in data/"] if held is not None and held.vintage == name else []),
        ]
        lines.append(f"{name:<8} {channels(source, vintage)}  {' and '.join(marks)}".rstrip())
    return "\n".join(lines)


def diff(key: str, old: str, new: str, csv: Path | None = None) -> str:
    """What changed from release `old` to `new` in words; every difference goes to the file `csv`.

    A release is a vintage of source `key`, or SOURCE@VINTAGE for one that the catalogue keeps under another key.
    """
    with release(*_named(key, old)) as before, release(*_named(key, new)) as after:
        lines = [f"{_title(before)} -> {_title(after)}", *compare(before, after)]
        if csv is not None:
            rows = _write_csv(before.read(), after.read(), csv)
            lines.append(f"{rows:,} differences in {csv}")
    return "\n".join(lines)


def forecast(key: str, old: str, new: str, series: str | None = None, leads: int | None = None) -> str:
    """What a forecast from the last month of release `old` said, and what it says with release `new` up to then.

    Releases are named as for `diff`; `series` names one of a table with several, else it is the first.
    """
    from climate.hindcast.real_time import NOW, RECENT_MONTHS, THEN, scales_apart, source_forecasts_by_release

    params = load_params()

    with release(*_named(key, old)) as before, release(*_named(key, new)) as after:
        names = {THEN: _title(before), NOW: _title(after)}
        table = source_forecasts_by_release(
            before.read(), after.read(), key, params.harmonize, leads or params.backtest.leads, series
        )
    unit = table.attrs["units"]
    lines = [
        f"Forecast from {table.attrs['origin']}, where {names[THEN]} ends, by one classical model: "
        f"{table.attrs['model']}",
        f"Revised among the {RECENT_MONTHS} months up to then: {int(table['revised_recent'])}, on average by "
        f"{float(table['change_recent']):+.3g} {unit}",
        *_scale_line(scales_apart(table.attrs)),
        f"Medians and 90% intervals in {unit}:",
        f"{'lead':>4}  {'with what was known then':^28}  {'with ' + names[NOW]:^28}  {'observed':>9}",
    ]
    for lead in [lead for lead in SHOWN_LEADS if lead <= table.sizes["lead"]]:
        at_lead = table.sel(lead=lead)
        low, middle, high = (at_lead["forecast"].sel(quantile=level) for level in (0.05, 0.5, 0.95))
        cells = [
            f"{float(middle.sel(release=r)):9.2f} ({float(low.sel(release=r)):.2f} to {float(high.sel(release=r)):.2f})"
            for r in (THEN, NOW)
        ]
        seen = float(at_lead["observed"])
        lines.append(f"{lead:>4}  {cells[0]:<28}  {cells[1]:<28}  {f'{seen:.2f}' if np.isfinite(seen) else '':>9}")
    verified = int(table["observed"].notnull().sum())
    if verified:
        then, now = (float(table["crps"].sel(release=r)) for r in (THEN, NOW))
        lines.append(
            f"CRPS over {verified} verified leads: {then:.3g} with what was known then, {now:.3g} with {names[NOW]}"
        )
    return "\n".join(lines)


def _scale_line(scales: tuple[str, str] | None) -> list[str]:
    if scales is None:
        return []
    return [
        f"Scale: {scales[0]} then, {scales[1]} now. Part of the revision, of the gap between the forecasts and of the",
        "older one's error is this change of scale, not knowledge gained.",
    ]


def _named(key: str, name: str) -> tuple[str, str]:
    source, at, vintage = name.rpartition("@")
    return (source, vintage) if at else (key, name)


def _title(which: Release) -> str:
    return f"{which.source.key} {which.vintage}"


def compare(before: Release, after: Release) -> list[str]:
    """What changed between two releases, a line per fact. ClimateError when they cannot be compared."""
    same_source = before.source.key == after.source.key
    if same_source and before.digests == after.digests:
        return ["The same files, byte for byte."]
    old, new = before.read(), after.read()
    table = revisions(old, new)
    names = [which.vintage if same_source else _title(which) for which in (before, after)]
    return [*in_words(table, *names), *_header_lines(before, after)]


def _header_lines(before: Release, after: Release) -> list[str]:
    """Lines above the data that the publisher changed, for files of text that both releases have."""
    if len(before.source.files) != len(after.source.files):
        return []
    lines: list[str] = []
    for old, new in zip(before.source.files, after.source.files, strict=True):
        old_lines, new_lines = header(before.folder / old.name), header(after.folder / new.name)
        changes = [line for line in difflib.ndiff(old_lines, new_lines) if line[:1] in "+-"]
        if changes:
            lines += [f"Header of {new.name}:", *(f"  {line[:MAX_WIDTH]}" for line in changes[:MAX_LINES])]
        if len(changes) > MAX_LINES:
            lines.append(f"  and {len(changes) - MAX_LINES:,} more")
    return lines


def header(path: Path) -> list[str]:
    """The lines of a text file before its first row of data, without trailing blanks; [] for a binary file."""
    data = head_bytes(path)
    if b"\x00" in data:
        return []
    try:
        head = data[: data.rfind(b"\n") + 1].decode("utf-8-sig")
    except UnicodeDecodeError:
        head = data.decode("latin-1")
    lines = [line.rstrip() for line in head.splitlines()]
    first = next((i for i, line in enumerate(lines) if _DATA_ROW.match(line)), 0)
    return [line for line in lines[:first] if line.strip(" #")]


def _write_csv(old: xr.Dataset, new: xr.Dataset, path: Path) -> int:
    """Every difference as a row; the number of rows."""
    partial, rows = path.with_name(path.name + ".partial"), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="") as file:
            for block in differences(old, new):
                frame = block.to_dataframe()
                frame.to_csv(file, index=False, header=file.tell() == 0, float_format="%.10g", lineterminator="\n")
                rows += len(frame)
        partial.replace(path)
    except OSError as error:
        raise ClimateError(f"--csv {path}: cannot be written ({error.strerror}); choose another file") from None
    return rows


def as_of_month(month: str) -> str:
    """The command that runs the whole pipeline on what was out by `month`, in a folder of its own.

    Without `--temp` DVC would rewrite params.yaml here, and lose comments. The command names the vintages, and as many
    origins of the backtest as every region's record then reached: a record reaches at least to the month before the
    one that its vintage is named by. Raises ClimateError when no origin is left.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise ClimateError(f"month: found '{month}', expected YYYY-MM such as 2024-04")
    params = load_params()
    chosen, without = {}, []
    for key, pinned in params.pull.sources.items():
        try:
            # What params.yaml names stays where it was out by then, even if something newer was out too.
            keep = pinned.vintage in find_source(key).dated and known_from(pinned.vintage) <= month
            chosen[key] = pinned.vintage if keep else as_of(find_source(key), month)
        except ClimateError as error:
            without.append(str(error))
    settings = [
        f"  -S 'pull.sources.{key}.vintage=\"{vintage}\"'"
        for key, vintage in chosen.items()
        if vintage != params.pull.sources[key].vintage
    ]
    if not settings:
        if without:
            return "\n".join([f"Nothing to run: these were not out by {month}.", *without])
        return "Nothing older than what params.yaml names."
    ends = {name: end for name in params.regions if (end := _reach(name, params, chosen)) is not None}
    first = min(ends, key=lambda name: ends[name]) if ends else None
    notes = []
    if first is not None:
        count = _origins_until(ends[first], params)
        if count < params.backtest.origins:
            settings.append(f"  -S 'backtest.origins={count}'")
            notes.append(f"Origins end where the record of '{first}' does, in {ends[first]} or soon after.")
    if without:
        notes.append(f"These were not out by {month}, and stay as params.yaml names them:")
    return "\n".join([" \\\n".join(["dvc exp run --temp", *settings]), *notes, *without])


def _reach(region: str, params: Params, chosen: Mapping[str, str]) -> np.datetime64 | None:
    """The month that a region's record reaches for certain; None where a source was not out yet."""
    required = required_sources(region, params.definitions, params.harmonize)
    keys = [key for key in required if key not in params.pull.own]
    moving = [key for key in keys if find_source(key).cadence != "static"]
    if not moving or not all(key in chosen for key in keys):
        return None
    return max(np.datetime64(known_from(chosen[key]), "M") for key in moving) - 1


def _origins_until(end: np.datetime64, params: Params) -> int:
    first = np.datetime64(params.backtest.first_origin, "M")
    count = int((end - first).astype(np.int64)) // params.backtest.every + 1
    if count < 1:
        raise ClimateError(
            f"as of then a record ended in {end}, before backtest.first_origin {first}: choose a later month or an "
            "earlier first origin"
        )
    return min(count, params.backtest.origins)
