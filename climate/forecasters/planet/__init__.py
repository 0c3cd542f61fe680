"""Forecasters trained on many places and applied to any."""
