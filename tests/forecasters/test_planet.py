"""The planet's forecasters: trailing windows, estimations that are applied unchanged, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from climate.errors import ClimateError
from climate.files import read_arrays, read_parts, write_arrays
from climate.forecasters.base import HARMONICS, FloatArray, as_panel, smoothed_by_month
from climate.forecasters.linear import distant_rows, ridge
from climate.forecasters.planet import predictors as features
from climate.forecasters.planet import trailing
from climate.forecasters.planet.estimation import (
    EVERYTHING,
    MEAN_PENALTY,
    PENALTY,
    REDUCED,
    Estimation,
    estimate,
    shared_regressions,
)
from climate.forecasters.planet.field import field_departures, planet, principal_functions, thinned
from climate.forecasters.planet.forecaster import PlanetForecaster, refusal
from climate.forecasters.planet.network import Inputs, Layers, planet_network, read_out, train_members
from climate.forecasters.planet.places import relative_spread
from climate.forecasters.planet.regression import FIELD_PENALTY, field_forecast, field_maps
from climate.hindcast.rolling import estimation_months, known_at, origins
from climate.schema import QUANTILES, TIME_DTYPE
from tests.conftest import ROOT
from tests.forecasters.models import PLANET, estimated, quantiles_of, reduced

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
    return planet(one, 2, 1, LEADS)


def place(one: xr.DataArray, row: int = 3, column: int = 3) -> xr.Dataset:
    return xr.Dataset({"value": ("time", one.values[:, row, column])}, coords={"time": axis()})


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return world_of(field())


@pytest.fixture(scope="module")
def estimation(world: xr.Dataset) -> Estimation:
    return estimated(world, ESTIMATED, PLANET, LEADS)


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


@given(
    seed=st.integers(0, 1000),
    extra=st.integers(0, 30),
    length=st.sampled_from((trailing.NORMAL_YEARS, *trailing.OTHER_YEARS)),
)
@settings(max_examples=20)
def test_windows_are_those_of_a_regression(seed: int, extra: int, length: int) -> None:
    values = np.random.default_rng(seed).normal(size=(230 + extra, 2)) + 0.01 * np.arange(230 + extra)[:, None]
    rows = np.arange(trailing.FIRST_ROW, values.shape[0])
    sums = trailing.Sums.of(values)
    result = sums.window(length, rows)
    season, slope, variance = naive_window(values[:, 1], int(rows[-1]), length)
    np.testing.assert_allclose(result.climatology[-1, :, 1], season, atol=1e-9)
    np.testing.assert_allclose(result.slope[-1, 1], slope, atol=1e-9)
    smooth = smoothed_by_month(variance, int(result.years[-1]), axis=0)
    np.testing.assert_allclose(sums.spread(result, rows)[-1, :, 1] ** 2, smooth, rtol=1e-6)


def test_a_line_is_continued_and_leaves_no_departure() -> None:
    step = np.arange(300.0)
    values = (3 * np.sin(2 * np.pi * step / 12) + 0.05 * (step // 12))[:, None]
    # the steps of this line fall in January, so it is exact where a window ends with a year
    past = trailing.trailing(values[:252])
    normal = past.normal
    expected = [normal.expected(lead)[-1, 0] for lead in range(1, 41)]
    np.testing.assert_allclose(expected, values[252:292, 0])
    assert np.abs(past.departures[-1]).max() < 1e-3 / past.spread.min()


def test_rows_depend_on_no_later_month(world: xr.Dataset) -> None:
    one, cut = field(), 300
    later = one.copy(deep=True)
    later[cut:] = 1e3
    changed = world_of(later)
    for name in ("departures", "means", "slope"):
        np.testing.assert_array_equal(world[name].values[:cut], changed[name].values[:cut])
        assert not np.array_equal(world[name].values[cut:], changed[name].values[cut:])
    past, other = (trailing.trailing(each["value"].values) for each in (world, changed))
    rows = slice(0, cut - trailing.FIRST_ROW)
    np.testing.assert_array_equal(past.persistence[rows], other.persistence[rows])
    slope = world["slope"].values[trailing.FIRST_ROW :]
    np.testing.assert_array_equal(
        features.Predictors(past, slope).at(3)[rows], features.Predictors(other, slope).at(3)[rows]
    )


@pytest.mark.parametrize("gap", [False, True])
def test_an_estimation_depends_on_no_later_month(gap: bool, estimation: Estimation) -> None:
    """Later values are replaced, or cells and series begin to miss months after the estimation."""
    later = field()
    after = np.flatnonzero(axis() > ESTIMATED)
    if gap:
        later[after[5:], ::2, 1::2] = np.nan
    else:
        later[after] = -500.0
    changed = world_of(later)
    whole = estimated(changed, ESTIMATED, PLANET, LEADS)
    known = slice(0, int(whole.month - whole.first) + 1)
    for name in ("coefficients", "share", "power", "residual"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(estimation, name))
    for name in ("components", "common", "slope"):
        np.testing.assert_array_equal(getattr(whole, name)[known], getattr(estimation, name)[known])
    assert np.isfinite(whole.components).all()
    before = reduced(world_of(field()), ESTIMATED, PLANET, LEADS)
    for name, each in reduced(changed, ESTIMATED, PLANET, LEADS).items():
        for one in ("coefficients", "power", "residual"):
            np.testing.assert_array_equal(getattr(each, one), getattr(before[name], one))
        np.testing.assert_array_equal(each.common[known], before[name].common[known])
    for first, second in zip(estimation.members, whole.members, strict=True):
        assert all(np.array_equal(first[name], second[name]) for name in first)


def test_estimations_with_less_information_have_neither_field_nor_other_predictors(
    estimation: Estimation, world: xr.Dataset
) -> None:
    for name, each in reduced(world, ESTIMATED, PLANET, LEADS).items():
        assert each.components.shape == (len(each.slope), 0)
        assert not each.share.any()
        outside = np.ones(features.COUNT, dtype=bool)
        outside[REDUCED[name]] = False
        assert not each.coefficients[:, outside].any()
        assert each.coefficients[:, ~outside].any() == (name != "ridge-normal")
        if name == "ridge-place":
            np.testing.assert_array_equal(each.coefficients, estimation.coefficients)
            np.testing.assert_array_equal(each.common, estimation.common)
            np.testing.assert_array_equal(each.power[:, 0] > estimation.power[:, 0], estimation.share > 0)
            assert estimation.share.any()


def naive_step(world: xr.Dataset, columns: slice, lead: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Coefficients, what the planet's mean adds at the newest row, power and quantiles of the errors."""
    known, area = known_at(world, ESTIMATED), world["area"].values
    weight = area / area.mean()
    means = known["means"].values[trailing.FIRST_ROW :, lead - 1, columns]
    past = trailing.trailing(known["value"].values)
    predictors = features.Predictors(past, known["slope"].values[trailing.FIRST_ROW :])
    table, actual = predictors.at(lead)[..., columns].astype(float), features.target(known["value"].values, past, lead)
    rows = np.flatnonzero(np.isfinite(actual[:, 0]))
    actual = actual[rows].astype(float)
    middle = actual @ weight / weight.sum()
    root = np.sqrt(weight)[:, None]
    inside = ((table[rows] - means[rows, None]) * root).reshape(rows.size * area.size, table.shape[2])
    coefficients = ridge(inside, ((actual - middle[:, None]) * root[:, 0]).ravel(), PENALTY)
    of_mean = ridge(means[rows], middle - means[rows] @ coefficients, MEAN_PENALTY)
    error = actual - table[rows] @ coefficients - (means[rows] @ of_mean)[:, None]
    power = np.array([((each**2).mean(axis=0) * area).sum() / area.sum() for each in (error, actual)])
    month = (known["time"].values.astype("datetime64[M]").astype(int)[trailing.FIRST_ROW :] % 12)[rows]
    scale = np.stack([naive_spread(error[:, cell], actual[:, cell], month, power) for cell in range(area.size)], axis=1)
    pairs = sorted(zip((error / scale[month]).ravel(), np.tile(area, len(rows)), strict=True))
    total = np.cumsum([weight for _, weight in pairs])
    quantiles = [pairs[int(np.searchsorted(total, level * total[-1]))][0] for level in QUANTILES]
    return coefficients, means[-1] @ of_mean, power, np.array(quantiles)


