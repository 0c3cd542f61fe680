"""Forecasts from rolling origins, of one region or of panels of many."""
