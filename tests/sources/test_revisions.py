"""Two releases of a record, compared: known revisions of publishers, and the arithmetic on constructed ones."""

from __future__ import annotations

import csv
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from climate import paths
from climate.commands.vintages import as_of_month, diff, forecast, header, listing
from climate.errors import ClimateError
from climate.files import read_json, read_netcdf
from climate.forecasters.classical.trend import ClimatologyTrend
from climate.hindcast.real_time import forecasts_by_release, scales_apart, series_to_forecast
from climate.params.edit import with_vintage
from climate.params.params import load_params
from climate.sources.catalogue import Source, find_source
from climate.sources.releases import release
from climate.sources.revisions import (
    as_of,
    by_decade,
    by_series,
    differences,
    in_words,
    last_time,
    revisions,
    totals,
)
from climate.stages import harmonize as harmonize_stage
from climate.stages import pull as pull_stage
from climate.stages import revisions as stage
from climate.stages.baselines import run as run_baselines
from tests import records
from tests.conftest import ROOT
from tests.records import months


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def mirrored(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mirror, as commands find it."""
    monkeypatch.setenv("CLIMATE_MIRROR", str(mirror))
    return mirror


def table(values: Any, first: str = "1990-01", series: tuple[str, ...] = ("a",), **attrs: str) -> xr.Dataset:
    """A reader's Dataset; `values` (series, time)."""
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    by_name = dict(zip(series, rows, strict=True))
    return records.table(months(first, rows.shape[1]), by_name, **{"units": "ppm", **attrs})


def grid(values: np.ndarray) -> xr.Dataset:
    """A reader's Dataset; `values` (time, lat, lon)."""
    count, lats, lons = values.shape
    return records.grid(values, months("1990-01", count), np.linspace(-60, 60, lats), np.linspace(-170, 100, lons))


def compared(source: str, old: str, new: str) -> xr.Dataset:
    with release(source, old) as before, release(source, new) as after:
        return revisions(before.read(), after.read())


@pytest.mark.parametrize(
    ("source", "old", "new", "shared", "revised", "largest", "month"),
    [
        ("noaa-co2-mlo", "2013-07", "2018-02", 657, 442, -0.37, "2005-03"),
        ("noaa-co2-mlo-txt", "2013-07", "2018-02", 657, 442, -0.37, "2005-03"),
        ("noaa-co2-mlo", "2018-02", "2026-02", 712, 579, 0.36, "2017-03"),
        ("gistemp-global", "2019-05", "2022-06", 1672, 1336, -0.12, "1882-12"),
        ("gistemp-global", "2022-06", "2025-03", 1709, 737, -0.04, "1904-03"),
        ("hadcrut5", "2022-04", "2022-08", 3 * 2066, 9, -0.0076648, "2022-02"),
    ],
)
@pytest.mark.usefixtures("mirrored")
def test_known_revisions(
    source: str, old: str, new: str, shared: int, revised: int, largest: float, month: str
) -> None:
    found = totals(compared(source, old, new))
    assert (int(found["shared"]), int(found["revised"])) == (shared, revised)
    assert float(found["largest"]) == pytest.approx(largest, abs=1e-6)
    assert str(found["largest_time"].values.astype("datetime64[M]")) == month
    assert int(found["rows_only_old"]) == 0
    assert int(found["rows_only_new"]) > 0


@pytest.mark.usefixtures("mirrored")
def test_hadcrut_was_revised_in_its_last_winter_alone() -> None:
    found = compared("hadcrut5", "2022-04", "2022-08")
    changed = found["time"].values[found["revised"].any("series")].astype("datetime64[M]").astype(str)
    assert changed.tolist() == ["2021-11", "2021-12", "2022-02"]
    assert by_series(found)["revised"].values.tolist() == [3, 3, 3]
    decades = by_decade(found)
    assert decades["decade"].values[decades["revised"].values > 0].tolist() == [2020]


@pytest.mark.network
@pytest.mark.slow
def test_the_reanalysis_only_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIMATE_CACHE")
    found = totals(compared("ncep-air", "2024-04", "2026-02"))
    assert int(found["shared"]) == (2024 - 1948) * 12 * 73 * 144 + 4 * 73 * 144
    assert int(found["revised"]) == 0
    assert (int(found["rows_only_old"]), int(found["rows_only_new"])) == (0, 22)


finite = st.sampled_from([1.0, 2.0, 2.5, np.nan])


@given(st.lists(finite, min_size=1, max_size=8), st.lists(finite, min_size=1, max_size=8), st.integers(0, 5))
@settings(max_examples=60)
def test_counts_are_those_of_a_plain_loop(old: list[float], new: list[float], shift: int) -> None:
    before = dict(zip(months("1988-01", len(old)).tolist(), old, strict=True))
    after = dict(zip((months("1988-01", shift + len(new)))[shift:].tolist(), new, strict=True))
    first = f"1988-{shift + 1:02d}"
    found = totals(revisions(table(old, "1988-01"), table(new, first)))
    known = {at for at in {*before, *after} if np.isfinite(before.get(at, np.nan))}
    known_after = {at for at in {*before, *after} if np.isfinite(after.get(at, np.nan))}
    shared = known & known_after
    changes = [after[at] - before[at] for at in sorted(shared)]
    assert int(found["shared"]) == len(shared)
    assert int(found["revised"]) == sum(change != 0 for change in changes)
    assert int(found["only_old"]) == int(found["rows_only_old"]) == len(known - known_after)
    assert int(found["only_new"]) == int(found["rows_only_new"]) == len(known_after - known)
    assert float(found["change"]) == pytest.approx(sum(changes))
    assert float(found["absolute"]) == pytest.approx(sum(map(abs, changes)))
    if changes:
        assert abs(float(found["largest"])) == max(map(abs, changes))
        assert float(found["mean_change"]) == pytest.approx(float(np.mean(changes)))
    else:
        assert np.isnan(float(found["largest"]))
        assert np.isnat(found["largest_time"].values)
    rows = sum(block.sizes["row"] for block in differences(table(old, "1988-01"), table(new, first)))
    assert rows == int(found["revised"]) + int(found["only_old"]) + int(found["only_new"])


@given(st.lists(finite, min_size=2, max_size=6), st.lists(finite, min_size=2, max_size=6))
@settings(max_examples=30)
def test_the_other_way_round_every_revision_changes_its_sign(old: list[float], new: list[float]) -> None:
    there, back = (totals(revisions(*pair)) for pair in ((table(old), table(new)), (table(new), table(old))))
    for name in ("shared", "revised", "absolute"):
        assert float(there[name]) == float(back[name])
    assert float(there["change"]) == -float(back["change"])
    assert int(there["only_old"]) == int(back["only_new"])


def test_filled_values_are_counted_apart() -> None:
    old, new = table([1.0, 2.0, 3.0]), table([1.0, 2.5, 3.5])
    old["interpolated"][0, 1] = True
    found = totals(revisions(old, new))
    assert (int(found["shared"]), int(found["revised"])) == (2, 1)
    assert (int(found["filled"]), int(found["filled_revised"])) == (1, 1)
    assert float(found["largest"]) == 0.5
    [rows] = list(differences(old, new))
    assert rows["filled"].values.tolist() == [True, False]


def test_series_that_one_release_lacks() -> None:
    found = revisions(table([[1, 2], [3, 4]], series=("a", "b")), table([[3, 5], [7, 8]], series=("b", "c")))
    parts = by_series(found)
    assert parts["series"].values.tolist() == ["a", "b", "c"]
    assert parts["rows_only_old"].values.tolist() == [2, 0, 0]
    assert parts["rows_only_new"].values.tolist() == [0, 0, 2]
    assert parts["revised"].values.tolist() == [0, 1, 0]


def test_grids_in_blocks_and_at_once() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 4, 5)).astype(np.float32)
    newer = np.concatenate([values, values[:3]])
    newer[7, 2, 3] += 1.5
    newer[8, 0, 0] = np.nan
    old, new = grid(values), grid(newer)
    found = revisions(old, new)
    xr.testing.assert_identical(found, revisions(old, new, block_bytes=7 * 4 * 5 * 8))
    one = totals(found)
    assert int(one["shared"]) == values.size - 1
    assert (int(one["revised"]), int(one["only_old"]), int(one["only_new"])) == (1, 1, 3 * 20)
    assert (int(one["rows_only_old"]), int(one["rows_only_new"])) == (0, 3)
    assert float(one["largest"]) == pytest.approx(1.5, abs=1e-6)
    assert (float(one["largest_lat"]), float(one["largest_lon"])) == (old.lat.values[2], old.lon.values[3])
    assert str(one["largest_time"].values.astype("datetime64[M]")) == "1990-08"
    rows = xr.concat(list(differences(old, new, block_bytes=160)), dim="row")
    assert rows.sizes["row"] == 1 + 1 + 60
    assert float(rows["lat"][0]) == old.lat.values[2]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (table([1.0]), table([1.0], units="degC"), "'ppm' in one and 'degC' in the other"),
        (table([1.0], units="degC"), grid(np.zeros((1, 2, 2))), "a grid and a table"),
        (grid(np.zeros((1, 3, 2))), grid(np.zeros((1, 2, 2))), "another lat axis"),
        (grid(np.zeros((1, 2, 3))), grid(np.zeros((1, 2, 2))), "another lon axis"),
    ],
)
def test_what_cannot_be_compared(old: xr.Dataset, new: xr.Dataset, message: str) -> None:
    with pytest.raises(ClimateError, match=message):
        revisions(old, new)
    with pytest.raises(ClimateError, match=message):
        list(differences(old, new))


