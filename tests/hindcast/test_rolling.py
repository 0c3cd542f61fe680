"""Rolling origins: what a forecaster sees, when it is estimated, and what is refused."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.forecasters.base import FloatArray, as_panel, hindcasts
from climate.harmonize.series import join_covariates
from climate.hindcast.rolling import backtest, history_of, origins, panel_hindcasts, refit_groups
from climate.params.sections import ComputeParams
from climate.schema import QUANTILES, TIME_DTYPE
from climate.verify.losses import cell_scores
from tests.forecasters.models import make, panel, params

LEVELS = np.array(QUANTILES)

WANTED = origins("2005-12", 6, 2)
"""Months 312 and 318 of a record that starts in 1980."""


@dataclass
class Seen:
    """Lengths of the histories that were fitted and forecast from."""

    fitted: list[int] = field(default_factory=list)
    forecast: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class Recorder:
    """A forecaster that writes down what it is shown."""

    seen: Seen = field(default_factory=Seen)
    name: str = "recorder"
    parameters: int = 7
    fallbacks: int = 1
    at: int = 0
    flaw: str = ""

    def fit(self, history: xr.Dataset) -> Recorder:
        self.seen.fitted.append(history.sizes["time"])
        return Recorder(self.seen, at=history.sizes["time"], flaw=self.flaw)

    def forecast(self, history: xr.Dataset, leads: int) -> FloatArray:
        self.seen.forecast.append((self.at, history.sizes["time"]))
        table = history["value"].values[:, -1, None, None] + np.arange(1, leads + 1)[:, None] + LEVELS
        if self.flaw == "nan":
            table[0, 0, 0] = np.nan
        if self.flaw == "crossing":
            table = table[..., ::-1]
        return np.asarray(table[:, :-1] if self.flaw == "short" else table)


def monthly(values: FloatArray, start: str = "1980-01") -> xr.Dataset:
    time = (np.datetime64(start, "M") + np.arange(values.size)).astype(TIME_DTYPE)
    return xr.Dataset(
        {"value": ("time", values)}, coords={"time": time}, attrs={"region": "here", "title": "Here", "units": "K"}
    )


@pytest.fixture
def series() -> xr.Dataset:
    return monthly(np.arange(400.0))


def test_origins_are_months_apart() -> None:
    result = origins("2005-12", 6, 39)
    assert len(result) == 39
    assert result[0] == np.datetime64("2005-12-01")
    assert result[1] == np.datetime64("2006-06-01")
    assert result[-1] == np.datetime64("2024-12-01")
    assert all(month.dtype == TIME_DTYPE for month in result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("2005", 6, 0), "backtest.origins: found 0"),
        (("december", 6, 3), "backtest.first_origin: found 'december', expected a month"),
        (("2005-12", 0, 3), "backtest.every: found 0"),
    ],
)
def test_origins_refuse_nonsense(arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(ClimateError, match=message):
        origins(*arguments)


def test_forecaster_sees_nothing_after_the_origin(series: xr.Dataset) -> None:
    recorder = Recorder()
    backtest(series, None, [recorder], origins("2005-12", 6, 5), 3, 12)
    # 1980-01 to 2005-12 are 312 months; 400 months is the last observed one
    assert [length for _, length in recorder.seen.forecast] == [312, 318, 324, 330, 336, 400]


def test_estimation_follows_the_refit_policy(series: xr.Dataset) -> None:
    recorder = Recorder()
    table = backtest(series, None, [recorder], origins("2005-12", 6, 5), 3, 12)
    assert recorder.seen.fitted == [312, 324, 336, 400]
    assert recorder.seen.forecast == [(312, 312), (312, 318), (324, 324), (324, 330), (336, 336), (400, 400)]
    assert table.attrs["refit_every"] == 12
    assert "again when 12 months have passed" in table.attrs["refit_policy"]
    assert table["parameters"].values.tolist() == [7]
    assert table["fallbacks"].values.tolist() == [4], "one per estimation"


@settings(max_examples=40)
@given(st.lists(st.integers(1, 600), min_size=1, max_size=40, unique=True), st.integers(1, 120))
def test_refit_groups_are_a_partition_within_the_policy(ends: list[int], every: int) -> None:
    groups = refit_groups(sorted(ends), every)
    assert [end for group in groups for end in group] == sorted(ends)
    assert all(group[-1] - group[0] < every for group in groups)
    assert all(later[0] - group[0] >= every for group, later in itertools.pairwise(groups))


def test_table_labels_months_and_observations(series: xr.Dataset) -> None:
    series["value"][395:] = np.nan
    table = backtest(series, None, [Recorder()], origins("2005-12", 6, 14), 24, 12)
    assert table["forecast"].dims == ("model", "origin", "lead", "quantile")
    assert table.sizes == {"model": 1, "origin": 15, "lead": 24, "quantile": 11}
    assert table["valid_time"].sel(origin="2005-12", lead=1).values.item() == pd.Timestamp("2006-01-01").to_pydatetime()
    assert table["origin"].dtype == TIME_DTYPE
    assert table["observed"].sel(origin="2005-12", lead=1).item() == 312
    # 2012-06 and five more months are observed, the last value being that of 2012-11
    assert np.isfinite(table["observed"].sel(origin="2012-06").squeeze()).sum() == 5
    last = table.isel(origin=-1)
    assert last["origin"].values.astype("datetime64[M]") == np.datetime64("2012-11")
    assert np.isnan(last["observed"].values).all()
    assert table.attrs["units"] == "K"
    assert table.attrs["region"] == "here"


def test_last_observed_month_is_the_final_origin_and_never_twice(series: xr.Dataset) -> None:
    table = backtest(series, None, [Recorder()], origins("2005-12", 6, 2), 3, 12)
    assert table["origin"].values[-1].astype("datetime64[M]") == np.datetime64("2013-04")
    again = backtest(series, None, [Recorder()], [np.datetime64("2013-04-01", "s")], 3, 12)
    assert again.sizes["origin"] == 1


def test_no_origins_gives_the_issued_forecast_alone(series: xr.Dataset) -> None:
    table = backtest(series, None, [Recorder()], [], 3, 12)
    assert table["origin"].values.astype("datetime64[M]").tolist() == [np.datetime64("2013-04").item()]


@pytest.mark.parametrize("flaw", ["nan", "crossing", "short"])
def test_flawed_forecasts_are_refused(series: xr.Dataset, flaw: str) -> None:
    with pytest.raises(ValueError, match="recorder at origins 2005-12 to 2006-06: not"):
        backtest(series, None, [Recorder(flaw=flaw)], origins("2005-12", 6, 2), 3, 12)


def test_models_of_one_name_are_refused(series: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="different names"):
        backtest(series, None, [Recorder(), Recorder()], origins("2005-12", 6, 2), 3, 12)


def test_short_record_is_named(series: xr.Dataset) -> None:
    with pytest.raises(ClimateError, match=r"region here: found 312 months .* expected at least 313"):
        backtest(series, None, [Recorder()], origins("2005-12", 6, 2), 3, 12, min_history=313)


def test_missing_values_do_not_count_as_history(series: xr.Dataset) -> None:
    series["value"][:100] = np.nan
    with pytest.raises(ClimateError, match="found 212 months"):
        backtest(series, None, [Recorder()], origins("2005-12", 6, 2), 3, 12)


@pytest.mark.parametrize("first", ["1979-12", "2013-06"])
def test_origin_outside_the_record_is_named(series: xr.Dataset, first: str) -> None:
    with pytest.raises(ClimateError, match=f"region here: origin {first} is outside the record 1980-01 to 2013-04"):
        backtest(series, None, [Recorder()], origins(first, 6, 1), 3, 12, min_history=1)


def test_repeated_origins_are_named(series: xr.Dataset) -> None:
    twice = [*origins("2005-12", 6, 2), *origins("2005-12", 6, 1)]
    with pytest.raises(ClimateError, match="repeated or out of order"):
        backtest(series, None, [Recorder()], twice, 3, 12)


def test_duplicated_and_missing_months_are_named(series: xr.Dataset) -> None:
    doubled = series.isel(time=[*range(100), 99, *range(100, 400)])
    with pytest.raises(ClimateError, match="month 1988-04 occurs 2 times"):
        backtest(doubled, None, [Recorder()], origins("2005-12", 6, 2), 3, 12)
    holed = series.isel(time=[*range(100), *range(101, 400)])
    with pytest.raises(ClimateError, match="after 1988-04 comes 1988-06, expected 1988-05"):
        backtest(holed, None, [Recorder()], origins("2005-12", 6, 2), 3, 12)


def test_empty_records_are_named(series: xr.Dataset) -> None:
    with pytest.raises(ClimateError, match="the series has no months"):
        backtest(series.isel(time=slice(0, 0)), None, [Recorder()], origins("2005-12", 6, 2), 3, 12)
    with pytest.raises(ClimateError, match="every value is missing"):
        backtest(series.where(series["value"] < 0), None, [Recorder()], origins("2005-12", 6, 2), 3, 12)


def test_covariates_are_put_on_the_months_of_the_series() -> None:
    early, late = monthly(np.arange(10.0), "1979-07"), monthly(np.arange(5.0), "1980-01")
    joined = join_covariates({"early": early, "late": late})
    assert joined["covariate"].dims == ("time", "predictor")
    assert joined["predictor"].values.tolist() == ["early", "late"]
    assert joined["covariate"].sel(time="1980-02", predictor="early").item() == 7
    assert np.isnan(joined["covariate"].sel(time="1979-07", predictor="late")).all()


def noisy(seed: int, months: int = 330) -> FloatArray:
    generator = np.random.default_rng(seed)
    time = np.arange(months)
    return np.asarray(0.05 * time + 3 * np.sin(2 * np.pi * time / 12) + 0.3 * generator.normal(size=months).cumsum())


def true_and_canary(name: str, refit_every: int, nonsense: FloatArray) -> tuple[xr.Dataset, xr.Dataset]:
    """Tables of the origins at months 312 and 318 of 330; every later value of the second is replaced."""
    values, index = noisy(1), noisy(2)
    changed, changed_index = values.copy(), index.copy()
    changed[318:] = 1e3 * np.random.default_rng(3).normal(size=values.size - 318)
    changed_index[318:] = nonsense
    true, canary = (
        backtest(monthly(a), join_covariates({"enso": monthly(b)}), [make(name, "1980-01")], WANTED, 12, refit_every)
        for a, b in ((values, index), (changed, changed_index))
    )
    return true, canary


@pytest.mark.parametrize("name", params())
def test_nothing_after_an_origin_changes_its_forecast(name: str) -> None:
    """Every value of series and covariates after the second origin is replaced."""
    tables = true_and_canary(name, 6, np.full(12, np.nan))
    true, canary = (table["forecast"].sel(origin=WANTED).values for table in tables)
    assert np.array_equal(true, canary)
    assert not np.array_equal(tables[0]["forecast"].values[:, -1], tables[1]["forecast"].values[:, -1])


@pytest.mark.parametrize("name", params())
def test_nothing_after_an_origin_changes_its_forecast_within_an_estimation(name: str) -> None:
    """All origins share one estimation and may share one pass over the record."""
    tables = true_and_canary(name, 60, 1e3 * np.random.default_rng(4).normal(size=12))
    true, canary = (table["forecast"].sel(origin=WANTED).values for table in tables)
    assert np.array_equal(true, canary)
    assert not tables[0]["observed"].equals(tables[1]["observed"])


def precision(name: str) -> float:
    """Relative difference of forecasts that are the same; the planet's forecasters compute in single precision."""
    return 1e-6 if name.endswith("-planet") else 1e-9


