"""`climate sources add`: sources of the catalogue and files of one's own, as somebody types it."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import zipfile
import zlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

from climate import cli
from climate.commands import own_files
from climate.params.params import load_params
from climate.sources.own_files import collect
from climate.sources.provenance import read_provenance
from climate.stages import pull as pull_stage
from tests.conftest import ROOT
from tests.records import months

BOX = {"lat": [-90, 90], "lon": [-180, 180]}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: the parameters of this one without regions and what rests on them, and one source."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["pull"] = {"sources": {"ncep-air": {"vintage": "2026-02"}, "natural-earth": {"vintage": "2022"}}, "own": {}}
    params["regions"] = {"globe": {"title": "Globe", "source": "ncep-air", "box": BOX}}
    params["harmonize"] |= {"splices": {}, "combinations": {}}
    params["notebooks"], params["ceiling"], params["records"] = {}, {}, {}
    params["covariates"], params["panels"], params["revisions"] = {}, {}, {}
    params["score"]["hypotheses"] = {}
    params["score"]["opponent"]["regions"] = []
    (tmp_path / "params.yaml").write_text("# Mine.\n" + yaml.safe_dump(params, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIMATE_MIRROR", raising=False)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line without a terminal: exit status, output, last line of errors."""

    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["climate", *words])
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        code = end.value.code
        return code if isinstance(code, int) else 0, shown.out, (shown.err.strip().splitlines() or [""])[-1]

    return command


def own() -> dict[str, Any]:
    """pull.own of params.yaml."""
    found = yaml.safe_load(Path("params.yaml").read_text())["pull"]["own"]
    assert isinstance(found, dict)
    return found


def grid(path: Path, start: str = "1961-01", number: int = 360, **attrs: str) -> Path:
    """A NetCDF file of temperature around the globe."""
    lat, lon = np.arange(-87.5, 90, 5.0), np.arange(-177.5, 180, 5.0)
    value = np.broadcast_to(288 - 50 * np.abs(np.sin(np.deg2rad(lat)))[None, :, None], (number, lat.size, lon.size))
    xr.Dataset(
        {"t2m": (("time", "lat", "lon"), value.astype("float32"), {"units": "K", "long_name": "Temperature"} | attrs)},
        coords={
            "time": months(start, number),
            "lat": ("lat", lat, {"units": "degrees_north"}),
            "lon": ("lon", lon, {"units": "degrees_east"}),
        },
    ).to_netcdf(path)
    return path


