"""All classical models on the 58 reference regions of the IPCC, beside the linear models that know more.

    dvc repro panel@ar6-regions
    python -m benchmarks.classical_regions    # -> benchmarks/classical_regions.json and the table of README.md

Every sixth origin of the reference run, the same estimation dates, uncalibrated intervals like all of a panel; the
linear models' forecasts are those of the run. Models that are already in the JSON file are not run again.
"""

from __future__ import annotations

import time
from typing import Any

import xarray as xr

from benchmarks.readme import put
from climate import paths
from climate.files import read_json, read_netcdf, write_json
from climate.forecasters.registry import MODELS, Kind, find_model, make
from climate.harmonize.checks import examine
from climate.hindcast.panels import cut_panel, score_panel
from climate.params.params import load_params
from climate.sources.pulled import read_sources
from climate.verify.contest import over_places

PANEL = "ar6-regions"
EVERY = 6
"""Months between origins."""
LINEAR = ("ridge-enso", "ridge-planet")
LEFT_OUT = ("sarima-auto",)
"""Four seconds per estimation: half an hour for all regions."""


def errors(loss: xr.DataArray, area: xr.DataArray) -> dict[str, dict[str, float]]:
    """Model -> block of leads -> mean CRPS (K) of loss (series, model, block, origin)."""
    mean = over_places(loss, area).mean("origin")
    return {
        str(model): {str(block): float(mean.sel(model=model, block=block)) for block in mean["block"].values}
        for model in mean["model"].values
    }


def table(found: dict[str, Any]) -> str:
    """The README's table, the lowest error at leads 1-12 first."""
    crps = found["crps"]
    blocks = list(crps[LINEAR[0]])
    lines = [
        f"{found['origins']} origins from {found['first_origin']} to {found['last_origin']}, {found['regions']} "
        f"regions. CRPS in K, area-weighted, and in brackets as a multiple of that of ridge-enso and of ridge-planet.",
        "",
        "| model | " + " | ".join(f"leads {block}" for block in blocks) + " | seconds |",
        "|---|" + "---|" * (len(blocks) + 1),
    ]
    for model in sorted(crps, key=lambda name: float(crps[name]["1-12"])):
        fields = []
        for block in blocks:
            own = crps[model][block]
            fields.append(f"{own:.3f} ({', '.join(f'{own / crps[name][block]:.3f}' for name in LINEAR)})")
        seconds = found["seconds"].get(model)
        lines.append(f"| {model} | {' | '.join(fields)} | {'' if seconds is None else f'{seconds:.0f}'} |")
    return "\n".join(lines)


def main() -> None:
    """Take the linear models from the run, run what is missing of the others, and write the result after each."""
    params = load_params()
    definition = params.panels[PANEL]
    pulled = read_sources(definition.sources, examine)
    panel = cut_panel(pulled.records[definition.source], definition, pulled.shapes[definition.shapes], params.harmonize)
    run = read_netcdf(paths.panel_file(PANEL)).load()
    kept = run.isel(origin=slice(0, None, EVERY))
    found: dict[str, Any] = read_json(paths.CLASSICAL) if paths.CLASSICAL.exists() else {"seconds": {}, "crps": {}}
    found |= {
        "origins": kept.sizes["origin"],
        "regions": kept.sizes["series"],
        "first_origin": str(kept["origin"].values[0])[:7],
        "last_origin": str(kept["origin"].values[-1])[:7],
    }
    found["crps"] |= errors(kept["loss"].sel(model=list(LINEAR)), kept["area"])
    plan = params.backtest.model_copy(update={"every": EVERY, "origins": kept.sizes["origin"]})
    alone = params.compute.model_copy(update={"workers": 1})
    sparse = params.model_copy(update={"backtest": plan, "compute": alone})
    sparse.panels[PANEL] = definition.model_copy(update={"first_origin": found["first_origin"]})
    for name in [name for name in MODELS if find_model(name).kind is Kind.CLASSICAL and name not in LEFT_OUT]:
        if name in found["crps"]:
            continue
        start = time.process_time()
        scores = score_panel(PANEL, panel, [make(name)], sparse, None, read_netcdf(paths.COVARIATES))
        found["seconds"][name] = round(time.process_time() - start, 1)
        found["crps"] |= errors(scores["loss"], scores["area"])
        write_json(found, paths.CLASSICAL)
        print(name, found["seconds"][name], found["crps"][name], flush=True)
    write_json(found, paths.CLASSICAL)
    put("classical regions", table(found))


if __name__ == "__main__":
    main()