def naive_spread(error: FloatArray, actual: FloatArray, month: np.ndarray, power: FloatArray) -> FloatArray:
    """Relative spread (calendar month of the origin) of one place, with the weight of 30 months of the mean."""
    result = []
    for calendar in range(12):
        bell = ((1 + np.cos(2 * np.pi * (calendar - month) / 12)) / 2) ** 2
        both = [bell @ each**2 + 30 * mean for each, mean in zip((error, actual), power, strict=True)]
        result.append(np.sqrt(both[0] / both[1]))
    return np.array(result)


@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("lead", [1, 3])
def test_forecasts_with_less_information_are_those_of_a_naive_computation(
    world: xr.Dataset, name: str, lead: int
) -> None:
    learnt, columns = reduced(world, ESTIMATED, PLANET, LEADS)[name], REDUCED[name]
    coefficients, common, power, quantiles = naive_step(world, columns, lead)
    np.testing.assert_allclose(learnt.coefficients[lead - 1, columns], coefficients, rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(learnt.power[lead - 1], power, rtol=1e-4)
    np.testing.assert_allclose(learnt.residual[lead - 1], quantiles, atol=0.01)
    record = as_panel(known_at(place(field()), ESTIMATED))
    values, months = record["value"].values.T, record["time"].values.astype("datetime64[M]").astype(int)
    past = trailing.trailing(values)
    table = features.Predictors(past, learnt.slope_at(months[trailing.FIRST_ROW :])).at(lead)[:, 0, columns]
    actual = features.target(values, past, lead)[:, 0]
    rows = np.flatnonzero(np.isfinite(actual))
    state = learnt.common[: len(table), lead - 1]
    centre, month = table @ coefficients + state, months[trailing.FIRST_ROW :] % 12
    assert state[-1] == pytest.approx(common, abs=1e-3)
    scale = naive_spread(actual[rows] - centre[rows], actual[rows], month[rows], power)[month[-1]]
    expected = past.normal.expected(lead)[-1, 0] + past.spread[-1, lead - 1, 0] * (centre[-1] + scale * quantiles)
    result = PlanetForecaster([learnt], network=False).fit(record).forecast(record, LEADS)[0, lead - 1]
    np.testing.assert_allclose(result, expected, atol=0.02)


def test_series_and_cells_with_gaps_before_the_estimation_are_left_out() -> None:
    gaps = field()
    gaps[40, 0, :] = np.nan
    part = estimate(known_at(world_of(gaps), ESTIMATED), PLANET, LEADS).estimation
    assert part.functions is not None
    assert (part.functions[:8] == 0).all()
    assert (part.functions[8:] != 0).all()


def test_arrays_survive_a_file_and_are_the_same_bytes_twice(
    world: xr.Dataset, estimation: Estimation, tmp_path: Path
) -> None:
    again = estimated(world, ESTIMATED, PLANET, LEADS)
    files = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for each, file in zip((estimation, again), files, strict=True):
        write_arrays(each.to_arrays(), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    read, reason = read_parts(tmp_path, ".npz", read_arrays)
    assert reason is None
    record = as_panel(known_at(place(field()), ESTIMATED))
    for network in (False, True):
        expected = PlanetForecaster([estimation], network).fit(record).forecast(record, LEADS)
        restored = PlanetForecaster([Estimation.from_arrays(read[0])], network).fit(record).forecast(record, LEADS)
        np.testing.assert_array_equal(restored, expected)


def random_inputs(rows: int) -> Inputs:
    """Inputs of one place, so that rows are those of Keras."""
    draw = np.random.default_rng(0)
    shapes = (36, 3), (36, 5), (5,), (6,), (LEADS,), (LEADS,)
    return Inputs(*(draw.uniform(0.5, 2, size=(rows, *shape)).astype(np.float32) for shape in shapes))


def read_rows(layers: Layers, inputs: Inputs) -> FloatArray:
    """`read_out` of inputs (row, ...), each row with loadings of its own."""
    each = [Inputs(*(array[[row]] for array in inputs.arrays())) for row in range(len(inputs.linear))]
    names = ("sequence", "trait", "linear", "scale")
    places = [replace(one, **{name: getattr(one, name)[:, None] for name in names}) for one in each]
    return np.concatenate([read_out(layers, one)[0] for one in places])


def test_numpy_reads_the_network_out_as_keras_does(estimation: Estimation) -> None:
    inputs, layers = random_inputs(7), estimation.members[0]
    network = planet_network(tuple(each.shape[1:] for each in inputs.arrays()), PLANET.units, PLANET.batch)
    result = read_rows(layers, inputs)
    order = [f"{v.path.split('/')[0]}/{v.path.split('/')[-1]}" for v in network.model.weights]
    target = network.predict([layers[name] for name in order], inputs.arrays())
    np.testing.assert_allclose(result, target, atol=5e-5)
    assert (np.diff(result, axis=-1) > 0).all()


def test_the_untrained_network_is_the_linear_forecast_with_its_residuals() -> None:
    residual = np.sort(np.random.default_rng(1).normal(size=(LEADS, len(QUANTILES))), axis=1)
    residual -= residual[:, [5]]
    inputs = random_inputs(20)
    member = train_members(inputs, np.full((20, LEADS), np.nan), residual, PLANET)[0]
    expected = inputs.linear[..., None] + inputs.scale[..., None] * residual
    np.testing.assert_allclose(read_rows(member, inputs), expected, atol=5e-3)


def test_without_a_linear_start_the_network_begins_at_the_normal(world: xr.Dataset) -> None:
    alone = estimated(world, ESTIMATED, replace(PLANET, linear_start=False, learning_rate=1e-9), LEADS)
    record = as_panel(known_at(place(field()), ESTIMATED))
    result = PlanetForecaster([alone], network=True).fit(record).forecast(record, LEADS)
    past = trailing.trailing(record["value"].values.T)
    normal = past.normal
    for lead in range(1, LEADS + 1):
        distance = (result[0, lead - 1, 5] - normal.expected(lead)[-1, 0]) / past.spread[-1, lead - 1, 0]
        assert abs(distance) < 0.3
    assert not Estimation.from_arrays(alone.to_arrays()).linear_start


def test_the_planet_learns_persistence(estimation: Estimation, world: xr.Dataset) -> None:
    values = world["value"].values
    past = trailing.trailing(values)
    predictors = features.Predictors(past, world["slope"].values[trailing.FIRST_ROW :])
    later = np.flatnonzero(past.rows >= 350)[:-1]
    target = features.target(values, past, 1)[later]
    common = estimation.state(estimation.first + later)[1][:, :1]
    result = predictors.forecast(estimation.coefficients)[0, later] + common
    assert ((target - result) ** 2).mean() < 0.8 * (target**2).mean()


@given(seed=st.integers(0, 1000), first=st.integers(0, 50), rows=st.integers(1, 40))
@settings(max_examples=20)
def test_forecasts_are_sums_of_predictors(seed: int, first: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    past = trailing.trailing(draw.normal(size=(300, 3)) + 0.01 * np.arange(300)[:, None])
    predictors = features.Predictors(past, 0.01 * draw.normal(size=len(past)))
    coefficients, part = draw.normal(size=(26, features.COUNT)), slice(first, first + rows)
    result = predictors.forecast(coefficients, part)
    for index, weights in enumerate(coefficients):
        np.testing.assert_allclose(result[index], predictors.at(index + 1)[part] @ weights, atol=2e-4)


def test_cross_fitted_forecasts_from_the_field_do_not_overfit() -> None:
    draw = np.random.default_rng(2)
    components = draw.normal(size=(300, 8))
    noise = draw.normal(size=(300, 4)).astype(np.float32)
    noise[299:] = np.nan

    def on_field(scale: float, residual: FloatArray) -> tuple[FloatArray, FloatArray]:
        field_map = field_maps(scale * components, np.full(300, True), 1)[0]
        weights, crossed = field_forecast(residual, field_map)
        return field_map.basis.T @ weights, crossed[:299]

    own, crossed = on_field(1, noise)
    fitted = components[:299] @ own
    assert (crossed * noise[:299]).sum() < 0.1 * (fitted * noise[:299]).sum()
    signal = (components[:, :1] @ np.ones((1, 4)) + 0.1 * noise).astype(np.float32)
    own, crossed = on_field(10, signal)
    assert (crossed * signal[:299]).sum() / (crossed**2).sum() > 0.9
    assert np.abs(own[0]).min() > 5 * np.abs(own[1:]).max()


@given(seed=st.integers(0, 1000), lead=st.integers(1, 5), start=st.integers(0, 20))
@settings(max_examples=20)
def test_regressions_on_the_field_are_those_on_the_rows_known(seed: int, lead: int, start: int) -> None:
    draw, known = np.random.default_rng(seed), np.arange(90) >= start
    features, residual = 20 * draw.normal(size=(90, 7)), draw.normal(size=(90, 3)).astype(np.float32)
    residual[90 - lead :] = np.nan
    field_map = field_maps(features, known, lead)[-1]
    weights, crossed = field_forecast(residual, field_map)
    rows = np.arange(start, 90 - lead)
    expected = ridge(features[rows], residual[rows], FIELD_PENALTY)
    np.testing.assert_allclose(field_map.basis.T @ weights, expected, atol=1e-4)
    for block, far in distant_rows(rows, lead):
        naive = features[rows[block]] @ ridge(features[rows[far]], residual[rows[far]], FIELD_PENALTY)
        np.testing.assert_allclose(crossed[rows[block]], naive, atol=2e-3)


def test_spread_follows_the_residuals_of_a_season() -> None:
    draw = np.random.default_rng(3)
    months = np.arange(1200)
    target = draw.normal(size=(1200, 2)).astype(np.float32)
    summer = np.abs(months % 12 - 6) <= 1
    residual = np.where(summer[:, None], 0.5, 1.0).astype(np.float32) * target
    result = relative_spread(residual, target, months, np.array([1.0, 1.0]))
    np.testing.assert_allclose(result[0], 1.0, atol=0.03)
    assert (result[6] < 0.8).all()
    unknown = np.full_like(target, np.nan)
    np.testing.assert_allclose(relative_spread(unknown, unknown, months, np.array([0.25, 1.0])), 0.5)


def test_the_mean_over_the_planet_is_regressed_apart() -> None:
    draw = np.random.default_rng(4)
    means = draw.normal(size=(4000, 1, features.COUNT))
    apart = draw.normal(size=(4000, 50, features.COUNT))
    area = np.ones(50)
    table = (means + apart - apart.mean(axis=1, keepdims=True)).astype(np.float32)
    own, common = 0.5 * np.eye(features.COUNT)[0], np.eye(features.COUNT)[1]
    target = table @ own + means @ (common - own)
    seen = target.astype(np.float32)
    ((coefficients, of_mean),) = shared_regressions(table, seen, means[:, 0], area, [EVERYTHING])
    np.testing.assert_allclose(coefficients, own, atol=0.05)
    np.testing.assert_allclose(coefficients + of_mean, common, atol=0.15)


def test_principal_functions_order_and_scale() -> None:
    departures = field_departures(thinned(field(), 1))
    functions = principal_functions(departures, 5)
    components = departures @ functions
    power = (components**2).mean(axis=0)
    assert (np.diff(power) <= 0).all()
    np.testing.assert_allclose(power.mean(), 1.0)
    product = components.T @ components
    np.testing.assert_allclose(product - np.diag(np.diag(product)), 0, atol=1e-6 * product.max())


def test_months_without_a_value_are_no_targets(estimation: Estimation) -> None:
    record = as_panel(known_at(place(field()), ESTIMATED))
    holes = record.copy(deep=True)
    holes["value"][:, 200:230] = np.nan
    bridged = holes.interpolate_na("time")
    fields = [PlanetForecaster([estimation], False).fit(each).groups[0].own.field for each in (record, holes, bridged)]
    distances = [np.abs(each - fields[0]).mean() for each in fields[1:]]
    assert distances[0] > 0
    assert not np.array_equal(fields[1], fields[2]), "interpolated months are predictors, not targets"


def test_records_longer_or_shorter_than_the_field_are_forecast(estimation: Estimation) -> None:
    record = place(field())
    long_ago = (np.datetime64("1930-01", "M") + np.arange(MONTHS + 240)).astype(TIME_DTYPE)
    values = np.concatenate([record["value"].values[:240], record["value"].values])
    longer = xr.Dataset({"value": ("time", values)}, coords={"time": long_ago})
    for each in (longer, record.isel(time=slice(60, None))):
        assert np.isfinite(quantiles_of(PlanetForecaster([estimation], network=True), each, LEADS)).all()


def test_early_records_are_named(estimation: Estimation) -> None:
    record = as_panel(place(field()))
    with pytest.raises(ClimateError, match=r"first estimation of the planet is of 1978-12, after the origin 1974-12"):
        PlanetForecaster([estimation], network=False).fit(record.isel(time=slice(0, 300)))


def test_the_newest_estimation_that_was_known_is_used(estimation: Estimation, world: xr.Dataset) -> None:
    second = estimated(world, np.datetime64("1982-12", "s"), PLANET, LEADS)
    forecaster, record = PlanetForecaster([estimation, second], network=False), as_panel(place(field()))
    assert forecaster.fit(known_at(record, np.datetime64("1982-11", "s"))).estimation is estimation
    assert forecaster.fit(known_at(record, np.datetime64("1982-12", "s"))).estimation is second


def test_only_temperature_is_forecast() -> None:
    assert refusal(xr.Dataset(attrs={"quantity": "temperature"})) is None
    assert "quantity is co2" in str(refusal(xr.Dataset(attrs={"quantity": "co2"})))
    assert "not named" in str(refusal(xr.Dataset()))


def test_estimations_follow_the_first_origin_to_the_end_of_the_record(world: xr.Dataset) -> None:
    months = estimation_months("1978-12", 24, world)
    assert [str(month)[:7] for month in months] == ["1978-12", "1980-12", "1982-12", "1984-12"]
    assert months[1] in origins("1978-12", 6, 10)


def test_no_weight_depends_on_the_regions() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert not {"regions", "build/series"} & set(stages["planet"]["params"] + stages["planet"]["deps"])
    for name in ("baselines", "lstm", "combine"):
        assert "regions" not in stages[name]["do"]["params"]
        assert [dep for dep in stages[name]["do"]["deps"] if dep.startswith("build/series/")] in (
            [],
            ["build/series/${key}.nc"],
        )
