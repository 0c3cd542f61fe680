"""Combinations of forecasts and the calibration of their intervals."""
