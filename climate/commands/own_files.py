"""`climate sources add KEY --path FILE`: a file of the user's own becomes a source of params.yaml."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import yaml
from pydantic import ValidationError

from climate.commands.coverage_text import coverage_of
from climate.errors import ClimateError, counted
from climate.files import write_text
from climate.harmonize.series import months_of
from climate.params.edit import with_own
from climate.params.keys import NAME, check_key
from climate.params.own import NOT_STATED, OwnSource
from climate.params.params import PARAMS_FILE, parse_params, read_params_text
from climate.sources import file_metadata
from climate.sources.catalogue import load_catalogue
from climate.sources.channels import Refused
from climate.sources.file_metadata import Metadata, unit_and_quantity
from climate.sources.own_files import GRID_READER, TABLE_READER, collect
from climate.sources.readers.grid.opening import is_grid, sound
from climate.sources.readers.registry import READERS, read

Ask = Callable[[str, str], str]
"""Asks a question with a default answer, "" for none; the answer."""

KINDS = ("absolute", "anomaly")
OTHER = "index"
"""The quantity of values that are in no unit of temperature or of CO2."""
UNKNOWN = "unknown"
"""What stands for a baseline that nobody knows."""


def add(key: str, path: str, given: Mapping[str, str], ask: Ask | None) -> str:
    """Write a file of the user's own into params.yaml; what it holds, what regions can use it and what to do next.

    Args:
        key: of the new source.
        path: a file, a folder, a pattern or an archive.
        given: options of the command, by name, that the user gave.
        ask: asks for what the file does not say; None where nobody can be asked.

    Raises:
        ClimateError: a key that is taken or unusable, nothing readable at `path`, or an option that is missing or
            wrong. Nothing is written then.
    """
    text = read_params_text()
    _check_key(key)
    with tempfile.TemporaryDirectory(prefix="climate-") as temporary:
        file = _File(key, path, given, ask, Path(temporary))
        entry, record = file.described()
        source = _validated(entry).source(key).holding(file.names)
        text = with_own(text, key, entry)
        params = parse_params(yaml.safe_load(text), PARAMS_FILE)
        with sound(file.names[0]):
            lines = _holds(key, record, with_countries="natural-earth" in params.pull.sources)
    write_text(text, PARAMS_FILE)
    what = f"{source.quantity} ({source.kind}) in {source.unit}"
    return "\n".join([f"Added pull.own.{key} to {PARAMS_FILE}: {source.title}, {what}.", *lines])


def _check_key(key: str) -> None:
    if not re.fullmatch(NAME, key):
        raise ClimateError(f"'{key}': expected a key of lower case letters, digits and hyphens, such as my-era5")
    check_key(key, "climate sources add")
    if key in load_catalogue():
        raise ClimateError(
            f"'{key}' is a source of the catalogue; choose another key, such as my-{key}. For your own copy of that "
            f"source's file, write `{key}: {{vintage: latest, path: FILE}}` under pull.sources"
        )


def _validated(entry: Mapping[str, Any]) -> OwnSource:
    try:
        return OwnSource.model_validate(dict(entry))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        option = f"--{where}: " if where else ""
        raise ClimateError(f"{option}{first['msg'].removeprefix('Value error, ')}; correct it and run again") from None


@dataclass
class _File:
    """The file of a new source: what it says of itself, and what must be given or asked."""

    key: str
    path: str
    given: Mapping[str, str]
    ask: Ask | None
    folder: Path

    def described(self) -> tuple[dict[str, Any], xr.Dataset]:
        """The entry for params.yaml, and the record that its reader makes of the file."""
        self.reader, self.folder, self.names = self._collected()
        variable = self._variable() if self.reader == GRID_READER else ""
        says = file_metadata.of(self.folder, self.names[0], self.reader, variable)
        if self.reader == GRID_READER:
            unit = self.given.get("unit") or says.unit or "1"
            guess = replace(says, unit=unit, quantity=OTHER, kind="absolute", baseline=None)
            whole = self._read(self._entry(guess, variable))
            with sound(self.names[0]):
                months = [some_months(whole)]
            says = file_metadata.of_grid(self.folder, self.names[0], variable, months)
        entry = self._entry(self._complete(says), variable)
        return entry, self._read(entry)

    def _collected(self) -> tuple[str, Path, list[str]]:
        """Reader, folder and names of the files: a grid where there is NetCDF, otherwise a table."""
        readers = [self.given["reader"]] if "reader" in self.given else [GRID_READER, TABLE_READER]
        refusals = []
        for reader in readers:
            if reader not in READERS:
                raise ClimateError(f"--reader: found '{reader}', expected one of {', '.join(READERS)}")
            folder = self.folder / reader
            folder.mkdir()
            try:
                return reader, folder, list(collect(self.path, folder, reader=reader, link=True))
            except Refused as refusal:
                refusals.append(str(refusal))
        raise ClimateError(f"--path: {refusals[0]}")

    def _variable(self) -> str:
        known = file_metadata.variables_of(self.folder, self.names[0])
        if "variable" in self.given:
            if self.given["variable"] not in known:
                raise ClimateError(
                    f"--variable: found '{self.given['variable']}', expected one of {', '.join(known)} in "
                    f"{self.names[0]}"
                )
            return self.given["variable"]
        if len(known) == 1:
            return next(iter(known))
        if self.ask is None:
            listed = ", ".join(f"{name} ({words})" if words else name for name, words in known.items())
            raise ClimateError(f"{self.names[0]} holds {listed}; choose one by --variable")
        return self._choose("Variable", tuple(known))

    def _complete(self, says: Metadata) -> Metadata:
        """`says` with the options, and with answers where neither says anything. ClimateError for what stays open."""
        given: dict[str, Any] = {
            name: value for name, value in self.given.items() if name in Metadata.__dataclass_fields__
        }
        baseline = given.pop("baseline", "")
        says = replace(says, **given)
        missing: list[str] = []
        says = replace(says, unit=says.unit or self._answer("unit", "Unit of the values, such as degC or K", missing))
        unit, told = unit_and_quantity(says.unit)
        quantity = given.get("quantity") or told or OTHER
        kind = says.kind or ("absolute" if quantity == "co2" else "")
        kind = kind or self._answer("kind", "Are the values absolute, or anomalies", missing, KINDS)
        says = replace(says, unit=unit, quantity=quantity, kind=kind)
        if not says.cadence:
            says = replace(says, cadence="monthly")
        if baseline:
            says = replace(says, baseline=_years(baseline))
        elif says.kind == "anomaly" and says.baseline is None:
            words = f"First and last year of the anomalies' baseline, such as 1961-1990, or {UNKNOWN}"
            answer = self._answer("baseline", words, missing)
            says = replace(says, baseline=_years(answer) if answer else None)
        if missing:
            raise ClimateError(
                f"{self.names[0]} does not say everything; give {' and '.join(missing)}, since nobody can be asked here"
            )
        says = replace(says, baseline=says.baseline if says.kind == "anomaly" else None)
        if not says.licence:
            says = replace(says, licence=self.ask("Licence of the data", NOT_STATED) if self.ask else NOT_STATED)
        return replace(says, title=says.title or self.key)

    def _answer(self, name: str, words: str, missing: list[str], choices: tuple[str, ...] = ()) -> str:
        if self.ask is None:
            hint = f" ({' or '.join(choices)})" if choices else ""
            missing.append(f"--{name}{hint}")
            return ""
        return self._choose(words, choices) if choices else self.ask(words, "").strip()

    def _choose(self, words: str, choices: tuple[str, ...]) -> str:
        assert self.ask is not None
        answer = ""
        while answer not in choices:
            answer = self.ask(f"{words} ({', '.join(choices)})", "").strip()
        return answer

    def _entry(self, says: Metadata, variable: str) -> dict[str, Any]:
        """The entry in the order in which it is written, without what is usual."""
        entry = {
            "path": self.path,
            "title": says.title or self.key,
            "quantity": says.quantity,
            "kind": says.kind,
            "unit": says.unit,
            "baseline": list(says.baseline) if says.baseline else None,
            "variable": variable,
            "cadence": says.cadence,
            "reader": self.reader,
            "licence": says.licence,
            "citation": says.citation,
            "homepage": says.homepage,
        }
        usual = {name: field.default for name, field in OwnSource.model_fields.items()}
        return {name: value for name, value in entry.items() if value and value != usual[name]}

    def _read(self, entry: Mapping[str, Any]) -> xr.Dataset:
        return read(_validated(entry).source(self.key).holding(self.names), self.folder)


def _years(text: str) -> tuple[int, int] | None:
    if text == UNKNOWN:
        return None
    match = re.fullmatch(r"(\d{4})-(\d{4})", text.strip())
    if not match:
        raise ClimateError(f"--baseline: found '{text}', expected two years such as 1961-1990, or {UNKNOWN}")
    return int(match[1]), int(match[2])


def some_months(grid: xr.Dataset) -> xr.DataArray:
    """The first, middle and last month of a grid, and those half a year from them, read from disk."""
    last = grid.sizes["time"] - 1
    chosen = {at for middle in (0, last // 2, last) for at in (middle, middle + 6, middle - 6) if 0 <= at <= last}
    return grid["value"].isel(time=sorted(chosen)).load()


def _holds(key: str, record: xr.Dataset, *, with_countries: bool) -> list[str]:
    """What a record holds, what can use it, and the next commands."""
    months = months_of(record["time"])
    number = np.unique(months).size
    span = f"{months[0]} to {months[-1]}, {counted(number, 'month')} with values"
    if is_grid(record):
        lat, lon = record["lat"].values, record["lon"].values
        coverage = coverage_of(some_months(record), with_countries=with_countries)
        first = f"{span}, on {lat.size} x {lon.size} cells of latitude and longitude."
        return [first, coverage.in_words(), f"Next: {coverage.next_command(key)}", "Then: dvc repro"]
    series = [str(name) for name in record["series"].values]
    shown = ", ".join(series[:5]) + (f" and {len(series) - 5} more" if len(series) > 5 else "")
    title = series[0] if len(series) > 1 else record.attrs["title"]
    return [
        f"{span}; {'series' if len(series) > 1 else 'one series'}: {shown}.",
        "Regions of the kind `series` can use it, and splices, combinations and mixes of them.",
        f'Next: climate regions add {key}-series --title "{title}" --source {key} --series "{series[0]}"',
        "Then: dvc repro",
    ]
