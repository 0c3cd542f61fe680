"""Harmonized records against figures that others published. Each test says where its figures stand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climate.files import read_json
from climate.harmonize.anomaly import MONTH_NAMES
from climate.harmonize.build import Harmonized, harmonize
from climate.harmonize.checks import BASELINE_LIMIT, BASELINE_TOLERANCE
from climate.harmonize.completeness import RULES, annual_means
from climate.params.params import load_params
from climate.params.regions import HarmonizeParams, RegionDefinition
from climate.sources.catalogue import Source, find_source, load_catalogue
from climate.sources.readers.grid.opening import is_grid
from climate.sources.readers.registry import read
from tests.conftest import ROOT

DATA = ROOT / "data"
FOUR = ("gistemp-global", "hadcrut5", "noaa-globaltemp", "berkeley-land-ocean")
Reading = Callable[[str, str], xr.Dataset]


def place(mirror: Path, key: str, vintage: str, folder: Path) -> Source | None:
    """Put the files of a vintage into `folder`; the source as it holds for it, None where the mirror lacks a file."""
    source = find_source(key).at(vintage)
    where = source.vintages[vintage].mirror
    files = [mirror / str(where) / file.mirror.replace("{version}", source.version) for file in source.files]
    if where is None or not all(path.is_file() for path in files):
        return None
    for file, path in zip(source.files, files, strict=True):
        (folder / file.name).symlink_to(path)
    return source


@pytest.fixture(scope="module")
def reading(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    """One vintage of a source from the mirror, read once."""
    kept: dict[tuple[str, str], xr.Dataset] = {}

    def make(key: str, vintage: str) -> xr.Dataset:
        if (key, vintage) not in kept:
            folder = tmp_path_factory.mktemp(key)
            source = place(mirror, key, vintage, folder)
            if source is None:
                pytest.skip(f"the mirror holds no {key} of {vintage}")
            kept[key, vintage] = read(source, folder)
        return kept[key, vintage]

    return make


def made(records: dict[str, xr.Dataset], regions: dict[str, dict[str, Any]], **params: Any) -> Harmonized:
    """The regions of those records, on the baseline 1961-1990."""
    settings = {"baseline": [1961, 1990], "baseline_min_years": 20, "min_coverage": 0.5}
    definitions = {key: RegionDefinition.model_validate({"title": key} | entry) for key, entry in regions.items()}
    return harmonize(records, definitions, HarmonizeParams.model_validate(settings | params))


def monthly(one: xr.Dataset) -> pd.Series:
    """Values of a harmonized series by month."""
    return one["value"].to_series()


# CO2


@pytest.fixture(scope="module")
def co2(reading: Reading) -> dict[str, pd.Series]:
    """Mauna Loa and the global mean by month."""
    records = {"mlo": reading("noaa-co2-mlo", "2026-02"), "global": reading("noaa-co2-global", "2025-09")}
    result = made(records, {key: {"source": key, "series": str(one.series.values[0])} for key, one in records.items()})
    return {key: monthly(one) for key, one in result.series.items()}


def yearly(record: pd.Series) -> pd.Series:
    """Means of complete years."""
    array = xr.DataArray(record.to_numpy(), dims="time", coords={"time": record.index.to_numpy()})
    means = annual_means(array, RULES["complete"])["value"].to_series().dropna()
    means.index = pd.DatetimeIndex(means.index).year
    return means


ANNUAL = {
    "mlo": {
        **{2000: 369.71, 2005: 379.98, 2010: 390.10, 2015: 401.01, 2019: 411.65, 2020: 414.21},
        **{2021: 416.41, 2022: 418.53, 2023: 421.08, 2024: 424.61, 2025: 427.35},
    },
    "global": {1979: 336.86, 1990: 354.06, 2000: 368.96, 2010: 388.75, 2019: 410.07, 2020: 412.44, 2024: 422.80},
}
"""ppm on the scale X2019, printed to 0.01, NOAA GML (gml.noaa.gov/ccgg/trends/data.html).

