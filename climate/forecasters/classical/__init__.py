"""Classical statistical models: naive, trend and statsmodels baselines, and ridge regression."""
