"""What every registered forecaster does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from climate import SAME_BYTES
from climate.errors import ClimateError
from climate.forecasters.base import MEDIAN_INDEX, as_panel
from climate.forecasters.registry import MODELS
from climate.schema import MAX_LEADS, QUANTILES
from tests.forecasters.models import (
    BASELINES,
    LIMITED,
    MONTHS,
    NAMES,
    PLANET_LEADS,
    VECTORISED,
    history,
    make,
    panel,
    params,
    quantiles_of,
    record,
)


def precision_of(name: str) -> float:
    """Tolerance of a comparison; the planet's forecasters work in single precision."""
    return 1e-5 if MODELS[name].section == "planet" else 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_forecaster_is_called_as_it_is_registered(name: str) -> None:
    assert make(name).name == name


@pytest.mark.parametrize("name", params())
def test_forecasts_are_finite_rising_and_repeatable(name: str) -> None:
    known = as_panel(history(record(1), record(2, trend=0.0)))
    first, second = (make(name).fit(known) for _ in range(2))
    quantiles = first.forecast(known, 24)
    assert quantiles.shape == (1, 24, len(QUANTILES))
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert np.array_equal(quantiles, second.forecast(known, 24))
    assert first.parameters > 0
    assert first.fallbacks == 0


@pytest.mark.parametrize("name", params(slow=True))
def test_leads_do_not_depend_on_how_many_are_asked_for(name: str) -> None:
    known = as_panel(history(record(3)))
    fitted = make(name).fit(known)
    precision = precision_of(name)
    np.testing.assert_allclose(fitted.forecast(known, 6)[0], fitted.forecast(known, 18)[0, :6], rtol=precision)


@pytest.mark.parametrize("name", params())
def test_state_is_extended_and_parameters_are_held(name: str) -> None:
    longer = as_panel(history(record(4)))
    shorter = longer.isel(time=slice(0, MONTHS - 24))
    fitted = make(name).fit(shorter)
    before, later = fitted.forecast(shorter, 12), fitted.forecast(longer, 12)
    assert not np.allclose(before, later)
    if name in BASELINES:
        ahead = MONTHS + np.arange(12)
        assert np.abs(later[0, :, MEDIAN_INDEX] - 0.01 * ahead - 4 * np.sin(2 * np.pi * ahead / 12)).max() < 6
    assert np.array_equal(before, fitted.forecast(shorter, 12)), "a forecast from a later origin changed the fit"


@pytest.mark.parametrize("name", params(BASELINES, slow=True))
def test_intervals_cover_simulated_records(name: str) -> None:
    """90% intervals over leads 1-12, from 5 origins of 8 (models fitted place by place: 2) records."""
    values = np.stack([record(100 + seed, months=348) for seed in range(8 if name in VECTORISED else 2)])
    whole = panel(values)
    fitted = make(name).fit(whole.isel(time=slice(0, 240)))
    covered = []
    for end in range(240, 348, 24):
        quantiles = fitted.forecast(whole.isel(time=slice(0, end)), 12)
        truth = values[:, end : end + 12]
        covered.append((truth >= quantiles[..., 0]) & (truth <= quantiles[..., -1]))
    # 96 or more dependent cells: wide bounds that a wrong variance formula still misses
    assert 0.75 <= np.mean(covered) <= 0.99


@pytest.mark.parametrize("name", params())
def test_missing_months_are_allowed(name: str) -> None:
    values = record(5)
    gaps = values.copy()
    gaps[[0, 3, 100, 101, 102, 150, 200, MONTHS - 3, MONTHS - 1]] = np.nan
    whole, partial = (quantiles_of(make(name), history(each), 12) for each in (values, gaps))
    assert np.isfinite(partial).all()
    assert np.abs(partial - whole).mean() < 2, "a few missing months moved the forecast by more than the noise"


@pytest.mark.parametrize("name", NAMES)
def test_history_that_is_too_short_is_named(name: str) -> None:
    with pytest.raises(ClimateError, match=f"{name}: the history has 24 months .* expected at least"):
        make(name).fit(as_panel(history(record(6, months=24))))
    places = panel(np.stack([record(6), record(7)])).assign_coords(place=["north", "south"])
    places["value"][1, 24:] = np.nan
    with pytest.raises(ClimateError, match=f"{name}: the history( of south)? has"):
        make(name).fit(places)


