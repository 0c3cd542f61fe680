"""Projections: the regression against statsmodels and by hand, no look ahead, and what bad input says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.tsa.arima_process import ArmaProcess
from statsmodels.tsa.statespace.sarimax import SARIMAX

from climate.errors import ClimateError
from climate.files import read_netcdf
from climate.scenario import regression as predictive
from climate.scenario.forcing import DOUBLING, annual_means, driven, forcing, lagged, site_offset
from climate.scenario.projection import (
    concentration_until,
    extrapolations,
    hindcast_co2,
    hindcast_region,
    project_co2,
    project_region,
)
from climate.scenario.regression import arma_covariance, regress
from climate.schema import QUANTILES
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read
from climate.stages import project
from tests.conftest import ROOT
from tests.records import months


def pathways() -> xr.DataArray:
    """Two pathways that part in 2015, from 280 ppm; no steps."""
    years = np.arange(1750, 2101)
    common = 280 + 120 * np.exp((years - 2014) / 40.0)
    slow = np.where(years <= 2014, common, common[years == 2014] + 1.0 * (years - 2014))
    fast = np.where(years <= 2014, common, common[years == 2014] + 4.0 * (years - 2014))
    return xr.DataArray(
        np.stack([slow, fast]), dims=("scenario", "year"), coords={"scenario": ["a", "b"], "year": years}
    )


def co2(until: int = 2025) -> xr.DataArray:
    """A site 2 ppm above the mean of both pathways."""
    return (pathways().mean("scenario") + 2).sel(year=slice(1959, until))


def temperature(slope: float = 0.8, lag: float = 0.0, noise: float = 0.1, seed: int = 1) -> xr.DataArray:
    known = concentration_until(pathways(), co2())
    response = lagged(forcing(known).values, lag)
    keep = known["year"].values >= 1950
    values = slope * response[keep] + noise * np.random.default_rng(seed).standard_normal(keep.sum())
    return xr.DataArray(values, dims="year", coords={"year": known["year"].values[keep]}, attrs={"units": "degC"})


def test_forcing_of_a_doubling() -> None:
    double = xr.DataArray([280.0, 560.0], dims="year", coords={"year": [1750, 2000]})
    assert float(forcing(double)[-1]) == pytest.approx(3.708, abs=1e-3)


def test_lag_closes_its_share_of_a_step() -> None:
    step = np.r_[np.zeros(5), np.ones(20)]
    after = lagged(step, 4.0)[5:]
    np.testing.assert_allclose(after, 1 - np.exp(-np.arange(1, 21) / 4.0))
    np.testing.assert_array_equal(lagged(step, 0.0), step)


def test_annual_means_are_of_complete_years_of_any_century() -> None:
    values = np.arange(-1, 37, dtype=float)
    values[15] = np.nan
    record = xr.Dataset({"value": ("time", values)}, {"time": months("0012-12", 38)}, {"units": "degC"})
    means = annual_means(record)
    assert means["year"].values.tolist() == [13, 15]
    np.testing.assert_allclose(means, [5.5, 29.5])


@given(phi=st.sampled_from(predictive.PHIS), theta=st.sampled_from(predictive.THETAS))
def test_covariance_is_that_of_statsmodels(phi: float, theta: float) -> None:
    expected = ArmaProcess(np.r_[1, -phi], np.r_[1, theta]).acovf(12)
    np.testing.assert_allclose(arma_covariance(np.arange(12), phi, theta), expected, atol=1e-9)


@pytest.mark.parametrize(("phi", "theta"), [(0.6, 0.0), (0.8, -0.4)])
def test_one_component_forecasts_as_sarimax_does(monkeypatch: pytest.MonkeyPatch, phi: float, theta: float) -> None:
    monkeypatch.setattr(predictive, "PHIS", (phi,))
    monkeypatch.setattr(predictive, "THETAS", (theta,))
    years = np.arange(1950, 2020)
    random = np.random.default_rng(2)
    design = np.column_stack([np.ones(years.size), (years - 1985) / 20])
    values = design @ [0.3, 1.2] + ArmaProcess([1, -phi], [1, theta]).generate_sample(
        70, distrvs=random.standard_normal
    )
    fit = regress(years, values, [design])
    (one,) = fit.components
    again = sm.GLS(values, design, sigma=arma_covariance(years[:, None] - years[None, :], phi, theta)).fit()
    np.testing.assert_allclose(one.coefficients, again.params)
    np.testing.assert_allclose(one.variance * one.covariance, again.cov_params())
    coming = np.arange(2020, 2030)
    future = np.column_stack([np.ones(10), (coming - 1985) / 20])
    model = SARIMAX(values, exog=design, order=(1, 0, 1), trend="n")
    parameters = [*one.coefficients, phi, *([theta] if theta else [0.0]), one.variance]
    expected = model.smooth(parameters).get_forecast(10, exog=future)
    found = fit.predict(coming, [future])
    np.testing.assert_allclose(found.location[0], expected.predicted_mean, rtol=1e-6)
    # statsmodels leaves out that the coefficients are uncertain
    assert (found.scale[0] ** 2 > expected.var_pred_mean * (1 - 1e-9)).all()


def test_mixture_quantiles_against_a_naive_search() -> None:
    mixture = predictive.Mixture(np.array([0.7, 0.3]), np.array([[0.0], [3.0]]), np.array([[1.0], [0.5]]), 20)
    for level, found in zip(QUANTILES, mixture.quantiles(QUANTILES)[0], strict=True):
        below = 0.7 * stats.t.cdf(found, 20) + 0.3 * stats.t.cdf((found - 3) / 0.5, 20)
        assert below == pytest.approx(level, abs=1e-4)


@settings(max_examples=4)
@given(shift=st.floats(-20, 20), factor=st.floats(0.1, 10))
def test_projection_has_no_favourite_unit_or_zero(shift: float, factor: float) -> None:
    record, concentration = temperature(), driven(pathways(), co2())
    first = project_region(record, concentration, 2050)["projection"]
    other = project_region(record * factor + shift, concentration, 2050)["projection"]
    np.testing.assert_allclose(other, first * factor + shift, rtol=1e-6, atol=1e-6)


def test_known_response_is_found_and_more_co2_is_warmer() -> None:
    found = project_region(temperature(slope=0.8, noise=0.05), driven(pathways(), co2()), 2050)
    assert (np.diff(found["projection"].values, axis=-1) > 0).all()
    low, high = found["per_doubling"].values[[0, -1]]
    assert low < 0.8 * DOUBLING < high
    ends = found["projection"].sel(year=2050, quantile=0.5)
    assert float(ends.sel(scenario="b")) > float(ends.sel(scenario="a"))
    assert found["lag_weight"].sum() == pytest.approx(1)
    expected = 0.8 * forcing(driven(pathways(), co2())).sel(year=slice(2041, 2050), scenario="b").mean()
    assert found["last_decade"].sel(scenario="b", quantile=0.05) < expected
    assert expected < found["last_decade"].sel(scenario="b", quantile=0.95)


def test_intervals_cover_what_the_model_makes() -> None:
    """Of simulated records that follow the model, nine in ten years lie inside the 90% interval."""
    inside = []
    for seed in range(5):
        record = temperature(lag=4.0, seed=seed)
        past = concentration_until(pathways(), co2())
        found = hindcast_region(record, {2000: past}, extrapolations(past, [2000]))
        inside.append(float(found["coverage90"].sel({"method": "observed", "origin": 2000})))
    assert 0.8 < np.mean(inside) < 0.98


def test_observed_co2_stands_between_past_and_pathway() -> None:
    both, seen = pathways(), co2(2020)
    assert site_offset(both, seen) == pytest.approx(2)
    found = driven(both, seen)
    np.testing.assert_allclose(found.sel(year=slice(None, 2014)), both.sel(year=slice(None, 2014)))
    expected = (seen - 2).sel(year=slice(2015, 2020))
    np.testing.assert_allclose(found.sel(scenario="b", year=slice(2015, 2020)), expected)
    np.testing.assert_allclose(found.sel(year=slice(2021, None)), both.sel(year=slice(2021, None)))


def hindcasts(record: xr.DataArray, seen: xr.DataArray, origins: list[int]) -> xr.DataArray:
    """Hindcasts (origin, method, year, quantile) as the stage makes them."""
    past = {origin: concentration_until(pathways(), seen, origin) for origin in origins}
    extrapolated = {origin: extrapolations(known, [origin])[origin] for origin, known in past.items()}
    return hindcast_region(record, past, extrapolated)["hindcast"]


def later(values: xr.DataArray, after: int, change: float) -> xr.DataArray:
    return values.where(values["year"] <= after, values + change)


def test_hindcasts_do_not_look_ahead() -> None:
    record, origins = temperature(), [1990, 2000]
    found = hindcasts(record, co2(), origins)
    changed = hindcasts(later(record, 1990, 5), later(co2(), 1990, 50), origins)
    for method in ("extrapolated", "trend"):
        first, second = {"origin": 1990, "method": method}, {"origin": 2000, "method": method}
        np.testing.assert_array_equal(changed.sel(first), found.sel(first))
        assert not np.array_equal(changed.sel(second), found.sel(second), equal_nan=True)
    assert found.sel(origin=2000, year=slice(None, 2000)).isnull().all()


@pytest.mark.parametrize("origin", [1990, 2000, 2010])
def test_a_hindcast_matches_the_site_by_years_up_to_its_origin(origin: int) -> None:
    """CO2 observed up to 2014 enters a hindcast through the offset of the site alone, which must not know it."""
    seen = co2()
    shifted = seen.where((seen["year"] <= origin) | (seen["year"] > 2014), seen + 50)
    np.testing.assert_array_equal(hindcasts(temperature(), shifted, [origin]), hindcasts(temperature(), seen, [origin]))
    assert site_offset(pathways(), shifted) != pytest.approx(site_offset(pathways(), seen))


def test_hindcast_scores_against_a_naive_loop() -> None:
    record, past = temperature(), concentration_until(pathways(), co2())
    found = hindcast_region(record, {2000: past}, extrapolations(past, [2000]))
    found = found.sel({"origin": 2000, "method": "trend"})
    errors, inside = [], []
    for year in range(2001, 2026):
        low, middle, high = (float(found["hindcast"].sel(year=year, quantile=q)) for q in (0.05, 0.5, 0.95))
        truth = float(record.sel(year=year))
        errors.append(middle - truth)
        inside.append(low <= truth <= high)
    assert int(found["n"]) == 25
    assert float(found["bias"]) == pytest.approx(np.mean(errors))
    assert float(found["coverage90"]) == pytest.approx(np.mean(inside))


def test_co2_goes_on_as_its_rise_did() -> None:
    years = np.arange(1959, 2026)
    rises = 0.8 + 0.025 * (years - 1959) + 0.1 * np.random.default_rng(3).standard_normal(years.size)
    record = xr.DataArray(315 + np.cumsum(rises), dims="year", coords={"year": years})
    found = project_co2(record, 2050)
    truth = float(record[-1]) + (0.8 + 0.025 * (np.arange(2026, 2051) - 1959)).sum()
    assert found[-1, 0] < truth < found[-1, -1]
    assert ((found[-1, -1] - found[-1, 0]) > (found[0, -1] - found[0, 0])).item()
    scores = hindcast_co2(record, [1970, 2000])
    assert scores["origin"].values.tolist() == [2000]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: project_region(temperature()[-20:], driven(pathways(), co2()), 2050), "20 complete years"),
        (lambda: project_region(temperature(), driven(pathways(), co2()), 2030), "project.until: found 2030"),
        (lambda: driven(pathways(), co2(2010)), "no complete year 2011"),
        (lambda: project_co2(co2().drop_sel(year=1999), 2050), "after the year 1998 comes a gap"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ClimateError, match=message):
        call()  # type: ignore[operator]


def test_published_pathways_end_where_their_paper_says(mirror: Path) -> None:
    """CO2 of 2100 in ppm: Meinshausen et al. (2020), doi:10.5194/gmd-13-3571-2020."""
    record = read(find_source("ssp-co2").at("latest"), mirror / "rcmip")["value"]
    end = record.isel(time=record["time"].dt.year.values == 2100).squeeze("time")
    published = {"ssp119": 393.5, "ssp126": 445.6, "ssp245": 602.8, "ssp370": 867.2, "ssp585": 1135.2}
    for scenario, ppm in published.items():
        assert float(end.sel(series=scenario)) == pytest.approx(ppm, abs=0.2)


def test_skipped_without_pathways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    del params["pull"]["sources"]["ssp-co2"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    project.run()
    assert "not under pull.sources" in read_netcdf(tmp_path / "build/projection/temperature.nc").attrs["skipped"]
