"""`climate check`, `climate regions` and `climate sources` as somebody types them: words, exit status, no traceback."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from climate import cli
from climate.commands.record_text import facts, plot, seam_lines
from climate.harmonize.build import harmonize
from climate.harmonize.checks import examine
from climate.harmonize.series import make_series
from climate.params.params import load_params
from climate.sources.catalogue import find_source
from climate.sources.channels.verify import sha256_of
from climate.sources.provenance import Provenance, read_provenance, write_provenance
from climate.sources.pulled import read_sources
from tests.conftest import ROOT
from tests.records import months

COUNTRIES = "GlobalLandTemperaturesByCountry.csv"


@dataclass
class Done:
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line of a refusal."""
        lines = self.err.strip().splitlines()
        assert self.status == 1, (self.status, self.out, self.err)
        assert "Traceback" not in self.err
        assert lines[-1].startswith("climate: "), self.err
        assert self.out == ""
        return lines[-1]


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process; any exception but the ones that it turns into words fails the test."""

    monkeypatch.setattr("climate.commands.check.WIDTH", 400)  # no cell of the table is broken into lines

    def command(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["climate", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        code = end.value.code
        found = capsys.readouterr()
        return Done(code if isinstance(code, int) else 0, found.out, found.err)

    return command


def recorded(key: str, folder: Path) -> None:
    """Write the provenance of whatever lies in `folder`."""
    source = find_source(key)
    files: dict[str, dict[str, Any]] = {}
    for file in source.files:
        path, url = folder / file.name, file.url.replace("{version}", source.version)
        files[file.name] = {"url": url, "via": "a test", "sha256": sha256_of(path), "file_date": ""}
        files[file.name]["bytes"] = path.stat().st_size
    names = ("title", "publisher", "licence", "licence_url", "citation", "doi", "key", "version", "homepage")
    kept = {name: getattr(source, name) for name in names}
    pulled = {"vintage": "latest", "channel": "own", "status": "ok", "files": files, "reasons": ()}
    write_provenance(Provenance.model_validate(kept | pulled), folder)


def countries(gap: slice) -> str:
    """Absolute monthly temperature of two invented countries in the layout of the published table."""
    rows = ["dt,AverageTemperature,AverageTemperatureUncertainty,Country"]
    for shift, country in ((0.0, "Lowland"), (-5.0, "Upland")):
        for i, at in enumerate(months("1900-01", 1320).astype("datetime64[M]")):
            absent = country == "Upland" and i in range(1320)[gap]
            value = (
                f"{10 + shift + 8 * np.cos(2 * np.pi * i / 12) + i / 600 + 0.3 * (i * 37 % 101 / 101 - 0.5):.3f},0.4"
            )
            rows.append(f"{at}-01,{',' if absent else value},{country}")
    return "\n".join(rows) + "\n"


def params(**changes: Any) -> dict[str, Any]:
    """The repository's parameters with three sources: a table, a grid, and one that was never pulled."""
    content: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["pull"]["sources"] = {
        "kaggle-countries": {"vintage": "latest"},
        "ncep-air": {"vintage": "latest"},
        "gistemp-nh": {"vintage": "latest"},
    }
    content["harmonize"] |= {"splices": {}, "combinations": {}}
    content["panels"] = {}
    content["regions"] = {
        "lowland": {"title": "Lowland", "source": "kaggle-countries", "series": "Lowland"},
        "upland": {"title": "Upland", "source": "kaggle-countries", "series": "Upland"},
        "both": {"title": "Both", "mix": {"lowland": 3.0, "upland": 1.0}},
        "tropics": {"title": "Tropics", "source": "ncep-air", "box": {"lat": [-20, 20], "lon": [-180, 180]}},
        "north": {"title": "North", "source": "gistemp-nh", "series": "northern hemisphere"},
        "late": {"title": "Late", "source": "kaggle-countries", "series": "Lowland", "start": "1961-01"},
    }
    content["backtest"] |= {"first_origin": "1995-12", "min_history": 600}
    content["score"]["hypotheses"] = {}
    content["score"]["opponent"] |= {"verified_before": "1995-01", "regions": []}
    content["records"] = {"mountain": {"title": "Mountain", "source": "kaggle-countries", "series": "Upland"}}
    content["covariates"] = {
        "cell": {"title": "A cell", "source": "ncep-air", "point": {"lat": 4.0, "lon": 12.0, "method": "bilinear"}}
    }
    content["notebooks"], content["ceiling"] = {}, {}
    return content | changes


