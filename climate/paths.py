"""Where stages put their files, relative to the repository's top folder."""

from __future__ import annotations

from pathlib import Path

DOWNLOADS = Path("downloads")
DATA = Path("data")
NOTEBOOKS = Path("notebooks")
SERIES = Path("build/series")
RECORDS = Path("build/records")
COVARIATES = Path("build/covariates.nc")
SEAMS = Path("build/seams.nc")
BREAKS = Path("build/breaks.nc")
CHECKS = Path("build/checks.json")
ESTIMATIONS = Path("build/planet/estimations")
PLANET_SCORES = Path("build/planet/scores.nc")
PLANET_REDUCED = Path("build/planet/reduced.nc")
PLANET_COMPARISONS = Path("build/planet/comparisons.nc")
FORECASTS = Path("build/forecasts")
SCORES = Path("build/scores.nc")
HYPOTHESES = Path("build/hypotheses.nc")
OPPONENTS = Path("build/opponents.nc")
STRATA = Path("build/strata.nc")
CEILING_SCORES = Path("build/ceiling.nc")
SEASONAL = Path("build/seasonal.nc")
REVISIONS = Path("build/revisions.json")
ANNUAL = Path("benchmarks/annual.json")
PROJECTION = Path("build/projection")
SIMULATION = Path("benchmarks/simulation.json")
COST = Path("benchmarks/cost.json")
CLASSICAL = Path("benchmarks/classical_regions.json")
REPORTS = Path("reports")
PANEL_PAGES = REPORTS / "panels"
LEDGER = REPORTS / "ledger.csv"
METRICS = REPORTS / "metrics.json"
CRPS_BY_LEAD = REPORTS / "crps_by_lead.csv"


def series_file(region: str) -> Path:
    """The harmonized record of one region."""
    return SERIES / f"{region}.nc"


def record_file(name: str) -> Path:
    """The harmonized form of a record that is shown and not forecast."""
    return RECORDS / f"{name}.nc"


def forecast_file(stage: str, region: str) -> Path:
    """The forecast table of one region: `stage` is baselines, early, lstm, combined or ceiling."""
    return FORECASTS / stage / f"{region}.nc"


def panel_file(name: str) -> Path:
    """The scores of one panel."""
    return FORECASTS / "panels" / f"{name}.nc"
