"""Scores by stratum of the sample, and all places together."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from climate.schema import QUANTILES
from climate.verify.losses import cell_scores
from climate.verify.strata import EL_NINO, FIRST_ERA, LA_NINA, NEUTRAL, SECOND_ERA, enso_state, eras, score_strata
from tests.records import months
from tests.tables import forecast_table

LEADS, ORIGINS = 12, 9


def make_table(region: str, factor: dict[str, float], scale: float = 1.0) -> xr.Dataset:
    """Forecasts whose error is that of the first model times a factor; half a year between origins."""
    random = np.random.default_rng(len(region))
    observed = scale * random.standard_normal((ORIGINS, LEADS))
    error = scale * (1 + np.abs(random.standard_normal((ORIGINS, LEADS))))
    observed[-1, :] = np.nan
    forecast = np.stack([np.nan_to_num(observed) + error * value for value in factor.values()])
    whole = np.repeat(forecast[..., None], len(QUANTILES), -1)
    return forecast_table(whole, observed, list(factor), months("2006-01", 6 * ORIGINS)[::6], region)


def make_series() -> xr.Dataset:
    time = months("2000-01", 180)
    early = np.arange(180) < 100
    return xr.Dataset(
        {
            "value": ("time", np.zeros(180)),
            "period": ("time", np.where(early, "Old", "New").astype(object)),
            "site": ("time", np.where(early, "", "Hill").astype(object)),
        },
        coords={"time": time},
    )


def test_enso_states_follow_the_three_month_mean_and_not_the_warming() -> None:
    time = months("1950-01", 600)
    values = 0.02 * np.arange(600) / 12 + np.cos(2 * np.pi * np.arange(600) / 12)
    values[300:305] += 1.5
    values[400:405] -= 1.5
    values[350] += 1.4  # a single month is no episode of its own
    values[500] = np.nan
    states = enso_state(xr.DataArray(values, dims="time", coords={"time": time})).values
    assert set(states[301:304]) == {EL_NINO}
    assert set(states[401:404]) == {LA_NINA}
    assert states[350] == NEUTRAL
    assert set(states[200:290]) == set(states[[498, 502]]) == {NEUTRAL}
    assert set(states[499:502]) == {""}
    assert states[0] == states[-1] == ""


def test_eras_halve_the_verified_origins_alone() -> None:
    labels = eras(cell_scores(make_table("here", {"trend-ar1": 1.0}))).values
    assert labels.tolist() == [FIRST_ERA] * 4 + [SECOND_ERA] * 4 + [""]


def test_scores_by_stratum_are_means_over_its_cells() -> None:
    table, series = make_table("here", {"trend-ar1": 1.0, "lstm-direct": 2.0}), make_series()
    cells = cell_scores(table)
    rows = score_strata(cells, series, None, {"1-12": (1, 12), "1": (1, 1)})
    assert set(rows["factor"].values) == {"period", "era"}
    crps = cells["crps"].values
    valid = table["valid_time"].values.astype("datetime64[M]")
    old = (valid < np.datetime64("2008-05")) & np.isfinite(table["observed"].values)
    row = rows.isel(row=int(np.flatnonzero((rows["stratum"] == "Old").values & (rows["block"] == "1-12").values)[0]))
    assert float(row["crps"].sel(model="lstm-direct")) == pytest.approx(crps[1][old].mean())
    assert float(row["mae"].sel(model="lstm-direct")) == pytest.approx(abs(cells["error"].values[1][old]).mean())
    assert (int(row["n"]), int(row["months"])) == (old.sum(), np.unique(valid[old]).size)
    assert row["last"].values == np.datetime64("2008-04")
    assert "New, Hill" in rows["stratum"].values
    whole = rows.isel(row=((rows["factor"] == "period") & (rows["block"] == "1-12")).values)
    assert int(whole["n"].sum()) == np.isfinite(table["observed"]).sum()
