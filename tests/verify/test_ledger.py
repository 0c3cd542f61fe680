"""The ledger: lines that never change, what is refused, and scores against a naive re-implementation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.schema import QUANTILES
from climate.verify.ledger import (
    AT_ISSUE,
    BOUNDS,
    COLUMNS,
    LATER,
    LEVELS,
    append,
    empty,
    issue,
    normal_period,
    numbers,
    opponent,
    parse,
    render,
    scored,
    stamp,
)
from tests.records import months
from tests.tables import forecast_table

MODELS = ["trend", "network"]
DEVIATES = stats.norm.ppf(QUANTILES)
STAMP = stamp({"record": ("2021-12", {"values.nc": "ab" * 32})}, AT_ISSUE)


def make_series(kind: str = "anomaly") -> xr.Dataset:
    random = np.random.default_rng(1)
    time = months("1961-01", 12 * 62)
    values = 0.02 * np.arange(time.size) / 12 + random.standard_normal(time.size)
    baseline = "1961-1990" if kind == "anomaly" else ""
    return xr.Dataset(
        {"value": ("time", values)}, {"time": time}, {"units": "degC", "kind": kind, "baseline": baseline}
    )


def make_table(region: str = "here", last: str = "2021-12") -> xr.Dataset:
    """Monthly origins; normal forecasts around 1 with deviations 1 and 2, one of them shifted per lead."""
    count = int((np.datetime64(last, "M") - np.datetime64("2015-01", "M")).astype(int)) + 1
    origin = months("2015-01", count)
    record = make_series()["value"].values
    at = 12 * 54 + np.arange(count)[:, None] + np.arange(1, 13)
    observed = np.where(at < record.size, record[np.minimum(at, record.size - 1)], np.nan)
    known = (np.arange(count)[:, None] + np.arange(1, 13)) < count
    centre = np.arange(12) / 10 + np.ones((2, count, 1))
    forecast = centre[..., None] + np.array([1, 2])[:, None, None, None] * DEVIATES
    return forecast_table(forecast, np.where(known, observed, np.nan), MODELS, origin, region)


def lines(region: str = "here", last: str = "2021-12", kind: str = "anomaly") -> pd.DataFrame:
    return issue(make_table(region, last), None, make_series(kind), MODELS, STAMP, 24)


def test_a_forecast_has_a_line_per_month_and_mean() -> None:
    own = lines()
    assert list(own.columns) == list(COLUMNS)
    assert own.groupby("model", sort=False).size().to_dict() == {"trend": 14, "network": 14}
    first = numbers(own).query("model == 'network' and leads == '2'").iloc[0]
    assert first["target"] == "2022-02"
    np.testing.assert_allclose(
        first[[f"q{level:g}" for level in LEVELS]].to_list(), 1.1 + 2 * stats.norm.ppf(LEVELS), atol=6e-4
    )
    assert set(own[own["leads"] == "1-12"]["target"]) == {"2022-01-to-2022-12"}


def test_terciles_are_those_of_the_standard_normal_known_at_issue() -> None:
    series = make_series()
    row = numbers(lines()).query("model == 'trend' and leads == '1-3'").iloc[0]
    values = series["value"].to_series()
    seasons = [values[f"{year}-01" : f"{year}-03"].mean() for year in range(1991, 2021)]
    low, high = np.quantile(seasons, [1 / 3, 2 / 3])
    np.testing.assert_allclose([row["tercile_low"], row["tercile_high"]], [low, high], atol=6e-4)
    single = numbers(lines()).query("model == 'network' and leads == '1'").iloc[0]
    np.testing.assert_allclose(single["below"], stats.norm.cdf(single["tercile_low"], 1, 2), atol=6e-3)
    np.testing.assert_allclose(single["above"], stats.norm.sf(single["tercile_high"], 1, 2), atol=6e-3)


def test_values_after_the_issue_change_nothing() -> None:
    series = make_series()
    later = series["time"].values > np.datetime64("2021-12-31")
    changed = series.assign(value=series["value"].where(~later, 99.0))
    assert issue(make_table(), None, changed, MODELS, STAMP, 24).equals(lines())


def test_records_that_are_no_anomalies_have_no_terciles() -> None:
    assert (lines(kind="absolute")[["tercile_low", "tercile_high", "below", "above"]] == "").all(axis=None)


@pytest.mark.parametrize(
    ("month", "years"), [("2020-11", (1981, 2010)), ("2020-12", (1991, 2020)), ("2026-02", (1991, 2020))]
)
def test_normal_period(month: str, years: tuple[int, int]) -> None:
    assert normal_period(np.datetime64(month, "M")) == years


def test_a_second_run_appends_nothing_and_a_newer_month_leaves_old_lines_as_they_are() -> None:
    first = append(empty(), lines())
    text = render(first)
    assert render(append(parse(text), lines())) == text
    other = lines()
    other["q0.5"] = "9.999"
    assert render(append(parse(text), other)) == text
    longer = render(append(parse(text), lines(last="2022-01")))
    assert set(text.splitlines()) < set(longer.splitlines())
    assert len(longer.splitlines()) == 2 * len(text.splitlines()) - 1


@given(st.permutations(range(4)))
def test_the_order_of_additions_does_not_matter(order: list[int]) -> None:
    parts = [_PARTS[position] for position in order]
    ledger = empty()
    for part in parts:
        ledger = append(ledger, part)
    assert render(ledger) == _WHOLE


_PARTS = [lines(region, last) for region in ("here", "there") for last in ("2021-12", "2022-01")]
_WHOLE = render(append(append(append(append(empty(), _PARTS[0]), _PARTS[1]), _PARTS[2]), _PARTS[3]))


def test_a_merge_may_double_lines() -> None:
    header, *rows = render(append(empty(), lines())).splitlines()
    assert render(parse("\n".join([header, *rows, *rows]))) == "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("2021-12,here,network,2,", "2021-12,here,network,3,", "2021-12 here network, lead 3"),
        (",record@2021-12,", ",record@2021-11,", "2021-12 here network, lead 1"),
        (",at issue,", ",later,", "2021-12 here network, lead 1"),
        (",trend,1-12,", ",trend,1-11,", "2021-12 here trend, lead 1-11"),
    ],
)
def test_a_changed_line_is_refused_by_name(old: str, new: str, named: str) -> None:
    text = render(append(empty(), lines()))
    with pytest.raises(ClimateError, match=f"{named}: found check .*git checkout"):
        parse(text.replace(old, new, 1))


@given(st.data())
def test_no_digit_of_a_line_can_be_changed(data: st.DataObject) -> None:
    rows = _WHOLE.splitlines()
    row = data.draw(st.integers(1, len(rows) - 1))
    digits = [position for position, letter in enumerate(rows[row]) if letter.isdigit()]
    position = data.draw(st.sampled_from(digits))
    digit = data.draw(st.sampled_from([str(n) for n in range(10) if str(n) != rows[row][position]]))
    rows[row] = rows[row][:position] + digit + rows[row][position + 1 :]
    with pytest.raises(ClimateError, match=f"row {row + 1}"):
        parse("\n".join(rows))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda rows: rows[:5] + rows[6:], "has leads .* expected 1 to 12"),
        (lambda rows: ["issued,place", *rows[1:]], "row 1"),
        (lambda _: [], "an empty file"),
        (lambda rows: [*rows[:3], rows[3] + ",1", *rows[4:]], "row 4: found 20 fields, expected 19"),
    ],
)
def test_other_damage_is_refused(change: object, named: str) -> None:
    rows = render(append(empty(), lines())).splitlines()
    with pytest.raises(ClimateError, match=named):
        parse("\n".join(change(rows)))  # type: ignore[operator]


def test_two_forecasts_of_one_issue_are_refused() -> None:
    twice = lines()
    other = issue(make_table() + 0, None, make_series().assign_attrs(units="K"), MODELS, STAMP, 24)
    with pytest.raises(ClimateError, match="found two forecasts of 2021-12 here"):
        parse(render(pd.concat([twice, other], ignore_index=True)))


def test_scores_of_the_months_that_have_come() -> None:
    series = make_series().isel(time=slice(0, 12 * 61 + 5))
    scores = scored(append(append(empty(), lines()), lines("elsewhere")), {"here": series})
    assert scores["place"].unique().tolist() == ["here"]
    assert scores["leads"].unique().tolist() == ["1", "2", "3", "4", "5", "1-3"]
    rows = numbers(lines()).set_index(["model", "leads"])
    values = series["value"].to_series()
    for score in scores.itertuples():
        row = rows.loc[(score.model, score.leads)]
        first, _, last = score.target.partition("-to-")
        truth = values[first : last or first].mean()
        quantiles = row[list(BOUNDS)].to_numpy(dtype=float)
        # each quantile stands for the levels that are nearer to it than to its neighbours
        weights = zip(LEVELS, truth - quantiles, [0.15, 0.225, 0.25, 0.225, 0.15], strict=True)
        crps = 2 * sum(weight * max(level * error, (level - 1) * error) for level, error, weight in weights)
        assert score.observed == pytest.approx(truth)
        assert score.error == pytest.approx(quantiles[2] - truth)
        assert score.crps == pytest.approx(crps)
        assert score.inside90 == (quantiles[0] <= truth <= quantiles[-1])
        chances = {"below": row["below"], "near": 1 - row["below"] - row["above"], "above": row["above"]}
        category = "below" if truth <= row["tercile_low"] else "above" if truth > row["tercile_high"] else "near"
        assert score.category == category
        assert score.chance == pytest.approx(chances[category])
        assert score.hit == (chances[category] >= max(chances.values()))


def test_records_of_another_unit_or_baseline_are_not_scored() -> None:
    assert scored(lines(), {"here": make_series().assign_attrs(baseline="1991-2020")}).empty


def test_stamp_tells_releases_apart() -> None:
    one, same, other = (
        stamp({"b": ("1", {"f": digest}), "a": ("2", {"g": "0"})}, made)
        for digest, made in (("1", AT_ISSUE), ("1", LATER), ("2", LATER))
    )
    assert one.vintage == "a@2+b@1"
    assert one.digest == same.digest != other.digest


def test_opponent_is_that_of_the_block_nearest_to_a_year() -> None:
    blocks = {"1": (1, 1), "1-12": (1, 12), "13-60": (13, 60)}
    names: FloatArray = np.array([["x", "y", "z"]], dtype=object)
    opponents = xr.Dataset(
        {"opponent": (("quantity", "block"), names)}, {"quantity": ["temperature"], "block": list(blocks)}
    )
    assert opponent(opponents, "temperature", blocks) == "y"
    assert opponent(opponents, "co2", blocks) == ""
