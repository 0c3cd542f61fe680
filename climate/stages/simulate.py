"""Stage `simulate`: size and power of the tests that the score stage makes."""

from __future__ import annotations

from climate import paths
from climate.files import write_netcdf
from climate.params.params import load_params
from climate.simulation import simulate


def run() -> None:
    """Simulate the design of this run's backtest and write build/simulation.nc."""
    params = load_params()
    plan = params.backtest
    write_netcdf(simulate(plan.origins, plan.every, params.score.blocks, params.score.significance), paths.SIMULATION)
