"""Truth checks: silent on good files, loud on doctored ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from climate.errors import ClimateError
from climate.harmonize.checks import BASELINE_LIMIT, BASELINE_TOLERANCE, SHRINK, check_source
from climate.harmonize.corrections import corrected
from climate.harmonize.series import months_of
from climate.sources.catalogue import Source, find_source
from climate.sources.pulled import Check, faults
from climate.sources.readers.registry import read
from tests import reader_samples
from tests.reader_samples import mirrored
from tests.records import grid, months, table

HEAD = "# Anomalies, release 5.2, base 1961-1990\nyear,month,anomaly\n"


def source(**changes: Any) -> Source:
    """A source of anomalies from 1961-1990 in one file, release 5.2."""
    expect = {"contains": ("release {version}", "year,month,anomaly")}
    url = "https://example.org/v{version}/town.csv"
    entry = {
        **{"key": "town", "version": "5.2", "baseline": (1961, 1990), "lag": {"months": 2}, "channels": ("publisher",)},
        "files": ({"name": "town.csv", "url": url, "mirror": "office/town.csv", "expect": expect},),
        "vintages": {"latest": {"publisher": True}},
    }
    return reader_samples.source("gistemp", **(entry | changes))


def record(**attrs: Any) -> xr.Dataset:
    value = np.random.default_rng(1).normal(0, 0.3, 12 * 60)
    value -= value[12 * 6 : 12 * 36].mean()  # 1955 on: the baseline 1961-1990 has mean zero
    found = {"kind": "anomaly", "baseline": "1961-1990", "file_date": "2015-02-10"} | attrs
    return table(months("1955-01", value.size), {"town": value}, **found)


def results(one: xr.Dataset, of: Source | None = None, **options: Any) -> dict[str, Check]:
    given = {
        "heads": {"town.csv": HEAD},
        "urls": {"town.csv": "https://example.org/v5.2/town.csv"},
        "previous": one.isel(time=slice(None, -3)),
    } | options
    return {check.check: check for check in check_source(of or source(), one, **given)}


ALL = {
    "header is the declared one",
    "version in address and file",
    "no month twice",
    "values in physical range",
    "mean over the declared baseline",
    "newest month",
    SHRINK,
}


def test_a_good_record_passes_every_check() -> None:
    found = results(record())
    assert set(found) == ALL
    assert {check.status for check in found.values()} == {"ok"}


def doctored(one: xr.Dataset, **changes: Any) -> xr.Dataset:
    copy = one.copy(deep=True)
    for at, value in changes.get("value", {}).items():
        copy["value"][0, at] = value
    if "shift" in changes:
        copy["value"] += changes["shift"]
    if "time" in changes:
        copy = copy.assign_coords(time=changes["time"](copy["time"].values))
    return copy.assign_attrs(changes.get("attrs", {}))


def twice(time: np.ndarray) -> np.ndarray:
    time = time.copy()
    time[100] = time[99]
    return time


def head(text: str) -> dict[str, Any]:
    return {"heads": {"town.csv": text}}


OLD_ADDRESS = {"urls": {"town.csv": "https://example.org/v5.1/town.csv"}}


@pytest.mark.parametrize(
    ("check", "changes", "options", "status", "found"),
    [
        ("header is the declared one", {}, head("release 5.2\nyear,month,value"), "error", "'year,month,anomaly'"),
        ("header is the declared one", {}, head("<!DOCTYPE html>"), "error", "without 'release 5.2'"),
        ("version in address and file", {}, OLD_ADDRESS, "error", "address of town.csv: 5.1"),
        ("version in address and file", {}, head(HEAD.replace("5.2", "5.3")), "error", "file of town.csv: 5.3"),
        ("version in address and file", {}, head("year,month,anomaly"), "error", "file of town.csv: none"),
        ("no month twice", {"time": twice}, {}, "error", "1963-04 after 1963-04"),
        ("no month twice", {"time": lambda t: t[::-1]}, {"previous": None}, "error", "after"),
        ("values in physical range", {"value": {7: -99.99}}, {}, "error", "-99.99"),
        ("values in physical range", {"value": {7: np.inf}}, {}, "error", "1 infinite"),
        ("values in physical range", {"shift": np.nan}, {"previous": None}, "error", "no value"),
        ("mean over the declared baseline", {"shift": BASELINE_TOLERANCE * 1.5}, {}, "warning", "+0.030 degC (town)"),
        ("mean over the declared baseline", {"shift": -BASELINE_LIMIT * 1.1}, {}, "error", "-0.220 degC (town)"),
        ("newest month", {"attrs": {"file_date": "2015-06-01"}}, {}, "error", "2014-12, 6 months before 2015-06-01"),
        ("newest month", {"attrs": {"file_date": "2014-12-05"}}, {}, "error", "2014-12, 0 months before"),
        ("newest month", {"attrs": {"file_date": ""}}, {}, "warning", "the file has no date"),
        ("newest month", {"attrs": {"file_date": ""}}, {"vintage": "2015-12"}, "warning", "12 months before 2015-12"),
        (SHRINK, {"value": {20: np.nan}}, {"previous": record()}, "error", "1 value fewer, first 1956-09 of 'town'"),
    ],
)
def test_a_doctored_record_is_caught(
    check: str, changes: dict[str, Any], options: dict[str, Any], status: str, found: str
) -> None:
    result = results(doctored(record(), **changes), **options)[check]
    assert result.status == status
    assert found in result.found


@pytest.mark.parametrize(
    ("now", "before", "vintage", "status", "found"),
    [
        (slice(-1), ["town"], "", "error", "1 value fewer, first 2014-12 of 'town'"),
        (slice(None), ["town", "village"], "", "error", "1 series fewer, first 'village'"),
        (slice(-3), ["town"], "latest", "warning", "3 values fewer, first 2014-10 of 'town'"),  # it may lag behind
        (slice(1, None), ["town"], "latest", "error", "1 value fewer, first 1955-01 of 'town'"),  # but not lose
    ],
)
def test_a_record_that_lost_months_or_series_is_caught(
    now: slice, before: list[str], vintage: str, status: str, found: str
) -> None:
    whole = record()
    previous = xr.concat([whole.assign_coords(series=[name]) for name in before], dim="series")
    result = results(whole.isel(time=now), previous=previous, vintage=vintage)[SHRINK]
    assert (result.status, result.found) == (status, found)


def test_a_grid_is_checked_in_pieces() -> None:
    value = np.full((300, 3, 4), 10.0)
    field = grid(value, months("1990-01", 300), np.array([0.0, 1, 2]), np.array([0.0, 1, 2, 3]), file_date="2015-01-05")
    of = source(kind="absolute", baseline=None, valid_range=(-95.0, 60.0))
    good = {check.check: check.status for check in check_source(of, field, previous=field.isel(time=slice(None, -5)))}
    assert set(good.values()) == {"ok"}
    value[250, 1, 2] = 273.15
    bad = {check.check: check for check in check_source(of, field, previous=field)}
    assert bad["values in physical range"].status == "error"
    lost = check_source(of, field.isel(time=slice(None, -1)), previous=field)
    assert [check.found for check in lost if check.check == SHRINK] == ["1 month fewer, first 2014-12"]


def test_a_baseline_that_the_record_does_not_reach_is_a_warning() -> None:
    late = record().isel(time=slice(12 * 30, None))
    result = results(late)["mean over the declared baseline"]
    assert result.status == "warning"
    assert "72 months" in result.found


def correction(**changes: Any) -> dict[str, Any]:
    return {
        "about": "March 1963 is February again",
        "while_contains": {"town.csv": "release 5.2"},
        "values": {"town": {"1963-03": 0.25, "1963-04": None}},
    } | changes


def test_a_correction_expires_when_the_file_is_corrected() -> None:
    of = source(corrections=(correction(),))
    assert results(record(), of)["correction still needed"].status == "ok"
    outdated = results(record(), of, heads={"town.csv": HEAD.replace("5.2", "5.3")})["correction still needed"]
    assert outdated.status == "error"
    assert "corrected by its publisher" in outdated.found
    assert "take it out of the catalogue" in outdated.expected
    assert results(record(), of, heads={})["correction still needed"].status == "warning"


def test_an_expired_correction_does_not_cost_the_record() -> None:
    of = source(corrections=(correction(while_contains={"town.csv": "release 9"}),))
    found = check_source(of, record(), heads={"town.csv": HEAD})
    assert [one.check for one in found if one.status == "error"] == ["correction still needed"]
    assert faults(found) == []
    wrong = check_source(of, doctored(record(), value={7: 99.0}), heads={"town.csv": HEAD})
    assert [one.check for one in faults(wrong)] == ["values in physical range"]


def test_a_correction_is_made_while_the_fault_is_there() -> None:
    of, before = source(corrections=(correction(),)), record(uncertainty=np.full((1, 720), 0.1))
    after = corrected(of, before, {"town.csv": HEAD})
    at = np.flatnonzero(months_of(before["time"]) == np.datetime64("1963-03"))[0]
    assert after["value"].values[0, at] == 0.25
    assert np.isnan(after["value"].values[0, at + 1])
    assert np.isnan(after["uncertainty"].values[0, at : at + 2]).all()
    others = np.delete(np.arange(720), [at, at + 1])
    xr.testing.assert_identical(after.isel(time=others).drop_attrs(), before.isel(time=others).drop_attrs())
    assert after.attrs["corrections"] == "March 1963 is February again"
    assert not np.isnan(before["value"].values).any()
    xr.testing.assert_identical(corrected(of, before, {"town.csv": "release 5.3"}), before)


def test_a_correction_belongs_to_its_vintages() -> None:
    dated = {"publisher": True, "mirror": ""}
    of = source(corrections=(correction(vintages=("2015-02",)),), vintages={"latest": dated, "2015-02": dated})
    assert of.at("2015-02").corrections == of.corrections
    assert of.at("latest").corrections == ()


@pytest.mark.parametrize(("series", "at"), [("village", "1963-03"), ("town", "2063-03")])
def test_a_correction_of_what_is_not_there_is_named(series: str, at: str) -> None:
    wrong = correction(values={series: {at: 1.0}})
    with pytest.raises(ClimateError, match=f"found no {at} of series '{series}'"):
        corrected(source(corrections=(wrong,)), record(), {"town.csv": HEAD})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"while_contains": {"city.csv": "x"}}, "'city.csv', which is not among files"),
        ({"vintages": ("1999",)}, "'1999', which is not among vintages"),
        ({"values": {}}, "values"),
        ({"while_contains": {}}, "while_contains"),
    ],
)
def test_a_malformed_correction_is_refused_by_the_catalogue(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        source(corrections=(correction(**changes),))


# What older vintages held


def counted(**holds: tuple[str, int]) -> Source:
    """A source whose vintages "2014-01" and so on ended in a month with so many values."""
    dated = {
        name.replace("_", "-")[1:]: {"publisher": True, "holds": {"until": until, "values": values}}
        for name, (until, values) in holds.items()
    }
    return source(vintages={"latest": {"publisher": True}, **dated})


@pytest.mark.parametrize(
    ("vintage", "lost", "status", "found"),
    [
        ("2015-02", slice(0, 0), "ok", "717 values to 2014-09"),
        ("2015-02", slice(5, 6), "error", "716 values to 2014-09"),
        ("latest", slice(5, 6), "error", "716 values to 2014-09"),
        ("2015-02", slice(-5, None), "error", "715 values to 2014-09"),
        ("latest", slice(-5, None), "warning", "715 values to 2014-09"),  # served by somebody who lags behind
        ("2014-08", slice(-5, None), "ok", "600 values to 2004-12"),
    ],
)
def test_rows_are_counted_against_older_vintages_of_the_catalogue(
    vintage: str, lost: slice, status: str, found: str
) -> None:
    of = counted(v2005_02=("2004-12", 600), v2014_10=("2014-09", 717))
    one = record()
    one["value"][0, lost] = np.nan
    result = results(one, of, previous=None, vintage=vintage)[SHRINK]
    assert (result.status, result.found) == (status, found)


def test_without_an_older_vintage_nothing_is_said_of_rows() -> None:
    of = counted(v2014_10=("2014-09", 717))
    assert SHRINK not in results(record(), of, previous=None, vintage="2014-10")


def test_a_zone_that_strays_from_its_baseline_is_a_named_warning(mirror: Path, tmp_path: Path) -> None:
    of = find_source("noaa-globaltemp").at("2025-02")
    one = read(of, mirrored(mirror, of.key, "2025-02", tmp_path))
    found = {check.check: check for check in check_source(of, one)}
    assert found["mean over the declared baseline"].status == "warning"
    assert "90S-60S" in found["mean over the declared baseline"].found