def write_params(regions: dict[str, Any], sources: dict[str, Any], **changes: Any) -> None:
    """params.yaml with these regions and sources alone."""
    content = params(covariates={}, records={}, regions=regions, **changes)
    content["pull"]["sources"] = sources
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


@pytest.fixture(scope="session")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a table of two countries and a coarse grid."""
    data = tmp_path_factory.mktemp("pulled") / "data"
    table = data / "kaggle-countries"
    table.mkdir(parents=True)
    (table / COUNTRIES).write_text(countries(slice(700, 704)), encoding="utf-8")
    recorded("kaggle-countries", table)
    time, lat, lon = months("1948-01", 720), np.arange(80.0, -81.0, -20.0), np.arange(0.0, 360.0, 30.0)
    season = np.cos(2 * np.pi * np.arange(720) / 12)[:, None, None] * np.sin(np.deg2rad(lat))[None, :, None]
    value = 15 + 10 * season + np.random.default_rng(5).normal(0, 0.5, (720, lat.size, lon.size))
    grid = xr.Dataset(
        {"air": (("time", "lat", "lon"), value.astype("float32"), {"units": "degC"})},
        coords={
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )
    (data / "ncep-air").mkdir()
    grid.to_netcdf(data / "ncep-air" / "air.mon.mean.nc")
    recorded("ncep-air", data / "ncep-air")
    return data


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to run commands in, without a mirror."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIMATE_MIRROR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def project(pulled: Path, tmp_path: Path) -> Path:
    """The folder with data/ and params.yaml."""
    shutil.copytree(pulled, tmp_path / "data")
    (tmp_path / "params.yaml").write_text("# My regions.\n" + yaml.safe_dump(params(), sort_keys=False))
    return tmp_path


# Regions


@pytest.mark.usefixtures("project")
def test_regions_list_names_every_region_record_and_covariate(run: Run) -> None:
    done = run("regions", "list")
    assert done.status == 0
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert set(lines) == {"lowland", "upland", "both", "tropics", "north", "late", "mountain", "cell"}
    assert lines["both"].endswith("Both: mix lowland 3.0, upland 1.0, from kaggle-countries")
    assert lines["mountain"].endswith("(shown, not forecast)")
    assert lines["cell"].endswith("(a predictor, seen up to the origin)")


@pytest.mark.usefixtures("project")
def test_a_record_with_gaps_is_shown_in_words_and_as_a_plot(run: Run) -> None:
    done = run("regions", "show", "upland")
    assert done.status == 0
    assert "Upland: series Upland" in done.out
    assert "Source: kaggle-countries, vintage latest, Berkeley Earth on Kaggle" in done.out
    assert "From 1900-01 to 2009-12: 1316 months, in degC, anomaly from 1961-1990" in done.out
    assert "Missing between: 4 months (1958-05 to 1958-08)" in done.out
    assert "Uncertainty is published throughout." in done.out
    assert "For the first forecast, from 1995-12: 1148 months of history, enough" in done.out
    bars, years = done.out.splitlines()[-2:]
    assert set(bars) <= set(" ▁▂▃▄▅▆▇█")
    assert {"▁", "█"} <= set(bars)
    assert (years[:4], years[-4:]) == ("1900", "2009")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("both", ["Both: mix lowland 3.0, upland 1.0", "Missing between: 4 months (1958-05 to 1958-08)"]),
        ("tropics", ["Grid: 36 cells, 100% of the area; months with values", "Period Satellites: 1979-01 to 2007-12"]),
        ("late", ["1995-12: 420 months of history, too few, backtest.min_history asks for"]),
        ("mountain", ["Mountain: series Upland (shown, not forecast)"]),
        ("cell", ["(a predictor, seen up to the origin)", "Grid: 4 cells", "No month is missing between."]),
        ("north", ["gistemp-nh, vintage latest, GISTEMP v4", "not pulled yet", "once its sources are pulled"]),
    ],
)
def test_every_kind_is_shown(name: str, texts: list[str], run: Run) -> None:
    done = run("regions", "show", name)
    assert done.status == 0, done.err
    for text in texts:
        assert text in done.out
    assert ("For the first forecast" in done.out) == (name in ("both", "tropics", "late"))


def test_a_source_that_could_not_be_had_is_named(run: Run, project: Path) -> None:
    folder = project / "data" / "gistemp-nh"
    folder.mkdir()
    lost = read_provenance(project / "data" / "kaggle-countries").model_copy(
        update={"key": "gistemp-nh", "status": "missing", "files": {}, "reasons": ("publisher: no answer",)}
    )
    write_provenance(lost, folder)
    done = run("regions", "show", "north")
    assert done.status == 0
    assert "unavailable: publisher: no answer" in done.out
    assert "Cannot be made: gistemp-nh: publisher: no answer" in done.out


@pytest.mark.parametrize(
    ("words", "entry"),
    [
        (["--source", "kaggle-countries", "--series", "Upland", "--start", "1950-01", "--end", "2000-12"], {
            "source": "kaggle-countries", "series": "Upland", "start": "1950-01", "end": "2000-12"
        }),
        (["--source", "ncep-air", "--box=-10,10,170,-120"], {
            "source": "ncep-air", "box": {"lat": [-10.0, 10.0], "lon": [170.0, -120.0]}
        }),
        (["--source", "ncep-air", "--point", "54.3,10.1"], {
            "source": "ncep-air", "point": {"lat": 54.3, "lon": 10.1, "method": "nearest"}
        }),
        (["--source", "ncep-air", "--point=-1,36.8", "--method", "bilinear"], {
            "source": "ncep-air", "point": {"lat": -1.0, "lon": 36.8, "method": "bilinear"}
        }),
        (["--mix", "upland=0.5,tropics=0.5"], {"mix": {"upland": 0.5, "tropics": 0.5}}),
    ],
)  # fmt: skip
def test_a_region_is_added_and_can_be_shown(words: list[str], entry: dict[str, Any], run: Run, project: Path) -> None:
    before = (project / "params.yaml").read_text()
    done = run("regions", "add", "my-place", "--title", "My place", *words)
    assert done.status == 0, done.err
    assert re.fullmatch(
        r"Added regions.my-place to params.yaml. From \d{4}-\d\d to \d{4}-\d\d: \d+ months, in degC, anomaly from "
        r"1961-1990. `dvc repro` computes it.\n",
        done.out,
    )
    after = (project / "params.yaml").read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert len(added) == 1
    assert after.replace(added[0] + "\n", "") == before
    assert yaml.safe_load(after)["regions"]["my-place"] == {"title": "My place"} | entry
    assert run("regions", "show", "my-place").status == 0


@pytest.mark.usefixtures("project")
def test_a_region_whose_source_is_not_pulled_is_added_unseen(run: Run) -> None:
    done = run("regions", "add", "again", "--title", "x", "--source", "gistemp-nh", "--series", "northern hemisphere")
    assert done.out == "Added regions.again to params.yaml. `dvc repro` computes it.\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["new"], "expected exactly one of series, box, point, country, ar6, splice, combination, mix; found none"),
        (["new", "--series", "Midland", "--source", "kaggle-countries"], "unknown series 'Midland', expected one such"),
        (["new", "--series", "Upland", "--source", "kaggle-lands"], "unknown source 'kaggle-lands'"),
        (["new", "--series", "global", "--source", "hadcrut5"], "`climate sources add hadcrut5` adds it"),
        (["new", "--country", "Kenya", "--source", "ncep-air"], "'natural-earth', which is not under pull.sources"),
        (["new", "--box", "1,2,3", "--source", "ncep-air"], "--box: found '1,2,3', expected 4 numbers as south,north"),
        (["new", "--box", "20,10,0,30", "--source", "ncep-air"], "lat must run from south to north"),
        (["new", "--point", "north,10", "--source", "ncep-air"], "--point: found 'north,10', expected 2 numbers"),
        (["new", "--mix", "upland"], "--mix: found 'upland', expected each region once as region=weight"),
        (["new", "--mix", "upland=1,upland=2"], "expected each region once"),
        (["new", "--mix", "upland=much"], "--mix: found 'upland=much'"),
        (["new", "--mix", "atlantis=1"], "unknown region 'atlantis' in its mix, expected one such as"),
        (["New One", "--series", "Upland", "--source", "kaggle-countries"], "regions.New One"),
        (["upland", "--series", "Upland", "--source", "kaggle-countries"], "regions.upland exists already"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(words: list[str], message: str, run: Run, project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    line = run("regions", "add", *words, "--title", "A place").line
    assert message in line
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["regions", "show", "uplands"], "unknown region 'uplands': expected one of params.yaml such as upland"),
        (["sources", "show", "gistemp-nhh"], "gistemp-nh"),
        (["vintages", "list", "nowhere"], "unknown source 'nowhere'"),
        (["pull", "hadcrut5"], "'hadcrut5' is not under pull.sources of params.yaml"),
    ],
)
def test_unknown_names_are_answered_with_near_ones(words: list[str], message: str, run: Run) -> None:
    assert message in run(*words).line


@pytest.mark.parametrize(
    "words",
    [["regions", "list"], ["regions", "show", "a"], ["regions", "add", "a", "--title", "b"], ["check"], ["harmonize"]],
)
def test_outside_the_repository_every_command_says_so(words: list[str], run: Run) -> None:
    assert "params.yaml not found: run this command in the repository's top folder" in run(*words).line


def test_sources_are_listed_and_shown(run: Run) -> None:
    listed = run("sources", "list").out
    assert "noaa-co2-mlo" in listed
    shown = run("sources", "show", "noaa-co2-mlo").out
    for text in ("Title:", "Publisher:", "Licence:", "Cite:", "Channels:", "Vintage:"):
        assert text in shown


# A record in words


def record(values: np.ndarray, first: str = "1900-01", **more: Any) -> xr.Dataset:
    attrs = {"units": "ppm", "quantity": "co2", "kind": "absolute", "baseline": ""}
    return make_series(months(first, values.size), values, attrs, **more)


def test_yearly_values_before_months_are_told_apart() -> None:
    values = np.full(600, np.nan)
    values[:240:12], values[300:] = 1.0, 2.0
    found = facts(record(values))
    assert (
        found[0]
        == "From 1900-01 to 1919-01: 20 values, one a year or fewer, in ppm; the widest gap is 1900-01 to 1901-01"
    )
    assert found[1] == "From 1925-01 to 1949-12: 300 months, in ppm"
    assert "No month is missing between." in found


def test_only_the_longest_gaps_are_named() -> None:
    values = np.ones(600)
    for start, length in ((20, 1), (40, 2), (60, 3), (80, 4), (100, 5), (120, 6), (140, 1)):
        values[start : start + length] = np.nan
    line = next(text for text in facts(record(values)) if text.startswith("Missing"))
    assert line.startswith("Missing between: 22 months (1903-05 to 1903-06, ")
    assert line.endswith("1910-01 to 1910-06 and 2 shorter ones)")


def test_what_was_filled_where_collection_changes_and_what_is_uncertain() -> None:
    n = 48
    filled, uncertain = np.zeros(n, dtype=bool), np.full(n, np.nan)
    filled[7], uncertain[24:] = True, 0.1
    site = np.where(np.arange(n) < 30, "Hill", "Hill,Valley")
    found = facts(record(np.ones(n), site=site, interpolated=filled, uncertainty=uncertain))
    assert "Filled in by the publisher: 1 month (1900-08)" in found
    assert "Uncertainty is published for 24 values, 1902-01 to 1903-12" in found
    assert "Site Hill: 1900-01 to 1902-06" in found
    assert "Site Hill, Valley: 1902-07 to 1903-12" in found
    away = np.where((np.arange(n) >= 6) & (np.arange(n) < 9), "Valley", "Hill")
    assert "Site Hill: 1900-01 to 1900-06, 1900-10 to 1903-12" in facts(record(np.ones(n), site=away))
    assert "Site Hill: 1900-01 to 1903-11, with breaks" in facts(
        record(np.ones(n), site=np.where(np.arange(n) % 2, "Valley", "Hill"))
    )


def test_a_year_that_has_only_begun_has_no_bar() -> None:
    values = np.concatenate([np.full(24, 1.0), np.full(12, 2.0), [50.0, 50.0]])
    bars, years = plot(record(values), "complete")
    assert bars == "▁▁█ "
    assert "1.00 to 2.00 ppm" in years
    assert plot(record(values), "nine-months")[0] == "▁▁█ "
    assert plot(record(values[:11]), "complete") == []


# Checks on doctored files


class Source:
    """One source in data/ as pulled from the mirror, to be doctored."""

    def __init__(self, key: str, vintage: str, project: Path) -> None:
        self.key, self.vintage = key, vintage
        self.folder = project / "data" / key

    def replace(self, old: str, new: str, count: int = 1) -> None:
        """Change the text of its one file, as if the publisher had written it so."""
        path = self.folder / next(iter(read_provenance(self.folder).files))
        text = path.read_bytes().decode("latin-1")
        assert len(re.findall(old, text)) >= 1, f"{path} holds no {old}"
        path.write_bytes(re.sub(old, new, text, count=count).encode("latin-1"))
        self.record()

    def record(self, **file: Any) -> None:
        """Let provenance say what is there."""
        held = read_provenance(self.folder)
        files = {
            name: one.model_copy(update={"sha256": sha256_of(self.folder / name)} | file)
            for name, one in held.files.items()
        }
        write_provenance(held.model_copy(update={"files": files}), self.folder)


Pull = Callable[..., Source]


@pytest.fixture
def pull(run: Run, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pull:
    """Pull one source of the mirror into data/ of a project that has no other."""
    monkeypatch.setenv("CLIMATE_MIRROR", str(mirror))

    def one(key: str, vintage: str, previous: str | None = None) -> Source:
        names = find_source(key).options.get("series")
        series = next(iter(names.values())) if isinstance(names, dict) else names
        place = {"title": "Place", "source": key, "series": series}
        against = {"against": {key: previous} if previous else {}}
        write_params({"place": place}, {key: {"vintage": vintage}}, revisions=against)
        assert run("pull", key).status == 0
        shutil.copytree(tmp_path / "downloads" / key, tmp_path / "data" / key)
        return Source(key, vintage, tmp_path)

    return one


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """(source, check) -> statuses in the table of `climate check`."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines():
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) >= 4 and cells[2] in ("ok", "warning", "error"):
            found.setdefault((cells[0], cells[1]), []).append(cells[2])
    return found


