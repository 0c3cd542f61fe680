"""Damaged files: a reader gives the right numbers or says what is wrong, never other numbers."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.sources.catalogue import load_catalogue
from climate.sources.readers.registry import read
from tests.reader_samples import SAMPLES, Sample, mirror_path

VARIABLES = ("value", "uncertainty", "site", "period", "interpolated", "climatology", "climatology_uncertainty", "year")

REAL = {
    # key of the catalogue, vintage -> rows of the publisher's file that are used, enough to hold every trait of it
    ("noaa-co2-mlo", "2026-02"): 260,
    ("noaa-co2-mlo", "2018-02"): 400,
    ("noaa-co2-global", "2025-09"): 120,
    ("noaa-co2-global", "2021-11"): 120,
    ("noaa-co2-mlo-weekly", "2022-10"): 200,
    ("scripps-co2-mlo", "2025-02"): 2000,
    ("scripps-ice-core-spline", "2018"): 200,
    ("antarctic-ice-cores", "2015"): 400,
    ("gistemp-global", "latest"): 2000,
    ("hadcrut5", "2022-08"): 200,
    ("noaa-globaltemp", "2025-02"): 150,
    ("berkeley-germany", "2013-10"): 200,
    ("berkeley-land", "2024-11"): 200,
    ("nino34", "2024-09"): 2000,
    ("pdo", "2022-08"): 2000,
    ("solar-flux", "2024-09"): 2000,
    ("oni", "2025-07"): 200,
    ("volcanic-aerosol", "2012-12"): 200,
    ("kaggle-countries", "2013-10"): 5000,
    ("kaggle-major-cities", "2013-10"): 4000,
    ("kaggle-global", "2016"): 1500,
    ("kaggle-co2", "2017"): 2000,
}


@cache
def sample(name: str) -> Sample:
    """A constructed file by its name, or a publisher's, named by key and vintage, from the mirror."""
    if name in SAMPLES:
        return SAMPLES[name]()
    key, vintage = name.split()
    entry = load_catalogue()[key].at(vintage)
    file = entry.files[0]
    path = mirror_path(Path(os.environ["CLIMATE_MIRROR"]), entry, vintage, file.name)
    data = b"".join(path.read_bytes().splitlines(keepends=True)[: REAL[key, vintage]])
    entry = entry.model_copy(update={"files": (file,)})
    kept = data.decode("latin-1").splitlines()
    body = [i for i, line in enumerate(kept) if line[:1] not in ("#", "%", '"') and line.strip()]
    first = body[min(5, len(body) - 1)]
    below = 20 if entry.reader == "psl_index" else 1
    delimiter = "," if kept[first].count(",") > 0 else None
    gapless = entry.cadence != "irregular"
    return Sample(entry, data, first, delimiter, gapless, below)


def read_bytes(of: Sample, data: bytes) -> xr.Dataset:
    """What the reader makes of `data` in place of the sample's file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / of.name).write_bytes(data)
        return read(of.entry, Path(folder))


@cache
def truth(name: str) -> xr.Dataset:
    """What the intact file says."""
    return read_bytes(sample(name), sample(name).data)


def differences(found: xr.Dataset, expected: xr.Dataset, *, prefix: bool, late: bool = False) -> list[str]:
    """Where `found` says something else than `expected`.

    With `prefix` it may lack series and later times; with `late` a series may begin later.
    """
    wrong = []
    if not set(found.series.values) <= set(expected.series.values):
        return [f"series {set(found.series.values) - set(expected.series.values)}"]
    if not np.isin(found.time.values, expected.time.values).all():
        return ["times that the file does not have"]
    if not prefix:
        found = found.reindex(time=expected.time, series=expected.series, fill_value={"site": "", "period": ""})
    same = expected.sel(series=found.series, time=found.time)
    for variable in set(VARIABLES) & set(expected.data_vars):
        a, b = found[variable], same[variable]
        if variable == "interpolated":
            a = a.astype(bool)
        equal = (a == b) | (a.isnull() & b.isnull() if a.dtype.kind == "f" else False)
        if prefix and variable == "value":
            # a series that broke off is NaN where another one goes on
            so_far = a.notnull().cumsum("time")
            beyond = so_far == a.notnull().sum("time")
            equal = equal | (a.isnull() & ~b.isnull() & (beyond | (so_far == 0) if late else beyond))
        if prefix and variable not in ("value", "climatology", "climatology_uncertainty"):
            equal = equal | found["value"].isnull()
        if not bool(equal.all()):
            wrong.append(variable)
    return wrong


def must_hold(name: str, data: bytes, *, prefix: bool = False, late: bool = False) -> None:
    """The property that this module is about."""
    try:
        found = read_bytes(sample(name), data)
    except ClimateError as error:
        message = str(error)
        assert "\n" not in message
        assert "expected" in message
        return
    assert differences(found, truth(name), prefix=prefix, late=late) == []


def must_fail(name: str, data: bytes, row: int | None = None) -> None:
    """Damage that nobody may overlook: the error names the file, and the damaged row (from 0) where there is one."""
    with pytest.raises(ClimateError, match="expected") as caught:
        read_bytes(sample(name), data)
    assert str(caught.value).startswith(sample(name).name)
    assert row is None or f", row {row + 1}: found" in str(caught.value)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Constructed files always; publishers' where there is a mirror."""
    if "name" in metafunc.fixturenames:
        names = list(SAMPLES)
        if os.environ.get("CLIMATE_MIRROR"):
            names += [" ".join(key) for key in REAL]
        metafunc.parametrize("name", names)


