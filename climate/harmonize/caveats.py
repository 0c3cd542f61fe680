"""A region's record against published values that it should agree with; see `climate.params.regions.Caveat`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from climate.harmonize.completeness import RULES, annual_means
from climate.params.regions import Caveat
from climate.sources.pulled import Check

YEAR_TOLERANCE = 0.4
"""K. Annual means of a country in the NCEP/NCAR reanalysis and in Berkeley Earth differ, about the trend of their
difference, by a standard deviation of 0.19 K (median of 169 countries, 1983-2012; benchmarks/README.md): twice that."""

TREND_TOLERANCE = 0.1
"""K per decade: half of the recent trend of global temperature (0.2 K per decade; IPCC AR6 WG1, SPM A.1)."""


@dataclass(frozen=True)
class Comparison:
    """One number of a record beside the published one.

    Attributes:
        years: first and last year; the same for the mean of one year.
        baseline: years that an annual mean is a departure from; None for a trend.
        by: who published the other value.
        record, published: in the unit of the record, for trends per decade.
        tolerance: difference from which they contradict each other.
    """

    years: tuple[int, int]
    baseline: tuple[int, int] | None
    by: str
    record: float
    published: float
    tolerance: float

    @property
    def contradicts(self) -> bool:
        """Whether the values differ by more than the tolerance."""
        return abs(self.record - self.published) > self.tolerance


def compare(series: xr.Dataset, caveat: Caveat) -> list[Comparison]:
    """The published values of `caveat` beside those of `series` (`value` on time, monthly, degC).

    Annual means need all twelve months. Years and spans that the record does not cover in full are left out.
    """
    means = annual_means(series["value"], RULES["complete"])["value"].dropna("time")
    known = dict(zip(means["time"].dt.year.values.tolist(), means.values.tolist(), strict=True))

    def within(span: tuple[int, int]) -> list[float]:
        years = range(span[0], span[1] + 1)
        return [known[year] for year in years] if all(year in known for year in years) else []

    found = []
    if (years := caveat.years) and (normal := within(years.baseline)):
        found += [
            Comparison(
                (year, year), years.baseline, years.by, known[year] - float(np.mean(normal)), value, YEAR_TOLERANCE
            )
            for year, value in sorted(years.values.items())
            if year in known
        ]
    if (line := caveat.trend) and (values := within(line.years)):
        slope = 10 * float(np.polyfit(np.arange(len(values)), values, 1)[0])
        found.append(Comparison(line.years, None, line.by, slope, line.per_decade, TREND_TOLERANCE))
    return found


def checks(series: xr.Dataset, caveat: Caveat, source: str) -> Iterator[Check]:
    """One row per published value for the table of checks of `source`."""
    for item in compare(series, caveat):
        first, last = item.years
        what = f"{first}-{last}, per decade"
        if item.baseline:
            what = f"{first} against {item.baseline[0]}-{item.baseline[1]}"
        yield Check(
            "region against published values",
            source,
            "warning" if item.contradicts else "ok",
            f"{series.attrs.get('title', '')}, {what}: {item.record:+.2f} degC",
            f"{item.published:+.2f} degC within {item.tolerance} ({item.by})",
        )