@pytest.mark.parametrize(
    ("key", "vintage", "doctor", "check", "found"),
    [
        ("noaa-co2-mlo", "2026-02", ("NOAA GML DATA", "NOAA GML DATE"), "header is the declared one", "NOAA GML DATA"),
        ("hadcrut5", "2022-08", "another version in the address", "version in address and file", "5.0.2.0"),
        ("scripps-co2-mlo", "2025-02", ("'12' calibration", "'13' calibration"), "version in address and file", "13"),
        ("solar-flux", "2024-09", (r"(?m)^2000 \d+", "2000 9990"), "values in physical range", "999 sfu"),
        ("noaa-co2-mlo", "2026-02", (r"(File Creation: [\w :]+:\d+) 2026", r"\1 2028"), "newest month", "25 months"),
        ("gistemp-global", "2025-03", (r"(?m)^(2010,)-?\.\d+", r"\1***"), "rows never shrink", "1708 values to"),
        ("solar-flux", "2024-09", (r"2021 901 873 761", "2021 760 743 765"), "correction still needed", "corrected by"),
        ("gistemp-global", "2025-03", "touched", "files as pulled", "GLB.Ts+dSST.csv"),
        # These the readers refuse before any check sees a record.
        ("gistemp-global", "2025-03", (r"(?m)^(1950,.*\n)", r"\1\1"), "can be used", "GLB.Ts+dSST.csv"),
        ("noaa-co2-mlo", "2026-02", (r"(?m)^(1990,5,.*\n)", r"\1\1"), "can be used", "co2_mm_mlo.csv"),
    ],
)  # fmt: skip
def test_each_check_fails_on_a_file_doctored_to_break_it(
    key: str, vintage: str, doctor: Any, check: str, found: str, pull: Pull, run: Run
) -> None:
    one = pull(key, vintage)
    assert run("check").status == 0
    path = one.folder / next(iter(read_provenance(one.folder).files))
    if doctor == "another version in the address":
        file = find_source(key).files[0]
        one.record(url=file.url.replace("{version}", "5.0.2.0"))
    elif doctor == "touched":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        one.replace(*doctor)
    done = run("check")
    assert done.status == 1
    assert "Traceback" not in done.err
    assert "error" in rows(done.out)[key, check], done.out
    assert found in done.out