FUZZ = int(os.environ.get("CLIMATE_FUZZ", "0"))
"""Examples per damage and file in a long search, made anew each time; 0 for the few that every run repeats."""

few = settings(
    max_examples=FUZZ or 12,
    derandomize=not FUZZ,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


TRICKY = [
    *(b"\x00", b"\x1a", b"\n", b"\r", b"\r\n\r\n", b'"', b'""', b",", b",,,,", b";", b"\t", b" " * 9, b"-", b"e", b"."),
    *(b"nan", b"-inf", b"1e400", b"-0", b"99999999999999999999", b"0000", b"+1", b"\xc2\xa0", b"\xe2\x80\xa8", b"\x85"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xd9\xa1", b"%", b"#", b"=1+1", b"1_000", b"0x10", b"1,5"),
]
"""Bytes that parsers take for something else than they are."""


def table(name: str) -> tuple[list[bytes], range]:
    """The file's lines with their ends, and which of them are rows of the table."""
    of = sample(name)
    rows = of.data.splitlines(keepends=True)
    return rows, range(of.first, len(rows) - of.below)


def rows_of(data: st.DataObject, among: range, count: int) -> list[int]:
    """Different rows in ascending order."""
    picks = st.lists(st.integers(among.start, among.stop - 1), min_size=count, max_size=count, unique=True)
    return sorted(data.draw(picks))


def cells_of(of: Sample, line: bytes) -> tuple[list[bytes], bytes, bytes]:
    """Cells, delimiter and line end of a row."""
    body = line.rstrip(b"\r\n")
    end = line[len(body) :]
    return (body.split(), b" ", end) if of.delimiter is None else (body.split(of.delimiter.encode()), b",", end)


def test_intact(name: str) -> None:
    found = truth(name)
    assert found.value.dims == ("series", "time")
    assert found.value.notnull().any()
    assert (np.diff(found.time.values) > np.timedelta64(0, "s")).all()


@few
@given(data=st.data())
def test_truncated(name: str, data: st.DataObject) -> None:
    whole = sample(name).data
    must_hold(name, whole[: data.draw(st.integers(0, len(whole) - 1))], prefix=True)
    must_hold(name, whole[: len(whole) - data.draw(st.integers(1, min(60, len(whole))))], prefix=True)


@pytest.mark.parametrize("damage", ["exchanged", "moved", "repeated"])
@few
@given(data=st.data())
def test_rows_in_another_order(name: str, damage: str, data: st.DataObject) -> None:
    rows, among = table(name)
    a, b = rows_of(data, among, 2)
    if damage == "exchanged":
        rows[a], rows[b] = rows[b], rows[a]
    elif damage == "moved":
        rows.insert(b, rows.pop(a))
    else:
        rows.insert(data.draw(st.integers(among.start, among.stop)), rows[a])
    must_hold(name, b"".join(rows))


@few
@given(data=st.data())
def test_row_left_out(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    (a,) = rows_of(data, among[1:-1], 1)
    of = sample(name)
    first_or_last = of.entry.reader in ("kaggle_temperatures", "rcmip")  # of its place, or a gas that nobody reads
    del rows[a]
    if of.gapless and not first_or_last:
        must_fail(name, b"".join(rows), None if of.below else a)
    else:
        must_hold(name, b"".join(rows), prefix=True, late=first_or_last)


@few
@given(data=st.data())
def test_row_of_other_width(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    (a,) = rows_of(data, among, 1)
    cells, delimiter, end = cells_of(sample(name), rows[a])
    at = data.draw(st.integers(0, len(cells) - 1))
    if data.draw(st.booleans()):
        cells.insert(at, data.draw(st.sampled_from([b"1", b"2.5", b"x"])))
    else:
        del cells[at]
    rows[a] = delimiter.join(cells) + end
    must_fail(name, b"".join(rows), a)


@few
@given(data=st.data())
def test_cells_shifted_within_a_row(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    (a,) = rows_of(data, among, 1)
    cells, delimiter, end = cells_of(sample(name), rows[a])
    by = data.draw(st.integers(1, len(cells) - 1))
    moved = cells[by:] + cells[:by]
    if delimiter == b"," and data.draw(st.booleans()):  # one cell lost, the row filled up at its end
        moved = [*cells[: by - 1], *cells[by:], b""]
    rows[a] = delimiter.join(moved) + end
    must_hold(name, b"".join(rows))


@few
@given(data=st.data())
def test_all_cells_shifted(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    of = sample(name)
    by = data.draw(st.integers(1, len(cells_of(of, rows[among.start])[0]) - 1))
    for a in among:
        cells, delimiter, end = cells_of(of, rows[a])
        rows[a] = delimiter.join(cells[by:] + cells[:by]) + end
    must_fail(name, b"".join(rows))


@few
@given(data=st.data())
def test_cell_is_no_number(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    (a,) = rows_of(data, among, 1)
    cells, delimiter, end = cells_of(sample(name), rows[a])
    words = (b"n/a", b"nan", b"inf", b"1,5", b"--", b"1_0", b"0x1F", b"1e999", b"\xd9\xa1", b"1.2.3", b"#REF!")
    wide = sample(name).entry.reader == "rcmip"  # words in the first cells, and gases that nobody reads
    first = 7 if wide else 0
    cells[data.draw(st.integers(first, min(first + 2, len(cells) - 1)))] = data.draw(st.sampled_from(words))
    rows[a] = delimiter.join(cells) + end
    if wide:
        must_hold(name, b"".join(rows))
    else:
        must_fail(name, b"".join(rows), a)


@few
@given(data=st.data())
def test_other_date_formats(name: str, data: st.DataObject) -> None:
    rows, among = table(name)
    wide = sample(name).entry.reader == "rcmip"  # its dates stand in the header
    a = 0 if wide else rows_of(data, among, 1)[0]
    cells, delimiter, end = cells_of(sample(name), rows[a])
    others = (b"1/2/1975", b"1975-3", b"Mar-75", b"01.03.1975", b"1975.21", b"75", b"19750301")
    ages = sample(name).entry.reader == "antarctic_ice_cores"  # any number between two others may be one
    cells[9 if wide else 0] = data.draw(st.sampled_from(others[:4] if ages else others))
    rows[a] = delimiter.join(cells) + end
    must_fail(name, b"".join(rows), None if wide else a)


@few
@given(data=st.data())
def test_bytes_scrambled(name: str, data: st.DataObject) -> None:
    """Whatever stands in a file, a reader makes a record of it or says in one line what is wrong."""
    damaged = bytearray(sample(name).data)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        length = data.draw(st.sampled_from([0, 1, 2, 40]))
        damaged[at : at + length] = data.draw(st.binary(max_size=6) | st.sampled_from(TRICKY))
    said = ""
    try:
        read_bytes(sample(name), bytes(damaged))
    except ClimateError as error:
        said = str(error)
    assert "\n" not in said
    assert not said or "expected" in said


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1", "cp1252", "cp037"]
)
def test_other_encodings(name: str, encoding: str) -> None:
    data = sample(name).data
    for own in ("utf-8-sig", "latin-1"):
        try:
            text = data.decode(own)
            break
        except UnicodeDecodeError:
            continue
    must_hold(name, text.encode(encoding, errors="replace"))


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n", b"\n\n"])
def test_other_line_ends(name: str, end: bytes) -> None:
    must_hold(name, end.join(sample(name).data.splitlines()) + end)


def test_without_header(name: str) -> None:
    rows, among = table(name)
    if SAMPLES.get(name) is not SAMPLES["ncei"] and sample(name).entry.reader != "noaa_globaltemp":
        must_fail(name, b"".join(rows[among.start :]))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00" * 300,
        b"<!DOCTYPE html><html><body>503</body></html>",
        b"PK\x03\x04" + bytes(99),
        b"\xff\xfe",
        b"\xef\xbb\xbf",
    ],
    ids=["empty", "blank", "zeros", "html", "zip", "mark", "bom"],
)
def test_something_else(name: str, content: bytes) -> None:
    must_fail(name, content)
