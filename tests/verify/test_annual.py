"""Annual means and their errors."""

from __future__ import annotations

import numpy as np
import pytest

from climate.schema import QUANTILES
from climate.verify.annual import annual_hindcasts, error_summary
from tests.tables import forecast_table


def test_annual_means_are_those_of_the_calendar_year() -> None:
    origins = np.array(["2001-06", "2001-12", "2002-12", "2003-12"], dtype="datetime64[M]")
    leads = np.arange(1, 13)
    observed = np.tile(leads.astype(float), (4, 1))
    observed[3, -1] = np.nan
    forecast = np.broadcast_to((observed + 0.5)[None, :, :, None], (1, 4, 12, len(QUANTILES)))
    table = forecast_table(forecast, observed, ["one"], origins)
    found = annual_hindcasts(table)
    assert found["year"].values.tolist() == [2002, 2003]
    assert found["observed"].values.tolist() == [6.5, 6.5]
    summary = error_summary(found)["one"]
    assert summary["rmse"] == pytest.approx(0.5)
    assert (summary["low"], summary["high"], summary["years"]) == (pytest.approx(0.5), pytest.approx(0.5), 2)
    assert error_summary(found, 2010) == {}
