"""Global annual mean temperature one year ahead: this project's models beside the Met Office's published record.

    CLIMATE_MIRROR=/folder/of/publishers/files python -m benchmarks.annual

This writes benchmarks/annual.json and the table of benchmarks/README.md. Each forecast is issued with data to December
of the year before and estimated anew every other year. GISTEMP and HadCRUT5 come from the mirror. Only errors are
written. The records are today's: values since revised were not known at the time, so these are hindcasts and no
forecasts.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.readme import put
from climate import paths
from climate.errors import ClimateError
from climate.files import read_netcdf, write_json
from climate.forecasters.base import Forecaster
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import make
from climate.harmonize.series import gap_free
from climate.hindcast.rolling import backtest, origins
from climate.params.params import load_params
from climate.sources.catalogue import find_source
from climate.sources.pull import pull
from climate.sources.readers.registry import read
from climate.verify.annual import annual_hindcasts, error_summary

RECORDS = {"gistemp-global": "GISTEMP", "hadcrut5": "HadCRUT5"}
VINTAGES = {"gistemp-global": "latest", "hadcrut5": "2022-08"}
MODELS = ("persistence", "climatology-trend", "trend-ar1", "trend-arma", "unobserved-components", "ridge-enso")
FOLDER = Path("build/annual")
FIRST_ORIGIN, LAST_ORIGIN, REFIT = 1999, 2024, 24
START = "1948-01"
"""Where the covariate begins; earlier months would be a longer past for the classical models alone."""

SPANS = ((2000, 2010), (2000, 2024), (2008, 2024))
"""The last two are the years of Folland et al. (2025), of whose forecasts those of a climate model begin in 2008; a
record that ends earlier has fewer."""

SHOWN = {
    "ridge-enso": "ridge + ENSO",
    "lstm-direct": "LSTM",
    "trend-arma": "trend + ARMA",
    "persistence": "persistence",
}
"""Columns of the table of benchmarks/README.md."""

PUBLISHED = [
    {
        "who": "Met Office, forecasts issued in real time",
        "years": "2000-2024",
        "rmse": 0.09,
        "correlation": 0.96,
        "citation": "Folland et al. (2025), doi:10.1029/2025GL117308",
        "checked": "From the abstract.",
    },
    {
        "who": "Met Office, the climate model's forecasts alone",
        "years": "2008-2024",
        "rmse": 0.10,
        "correlation": 0.94,
        "citation": "Folland et al. (2025), doi:10.1029/2025GL117308",
        "checked": "From the abstract.",
    },
]


def record(key: str) -> xr.Dataset:
    """The global series of a source, from the mirror."""
    source = find_source(key)
    provenance = pull(source, VINTAGES[key], FOLDER / key, mirror=os.environ.get("CLIMATE_MIRROR"), last_good=None)
    if provenance.status == "missing":
        raise ClimateError(f"{key} is unavailable: set CLIMATE_MIRROR to a folder with publishers' files")
    whole = read(source.at(VINTAGES[key]), FOLDER / key)
    series = gap_free(whole.sel(series="global", drop=True)).sel(time=slice(START, None))
    series.attrs |= {"region": key, "title": RECORDS[key], "units": "degC"}
    return series


def hindcast(series: xr.Dataset) -> xr.Dataset:
    """Forecast table of twelve leads from every December."""
    params = load_params()
    forecasters: list[Forecaster] = [make(name) for name in MODELS]
    forecasters.append(make("lstm-direct", params.lstm.settings(NetworkSettings)))
    newest = series["time"].values[np.isfinite(series["value"].values)][-1].astype("datetime64[Y]").astype(int) + 1970
    last = min(LAST_ORIGIN, newest - 1)
    wanted = origins(f"{FIRST_ORIGIN}-12", 12, last - FIRST_ORIGIN + 1)
    return backtest(series, read_netcdf(paths.COVARIATES), forecasters, wanted, 12, REFIT)


def summary(table: xr.Dataset) -> dict[str, Any]:
    """Errors of each span that the table holds whole or in part."""
    hindcasts = annual_hindcasts(table)
    found: dict[str, Any] = {}
    for first, last in SPANS:
        errors = error_summary(hindcasts, first, last)
        if errors:
            found[f"{first}-{min(last, int(hindcasts['year'].max()))}"] = {
                model: {key: None if np.isnan(value) else round(value, 4) for key, value in one.items()}
                for model, one in errors.items()
            }
    return found


def markdown(records: dict[str, Any]) -> str:
    """RMSE of the models SHOWN, with its interval, a row for each record and span."""
    lines = [f"| record | years | n | {' | '.join(SHOWN.values())} |", "|---" * (3 + len(SHOWN)) + "|"]
    for title, by_years in records.items():
        for years, models in by_years.items():
            cells = ["{rmse:.3f} ({low:.3f}-{high:.3f})".format(**models[name]) for name in SHOWN]
            lines.append(f"| {title} | {years} | {models['persistence']['years']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run the hindcasts and write the errors."""
    result: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "published": PUBLISHED,
        "records": {},
    }
    for key, title in RECORDS.items():
        table = hindcast(record(key))
        result["records"][title] = summary(table)
        write_json(result, paths.ANNUAL)
        print(title, result["records"][title])
    put("annual", markdown(result["records"]))


if __name__ == "__main__":
    main()
