"""Records against published values."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.harmonize.caveats import checks, compare
from climate.params.regions import Caveat, PublishedTrend, PublishedYears
from climate.schema import TIME_DTYPE
from tests.records import months


def line(per_decade: float, years: int = 76) -> xr.Dataset:
    """Monthly values from 1949 whose annual means are on a straight line through zero in 1949."""
    value = np.repeat(per_decade / 10 * np.arange(years), 12)
    return xr.Dataset(
        {"value": ("time", value)},
        coords={"time": months("1949-01", 12 * years).astype(TIME_DTYPE)},
        attrs={"title": "Somewhere"},
    )


def caveat(year: int = 2024, value: float = 0.65, span: tuple[int, int] = (1949, 2012), slope: float = 0.11) -> Caveat:
    return Caveat(
        text="In doubt.",
        years=PublishedYears(by="an office", baseline=(1991, 2020), values={year: value}),
        trend=PublishedTrend(by="another record", years=span, per_decade=slope),
    )


@pytest.mark.parametrize("per_decade", [-0.3, 0.0, 0.25])
def test_a_line_has_its_slope_and_its_departure_from_the_baseline(per_decade: float) -> None:
    year, trend = compare(line(per_decade), caveat())
    assert trend.record == pytest.approx(per_decade, abs=1e-9)
    assert year.record == pytest.approx(per_decade / 10 * (2024 - 2005.5), abs=1e-9)


@pytest.mark.parametrize("known", [caveat(year=2025), caveat(span=(1900, 2012))])
def test_years_outside_the_record_are_not_compared(known: Caveat) -> None:
    assert len(compare(line(0.1), known)) == 1


def test_a_year_with_a_missing_month_is_not_compared() -> None:
    series = line(0.1)
    series["value"][-3] = np.nan
    assert [item.years for item in compare(series, caveat())] == [(1949, 2012)]


def test_checks_name_the_region_both_values_and_who_published_one() -> None:
    year, trend = checks(line(0.2), caveat(slope=0.22), "a-source")
    assert (year.source, year.status, trend.status) == ("a-source", "ok", "ok")
    assert year.found == "Somewhere, 2024 against 1991-2020: +0.37 degC"
    assert year.expected == "+0.65 degC within 0.4 (an office)"


@pytest.mark.parametrize(
    ("value", "slope", "status"), [(0.7, 0.11, ["ok", "ok"]), (0.8, -0.11, ["warning", "warning"])]
)
def test_a_difference_beyond_the_tolerance_is_a_warning(value: float, slope: float, status: list[str]) -> None:
    # the line has +0.37 in 2024
    assert [check.status for check in checks(line(0.2), caveat(value=value, slope=slope), "s")] == status