"Mauna Loa CO2 annual mean data", file co2_annmean_mlo, and "Globally averaged marine surface annual mean data", file
co2_annmean_gl.
"""


@pytest.mark.parametrize("where", ANNUAL)
def test_annual_means_of_co2_are_those_of_noaa(where: str, co2: dict[str, pd.Series]) -> None:
    found = yearly(co2[where])
    for year, value in ANNUAL[where].items():
        assert found[year] == pytest.approx(value, abs=0.0151), year
    assert 2026 not in found.index  # one month is no year


GROWTH = {
    **{1965: 1.06, 1972: 1.74, 1983: 2.36, 1987: 2.06, 1992: 0.49, 1998: 2.97, 1999: 0.92, 2002: 2.51, 2010: 2.30},
    **{2015: 2.95, 2016: 3.03, 2019: 2.49, 2020: 2.30, 2021: 2.35, 2022: 1.86, 2023: 3.33, 2024: 3.33},
}
"""ppm a year at Mauna Loa, NOAA GML, file co2_gr_mlo; each with a standard error of 0.11."""

GROWTH_BY_DECADE = {1961: 0.907, 1971: 1.353, 1981: 1.558, 1991: 1.553, 2001: 2.039, 2011: 2.425}
"""Means of ten years of that file, by the first one."""


def growth(record: pd.Series) -> pd.Series:
    """From 1 January to the next, each as the mean of four deseasonalised months around it."""
    smooth = (record.rolling(12).mean() + record.rolling(12).mean().shift(-1)).shift(-6) / 2  # centred on its month
    month = pd.DatetimeIndex(record.index).month
    season = (record - smooth).groupby(month).mean()
    level = record - season.reindex(month).to_numpy()
    january = {year: level[f"{year - 1}-11" : f"{year}-02"].mean() for year in range(1959, 2026)}
    return pd.Series({year: january[year + 1] - january[year] for year in range(1959, 2025)})


def test_growth_of_co2_is_that_of_noaa(co2: dict[str, pd.Series]) -> None:
    """NOAA GML, "Mauna Loa CO2 annual mean growth rates" (gml.noaa.gov/ccgg/trends/gr.html, file co2_gr_mlo).

    NOAA takes the mean of November to February, corrected for the average seasonal cycle, as the value of 1 January,
    and gives the growth of a year a standard error of 0.11 ppm. The seasonal cycle here is a simpler one.
    """
    found = growth(co2["mlo"])
    for year, value in GROWTH.items():
        assert found[year] == pytest.approx(value, abs=2 * 0.11), year
    for first, value in GROWTH_BY_DECADE.items():
        assert found.loc[first : first + 9].mean() == pytest.approx(value, abs=0.03), first


def test_co2_since_1750_rose_as_the_ipcc_says(reading: Reading, co2: dict[str, pd.Series]) -> None:
    """IPCC AR6 WG1, Summary for Policymakers, A.2.1: CO2 in 2019 was 47% above 1750.

    One ice core stands for 1750 here, of which a ppm is 0.005 of the ratio.
    """
    ice = made(
        {"ice": reading("scripps-ice-core-spline", "2018")},
        {"ice": {"source": "ice", "series": str(reading("scripps-ice-core-spline", "2018").series.values[0])}},
    )
    before = monthly(ice.series["ice"])["1740":"1760"].mean()
    assert yearly(co2["global"])[2019] / before - 1 == pytest.approx(0.47, abs=0.015)


def test_kaggle_co2_is_the_record_of_scripps(reading: Reading) -> None:
    """The set "Carbon Dioxide Levels in Atmosphere" is Scripps' record on the scale 08A, less the months it filled."""
    folder = DATA / "scripps-co2-mlo"
    if not (folder / "monthly_in_situ_co2_mlo.csv").exists():
        pytest.skip("data/scripps-co2-mlo is not there: `dvc repro` pulls it")
    original = read(find_source("scripps-co2-mlo").at("2017-07"), folder)
    assert original.attrs["scale"] == reading("kaggle-co2", "2017").attrs["scale"] == "SIO 08A"
    result = made(
        {"copy": reading("kaggle-co2", "2017"), "original": original},
        {key: {"source": key, "series": "co2"} for key in ("copy", "original")},
    )
    copy, theirs = monthly(result.series["copy"]), monthly(result.series["original"])
    filled = result.series["original"]["interpolated"].to_series()
    common = copy.index.intersection(theirs.index)
    held = copy[common].notna()
    assert (~held == filled[common])[: pd.Timestamp("2016-12-01")].all()
    difference = (copy[common] - theirs[common])[held][: pd.Timestamp("2016-12-01")]
    assert difference.size > 690
    assert difference.abs().max() < 0.06  # a few values were revised from one archive to the next
    assert abs(difference.mean()) < 0.005


