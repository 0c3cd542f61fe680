"""The pool: windows that look back, a network that is applied unchanged, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.files import read_arrays, read_parts, write_arrays
from climate.forecasters.base import HARMONICS, FloatArray, as_panel
from climate.forecasters.planet import predictors as features
from climate.forecasters.planet import trailing
from climate.forecasters.planet.estimation import Pool, followed, on_field, train_pool
from climate.forecasters.planet.field import field_departures, planet, principal_functions
from climate.forecasters.planet.forecaster import Pooled, refusal
from climate.forecasters.planet.network import pooled_network, read_out, train_members
from climate.hindcast.rolling import estimation_months, known_at, origins
from climate.schema import QUANTILES, TIME_DTYPE
from tests.conftest import ROOT
from tests.forecasters.models import POOL, quantiles_of

MONTHS = 420
LEADS = 6
ESTIMATED = np.datetime64("1978-12", "s")


def axis(months: int = MONTHS) -> np.ndarray:
    return (np.datetime64("1950-01", "M") + np.arange(months)).astype(TIME_DTYPE)


def field(seed: int = 0) -> xr.DataArray:
    """Season, trend, and weather with memory that neighbouring cells share, on 6 x 8 cells."""
    draw = np.random.default_rng(seed)
    lat, lon = np.linspace(-75, 75, 6), np.arange(0, 360, 45.0)
    patterns = draw.normal(size=(3, lat.size, lon.size))
    weather = np.zeros((MONTHS, 3))
    for now in range(1, MONTHS):
        weather[now] = 0.7 * weather[now - 1] + draw.normal(size=3)
    step = np.arange(MONTHS)[:, None, None]
    values = 8 * np.cos(2 * np.pi * step / 12) * np.sign(lat)[:, None] + 0.002 * step
    values = values + np.tensordot(weather, patterns, 1) + 0.3 * draw.normal(size=(MONTHS, lat.size, lon.size))
    return xr.DataArray(values, dims=("time", "lat", "lon"), coords={"time": axis(), "lat": lat, "lon": lon})


def world_of(one: xr.DataArray) -> xr.Dataset:
    cells = one.stack(series=("lat", "lon")).transpose("time", "series").isel(series=slice(0, None, 4))
    values = xr.DataArray(cells.values, dims=("time", "series"), coords={"time": axis()})
    return planet(one, values, 1)


def place(one: xr.DataArray, row: int = 3, column: int = 3) -> xr.Dataset:
    return xr.Dataset({"value": ("time", one.values[:, row, column])}, coords={"time": axis()})


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return world_of(field())


@pytest.fixture(scope="module")
def pool(world: xr.Dataset) -> Pool:
    return followed(train_pool(known_at(world, ESTIMATED), POOL, LEADS), world)


def naive_window(values: FloatArray, row: int, length: int) -> tuple[FloatArray, float, FloatArray]:
    """Climatology, slope and variance of one window, by the book."""
    years = min(length, (row + 1) // 12)
    table = values[row + 1 - 12 * years : row + 1].reshape(years, 12)
    means = table.mean(axis=0)
    design = np.column_stack([np.tile(np.eye(12), (years, 1)), np.repeat(np.arange(years), 12)])
    slope = np.linalg.lstsq(design, table.ravel(), rcond=None)[0][-1]
    spectrum = np.fft.rfft(means)
    spectrum[HARMONICS + 1 :] = 0
    season = np.fft.irfft(spectrum, 12)
    line = season + slope * (np.arange(years) - (years - 1) / 2)[:, None]
    return season, float(slope), ((table - line) ** 2).sum(axis=0) / (years - 1)


@given(seed=st.integers(0, 1000), extra=st.integers(0, 30), length=st.sampled_from(trailing.WINDOWS))
@settings(max_examples=20, deadline=None)
def test_windows_are_those_of_a_regression(seed: int, extra: int, length: int) -> None:
    values = np.random.default_rng(seed).normal(size=(230 + extra, 2)) + 0.01 * np.arange(230 + extra)[:, None]
    rows = np.arange(trailing.FIRST_ROW, values.shape[0])
    found = trailing.window(values, length, rows)
    season, slope, variance = naive_window(values[:, 1], int(rows[-1]), length)
    np.testing.assert_allclose(found.climatology[-1, :, 1], season, atol=1e-9)
    np.testing.assert_allclose(found.slope[-1, 1], slope, atol=1e-9)
    np.testing.assert_allclose(found.variance[-1, :, 1], variance, rtol=1e-6)


def test_a_line_is_continued_and_leaves_no_departure() -> None:
    step = np.arange(300.0)
    values = (3 * np.sin(2 * np.pi * step / 12) + 0.05 * (step // 12))[:, None]
    # the steps of this line fall in January, so it is exact where a window ends with a year
    past = trailing.trailing(values[:252])
    normal = past.windows[trailing.NORMAL]
    expected = [normal.expected(lead)[-1, 0] for lead in range(1, 41)]
    np.testing.assert_allclose(expected, values[252:292, 0])
    assert np.abs(past.departures[-1]).max() < 1e-3 / past.spread.min()


def test_rows_know_no_later_month(world: xr.Dataset) -> None:
    one, cut = field(), 300
    later = one.copy(deep=True)
    later[cut:] = 1e3
    changed = world_of(later)
    for name in ("departures", "slope"):
        np.testing.assert_array_equal(world[name].values[:cut], changed[name].values[:cut])
        assert not np.array_equal(world[name].values[cut:], changed[name].values[cut:])
    past, other = (trailing.trailing(each["value"].values) for each in (world, changed))
    rows = slice(0, cut - trailing.FIRST_ROW)
    np.testing.assert_array_equal(past.persistence[rows], other.persistence[rows])
    slope = world["slope"].values[trailing.FIRST_ROW :]
    np.testing.assert_array_equal(
        features.predictors(past, slope, 3)[rows],
        features.predictors(other, slope, 3)[rows],
    )


def test_newest_row_is_the_last_of_all_rows(world: xr.Dataset) -> None:
    values = world["value"].values
    every, newest = trailing.trailing(values), trailing.trailing(values, newest=True)
    for name in ("spread", "departures", "persistence"):
        np.testing.assert_array_equal(getattr(newest, name), getattr(every, name)[-1:])
    for shorter, longer in zip(newest.windows, every.windows, strict=True):
        np.testing.assert_array_equal(shorter.climatology, longer.climatology[-1:])


@pytest.mark.parametrize("gap", [False, True])
def test_an_estimation_knows_no_later_month(gap: bool, pool: Pool) -> None:
    """Later values are replaced, or cells and series begin to miss months after the estimation."""
    later = field()
    after = np.flatnonzero(axis() > ESTIMATED)
    if gap:
        later[after[5:], ::2, 1::2] = np.nan
    else:
        later[after] = -500.0
    changed = world_of(later)
    again = train_pool(known_at(changed, ESTIMATED), POOL, LEADS)
    whole = followed(again, changed)
    known = slice(0, int(again.month - again.first) + 1)
    for name in ("coefficients", "share", "residual"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pool, name))
    for name in ("components", "slope"):
        np.testing.assert_array_equal(getattr(whole, name)[known], getattr(pool, name)[known])
    assert np.isfinite(whole.components).all()
    for first, second in zip(pool.members, whole.members, strict=True):
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_series_and_cells_with_gaps_before_the_estimation_are_left_out() -> None:
    gaps = field()
    gaps[40, 0, :] = np.nan
    without = gaps.isel(lat=slice(1, None))
    parts = [train_pool(known_at(world_of(each), ESTIMATED), POOL, LEADS) for each in (gaps, without)]
    np.testing.assert_allclose(parts[0].coefficients, parts[1].coefficients, atol=0.02)
    assert parts[0].functions is not None
    assert (parts[0].functions[:8] == 0).all()
    assert (parts[0].functions[8:] != 0).all()


def test_arrays_survive_a_file_and_are_the_same_bytes_twice(world: xr.Dataset, pool: Pool, tmp_path: Path) -> None:
    again = followed(train_pool(known_at(world, ESTIMATED), POOL, LEADS), world)
    files = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for each, file in zip((pool, again), files, strict=True):
        write_arrays(each.to_arrays(), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    read, reason = read_parts(tmp_path, ".npz", read_arrays)
    assert reason is None
    record = as_panel(known_at(place(field()), ESTIMATED))
    for network in (False, True):
        expected = Pooled([pool], network).fit(record).forecast(record, LEADS)
        restored = Pooled([Pool.from_arrays(read[0])], network).fit(record).forecast(record, LEADS)
        np.testing.assert_array_equal(restored, expected)


def test_numpy_reads_the_network_out_as_keras_does(pool: Pool) -> None:
    draw = np.random.default_rng(0)
    sequence, trait, linear = draw.normal(size=(7, 36, 3)), draw.normal(size=(7, 6)), draw.normal(size=(7, LEADS))
    network = pooled_network(36, 3, 6, LEADS, POOL.units, POOL.batch)
    layers = pool.members[0]
    found = read_out(layers, sequence, trait, linear)
    order = [f"{v.path.split('/')[0]}/{v.path.split('/')[-1]}" for v in network.model.weights]
    want = network.predict([layers[name] for name in order], [sequence, trait, linear])
    np.testing.assert_allclose(found, want, atol=2e-5)
    assert (np.diff(found, axis=-1) > 0).all()


def test_the_untrained_network_is_the_linear_forecast_with_its_residuals() -> None:
    draw = np.random.default_rng(1)
    residual = np.sort(draw.normal(size=(LEADS, len(QUANTILES))), axis=1)
    inputs = draw.normal(size=(20, 36, 3)), draw.normal(size=(20, 6)), draw.normal(size=(20, LEADS))
    member = train_members(*inputs, np.full((20, LEADS), np.nan), residual, POOL)[0]
    np.testing.assert_allclose(read_out(member, *inputs), inputs[2][..., None] + residual, atol=2e-3)


def test_the_pool_learns_that_weather_remembers(pool: Pool, world: xr.Dataset) -> None:
    values = world["value"].values
    past = trailing.trailing(values)
    table = features.predictors(past, world["slope"].values[trailing.FIRST_ROW :], 1)
    later = np.flatnonzero(past.rows >= 350)[:-1]
    want = features.targets(values, past, 1)[later]
    found = table[later] @ pool.coefficients[0]
    assert ((want - found) ** 2).mean() < 0.8 * (want**2).mean()


def test_what_the_field_tells_is_not_overrated() -> None:
    draw = np.random.default_rng(2)
    components = draw.normal(size=(300, 8))
    noise = draw.normal(size=(300, 4))
    own, crossed = on_field(components, noise, 3, 295)
    fitted = components[:295] @ own
    assert (crossed * noise[:295]).sum() < 0.1 * (fitted * noise[:295]).sum()
    told = components[:, :1] @ np.ones((1, 4)) + 0.1 * noise
    own, crossed = on_field(components * 10, told, 3, 295)
    assert (crossed * told[:295]).sum() / (crossed**2).sum() > 0.9
    assert np.abs(own[0]).min() > 5 * np.abs(own[1:]).max()


def test_principal_functions_order_and_scale() -> None:
    departures = field_departures(field(), 1)
    functions = principal_functions(departures, 5)
    components = departures @ functions
    power = (components**2).mean(axis=0)
    assert (np.diff(power) <= 0).all()
    np.testing.assert_allclose(power.mean(), 1.0)
    product = components.T @ components
    np.testing.assert_allclose(product - np.diag(np.diag(product)), 0, atol=1e-6 * product.max())


def test_months_without_a_value_are_not_learnt_from(pool: Pool) -> None:
    record = as_panel(known_at(place(field()), ESTIMATED))
    holes = record.copy(deep=True)
    holes["value"][:, 200:230] = np.nan
    bridged = holes.interpolate_na("time")
    fields = [Pooled([pool], False).fit(each).groups[0].field for each in (record, holes, bridged)]
    distances = [np.abs(each - fields[0]).mean() for each in fields[1:]]
    assert distances[0] > 0
    assert not np.array_equal(fields[1], fields[2]), "interpolated months count as predictors alone"


def test_a_longer_or_shorter_record_than_the_field_is_served(pool: Pool) -> None:
    record = place(field())
    long_ago = (np.datetime64("1930-01", "M") + np.arange(MONTHS + 240)).astype(TIME_DTYPE)
    values = np.concatenate([record["value"].values[:240], record["value"].values])
    longer = xr.Dataset({"value": ("time", values)}, coords={"time": long_ago})
    for each in (longer, record.isel(time=slice(60, None))):
        assert np.isfinite(quantiles_of(Pooled([pool], network=True), each, LEADS)).all()


def test_early_records_are_named(pool: Pool) -> None:
    record = as_panel(place(field()))
    with pytest.raises(ClimateError, match=r"first estimation of the pool is of 1978-12, after the origin 1974-12"):
        Pooled([pool], network=False).fit(record.isel(time=slice(0, 300)))


def test_the_newest_estimation_that_was_known_is_used(pool: Pool, world: xr.Dataset) -> None:
    second = followed(train_pool(known_at(world, np.datetime64("1982-12", "s")), POOL, LEADS), world)
    forecaster, record = Pooled([pool, second], network=False), as_panel(place(field()))
    assert forecaster.fit(known_at(record, np.datetime64("1982-11", "s"))).pool is pool
    assert forecaster.fit(known_at(record, np.datetime64("1982-12", "s"))).pool is second


def test_only_temperature_is_served() -> None:
    assert refusal(xr.Dataset(attrs={"quantity": "temperature"})) is None
    assert "quantity is co2" in str(refusal(xr.Dataset(attrs={"quantity": "co2"})))
    assert "not named" in str(refusal(xr.Dataset()))


def test_estimations_follow_the_first_origin_to_the_end_of_the_record(world: xr.Dataset) -> None:
    months = estimation_months("1978-12", 24, world)
    assert [str(month)[:7] for month in months] == ["1978-12", "1980-12", "1982-12", "1984-12"]
    assert months[1] in origins("1978-12", 6, 10)


def test_no_weight_depends_on_the_regions() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert not {"regions", "build/series"} & set(stages["pool"]["params"] + stages["pool"]["deps"])
    for name in ("baselines", "lstm", "combine"):
        assert "regions" not in stages[name]["do"]["params"]
        assert [dep for dep in stages[name]["do"]["deps"] if dep.startswith("build/series/")] in (
            [],
            ["build/series/${key}.nc"],
        )
