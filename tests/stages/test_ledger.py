"""Stage `ledger` and `climate vintages issue` on small results of earlier stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from climate import paths
from climate.commands import ledger as command
from climate.commands.ledger import issue, last_month, make_forecasters, regions_of
from climate.errors import ClimateError
from climate.files import write_netcdf
from climate.forecasters.combine.conformal import calibrate
from climate.forecasters.registry import make
from climate.hindcast.rolling import planned_backtest
from climate.parallel.tasks import ALONE
from climate.params.params import load_params
from climate.sources.catalogue import find_source
from climate.sources.provenance import Provenance, write_provenance
from climate.stages.ledger import run
from climate.verify.ledger import AT_ISSUE, LATER, parse
from tests.conftest import ROOT
from tests.records import months, table
from tests.reduced import edit

MODELS = ["climatology-trend", "trend-ar1"]


def shrink(params: Any) -> None:
    """One region and CO2, few origins and the models above."""
    for name in [name for name in params["regions"] if name not in ("globe", "mauna-loa-co2")]:
        del params["regions"][name]
    params["panels"].clear()
    params["ceiling"]["regions"] = []
    params["score"]["hypotheses"].clear()
    params["score"]["opponent"]["regions"] = ["globe"]
    params["backtest"].update(first_origin="2018-12", origins=70, leads=60)
    params["ledger"]["models"] = ["climatology-trend", "opponent"]


def make_record(last: str = "2026-02") -> xr.Dataset:
    count = int((np.datetime64(last, "M") - np.datetime64("1948-01", "M")).astype(int)) + 1
    time, random = months("1948-01", 938), np.random.default_rng(2)
    values = 0.015 * np.arange(938) / 12 + 0.3 * random.standard_normal(938)
    attrs = {"quantity": "temperature", "kind": "anomaly", "baseline": "1961-1990", "units": "degC", "region": "globe"}
    variables = {"value": ("time", values), "source": ("time", np.full(938, "ncep-air", dtype=object))}
    return xr.Dataset(variables, {"time": time}, attrs).isel(time=slice(count))


def write_results(last: str) -> None:
    """What the stages before write for a record that ends in a month."""
    params, series = load_params(), make_record(last)
    forecasters = [make(name) for name in MODELS]
    plan = params.backtest.model_copy(update={"origins": 60})
    hindcasts = planned_backtest(series, xr.Dataset(), forecasters, plan, ALONE)
    write_netcdf(calibrate(hindcasts, MODELS, 36), paths.forecast_file("combined", "globe"))
    write_netcdf(xr.Dataset(attrs={"skipped": "too short"}), paths.forecast_file("early", "globe"))
    write_netcdf(series, paths.series_file("globe"))
    for path in (paths.forecast_file("combined", "mauna-loa-co2"), paths.series_file("mauna-loa-co2")):
        write_netcdf(xr.Dataset(attrs={"skipped": "no source"}), path)
    write_netcdf(xr.Dataset(), paths.COVARIATES)
    blocks = list(params.score.blocks)
    names = np.full((1, len(blocks)), "trend-ar1", dtype=object)
    opponents = xr.Dataset({"opponent": (("quantity", "block"), names)}, {"quantity": ["temperature"], "block": blocks})
    write_netcdf(opponents, paths.OPPONENTS)
    source = find_source("ncep-air")
    names_of = ("key", "title", "publisher", "version", "licence", "licence_url", "citation", "doi", "homepage")
    file = {"url": "https://example.org", "via": "a test", "sha256": f"{last[-2:]}" * 32, "file_date": "", "bytes": 1}
    content = {name: getattr(source, name) for name in names_of}
    content |= {"vintage": last, "channel": "registry", "status": "ok", "reasons": ()}
    content |= {"files": {"air.mon.mean.nc": file}}
    (paths.DATA / "ncep-air").mkdir(parents=True, exist_ok=True)
    write_provenance(Provenance.model_validate(content), paths.DATA / "ncep-air")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with parameters and the results for the newest release of the catalogue."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    edit(tmp_path / "params.yaml", shrink)
    monkeypatch.chdir(tmp_path)
    write_results("2026-02")
    return tmp_path


def rows() -> list[str]:
    return paths.LEDGER.read_text(encoding="utf-8").splitlines()


@pytest.mark.usefixtures("project")
def test_a_second_run_gives_the_same_bytes() -> None:
    run()
    first = rows()
    run()
    assert rows() == first
    ledger = parse("\n".join(first))
    assert ledger["model"].unique().tolist() == MODELS
    assert ledger["issued"].unique().tolist() == ["2026-02"]
    assert ledger["vintage"].unique().tolist() == ["ncep-air@2026-02"]
    assert ledger["made"].unique().tolist() == [AT_ISSUE]


@pytest.mark.usefixtures("project")
def test_a_refresh_appends_and_leaves_every_earlier_line() -> None:
    write_results("2025-11")
    run()
    before = rows()
    assert set(parse("\n".join(before))["made"]) == {LATER}  # the catalogue knows of a newer release
    write_results("2026-02")
    run()
    assert set(before) < set(rows())
    assert len(rows()) == 2 * len(before) - 1


@pytest.mark.usefixtures("project")
def test_a_changed_line_stops_the_stage_and_the_file_stays() -> None:
    run()
    changed = [line.replace("2026-02,globe,trend-ar1,3,", "2026-02,globe,trend-ar1,3,9") for line in rows()]
    paths.LEDGER.write_text("\n".join(changed), encoding="utf-8")
    with pytest.raises(ClimateError, match=r"2026-02 globe trend-ar1, lead 3.*git checkout"):
        run()
    assert rows() == changed


@pytest.mark.usefixtures("project")
def test_a_skipped_region_has_no_lines_and_loses_none() -> None:
    run()
    before = rows()
    write_netcdf(xr.Dataset(attrs={"skipped": "a reason"}), paths.forecast_file("combined", "globe"))
    run()
    assert rows() == before


def releases(monkeypatch: pytest.MonkeyPatch, change: float = 0.0) -> None:
    """Releases of the source as tables of one series; the newest one differs by `change`."""

    @contextmanager
    def release(_: str, vintage: str) -> Iterator[SimpleNamespace]:
        record = make_record(vintage)
        values = record["value"].values + (change if vintage == "2026-02" else 0)
        content = table(record["time"].values, {"globe": values})
        yield SimpleNamespace(vintage=vintage, digests={"air.mon.mean.nc": vintage[-2:] * 32}, read=lambda: content)

    monkeypatch.setattr(command, "release", release)


@pytest.mark.usefixtures("project")
def test_an_older_release_is_issued_as_a_run_on_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    releases(monkeypatch)
    run()
    at_issue = rows()
    said = issue("ncep-air", "2025-11")
    assert said.endswith("28 lines added, forecasts of 1 region from 2025-11, made later")
    assert set(at_issue) < set(rows())
    both = rows()
    assert issue("ncep-air", "2025-11").startswith("reports/ledger.csv: 0 lines added")
    assert rows() == both
    write_results("2025-11")
    paths.LEDGER.unlink()
    run()
    assert set(rows()) == {both[0], *(set(both) - set(at_issue))}


@pytest.mark.usefixtures("project")
def test_a_release_that_was_revised_since_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    releases(monkeypatch, change=0.1)
    with pytest.raises(ClimateError, match=r"ncep-air 2025-11: found 935 values .*climate vintages as-of 2025-11"):
        issue("ncep-air", "2025-11")
    assert not paths.LEDGER.exists()


def test_values_that_a_newer_release_lacks_are_refused() -> None:
    old = table(months("2000-01", 24), {"one": np.arange(24.0)})
    assert last_month(old, table(months("2000-01", 30), {"one": np.arange(30.0)}), "x") == np.datetime64("2001-12")
    with pytest.raises(ClimateError, match="x: found 1 value "):
        last_month(old, old.isel(time=slice(1, None)), "x")


def test_only_regions_that_rest_on_the_source_alone_are_issued() -> None:
    params = load_params(ROOT / "params.yaml")
    chosen = regions_of("ncep-air", params)
    assert chosen == [name for name in params.regions if name != "mauna-loa-co2"]
    refused = {"noaa-co2-mlo": "no region", "natural-earth": "no region", "nothing": "not in params.yaml"}
    for key, reason in refused.items():
        with pytest.raises(ClimateError, match=reason):
            regions_of(key, params)


def test_models_are_made_with_the_settings_of_their_section() -> None:
    params = load_params(ROOT / "params.yaml")
    lstm = params.lstm.model_copy(update={"epochs": 1})
    made = make_forecasters(["lstm-direct", "ets"], params.model_copy(update={"lstm": lstm}))
    assert [model.name for model in made] == ["lstm-direct", "ets"]
    assert made[0].params.epochs == 1