# Temperature


@pytest.mark.parametrize("country", ["Germany", "India", "United States", "Kenya", "France"])
def test_kaggle_countries_are_those_of_berkeley(country: str, reading: Reading) -> None:
    """The set on Kaggle is absolute, the original an anomaly with a climatology beside it; harmonized they are one.

    Both are printed to 0.001 degC, anomalies and climatology each rounded, so the re-based values differ by 0.0015 at
    the most.
    """
    key = f"berkeley-{country.lower().replace(' ', '-')}"
    result = made(
        {"kaggle-countries": reading("kaggle-countries", "2013-10"), key: reading(key, "2013-10")},
        {"copy": {"source": "kaggle-countries", "series": country}, "original": {"source": key, "series": country}},
    )
    copy, original = monthly(result.series["copy"]), monthly(result.series["original"])
    assert copy.index.equals(original.index)
    assert (copy.isna() == original.isna()).all()
    assert copy.notna().sum() > 1600
    assert (copy - original).abs().max() < 0.0015
    errors = [result.series[name]["uncertainty"].to_series() for name in ("copy", "original")]
    assert (errors[0] - errors[1]).abs().max() < 0.001
    # What was subtracted is the publisher's own climatology, moved from 1951-1980 to 1961-1990.
    theirs = reading(key, "2013-10")["climatology"].values.ravel()
    raw = reading(key, "2013-10")["value"].isel(series=0).to_series()["1961":"1990"]
    moved = theirs + raw.groupby(pd.DatetimeIndex(raw.index).month).mean().to_numpy()
    ours = result.series["copy"]["climatology"].values
    for month, a, b in zip(MONTH_NAMES, ours, moved, strict=True):
        assert a == pytest.approx(b, abs=0.006), month


def test_every_anomaly_has_mean_zero_over_the_baseline_that_it_declares(mirror: Path, tmp_path: Path) -> None:
    """Each publisher's own statement of its baseline, for every series of every anomaly in the catalogue."""
    judged = 0
    for key, source in load_catalogue().items():
        if source.kind != "anomaly" or source.baseline is None:
            continue
        for name in source.vintages:
            folder = tmp_path / key / name
            folder.mkdir(parents=True)
            if (held := place(mirror, key, name, folder)) is None:
                continue
            record = read(held, folder)
            if is_grid(record):
                continue
            first, last = source.at(name).baseline or source.baseline
            within = record["value"].sel(time=slice(f"{first}", f"{last}"))
            enough = within.notnull().sum("time") >= 0.9 * 12 * (last - first + 1)
            for series in record["series"].values[enough.values]:
                mean = float(within.sel(series=series).mean())
                # Taken cell by cell before averaging, which matters where cells come and go.
                loose = key == "noaa-globaltemp"
                assert abs(mean) <= (BASELINE_LIMIT if loose else BASELINE_TOLERANCE), (key, name, series, mean)
                judged += 1
    assert judged > 40