def test_a_check_compares_with_the_previous_vintage(pull: Pull, run: Run) -> None:
    """Counts alone would not see a month that is lost while another is filled in."""
    pull("gistemp-global", "2025-03", previous="2022-06").replace(r"(?m)^(2010,)(-?\.\d+)", r"\1***")
    done = run("check")
    assert "1 value fewer, first 2010-01 of 'global'" in done.out
    assert done.status == 1


# Corrections


def test_the_correction_of_the_solar_flux_agrees_with_daily_values(pull: Pull) -> None:
    """Monthly means of the observed flux at Penticton in 2021, from daily values of Natural Resources Canada.

    The daily values are those that CelesTrak collects (celestrak.org/SpaceData, file SW-All.txt of 2025-07-21), one
    reading a day; the monthly file differs from their means by up to 1.4 sfu (March), by 0.5 in most months.
    """
    daily = [76.0, 73.7, 75.1, 74.8, 75.4, 79.6, 81.0, 77.7, 87.3, 89.7, 87.1, 103.0]
    pull("solar-flux", "2024-09")
    value = read_sources(["solar-flux"], examine).records["solar-flux"]["value"].isel(series=0)
    year = value.sel(time=slice("2021-01", "2021-12")).values
    assert np.flatnonzero(np.isnan(year)).tolist() == [4, 8]
    np.testing.assert_allclose(year[~np.isnan(year)], np.delete(daily, [4, 8]), atol=1.5)
    assert value.sel(time="2020-12").item() == pytest.approx(87.3)
    assert value.sel(time="2022-01").item() == pytest.approx(104.1)


