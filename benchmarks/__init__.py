"""Measurements, run by hand; see README.md."""

import climate  # noqa: F401 - before NumPy: it chooses threads and instructions
