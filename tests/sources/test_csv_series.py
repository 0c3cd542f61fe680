"""Tables of the user's own: dates, columns, cadence, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from climate.errors import ClimateError
from climate.params.own import OwnSource
from climate.sources.readers import csv_series
from climate.sources.readers.registry import read


def source_of(folder: Path, text: str, cadence: str = "monthly") -> tuple[OwnSource, Path]:
    (folder / "t.csv").write_text(text)
    entry = {"path": "t.csv", "title": "T", "quantity": "temperature", "kind": "absolute", "unit": "degC"}
    return OwnSource.model_validate(entry | {"cadence": cadence, "reader": "csv_series"}), folder


def test_series_uncertainties_and_missing_cells(tmp_path: Path) -> None:
    text = "# mine\ndate;a;b;a_uncertainty\n2000-01;1.5;NA;0.1\n2000-02;;3;0.2\n2000-03;2.5;4;0.3\n"
    entry, folder = source_of(tmp_path, text)
    found = read(entry.source("mine").holding(["t.csv"]), folder)
    assert list(found["series"].values) == ["a", "b"]
    np.testing.assert_array_equal(found["value"].values, [[1.5, np.nan, 2.5], [np.nan, 3, 4]])
    np.testing.assert_array_equal(found["uncertainty"].sel(series="a"), [0.1, np.nan, 0.3])


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["2000", "2001"], "annual"),
        (["2000-01", "2000-02"], "monthly"),
        (["2000-01-15", "2000-02-15", "2000-03-15"], "monthly"),
        (["2000-01-01", "2000-01-02"], "daily"),
        (["2000-01-01", "2000-01-08"], "weekly"),
        (["2000-01-01", "2001-01-01"], "annual"),
        (["2000-01-01", "2000-04-09"], "irregular"),
    ],
)
def test_dates_tell_the_cadence(dates: list[str], expected: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("date,a\n" + "".join(f"{date},1.0\n" for date in dates))
    assert csv_series.cadence(csv_series.open_table(tmp_path, "t.csv")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date\n2000\n", r"row 1: found 'date', expected a header"),
        ("date,a,a\n2000-01,1,2\n", r"row 1: found 'a', expected each name of a column once; correct the file"),
        ("date,a\n01/2000,1\n", r"row 2: found '01/2000', expected a date written YYYY-MM-DD"),
        ("date,a\n2000-02-30,1\n", r"row 2: found '2000-02-30', expected a date"),
        ("date,a\n2000-02,1\n2000-01,1\n", r"row 3: found '2000-01 after 2000-02', expected a later month"),
        ("date,a\n2000-01-01,1\n2000-01-20,1\n", r"row 3: .*expected a later month"),
        ("date,a\n2000-01,warm\n", r"row 2: found 'warm', expected a number in column 'a'; correct the file"),
        ("date,a\n2000-01,1,2\n", r"row 2: .*expected 2 columns"),
        ("date,b_uncertainty,a\n2000-01,1,2\n", r"b_uncertainty"),
        ("", r"t\.csv: found an empty file, expected a table; get the file again"),
        ("<html><body>Sign in</body></html>\n", r"a table and not a web page; get the file again"),
        ("date,a\n2000-01,1.25\n2000-02,1.2", r"cut short\); get the file again"),
    ],
)
def test_a_fault_names_its_row_and_what_helps(text: str, expected: str, tmp_path: Path) -> None:
    entry, folder = source_of(tmp_path, text)
    with pytest.raises(ClimateError, match=expected):
        read(entry.source("mine").holding(["t.csv"]), folder)
