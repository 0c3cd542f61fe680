"""Harmonizing: baseline, splice, combination, missing data, no look-ahead, and published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from climate.errors import ClimateError
from climate.files import read_netcdf, write_netcdf
from climate.harmonize.anomaly import rebase
from climate.harmonize.breaks import break_table, break_table_of, declared_changes, find_breaks
from climate.harmonize.build import Harmonized, harmonize
from climate.harmonize.completeness import RULES, annual_means, means, rule
from climate.harmonize.composite import combine_records
from climate.harmonize.offset import overlap, summarise
from climate.harmonize.regions import published_series
from climate.harmonize.series import make_series
from climate.harmonize.splice import splice
from climate.params.regions import CombinationDefinition, HarmonizeParams, RegionDefinition, RuleName, SpliceDefinition
from climate.schema import SERIES_VARIABLES, TIME_DTYPE
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read
from tests.reader_samples import mirrored, pulled
from tests.records import PARAMS, grid, months, region, seasonal, table, with_params

COMPLETE = RULES["complete"]

CO2 = {"units": "ppm", "quantity": "co2", "kind": "absolute", "baseline": ""}
ANOMALY = {"units": "degC", "quantity": "temperature", "kind": "anomaly", "baseline": "1961-1990"}


def joined(parts: list[xr.Dataset], overlap_end: str = "1984-12") -> tuple[xr.Dataset, xr.Dataset]:
    """`parts`, called "a", "b" and so on, as one record, and its seams."""
    definition = SpliceDefinition.model_validate({"parts": list("abc"[: len(parts)]), "overlap_end": overlap_end})
    return splice("co2", parts, definition, COMPLETE)


def series(first: str, value: np.ndarray, attrs: dict[str, str] = CO2, **more: Any) -> xr.Dataset:
    return make_series(months(first, value.size), value, attrs | {"sources": "x"}, source="x", **more)


# Baseline


@given(st.integers(0, 10**6), st.floats(-50, 50), st.integers(1940, 1970))
@settings(max_examples=25)
def test_an_anomaly_has_mean_zero_over_its_baseline_in_every_calendar_month(
    seed: int, level: float, start: int
) -> None:
    record = series(f"{start}-01", seasonal(12 * 70, seed) + level, ANOMALY | {"kind": "absolute", "baseline": ""})
    made = rebase(record, (1971, 2000), 30, "record")
    base = made["value"].sel(time=slice("1971", "2000"))
    np.testing.assert_allclose(base.groupby("time.month").mean(), 0, atol=1e-9)
    whole = made["value"] + made["climatology"].values[made["time"].dt.month.values - 1]
    np.testing.assert_allclose(whole, record["value"], atol=1e-9)
    again = rebase(made, (1971, 2000), 30, "record")
    np.testing.assert_allclose(again["value"], made["value"], atol=1e-9)


def test_an_absolute_record_and_its_published_anomaly_become_the_same() -> None:
    value = seasonal(12 * 80, 7)
    whole = series("1940-01", value, ANOMALY | {"kind": "absolute", "baseline": ""})
    published = rebase(whole, (1951, 1980), 30, "published").drop_vars("climatology")
    one = rebase(whole, (1961, 1990), 30, "one")
    two = rebase(published, (1961, 1990), 30, "two")
    np.testing.assert_allclose(one["value"], two["value"], atol=1e-9)
    assert "climatology" in one
    assert "climatology" not in two
    assert one.attrs["baseline"] == two.attrs["baseline"] == "1961-1990"


def test_a_baseline_with_too_few_years_is_refused_by_name() -> None:
    value = seasonal(12 * 40, 1)
    value[12 * 15 + 3 :: 12] = np.nan  # no April after 1975
    record = table(months("1961-01", value.size), {"global": value})
    with pytest.raises(
        ClimateError, match="region 'place': found 15 Apr values in the baseline 1961-1990, expected at least 20"
    ):
        harmonize({"r": record}, {"place": region(source="r", series="global")}, PARAMS)


# One Dataset


def small_world() -> tuple[dict[str, xr.Dataset], dict[str, RegionDefinition], HarmonizeParams]:
    """A grid, a table of two series and two CO2 records with an overlap."""
    rng = np.random.default_rng(11)
    lat, lon = np.arange(-87.5, 90, 5.0), np.arange(-180, 180, 5.0)
    air = seasonal(12 * 60, 1)[:, None, None] + rng.normal(size=(720, lat.size, lon.size))
    co2 = 330 + np.arange(480) / 8 + rng.normal(0, 0.3, 480)
    records = {
        "air": grid(air, months("1955-01", 720), lat, lon),
        "towns": table(months("1950-01", 800), {"Rome": seasonal(800, 2), "Oslo": seasonal(800, 3)}),
        "old": table(months("1960-01", 300), {"co2": co2[:300] - 1.5}, **CO2),
        "new": table(months("1975-01", 300), {"co2": co2[180:]}, **CO2),
    }
    definitions = {
        "globe": region(source="air", box={"lat": [-90, 90], "lon": [-180, 180]}),
        "place": region(source="air", point={"lat": 12, "lon": 34, "method": "bilinear"}),
        "rome": region(source="towns", series="Rome"),
        "both": region(mix={"rome": 1, "oslo": 3}),
        "oslo": region(source="towns", series="Oslo", start="1970-01"),
        "air-of-the-world": region(splice="co2"),
    }
    params = with_params(splices={"co2": {"parts": ["old", "new"], "overlap_end": "1984-12"}})
    return records, definitions, params


def test_series_keep_the_contract() -> None:
    records, definitions, params = small_world()
    made = harmonize(records, definitions, params)
    assert list(made.series) == list(definitions)
    for name, one in made.series.items():
        assert one["value"].dims == ("time",), name
        assert set(SERIES_VARIABLES) <= set(one.data_vars), name
        assert one["time"].dtype == TIME_DTYPE, name
        assert (np.diff(one["time"].values.astype("datetime64[M]").astype(int)) == 1).all(), name
        assert np.isfinite(one["value"].values[[0, -1]]).all(), name
        assert {"units", "long_name", "history", "title", "region", "sources"} <= set(one.attrs), name
    assert made.series["globe"].attrs["standard_name"] == "air_temperature_anomaly"
    assert str(made.series["oslo"]["time"].values[0]) == "1970-01-01T00:00:00"
    assert made.series["air-of-the-world"].attrs["units"] == "ppm"


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    records, definitions, params = small_world()
    written = []
    for run in ("one", "two"):
        made = harmonize(records, definitions, params)
        for name, one in (made.series | {"seams": made.seams}).items():
            write_netcdf(one, tmp_path / run / f"{name}.nc")
        written.append([path.read_bytes() for path in sorted((tmp_path / run).iterdir())])
    assert written[0] == written[1]
    xr.testing.assert_equal(read_netcdf(tmp_path / "one" / "globe.nc"), made.series["globe"])


def test_values_after_an_origin_leave_everything_before_it_bit_identical() -> None:
    records, definitions, params = small_world()
    members = [
        {"source": "towns", "series": "Rome"},
        {"source": "towns", "series": "Oslo", "start": "1958-01"},
    ]
    combinations = {"towns": {"members": members, "overlap_end": "1984-12"}}
    params = HarmonizeParams.model_validate(params.model_dump(mode="json") | {"combinations": combinations})
    definitions |= {"towns": region(combination="towns")}
    origin = np.datetime64("1990-12")
    changed = {}
    for key, record in records.items():
        later = record["time"].values.astype("datetime64[M]") > origin
        assert later.any() or key == "old"
        noise = np.random.default_rng(3).normal(50, 20, record["value"].shape)
        changed[key] = record.assign(
            value=record["value"].where(xr.DataArray(~later, dims="time"), record["value"].copy(data=noise))
        )
    first, second = harmonize(records, definitions, params), harmonize(changed, definitions, params)
    for name in definitions:
        one, two = (made.series[name].sel(time=slice(None, "1990-12")) for made in (first, second))
        assert one.sizes["time"] > 200
        for variable in SERIES_VARIABLES:
            np.testing.assert_array_equal(one[variable].values, two[variable].values)
        after = (made.series[name]["value"].sel(time=slice("1991-01", None)) for made in (first, second))
        assert not np.array_equal(*(values.values for values in after))


def test_a_region_added_leaves_the_bits_of_the_others() -> None:
    records, definitions, params = small_world()
    alone = harmonize(records, {"globe": definitions["globe"]}, params).series["globe"]
    xr.testing.assert_identical(alone, harmonize(records, definitions, params).series["globe"])


def test_a_source_that_cannot_be_had_skips_its_regions_only() -> None:
    records, definitions, params = small_world()
    del records["towns"]
    made = harmonize(records, definitions, params, unavailable={"towns": "no channel served it"})
    assert set(made.skipped) == {"rome", "oslo", "both"}
    assert "source towns is unavailable (no channel served it)" in made.skipped["both"]
    assert "skipped" in made.series["rome"].attrs
    assert [name for name, one in made.series.items() if "value" in one] == ["globe", "place", "air-of-the-world"]


def test_no_source_at_all_is_an_error() -> None:
    definitions = {"rome": region(source="towns", series="Rome")}
    with pytest.raises(ClimateError, match="no region can be made: source towns is unavailable"):
        harmonize({}, definitions, PARAMS, unavailable={"towns": "mirror is down"})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"source": "towns", "box": {"lat": [0, 1], "lon": [0, 1]}}, "source 'towns' has series and no grid"),
        ({"source": "air", "series": "global"}, "source 'air' is a grid"),
        ({"source": "towns", "series": "Rom"}, "unknown series 'Rom', expected one such as Rome"),
        ({"source": "town", "series": "Rome"}, "unknown source 'town'"),
        ({"source": "towns", "series": "Rome", "start": "2090-01"}, "no value between 2090-01"),
        ({"mix": {"rome": 1, "air-of-the-world": 1}}, "rome: temperature.*records of the same quantity"),
    ],
)
def test_a_region_that_does_not_fit_its_source_is_named(entry: dict[str, Any], message: str) -> None:
    records, definitions, params = small_world()
    with pytest.raises(ClimateError, match=message):
        harmonize(records, {**definitions, "odd": region(**entry)}, params)


# Splices


@given(st.floats(-20, 20), st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_splice_recovers_the_offset_between_two_copies_of_one_record(offset: float, seed: int) -> None:
    truth = 320 + np.arange(480) / 8 + np.random.default_rng(seed).normal(0, 0.3, 480)
    parts = [series("1960-01", truth[:300] - offset), series("1975-01", truth[180:])]
    whole, seams = joined(parts)
    np.testing.assert_allclose(whole["value"], truth, atol=1e-9)
    assert float(seams["offset"][0]) == pytest.approx(offset, abs=1e-9)
    assert float(seams["step"][0]) == pytest.approx(0, abs=1e-9)
    assert int(seams["n"][0]) == 120
    assert str(seams["join"].values[0])[:7] == "1975-01"
    assert set(whole["source"].values[:180]) == {"a"}
    assert set(whole["source"].values[180:]) == {"b"}


def test_three_parts_add_their_offsets_up_to_the_newest() -> None:
    truth = 300 + np.arange(600) / 10
    parts = [
        series("1950-01", truth[:240] - 5),
        series("1960-01", truth[120:420] - 2, uncertainty=np.full(300, 0.3)),
        series("1980-01", truth[360:]),
    ]
    whole, seams = joined(parts)
    np.testing.assert_allclose(whole["value"], truth, atol=1e-9)
    np.testing.assert_allclose(seams["offset"], [3, 2], atol=1e-9)
    assert seams["older"].values.tolist() == ["a", "b"]
    assert float(whole["uncertainty"][130]) == pytest.approx(0.3)


def test_gaps_of_the_newer_part_are_not_filled_from_the_older() -> None:
    truth = 300 + np.arange(240) / 10
    newer = truth[120:].copy()
    newer[7] = np.nan
    whole, _ = joined([series("1970-01", truth), series("1980-01", newer)])
    assert np.flatnonzero(np.isnan(whole["value"].values)).tolist() == [127]


@pytest.mark.parametrize("annual", ["calendar", "centred"])
def test_an_annual_record_is_compared_with_means_over_its_own_twelve_months(annual: str) -> None:
    t = np.arange(480)
    monthly = 320 + t / 8 + 3 * np.sin(2 * np.pi * t / 12)
    start = {"calendar": 0, "centred": -6}[annual]
    january = np.arange(60, 420, 12)
    yearly = np.array([monthly[j + start : j + start + 12].mean() for j in january]) - 0.7
    old = make_series(months("1950-01", 480)[january], yearly, CO2 | {"sources": "ice"}, source="ice")
    new = series("1962-01", monthly[144:])
    parts = [{"source": "ice", "annual": annual, "end": "1961-12"}, "direct"]
    definition = SpliceDefinition.model_validate({"parts": parts, "overlap_end": "1984-12"})
    whole, seams = splice("co2", [old, new], definition, COMPLETE)
    assert seams["cadence"].values[0] == "annual"
    assert float(seams["offset"][0]) == pytest.approx(0.7, abs=1e-9)
    assert float(seams["offset_se"][0]) == pytest.approx(0, abs=1e-9)
    assert np.isfinite(whole["value"].values[:36]).sum() == 3  # years stay single values: nothing is interpolated


def test_an_overlap_too_short_or_out_of_order_is_refused() -> None:
    value = 300 + np.arange(240) / 10
    with pytest.raises(ClimateError, match="found 3 common values of 'a' and 'b' up to 1980-03, expected at least 5"):
        joined([series("1970-01", value), series("1980-01", value)], "1980-03")
    with pytest.raises(ClimateError, match="'a' has no month before 'b' begins"):
        joined([series("1980-01", value), series("1970-01", value)], "1990-03")


def test_the_standard_error_of_an_offset_allows_for_autocorrelation() -> None:
    rng = np.random.default_rng(8)
    estimates, claimed = [], []
    for _ in range(300):
        noise = rng.normal(size=240)
        for i in range(1, 240):
            noise[i] += 0.7 * noise[i - 1]
        found = summarise(series("1970-01", noise + 400)["value"])
        estimates.append(found.mean)
        claimed.append(found.mean_se)
    # The spread of the estimates themselves is the truth; a naive standard error would be less than half of it.
    assert np.mean(claimed) == pytest.approx(np.std(estimates), rel=0.15)


@given(st.integers(0, 10**6), st.floats(-3, 3))
@settings(max_examples=20)
def test_the_drift_is_the_slope_of_least_squares(seed: int, slope: float) -> None:
    value = np.random.default_rng(seed).normal(size=200) + slope * np.arange(200) / 120
    value[[3, 50, 51]] = np.nan
    found = summarise(series("1970-01", value)["value"])
    known = np.isfinite(value)
    assert found.drift == pytest.approx(np.polyfit(np.arange(200)[known] / 120, value[known], 1)[0], abs=1e-9)
    assert found.n == 197


def mauna_loa() -> Harmonized:
    keys = ("scripps-ice-core", "scripps-co2-mlo", "noaa-co2-mlo")
    parts = [
        {"source": keys[0], "end": "1957-12", "annual": "centred", "overlap_end": "1967-12"},
        {"source": keys[1], "overlap_end": "1984-12"},
        {"source": keys[2], "except_periods": ["Scripps"]},
    ]
    params = with_params(splices={"co2": {"parts": parts, "overlap_end": "2004-12"}})
    return harmonize({key: pulled(key) for key in keys}, {"co2": region(splice="co2")}, params)


def test_mauna_loa_is_ice_core_then_scripps_then_noaa() -> None:
    made = mauna_loa()
    record = made.series["co2"].to_dataframe()
    valued = record[record["value"].notna()]
    spans = valued.groupby("source").apply(lambda rows: (str(rows.index[0])[:7], str(rows.index[-1])[:7]))
    assert spans["scripps-ice-core"] == ("0013-04", "1957-01")
    assert spans["scripps-co2-mlo"] == ("1958-03", "1974-04")
    assert spans["noaa-co2-mlo"][0] == "1974-05"
    assert set(valued["period"][:"1957-12"]) == {"ice core"}
    assert set(valued.loc["1958-03":"1974-04", "period"]) == {"Scripps"}
    assert set(valued.loc["1974-05":, "period"]) == {"NOAA"}
    assert set(valued.loc["2023-01":"2023-06", "site"]) == {"Maunakea"}
    assert set(valued.loc["1958-03":"2022-10", "site"]) == {"Mauna Loa"}
    assert not valued.loc["1958-03":, "value"].isna().any()
    assert bool(valued.loc["1975-12-01", "interpolated"])
    seams = made.seams
    assert seams["n"].values.tolist() == [9, 128]
    assert np.abs(seams["offset"].values).max() < 0.4
    assert (np.abs(seams["offset"]) < 4 * seams["offset_se"]).all()
    assert np.abs(seams["step"].values).max() < 0.3


def test_the_whole_overlap_would_put_a_step_into_mauna_loa() -> None:
    """Mean of Mauna Loa and the South Pole falls behind Mauna Loa: why the ice core's overlap ends in 1967."""
    ice, scripps = (
        published_series(pulled(key), key, None, PARAMS.missing) for key in ("scripps-ice-core", "scripps-co2-mlo")
    )
    parts = SpliceDefinition.model_validate(
        {"parts": [{"source": "ice", "annual": "centred"}, "scripps"], "overlap_end": "2004-12"}
    ).parts
    difference = overlap(ice, scripps, *parts, COMPLETE)["difference"]
    found = summarise(difference.sel(time=slice(None, "2004-12")))
    assert found.drift > 4 * found.drift_se
    assert (
        float(difference.sel(time=slice("2000", "2004")).mean() - difference.sel(time=slice("1959", "1967")).mean())
        > 0.8
    )


