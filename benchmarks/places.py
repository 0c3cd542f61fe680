"""The planet's forecasters against classical models on countries and cities.

`python -m benchmarks.places` forecasts 20 countries and 16 cities of the NCEP grid from the origins of params.yaml,
with the classical models named below and with the planet's of build/planet/estimations (run `dvc repro planet` first),
scores all of them on the same months in one run, and writes the table of benchmarks/README.md. Forecasts are kept in
build/places; remove that folder after a change. `--models` takes other names of baselines; each statsmodels model
costs about a minute per ten places.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from benchmarks.readme import put
from climate import paths
from climate.files import read_arrays, read_netcdf, read_parts, write_netcdf
from climate.forecasters.base import Forecaster
from climate.forecasters.combine.ensemble import join_tables
from climate.forecasters.planet.estimation import Estimation
from climate.forecasters.registry import Kind, is_kind, make, names_of
from climate.harmonize.anomaly import rebase
from climate.harmonize.checks import examine
from climate.harmonize.regions import grid_series
from climate.hindcast.rolling import backtest, origins
from climate.parallel.tasks import ALONE
from climate.params.params import Params, load_params
from climate.params.regions import Point, RegionDefinition
from climate.sources.pulled import read_sources
from climate.verify.losses import cell_scores

KEPT = Path("build/places")

COUNTRIES = (
    *("Germany", "India", "Brazil", "China", "Australia", "Canada", "Russia", "South Africa", "Kenya", "Egypt"),
    *("Argentina", "Japan", "Mexico", "Sweden", "Indonesia", "Turkey", "Nigeria", "Peru", "Spain", "Kazakhstan"),
)
CITIES = {
    "Kiel": (54.32, 10.14),
    "London": (51.5, -0.12),
    "New York": (40.7, -74.0),
    "Tokyo": (35.7, 139.7),
    "Sydney": (-33.87, 151.2),
    "Cairo": (30.04, 31.24),
    "Delhi": (28.6, 77.2),
    "Lagos": (6.5, 3.4),
    "Lima": (-12.05, -77.04),
    "Moscow": (55.75, 37.6),
    "Sao Paulo": (-23.55, -46.6),
    "Chicago": (41.88, -87.6),
    "Beijing": (39.9, 116.4),
    "Nairobi": (-1.29, 36.8),
    "Los Angeles": (34.05, -118.2),
    "Singapore": (1.35, 103.8),
}
CLASSICAL = ("climatology-trend", "trend-ar1", "trend-arma")
BLOCKS = {"1": (1, 1), "1-12": (1, 12), "13-60": (13, 60), "1-60": (1, 60)}
COVERED_AT = (1, 12, 60)


def places(params: Params) -> dict[str, xr.Dataset]:
    """Anomalies of every place from the baseline of params.yaml."""
    pulled = read_sources(["ncep-air", "natural-earth"], examine)
    wanted = {name: RegionDefinition(title=name, source="ncep-air", country=name) for name in COUNTRIES}
    for name, (lat, lon) in CITIES.items():
        wanted[name] = RegionDefinition(title=name, source="ncep-air", point=Point(lat=lat, lon=lon))
    grid = pulled.records["ncep-air"]
    made = grid_series(grid, "ncep-air", wanted, pulled.shapes, params.harmonize)
    settings = params.harmonize
    return {
        name: rebase(one, settings.baseline, settings.baseline_min_years, name).assign_attrs(region=name)
        for name, one in made.items()
    }


def forecasts(kind: str, name: str, series: xr.Dataset, models: Sequence[Forecaster], params: Params) -> xr.Dataset:
    """Forecast table of one place, kept from an earlier run where there is one."""
    file = KEPT / f"{name}-{kind}.nc".replace(" ", "-")
    if not file.exists():
        plan = params.backtest
        when = origins(plan.first_origin, plan.every, plan.origins)
        refit = params.baselines.refit_every if kind.startswith("classical") else params.planet.refit_every
        write_netcdf(backtest(series, None, models, when, plan.leads, refit, compute=ALONE), file)
    return read_netcdf(file)


def table(cells: Mapping[str, xr.Dataset]) -> list[str]:
    """Rows of Markdown: mean over places of the ratio of CRPS to the best classical model, and coverage."""
    models = [str(name) for name in next(iter(cells.values()))["model"].values]
    heads = [f"leads {block}" for block in BLOCKS] + [f"covers at {lead}" for lead in COVERED_AT]
    rows = [f"| model | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    crps = xr.concat([one["crps"] for one in cells.values()], "place")
    inside = xr.concat([one["covered90"] for one in cells.values()], "place").mean(("place", "origin"))
    figures: dict[str, list[str]] = {model: [] for model in models}
    for first, last in BLOCKS.values():
        mean = crps.sel(lead=slice(first, last)).mean(("origin", "lead"))
        classical = mean.sel(model=[model for model in models if is_kind(model, Kind.CLASSICAL)])
        # one model for all places, and the best of each place, chosen after the event
        chosen = int((classical / classical.min("model")).mean("place").values.argmin())
        single = classical.isel(model=chosen)
        for model in models:
            ratio = (mean.sel(model=model) / single).mean().item()
            harder = (mean.sel(model=model) / classical.min("model")).mean().item()
            better = int((mean.sel(model=model) < single).sum())
            figures[model].append(f"{ratio:.3f} ({harder:.3f}; {better})")
    for model in models:
        covers = [f"{inside.sel(model=model, lead=lead).item():.1%}" for lead in COVERED_AT]
        rows.append(f"| {model} | {' | '.join(figures[model] + covers)} |")
    return rows


def main() -> None:
    """Forecast, score and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=[], choices=names_of("baselines"), help="more baselines")
    parser.add_argument("--classical-only", action="store_true", help="forecast with the classical models, then stop")
    given = parser.parse_args()
    params = load_params()
    estimations = (
        []
        if given.classical_only
        else [Estimation.from_arrays(arrays) for arrays in read_parts(paths.ESTIMATIONS, ".npz", read_arrays)[0]]
    )
    cells = {}
    for name, series in places(params).items():
        parts = [forecasts("classical", name, series, [make(model) for model in CLASSICAL], params)]
        parts += [forecasts(f"classical-{model}", name, series, [make(model)], params) for model in given.models]
        if not given.classical_only:
            of_planet = [make(model, estimations) for model in params.planet.models]
            parts.append(forecasts("planet", name, series, of_planet, params))
        cells[name] = cell_scores(join_tables(parts))
        print(name, cells[name]["crps"].mean(("origin", "lead")).values.round(4), flush=True)
    if not given.classical_only:
        rows = table(cells)
        put("places", "\n".join(rows))
        print("\n".join(rows))


if __name__ == "__main__":
    main()
