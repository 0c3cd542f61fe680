"""Joins of records: kinds, units, seasons and baselines that do or do not fit together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.harmonize.build import harmonize
from climate.harmonize.completeness import RULES
from climate.harmonize.offset import offset_by_month
from climate.harmonize.splice import splice
from climate.params.regions import HarmonizeParams, SpliceDefinition
from tests.records import months, region, seasonal, table, with_params

YEARS = 40
JOIN = 12 * 20
TIME = months("1961-01", 12 * YEARS)
NUMBER = {"units": "1", "quantity": "index"}


def spliced(overlap_end: str = "1985-12") -> HarmonizeParams:
    return with_params(splices={"both": {"parts": [{"source": "old"}, {"source": "new"}], "overlap_end": overlap_end}})


def town(records: dict[str, xr.Dataset], params: HarmonizeParams) -> xr.Dataset:
    return harmonize(records, {"town": region(splice="both")}, params).series["town"]


@given(st.lists(st.floats(-40, 40), min_size=12, max_size=12))
@settings(max_examples=20)
def test_an_offset_of_each_calendar_month_is_recovered(by_month: list[float]) -> None:
    value = seasonal(12 * YEARS, 3)
    older = value - np.tile(by_month, YEARS)
    difference = xr.DataArray(value - older, dims="time", coords={"time": TIME})
    np.testing.assert_allclose(offset_by_month(difference).by_month, by_month, atol=1e-9)


@pytest.mark.parametrize("kind", ["absolute", "anomaly"])
def test_temperatures_of_other_seasons_or_kinds_are_joined_without_a_season_left(kind: str) -> None:
    value = seasonal(12 * YEARS, 1)
    season = 6 * np.cos(2 * np.pi * np.arange(value.size) / 12)
    whole = {"new": table(TIME, {"town": value})}
    truth = harmonize(whole, {"town": region(source="new", series="town")}, with_params()).series["town"]
    attrs = {"kind": kind, "baseline": "1991-2020" if kind == "anomaly" else ""}
    records = {
        "old": table(TIME[: 12 * 30], {"town": (value - season - 3)[: 12 * 30]}),
        "new": table(TIME[JOIN:], {"town": value[JOIN:]}, **attrs),
    }
    np.testing.assert_allclose(town(records, spliced())["value"], truth["value"], atol=1e-9)


def test_seams_give_the_offset_of_each_calendar_month_and_their_mean() -> None:
    value = seasonal(12 * YEARS, 1)
    records = {
        "old": table(TIME[: 12 * 30], {"town": (value - np.tile(np.arange(12.0), YEARS))[: 12 * 30]}),
        "new": table(TIME[JOIN:], {"town": value[JOIN:]}),
    }
    seams = harmonize(records, {"town": region(splice="both")}, spliced()).seams
    np.testing.assert_allclose(seams["offset_by_month"][0], np.arange(12.0), atol=1e-9)
    np.testing.assert_allclose(seams["offset"], 5.5, atol=1e-9)


def test_nothing_after_the_end_of_the_overlap_moves_an_earlier_value() -> None:
    value = seasonal(12 * YEARS, 1)
    changed = value.copy()
    changed[12 * 25 :] += 100 * np.arange(12 * 15) / 7
    old = table(TIME[: 12 * 30], {"town": seasonal(12 * 30, 2)})
    before, after = (
        splice(
            "both",
            [record.isel(series=0, drop=True).assign_attrs(sources="x", cadence="monthly") for record in (old, new)],
            SpliceDefinition.model_validate({"parts": ["old", "new"], "overlap_end": "1985-12"}),
            RULES["complete"],
        )[0]["value"].values[: 12 * 25]
        for new in (table(TIME[JOIN:], {"town": part[JOIN:]}) for part in (value, changed))
    )
    assert before.tobytes() == after.tobytes()


def test_too_few_common_years_of_one_calendar_month_are_refused() -> None:
    old = seasonal(12 * 30, 2)
    old[JOIN + 3 :: 12] = np.nan
    records = {"old": table(TIME[: 12 * 30], {"town": old}), "new": table(TIME[JOIN:], {"town": seasonal(12 * 20, 1)})}
    with pytest.raises(
        ClimateError, match=r"'old' and 'new' have 0 common Apr values up to 1985-12, expected at least"
    ):
        town(records, spliced())


@pytest.mark.parametrize("kinds", [("absolute", "anomaly"), ("anomaly", "absolute")])
@pytest.mark.parametrize("join", ["splice", "combination", "mix"])
def test_absolute_values_and_anomalies_of_anything_but_temperature_are_not_joined(
    join: str, kinds: tuple[str, str]
) -> None:
    records: dict[str, xr.Dataset] = {}
    for seed, (name, kind) in enumerate(zip(("old", "new"), kinds, strict=True)):
        value = seasonal(TIME.size, seed)
        records[name] = table(TIME, {"town": value}, kind=kind, baseline="", **NUMBER)
    members = [{"source": name} for name in records]
    params = with_params(
        splices={"both": {"parts": members, "overlap_end": "1985-12"}},
        combinations={"both": {"members": members, "overlap_end": "1985-12"}},
    )
    each = {name: region(source=name, series="town") for name in records}
    wanted: dict[str, Any] = {"mix": {"old": 1, "new": 1}} if join == "mix" else {join: "both"}
    with pytest.raises(ClimateError, match=r"expected records of the same kind"):
        harmonize(records, each | {"joined": region(**wanted)}, params)


def test_kelvin_and_degrees_celsius_are_joined() -> None:
    value = seasonal(12 * YEARS, 1)
    plain = {
        "old": table(TIME[: 12 * 30], {"town": value[: 12 * 30]}),
        "new": table(TIME[JOIN:], {"town": value[JOIN:]}),
    }
    kelvin = plain | {"old": table(TIME[: 12 * 30], {"town": value[: 12 * 30] + 273.15}, units="K")}
    expected, found = (town(records, spliced()) for records in (plain, kelvin))
    assert found.attrs["units"] == "degC"
    np.testing.assert_allclose(found["value"], expected["value"], atol=1e-9)


def test_an_annual_table_that_declares_monthly_values_is_named_annual() -> None:
    yearly = TIME[::12]
    records = {"old": table(yearly, {"town": np.arange(float(yearly.size))})}
    with pytest.raises(ClimateError, match=r"found annual values, one in 12 months, expected monthly.*cadence: annual"):
        harmonize(records, {"town": region(source="old", series="town")}, with_params())


def test_a_baseline_with_a_hole_is_named_in_the_title_of_all_that_rest_on_it() -> None:
    value = seasonal(12 * YEARS, 1)
    value[12 * 10 : 12 * 15] = np.nan
    records = {"hole": table(TIME, {"town": value}), "full": table(TIME, {"town": seasonal(12 * YEARS, 2)})}
    members = [{"source": name} for name in records]
    params = with_params(combinations={"both": {"members": members, "overlap_end": "1995-12"}})
    definitions = {
        "hole": region(source="hole", series="town"),
        "full": region(source="full", series="town"),
        "mean": region(mix={"hole": 1, "full": 1}),
        "both": region(combination="both"),
    }
    titles = {name: made.attrs["title"] for name, made in harmonize(records, definitions, params).series.items()}
    assert titles == {
        "hole": "A region (baseline from 1961-1970, 1976-1990)",
        "full": "A region",
        "mean": "A region (baseline of hole from 1961-1970, 1976-1990)",
        "both": "A region (baseline of hole from 1961-1970, 1976-1990)",
    }