def table(path: Path, header: str = "date,temperature") -> Path:
    """A CSV file of two years of months."""
    width = header.count(",")
    rows = [f"{month}" + ",10.25" * width for month in months("1990-01", 24).astype("datetime64[M]")]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def packed(path: Path, *files: Path) -> Path:
    """A zip of `files`."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return path


def as_file(folder: Path) -> str:
    return str(grid(folder / "t2m.nc"))


def as_other_name(folder: Path) -> str:
    return str(grid(folder / "t2m.nc").rename(folder / "t2m.grid"))


def as_folder(folder: Path) -> str:
    (folder / "era5").mkdir()
    grid(folder / "era5/a.nc", number=180)
    grid(folder / "era5/b.nc", start="1976-01", number=180)
    (folder / "era5/readme.txt").write_text("Downloaded yesterday.")
    return "era5"


def as_pattern(folder: Path) -> str:
    as_folder(folder)
    return "era5/*.nc"


def as_gzip(folder: Path) -> str:
    file = grid(folder / "t2m.nc")
    (folder / "t2m.nc.gz").write_bytes(gzip.compress(file.read_bytes()))
    return "t2m.nc.gz"


def as_zip_of_two(folder: Path) -> str:
    as_folder(folder)
    return packed(folder / "t2m.zip", folder / "era5/a.nc", folder / "era5/b.nc").name


def as_zip_that_is_called_nc(folder: Path) -> str:
    return packed(folder / "download.nc", grid(folder / "t2m.nc")).name


def zarr(file: Path, store: Path, chunks: dict[str, int]) -> Path:
    """A Zarr store of format 2 with the variables of a NetCDF file as they are stored, as its specification has it."""
    with xr.open_dataset(file, decode_times=False, mask_and_scale=False) as opened:
        for name, variable in opened.variables.items():
            folder = store / str(name)
            folder.mkdir(parents=True)
            shape = [min(size, chunks[str(dim)]) for dim, size in variable.sizes.items()]
            about = {
                "zarr_format": 2,
                "shape": variable.shape,
                "chunks": shape,
                "dtype": variable.dtype.str,
                "order": "C",
            }
            about |= {"compressor": {"id": "zlib", "level": 1}, "filters": None, "fill_value": None}
            attrs = {key: value for key, value in variable.attrs.items() if key != "_FillValue"}
            (folder / ".zarray").write_text(json.dumps(about))
            (folder / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": variable.dims, **attrs}, default=float))
            for number in np.ndindex(*(-(-size // step) for size, step in zip(variable.shape, shape, strict=True))):
                place = tuple(slice(one * step, (one + 1) * step) for one, step in zip(number, shape, strict=True))
                part = variable.values[place]
                whole = np.pad(part, [(0, step - size) for size, step in zip(part.shape, shape, strict=True)])
                (folder / ".".join(map(str, number))).write_bytes(zlib.compress(whole.tobytes()))
    (store / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    file.unlink()
    return store


def as_zarr(folder: Path) -> str:
    return zarr(grid(folder / "t2m.nc"), folder / "t2m.zarr", {"time": 50, "lat": 10, "lon": 100}).name


FORMS = [as_file, as_other_name, as_folder, as_pattern, as_gzip, as_zip_of_two, as_zip_that_is_called_nc, as_zarr]


@pytest.mark.parametrize("form", FORMS)
def test_a_grid_is_added_pulled_and_read_in_any_form(form: Callable[[Path], str], run: Run, project: Path) -> None:
    path = form(project)
    status, out, error = run("sources", "add", "my-era5", "--path", path)
    assert (status, error) == (0, "")
    assert "Added pull.own.my-era5 to params.yaml: Temperature, temperature (absolute) in K." in out
    assert "1961-01 to 1990-12, 360 months with values, on 36 x 72 cells" in out
    assert "It covers the globe: any box, point, country or AR6 region can use it." in out
    entry = own()["my-era5"]
    assert (entry["path"], entry["variable"], entry["unit"], entry["kind"]) == (path, "t2m", "K", "absolute")
    assert Path("params.yaml").read_text().startswith("# Mine.\n")
    pull_stage.run("my-era5")
    held = read_provenance(Path("downloads/my-era5"))
    assert (held.status, held.channel) == ("ok", "own")
    assert all(name.endswith((".nc", ".grid.nc")) for name in held.files)
    assert str(project) not in Path("downloads/my-era5/provenance.json").read_text()
    shutil.move("downloads", "data")
    status, out, error = run(
        "regions", "add", "tropics", "--title", "T", "--source", "my-era5", "--box=-20,20,-180,180"
    )
    assert "From 1961-01 to 1990-12: 360 months" in out + error


def test_a_zarr_store_becomes_the_file_that_it_was_made_of(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    packed = draw.integers(-900, 900, (30, 36, 72)).astype("int16")
    attrs = {"units": "K", "scale_factor": 0.1, "add_offset": 280.0, "missing_value": -32767}
    original = xr.load_dataset(grid(tmp_path / "t2m.nc", number=30), decode_times=False)
    original["t2m"] = (("time", "lat", "lon"), packed, attrs)
    original.to_netcdf(tmp_path / "packed.nc")
    store = zarr(tmp_path / "packed.nc", tmp_path / "of.me.zarr", {"time": 30, "lat": 7, "lon": 7})
    (tmp_path / "out").mkdir()
    assert collect(str(store), tmp_path / "out", reader="netcdf_grid") == {"of.me.nc": "the user's of.me.zarr"}
    made = xr.load_dataset(tmp_path / "out/of.me.nc", decode_times=False, mask_and_scale=False)
    np.testing.assert_array_equal(made["t2m"], packed)
    assert {key: made["t2m"].attrs[key] for key in attrs} == attrs
    assert made["time"].attrs["units"] == original["time"].attrs["units"]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["of.me.nc"]


def test_a_zarr_store_on_s3_is_pulled(
    run: Run, project: Path, bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = project / as_zarr(project)
    for name, value in {**bucket, "AWS_ENDPOINT_URL": bucket["ENDPOINT"]}.items():
        monkeypatch.setenv(name, value)
    import_module("s3fs").S3FileSystem().put(f"{store}/", "team/grids/t2m.zarr/", recursive=True)
    shutil.rmtree(store)
    status, out, error = run("sources", "add", "my-era5", "--path", "s3://team/grids/t2m.zarr")
    assert (status, error) == (0, "")
    assert "1961-01 to 1990-12, 360 months with values, on 36 x 72 cells" in out
    pull_stage.run("my-era5")
    held = read_provenance(Path("downloads/my-era5"))
    assert (held.status, [*held.files], held.files["t2m.nc"].via) == ("ok", ["t2m.nc"], "the user's t2m.zarr")
    status, out, error = run("sources", "add", "other", "--path", "s3://team/grids/absent.zarr")
    assert status
    assert error.endswith("s3://team/grids/absent.zarr: found nothing there, expected a Zarr store")


def test_a_zarr_store_of_another_format_or_without_variables_is_refused(run: Run, project: Path) -> None:
    (project / "new.zarr").mkdir()
    (project / "new.zarr/zarr.json").write_text("{}")
    status, _, error = run("sources", "add", "mine", "--path", "new.zarr")
    assert (status, "found Zarr format 3, expected format 2; convert it first" in error) == (1, True)
    (project / "old.zarr").mkdir()
    (project / "old.zarr/.zgroup").write_text("{")
    status, _, error = run("sources", "add", "mine", "--path", "old.zarr")
    assert (status, "old.zarr: found a Zarr store that NetCDF cannot read" in error) == (1, True)


def test_the_next_command_that_is_named_works(run: Run, project: Path) -> None:
    grid(project / "t2m.nc")
    _, out, _ = run("sources", "add", "my-era5", "--path", "t2m.nc")
    words = next(line for line in out.splitlines() if line.startswith("Next: climate "))
    assert words == (
        'Next: climate regions add my-era5-globe --title "The globe" --source my-era5 --box=-90,90,-180,180'
    )
    assert (
        run("regions", "add", "my-era5-globe", "--title", "G", "--source", "my-era5", "--box=-90,90,-180,180")[0] == 0
    )
    assert "my-era5-globe" in load_params().regions


def test_a_regional_grid_says_where_it_can_be_used(run: Run, project: Path) -> None:
    whole = xr.open_dataset(grid(project / "whole.nc"))
    whole.sel(lat=slice(20, 70), lon=slice(-20, 40)).to_netcdf(project / "part.nc")
    _, out, _ = run("sources", "add", "part", "--path", "part.nc")
    assert "It covers 5% of the globe: boxes, points, countries and AR6 regions within 20 N-70 N, 20 W-40 E." in out
    assert "--box=20,70,-20,40" in out


def test_one_of_several_variables_is_chosen(run: Run, project: Path) -> None:
    first = xr.open_dataset(grid(project / "a.nc"))
    first.assign(d2m=first["t2m"] - 3).to_netcdf(project / "two.nc")
    status, _, error = run("sources", "add", "two", "--path", "two.nc")
    assert status == 1
    assert "two.nc holds t2m (Temperature), d2m" in error
    assert "choose one by --variable" in error
    status, _, error = run("sources", "add", "two", "--path", "two.nc", "--variable", "tas")
    assert "--variable: found 'tas', expected one of t2m, d2m" in error
    assert own() == {}
    assert run("sources", "add", "two", "--path", "two.nc", "--variable", "d2m")[0] == 0
    assert own()["two"]["variable"] == "d2m"


def test_options_stand_for_what_a_table_does_not_say(run: Run, project: Path) -> None:
    table(project / "t.csv", "date,north,south")
    status, _, error = run("sources", "add", "mine", "--path", "t.csv")
    assert status == 1
    assert "give --unit and --kind (absolute or anomaly), since nobody can be asked here" in error
    status, _, error = run("sources", "add", "mine", "--path", "t.csv", "--kind", "absolute")
    assert "give --unit, since" in error
    assert own() == {}
    status, out, _ = run("sources", "add", "mine", "--path", "t.csv", "--kind", "absolute", "--unit", "Celsius")
    assert status == 0
    assert "series: north, south." in out
    assert own()["mine"] | {"path": ""} == {
        "path": "",
        "title": "mine",
        "quantity": "temperature",
        "kind": "absolute",
        "unit": "degC",
        "reader": "csv_series",
    }


@pytest.mark.parametrize(
    ("unit", "quantity"), [("degC", "temperature"), ("K", "temperature"), ("ppm", "co2"), ("mm", "index")]
)
def test_the_unit_tells_the_quantity(unit: str, quantity: str, run: Run, project: Path) -> None:
    table(project / "t.csv")
    run("sources", "add", "mine", "--path", "t.csv", "--kind", "absolute", "--unit", unit)
    assert own()["mine"]["quantity"] == quantity


def test_a_grid_without_a_unit_is_read_in_the_one_that_is_given(run: Run, project: Path) -> None:
    grid(project / "t2m.nc", units="")
    assert "give --unit" in run("sources", "add", "mine", "--path", "t2m.nc")[2]
    status, _, error = run("sources", "add", "mine", "--path", "t2m.nc", "--unit", "K", "--kind", "absolute")
    assert (status, error) == (0, "")


def test_what_is_missing_is_asked_and_nothing_else(project: Path) -> None:
    table(project / "t.csv")
    asked = []

    def answer(question: str, default: str) -> str:
        asked.append(question)
        return {"U": "degC", "A": "anomaly", "F": "1961-1990", "L": default}[question[0]]

    own_files.add("mine", "t.csv", {}, answer)
    assert [question[:4] for question in asked] == ["Unit", "Are ", "Firs", "Lice"]
    assert own()["mine"]["baseline"] == [1961, 1990]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["gistemp-global", "--path", "t.csv"], "is a source of the catalogue; choose another key, such as my-gistemp"),
        (["no", "--path", "t.csv"], "the key 'no' is read as a yes or no"),
        (["1e3", "--path", "t.csv"], "the key '1e3' is read as a number"),
        (["2020", "--path", "t.csv"], "the key '2020' is read as a number"),
        (["My File", "--path", "t.csv"], "expected a key of lower case letters"),
        (["mine", "--path", "absent.nc"], "absent.nc: found nothing there"),
        (["mine", "--path", "page.nc"], "a table and not a web page; get the file again"),
        (["mine", "--path", "grib.nc"], "GRIB: convert it first"),
        (
            ["mine", "--path", "cut.nc.gz"],
            "found a damaged gzip (EOFError), expected a whole one; get it again",
        ),
        (["mine", "--path", "t.csv", "--unit", "degC", "--kind", "warm"], "--kind: "),
        (["a", "b", "--path", "t.csv"], "quote a pattern of files"),
        (["my-era5"], "for a file of your own add --path FILE"),
        (["gistemp-global", "--unit", "K"], "--unit describes a file of your own; name the file by --path"),
    ],
)
def test_what_cannot_be_added_is_refused_in_one_line(words: list[str], expected: str, run: Run, project: Path) -> None:
    table(project / "t.csv")
    (project / "page.nc").write_text("<!DOCTYPE html><html><body>Sign in</body></html>")
    (project / "grib.nc").write_bytes(b"GRIB\0\0\0\1")
    (project / "cut.nc.gz").write_bytes(gzip.compress(grid(project / "t2m.nc").read_bytes())[:-500])
    before = Path("params.yaml").read_text()
    status, out, error = run("sources", "add", *words)
    assert (status, out) == (1, "")
    assert error.startswith("climate: ")
    assert expected in error
    assert Path("params.yaml").read_text() == before


def test_an_edited_file_is_pulled_anew_and_a_missing_one_leaves_the_last_copy(run: Run, project: Path) -> None:
    path = table(project / "t.csv")
    run("sources", "add", "mine", "--path", "t.csv", "--kind", "absolute", "--unit", "degC")
    pull_stage.run("mine")
    first = read_provenance(Path("downloads/mine"))
    path.write_text(path.read_text().replace("1990-01,10.25", "1990-01,11.25"))
    pull_stage.run("mine")
    second = read_provenance(Path("downloads/mine"))
    assert first.files["t.csv"].sha256 != second.files["t.csv"].sha256
    path.unlink()
    pull_stage.run("mine")
    third = read_provenance(Path("downloads/mine"))
    assert (third.status, third.files) == ("last-good", second.files)
    assert "put the file there" not in " ".join(third.reasons)


def test_the_stage_of_own_files_runs_each_time() -> None:
    """DVC watches no patterns, and would stop at a file that is gone."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert stages["pull-own"]["do"]["always_changed"] is True


