"""Names, dimensions and units that every stage agrees on.

A *series* is one record on a month axis: `xarray.Dataset` with dimension `time` (month starts, datetime64[s],
proleptic Gregorian, no gaps) and the variables in `SERIES_VARIABLES`. A *forecast table* is a Dataset with
dimensions `model, origin, lead, quantile`.
"""

from __future__ import annotations

SERIES_VARIABLES = ("value", "uncertainty", "source", "site", "period", "interpolated")
"""value: in attrs["units"]; uncertainty: one standard error, same unit, NaN where unpublished; source, site, period:
strings, "" where there is no value; interpolated: bool, True where the publisher filled a gap."""

QUANTILES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Levels of every quantile forecast; 0.05 and 0.95 bound the central 90% interval."""

TIME_DTYPE = "datetime64[s]"

MONTHS_PER_YEAR = 12

MAX_LEADS = 60
"""Months ahead that networks, hybrids and the forecasters of the planet are estimated for."""
