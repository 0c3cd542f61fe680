"""Trends of the reanalysis against Berkeley Earth, country by country.

    CLIMATE_MIRROR=/path/to/mirror python -m benchmarks.trends

Annual means of every country of the panel `countries` are compared with the same country of Berkeley Earth (the file
on Kaggle, to 2013). Trends are least squares with the interval of Santer et al. (2008), as in the report. The script
writes trends.json and the table of benchmarks/README.md: trends and counts only, no value of a publisher.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import xarray as xr

from benchmarks.readme import put
from climate.harmonize.checks import examine
from climate.harmonize.polygons import CODES, plain
from climate.hindcast.panels import cut_panel
from climate.params.params import Params, load_params
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

SHOWN = ("India", "Brazil", "Germany")
"""Regions of params.yaml, always in the table."""


def pairs(params: Params, mirror: Path) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """Country and its annual means (degC anomalies) in the reanalysis and in Berkeley Earth."""
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
        "berkeley": round(second.per_decade, 3),
        "difference": round(apart.per_decade, 3),
        "half_width95": round(apart.half_width, 3),
    }


def is_apart(row: dict[str, float]) -> bool:
    """Whether a difference is significant and at least APART."""
    return abs(row["difference"]) >= max(APART, row["half_width95"])


def markdown(countries: dict[str, dict[str, dict[str, float]]]) -> str:
    """Summary and table."""
    lines = []
    for span, (first, last) in SPANS.items():
        rows = [found[span] for found in countries.values() if span in found]
        cooler = sum(is_apart(row) and row["difference"] < 0 for row in rows)
        warmer = sum(is_apart(row) and row["difference"] > 0 for row in rows)
        opposite = sum(row["reanalysis"] < 0 < row["berkeley"] for row in rows)
        lines.append(
            f"- {first} to {last}: of {len(rows)} countries, {cooler} warm less and {warmer} warm more in the reanalysis "
            f"by a significant {APART} degC per decade or more; {opposite} cool in it and warm in Berkeley Earth."
        )
    head = [f"{span}: {name}" for span in SPANS for name in ("reanalysis", "Berkeley Earth", "difference")]
    lines += ["", f"| country | {' | '.join(head)} |", "|---|" + "---|" * len(head)]
    order = sorted(countries, key=lambda name: countries[name].get("since 1949", {}).get("difference", math.inf))
    for name in [*SHOWN, *(name for name in order[:10] if name not in SHOWN)]:
        cells = []
        for span in SPANS:
            row = countries[name].get(span)
            cells += (
                [f"{row['reanalysis']:+.2f}", f"{row['berkeley']:+.2f}"]
                + [f"{row['difference']:+.2f} ± {row['half_width95']:.2f}"]
                if row
                else [""] * 3
            )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Compare and write."""
    if "CLIMATE_MIRROR" not in os.environ:
        sys.exit("CLIMATE_MIRROR is not set: it has to name a folder laid out like the publishers' mirror")
    countries: dict[str, dict[str, dict[str, float]]] = {}
    for country, ours, other in pairs(load_params(), Path(os.environ["CLIMATE_MIRROR"])):
        found = {span: compare(ours, other, years) for span, years in SPANS.items()}
        if kept := {span: row for span, row in found.items() if row}:
            countries[country] = kept
    about = {"unit": "degC per decade", "sources": ["ncep-air", OTHER[0]], "spans": SPANS, "apart": APART}
    WRITTEN.write_text(json.dumps(about | {"countries": countries}, indent=1) + "\n", encoding="utf-8")
    text = markdown(countries)
    print(text)
    put("trends", text)


if __name__ == "__main__":
    main()