def test_growth_of_co2_is_the_published_one() -> None:
    record = mauna_loa().series["co2"]["value"]
    annual = annual_means(record.sel(time=slice("1974-05", None)), COMPLETE)["value"].to_series()
    yearly = annual.groupby(annual.index.year).first()
    # NOAA GML, Trends in Atmospheric CO2, annual mean CO2 at Mauna Loa in ppm (X2019).
    for year, published in {1980: 338.76, 1990: 354.45, 2000: 369.71, 2010: 390.10, 2020: 414.21}.items():
        assert yearly[year] == pytest.approx(published, abs=0.06), year
    # IPCC AR6 WG1, A.1.1: 410 ppm in the global mean of 2019, 47% above 1750; Mauna Loa stands about 1.5 ppm higher.
    pre = float(record.sel(time=slice("1720", "1780")).mean())
    assert yearly[2019] / pre - 1 == pytest.approx(0.47, abs=0.03)


# Combination


def combine(members: dict[str, xr.Dataset], **entries: Any) -> tuple[xr.Dataset, xr.Dataset]:
    definition = CombinationDefinition.model_validate(
        {"members": list(members), "overlap_end": "1999-12", "overlap_months": 60} | entries
    )
    return combine_records("all", members, definition)


def test_a_member_that_begins_or_ends_leaves_no_step() -> None:
    rng = np.random.default_rng(2)
    truth = np.cumsum(rng.normal(0, 0.05, 1200))
    noise = rng.normal(0, 0.05, (3, 1200))
    members = {
        "long": series("1900-01", truth + noise[0], ANOMALY),
        "late": series("1950-01", truth[600:] + noise[1, 600:] + 3.0, ANOMALY),  # far off the others' level
        "early": series("1900-01", truth[:900] + noise[2, :900] - 2.0, ANOMALY),
    }
    combined, seams = combine(members)
    error = combined["value"].values - truth
    for at in (600, 900):
        before, after = error[at - 60 : at].mean(), error[at : at + 60].mean()
        assert after - before == pytest.approx(0, abs=0.03)
    assert combined["members"].values[[0, 700, 1000]].tolist() == [2, 3, 2]
    assert seams["newer"].values.tolist() == ["with late", "without early"]
    assert [str(at)[:7] for at in seams["join"].values] == ["1950-01", "1975-01"]
    naive = np.nanmean(np.stack([m["value"].reindex(time=combined["time"]).values for m in members.values()]), axis=0)
    assert abs((naive - truth)[600:660].mean() - (naive - truth)[540:600].mean()) > 1  # what it is spared


