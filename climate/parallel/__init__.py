"""Tasks on several processes or machines."""
