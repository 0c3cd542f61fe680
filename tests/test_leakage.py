"""The canary: whatever happens after an origin, forecasts from that origin stay the same to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
import xarray as xr

from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.combine.ensemble import combine, join_tables
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.planet.estimation import REDUCED, Estimation
from climate.forecasters.planet.field import planet, thinned
from climate.forecasters.planet.forecaster import refusal
from climate.forecasters.planet.settings import PlanetSettings
from climate.forecasters.registry import calibrated, make
from climate.harmonize.build import harmonize
from climate.harmonize.series import join_covariates
from climate.hindcast.cells import OPPONENTS, CellPlan, CellTask, score_cells
from climate.hindcast.rolling import backtest
from climate.params.params import Params, load_params
from climate.sources.catalogue import find_source
from climate.sources.provenance import read_provenance
from climate.sources.readers.registry import read
from tests.conftest import ROOT, Project
from tests.forecasters.models import estimated, reduced
from tests.reduced import reduce

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("leakage")]

ORIGINS = [np.datetime64("2014-12", "s"), np.datetime64("2015-12", "s"), np.datetime64("2016-12", "s")]
ESTIMATED = (ORIGINS[0], ORIGINS[-1])
LEADS = 12
REGIONS = ("globe", "mauna-loa-co2")


@pytest.fixture(scope="module")
def project(clone: Callable[[], Project]) -> Project:
    made = clone()
    reduce(made.folder)
    return made


@pytest.fixture(scope="module")
def params(project: Project) -> Params:
    return load_params(project.folder / "params.yaml")


@pytest.fixture(scope="module")
def records(project: Project) -> dict[str, xr.Dataset]:
    read_records = {}
    for key in ("ncep-air", "scripps-ice-core", "scripps-co2-mlo", "noaa-co2-mlo"):
        project.run("climate", "pull", key)
        folder = project.folder / "downloads" / key
        source = find_source(key).model_copy(update={"version": read_provenance(folder).version})
        read_records[key] = read(source, folder).load()
    return read_records


def changed_after(record: xr.Dataset, origin: np.datetime64) -> xr.Dataset:
    """The record with every later value replaced by nonsense that keeps the axis."""
    later = record["time"] > origin
    nonsense = 1000 - 3 * record["value"]
    return record.assign(value=record["value"].where(~later, nonsense))


def estimations(grid: xr.Dataset, params: Params) -> list[Estimation]:
    """The planet's estimations at the first and last origin, of a few cells and the field."""
    world, settings = planet_of(grid, params), params.planet.settings(PlanetSettings)
    return [estimated(world, month, settings, LEADS) for month in ESTIMATED]


def planet_of(grid: xr.Dataset, params: Params) -> xr.Dataset:
    return planet(grid["value"], params.planet.train_stride, params.planet.field_stride, LEADS)


def forecasts(records: Mapping[str, xr.Dataset], params: Params, region: str) -> xr.Dataset:
    """Everything that the pipeline forecasts for one region, from records to calibrated combinations."""
    made = harmonize(records, params.definitions, params.harmonize)
    covariates = join_covariates({"nino34": made.series["nino34"]})
    contest = load_params(ROOT / "params.yaml")
    learning = [
        [make(name) for name in contest.baselines.models],
        [make(name, params.lstm.settings(NetworkSettings)) for name in contest.lstm.models],
    ]
    if not refusal(made.series[region]):
        learnt = estimations(records["ncep-air"], params)
        learning.append([make(name, learnt) for name in contest.planet.models])
    single = join_tables([backtest(made.series[region], covariates, models, ORIGINS, LEADS, 12) for models in learning])
    table = join_tables([single, combine(single, params.combine.min_verified)])
    return calibrate(table, calibrated(table["model"].values), params.combine.min_verified)


@pytest.fixture(scope="module")
def true(records: dict[str, xr.Dataset], params: Params) -> dict[str, xr.Dataset]:
    return {region: forecasts(records, params, region) for region in REGIONS}


@pytest.mark.parametrize("region", REGIONS)
def test_no_forecast_knows_what_came_after_its_origin(
    records: dict[str, xr.Dataset], params: Params, true: dict[str, xr.Dataset], region: str
) -> None:
    last = ORIGINS[-1]
    canary = forecasts({key: changed_after(record, last) for key, record in records.items()}, params, region)
    assert not true[region]["observed"].sel(origin=last).equals(canary["observed"].sel(origin=last))
    for origin in ORIGINS:
        np.testing.assert_array_equal(
            true[region]["forecast"].sel(origin=origin).values, canary["forecast"].sel(origin=origin).values
        )


@pytest.mark.parametrize("information", ["everything", *REDUCED])
def test_no_estimation_of_the_planet_knows_what_came_after_it(
    records: dict[str, xr.Dataset], params: Params, information: str
) -> None:
    """Coefficients, spread, components and networks, and forecasts of cells that use them."""
    grid, last = records["ncep-air"], ORIGINS[-1]
    models = params.planet.models if information == "everything" else ["ridge-planet"]
    states = []
    for record in (grid, changed_after(grid, last)):
        if information == "everything":
            learnt = estimations(record, params)
        else:
            world, settings = planet_of(record, params), params.planet.settings(PlanetSettings)
            learnt = [reduced(world, month, settings, LEADS)[information] for month in ESTIMATED]
        flat = thinned(record["value"], 24)
        start, origin = (int(month.astype("datetime64[M]").astype(int)) for month in (flat["time"].values[0], last))
        plan = CellPlan(np.array([origin - 12, origin - 6, origin]), LEADS, LEADS, 1, {"1": (1, 1)})
        values = np.asarray(flat.values, dtype=np.float64)[: origin - start + 1]
        task = CellTask(values, start, flat["lat"].values, learnt, plan, [*OPPONENTS, *models])
        states.append((learnt, score_cells(task)))
    for one, other in zip(states[0][0], states[1][0], strict=True):
        until = one.month - one.first + 1
        first, second = one.to_arrays(), other.to_arrays()
        for name in first:
            rows = slice(until) if name in ("components", "common", "slope") else ...
            np.testing.assert_array_equal(first[name][rows], second[name][rows], err_msg=name)
        assert not np.array_equal(first["slope"], second["slope"])
    np.testing.assert_array_equal(states[0][1].issued, states[1][1].issued)
    np.testing.assert_array_equal(states[0][1].by_origin, states[1][1].by_origin)


def test_the_canary_sings_when_the_past_changes(
    records: dict[str, xr.Dataset], params: Params, true: dict[str, xr.Dataset]
) -> None:
    assert "lstm-planet" in true["globe"]["model"]
    before = ORIGINS[-1] - np.timedelta64(40 * 86400, "s")
    canary = forecasts({key: changed_after(record, before) for key, record in records.items()}, params, "globe")
    same = (true["globe"]["forecast"].sel(origin=ORIGINS[-1]) == canary["forecast"].sel(origin=ORIGINS[-1])).all(
        ("lead", "quantile")
    )
    assert not same.any()
