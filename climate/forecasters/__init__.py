"""Forecasters: each is fitted to a history that ends at the origin and returns quantiles for every lead."""