@pytest.mark.parametrize("name", params())
def test_hindcasts_in_one_pass_are_those_from_each_month_alone(name: str) -> None:
    """Also where a record has gaps, one of them at an origin."""
    values = noisy(8)
    values[[200, 310, 311, 323]] = np.nan
    whole = as_panel(history_of(monthly(values), join_covariates({"enso": monthly(noisy(9))})))
    ends = (312, 315, 318, 324, 330)
    fitted = make(name, "1980-01").fit(whole.isel(time=slice(0, ends[0])))
    together = hindcasts(fitted, whole, ends, 24)
    alone = [fitted.forecast(whole.isel(time=slice(0, end)), 24) for end in ends]
    np.testing.assert_allclose(together, np.stack(alone, axis=1), rtol=precision(name))


@pytest.mark.parametrize("name", ["trend-ar1", "persistence", "lstm-planet"])
def test_places_of_a_panel_are_forecast_as_each_alone(name: str) -> None:
    values = np.stack([noisy(6), noisy(7)])
    values[1, :40] = np.nan
    ends = (312, 318, 324)
    forecasts = panel_hindcasts(panel(values, "1980-01"), make(name, "1980-01"), ends, 12, 12)
    assert forecasts.shape == (2, 3, 12, len(QUANTILES))
    for row, first in enumerate((0, 40)):
        own = monthly(values[row]).isel(time=slice(first, None))
        table = backtest(own, None, [make(name, "1980-01")], origins("2005-12", 6, 3), 12, 12)
        np.testing.assert_allclose(forecasts[row], table["forecast"].values[0, :3], rtol=precision(name))


