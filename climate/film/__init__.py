"""The story of one record as a film of about a minute: frames from xarray objects, and their bytes."""