def test_members_on_one_level_are_plainly_averaged_with_their_spread() -> None:
    values = np.random.default_rng(4).normal(size=(3, 240))
    members = {
        name: series("1970-01", one, ANOMALY, uncertainty=np.full(240, 0.2))
        for name, one in zip("abc", values, strict=True)
    }
    combined, seams = combine(members)
    np.testing.assert_allclose(combined["value"], values.mean(axis=0))
    np.testing.assert_allclose(combined["spread"], values.std(axis=0, ddof=1))
    np.testing.assert_allclose(combined["uncertainty"], 0.2)
    assert not seams.sizes.get("seam", 0)


def test_a_gap_of_one_member_makes_no_jump() -> None:
    base = np.zeros(240)
    gap = base + 4.0
    gap[100] = np.nan
    combined, _ = combine({"a": series("1970-01", base, ANOMALY), "b": series("1970-01", gap, ANOMALY)})
    np.testing.assert_allclose(combined["value"], 2.0)


def test_a_combination_up_to_a_month_does_not_know_what_comes_after() -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=(3, 480))
    values[1, 300:310] = np.nan
    spans = {"a": slice(0, 480), "b": slice(120, 480), "c": slice(0, 400)}
    whole = {
        k: series("1970-01", np.where(np.isin(np.arange(480), np.arange(480)[s]), v, np.nan), ANOMALY)
        for (k, s), v in zip(spans.items(), values, strict=True)
    }
    known = {key: one.sel(time=slice(None, "2002-12")) for key, one in whole.items()}
    full, _ = combine(whole)
    part, _ = combine(known)
    np.testing.assert_array_equal(part["value"], full["value"].sel(time=slice(None, "2002-12")))


