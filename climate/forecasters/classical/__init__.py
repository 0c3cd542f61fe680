"""The statsmodels baselines and their kin, and their names."""