@pytest.mark.parametrize("name", params(LIMITED))
def test_too_many_leads_are_refused(name: str) -> None:
    longest = PLANET_LEADS if "planet" in name else MAX_LEADS
    with pytest.raises(ValueError, match=f"{name} forecasts {longest} leads, asked for {longest + 1}"):
        quantiles_of(make(name), history(record(8)), longest + 1)


@pytest.mark.parametrize("name", params([*VECTORISED, "persistence", "theta"]))
def test_a_place_does_not_depend_on_the_others(name: str) -> None:
    values = np.stack([record(seed) for seed in range(4)])
    values[1, :30] = np.nan
    values[2, [50, 60, 61, -2, -1]] = np.nan
    values[3, :30] = np.nan
    places = panel(values)
    fitted = make(name).fit(places.isel(time=slice(0, MONTHS - 12)))
    together = fitted.forecast(places, 12)
    parameters = []
    for row in range(len(values)):
        own = places.isel(place=[row], time=slice(int(np.argmax(np.isfinite(values[row]))), None))
        alone = make(name).fit(own.isel(time=slice(0, -12)))
        precision = precision_of(name)
        np.testing.assert_allclose(together[row], alone.forecast(own, 12)[0], rtol=precision, atol=precision)
        parameters.append(alone.parameters)
    assert max(parameters) == fitted.parameters, "those of the place with most"


@pytest.mark.parametrize("name", params([*VECTORISED[:4], "persistence", "sarima", "trend-arma", "ridge-enso"]))
def test_unit_and_offset_of_the_record_do_not_matter(name: str) -> None:
    values = record(7, months=240)
    plain, scaled = (quantiles_of(make(name), history(each), 12) for each in (values, 1e-6 * values + 3e-4))
    np.testing.assert_allclose(scaled, 1e-6 * plain + 3e-4, atol=2e-9)


OTHER_MACHINE = {
    "OPENBLAS_CORETYPE": "Sandybridge",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "2",
    "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2 --xla_cpu_experimental_ynn_fusion_type=+individual_dot",
    "LC_ALL": "C",
    "TZ": "Asia/Tokyo",
}
"""Settings with which the numerical libraries choose instructions as on another processor, if nothing forbids it."""

COSTLY = ("unobserved-components", "sarima", "lstm-direct", "lstm-tutorial")

QUANTILES_OF_COSTLY = (
    "import climate\n"  # before NumPy: it chooses the instructions
    "from tests.forecasters.models import *\n"
    f"for name in {COSTLY}:\n"
    "    print(quantiles_of(make(name), history(record(1)), 6).tobytes().hex())\n"
)


needs_avx2 = pytest.mark.skipif(not SAME_BYTES, reason="this processor lacks AVX2, so that bytes differ from others'")


def assert_same_bytes(command: list[str], environment: dict[str, str]) -> str:
    """Compare the quantiles that another Python prints with those of this process; return what it wrote on stderr."""
    command = [*command, "-c", QUANTILES_OF_COSTLY]
    other = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | environment)
    ours = [quantiles_of(make(name), history(record(1)), 6) for name in COSTLY]
    assert other.stdout.split() == [quantiles.tobytes().hex() for quantiles in ours]
    return other.stderr


@needs_avx2
def test_another_process_with_settings_of_another_machine_gives_the_same_bytes() -> None:
    assert assert_same_bytes([sys.executable], OTHER_MACHINE) == ""


@pytest.mark.long
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="needs the emulator qemu-x86_64 (package qemu-user)")
@needs_avx2
def test_an_emulated_processor_without_avx512_gives_the_same_bytes() -> None:
    python = str(Path(sys.executable).resolve())  # the emulator starts no script or link; packages are named instead
    packages = os.pathsep.join(["", *filter(None, sys.path)])
    assert_same_bytes(["qemu-x86_64", "-cpu", "Haswell", python], {"PYTHONPATH": packages})


def test_importing_the_forecasters_does_not_import_tensorflow() -> None:
    code = "import sys, climate.forecasters.networks.lstm; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["False", "False"]
