"""Networks that one region's record trains, and their names."""