@pytest.fixture(scope="module")
def warm(reading: Reading) -> dict[str, pd.Series]:
    """The four global records, their combination, and land, by month."""
    vintages = dict(zip(FOUR, ("latest", "2022-08", "2025-02", "2024-08"), strict=True))
    records = {key: reading(key, vintage) for key, vintage in vintages.items()}
    members = [{"source": key, "series": "global"} for key in FOUR]
    regions: dict[str, dict[str, Any]] = {key: {"source": key, "series": "global"} for key in FOUR}
    regions |= {"four": {"combination": "four"}, "land": {"source": "noaa-globaltemp", "series": "global land"}}
    result = made(records, regions, combinations={"four": {"overlap_end": "2004-12", "members": members}})
    return {key: monthly(one) for key, one in result.series.items()}


def warming(record: pd.Series, before: tuple[int, int], after: tuple[int, int]) -> float:
    """Mean over the years `after` less that over `before`, both included."""
    late, early = (record[str(first) : str(last)].mean() for first, last in (after, before))
    return float(late - early)


@pytest.mark.parametrize(
    ("keys", "before", "after", "low", "high"),
    [
        ("four", (1850, 1900), (2011, 2020), 1.07, 1.11),
        ("four", (1850, 1900), (2001, 2020), 0.97, 1.01),
        ("four", (2003, 2012), (2011, 2020), 0.17, 0.21),
        ("hadcrut5 noaa-globaltemp berkeley-land-ocean", (1850, 1900), (2011, 2020), 0.95, 1.20),
        ("hadcrut5 noaa-globaltemp berkeley-land-ocean", (1850, 1900), (2001, 2020), 0.84, 1.10),
        ("hadcrut5 noaa-globaltemp berkeley-land-ocean", (2003, 2012), (2011, 2020), 0.16, 0.22),
        ("land", (1850, 1900), (2011, 2020), 1.34, 1.83),
    ],
)
def test_warming_is_that_of_the_sixth_assessment_report(
    keys: str, before: tuple[int, int], after: tuple[int, int], low: float, high: float, warm: dict[str, pd.Series]
) -> None:
    """IPCC AR6 WG1, Summary for Policymakers, A.1.2: 1.09 [0.95 to 1.20] and 0.99 [0.84 to 1.10] degC since 1850-1900.

    And 0.19 [0.16 to 0.22] degC since 2003-2012; over land 1.59 [1.34 to 1.83] degC. The report averages four records,
    of which one is another than here: the combination must meet its best estimates within 0.02 degC.
    """
    for key in keys.split():
        assert low <= warming(warm[key], before, after) <= high, key


def test_the_trend_since_1880_is_that_of_the_fifth_assessment_report(warm: dict[str, pd.Series]) -> None:
    """IPCC AR5 WG1, Summary for Policymakers, B.1: 0.85 [0.65 to 1.06] degC over 1880-2012 by a linear trend.

    The records of today have more of the Arctic and warmer early oceans corrected, and lie above the best estimate.
    """
    for key, record in warm.items():
        if key == "land":
            continue
        span = record["1880":"2012"]
        years = np.arange(span.size) / 12
        total = float(np.polyfit(years, span.to_numpy(), 1)[0]) * 133
        assert 0.85 < total <= 1.06, key


def test_caveats_of_params_repeat_the_measured_trends() -> None:
    """Against benchmarks/trends.json, which `python -m benchmarks.trends` wrote."""
    measured, params = read_json(ROOT / "benchmarks" / "trends.json"), load_params(ROOT / "params.yaml")
    rows = {name: spans["since 1949"] for name, spans in measured["countries"].items() if "since 1949" in spans}
    apart = [row["difference"] for row in rows.values() if abs(row["difference"]) >= max(0.1, row["half_width95"])]
    less, more = sum(value < 0 for value in apart), sum(value > 0 for value in apart)
    opposite = sum(row["reanalysis"] < 0 < row["other"] for row in rows.values())
    text = " ".join(params.panels["countries"].caveat.split())
    assert f"{less} of {len(rows)} countries" in text
    assert f"{more} by as much more" in text
    assert f"{opposite} cool in it" in text
    caveat = params.regions["india"].caveat
    assert caveat is not None
    assert caveat.trend is not None
    assert caveat.trend.per_decade == round(rows["India"]["other"], 2)
    assert list(caveat.trend.years) == measured["spans"]["since 1949"]