def test_result_does_not_depend_on_the_number_of_workers() -> None:
    series, covariates = monthly(noisy(4)), join_covariates({"enso": monthly(noisy(5))})
    models = [make(name) for name in ("trend-ar1", "ets", "ridge-enso")]
    alone, shared = (
        backtest(series, covariates, models, origins("2005-12", 6, 2), 6, 60, compute=ComputeParams(workers=workers))
        for workers in (1, 2)
    )
    xr.testing.assert_identical(alone, shared)


def test_table_survives_a_file(series: xr.Dataset, tmp_path: Path) -> None:
    table = backtest(series, None, [Recorder()], origins("2005-12", 6, 2), 3, 12)
    table.to_netcdf(tmp_path / "table.nc")
    with xr.open_dataset(tmp_path / "table.nc") as read:
        np.testing.assert_array_equal(read["forecast"].values, table["forecast"].values)
        assert read["model"].values.tolist() == ["recorder"]
        assert read["valid_time"].dims == ("origin", "lead")


@pytest.mark.slow
def test_carbon_dioxide_at_mauna_loa_is_forecast_as_well_as_others_did(mirror: Path) -> None:
    """Leads 1-12: AutoARIMA and SARIMA were measured at a CRPS near 0.27 ppm on these origins."""
    rows = pd.read_csv(mirror / "noaa-gml/co2_mm_mlo.csv", comment="#")
    record = monthly(rows["average"].to_numpy(float), "1958-03")
    models = [make(name) for name in ("seasonal-naive", "sarima", "unobserved-components")]
    table = backtest(record, None, models, origins("2005-12", 12, 19), 12, 48)
    crps = cell_scores(table)["crps"].mean(("origin", "lead")).values
    assert crps[0] > 4 * crps[1]
    assert 0.2 < crps[1] < 0.33
    assert 0.2 < crps[2] < 0.33
