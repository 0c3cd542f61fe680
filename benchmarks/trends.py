"""Trends of the reanalysis against Berkeley Earth, country by country, and against NOAAGlobalTemp, zone by zone.

    CLIMATE_MIRROR=/path/to/mirror python -m benchmarks.trends

Annual means of every country of the panel `countries` are compared with the same country of Berkeley Earth (the file
on Kaggle, to 2013), and zones with those of NOAAGlobalTemp. Trends are least squares with the interval of Santer et al.
(2008), as in the report. The script writes trends.json and the table of benchmarks/README.md: trends and counts only,
no value of a publisher.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd
import xarray as xr

from benchmarks.readme import put
from climate.harmonize.checks import examine
from climate.harmonize.polygons import CODES, plain
from climate.harmonize.regions import grid_series
from climate.hindcast.panels import cut_panel
from climate.params.params import Params, load_params
from climate.params.regions import Box, RegionDefinition
from climate.report.numbers import Trend, annual_means, trend
from climate.sources.catalogue import find_source
from climate.sources.pulled import read_sources
from climate.sources.readers.registry import read

WRITTEN = Path(__file__).with_name("trends.json")

PANEL = "countries"
OTHER = ("kaggle-countries", "kaggle")
"""Source of the second record, and its folder in the mirror."""

SPANS = {"since 1949": (1949, 2012), "last 30 years": (1983, 2012)}
"""First and last year of a trend: from the reanalysis' second year to Berkeley Earth's last complete one."""

APART = 0.1
"""degC per decade: half of the recent trend of global temperature (0.2 degC per decade, IPCC AR6 WG1, A.1)."""

ZONES = {"global": (-90, 90), "60N-90N": (60, 90), "0-30N": (0, 30), "30S-0": (-30, 0)}
"""Series of NOAAGlobalTemp -> its latitudes."""
NOAA = ("noaa-globaltemp", "2025-02")
"""Source and vintage of the zones."""
ZONE_SPANS = {"since 1949": (1949, 2024), "last 30 years": (1995, 2024)}

SHOWN = ("India", "Brazil", "Germany")
"""Regions of params.yaml, always in the table."""


Pairs = Iterator[tuple[str, pd.Series, pd.Series]]
"""Place and its annual means (degC anomalies) in the reanalysis and in the other record."""


def pairs(params: Params, mirror: Path) -> Pairs:
    """Every country of the panel against Berkeley Earth."""
    definition = params.panels[PANEL]
    pulled = read_sources(definition.sources, examine)
    grid = cut_panel(
        pulled.records[definition.source], definition, pulled.shapes[definition.shapes], params.harmonize
    ).dataset
    table = read(find_source(OTHER[0]), mirror / OTHER[1])
    # A country with overseas territories stands twice: "France" and "France (Europe)". The second is the polygon's.
    names = {CODES.get(plain(str(name).replace(" (Europe)", ""))): str(name) for name in sorted(table["series"].values)}
    for country in sorted(grid["series"].values.astype(str)):
        other = names.get(CODES.get(plain(country), ""))
        if other is not None:
            yield country, _annual(grid, country), _annual(table, other)


def _annual(table: xr.Dataset, name: str) -> pd.Series:
    return annual_means(table.sel(series=name)[["value"]].dropna("time"))


def zones(params: Params, mirror: Path) -> Pairs:
    """Every zone of ZONES against NOAAGlobalTemp."""
    source = find_source(NOAA[0]).at(NOAA[1])
    with TemporaryDirectory() as folder:
        for file in source.files:
            name = str(file.mirror).format(version=source.version)
            (Path(folder) / file.name).symlink_to((mirror / name).resolve())
        table = read(source, Path(folder)).load()
    boxes = {
        zone: RegionDefinition(title=zone, source="ncep-air", box=Box(lat=(south, north), lon=(-180, 180)))
        for zone, (south, north) in ZONES.items()
    }
    pulled = read_sources(["ncep-air"], examine)
    ours = grid_series(pulled.records["ncep-air"], "ncep-air", boxes, {}, params.harmonize)
    for zone in ZONES:
        yield zone, annual_means(ours[zone]), _annual(table, zone)


def compare(ours: pd.Series, other: pd.Series, span: tuple[int, int]) -> dict[str, float] | None:
    """Trends (degC per decade) of both over `span`, and of their difference; None unless both have every year."""
    years = range(span[0], span[1] + 1)
    if not all(year in ours.index and year in other.index for year in years):
        return None
    lines = [trend(values.loc[list(years)], None) for values in (ours, other, ours - other)]
    if any(line is None for line in lines):
        return None
    first, second, apart = (line for line in lines if isinstance(line, Trend))
    return {
        "reanalysis": round(first.per_decade, 3),
        "other": round(second.per_decade, 3),
        "difference": round(apart.per_decade, 3),
        "half_width95": round(apart.half_width, 3),
        "spread": round(_spread(ours - other, apart), 3),
    }


def _spread(difference: pd.Series, line: Trend) -> float:
    """Standard deviation of annual differences about their trend."""
    chosen = difference.loc[line.first : line.last]
    years = chosen.index.to_numpy(dtype=float)
    return float((chosen - line.per_decade / 10 * (years - years.mean())).std())


def is_apart(row: dict[str, float]) -> bool:
    """Whether a difference is significant and at least APART."""
    return abs(row["difference"]) >= max(APART, row["half_width95"])


Compared = dict[str, dict[str, dict[str, float]]]
"""Place -> span -> what `compare` gave."""


def summary(countries: Compared) -> str:
    """How many countries differ, and by how much."""
    lines = []
    for span, (first, last) in SPANS.items():
        rows = [found[span] for found in countries.values() if span in found]
        cooler = sum(is_apart(row) and row["difference"] < 0 for row in rows)
        warmer = sum(is_apart(row) and row["difference"] > 0 for row in rows)
        opposite = sum(row["reanalysis"] < 0 < row["other"] for row in rows)
        lines.append(
            f"- {first} to {last}: of {len(rows)} countries, {cooler} warm less and {warmer} warm more in the "
            f"reanalysis by a significant {APART} degC per decade or more; {opposite} cool in it and warm in Berkeley "
            f"Earth. Annual means differ by a standard deviation of {median(row['spread'] for row in rows):.2f} degC "
            "about that trend (median over countries)."
        )
    return "\n".join(lines)


def table(places: Compared, shown: Sequence[str], first: str, other: str) -> str:
    """The compared trends of the places `shown`, under the head of column `first`."""
    head = [f"{span}: {name}" for span in SPANS for name in ("reanalysis", other, "difference")]
    lines = [f"| {first} | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    for name in shown:
        cells = [cell for span in SPANS for cell in _cells(places[name].get(span))]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(row: dict[str, float] | None) -> list[str]:
    if row is None:
        return [""] * 3
    difference = f"{row['difference']:+.2f} ± {row['half_width95']:.2f}"
    return [f"{row['reanalysis']:+.2f}", f"{row['other']:+.2f}", difference]


def compared(places: Pairs, spans: Mapping[str, tuple[int, int]]) -> Compared:
    """`compare` of every place and span that both records cover."""
    found = {name: {span: compare(ours, other, years) for span, years in spans.items()} for name, ours, other in places}
    kept = {name: {span: row for span, row in rows.items() if row} for name, rows in found.items()}
    return {name: rows for name, rows in kept.items() if rows}


def main() -> None:
    """Compare and write."""
    if "CLIMATE_MIRROR" not in os.environ:
        sys.exit("CLIMATE_MIRROR is not set: it has to name a folder laid out like the publishers' mirror")
    params, mirror = load_params(), Path(os.environ["CLIMATE_MIRROR"])
    countries = compared(pairs(params, mirror), SPANS)
    wide = compared(zones(params, mirror), ZONE_SPANS)
    written = {"unit": "degC per decade", "apart": APART, "spans": SPANS, "zone_spans": ZONE_SPANS}
    written |= {"countries": countries, "zones": wide}
    WRITTEN.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    order = sorted(countries, key=lambda name: countries[name].get("since 1949", {}).get("difference", math.inf))
    shown = [*SHOWN, *(name for name in order[:10] if name not in SHOWN)]
    parts = [summary(countries), table(countries, shown, "country", "Berkeley Earth")]
    (_, last), (_, until) = SPANS["since 1949"], ZONE_SPANS["since 1949"]
    parts += [f"Zones, to {until} instead of {last}:", table(wide, list(wide), "zone", "NOAAGlobalTemp 6.0")]
    text = "\n\n".join(parts)
    print(text)
    put("trends", text)


if __name__ == "__main__":
    main()
