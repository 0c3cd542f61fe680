"""What the slides read of the stages before."""

from __future__ import annotations

import yaml

from climate import paths
from climate.files import read_json, read_netcdf
from climate.params.params import PARAMS_FILE, Params
from climate.report.inputs import ReportInputs


def read_inputs(params: Params) -> ReportInputs:
    """Series, forecasts, scores, seams and provenance; skipped regions are named with their reasons."""
    series = {region: read_netcdf(paths.series_file(region)) for region in params.regions}
    skipped = {region: str(one.attrs["skipped"]) for region, one in series.items() if "skipped" in one.attrs}
    kept = [region for region in params.regions if region not in skipped]
    return ReportInputs(
        title=params.report.title,
        params=yaml.safe_load(PARAMS_FILE.read_text(encoding="utf-8")),
        provenance=[read_json(paths.DATA / source / "provenance.json") for source in params.pull.sources],
        series={region: series[region] for region in kept},
        forecasts={region: read_netcdf(paths.forecast_file("combined", region)) for region in kept},
        scores=read_netcdf(paths.SCORES),
        seams=read_netcdf(paths.SEAMS),
        groups=read_netcdf(paths.GROUPS),
        skipped=skipped,
    )
