"""Temperature under pathways of CO2."""
