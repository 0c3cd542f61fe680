"""Stage `lstm`: hindcasts of one region by the networks."""

from __future__ import annotations

from climate import paths
from climate.files import read_netcdf, write_netcdf
from climate.forecasters.networks.settings import NetworkSettings
from climate.forecasters.registry import make
from climate.hindcast.rolling import planned_backtest
from climate.parallel.tasks import settled
from climate.params.params import load_params


def run(region: str) -> None:
    """Hindcast `region` with `lstm.models` of params.yaml."""
    params = load_params()
    params.check_region(region)
    settings = params.lstm.settings(NetworkSettings)
    table = planned_backtest(
        read_netcdf(paths.series_file(region)),
        read_netcdf(paths.COVARIATES),
        [make(name, settings) for name in params.lstm.models],
        params.backtest,
        settled(params.compute),
        # every process that trains a network imports TensorFlow and compiles the network first
        together=True,
    )
    write_netcdf(table, paths.forecast_file("lstm", region))