def test_changed_meaning_is_named() -> None:
    old = table([1.0], scale="WMO X2007", baseline="1951-1980")
    found = revisions(old, table([1.0], scale="WMO X2019", baseline="1961-1990", file_date="2026-07-05"))
    assert found.attrs["changed"] == (
        "scale: WMO X2007 -> WMO X2019; baseline: 1951-1980 -> 1961-1990; file_date: unknown -> 2026-07-05"
    )
    assert revisions(old, old).attrs["changed"] == ""


def test_last_time() -> None:
    assert str(last_time(table([1.0, 2.0, np.nan])))[:7] == "1990-02"
    assert np.isnat(last_time(table([np.nan])))
    values = np.full((3, 2, 2), np.nan)
    values[1, 0, 1] = 4
    assert str(last_time(grid(values)))[:7] == "1990-02"


@pytest.mark.usefixtures("mirrored")
def test_diff_in_words_and_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "out" / "changes.csv"
    text = diff("noaa-co2-mlo", "2018-02", "2026-02", path)
    assert "Scale: WMO X2007 -> WMO X2019" in text
    assert "Rows: 96 only in 2026-02 (2018-02 to 2026-01), none only in 2018-02" in text
    assert "Revised: 579 of 712 shared values (81.3%), on average by 0.131 ppm, at most +0.36 ppm in 2017-03" in text
    assert "  2010s: 97 of 97 shared values (100.0%)" in text
    assert "+ # USE OF NOAA GML DATA" in text
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 579 + 7 + 96
    march = next(row for row in rows if row["time"] == "2017-03-01")
    assert float(march["revision"]) == 0.36
    assert float(march["new"]) - float(march["old"]) == pytest.approx(0.36)
    assert rows[-1]["old"] == ""


