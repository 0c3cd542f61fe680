"""Forecasters: each learns from a history that ends at the origin and gives quantiles for every lead."""