def test_a_member_that_begins_after_the_overlap_is_left_out_by_name() -> None:
    value = np.zeros(600)
    members = {
        name: series(first, value, ANOMALY) for name, first in (("a", "1970-01"), ("b", "1980-01"), ("c", "2005-01"))
    }
    combined, _ = combine(members)
    assert combined.attrs["left_out"] == "c"
    with pytest.raises(ClimateError, match="fewer than two members"):
        combine({name: members[name] for name in ("a", "c")})


GLOBAL = {
    "gistemp-global": "latest",
    "hadcrut5": "2022-08",
    "noaa-globaltemp": "2025-02",
    "berkeley-land-ocean": "2024-08",
}


def test_warming_of_the_four_records_is_that_of_the_ipcc(mirror: Path, tmp_path: Path) -> None:
    records = {key: read(find_source(key).at(of), mirrored(mirror, key, of, tmp_path)) for key, of in GLOBAL.items()}
    members = [{"source": key, "series": "global"} for key in GLOBAL]
    params = with_params(combinations={"global": {"members": members, "overlap_end": "2005-12"}})
    definitions = {key: region(source=key, series="global") for key in GLOBAL} | {"all": region(combination="global")}
    made = harmonize(records, definitions, params)

    def warming(name: str, first: str, last: str) -> float:
        value = made.series[name]["value"]
        return float(value.sel(time=slice("2011", "2020")).mean() - value.sel(time=slice(first, last)).mean())

    # IPCC AR6 WG1 SPM A.1.2: 1.09 [0.95 to 1.20] degC, 2011-2020 over 1850-1900, from four records.
    assert warming("all", "1850", "1900") == pytest.approx(1.09, abs=0.03)
    # Gulev et al. (2021), AR6 WG1 table 2.4: HadCRUT5 1.12 degC.
    assert warming("hadcrut5", "1850", "1900") == pytest.approx(1.12, abs=0.02)
    for name in (*GLOBAL, "all"):
        assert 1.0 < warming(name, "1880", "1910") < 1.3
        base = made.series[name]["value"].sel(time=slice("1961", "1990"))
        np.testing.assert_allclose(base.groupby("time.month").mean(), 0, atol=1e-9)
    spread = made.series["all"]["spread"]
    assert float(spread.sel(time=slice("1961", "1990")).mean()) < float(spread.sel(time=slice("1850", "1879")).mean())
    assert np.abs(made.seams["step"].values).max() < 0.01


