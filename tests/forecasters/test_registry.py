"""The registry of models: complete, consistent, and the only place that says what a model is."""

from __future__ import annotations

import inspect
import itertools
import pkgutil
import subprocess
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb

import climate.forecasters
from climate.errors import ClimateError
from climate.forecasters.base import FloatArray
from climate.forecasters.combine import ensemble
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import (
    ENTRIES,
    MODELS,
    Kind,
    Model,
    find_model,
    is_kind,
    make,
    names_of,
    ordered,
    primary_network,
)
from climate.schema import QUANTILES
from climate.verify.contest import in_hindsight
from climate.verify.losses import block_losses, cell_scores
from tests.forecasters.models import forecast_table

SETTINGS: dict[str, tuple[Any, ...]] = {
    "baselines": (),
    "lstm": (NetworkSettings(seeds=(1,), lookback=12, units=2, epochs=1, batch=8, learning_rate=0.01),),
    "planet": ([],),
}
RUNNABLE = names_of("baselines", "lstm", "planet")


def forecaster_of(name: str) -> Any:
    return make(name, *SETTINGS[str(MODELS[name].section)])


def entry(name: str, kind: Kind) -> Model:
    return Model(name, name, name, "#123456", "-", "", kind=kind)


def test_names_are_unique_in_tables_and_legends() -> None:
    names = [model.name for model in ENTRIES] + [model.known_covariates for model in ENTRIES if model.known_covariates]
    assert len(set(names)) == len(names)
    assert len({model.label for model in ENTRIES}) == len(ENTRIES)


def test_every_model_can_be_run_or_is_a_combination() -> None:
    combinations = [name for name in MODELS if is_kind(name, Kind.COMBINATION)]
    assert sorted([*RUNNABLE, *combinations]) == sorted(MODELS)
    values = np.random.default_rng(0).normal(size=(2, 3, 2, len(QUANTILES))).cumsum(axis=-1)
    assert ensemble.combine(table(list(ensemble.MEMBERS[:2]), values), 2)["model"].values.tolist() == combinations
    with pytest.raises(ClimateError, match="'mean-equal' is a combination"):
        make("mean-equal")


def test_every_forecaster_of_the_package_is_registered() -> None:
    registered = {type(forecaster_of(name)) for name in RUNNABLE}
    for info in pkgutil.walk_packages(climate.forecasters.__path__, "climate.forecasters."):
        for _, kind in inspect.getmembers(import_module(info.name), inspect.isclass):
            base = getattr(kind, "_is_protocol", False) or kind.__subclasses__()
            if kind.__module__ == info.name and hasattr(kind, "fit") and not base:
                assert kind in registered, kind


def test_registry_is_light_to_import() -> None:
    code = "import sys, climate.forecasters.registry; print({'numpy', 'xarray', 'keras'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(ClimateError, match=r"here: unknown model 'trend-ar2', expected one such as trend-ar1"):
        find_model("trend-ar2", names_of("baselines"), "here")
    with pytest.raises(ClimateError, match="unknown model 'lstm-direct'"):
        find_model("lstm-direct", names_of("baselines"))


def table(models: list[str], values: FloatArray) -> xr.Dataset:
    """Yearly forecasts (model, origin, lead, quantile) of a record that is zero throughout."""
    months = np.datetime64("2000-01", "M") + 12 * np.arange(values.shape[1])
    return forecast_table(models, months, values, np.zeros(values.shape[1:3]))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("gru-direct", Kind.NETWORK),
        ("transformer", Kind.NETWORK),
        ("seasonal-regression", Kind.LINEAR),
        ("trend-of-trends", Kind.COMBINATION),
        ("sarimax-enso-known", None),
        ("not-registered", None),
    ],
)
def test_only_a_classical_model_is_best_in_hindsight(
    name: str, kind: Kind | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a model is called, and however good it is."""
    if kind is not None:
        monkeypatch.setitem(MODELS, name, entry(name, kind))
    errors = np.random.default_rng(1).normal(size=(3, 20, 2, 1)) * np.array([1.0, 1.5, 0.01])[:, None, None, None]
    forecasts = table(["trend-ar1", "seasonal-naive", name], errors + 0.1 * np.linspace(-1, 1, len(QUANTILES)))
    compared = in_hindsight(block_losses(cell_scores(forecasts), {"1-2": (1, 2)}))
    assert compared["hindsight"].item() == "trend-ar1"
    assert compared["ratio_hindsight"].sel(model=name).item() < 1


def test_a_network_of_any_name_may_be_the_primary_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "transformer", entry("transformer", Kind.NETWORK))
    assert primary_network(["ets", "transformer"]) == "transformer"
    assert primary_network(["lstm-planet", "lstm-direct", "transformer"]) == "lstm-direct"
    assert primary_network(["ets"]) is None


def test_order_is_that_of_the_registry() -> None:
    assert ordered(["lstm-direct", "b", "a", "ets", "ets"]) == ["ets", "lstm-direct", "a", "b"]


def lightness_and_colour(colour: str) -> FloatArray:
    """CIE 1976 L*a*b* of an sRGB colour under D65, where equal distances look equally far apart."""
    red_green_blue = np.array(to_rgb(colour))
    linear = np.where(red_green_blue > 0.04045, ((red_green_blue + 0.055) / 1.055) ** 2.4, red_green_blue / 12.92)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    relative = to_xyz @ linear / to_xyz.sum(axis=1)
    x, y, z = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_models_can_be_told_apart_in_figures() -> None:
    """Differences of 2.3 are just noticeable (Mahy et al. 1994); lines of one style have to differ by more."""
    for one, other in itertools.combinations(ENTRIES, 2):
        apart = np.linalg.norm(lightness_and_colour(one.colour) - lightness_and_colour(other.colour))
        assert apart > (15 if one.dash == other.dash else 8), (one.name, other.name)