@pytest.mark.usefixtures("mirrored")
def test_the_same_release_under_two_names() -> None:
    assert diff("noaa-co2-mlo", "2026-02", "latest").endswith("The same files, byte for byte.")
    assert "none of 712 shared values" in diff("noaa-co2-mlo", "2018-02", "noaa-co2-mlo-txt@2018-02")


def test_a_second_look_needs_no_mirror(mirror: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = tmp_path / "mirror"
    shutil.copytree(mirror / "vintages", copy / "vintages")
    monkeypatch.setenv("CLIMATE_MIRROR", str(copy))
    first = diff("gistemp-global", "2019-05", "2022-06")
    shutil.rmtree(copy)
    assert diff("gistemp-global", "2019-05", "2022-06") == first


@pytest.mark.parametrize(
    ("source", "old", "new", "message"),
    [
        ("gistemp-global", "2019-5", "latest", "unknown vintage '2019-5', expected .* 2019-05"),
        ("gistemp", "2019-05", "latest", "unknown source 'gistemp'"),
        ("gistemp-global", "2019-05", "2022-06", "2019-05 is unavailable"),
    ],
)
def test_releases_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, old: str, new: str, message: str
) -> None:
    monkeypatch.setenv("CLIMATE_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(ClimateError, match=message):
        diff(source, old, new)
    assert not list(tmp_path.glob("cache/vintages/*/*"))


def test_header_ends_where_data_begin(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("# made on 2020-01-01\n#\nyear,month,value  \n1958,3,315.7\n# not a header\n")
    assert header(path) == ["# made on 2020-01-01", "year,month,value"]
    path.write_bytes(b"CDF\x01\x00\x00\n1958")
    assert header(path) == []


def test_vintages_in_order_and_as_of() -> None:
    source = find_source("noaa-co2-mlo")
    assert source.dated[:2] == ["2013-07", "2018-02"]
    assert "latest" not in source.dated
    assert as_of(source, "2013-07") == "2013-07"
    assert as_of(source, "2019-12") == "2018-02"
    with pytest.raises(ClimateError, match="no vintage of 2013-06 or before, expected one of 2013-07"):
        as_of(source, "2013-06")
    year = find_source("scripps-ice-core")
    assert as_of(year, "2016-12") == "2016"
    with pytest.raises(ClimateError, match="2016-11"):
        as_of(year, "2016-11")
    assert as_of(find_source("ar6-regions"), "1999-01") == "2020"


def test_as_of_gives_the_settings_of_a_run() -> None:
    text = (ROOT / "params.yaml").read_text()
    Path("params.yaml").write_text(text)
    found = as_of_month("2024-06")
    assert found.startswith("dvc exp run --temp")
    assert "-S 'pull.sources.ncep-air.vintage=\"2024-04\"'" in found
    assert "-S 'pull.sources.noaa-co2-mlo.vintage=\"2018-02\"'" in found
    assert "-S 'backtest.origins=146'" in found  # every month from 2005-12 to 2018-01
    assert "Origins end where the record of 'mauna-loa-co2' does, in 2018-01" in found
    early = as_of_month("2019-06")
    assert "These were not out by 2019-06, and stay as params.yaml names them:\nncep-air: found no vintage" in early
    assert as_of_month("2001-01").startswith("Nothing to run: these were not out by 2001-01.\n")
    assert as_of_month("2030-01") == "Nothing older than what params.yaml names."
    with pytest.raises(ClimateError, match="found '2019', expected YYYY-MM"):
        as_of_month("2019")
    Path("params.yaml").write_text(text.replace('first_origin: "2005-12"', 'first_origin: "2018-06"'))
    with pytest.raises(ClimateError, match=r"ended in 2018-01, before backtest\.first_origin 2018-06"):
        as_of_month("2019-06")


def test_listing_says_which_vintage_is_in_use() -> None:
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    used = [line for line in listing("noaa-co2-mlo").splitlines() if "in params.yaml" in line]
    assert len(used) == 1
    assert used[0].startswith("2026-07")


def run_as_of(vintage: str) -> tuple[xr.Dataset, xr.Dataset]:
    """The series and the hindcasts of Mauna Loa from one vintage, by the pipeline's own stages."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["pull"] = {"sources": {"noaa-co2-mlo": {"vintage": vintage}}}
    params["regions"] = {"mlo": {"title": "Mauna Loa", "source": "noaa-co2-mlo", "series": "co2"}}
    params["notebooks"], params["ceiling"] = {}, {}
    params["records"], params["covariates"], params["panels"] = {}, {}, {}
    params["harmonize"]["splices"], params["harmonize"]["combinations"] = {}, {}
    params["backtest"] |= {"first_origin": "2010-12", "every": 12, "origins": 2, "leads": 12}
    params["score"] |= {"blocks": {"1-12": [1, 12]}, "reference": "seasonal-naive", "hypotheses": {}}
    params["score"]["opponent"] = {"candidates": ["seasonal-naive"]}
    params["baselines"]["models"] = ["seasonal-naive"]
    Path("params.yaml").write_text(yaml.safe_dump(params))
    pull_stage.run("noaa-co2-mlo")
    shutil.rmtree("data", ignore_errors=True)
    shutil.copytree("downloads", "data")
    harmonize_stage.run()
    run_baselines("mlo")
    return read_netcdf(paths.series_file("mlo")), read_netcdf(paths.forecast_file("baselines", "mlo"))


@pytest.mark.usefixtures("mirrored")
def test_a_run_as_of_a_vintage_knows_nothing_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    ends = {"2013-07": "2013-06", "2018-02": "2018-01", "2026-02": "2026-01"}
    runs = {vintage: run_as_of(vintage) for vintage in ends}
    for vintage, end in ends.items():
        series, forecasts = runs[vintage]
        assert str(series["time"].values[-1])[:7] == end
        assert str(forecasts["origin"].values.max())[:7] == end
        observed = forecasts["valid_time"].values[np.isfinite(forecasts["observed"].values)]
        assert str(observed.max())[:7] <= end
    old, new = (runs[vintage][1].sel(origin=np.datetime64("2011-12", "s")) for vintage in ("2013-07", "2018-02"))
    assert float(np.abs(old["forecast"] - new["forecast"]).max()) > 0.01


def with_pinned(**vintages: str) -> None:
    """params.yaml with other vintages."""
    text = (ROOT / "params.yaml").read_text()
    for key, vintage in vintages.items():
        text = with_vintage(text, key.replace("_", "-"), vintage)
    Path("params.yaml").write_text(text)


def pulled(vintage: str = "2026-02", older: str | None = "2018-02") -> None:
    """data/ with Mauna Loa at `vintage` and, beside it, at `older`; params.yaml says so."""
    with_pinned(noaa_co2_mlo=vintage)
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["revisions"]["against"] = {"noaa-co2-mlo": older} if older else {}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    pull_stage.run("noaa-co2-mlo")
    shutil.rmtree("data", ignore_errors=True)
    shutil.copytree("downloads", "data")


def test_the_previous_vintage_is_the_newest_older_one_in_a_package() -> None:
    source = find_source("ncep-air")
    assert [source.previous(vintage) for vintage in ("latest", "2026-02", "2025-11", "2024-04")] == [
        *("2026-02", "2025-11", "2024-04", None)
    ]
    assert find_source("noaa-co2-mlo").previous("2026-02") is None  # only a mirror has an older one
    assert {find_source(key).previous("latest") for key in ("natural-earth", "reveal-js")} == {None}


@pytest.mark.usefixtures("mirrored")
def test_revisions_as_rows_for_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled()
    monkeypatch.delenv("CLIMATE_MIRROR")  # all is in data/ now
    stage.run()
    written = read_json(paths.REVISIONS)
    [row] = written["compared"]
    assert written["refused"] == []
    assert "noaa-co2-mlo" not in written["alone"]
    assert {"natural-earth", "reveal-js"}.isdisjoint(written["alone"])
    assert "scripps-co2-mlo" in written["alone"]
    assert (row["source"], row["old"], row["new"]) == ("noaa-co2-mlo", "2018-02", "2026-02")
    assert (row["shared"], row["revised"], row["largest"], row["month"]) == (712, 579, 0.36, "2017-03")
    assert [part["revised"] for part in row["decades"]] == [8, 54, 70, 110, 120, 120, 97]
    assert row["words"][0] == "Version: X2007 -> X2019"
    knew = row["knew"]
    assert (knew["origin"], knew["verified"], knew["revised_recent"]) == ("2018-01", 60, 12)
    # X2019 stands about 0.2 ppm above X2007 here (Hall et al. 2021), and a forecast inherits the scale of its data.
    assert 0.15 < knew["change_recent"] < 0.3
    assert 0.1 < knew["now"][0][1] - knew["then"][0][1] < 0.3
    assert scales_apart(knew) == ("WMO X2007", "WMO X2019")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("unavailable", "vintage 2018-02 is unavailable: mirror: .*not found on the mirror.*`climate retry`"),
        ("changed", "found sha256 .* `dvc checkout data.dvc` restores data/"),
        ("source missing", "vintage 2026-02 is unavailable"),
    ],
)
def test_what_cannot_be_compared_is_named_with_its_reason(
    fault: str, reason: str, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIMATE_MIRROR", str(tmp_path / "part"))
    for vintage in {"unavailable": ["2026-02"], "source missing": ["2018-02"]}.get(fault, ["2026-02", "2018-02"]):
        entry = find_source("noaa-co2-mlo").at(vintage)
        path = Path(entry.vintages[vintage].mirror or "") / entry.files[0].mirror
        (tmp_path / "part" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mirror / path, tmp_path / "part" / path)
    pulled()
    if fault == "changed":
        path = Path("data/noaa-co2-mlo/previous/co2_mm_mlo.csv")
        path.write_bytes(path.read_bytes().replace(b"315", b"316"))
    stage.run()
    written = read_json(paths.REVISIONS)
    [refused] = written["refused"]
    assert (written["compared"], refused["source"]) == ([], "noaa-co2-mlo")
    assert (refused["old"], refused["new"]) == ("2018-02", "2026-02")
    assert re.search(reason, refused["reason"])


def test_rows_are_named_by_their_stretches() -> None:
    values = np.arange(30.0)
    new = table(values)
    gaps = values.copy()
    gaps[[0, 1, 2, 7, 10, 11, 20, 28, 29]] = np.nan
    found = revisions(table(gaps), new)
    line = next(line for line in in_words(found, "A", "B") if line.startswith("Rows"))
    assert line == (
        "Rows: 9 only in B (1990-01 to 1990-03, 1990-11 to 1990-12, 1992-05 to 1992-06, and elsewhere), none only in A"
    )
    gaps[7:] = values[7:]
    assert "3 only in B (1990-01 to 1990-03)" in "".join(in_words(revisions(table(gaps), new), "A", "B"))
    gaps[:2] = values[:2]
    assert "1 only in B (1990-03)" in "".join(in_words(revisions(table(gaps), new), "A", "B"))


@pytest.mark.usefixtures("mirrored")
def test_two_tables_of_one_file_are_compared_all_the_same() -> None:
    text = diff("berkeley-land-ocean", "2024-08", "berkeley-land-ocean-water@2024-08")
    assert "Revised: " in text
    assert "none only in berkeley-land-ocean-water 2024-08" in text


def test_a_vintage_may_have_another_layout_under_the_same_name() -> None:
    source = find_source("noaa-co2-mlo")
    old = source.at("2018-02")
    assert (old.version, old.files[0].name) == ("X2007", "co2_mm_mlo.csv")
    assert old.files[0].mirror.endswith("co2_mm_mlo.txt")
    assert old.files[0].expect.contains != source.files[0].expect.contains
    assert source.at("2026-07") == source
    assert source.at("1066-10") == source
    entry = source.model_dump() | {"vintages": {"2000": {"files": {"other.csv": {"url": "https://example.org"}}}}}
    with pytest.raises(ValueError, match=r"vintage 2000 names 'other\.csv', which is not among files"):
        Source.model_validate(entry)


def record_of(values: np.ndarray, first: str = "1980-01") -> xr.Dataset:
    """A series on a month axis."""
    return xr.Dataset({"value": ("time", values)}, {"time": months(first, values.size)}, {"units": "ppm"})


def test_a_forecast_then_knows_nothing_that_came_after() -> None:
    random = np.random.default_rng(3)
    values = np.cumsum(random.normal(0.1, 0.3, 300)) + 3 * np.sin(np.arange(300) * np.pi / 6)
    old, later = record_of(values[:240]), values.copy()
    later[240:] += 100.0
    found = forecasts_by_release(old, record_of(later), ClimatologyTrend(residual=True), 24)
    np.testing.assert_array_equal(found["forecast"].sel(release="then"), found["forecast"].sel(release="now"))
    assert int(found["revised_recent"]) == 0
    assert float(found["crps"].min()) > 50
    revised = values.copy()
    revised[230:240] += 0.5
    found = forecasts_by_release(old, record_of(revised), ClimatologyTrend(residual=True), 24)
    assert (int(found["revised_recent"]), float(found["change_recent"])) == (10, pytest.approx(10 * 0.5 / 12))
    assert float(found["forecast"].diff("release").sel(lead=1, quantile=0.5).item()) > 0
    np.testing.assert_array_equal(found["observed"], values[240:264])
    with pytest.raises(ClimateError, match="expected it to reach 1999-12"):
        forecasts_by_release(old, record_of(values[:200]), ClimatologyTrend(residual=True), 24)


@pytest.mark.usefixtures("mirrored")
def test_forecast_with_an_old_vintage_in_words() -> None:
    with_pinned(noaa_co2_mlo="2026-02")
    said = forecast("gistemp-global", "2019-05", "2025-03", leads=12)
    assert "Forecast from 2019-04, where gistemp-global 2019-05 ends, by one classical model: unobserved" in said
    assert "scale" not in said
    assert "Revised among the 12 months up to then: 12" in said
    assert "CRPS over 12 verified leads" in said
    co2 = forecast("noaa-co2-mlo", "2018-02", "2026-02", leads=3)
    assert "Scale: WMO X2007 then, WMO X2019 now. Part of the revision" in co2
    with pytest.raises(ClimateError, match="is a grid: found series 'x', expected none"):
        series_to_forecast(
            xr.Dataset({"value": (("time", "lat", "lon"), np.zeros((1, 1, 1)))}), "g", "x", load_params().harmonize
        )


def test_anomalies_against_another_baseline_are_moved_before_they_are_compared() -> None:
    time = np.arange("1971-01", "2021-01", dtype="datetime64[M]").astype("datetime64[s]")
    value = np.random.default_rng(5).normal(size=(1, time.size)) + np.linspace(0, 1, time.size)
    dims = ("series", "time")

    def release(first: int, last: int) -> xr.Dataset:
        table = xr.Dataset({"value": (dims, value)}, coords={"series": ["global"], "time": time})
        normal = table.value.sel(time=slice(str(first), str(last))).groupby("time.month").mean()
        table["value"] = (table.value.groupby("time.month") - normal).drop_vars("month").transpose(*dims)
        table["interpolated"] = (dims, np.zeros(value.shape, dtype=bool))
        attrs = {"units": "degC", "kind": "anomaly", "cadence": "monthly", "baseline": f"{first}-{last}"}
        return table.assign_attrs(attrs)

    old, new = release(1971, 2000), release(1991, 2020)
    table = revisions(old, new)
    assert float(abs(table.largest).max()) < 1e-12
    assert table.attrs["changed"] == "baseline: 1971-2000 -> 1991-2020"
    short = old.isel(time=slice(0, -1))  # lacks a month of the new baseline: compared as it is, the change named
    assert float(abs(revisions(short, new).largest).max()) > 0.1