# Missing data


def test_parameters_take_the_names_of_the_rules_and_no_others() -> None:
    assert set(get_args(RuleName)) == set(RULES)
    with pytest.raises(ValidationError, match=r"missing\.annual"):
        with_params(missing={"annual": "ten-months"})
    with pytest.raises(ClimateError, match="unknown rule 'wmo', expected one of complete"):
        rule("wmo")


def test_a_partial_year_has_no_annual_mean_unless_the_rule_says_so() -> None:
    value = xr.DataArray(np.arange(21.0), dims="time", coords={"time": months("2000-01", 21)})
    strict, lenient = annual_means(value, COMPLETE), annual_means(value, RULES["nine-months"])
    assert np.isfinite(strict["value"].values).tolist() == [True, False]
    assert np.isfinite(lenient["value"].values).tolist() == [True, True]
    assert strict["present"].values.tolist() == [12, 9]
    assert strict["expected"].values.tolist() == [12, 12]


@given(st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=30)
def test_annual_means_from_any_month_are_means_of_twelve(first: int, seed: int) -> None:
    value = np.random.default_rng(seed).normal(size=60)
    found = annual_means(xr.DataArray(value, dims="time", coords={"time": months("1999-01", 60)}), COMPLETE, first)
    for at, mean in zip(found["time"].values, found["value"].values, strict=True):
        start = int((np.datetime64(at, "M") - np.datetime64("1999-01")).astype(int))
        assert int(str(at)[5:7]) == first
        if 0 <= start <= 48:
            assert mean == pytest.approx(value[start : start + 12].mean())
        else:
            assert np.isnan(mean)


