"""A forecast from an earlier month is that of a run on the record that ended there."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.registry import calibrated
from climate.hindcast.issued_earlier import issued_at
from climate.hindcast.rolling import known_at, planned_backtest
from climate.parallel.tasks import ALONE
from climate.params.sections import BacktestParams
from tests.forecasters.models import make
from tests.records import months

PLAN = BacktestParams(first_origin="1995-12", every=1, origins=70, leads=14, min_history=240, refit_every=36)
NAMES = ["climatology-trend", "trend-ar1", "seasonal-naive"]


def make_series() -> xr.Dataset:
    random = np.random.default_rng(8)
    time = months("1970-01", 12 * 34)
    values = 0.02 * np.arange(time.size) / 12 + np.convolve(
        random.standard_normal(time.size + 5), np.ones(6) / 3, "valid"
    )
    return xr.Dataset({"value": ("time", values)}, {"time": time}, {"region": "here", "title": "Here", "units": "K"})


def run(series: xr.Dataset, plan: BacktestParams) -> xr.Dataset:
    """The pipeline's table for a record."""
    table = planned_backtest(series, xr.Dataset(), [make(name) for name in NAMES], plan, ALONE)
    return calibrate(table, calibrated(NAMES), 36)


@pytest.mark.parametrize("month", ["1999-05", "2001-09", "2003-02"])
def test_it_is_the_issued_forecast_of_a_shorter_record(month: str) -> None:
    series, last = make_series(), np.datetime64(month, "M").astype("datetime64[s]")
    origins = min(PLAN.origins, int((np.datetime64(month, "M") - np.datetime64(PLAN.first_origin, "M")).astype(int)))
    expected = run(known_at(series, last), PLAN.model_copy(update={"origins": origins}))
    poisoned = series.assign(value=series["value"].where(series["time"] <= last, 99.0))
    table = run(series, PLAN)
    forecasters = [make(name) for name in NAMES]
    for record in (series, poisoned):
        found = issued_at(last, table, record, xr.Dataset(), forecasters, PLAN, 36)
        np.testing.assert_array_equal(found["origin"], expected["origin"])
        np.testing.assert_array_equal(found["model"], expected["model"])
        np.testing.assert_allclose(found["forecast"], expected["forecast"], rtol=1e-12)
        np.testing.assert_array_equal(found["observed"], expected["observed"])
