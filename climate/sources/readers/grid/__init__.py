"""Gridded fields in CF NetCDF: any names, order and calendar of the axes, opened without reading the values."""