def test_daily_means_count_days_that_have_no_row() -> None:
    days = (np.datetime64("2001-01-01") + np.arange(59)).astype("datetime64[s]")
    keep = ~np.isin(np.arange(59), [2, 8, 12, 33, 34, 35, 36])
    value = xr.DataArray(np.ones(keep.sum()), dims="time", coords={"time": days[keep]})
    found = means(value, "daily", "month", RULES["wmo-5/3"])
    assert found["expected"].values.tolist() == [31, 28]
    assert found["present"].values.tolist() == [28, 24]
    assert np.isfinite(found["value"].values).tolist() == [True, False]


# Breaks


def test_a_break_of_a_difference_is_found_where_it_is() -> None:
    rng = np.random.default_rng(9)
    value = rng.normal(0, 0.1, 12 * 60)
    value[12 * 25 :] += 0.3
    (found,) = find_breaks(series("1950-01", value, ANOMALY)["value"])
    assert found.year == 1975
    assert found.shift == pytest.approx(0.3, abs=0.03)


def test_breaks_are_rarely_found_where_there_are_none() -> None:
    rng = np.random.default_rng(10)
    found = 0
    for _ in range(100):
        noise = rng.normal(0, 0.1, 12 * 60)
        for i in range(1, noise.size):
            noise[i] += 0.3 * noise[i - 1]
        found += bool(find_breaks(series("1950-01", noise, ANOMALY)["value"]))
    assert found <= 6  # the level is 1%, whitening of short series is not exact