# A copy of one's own


def test_a_downloaded_zip_is_named_and_used(
    run: Run, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worked example of docs/records.md."""
    text = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    example = yaml.safe_load(re.search(r"```yaml\n(pull:\n.*?)```", text, re.DOTALL).group(1))  # type: ignore[union-attr]
    home = tmp_path / "home"
    (home / "Downloads").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    with zipfile.ZipFile(home / "Downloads" / "archive.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(mirror / "kaggle" / "GlobalTemperatures.csv", "GlobalTemperatures.csv")
    with zipfile.ZipFile(home / "Downloads" / "archive (1).zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(mirror / "kaggle" / "archive.csv", "archive.csv")
    write_params(example["regions"], example["pull"]["sources"])
    assert load_params().pull.sources["kaggle-global"].path == "~/Downloads/archive.zip"
    for key, via in (
        ("kaggle-global", "the user's archive.zip: GlobalTemperatures.csv"),
        ("kaggle-co2", "the user's archive (1).zip: archive.csv"),
    ):
        done = run("pull", key)
        assert done.status == 0
        held = read_provenance(tmp_path / "downloads" / key)
        assert (held.status, held.channel, held.reasons) == ("ok", "own", ())
        assert [file.via for file in held.files.values()] == [via]
        assert str(tmp_path) not in (tmp_path / "downloads" / key / "provenance.json").read_text()
    (tmp_path / "downloads").rename(tmp_path / "data")
    assert run("check").status == 0
    shown = run("regions", "show", "kaggle-land").out
    assert "From 1750-01 to 2015-12: 3180 months" in shown
    assert "Filled" not in shown
    assert "From 1958-03 to 2017-02: 703 months, in ppm" in run("regions", "show", "kaggle-co2").out


@pytest.mark.parametrize(
    ("place", "refusal"),
    [
        ("nowhere", "the `path` of params.yaml is not there"),
        ("empty", "archive.csv: not found in the folder that `path` names, or in a zip there"),
        ("other.zip", "archive.csv: not found in the zip other.zip"),
        ("page.csv", "found a web page, expected data"),
        ("escape.zip", "outside its folder"),
        ("linked", "found a link that leads out"),
    ],
)
def test_a_copy_that_cannot_be_used_is_refused_in_one_line(place: str, refusal: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "archive.csv").symlink_to("/etc/hostname")
    (tmp_path / "page.csv").write_text("<!doctype html><title>Sign in</title>" + " " * 30000)
    for name, member in (("other.zip", "notes.txt"), ("escape.zip", "../archive.csv")):
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.writestr(member, "x")
    regions = {"co2": {"title": "CO2", "source": "kaggle-co2", "series": "co2"}}
    write_params(regions, {"kaggle-co2": {"vintage": "latest", "path": str(tmp_path / place)}})
    done = run("pull", "kaggle-co2")
    assert done.status == 0  # one source that is missing stops no other
    held = read_provenance(tmp_path / "downloads" / "kaggle-co2")
    assert held.status == "missing"
    assert held.reasons[0].startswith("own: ")
    assert refusal in held.reasons[0]


# Combinations


def uncommented(text: str) -> str:
    """params.yaml with its examples switched on: commented lines that are entries of YAML and no prose."""
    return re.sub(r"(?m)^( *)# ( *(?:- \{.*\}|[a-z0-9_-]+:(?: \{.*\}| \"[\d-]+\")?))$", r"\1\2", text)


def test_the_examples_of_the_parameters_work(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """The four global records: no step where one begins or ends, and their spread, as the commented example has it."""
    monkeypatch.setenv("CLIMATE_MIRROR", str(mirror))
    text = uncommented((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key, vintage in (("hadcrut5", "2022-08"), ("noaa-globaltemp", "2025-02")):  # the mirror lacks today's release
        assert f"{key}: {{vintage: latest}}" in text
        text = text.replace(f"{key}: {{vintage: latest}}", f'{key}: {{vintage: "{vintage}"}}')
    (tmp_path / "params.yaml").write_text(text)
    read = load_params()
    assert set(read.harmonize.combinations) == {"global-records"}
    members = read.harmonize.combinations["global-records"].members
    for part in members:
        assert run("pull", part.source).status == 0
    (tmp_path / "downloads").rename(tmp_path / "data")
    pulled_sources = read_sources([part.source for part in members], examine)
    assert pulled_sources.unavailable == {}
    made = harmonize(
        pulled_sources.records,
        {"global-records": read.regions["global-records"]},
        read.harmonize.model_copy(update={"splices": {}}),
    )
    combined = made.series["global-records"]
    assert str(combined["time"].values[0])[:7] == "1850-01"
    count = combined["members"].values
    assert (count.min(), count.max()) == (1, 4)
    joins = [str(join)[:7] for join in made.seams["join"].values]
    assert joins == ["1880-01", "2022-07", "2024-07", "2025-03"]  # GISTEMP comes; three publishers' files end
    assert np.abs(made.seams["step"].values).max() < 0.01
    spread = combined["spread"].sel(time=slice("1990", "2020"))
    assert 0.01 < float(spread.mean()) < 0.06
    assert len(seam_lines(made.seams)) == 4
    shown = run("regions", "show", "global-records").out
    assert "Members: 1 to 4 at a time; standard deviation between them" in shown
