"""Forecasters that learn from many places and forecast any."""