def test_found_breaks_stand_beside_declared_changes() -> None:
    rng = np.random.default_rng(12)
    value = rng.normal(0, 0.1, 12 * 60)
    value[12 * 20 :] += 0.3
    value[12 * 40 :] -= 0.5
    period = np.where(np.arange(value.size) < 12 * 20, "bucket", "buoy")
    record = series("1950-01", value, ANOMALY, period=period)
    assert declared_changes(record) == [(np.datetime64("1970-01"), "period: bucket to buoy")]
    listed = break_table({"sea - air": record["value"]}, {"sea": record})
    assert listed["record"].values.tolist() == ["sea - air"] * 2 + ["sea"] * int(listed["alone"].sum())
    assert [str(at)[:4] for at in listed["time"].values[:2]] == ["1970", "1990"]
    alone = {
        str(at)[:4]: about for at, about in zip(listed["time"].values[2:], listed["declared"].values[2:], strict=True)
    }
    assert alone == {"1970": "period: bucket to buoy", "1990": ""}
    assert break_table({}, {}).sizes["break"] == 0


def test_a_break_between_two_records_stands_beside_what_either_declares() -> None:
    rng = np.random.default_rng(13)
    weather = rng.normal(0, 0.3, 12 * 60)
    drifted = weather + np.where(np.arange(weather.size) < 12 * 30, 0.0, 0.2) + rng.normal(0, 0.02, weather.size)
    late = drifted + np.where(np.arange(weather.size) < 12 * 45, 0.0, 0.3)
    period = np.where(np.arange(weather.size) < 12 * 30, "mercury", "platinum")[None]
    zero = {"kind": "anomaly", "baseline": "1951-1980"}
    records = {
        "air": table(months("1950-01", weather.size), {"town": weather}, **zero),
        "sea": table(months("1950-01", weather.size), {"town": late}, period=period, **zero),
    }
    members = [{"source": key, "series": "town"} for key in records]
    params = with_params(combinations={"both": {"members": members, "overlap_end": "1995-12"}})
    regions = {"both": region(combination="both"), "sea": region(source="sea", series="town")}
    listed = break_table_of(harmonize(records, regions, params)).to_dataframe()
    found = listed[~listed["alone"] & (listed["record"] == "sea - both")]
    assert dict(zip(found["time"].dt.year, found["declared"], strict=True)) == {
        1980: "period: mercury to platinum",
        1995: "",
    }


def test_every_region_says_that_its_baseline_rests_on_fewer_years() -> None:
    time = months("1965-01", 12 * 40)
    records = {name: table(time, {"town": seasonal(time.size, seed)}) for seed, name in enumerate("ab")}
    members = [{"source": name} for name in records]
    params = with_params(combinations={"both": {"members": members, "overlap_end": "1995-12"}})
    regions = {
        "one": region(combination="both"),
        "two": region(combination="both"),
        "a": region(source="a", series="town"),
    }
    made = harmonize(records, regions, params)
    for name, definition in regions.items():
        assert made.series[name].attrs["title"] == f"{definition.title} (baseline from 1965-1990)"
        assert "baseline_note" not in made.series[name].attrs