def test_sources_of_the_catalogue_are_switched_on(run: Run, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMATE_MIRROR", str(mirror))
    status, out, _ = run("sources", "add", "gistemp-global", "hadcrut5", "ncep-air")
    assert status == 0
    assert "gistemp-global: vintage latest, from the mirror" in out
    assert "ncep-air: on already, vintage 2026-02" in out
    assert "Added 2 sources to pull.sources of params.yaml; `dvc repro` pulls them." in out
    assert {"gistemp-global", "hadcrut5", "ncep-air"} <= {*load_params().pull.sources}
    for key in ("gistemp-global", "hadcrut5"):
        pull_stage.run(key)
        assert read_provenance(Path("downloads") / key).status == "ok"
        shutil.copytree(f"downloads/{key}", f"data/{key}")
        status, out, error = run("regions", "add", f"my-{key}", "--title", "G", "--source", key, "--series", "global")
        assert (status, error) == (0, "")
        assert "months, in degC, anomaly from" in out


def test_the_same_file_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one/t.csv", "date,a\n2000,1\n")
        archive.writestr("two/t.csv", "date,a\n2000,1\n")
    with pytest.raises(Exception, match="found it twice"):
        collect(str(tmp_path / "a.zip"), tmp_path / "out", reader="csv_series")
